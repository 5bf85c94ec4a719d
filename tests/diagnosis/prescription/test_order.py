"""The order in which examples come."""

import pytest

from tests.diagnosis.prescription.changing import changes

MANUAL = """
import torch
import numpy as np
for epoch in range(9):
    {order}
    for i in range(0, len(x), 8):
        xb, yb = x[{rows}], y[{rows}]
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
"""


class TestOrder:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("DataLoader(data, batch_size=8)", "DataLoader(data, batch_size=8, shuffle=True)"),
            ("DataLoader(data, 8, False)", "DataLoader(data, 8, True)"),
            ("DataLoader(data, shuffle=False, batch_size=8)", "DataLoader(data, shuffle=True, batch_size=8)"),
            ("DataLoader(data, sampler=SequentialSampler(data))", "DataLoader(data, shuffle=True)"),
        ],
    )
    def test_a_loader_shuffles(self, given: str, expected: str) -> None:
        source = f"""
from torch.utils.data import DataLoader, SequentialSampler
def loaders():
    return {given}, DataLoader(other)
train_loader, val_loader = loaders()
def train(loader):
    for x, y in loader:
        criterion(model(x), y).backward()
train(train_loader)
"""
        assert f"return {expected}, DataLoader(other)" in changes(source, "shuffle")[0]

    def test_rows_are_drawn(self) -> None:
        counted = MANUAL.format(order="order = torch.arange(len(x))", rows="order[i : i + 8]")
        assert changes(counted, "shuffle")[0] == counted.replace("arange", "randperm")
        counted = MANUAL.format(order="order = np.arange(len(x))", rows="order[i : i + 8]")
        assert changes(counted, "shuffle")[0] == counted.replace("arange", "random.permutation")

    def test_slices_are_of_a_permutation(self) -> None:
        found = changes(MANUAL.format(order="total = 0", rows="i : i + 8"), "shuffle")[0]
        assert "    order = torch.randperm(len(x))\n    for i in" in found
        assert "xb, yb = x[order[i : i + 8]], y[order[i : i + 8]]\n" in found

    def test_what_shuffles_is_left(self) -> None:
        assert changes(MANUAL.format(order="order = torch.randperm(len(x))", rows="order[i : i + 8]"), "shuffle") == []


def test_a_loader_in_a_dict_that_a_function_returns_is_shuffled() -> None:
    source = """
from torch.utils.data import DataLoader
def build(options):
    return {"train": DataLoader(Shapes(300), **options), "test": DataLoader(Shapes(80), **options)}
loaders = build(options)
for x, y in loaders["train"]:
    loss = criterion(model(x), y)
    loss.backward()
"""
    assert (
        'DataLoader(Shapes(300), **options, shuffle=True), "test": DataLoader(Shapes(80), **options)}'
        in (changes(source, "shuffle")[0])
    )
