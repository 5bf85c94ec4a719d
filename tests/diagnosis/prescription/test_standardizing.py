"""Batch norm in front of a model, wherever the model is made."""

from dataclasses import replace
from pathlib import Path

import pytest

from gradus.core.findings import Finding
from gradus.diagnosis.history import History
from gradus.diagnosis.prescription.edits import apply
from gradus.diagnosis.prescription.fixes import FIXES, Case
from gradus.diagnosis.prescription.prescribe import load_fixes, read_program
from gradus.diagnosis.signs import Examination, InputSigns
from tests.diagnosis.prescription.changing import changes, first_change, lines


def seen(*shape: int) -> History:
    signs = InputSigns(shape=shape, mean=900.0, std=400.0, low=-5000.0, high=9000.0, varied=400.0)
    return History(examinations=[Examination(step=0, inputs=(signs,))])


def network(layer: str, compute: str = "return self.first(x)") -> str:
    return f"""
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = {layer}
    def forward(self, x):
        {compute}

class Trainer:
    def __init__(self, model):
        self.model = model
    def fit(self, loader):
        for batch in loader:
            loss = criterion(self.model(batch["x"]), batch["y"])
            loss.backward()

Trainer(Net()).fit(make())
"""


@pytest.mark.parametrize(
    ("layer", "shape", "norm", "use"),
    [
        ("nn.Linear(5, 2)", (32, 5), "BatchNorm1d(5", "self.normalize(x)"),
        ("nn.Conv2d(3, 8, 3)", (32, 3, 8, 8), "BatchNorm2d(3", "self.normalize(x)"),
        ("nn.Conv1d(2, 8, 3)", (32, 2, 50), "BatchNorm1d(2", "self.normalize(x)"),
        ("nn.GRU(4, 8, batch_first=True)", (32, 20, 4), "BatchNorm1d(4", "self.normalize(x.flatten(0, 1)).view_as(x)"),
    ],
)
def test_of_a_model_that_a_trainer_is_given(layer: str, shape: tuple[int, ...], norm: str, use: str) -> None:
    assert first_change(network(layer), "scale-inputs", seen(*shape)) == [
        f"+ self.normalize = nn.{norm}, affine=False)",
        f"+ x = {use}",
    ]


def test_of_convolutions_behind_a_transposition_over_features() -> None:
    found = first_change(
        network("nn.Conv1d(4, 8, 3)", "return self.first(x.transpose(1, 2))"), "scale-inputs", seen(32, 20, 4)
    )
    assert found[0] == "+ self.normalize = nn.BatchNorm1d(4, affine=False)"


def test_a_sequence_over_steps_is_left() -> None:
    source = network("nn.Linear(4, 2)").replace("Trainer(Net())", "Trainer(nn.Sequential(nn.Linear(4, 2)))")
    assert changes(source, "scale-inputs", seen(32, 20, 4)) == []


def test_inputs_of_an_ordinary_scale_are_not_blamed_for_what_layers_make_of_them() -> None:
    signs = InputSigns(shape=(32, 4), mean=0.1, std=1.1, low=-4.0, high=4.0, varied=1.0)
    for cause, seen_as, blamed in (
        ("saturated-units", signs, False),
        ("saturated-units", replace(signs, std=5.0), True),
        ("saturated-units", replace(signs, mean=3.0), True),
        ("saturated-units", replace(signs, spread=100.0), True),
        ("unscaled-inputs", signs, True),
    ):
        history = History(examinations=[Examination(step=0, inputs=(seen_as,))])
        assert bool(changes(network("nn.Linear(4, 8)"), "scale-inputs", history, cause)) is blamed


@pytest.mark.parametrize("cut", ["np.clip(frame, 0.0, 1.0)", "frame.clip(0, LIMIT)", "torch.clamp(frame, max=1.0)"])
def test_numbers_that_all_lie_beyond_a_limit_are_not_cut_off(cut: str) -> None:
    prepare = f"import numpy as np\nLIMIT = 1.0\ndef prepare(frame):\n    return {cut}\n"
    for low, high, expected in ((1.0, 1.0, [(True, True)]), (0.5, 0.5, []), (1.0, 3.0, [(False, True)])):
        signs = InputSigns(shape=(32, 4), mean=low, std=0.0, low=low, high=high)
        history = History(examinations=[Examination(step=0, inputs=(signs,))])
        found = changes(network("nn.Linear(4, 8)") + prepare, "drop-constants", history)
        assert [("return frame\n" in each, "BatchNorm1d(4" in each) for each in found] == expected


MISMATCH = Finding(
    symptom="train-validation-mismatch", severity="warning", confidence=0.9, where="", message="", since_step=0,
    said_at_step=0, evidence={"shift": 5.0, "scaled otherwise": 1.0},
)  # fmt: skip


def within(program: str, *shape: int, finding: Finding = MISMATCH) -> list[str]:
    """What the last of the changes adds."""
    load_fixes()
    read = read_program(Path("script.py"), program.encode())
    assert read is not None
    case = Case(program=read, cause=finding.symptom, findings=[finding], history=seen(*shape))
    found = [apply(edits, read.script) for function in FIXES["same-transform"] for edits in function(case) if edits]
    return lines(program, found[-1]) if found else []


@pytest.mark.parametrize("shape", [(32, 1, 8, 8), (32, 64), (32, 100, 4)])
def test_what_is_prepared_otherwise_is_scaled_within_the_model(shape: tuple[int, ...]) -> None:
    scaled = ["+ x = nn.functional.layer_norm(x, x.shape[1:])"]
    assert within(network("nn.Linear(4, 2)"), *shape) == scaled
    encoded = replace(MISMATCH, evidence={"encoded otherwise": 1.0})
    assert within(network("nn.Linear(4, 2)"), *shape, finding=encoded) == []


def test_columns_of_a_table_have_a_scale_each() -> None:
    assert within(network("nn.Linear(5, 2)"), 32, 5) == []


def test_in_a_row_of_layers_it_comes_behind_what_the_program_itself_does_first() -> None:
    row = "model = nn.Sequential(Rescale(1 / 255), nn.Conv2d(1, 8, 3))\nTrainer(model).fit(make())"
    made = within(network("nn.Linear(4, 2)").replace("Trainer(Net()).fit(make())", row), 32, 1, 8, 8)
    assert made[1] == (
        "+ model = nn.Sequential(Rescale(1 / 255), nn.GroupNorm(1, 1, eps=1e-12, affine=False), nn.Conv2d(1, 8, 3))"
    )
