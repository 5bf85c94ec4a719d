"""Outputs in the units of targets."""

from dataclasses import replace

import pytest

from gradus.diagnosis.history import History
from gradus.diagnosis.signs import Examination, LossSigns
from tests.diagnosis.prescription.changing import changes, first_change

SEEN = LossSigns(value=5e6, kind="values", error=5e6, target_mean=200.0, target_std=50.0)


def history(loss: LossSigns = SEEN) -> History:
    return History(examinations=[Examination(step=0, losses=(loss,))])


def program(model: str = "Net()", optimizer: str = "Adam", result: str = "self.head(x)") -> str:
    return f"""
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        self.head = nn.Linear(3, 1)
    def forward(self, x):
        return {result}
    def loss(self, x, y):
        return (self(x) - y).pow(2).mean()
def build():
    return nn.Sequential(nn.Linear(3, 1))
model = {model}
optimizer = torch.optim.{optimizer}(model.parameters(), 0.01)
for x, y in batches():
    loss = model.loss(x, y)
    loss.backward()
    optimizer.step()
"""


def test_a_class_gives_them() -> None:
    assert first_change(program(), "scale-targets", history()) == [
        "- return self.head(x)",
        "+ return 50 * self.head(x) + 200",
    ]


def test_so_does_a_sequence() -> None:
    source = program("nn.Sequential(nn.Linear(3, 1))").replace("model.loss(x, y)", "distance(model(x), y)")
    hook = "model.register_forward_hook(lambda module, given, output: 50 * output + 200)"
    assert first_change(source, "scale-targets", history()) == [f"+ {hook}"]
    built = source.replace("model = nn.Sequential(nn.Linear(3, 1))", "net = build()").replace("model(", "net(")
    found = first_change(built.replace("model.", "net."), "scale-targets", history())
    assert found[-2:] == [f"+ {hook}", "+ return model"]


@pytest.mark.parametrize(("value", "unit"), [(5e6, "2.5e+03"), (2e3, "50")])
def test_steps_that_do_not_adapt_go_by_deviations(value: float, unit: str) -> None:
    found = first_change(program(optimizer="SGD"), "scale-targets", history(replace(SEEN, value=value)))
    assert f"+ (loss / {unit}).backward()" in found


@pytest.mark.parametrize("result", ["self.head(x), x", "{'y': self.head(x)}"])
def test_not_where_more_is_returned(result: str) -> None:
    assert changes(program(result=result), "scale-targets", history()) == []


def test_not_where_nothing_was_seen() -> None:
    assert changes(program(), "scale-targets", history(replace(SEEN, kind="classes"))) == []
