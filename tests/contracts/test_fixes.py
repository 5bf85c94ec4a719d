"""What every remedy, and every fix of a program's source, promises."""

from pathlib import Path

import pytest

from gradus.diagnosis.prescription.edits import difference
from gradus.diagnosis.prescription.fixes import FIXES, Case
from gradus.diagnosis.prescription.prescribe import load_fixes, read_program
from gradus.diagnosis.remedies import BY_ID, CARDS

load_fixes()

WORDS_ONLY = {
    "read-causes": "a symptom: which of its causes it is decides what to change",
    "broadcast-start": "how replicas come to differ lies in how the processes are launched",
    "revive-units": "units are revived while a run goes on; the next one is begun better by `initialize`",
    "even-load": "what a slow process does before its backward pass is the machine's or the data's business",
}
"""Remedies that no change of the source can stand for, with the reason."""

EVERY = [(remedy, function) for remedy, functions in FIXES.items() for function in functions]

HEALTHY = """
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.body = nn.ModuleList([nn.Linear(4, width), nn.Linear(width, width)])
        self.norm = nn.BatchNorm1d(width)
        self.head = nn.Linear(width, 3)

    def forward(self, x):
        for layer in self.body:
            x = F.relu(layer(x))
        x = F.dropout(self.norm(x), 0.1, training=self.training)
        return self.head(x.flatten(1))


torch.manual_seed(0)
x = torch.randn(300, 4)
y = x.argmax(1).clamp(max=2)
x_train, x_test, y_train, y_test = x[:200], x[200:], y[:200], y[200:]
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=20, shuffle=True)
model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(3):
    model.train()
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(criterion(model(x_test), y_test).item())
"""

ALWAYS_POSSIBLE = {
    "add-residual", "balance", "clean-data", "clean-labels", "clip-gradient", "dropout", "early-stopping", "enlarge",
    "flip-sign", "group-norm", "leaky", "lower-learning-rate", "normalize-layers", "raise-learning-rate", "range-test",
    "scale-targets", "schedule", "sigmoid-output", "train-longer", "weight-decay",
}  # fmt: skip
"""What can be written into a healthy program as well: only the finding says that it is needed."""


def test_every_remedy_can_be_written_or_stands_among_those_that_cannot() -> None:
    promised = {each for remedies in BY_ID.values() for each in remedies}
    without = promised - set(FIXES)
    assert without == set(WORDS_ONLY) & promised, "write a fix, or the reason why there is none"


def test_every_fix_is_for_a_remedy_that_some_cause_asks_for() -> None:
    assert not {remedy for remedy, _ in EVERY} - set(CARDS)


@pytest.mark.parametrize(("remedy", "function"), EVERY, ids=[f"{remedy}-{each.__name__}" for remedy, each in EVERY])
class TestEveryFix:
    def test_says_what_it_writes(self, remedy: str, function: object) -> None:
        words = function.__doc__ or ""
        assert words.rstrip().endswith("."), "one line of what the source becomes"

    @pytest.mark.parametrize("source", ["", "import torch\n", "class A:\n    def backward(self):\n        pass\n"])
    def test_proposes_nothing_for_a_program_that_trains_nothing(
        self, remedy: str, function: object, source: str
    ) -> None:
        assert proposed(source, remedy, function) == []

    def test_leaves_a_program_alone_that_has_what_it_adds(self, remedy: str, function: object) -> None:
        if remedy not in ALWAYS_POSSIBLE:
            assert proposed(HEALTHY, remedy, function) == []


def proposed(source: str, remedy: str, function: object) -> list[str]:
    program = read_program(Path("script.py"), source.encode())
    assert program is not None
    assert callable(function)
    causes = [cause for cause, remedies in BY_ID.items() if remedy in remedies]
    return [
        difference(program, edits)
        for cause in causes
        for edits in function(Case(program=program, cause=cause))
        if edits
    ]
