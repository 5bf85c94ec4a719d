"""Held-out examples are prepared as training examples."""

import pytest

from tests.diagnosis.prescription.changing import changes, first_change
from tests.diagnosis.prescription.programs import program


def split(train: str, test: str, loop: str = "x_train", held_out: str = "x_test") -> str:
    return program(f"x_train, x_test = parts()\ny = load()\n{train}\n{test}", loop, held_out)


DATASET = """
import torch
from torch.utils.data import DataLoader, Dataset
class Rows(Dataset):
    def __init__(self, x, y=None, transform=None, mean=0.0, std=1.0):
        self.x, self.transform = x, transform
    def __getitem__(self, i):
        return self.transform(self.x[i])
class Scale:
    def __init__(self, x):
        self.most = x.max()
    def __call__(self, x):
        return x / self.most
def jitter(x):
    return x + 0.1 * torch.randn_like(x)
x_train, x_test = parts()
scale = Scale(x_train)
train = Rows({train})
held_out = Rows({test})
for x in DataLoader(train, batch_size=8):
    criterion(model(x), y).backward()
with torch.no_grad():
    for x in DataLoader(held_out, batch_size=8):
        model(x)
"""


class TestSameTransform:
    @pytest.mark.parametrize(
        ("train", "test", "expected"),
        [
            (
                "x_train = torch.tensor(x_train / 255)",
                "x_test = torch.tensor(x_test)",
                "x_test = torch.tensor(x_test / 255)",
            ),
            (
                "mean = x_train.mean(0)\nx_train = x_train - mean",
                "x_test = x_test - x_test.mean(0)",
                "x_test = x_test - mean",
            ),
            (
                "x_train = scaler.fit_transform(x_train)",
                "x_test = scaler.fit_transform(x_test)",
                "x_test = scaler.transform(x_test)",
            ),
            ("x_train = (x_train - 0.5) / 0.2", "", "x_test = (x_test - 0.5) / 0.2"),
            (
                "x_train = (x_train - x_train.mean(0)) / x_train.std(0)",
                "x_test = (x_test - x_test.mean(0)) / x_test.std(0)",
                "x_test = (x_test - mean) / std",
            ),
        ],
    )
    def test_held_out_data_go_through_it(self, train: str, test: str, expected: str) -> None:
        assert f"\n{expected}\n" in changes(split(train, test), "same-transform")[0]

    def test_nothing_is_said_where_they_do(self) -> None:
        source = split("x_train = torch.tensor(x_train) / 255", "x_test = torch.tensor(x_test) / 255")
        assert changes(source, "same-transform") == []

    def test_a_vocabulary_is_made_once(self) -> None:
        source = split("vocab = build(train_words)", "vocab = build(test_words)")
        assert "- vocab = build(test_words)" in first_change(source, "same-transform")

    @pytest.mark.parametrize(
        ("train", "test", "expected"),
        [
            ("x_train, transform=scale", "x_test", "x_test, transform=scale"),
            ("x_train, None, scale", "x_test", "x_test, transform=scale"),
            ("x_train, None, transform=Scale(x_train)", "x_test, transform=None", "x_test, transform=Scale(x_train)"),
            ("x_train, transform=lambda x: x / 9", "x_test, y", "x_test, y, transform=lambda x: x / 9"),
            ("x_train, mean=x_train.mean(), std=2.0", "x_test, mean=0", "x_test, mean=x_train.mean(), std=2.0"),
        ],
    )
    def test_held_out_examples_are_made_with_it(self, train: str, test: str, expected: str) -> None:
        source = DATASET.format(train=train, test=test)
        assert f"held_out = Rows({expected})" in first_change(source, "same-transform")[-1]

    def test_by_its_place_where_parameters_are_not_known(self) -> None:
        source = split("x_train = bought(x_train, lambda x: x / 9)", "x_test = bought(x_test)")
        assert first_change(source, "same-transform")[-1] == "+ x_test = bought(x_test, lambda x: x / 9)"

    @pytest.mark.parametrize("made", ["functools.partial(divide, 9)", "build_transform()"])
    def test_what_is_called_or_made_like_a_transform_is_one(self, made: str) -> None:
        source = DATASET.format(train="x_train, y=transform", test="x_test")
        source = f"import functools\ntransform = {made}\n{source}".replace("scale = ", "other = ")
        assert first_change(source, "same-transform")[-1] == "+ held_out = Rows(x_test, y=transform)"

    @pytest.mark.parametrize("given", ["Scale", "Scale(x_train)"])
    def test_data_are_no_transform(self, given: str) -> None:
        source = DATASET.format(train=f"x_train, y={given}", test="x_test")
        assert changes(source if given == "Scale" else source.replace("__call__", "most_of"), "same-transform") == []

    def test_what_acts_by_chance_is_for_training_alone(self) -> None:
        source = DATASET.format(train="x_train, transform=jitter", test="x_test")
        assert changes(source, "same-transform") == []

    def test_batches_are_prepared_in_both_loops(self) -> None:
        source = """
import torch
for x, y in loader:
    loss = criterion(model(scale(x)), y)
    loss.backward()
with torch.no_grad():
    for x, y in held_out:
        model(x)
"""
        assert first_change(source, "same-transform") == ["- model(x)", "+ model(scale(x))"]
