"""The figures by name: from where they come, and when they are not known."""

import torch
from torch import Tensor, nn

from gradus.analysis.figures import FIGURES
from gradus.analysis.inspect import Inspection, inspect
from tests.analysis.networks import AsksForNumbers, Calls


def all_of(found: Inspection) -> dict[str, float | None]:
    return {name: figure.of(found) for name, figure in FIGURES.items()}


def test_each_is_what_its_name_says() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, (3, 5), bias=False), nn.ReLU())
    model[0].requires_grad_(False)
    out = 2 * 6 * 4
    assert all_of(inspect(model, (1, 8, 8))) == {
        "params": 30, "trainable": 0, "macs": 15 * out, "flops": 31 * out, "elementwise": out,
        "traffic": 4 * (64 + 30 + 3 * out), "saved": 0, "intensity": 31 * out / (4 * (64 + 30 + 3 * out)), "field": 5,
    }  # fmt: skip


def test_what_was_not_followed_is_not_known() -> None:
    known = {
        name for name, amount in all_of(inspect(AsksForNumbers(), torch.empty(2, 8))).items() if amount is not None
    }
    assert known == {"params", "trainable"}


@torch.library.custom_op("gradus_figures::odd", mutates_args=())
def odd(x: Tensor) -> Tensor:
    return x.clone()


@odd.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty_like(x)


def test_an_operation_without_a_formula_leaves_arithmetic_unknown() -> None:
    found = inspect(Calls(odd), (3, 4, 4))
    assert {name for name, amount in all_of(found).items() if amount is None} == {
        "macs", "flops", "elementwise", "intensity", "field",
    }  # fmt: skip
    assert FIGURES["macs"].written(found) == "?"
    assert FIGURES["traffic"].written(found) == "384 B"
