"""Where training data end, and labels that are taken apart from their inputs."""

import pytest

from tests.diagnosis.prescription.changing import changes, first_change
from tests.diagnosis.prescription.programs import program


class TestSplits:
    def test_training_ends_where_held_out_begins(self) -> None:
        source = program("x, y = load()", "x[:90]").replace("y[:80]", "y[:90]")
        assert "TensorDataset(x[:80], y[:80])" in changes(source, "split-again")[0]

    def test_the_training_part_is_used(self) -> None:
        source = """
from torch.utils.data import DataLoader, random_split
train_set, val_set = random_split(dataset, [80, 20])
loader = DataLoader(dataset, batch_size=8)
for x, y in loader:
    criterion(model(x), y).backward()
"""
        assert "DataLoader(train_set, batch_size=8)" in changes(source, "split-again")[0]


class TestLabels:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("x = x[order]\ny = rng.permutation(y)", "x = x[order]\ny = y[order]"),
            ("x = x[keep]\ny = y[: len(x)]", "x = x[keep]\ny = y[keep]"),
            ("x, y = x[order], y[torch.randperm(100)]", "x, y = x[order], y[order]"),
            ("np.random.shuffle(y)", None),
            ("y = y[torch.randperm(len(y))]", None),
            ("order = torch.randperm(100)\nx = x[order]", "order = torch.randperm(100)\nx = x[order]\ny = y[order]"),
            ("y = table[:, -1].copy()\nrng.shuffle(table)", "rng.shuffle(table)\ny = table[:, -1].copy()"),
        ],
    )
    def test_go_with_their_inputs(self, before: str, after: str | None) -> None:
        source = program(f"x, y = load()\n{before}\nx = x + 0")
        expected = program(f"x, y = load()\n{after}\nx = x + 0" if after else "x, y = load()\nx = x + 0")
        assert changes(source, "check-labels")[0] == expected

    def test_are_looked_up_by_them(self) -> None:
        for label, found in (("y", True), ("y[x]", False)):
            source = program(f"x, y = load()\norder = torch.randperm(100)\nx = x[order]\nprint({label})\nx = x + 0")
            assert bool(changes(source, "check-labels")) is found

    def test_are_drawn_by_the_rows_of_the_inputs(self) -> None:
        source = (
            "import torch\ndef batch():\n    i = torch.randint(9, (4,))\n    return x[i], y[torch.randint(9, (4,))]\n"
        )
        assert first_change(source, "check-labels")[-1] == "+ return x[i], y[i]"

    def test_are_split_with_them(self) -> None:
        source = """
from sklearn.model_selection import train_test_split
x_train, x_test = train_test_split(x, test_size=0.2)
y_train, y_test = train_test_split(y, test_size=0.2)
"""
        assert "+ x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2)" in first_change(
            source, "check-labels"
        )
