"""What is said below the table."""

from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradus.analysis.inspect import inspect
from gradus.analysis.receptive_field import Field
from gradus.analysis.summary import extent, stride, totals, warnings
from tests.analysis.networks import Calls, VisionTransformer, resnet50

IMAGE = (3, 64, 64)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: nn.Conv2d(3, 8, 3), "3, stride 1"),
        (lambda: nn.Conv2d(3, 8, (3, 5), (1, 2)), "3x5, stride 1x2"),
        (lambda: nn.ConvTranspose2d(3, 8, 4, 2, 1), "2, stride 0.5"),
        (resnet50, "427, stride 32, of 19 (Bottleneck); after it all of the input"),
    ],
)
def test_the_receptive_field_and_whose_it_is(build: Callable[[], nn.Module], said: str) -> None:
    assert totals(inspect(build(), (3, 512, 512)))["receptive field"] == said


def test_networks_that_see_all_or_have_no_positions() -> None:
    assert totals(inspect(VisionTransformer(), (3, 224, 224)))["receptive field"].startswith("all of the input")
    assert "receptive field" not in totals(inspect(nn.Linear(3, 2), (3,)))


def test_axes_that_differ_are_told_apart() -> None:
    moving, uneven = Field(5, 5, Fraction(2), Fraction(0)), Field(7, 7, None, Fraction(0))
    whole, still = Field(9, 9, whole=True), Field(3, 3)
    assert (extent([moving, moving]), stride([moving, moving])) == ("5", "2")
    assert (extent([moving, whole]), stride([moving, whole])) == ("5xall", "2x-")
    assert (extent([uneven, still]), stride([uneven, still])) == ("7x3", "unevenx-")
    assert (extent([still]), stride([still]), stride([whole])) == ("3", "", "")


def test_nothing_is_said_where_nothing_is_amiss() -> None:
    assert warnings(inspect(resnet50(), (3, 224, 224))) == []


@torch.library.custom_op("gradus_summary::odd", mutates_args=())
def odd(x: Tensor) -> Tensor:
    return x.clone()


@odd.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty_like(x)


def test_operations_that_are_not_known_are_named_with_their_places() -> None:
    assert warnings(inspect(nn.Sequential(*(Calls(odd) for _ in range(5))), IMAGE)) == [
        "not counted: gradus_summary::odd, 5 times, in 0, 1, 2 and 2 others",
        "receptive field: gradus_summary::odd, once, has no rule and was taken to see everything",
    ]
    assert warnings(inspect(Calls(odd), IMAGE))[0] == "not counted: gradus_summary::odd, once, in the model"


def test_gridding_is_told() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3, dilation=2), nn.Conv2d(4, 4, 3, dilation=2))
    assert warnings(inspect(model, IMAGE)) == [
        "receptive field: it has holes, the model sees 5 of 9 along axis 2 and 5 of 9 along axis 3 of the input"
    ]


class Misaligned(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wide, self.narrow = nn.Conv2d(3, 3, 5, padding=2), nn.Conv2d(3, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.wide(x) + F.pad(self.narrow(x), (0, 2, 0, 2))
        return y


def test_branches_apart_are_told_and_not_without_end() -> None:
    (said,) = warnings(inspect(Misaligned(), IMAGE))
    assert said.startswith(
        "receptive field: branches meet in the model with their centres apart, at 0 and 1 along axis "
    )
    said_of_many = warnings(inspect(nn.Sequential(*(Misaligned() for _ in range(6))), IMAGE))
    assert [each for each in said_of_many if "branches" in each][2].startswith("receptive field: branches meet in 2 ")
    assert said_of_many[3] == "and so in 3 other modules"


def test_a_pass_that_ends_early_in_training_only_is_told() -> None:
    class AsksInTraining(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * 2 if self.training and x.sum() > 0 else x + 1

    found = inspect(AsksInTraining(), (3,))
    assert warnings(found) == ["kept for backward: the pass in training mode could not be followed to its end"]
    assert totals(found)["kept for backward"] == "unknown"
