"""Batch norm in front of a model, wherever the model is made."""

from dataclasses import replace

import pytest

from gradus.diagnosis.history import History
from gradus.diagnosis.signs import Examination, InputSigns
from tests.diagnosis.prescription.changing import changes, first_change


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
