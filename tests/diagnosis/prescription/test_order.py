"""The order in which examples come."""

import pytest

from tests.diagnosis.prescription.changing import changes, first_change

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
            ("DataLoader(data, sampler=InOrder(data))", "DataLoader(data, shuffle=True)"),
            ("DataLoader(data, shuffle=not train)", "DataLoader(data, shuffle=True)"),
            (
                "DataLoader(data, batch_sampler=BatchSampler(SequentialSampler(data), 8, False))",
                "DataLoader(data, batch_sampler=BatchSampler(RandomSampler(data), 8, False))",
            ),
        ],
    )
    def test_a_loader_shuffles(self, given: str, expected: str) -> None:
        source = f"""
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler
class InOrder:
    def __iter__(self):
        yield from labels.argsort()
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


ARRAYS = """
import torch
from torch.utils.data import DataLoader, IterableDataset
model = torch.nn.Linear(4, 2)
x = torch.randn(80, 4)
y = (x[:, 0] > 0).long()
criterion = torch.nn.CrossEntropyLoss()
"""
STEP = """
    loss.backward()
    optimizer.step()
"""


@pytest.mark.parametrize(
    "batches",
    [
        "parts = [(x[i : i + 8], y[i : i + 8]) for i in range(0, len(x), 8)]\nfor a, b in parts:",
        "parts = list(zip(torch.split(x, 8), torch.split(y, 8)))\nfor a, b in parts:",
        (
            "def cut(one, other, size):\n    i = 0\n    while i < len(one):\n"
            "        yield one[i : i + size], other[i : i + size]\n        i += size\nfor a, b in cut(x, y, 8):"
        ),
        "for step in range(100):\n    r = torch.arange(8 * step, 8 * step + 8) % len(x)\n    a, b = x[r], y[r]",
        (
            "class Stream(IterableDataset):\n    def __init__(self, x, y):\n        self.x, self.y = x, y\n"
            "    def __iter__(self):\n        yield from zip(self.x, self.y)\n"
            "for a, b in DataLoader(Stream(x, y), batch_size=8):"
        ),
    ],
)
def test_examples_are_shuffled_once_where_batches_are_cut_in_another_way(batches: str) -> None:
    source = f"{ARRAYS}{batches}\n    loss = criterion(model(a), b){STEP}"
    assert first_change(source, "shuffle") == ["+ order = torch.randperm(len(x))", "+ x = x[order]", "+ y = y[order]"]


def test_a_sampler_of_batches_goes_through_indices_at_random() -> None:
    source = f"""{ARRAYS}
class Batches:
    def __init__(self, n):
        self.n = n
    def __iter__(self):
        rows = list(range(self.n))
        for i in range(0, self.n, 8):
            yield rows[i : i + 8]
for a, b in DataLoader(data, batch_sampler=Batches(80)):
    loss = criterion(model(a), b){STEP}"""
    assert first_change(source, "shuffle") == [
        "- rows = list(range(self.n))",
        "+ rows = list(torch.randperm(self.n).tolist())",
    ]


@pytest.mark.parametrize(
    ("before", "call", "expected"),
    [
        ("def make(d, shuffle=False):", "make(data)", "make(data, shuffle=True)"),
        ("def make(d, shuffle):", "make(data, False)", "shuffle=True)"),
        ("def make(d, shuffle=True):", "make(data, shuffle=True)", ""),
    ],
)
def test_what_a_function_is_told_of_shuffling(before: str, call: str, expected: str) -> None:
    source = f"""{ARRAYS}
{before}
    return DataLoader(d, batch_size=8, shuffle=shuffle)
for a, b in {call}:
    loss = criterion(model(a), b){STEP}"""
    assert [expected in each for each in changes(source, "shuffle")] == ([True] if expected else [])


def test_options_of_a_loader_say_it() -> None:
    source = f"{ARRAYS}options = dict(batch_size=8, shuffle=False)\nfor a, b in DataLoader(data, **options):\n"
    source += f"    loss = criterion(model(a), b){STEP}"
    assert first_change(source, "shuffle")[1] == "+ options = dict(batch_size=8, shuffle=True)"
    written = source.replace("dict(batch_size=8, shuffle=False)", '{"shuffle": False}')
    assert first_change(written, "shuffle")[1] == '+ options = {"shuffle": True}'
