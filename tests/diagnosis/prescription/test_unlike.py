"""Held-out data that a fit, a flag or a collation of their own treats otherwise."""

import pytest

from tests.diagnosis.prescription.changing import changes, first_change


class TestFittedOnce:
    def test_what_was_fitted_to_training_data_serves_held_out_data(self) -> None:
        source = """
        scaler = Standardizer().fit(train_x)
        train_x = scaler(train_x)
        test_x = Standardizer().fit(test_x)(test_x)
        """
        assert first_change(source, "same-transform") == [
            "- test_x = Standardizer().fit(test_x)(test_x)",
            "+ test_x = scaler(test_x)",
        ]

    def test_what_is_made_of_data_and_not_used_with_them_is_left(self) -> None:
        source = """
        train_loader = make_loader(train_x)
        test_loader = make_loader(test_x)
        """
        assert changes(source, "same-transform") == []


class TestWhateverTheFlag:
    def test_what_is_no_chance_comes_before_it(self) -> None:
        source = """
        class Digits(Dataset):
            def __getitem__(self, i):
                x = self.x[i]
                if self.train:
                    x = x / 16
                    x = x + 0.1 * torch.randn_like(x)
                return x, self.y[i]
        """
        assert first_change(source, "same-transform") == [
            "+ x = x / 16",
            "- x = x / 16",
        ]

    def test_the_other_branch_does_the_same(self) -> None:
        source = """
        class Digits(Dataset):
            def __init__(self, x, train):
                if train:
                    self.x = (x - 8) / 8
                else:
                    self.x = x / 255
        """
        assert first_change(source, "same-transform") == ["- self.x = x / 255", "+ self.x = (x - 8) / 8"]

    def test_augmentation_stays_within_training(self) -> None:
        source = """
        class Digits(Dataset):
            def __getitem__(self, i):
                x = self.x[i]
                if self.train:
                    x = x + 0.1 * torch.randn_like(x)
                return x, self.y[i]
        """
        assert changes(source, "same-transform") == []


def test_held_out_batches_are_collated_as_training_batches() -> None:
    source = """
    from torch.utils.data import DataLoader
    train = DataLoader(pairs, batch_size=50, shuffle=True, collate_fn=scaled)
    test = DataLoader(others, batch_size=50, collate_fn=raw)
    for x, y in train:
        loss = criterion(model(x), y)
        loss.backward()
    """
    assert first_change(source, "same-transform") == [
        "- test = DataLoader(others, batch_size=50, collate_fn=raw)",
        "+ test = DataLoader(others, batch_size=50, collate_fn=scaled)",
    ]


LOADED = """
def load_herbarium(images):
    x = torch.from_numpy(images).float().permute(0, 3, 1, 2) / 255
    return (x - 0.48) / 0.25

def load_field(images):
    x = torch.from_numpy(images[..., ::-1].copy()).float().permute(0, 3, 1, 2) / 255
    return x

def seed_of(images):
    return len(images)

seed = seed_of(images_val)
x, x_val = load_herbarium(images), load_field(images_val)
"""


def test_held_out_examples_are_loaded_by_the_function_for_training_examples() -> None:
    assert first_change(LOADED, "same-transform")[1] == (
        "+ x, x_val = load_herbarium(images), load_herbarium(images_val)"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("load_field(images_val)", "load_herbarium(images_val)"),
        ("load_field(images_val)", "load_field(images_val, 2)"),
        ("x, x_val = load_herbarium(images), load", "x = load_herbarium(images)\ndef held_out():\n    return load"),
        ("x, x_val = load_herbarium(images), load", "x = load_herbarium(images)\nfor each in days:\n    load"),
    ],
)
def test_not_where_they_are_loaded_alike_otherwise_or_elsewhere(old: str, new: str) -> None:
    assert changes(LOADED.replace(old, new), "same-transform") == []


@pytest.mark.parametrize(("name", "given"), [("EvalRows", "xb, yb"), ("OtherRows", "xte, yte")])
def test_held_out_examples_come_from_the_dataset_of_training_examples(name: str, given: str) -> None:
    source = f"""
    class TrainRows(Dataset):
        def __getitem__(self, i):
            return (self.x[i] - 50) / 30, self.y[i]

    class {name}(Dataset):
        def __getitem__(self, i):
            return self.x[i] / 100, self.y[i]

    loader, test = DataLoader(TrainRows(xtr, ytr), 50), DataLoader({name}({given}), 100)
    """
    assert f"DataLoader(TrainRows({given}), 100)" in changes(source, "same-transform")[0]


@pytest.mark.parametrize("chance", [False, True])
def test_what_training_does_not_go_over_is_held_out_whatever_its_name(chance: bool) -> None:
    source = f"""
    from torch.utils.data import DataLoader
    class Plate(Dataset):
        def __init__(self, counts):
            self.x = torch.tensor(counts).log1p() {"+ torch.randn(9)" if chance else ""}

    class Viewer(Dataset):
        def __getitem__(self, i):
            return torch.as_tensor(self.counts[i], dtype=torch.float32)

    later = Viewer(measure(2))
    first, second = DataLoader(Plate(measure(1))), DataLoader(later)
    for x, y in first:
        loss = criterion(model(x), y)
        loss.backward()
    """
    assert any("later = Plate(measure(2))" in each for each in changes(source, "same-transform")) is not chance


def test_not_where_that_changes_them_by_chance() -> None:
    source = LOADED.replace("(x - 0.48)", "(x - torch.rand(1))")
    assert not any("load_herbarium(images_val)" in each for each in changes(source, "same-transform"))


def test_what_all_of_a_branch_does_is_done_to_all() -> None:
    source = """
    class Digits(Dataset):
        def __getitem__(self, i):
            x = self.x[i]
            if self.train:
                x = x - 8
                x = x / 8
            return x, self.y[i]
    """
    assert [each for each in first_change(source, "same-transform") if "if" in each] == ["- if self.train:"]
