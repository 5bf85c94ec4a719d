"""Labels that are read in another order than their inputs."""

import textwrap

import pytest

from tests.diagnosis.prescription.changing import changes, first_change


class TestOneIndex:
    def test_the_label_goes_by_the_index_of_the_input(self) -> None:
        source = """
        class Shuffled(Dataset):
            def __getitem__(self, i):
                j = self.order[i]
                return self.images[j] / 255, self.labels[i]
        """
        assert first_change(source, "check-labels") == [
            "- return self.images[j] / 255, self.labels[i]",
            "+ return self.images[j] / 255, self.labels[j]",
        ]

    def test_a_label_that_is_one_off(self) -> None:
        source = """
        class Recordings(Dataset):
            def __getitem__(self, i):
                x = self.audio[i].float()
                return {"audio": x, "label": self.labels[i - 1]}
        """
        assert first_change(source, "check-labels")[1] == '+ return {"audio": x, "label": self.labels[i]}'

    def test_of_a_dataset_that_is_in_order_is_left(self) -> None:
        source = """
        class Files(Dataset):
            def __getitem__(self, i):
                return self.files[self.names[i]], self.labels[i]
        """
        assert changes(source, "check-labels") == []


class TestOneOrder:
    def test_values_of_a_table_go_by_the_keys_of_the_inputs(self) -> None:
        source = """
        numbers = sorted(answers)
        x = torch.tensor([answers[k] for k in numbers])
        y = torch.tensor(list(band.values()))
        """
        assert first_change(source, "check-labels") == [
            "- y = torch.tensor(list(band.values()))",
            "+ y = torch.tensor([band[k] for k in numbers])",
        ]

    @pytest.mark.parametrize(
        ("alone", "without"),
        [
            ("names = sorted(files)", "names = list(files)"),
            ("labels = [label[k] for k in sorted(keys)]", "labels = [label[k] for k in keys]"),
            ('outcome = table.sort_values("id").reset_index(drop=True)', "outcome = table"),
            ("labels = labels[::-1]", "labels = labels"),
            ("y = torch.roll(y, 1)", "y = y"),
        ],
    )
    def test_what_one_of_both_goes_through_is_left_out(self, alone: str, without: str) -> None:
        assert first_change(f"import torch\n{alone}\n", "check-labels") == [f"- {alone}", f"+ {without}"]

    def test_what_both_go_through_is_not(self) -> None:
        source = """
        images = sorted(open_folder("images"))
        masks = sorted(open_folder("masks"))
        classes = sorted(set(labels))
        """
        assert changes(source, "check-labels") == []


class TestOneDraw:
    def test_an_index_that_is_shuffled_again_in_between(self) -> None:
        source = """
        for epoch in range(9):
            random.shuffle(rows)
            x = inputs[rows]
            random.shuffle(rows)
            y = labels[rows]
        """
        assert first_change(source, "check-labels") == ["- random.shuffle(rows)"]

    def test_a_permutation_for_each(self) -> None:
        source = """
        def prepare(rng):
            x = table[rng.permutation(len(table))]
            y = torch.tensor(classes[rng.permutation(len(table))])
            return x, y
        """
        assert textwrap.dedent("""
        def prepare(rng):
            order = rng.permutation(len(table))
            x = table[order]
            y = torch.tensor(classes[order])
            return x, y
        """) in changes(source, "check-labels")

    @pytest.mark.parametrize(
        ("drawn", "left_out"),
        [
            ("y = y[torch.randperm(len(y))]", True),
            ("x = x[torch.randperm(len(x))]", True),
            ("z = y[torch.randperm(len(y))]", False),
        ],
    )
    def test_a_batch_of_which_one_of_both_is_drawn_anew(self, drawn: str, left_out: bool) -> None:
        source = f"""
        for x, y in loader:
            {drawn}
            step(x, y)
        """
        assert bool(changes(source, "check-labels")) is left_out
        assert not left_out or first_change(source, "check-labels") == [f"- {drawn}"]

    def test_inputs_that_are_shuffled_in_place_take_their_labels_along(self) -> None:
        source = """
        import numpy as np
        features = load()
        classes = load_classes()
        np.random.shuffle(features)
        """
        assert first_change(source, "check-labels") == [
            "- np.random.shuffle(features)",
            "+ order = np.random.permutation(len(features))",
            "+ features, classes = features[order], classes[order]",
        ]

    def test_of_lists_too(self) -> None:
        source = """
        import random
        texts = load()
        labels = load_labels()
        random.shuffle(texts)
        """
        assert changes(source, "check-labels")[0].splitlines()[-3:] == [
            "pairs = list(zip(texts, labels))",
            "random.shuffle(pairs)",
            "texts, labels = map(list, zip(*pairs))",
        ]


class TestKeptRows:
    @pytest.mark.parametrize(
        ("data", "expected"),
        [
            (
                "x = np.unique(x, axis=0)\ny = y[: len(x)]",
                "x, kept = np.unique(x, axis=0, return_index=True)\ny = y[kept]",
            ),
            (
                "x = x[np.isfinite(x).all(1)]\nprint(len(x))\ny = y[: x.shape[0]]",
                "kept = np.isfinite(x).all(1)\nx = x[kept]\nprint(len(x))\ny = y[kept]",
            ),
            ("kind = kind[good]\nn = len(kind)\nz = z[:n]", "kind = kind[good]\nn = len(kind)\nz = z[good]"),
            ("x = x.dropna()\ny = y[: len(x)]", "x = x.dropna()\ny = y.loc[x.index]"),
        ],
    )
    def test_their_labels_are_kept(self, data: str, expected: str) -> None:
        assert f"import numpy as np\n{expected}\n" in changes(f"import numpy as np\n{data}\n", "check-labels")

    @pytest.mark.parametrize("where", ["for part in parts:", "class Batch:"])
    def test_rows_of_a_part_or_in_a_class_are_left(self, where: str) -> None:
        source = f"import numpy as np\n{where}\n    x = np.unique(x, axis=0)\n    y = y[: len(x)]\n"
        assert changes(source, "check-labels") == []

    @pytest.mark.parametrize(
        ("kept", "cut"),
        [
            ("x = np.unique(z, axis=0)", "y[: len(x)]"),
            ("x = np.abs(x, out)", "y[: len(x)]"),
            ("x, z = np.unique(x, axis=0), 0", "y[: len(x)]"),
            ("x = x[:, 1:]", "y[: len(x)]"),
            ("x = z[good]", "y[: len(x)]"),
            ("x = z.dropna()", "y[: len(x)]"),
            ("x = x.reset_index()", "y[: len(x)]"),
            ("x = np.unique(x, axis=0)", "y[1 : len(x)]"),
            ("x = np.unique(x, axis=0)", "y[: len(x) : 2]"),
        ],
    )
    def test_what_is_no_choice_of_rows_is_left(self, kept: str, cut: str) -> None:
        assert changes(f"import numpy as np\n{kept}\ny = {cut}\n", "check-labels") == []

    def test_what_is_cut_alike_is_left(self) -> None:
        assert changes("import numpy as np\nx = x[:n]\ny = y[:n]\nz = z[:, good]\n", "check-labels") == []
        assert changes("x = x[good(x)]\nx = x[: len(x) // 2]\ny = y[:100]\nz = y[:n]\n", "check-labels") == []


def test_what_is_rolled_along_features_keeps_its_label() -> None:
    assert changes("import numpy as np\nx = np.roll(x, 1, axis=1)\n", "check-labels") == []


FEATURES = """
import torch
from torch.utils.data import DataLoader, TensorDataset
def features(loader):
    return torch.cat([backbone(x) for x, _ in loader])
loader = DataLoader(dataset, 32, shuffle=True)
{rest}
    loss = torch.nn.functional.cross_entropy(model(x), y)
    loss.backward()
"""


class TestGathered:
    @pytest.mark.parametrize(
        "rest",
        [
            "for x, y in DataLoader(TensorDataset(kept, dataset.labels), 32, shuffle=True):",
            "for rows in torch.randperm(len(kept)).split(32):\n    x, y = kept[rows], dataset.labels[rows]",
        ],
    )
    def test_features_are_in_the_order_of_the_labels(self, rest: str) -> None:
        assert first_change(FEATURES.format(rest=f"kept = features(loader)\n{rest}"), "check-labels") == [
            "- loader = DataLoader(dataset, 32, shuffle=True)",
            "+ loader = DataLoader(dataset, 32)",
        ]

    @pytest.mark.parametrize(
        "rest",
        [
            "kept = features(loader)\nfor x, y in loader:",
            "for each in range(9):\n    losses = [step(x, y) for x, y in loader]\ndef step(x, y):",
        ],
    )
    def test_batches_that_are_trained_on_are_left(self, rest: str) -> None:
        assert changes(FEATURES.format(rest=rest), "check-labels") == []

    def test_every_loader_that_is_handed_over_is_put_in_order_once(self) -> None:
        rest = (
            "other = DataLoader(more, 32, shuffle=True)\nkept, again = features(loader), features(loader)\n"
            "new = features(other)\nfor x, y in batches:"
        )
        assert [each for each in first_change(FEATURES.format(rest=rest), "check-labels") if each[0] == "+"] == [
            "+ loader = DataLoader(dataset, 32)",
            "+ other = DataLoader(more, 32)",
        ]

    @pytest.mark.parametrize(("done", "kept"), [("kept.append(backbone(x))", True), ("print(backbone(x))", False)])
    def test_a_loop_gathers_what_it_appends(self, done: str, kept: bool) -> None:
        rest = f"kept = []\nfor x, y in loader:\n    {done}\nfor x, y in batches:"
        assert bool(changes(FEATURES.format(rest=rest), "check-labels")) is kept
