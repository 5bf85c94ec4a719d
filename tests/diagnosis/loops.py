"""Small loops under watch, and what is read off them."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from gradus.diagnosis.signs import LoopSigns
from tests.diagnosis.test_probe import X, Y, probing

STEPS = 12


def perceptron(*, norm: bool = False) -> nn.Sequential:
    torch.manual_seed(0)
    middle: nn.Module = nn.BatchNorm1d(16) if norm else nn.Tanh()
    return nn.Sequential(nn.Linear(3, 16), middle, nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))


def signs_of(model: nn.Module, body: Callable[[int], object], *, everything: bool = False) -> LoopSigns:
    with probing(*([] if everything else [model])) as probe:
        for step in range(STEPS):
            body(step)
    return probe.history.loop


def error(model: nn.Module) -> Tensor:
    return F.mse_loss(model(X), Y)


def cleared_before(model: nn.Module, sgd: Optimizer) -> None:
    sgd.zero_grad()
    error(model).backward()
    sgd.step()
