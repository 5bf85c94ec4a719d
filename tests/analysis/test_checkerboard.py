"""Unevenness against closed forms, counts by hand, and a Fourier transform of what torch really makes."""

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from gradus.analysis.checkerboard import unevenness
from gradus.core.errors import InputError
from tests.analysis.networks import AsksForNumbers, Calls

Transposed = nn.ConvTranspose2d


def expected_share(kernels: tuple[int, ...], strides: tuple[int, ...]) -> float:
    """Along an axis r of s positions are written once more than the others, where r = k mod s."""
    evens = [k**2 / (k**2 + (k % s) * (s - k % s)) for k, s in zip(kernels, strides, strict=True)]
    return 1 - prod(evens)


def written(kernel: int, stride: int, padding: int = 0, dilation: int = 1, size: int = 64) -> list[int]:
    """How often each phase is, by writing every tap of every input position."""
    times = np.zeros(size * stride + kernel * dilation + padding, dtype=int)
    for position in range(size):
        for tap in range(kernel):
            times[position * stride + tap * dilation] += 1
    middle = size // 2 * stride
    return [int(each) for each in times[middle + padding : middle + padding + stride]]


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 6), st.integers(2, 4), st.integers(1, 6), st.integers(1, 4), st.integers(0, 2))
def test_taps_of_a_transposed_convolution(k: int, s: int, wide: int, step: int, padding: int) -> None:
    model = Transposed(3, 2, (k, wide), (s, step), padding=(min(padding, k - 1), 0))
    found = unevenness(model, (3, 24, 24))
    assert found.period == (s, step)
    assert found.taps == pytest.approx(expected_share((k, wide), (s, step)), abs=1e-12)
    assert (found.taps == 0) is (k % s == 0 and wide % step == 0)
    by_hand = np.outer(written(k, s, min(padding, k - 1)), written(wide, step))
    assert np.array_equal(found.counts.numpy(), by_hand)
    assert set(np.unique(found.counts)) <= {
        a * b for a in (k // s, -(-k // s)) for b in (wide // step, -(-wide // step))
    }


@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 2, 2), (2, 2, 3), (4, 2, 2), (3, 3, 2), (5, 4, 2)])
def test_taps_of_a_dilated_one(kernel: int, stride: int, dilation: int) -> None:
    found = unevenness(nn.ConvTranspose1d(1, 1, kernel, stride, dilation=dilation), (1, 32))
    times = written(kernel, stride, dilation=dilation)
    assert found.counts.tolist() == times
    assert found.taps == pytest.approx(np.var(times) / np.mean(np.square(times)), abs=1e-12)


def test_sequences_and_volumes() -> None:
    along = unevenness(nn.ConvTranspose1d(4, 2, 3, 2), (4, 16))
    volume = unevenness(nn.ConvTranspose3d(4, 2, (3, 4, 5), (2, 2, 3), groups=2), (4, 8, 8, 8))
    assert (along.period, along.counts.tolist()) == ((2,), [2, 1])
    assert along.taps == pytest.approx(0.1)
    assert volume.period == (2, 2, 3)
    assert volume.taps == pytest.approx(expected_share((3, 4, 5), (2, 2, 3)))


def test_one_after_another() -> None:
    """The first is written 2, 1, 2, 1, ...; the second adds its neighbours in pairs of 1 and 2, or does not."""
    uneven = nn.ConvTranspose1d(2, 4, 3, 2)
    mends = unevenness(nn.Sequential(uneven, nn.BatchNorm1d(4), nn.Tanh(), nn.ConvTranspose1d(4, 2, 4, 2)), (2, 32))
    keeps = unevenness(nn.Sequential(uneven, nn.BatchNorm1d(4), nn.Tanh(), nn.ConvTranspose1d(4, 2, 2, 2)), (2, 32))
    adds = unevenness(nn.Sequential(uneven, nn.BatchNorm1d(4), nn.Tanh(), nn.ConvTranspose1d(4, 2, 3, 2)), (2, 32))
    assert (mends.period, mends.counts.tolist(), mends.taps) == ((4,), [3, 3, 3, 3], 0)
    assert (keeps.period, keeps.counts.tolist()) == ((4,), [2, 2, 1, 1])
    assert (adds.period, adds.counts.tolist()) == ((4,), [3, 2, 3, 1])


NORMS: list[Callable[[], nn.Module]] = [
    lambda: nn.BatchNorm2d(4), lambda: nn.InstanceNorm2d(4, affine=True), lambda: nn.GroupNorm(2, 4),
]  # fmt: skip
ACTIVATIONS: list[Callable[[], nn.Module]] = [
    lambda: nn.ReLU(inplace=True), nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish,
    nn.Tanh, nn.Sigmoid, nn.Hardswish, lambda: nn.Hardswish(inplace=True), nn.Softplus, nn.Hardtanh, nn.RReLU,
]  # fmt: skip


@pytest.mark.parametrize("build", [*NORMS, *ACTIVATIONS])
def test_normalization_and_activation_do_not_change_counts(build: Callable[[], nn.Module]) -> None:
    model = nn.Sequential(Transposed(2, 4, 3, 2), build(), nn.Conv2d(4, 2, 1), nn.Dropout(0.5))
    if isinstance(norm := model[1], nn.BatchNorm2d):
        norm.running_mean = torch.randn(4)
        norm.running_var = torch.rand(4)
    found = unevenness(model, (2, 12, 12))
    assert found.counts.tolist() == [[4, 2], [2, 1]]
    assert found.taps == pytest.approx(0.19)


def test_weights_however_they_are_given() -> None:
    normed = weight_norm(Transposed(2, 4, 3, 2), dim=1)
    used = Calls(lambda x, w: F.conv_transpose2d(x, w, stride=2), (2, 4, 3, 3))
    for model in (normed, used):
        assert unevenness(model, (2, 12, 12)).counts.tolist() == [[4, 2], [2, 1]]
    linear = nn.Sequential(ChannelsLast(nn.Linear(3, 5)), Transposed(5, 1, 3, 2))
    assert unevenness(linear, (3, 12, 12)).counts.tolist() == [[4, 2], [2, 1]]


class ChannelsLast(nn.Module):
    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x.movedim(1, -1))
        return y.movedim(-1, 1)


def icnr(convolution: nn.Conv2d, scale: int) -> nn.Conv2d:
    """The sub-kernels of a pixel shuffle begin equal (Aitken et al. 2017)."""
    with torch.no_grad():
        for each in convolution.parameters():
            each.copy_(each[:: scale**2].repeat_interleave(scale**2, 0))
    return convolution


@pytest.mark.parametrize("scale", [2, 3])
def test_pixel_shuffle_is_even_from_the_start_only_with_icnr(scale: int) -> None:
    drawn = nn.Conv2d(5, 3 * scale**2, 3, padding=1)
    plain = unevenness(nn.Sequential(drawn, nn.PixelShuffle(scale)), (5, 8, 8))
    begun = unevenness(nn.Sequential(icnr(drawn, scale), nn.PixelShuffle(scale), nn.Tanh()), (5, 8, 8))
    assert plain.period == begun.period == (scale, scale)
    assert (plain.taps, begun.taps, begun.spectrum) == (0, 0, 0)
    assert plain.spectrum > 0.3
    assert begun.verdict == "even"
    assert plain.verdict.startswith("even in taps, uneven in weights: ")
    assert ": 0.0031% of " in replace(plain, spectrum=3.14e-5).verdict  # little, but not nothing


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_resize_and_convolve_is_even(mode: str) -> None:
    found = unevenness(
        nn.Sequential(nn.Upsample(scale_factor=2, mode=mode), nn.Conv2d(3, 4, 3, padding=1)), (3, 16, 16)
    )
    assert (found.period, found.taps, found.spectrum) == ((2, 2), 0, 0)
    assert found.counts.tolist() == [[9, 9], [9, 9]]


def test_what_weights_add_to_even_taps() -> None:
    """Of one channel and no bias, phase p gives the sum of its taps."""
    model = nn.ConvTranspose1d(1, 1, 4, 2, bias=False)
    model.weight.data = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])  # 1 + 3 and 2 + 4
    found = unevenness(model, (1, 16))
    assert found.taps == 0
    assert found.spectrum == pytest.approx((4**2 + 6**2 - 2 * 5**2) / (4**2 + 6**2))
    model.weight.data = torch.tensor([[[1.0, 2.0, 2.0, 1.0]]])  # 1 + 2 both times: the bilinear kernel is such a one
    assert unevenness(model, (1, 16)).spectrum == 0


@pytest.mark.parametrize(
    "model",
    [
        Transposed(1, 3, 4, 2, 1),
        nn.Sequential(Transposed(1, 6, 3, 2), nn.BatchNorm2d(6), nn.ReLU(), Transposed(6, 3, 4, 2), nn.Tanh()),
        nn.Sequential(nn.Conv2d(1, 18, 3), nn.PixelShuffle(3), nn.LeakyReLU(0.2), nn.Conv2d(2, 1, 3)),
    ],
)
def test_spectrum_is_that_of_a_fourier_transform(model: nn.Module) -> None:
    """The same flat inputs, many periods of what the module itself makes of them, in float64."""
    found = unevenness(model, torch.zeros(6, 1, 24, 24))
    draw = torch.Generator().manual_seed(0)
    flat = torch.randn(6, 1, generator=draw, dtype=torch.float64).view(6, 1, 1, 1).expand(-1, -1, 24, 24)
    with torch.no_grad():
        made = model.eval().double()(flat)
    p = found.period[0]
    middle = made.shape[-1] // 2 - 2 * p
    energy = torch.fft.fft2(made[..., middle : middle + 4 * p, middle : middle + 4 * p]).abs().square()
    assert found.spectrum == pytest.approx(float(1 - energy[..., 0, 0].sum() / energy.sum()), rel=1e-9)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3)), min_size=1, max_size=3))
def test_equal_weights_draw_what_they_count(layers: list[tuple[int, int]]) -> None:
    """A stack of transposed convolutions with all weights one: both scores are one score."""
    model = nn.Sequential(*[nn.ConvTranspose1d(1, 1, k, s, bias=False) for k, s in layers])
    for each in model.parameters():
        nn.init.ones_(each)
    if prod(s for _, s in layers) == 1:
        with pytest.raises(InputError, match="must up-sample"):
            unevenness(model, (1, 32))
        return
    found = unevenness(model, (1, 32))
    assert found.period == (prod(s for _, s in layers),)
    assert found.spectrum == pytest.approx(found.taps, abs=1e-12)
    assert bool(found.taps > 0) is bool(found.counts.unique().numel() > 1)


class Hourglass(nn.Module):
    """Down and up again, with a skip: its output is as large as its input."""

    def __init__(self, kernel: int, padding: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(2, 4, 2, 2)
        self.up = Transposed(4, 2, kernel, 2, padding, output_padding=kernel % 2)

    def forward(self, x: Tensor, class_: Tensor | None = None) -> dict[str, Tensor]:
        return {"class": torch.zeros(len(x)), "map": torch.cat([x, self.up(self.down(x))], 1)}


def test_up_again_is_up() -> None:
    found = unevenness(Hourglass(3, 1), (2, 16, 16))
    assert found.period == (2, 2)
    # the down-sampled map counts 4, the transposed convolution 1, 2, 2, 4 of it; beside it the input itself, 1
    assert found.counts.tolist() == [[2.5, 4.5], [4.5, 8.5]]
    assert unevenness(Hourglass(4, 1), torch.empty(3, 2, 16, 16), torch.zeros(3, dtype=torch.int64)).taps == 0


def test_a_period_beyond_the_factor() -> None:
    """Down by 2 and up by 4 is up by 2, in a pattern of 4."""
    found = unevenness(nn.Sequential(nn.Conv1d(1, 1, 2, 2), nn.ConvTranspose1d(1, 1, 6, 4)), (1, 64))
    assert (found.period, found.counts.tolist()) == ((4,), [4, 4, 2, 2])


def test_the_model_comes_out_as_it_went_in() -> None:
    model = nn.Sequential(Transposed(3, 4, 4, 2), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout(0.5))
    model[3].eval()
    before = {name: each.clone() for name, each in model.state_dict().items()}
    state = torch.get_rng_state()
    first, second = unevenness(model, (3, 16, 16)), unevenness(model, (3, 16, 16))
    assert (first.taps, first.spectrum) == (second.taps, second.spectrum)
    assert [each.training for each in model] == [True, True, True, False]
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


def test_half_precision_and_tied_weights() -> None:
    model = nn.Sequential(nn.ConvTranspose1d(2, 2, 3, 2), nn.ConvTranspose1d(2, 2, 3, 2)).half()
    model[1].weight = model[0].weight
    assert unevenness(model, (2, 16)).counts.tolist() == [3, 2, 3, 1]


def test_nothing_drawn_is_nothing_uneven() -> None:
    model = Transposed(2, 2, 4, 2)
    for each in model.parameters():
        nn.init.zeros_(each)
    assert unevenness(model, (2, 8, 8)).verdict == "even"


def test_verdict_of_uneven_taps() -> None:
    assert unevenness(Transposed(1, 1, 3, 2), (1, 8, 8)).verdict.startswith(
        "uneven: positions are written 1 to 4 times. "
    )


@pytest.mark.parametrize(
    ("model", "shape", "message"),
    [
        (F.relu, (3, 8, 8), r"^model: must be a torch.nn.Module, got `function`$"),
        (nn.Conv2d(3, 3, 3, padding=1), (3, 8, 8), r"^Conv2d: must up-sample its input, got `\(8, 8\) to \(8, 8\)`$"),
        (nn.Linear(3, 6), (3,), r"^input: must be a map, with channels and spatial axes, got \[\(4, 3\)\]$"),
        (nn.Sequential(Transposed(3, 1, 2, 2), nn.Flatten()), (3, 8, 8),
         r"^Sequential: must make a map with the spatial axes of its input, got \[\(4, 256\)\]$"),
        (Transposed(3, 3, 3, 2), (3, 1, 1), r"^input: must be so large that the output repeats away from its borders"),
        (nn.Sequential(*[nn.Conv2d(1, 1, 5, padding=2) for _ in range(6)], nn.Upsample(scale_factor=2)), (1, 16, 16),
         r"^input: must be so large"),
        (Transposed(3, 3, 3, 2), (0, 8, 8), r"^input: must be a shape of positive whole numbers, got \[0, 8, 8\]$"),
        (Transposed(3, 3, 3, 2), (4, 8, 8), r"^ConvTranspose2d \(ConvTranspose2d\): cannot run given \(4, 4, 8, 8\)"),
        (nn.Sequential(nn.LayerNorm([1, 8, 8]), Transposed(1, 1, 3, 2)), (1, 8, 8),
         r"^Sequential: must take maps of any size, but at twice this one 0 \(LayerNorm\) cannot run given"),
        (nn.Sequential(Transposed(8, 8, 2, 2), AsksForNumbers()), (8, 4, 4), r"^Sequential: cannot be followed: "),
        (Calls(lambda x: F.interpolate(x.float(), scale_factor=2) @ torch.ones(16, 16)), (1, 8, 8),
         r"^Calls: must take maps of any size"),
        (Calls(lambda x: F.conv2d(F.interpolate(x, scale_factor=2), torch.ones(1, 1, 1, 1))), (1, 8, 8),
         r"^Calls: cannot run in double precision: "),
    ],
)  # fmt: skip
def test_what_cannot_be_judged(model: Any, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        unevenness(model, shape)


def test_a_model_without_weights_in_memory() -> None:
    with pytest.raises(InputError, match=r"^model: must have its weights"):
        unevenness(Transposed(3, 3, 3, 2, device="meta"), (3, 8, 8))
