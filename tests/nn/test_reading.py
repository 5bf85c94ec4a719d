"""What follows each layer, told from operations."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from scipy import integrate, stats
from torch import Tensor, nn
from torch.nn import functional as F

from gradus.nn.reading import Meeting, measured, read


class Net(nn.Module):
    """A layer, something, another layer."""

    def __init__(self, after: Callable[[Tensor], Tensor], *modules: nn.Module) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.between = nn.Sequential(*modules)
        self.after = after
        self.second = nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Any:
        return self.second(self.after(self.between(self.first(x))))


def met(after: Callable[[Tensor], Tensor], *modules: nn.Module) -> Meeting:
    return read(Net(after, *modules), [torch.zeros(2, 3, 8, 8)]).meetings["first"]


class Swish(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(x)


class Scale(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * x + 1


@pytest.mark.parametrize(
    ("after", "what", "leak"),
    [
        (F.relu, "relu", 0.0),
        (torch.relu_, "relu", 0.0),
        (lambda x: x.clamp(min=0), "relu", 0.0),
        (F.relu6, "relu", 0.0),
        (lambda x: F.leaky_relu(x, 0.2), "leaky_relu", 0.2),
        (F.leaky_relu, "leaky_relu", 0.01),
        (nn.PReLU(8, init=0.3).eval(), "prelu", 0.3),
        (torch.tanh, "tanh", 0.0),
        (torch.sigmoid, "sigmoid", 0.0),
        (F.selu, "selu", 0.0),
        (nn.SELU(inplace=True), "selu", 0.0),
        (lambda x: x * torch.sigmoid(x.mean((2, 3), keepdim=True)), "gate", 0.0),
        (lambda x: x * torch.sigmoid(x.mean((2, 3)))[:, :, None, None], "gate", 0.0),
        (lambda x: x, "linear", 0.0),
        (lambda x: torch.softmax(x, 1), "output", 0.0),
    ],
)
def test_functional_and_inplace_activations_are_seen(after: Any, what: str, leak: float) -> None:
    meeting = met(after)
    assert (meeting.what, meeting.gain) == (what, None)
    assert meeting.leak == pytest.approx(leak)


def test_a_logistic_output_is_an_output() -> None:
    found = read(nn.Sequential(nn.Linear(4, 4), nn.Sigmoid(), nn.Linear(4, 1), nn.Sigmoid()), [torch.zeros(1, 4)])
    assert [found.meetings[place].what for place in ("0", "2")] == ["sigmoid", "output"]


def test_sees_through_what_does_not_bend() -> None:
    through = (nn.BatchNorm2d(8), nn.Dropout(), nn.GroupNorm(2, 8), Scale(), nn.Identity())
    assert met(lambda x: torch.tanh(F.avg_pool2d(x + x.flip(0), 2).transpose(2, 3)), *through).what == "tanh"


def self_gated(x: Tensor) -> Tensor:
    return x * torch.sigmoid(x)


@pytest.mark.parametrize(
    "activation", [F.gelu, F.silu, F.mish, F.elu, F.softplus, nn.Softsign(), Swish(), torch.sin, self_gated]
)
def test_other_activations_are_measured(activation: Any) -> None:
    def moment(z: float) -> float:
        return float(activation(torch.tensor(z, dtype=torch.float64)) ** 2 * stats.norm.pdf(z))

    gain = met(activation).gain
    assert gain == pytest.approx(1 / math.sqrt(integrate.quad(moment, -12, 12)[0]), rel=1e-6)


def test_rules_agree_with_what_is_measured() -> None:
    for activation, gain in (
        (F.relu, math.sqrt(2)),
        (F.selu, 1.0),
        (lambda z: F.leaky_relu(z, 0.2), math.sqrt(2 / 1.04)),
    ):
        found = measured("", activation)
        assert found is not None
        assert found.gain == pytest.approx(gain, rel=1e-6)


@pytest.mark.parametrize(("pieces", "moment"), [(2, 1.0), (4, 1 + math.sqrt(3) / math.pi)])
def test_the_largest_of_several_keeps_its_second_moment(pieces: int, moment: float) -> None:
    class Maxout(nn.Module):
        def forward(self, x: Tensor) -> Any:
            return x.unflatten(1, (-1, pieces)).amax(2)

    layer = nn.Sequential(nn.Linear(3, 8), Maxout(), nn.Linear(8 // pieces, 2))
    gain = read(layer, [torch.zeros(1, 3)]).meetings["0"].gain
    assert gain == pytest.approx(1 / math.sqrt(moment), rel=1e-6)  # of order statistics: Jones (1948)


def test_a_pixel_shuffle_is_seen_on_either_side_of_the_activation() -> None:
    class Up(nn.Module):
        def __init__(self, *layers: nn.Module) -> None:
            super().__init__()
            self.net = nn.Sequential(nn.Conv2d(3, 9 * 2, 3), *layers, nn.Conv2d(2, 1, 3))

        def forward(self, x: Tensor) -> Any:
            return self.net(x)

    for layers in ((nn.PixelShuffle(3), nn.ReLU()), (nn.ReLU(), nn.PixelShuffle(3))):
        found = read(Up(*layers), [torch.zeros(1, 3, 8, 8)]).meetings["net.0"]
        assert (found.what, found.shuffle) == ("relu", 3)


class Block(nn.Module):
    """As in residual networks, with or without a convolution on the shortcut."""

    def __init__(self, before: int, after: int, *, functional: bool = False) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after)
        self.conv2, self.bn2 = nn.Conv2d(after, after, 3, padding=1, bias=False), nn.BatchNorm2d(after)
        same = before == after
        self.short = nn.Identity() if same else nn.Sequential(nn.Conv2d(before, after, 1), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = F.dropout(self.bn2(self.conv2(out)), training=self.training)
        out += self.short(x)
        return F.relu(out, inplace=True)


def test_the_ends_of_residual_branches_are_found() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), Block(8, 8), Block(8, 16), Block(16, 16))
    assert read(net, [torch.zeros(2, 3, 8, 8)]).branch_ends == {"3.bn2", "4.bn2", "5.bn2"}


def test_two_long_branches_are_no_residual() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))
            self.b = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))

        def forward(self, x: Tensor) -> Any:
            return self.a(x) + self.b(x)

    assert read(Both(), [torch.zeros(2, 3, 8, 8)]).branch_ends == frozenset()


def test_without_an_example_modules_are_taken_in_order() -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 4), nn.GELU(), nn.Linear(4, 2))
    found = read(net, None)
    assert [found.meetings[place].what for place in ("0", "3", "5")] == ["tanh", "gelu", "output"]
    assert found.guess == "no example of the input was given"


def test_a_model_that_cannot_be_followed_is_guessed_and_says_why() -> None:
    class Asks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.act, self.out = nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Any:
            return self.out(self.act(self.layer(x))) if x.sum() > 0 else x

    found = read(Asks(), [torch.zeros(2, 4)])
    assert "it cannot be followed" in found.guess
    assert found.meetings["layer"].what == "relu"
