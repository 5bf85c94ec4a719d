"""One contract for every function that has a rule: as torch computes it, with an explicit backward pass."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.nn.backprop import explicit
from gradus.nn.backprop.rules import _RULES
from tests.nn.backprop.against import equal_to_autograd, leaf

Case = tuple[Any, Callable[..., Tensor], list[Tensor]]
SIXTHS = (functional.hardsigmoid, functional.hardswish)
"""Whose derivatives torch computes with thirds and sixths of single precision."""
CLASSES = torch.tensor([0, 2])


def cases() -> Iterator[Case]:
    """A torch function, a call of it, and the leaves."""
    for axes in (1, 2, 3):
        image, kernel = leaf(2, 2, *[4] * axes), [2] * axes
        for name, wide in (("conv", (3, 2)), ("conv_transpose", (2, 3))):
            function = getattr(torch, f"{name}{axes}d")
            yield function, function, [image, leaf(*wide, *kernel, seed=1), leaf(3, seed=2)]
        for name in ("max_pool", "avg_pool", "adaptive_max_pool", "adaptive_avg_pool"):
            function = getattr(functional, f"{name}{axes}d")
            yield function, lambda x, f=function: f(x, 2), [image]
    two, other = leaf(3, 4), leaf(3, 4, seed=1)
    yield functional.linear, functional.linear, [two, leaf(5, 4, seed=1), leaf(5, seed=2)]
    yield functional.batch_norm, lambda x, w, b: functional.batch_norm(x, None, None, w, b, True), [two, *pair(4)]
    yield functional.layer_norm, lambda x, w, b: functional.layer_norm(x, (4,), w, b), [two, *pair(4)]
    yield functional.group_norm, lambda x, w, b: functional.group_norm(x, 2, w, b), [leaf(2, 4, 3), *pair(4)]
    yield functional.prelu, functional.prelu, [leaf(2, 3, 4), leaf(3, seed=1)]
    for function in (functional.softmax, functional.log_softmax, torch.softmax, torch.log_softmax):
        yield function, lambda x, f=function: f(x, -1), [two]
    yield Tensor.softmax, lambda x: x.softmax(1), [two]
    yield Tensor.log_softmax, lambda x: x.log_softmax(dim=1), [two]
    for name in ("relu", "sigmoid", "tanh"):
        for function in (getattr(functional, name), getattr(torch, name), getattr(Tensor, name)):
            yield function, function, [two]
        for function in (getattr(torch, name + "_"), getattr(Tensor, name + "_")):
            yield function, lambda x, f=function: f(x.clone()), [two]
    for name in ("elu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "mish", "relu6", "selu", "silu"):
        function = getattr(functional, name)
        yield function, function, [two]
        yield function, lambda x, f=function: f(x.clone(), inplace=True), [two]
    for name in ("gelu", "logsigmoid", "softplus", "softsign"):
        yield getattr(functional, name), getattr(functional, name), [two]
    yield functional.gelu, lambda x: functional.gelu(x, approximate="tanh"), [two]
    yield functional.softplus, lambda x: functional.softplus(x, 2.0, 1.0), [two]
    yield functional.elu, lambda x: functional.elu(x, 0.5), [two]
    yield functional.leaky_relu, lambda x: functional.leaky_relu(x.clone(), 0.2, True), [two]
    yield functional.dropout, seeded(lambda x: functional.dropout(x, 0.4)), [two]
    yield functional.dropout, lambda x: functional.dropout(x, 0.4, training=False), [two]
    for function in (torch.flatten, Tensor.flatten):
        yield function, lambda x, f=function: f(x, 1), [leaf(2, 3, 2)]
    for function in (torch.unflatten, Tensor.unflatten):
        yield function, lambda x, f=function: f(x, 1, (-1, 2)), [two]
    yield torch.reshape, lambda x: torch.reshape(x, (4, -1)), [two]
    yield Tensor.reshape, lambda x: x.reshape(2, 6), [two]
    yield Tensor.view, lambda x: x.view(-1), [two]
    yield functional.pad, lambda x: functional.pad(x, (1, 2, 0, 1), value=3.0), [two]
    yield functional.pad, lambda x: functional.pad(x, (-1, 2)), [two]
    for function in (Tensor.contiguous, torch.clone, Tensor.clone):
        yield function, function, [leaf(3, 4, layout="transposed")]
    for function in (torch.add, Tensor.add, torch.sub, Tensor.sub):
        yield function, function, [two, other]
        yield function, lambda x, y, f=function: f(x, y, alpha=3), [two, leaf(4, seed=1)]
    yield Tensor.add, lambda x: 2 + x, [two]
    yield Tensor.__rsub__, lambda x: 2 - x, [two]
    yield torch.rsub, torch.rsub, [two, other]
    for function in (torch.div, Tensor.div):
        yield function, lambda x, f=function: f(x, 3), [two]
    for function in (torch.matmul, Tensor.matmul):
        yield function, function, [leaf(2, 3, 4), leaf(4, 2, seed=1)]
    for function in (torch.mm, Tensor.mm):
        yield function, function, [two, leaf(4, 2, seed=1)]
    for name in ("neg", "square", "exp"):
        for function in (getattr(torch, name), getattr(Tensor, name)):
            yield function, function, [two]
    for function in (torch.log, Tensor.log):
        yield function, lambda x, f=function: f(x.square()), [two]
    for function in (torch.pow, Tensor.pow, Tensor.__pow__):
        yield function, lambda x, f=function: f(x, 3), [two]
    for function in (torch.squeeze, Tensor.squeeze):
        yield function, function, [leaf(1, 3, 1)]
        yield function, lambda x, f=function: f(x, -1), [leaf(1, 3, 1)]
    for function in (torch.unsqueeze, Tensor.unsqueeze):
        yield function, lambda x, f=function: f(x, 1), [two]
    for function in (torch.transpose, Tensor.transpose):
        yield function, lambda x, f=function: f(x, 0, 2), [leaf(2, 3, 4)]
    for function in (torch.t, Tensor.t):
        yield function, function, [two]
    yield Tensor.T.__get__, lambda x: x.T, [two]  # type: ignore[attr-defined]
    yield Tensor.mT.__get__, lambda x: x.mT, [leaf(2, 3, 4)]  # type: ignore[attr-defined]
    for name in ("add_", "sub_", "mul_"):
        function = getattr(Tensor, name)
        yield function, lambda x, y, f=function: f(x.clone(), y), [two, other]
    for function in (torch.mul, Tensor.mul):
        yield function, function, [two, leaf(3, 1, seed=1)]
    yield Tensor.mul, lambda x: 3 * x, [two]
    for function in (torch.mean, Tensor.mean, torch.sum, Tensor.sum):
        yield function, function, [two]
        yield function, lambda x, f=function: f(x, 1), [two]
        yield function, lambda x, f=function: f(x, (0, -1), keepdim=True), [two]
    yield functional.cross_entropy, lambda z: functional.cross_entropy(z, CLASSES), [leaf(2, 3)]
    yield functional.cross_entropy, lambda z: functional.cross_entropy(input=z, target=CLASSES), [leaf(2, 3)]
    yield functional.cross_entropy, torch.nn.CrossEntropyLoss().__call__, [leaf(2, 3), CLASSES]
    yield functional.mse_loss, functional.mse_loss, [two, other]
    yield (
        functional.binary_cross_entropy_with_logits,
        lambda z: functional.binary_cross_entropy_with_logits(z, other.detach().sigmoid()),
        [two],
    )


def pair(size: int) -> list[Tensor]:
    return [leaf(size, seed=1), leaf(size, seed=2)]


def seeded(call: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def drawn(*leaves: Tensor) -> Tensor:
        torch.manual_seed(0)
        return call(*leaves)

    return drawn


CASES = list(cases())


def name(case: Case) -> str:
    return torch.overrides.resolve_name(case[0]) or str(case[0])


@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_rule_computes_what_torch_does(case: Case) -> None:
    function, call, given = case
    leaves = [each for each in given if each.requires_grad]
    constants = [each for each in given if not each.requires_grad]

    def ours(*leaves: Tensor) -> Tensor:
        with explicit():
            return call(*leaves, *constants)

    rtol = 1e-7 if function in SIXTHS else 1e-10
    equal_to_autograd(ours, lambda *leaves: call(*leaves, *constants), leaves, rtol=rtol)


def test_every_rule_has_a_case() -> None:
    assert set(_RULES) == {case[0] for case in CASES}


@pytest.mark.parametrize("write", [Tensor.exp_, lambda h: h.div_(2), lambda h: functional.celu(h, inplace=True)])
def test_writing_in_place_is_refused_where_it_has_no_rule(write: Callable[[Tensor], Tensor]) -> None:
    with explicit(), pytest.raises(InputError, match="no explicit backward pass"):
        write(leaf(3, 4) * 2)


def test_a_slice_written_over_is_refused_too() -> None:
    with explicit():
        h = leaf(3, 4) * 2
        with pytest.raises(InputError, match="__setitem__"):
            h[:, 0] = 0.0


@pytest.mark.parametrize("view", [Tensor.t, Tensor.contiguous, lambda h: h.view(-1), lambda h: h.unsqueeze(0)])
def test_writing_over_a_view(view: Callable[[Tensor], Tensor]) -> None:
    """In torch both are changed: so the one that is not may not be used again."""
    with explicit():
        h = leaf(3, 4) * 2
        seen = view(h)
        wanted = seen.detach().relu()
        assert torch.equal(seen.relu_(), wanted)
        assert h.shape == (3, 4)
        with pytest.raises(InputError, match="written over through a view"):
            h.sum()
    with explicit():
        h = leaf(3, 4) * 2
        seen = view(h)
        h.relu_()
        with pytest.raises(InputError, match="written over through a view"):
            seen.sum()


def test_dropout_in_evaluation_is_the_input_itself_as_in_torch() -> None:
    with explicit():
        h = leaf(3, 4) * 2
        assert functional.dropout(h, training=False) is h
