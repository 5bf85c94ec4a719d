"""What the optimizers of this package share."""

import copy
from typing import Any

import pytest
import torch
from torch import nn, optim

from gradus.core.errors import InputError
from gradus.optim.adam import AdaMax, EpsilonHatAdam
from gradus.optim.foreach import ForeachOptimizer
from gradus.optim.momentum import MomentumSGD, Nesterov
from gradus.optim.proximal import ProximalSGD
from gradus.optim.rmsprop import RMSProp

KINDS: list[type[ForeachOptimizer]] = [AdaMax, MomentumSGD, Nesterov, ProximalSGD, RMSProp]
EVERY = pytest.mark.parametrize("kind", KINDS)


def points(*shapes: tuple[int, ...], dtype: torch.dtype = torch.float64) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)) for shape in shapes]


def step(optimizer: optim.Optimizer, steps: int = 3) -> None:
    """Along the gradient of half the squares."""

    def closure() -> torch.Tensor:
        for group in optimizer.param_groups:
            for each in group["params"]:
                each.grad = each.detach().clone()
        return torch.zeros(())

    for _ in range(steps):
        optimizer.step(closure)  # type: ignore[arg-type]


@EVERY
def test_groups_have_their_own_rates_and_may_join_later(kind: type[ForeachOptimizer]) -> None:
    together = points((3, 2), (4, 1))
    optimizer = kind([{"params": together[:1], "lr": 0.01}])
    optimizer.add_param_group({"params": together[1:], "lr": 0.1})
    step(optimizer)
    for number, (each, lr) in enumerate(zip(points((3, 2), (4, 1)), (0.01, 0.1), strict=True)):
        step(kind([each], lr=lr))
        assert torch.equal(each, together[number])


@EVERY
def test_parameters_of_several_types_go_together(kind: type[ForeachOptimizer]) -> None:
    single, double = points((3, 2), dtype=torch.float32)[0], points((3, 2))[0]
    step(kind([single, double]))
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), double, rtol=1e-5, atol=1e-6)


@EVERY
def test_maximizing_is_minimizing_the_opposite(kind: type[ForeachOptimizer]) -> None:
    up, down = points((3, 2))[0], points((3, 2))[0]
    optimizers = kind([up], maximize=True), kind([down])
    for _ in range(3):

        def ascend() -> torch.Tensor:
            up.grad = torch.ones_like(up)
            return torch.zeros(())

        def descend() -> torch.Tensor:
            down.grad = -torch.ones_like(down)
            return torch.zeros(())

        optimizers[0].step(ascend)
        optimizers[1].step(descend)
    assert torch.equal(up, down)


@EVERY
@pytest.mark.parametrize(("option", "value"), [("lr", -1.0), ("lr", float("nan")), ("maximize", "yes")])
def test_bad_hyper_parameters_are_refused_by_name(kind: type[ForeachOptimizer], option: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"optimizer `{kind.__name__}`: `{option}`"):
        kind(points((2,)), **{option: value})


def test_sparse_and_complex_gradients_are_refused() -> None:
    table = nn.Embedding(4, 2, sparse=True)
    table(torch.tensor([1])).sum().backward()
    with pytest.raises(InputError, match="takes dense, real gradients"):
        RMSProp(table.parameters()).step()
    point = nn.Parameter(torch.ones(2, dtype=torch.complex64))
    point.grad = torch.ones_like(point)
    with pytest.raises(InputError, match="takes dense, real gradients"):
        AdaMax([point]).step()


def test_a_gradient_is_left_as_it_was() -> None:
    """Clipping and inspection after the step see what backward left."""
    for kind in KINDS:
        (point,) = points((3, 2))
        gradient = torch.ones_like(point)
        point.grad = gradient
        kind([point], maximize=True).step(lambda: torch.zeros(()))
        assert point.grad is gradient
        assert torch.equal(gradient, torch.ones_like(point))


def test_the_closures_loss_is_returned() -> None:
    for kind in KINDS:
        (point,) = points((2,))
        assert kind([point]).step(lambda: torch.tensor(3.0)) == 3.0


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (RMSProp, lambda each: optim.RMSprop(each, momentum=0.9, centered=True)),
        (AdaMax, lambda each: optim.Adamax(each, eps=1e-30)),
        (lambda each: EpsilonHatAdam(each, eps=1e-30), lambda each: optim.Adam(each, eps=1e-30)),
    ],
)
def test_goes_on_from_the_state_of_torchs_twin(ours: Any, theirs: Any) -> None:
    """Which lacks hyper-parameters of ours, and counts its steps elsewhere."""
    expected = points((3, 2))
    before = theirs(expected)
    step(before, 10)
    found = [nn.Parameter(each.detach().clone()) for each in expected]
    after = ours(found)
    after.load_state_dict(copy.deepcopy(before.state_dict()))  # torch would share its tensors
    step(before)
    step(after)
    torch.testing.assert_close(found[0], expected[0], rtol=1e-12, atol=1e-12)
