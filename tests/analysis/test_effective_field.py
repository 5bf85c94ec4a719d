import math

import pytest
import torch
from torch import Tensor, nn

from gradus.analysis.effective_field import effective_field
from gradus.analysis.receptive_field import receptive_fields
from gradus.core.errors import InputError
from gradus.core.graph import trace


def stack(depth: int) -> nn.Sequential:
    """Convolutions of equal positive weights, so that the field is the repeated convolution of a box."""
    layers = [nn.Conv2d(1, 1, 3, padding=1, bias=False) for _ in range(depth)]
    for each in layers:
        nn.init.constant_(each.weight, 1 / 9)
    return nn.Sequential(*layers)


def test_equal_weights_give_the_binomial_law_of_the_paper() -> None:
    """Section 2.2: influence is the distribution of a sum of uniform steps on {-1, 0, 1}."""
    depth = 6
    found = effective_field(stack(depth), (1, 41, 41))
    counts = torch.tensor([1.0], dtype=torch.float64)
    for _ in range(depth):
        counts = torch.nn.functional.conv1d(counts.view(1, 1, -1), torch.ones(1, 1, 3).double(), padding=2).flatten()
    law = torch.outer(counts, counts)
    inside = found.influence[20 - depth : 21 + depth, 20 - depth : 21 + depth]
    assert torch.allclose(inside, law / law.max(), atol=1e-6)
    assert found.influence.sum() == pytest.approx(float(inside.sum()))
    assert found.middle == (20, 20)
    assert found.size == math.sqrt(int((law / law.max() > 0.0455).sum()))


def test_it_grows_with_the_root_of_the_depth_and_the_theoretical_one_with_the_depth() -> None:
    sizes = [effective_field(stack(depth), (1, 101, 101)).size for depth in (10, 40)]
    assert sizes[1] / sizes[0] == pytest.approx(math.sqrt(4), rel=0.1)


def test_the_footprint_is_within_the_theoretical_field_of_the_layer() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 5, 2, 2),
        nn.ReLU(inplace=True),
        nn.Conv2d(8, 8, 3, dilation=2, padding=2),
        nn.ReLU(inplace=True),
    )
    field = effective_field(model, (3, 33, 33), layer="2", examples=32)
    seen = trace(model, [torch.empty(1, 3, 33, 33)])
    call = next(number for number, each in enumerate(seen.calls) if each.place == "2")
    rows = receptive_fields(seen).layers[call][0].positions(field.middle[0])
    assert (field.influence > 0).any(1).nonzero().flatten().tolist() == rows


def test_derivatives_of_several_channels_do_not_cancel() -> None:
    model = nn.Conv1d(1, 2, 2, bias=False)
    model.weight.data = torch.tensor([[[1.0, 2.0]], [[1.0, -2.0]]])
    influence = effective_field(model, (1, 2), examples=4000).influence  # roots of 1 + 1 and 4 + 4
    assert influence.tolist() == pytest.approx([0.5, 1.0], rel=0.05)


class Turned(nn.Module):
    """Maps with channels last, or tokens."""

    def __init__(self, *, tokens: bool) -> None:
        super().__init__()
        self.patches, self.norm, self.tokens = nn.Conv2d(3, 8, 4, 4), nn.LayerNorm(8), tokens

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.patches(x).permute(0, 2, 3, 1)
        out: Tensor = self.norm(y.flatten(1, 2) if self.tokens else y)
        return out


@pytest.mark.parametrize("tokens", [False, True])
def test_channels_may_come_last_and_positions_may_be_tokens(tokens: bool) -> None:
    found = effective_field(Turned(tokens=tokens), (3, 24, 32))
    assert found.middle == (3, 4)
    seen = found.influence > 0
    assert seen.any(1).nonzero().flatten().tolist() == [12, 13, 14, 15]
    assert seen.any(0).nonzero().flatten().tolist() == [16, 17, 18, 19]


def test_a_classifier_sees_all_and_sequences_have_one_axis() -> None:
    classifier = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    found = effective_field(classifier, torch.randn(2, 3, 9, 9))
    assert (found.middle, bool((found.influence > 0).all())) == ((), True)
    assert effective_field(nn.Conv1d(3, 4, 5), (3, 20)).size == 5


def test_the_model_comes_out_as_it_went_in() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    before, state = {name: each.clone() for name, each in model.state_dict().items()}, torch.get_rng_state()
    effective_field(model, (3, 9, 9))
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())
    assert all(each.training and not each._forward_hooks for each in model.modules())
    assert all(each.grad is None for each in model.parameters())
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("model", "shape", "layer", "message"),
    [
        (nn.Conv2d(3, 4, 3), (3, 9, 9), "body", "^layer: must be a module of the network, got `body`"),
        (nn.Linear(3, 4), (3,), "", "^input: must have positions"),
        (
            nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d((None, 1))),
            (3, 9, 9),
            "",
            "^layer: must tell positions",
        ),
        (nn.Conv2d(3, 4, 3, device="meta"), (3, 9, 9), "", "^model: must have its weights"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Threshold(1e9, 0)), (3, 9, 9), "", None),
    ],
)
def test_what_has_no_effective_field(model: nn.Module, shape: tuple[int, ...], layer: str, message: str | None) -> None:
    if message is None:
        assert effective_field(model, shape, layer=layer).size == 0  # nothing gets through
        return
    with pytest.raises(InputError, match=message):
        effective_field(model, shape, layer=layer)


class Counting(nn.Module):
    """Writes into a buffer and into a tensor that is none, in evaluation mode too."""

    mean: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))
        self.calls = torch.zeros(())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.mean.add_(x.mean().detach())
        self.calls.add_(1)
        return x


def test_what_a_model_writes_into_itself_is_taken_back() -> None:
    counting = Counting()
    effective_field(nn.Sequential(counting, stack(1)), (1, 9, 9))
    assert (float(counting.mean), float(counting.calls)) == (0, 0)
