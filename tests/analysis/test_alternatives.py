"""Separable convolutions beside dense ones (cases 6 to 8 of analyzers.md), and against modules that really run."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gradus.analysis.alternatives import Price, alternatives
from gradus.core.graph import Trace, trace


def pair(width: int) -> nn.Module:
    return nn.Sequential(nn.ReLU(), nn.Conv2d(width, width, 3, padding=1, bias=False))


def test_7_and_8_separable_instead() -> None:
    (wide,) = alternatives(trace(pair(512), [torch.empty(1, 512, 14, 14)]))
    (large,) = alternatives(trace(pair(256), [torch.empty(1, 256, 28, 28)]))
    maps = 512 * 14 * 14
    assert wide.place == large.place == "1"
    assert wide.now == Price(462_422_016, 2_359_296, 2 * maps + 2_359_296)
    assert wide.then == Price(52_283_392, 266_752, 4 * maps + 266_752)
    assert (large.now.macs, large.then.macs, large.then.parameters) == (462_422_016, 53_186_560, 67_840)
    assert wide.fewer == pytest.approx(4608 / 521)
    assert large.fewer == pytest.approx(2304 / 265)
    assert wide.fewer == pytest.approx(8.8445, abs=5e-5)
    assert large.advice == ("a depthwise separable convolution here: 8.7x fewer multiply-adds, 0.88x the memory access")


@pytest.mark.parametrize(
    ("kind", "axes", "options"),
    [
        (nn.Conv1d, 1, {"stride": 2}),
        (nn.Conv2d, 2, {"padding": 2, "dilation": 2, "bias": False}),
        (nn.Conv3d, 3, {"padding": (0, 1, 2)}),
        (nn.ConvTranspose1d, 1, {"stride": 2, "output_padding": 1}),
        (nn.ConvTranspose2d, 2, {"stride": 2, "padding": 1}),
        (nn.ConvTranspose3d, 3, {"dilation": 2, "bias": False}),
    ],
)
def test_prices_are_those_of_modules_that_run(kind: Any, axes: int, options: dict[str, Any]) -> None:
    x = torch.randn(2, 12, *[9] * axes)
    dense = kind(12, 10, 3, **options)
    depthwise = kind(12, 12, 3, groups=12, **{**options, "bias": False})
    pointwise = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1](12, 10, 1, bias=options.get("bias", True))
    (found,) = alternatives(trace(dense, [x]))
    for price, model in ((found.now, dense), (found.then, nn.Sequential(depthwise, pointwise))):
        with FlopCounterMode(display=False) as counter:
            out = model(x)
        assert out.shape == dense(x).shape
        assert price.macs == counter.get_total_flops() // 2
        assert price.parameters == sum(each.numel() for each in model.parameters())
    weights = depthwise.weight.numel() + pointwise.weight.numel()
    assert found.now.access == x.numel() + dense.weight.numel() + out.numel()
    assert found.then.access == x.numel() + 2 * depthwise(x).numel() + weights + out.numel()


def test_predicted_seconds() -> None:
    """Here an operation takes a second."""

    def time(passed: Trace) -> float:
        return float(len(passed.operations))

    (found,) = alternatives(trace(pair(16), [torch.empty(1, 16, 8, 8)]), time)
    assert (found.now.seconds, found.then.seconds, found.faster) == (1, 2, 0.5)
    assert found.advice.endswith("the memory access, predicted 2.0x slower")
    (found,) = alternatives(trace(pair(16), [torch.empty(1, 16, 8, 8)]), lambda passed: 1 / time(passed))
    assert found.advice.endswith(", predicted 2.0x faster")


@pytest.mark.parametrize(
    "model",
    [
        nn.Conv2d(8, 8, 1),
        nn.Conv2d(8, 8, 3, groups=2),
        nn.Conv2d(8, 8, 3, groups=8),
        nn.Conv2d(8, 1, 3),  # nine taps of each channel and one more are more than nine
        nn.Sequential(nn.Flatten(), nn.ReLU()),
    ],
)
def test_none(model: nn.Module) -> None:
    assert alternatives(trace(model, [torch.empty(1, 8, 8, 8)])) == []


def test_no_random_numbers_are_used() -> None:
    passed = trace(pair(16), [torch.empty(1, 16, 8, 8)])
    state = torch.get_rng_state()
    alternatives(passed)
    assert torch.equal(torch.get_rng_state(), state)
