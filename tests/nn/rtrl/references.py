"""Backpropagation through time by autograd, and cells to hold against it."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from gradus.nn.rtrl import Learner


def irnn(inputs: int, units: int, *, bias: bool = True) -> nn.RNNCell:
    """ReLU, and near the identity; not the identity, at which units do not read each other."""
    cell = nn.RNNCell(inputs, units, bias=bias, nonlinearity="relu")
    with torch.no_grad():
        cell.weight_hh.copy_(0.9 * torch.eye(units) + 0.3 * torch.randn(units, units) / units**0.5)
    return cell


CELLS: dict[str, Callable[..., nn.Module]] = {"rnn": nn.RNNCell, "irnn": irnn, "lstm": nn.LSTMCell, "gru": nn.GRUCell}


def task(
    kind: str, *, units: int, steps: int, examples: int = 1, inputs: int = 8, bias: bool = True, dtype: torch.dtype
) -> tuple[nn.Module, Tensor, Tensor]:
    """A cell, inputs (T, N, F), and the derivatives (T, N, H) of a loss at every step."""
    torch.manual_seed(len(kind) + units)
    cell = CELLS[kind](inputs, units, bias=bias).to(dtype)
    return cell, torch.randn(steps, examples, inputs, dtype=dtype), torch.randn(steps, examples, units, dtype=dtype)


def bptt(cell: nn.Module, xs: Tensor, dhs: Tensor) -> dict[str, Tensor]:
    """The gradient of sum_t dh_t . h_t."""
    state, total = None, torch.zeros((), dtype=xs.dtype)
    for x, dh in zip(xs, dhs, strict=True):
        state = cell(x, state)
        total = total + ((state[0] if isinstance(state, tuple) else state) * dh).sum()
    parameters = dict(cell.named_parameters())
    return dict(zip(parameters, torch.autograd.grad(total, list(parameters.values())), strict=True))


def learned(learner: Learner, xs: Tensor, dhs: Tensor, *, every: int | None = None) -> dict[str, Tensor]:
    """The same forward in time; gradients are asked for every so many steps, and added up."""
    total: dict[str, Tensor] = {}
    for at, (x, dh) in enumerate(zip(xs, dhs, strict=True), start=1):
        learner.step(x)
        learner.credit(dh)
        if at == len(xs) or (every and at % every == 0):
            total = {name: each + total.get(name, 0) for name, each in learner.gradients().items()}
    return total


def error(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> float:
    """|found - expected| / |expected|, over all parameters."""
    assert found.keys() == expected.keys()
    assert all(found[name].shape == expected[name].shape for name in expected)
    difference = torch.stack([(found[name] - expected[name]).norm() for name in expected]).norm()
    return float(difference / torch.stack([each.norm() for each in expected.values()]).norm())


def cosine(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> float:
    one, other = (torch.cat([each[name].flatten() for name in expected]) for each in (found, expected))
    return float(torch.cosine_similarity(one, other, dim=0))
