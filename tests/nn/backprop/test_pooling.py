from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.nn.backprop import adaptive_max_pool, adaptive_mean_pool, max_pool, mean_pool
from tests.nn.backprop.against import equal_to_autograd, leaf

LAYOUTS = st.sampled_from(["contiguous", "transposed", "strided"])


def torchs(name: str, axes: int) -> Any:
    return getattr(functional, f"{name}_pool{axes}d")


@st.composite
def pools(draw: st.DrawFn, *, largest: bool) -> tuple[int, Tensor, dict[str, Any]]:
    axes = draw(st.integers(1, 3))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    sizes, kernel, stride = each(1, 6), each(1, 3), each(1, 3)
    padding = tuple(draw(st.integers(0, taps // 2)) for taps in kernel)
    options: dict[str, Any] = {"kernel_size": kernel, "stride": stride, "padding": padding}
    options["ceil_mode"] = draw(st.booleans())
    gaps = each(1, 2) if largest else (1,) * axes
    if largest:
        options["dilation"] = gaps
    else:
        options["count_include_pad"] = draw(st.booleans())
        if axes > 1:
            options["divisor_override"] = draw(st.sampled_from([None, 1, 5]))
    parts = zip(sizes, kernel, padding, gaps, strict=True)
    assume(all(size + 2 * border > gap * (taps - 1) for size, taps, border, gap in parts))
    return axes, leaf(draw(st.integers(1, 2)), 2, *sizes, layout=draw(LAYOUTS)), options


@settings(max_examples=60, deadline=None)
@given(pools(largest=True))
def test_max_pooling(pool: tuple[int, Tensor, dict[str, Any]]) -> None:
    axes, x, options = pool
    assume(bool(torchs("max", axes)(x, **options).isfinite().all()))  # gaps may leave a window only padding
    equal_to_autograd(lambda x: max_pool(x, **options), lambda x: torchs("max", axes)(x, **options), [x])


@settings(max_examples=60, deadline=None)
@given(pools(largest=False))
def test_mean_pooling(pool: tuple[int, Tensor, dict[str, Any]]) -> None:
    axes, x, options = pool
    # In three dimensions torch refuses windows that only the padding makes room for.
    assume(axes < 3 or all(size >= taps for size, taps in zip(x.shape[2:], options["kernel_size"], strict=True)))
    equal_to_autograd(lambda x: mean_pool(x, **options), lambda x: torchs("avg", axes)(x, **options), [x])


@pytest.mark.parametrize("count_include_pad", [True, False])
def test_the_mean_of_a_window_that_hangs_over_the_padding(count_include_pad: bool) -> None:
    options = {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": count_include_pad}
    equal_to_autograd(partial(mean_pool, **options), partial(functional.avg_pool1d, **options), [leaf(1, 1, 4)])  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=3), st.data(), LAYOUTS)
def test_adaptive_pooling(sizes: list[int], data: st.DataObject, layout: str) -> None:
    wanted = [data.draw(st.integers(1, size + 2)) for size in sizes]
    x = leaf(2, 1, *sizes, layout=layout)
    for ours, name in ((adaptive_mean_pool, "adaptive_avg"), (adaptive_max_pool, "adaptive_max")):
        equal_to_autograd(partial(ours, output_size=wanted), partial(torchs(name, len(sizes)), output_size=wanted), [x])


@pytest.mark.parametrize("size", [2, 3])
def test_of_equal_numbers_the_same_gets_the_error_as_with_torch(size: int) -> None:
    x = torch.ones(1, 1, 6, 6, dtype=torch.float64, requires_grad=True)
    (ours,) = torch.autograd.grad(max_pool(x, size, 1).sum(), x)
    (theirs,) = torch.autograd.grad(functional.max_pool2d(x, size, 1).sum(), x)
    assert torch.equal(ours, theirs)


def test_the_error_is_routed_and_spread() -> None:
    x = torch.tensor([[[1.0, 4.0, 2.0, 0.0]]], requires_grad=True)
    delta = torch.tensor([[[8.0, 6.0]]])
    assert torch.autograd.grad(max_pool(x, 2), x, delta)[0].tolist() == [[[0, 8, 6, 0]]]
    assert torch.autograd.grad(mean_pool(x, 2), x, delta)[0].tolist() == [[[4, 4, 3, 3]]]


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: mean_pool(torch.zeros(1, 1, 4), 2, padding=2), "at most half the kernel"),
        (lambda: mean_pool(torch.zeros(1, 1, 2), 3), "larger than the padded input"),
        (lambda: mean_pool(torch.zeros(4, 4), 2), "one to three axes"),
        (lambda: max_pool(torch.zeros(4, 4), 2), "one to three axes"),
        (lambda: max_pool(torch.zeros(1, 1, 4), 2, return_indices=True), "no explicit backward pass"),
        (lambda: max_pool(torch.zeros(1, 1, 1), 3, 3, 1, 2, True), "nothing but padding"),
    ],
)
def test_what_has_no_sense_is_refused(call: Any, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        call()
