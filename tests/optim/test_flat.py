"""The flat buffer takes the same steps, and is the same to whoever saves, loads or looks."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim
from torch.optim import Optimizer
from torch.utils._python_dispatch import TorchDispatchMode

from gradus.core.errors import InputError
from gradus.optim.adam import EpsilonHatAdam
from gradus.optim.flat import Flat

Make = Callable[[list[nn.Parameter]], Optimizer]
MAKERS: dict[str, Make] = {
    "adam": lambda each: optim.Adam(each, fused=True),
    "amsgrad": lambda each: optim.Adam(each, amsgrad=True, fused=True),
    "adamw": lambda each: optim.AdamW(each, fused=True),
    "epsilon hat": lambda each: EpsilonHatAdam(each, fused=True),
    "sgd": lambda each: optim.SGD(each, lr=0.01, momentum=0.9, fused=True),
    "adagrad": lambda each: optim.Adagrad(each, initial_accumulator_value=0.1, fused=True),
    "nadam": lambda each: optim.NAdam(each, foreach=False),
    "rmsprop": lambda each: optim.RMSprop(each, momentum=0.9, foreach=False),
}
EVERY = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def parameters(*sizes: int) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(size, generator=generator)) for size in sizes or (16, 1024, 32, 4800)]


def train(points: list[nn.Parameter], optimizer: Optimizer, steps: int = 12, *, fresh: bool = True) -> None:
    """Along quadratics; gradients are made anew, or come to where `zero_grad` wants them."""
    for step in range(steps):
        generator = torch.Generator().manual_seed(step)
        if fresh:
            for each in points:
                each.grad = None
        else:
            optimizer.zero_grad()
        torch.stack([(p * torch.randn(p.shape, generator=generator) + p**2).sum() for p in points]).sum().backward()
        optimizer.step()


@EVERY
@pytest.mark.parametrize("fresh", [True, False])
def test_takes_the_same_steps_to_the_bit(make: Make, fresh: bool) -> None:
    plain, flat = parameters(), parameters()
    train(plain, make(plain))
    train(flat, Flat(make(flat)), fresh=fresh)
    assert all(torch.equal(a, b) for a, b in zip(plain, flat, strict=True))


def test_adam_takes_the_same_steps_whatever_the_sizes() -> None:
    sizes = (1, 3, 7, 17, 1001, 33333)
    plain, flat = parameters(*sizes), parameters(*sizes)
    train(plain, MAKERS["adam"](plain))
    train(flat, Flat(MAKERS["adam"](flat)))
    assert all(torch.equal(a, b) for a, b in zip(plain, flat, strict=True))


def test_a_step_is_one_kernel_on_one_tensor() -> None:
    class Counting(TorchDispatchMode):
        def __init__(self) -> None:
            super().__init__()  # type: ignore[no-untyped-call]
            self.seen: list[int] = []

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if "_fused_adam" in str(func):
                self.seen.append(len(args[0]))
            return func(*args, **(kwargs or {}))

    points = parameters(*[10] * 50)
    optimizer = Flat(optim.Adam(points, fused=True))
    train(points, optimizer, 1)
    with Counting() as counting:
        optimizer.step()
    assert counting.seen == [1]


@EVERY
def test_either_goes_on_from_the_others_state(make: Make) -> None:
    whole = parameters()
    train(whole, make(whole), 12)

    for first, second in ((Flat, lambda each: each), (lambda each: each, Flat)):
        points = parameters()
        earlier = first(make(points))
        train(points, earlier, 12)
        state, values = copy.deepcopy(earlier.state_dict()), [each.detach().clone() for each in points]
        expected = parameters()
        train(expected, make(expected), 20)

        again = parameters()
        later = second(make(again))
        for each, value in zip(again, values, strict=True):
            each.data.copy_(value)
        later.load_state_dict(state)
        plain = parameters()
        reference = make(plain)
        for each, value in zip(plain, values, strict=True):
            each.data.copy_(value)
        reference.load_state_dict(copy.deepcopy(state))
        train(again, later, 5)
        train(plain, reference, 5)
        assert all(torch.equal(a, b) for a, b in zip(again, plain, strict=True))


def test_its_state_is_that_of_the_optimizer_without_it() -> None:
    plain, flat = parameters(), parameters()
    ours, theirs = Flat(optim.Adam(flat, fused=True)), optim.Adam(plain, fused=True)
    train(plain, theirs)
    train(flat, ours)
    a, b = ours.state_dict(), theirs.state_dict()
    assert a["param_groups"] == b["param_groups"]
    assert a["state"].keys() == b["state"].keys()
    for number, state in a["state"].items():
        assert state.keys() == b["state"][number].keys()
        assert all(torch.equal(value, b["state"][number][name]) for name, value in state.items())


def test_an_optimizer_that_has_begun_may_be_flattened() -> None:
    plain, flat = parameters(), parameters()
    theirs, before = (optim.AdamW(each, fused=True) for each in (plain, flat))
    for points, optimizer in ((plain, theirs), (flat, before)):
        train(points, optimizer, 3)
    train(plain, theirs)
    train(flat, Flat(before))
    assert all(torch.equal(a, b) for a, b in zip(plain, flat, strict=True))


def test_groups_types_layouts_and_schedules_are_kept() -> None:
    def build(wrap: Callable[[Optimizer], Optimizer]) -> list[nn.Parameter]:
        torch.manual_seed(0)
        points = [
            nn.Parameter(torch.randn(8, 4, 4, 4).to(memory_format=torch.channels_last)),
            nn.Parameter(torch.randn(16, dtype=torch.float64)),
            nn.Parameter(torch.randn(4, 8).t()),
            nn.Parameter(torch.tensor(0.5)),
        ]
        strides = [each.stride() for each in points]
        groups = [{"params": points[:2], "lr": 0.1}, {"params": points[2:], "weight_decay": 0.0}]
        optimizer = wrap(optim.Adam(groups, fused=True, weight_decay=0.1))
        schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        for _ in range(4):
            train(points, optimizer, 2)
            schedule.step()
        assert [each.stride() for each in points] == strides
        return points

    assert all(torch.equal(a, b) for a, b in zip(build(lambda each: each), build(Flat), strict=True))


def test_parameters_that_were_moved_are_brought_back() -> None:
    """A module's `to` or `load_state_dict(assign=True)` gives its parameters other memory."""
    plain, flat = parameters(), parameters()
    theirs, ours = optim.Adam(plain, fused=True), Flat(optim.Adam(flat, fused=True))
    for points, optimizer in ((plain, theirs), (flat, ours)):
        train(points, optimizer, 2)
        points[1].data = torch.full_like(points[1], 0.5)
        train(points, optimizer, 2)
    assert all(torch.equal(a, b) for a, b in zip(plain, flat, strict=True))


def test_a_model_may_be_laid_out_anew_before_the_first_step() -> None:
    def build(wrap: Callable[[Optimizer], Optimizer]) -> nn.Module:
        torch.manual_seed(0)
        model = nn.Conv2d(16, 8, 3)
        optimizer = wrap(optim.Adam(model.parameters(), fused=True))
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        train(list(model.parameters()), optimizer)
        assert model.weight.is_contiguous(memory_format=torch.channels_last)
        return model

    plain, flat = build(lambda each: each), build(Flat)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), flat.parameters(), strict=True))


def test_what_cannot_be_flat_is_refused() -> None:
    with pytest.raises(InputError, match="treats each number for itself, got `LBFGS`"):
        Flat(optim.LBFGS(parameters()))
    base = torch.zeros(10)
    with pytest.raises(InputError, match="do not share memory"):
        Flat(optim.Adam([nn.Parameter(base[:6]), nn.Parameter(base[4:])]))
    points = parameters()
    optimizer = Flat(optim.Adam(points))
    points[0].grad = torch.zeros_like(points[0])
    with pytest.raises(InputError, match="every parameter needs a gradient"):
        optimizer.step()
    with pytest.raises(InputError, match="cannot take more parameters"):
        optimizer.add_param_group({"params": parameters(3)})
    uneven = optim.Adam(parameters(), fused=True)
    first = uneven.param_groups[0]["params"][0]
    first.grad = torch.ones_like(first)
    uneven.step()
    for each in uneven.param_groups[0]["params"]:
        each.grad = torch.ones_like(each)
    with pytest.raises(InputError, match="have all taken the same steps"):
        Flat(uneven).step()


def test_a_closure_is_evaluated_with_gradients() -> None:
    points = parameters(3)
    optimizer = Flat(optim.SGD(points, lr=0.1))

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = points[0].square().sum()
        loss.backward()
        return loss

    first = optimizer.step(closure)
    assert optimizer.step(closure) < first


@pytest.mark.parametrize("steps", [0, 3])
def test_a_copy_goes_on_by_itself(steps: int) -> None:
    points = parameters()
    optimizer = Flat(MAKERS["adam"](points))
    train(points, optimizer, steps)
    others, copied = copy.deepcopy((points, optimizer))
    train(others, copied, 4)
    again = parameters()
    train(again, Flat(MAKERS["adam"](again)), steps)
    assert all(torch.equal(a, b) for a, b in zip(points, again, strict=True))  # what it was copied from stays
    train(points, optimizer, 4)
    assert all(torch.equal(a, b) for a, b in zip(points, others, strict=True))


def test_a_state_of_before_the_first_step_is_one_of_no_steps() -> None:
    """As after a range test: what the optimizer counts in its groups begins anew."""
    points, again = parameters(), parameters()
    optimizer = Flat(MAKERS["epsilon hat"](points))
    before = copy.deepcopy(optimizer.state_dict())
    train(points, optimizer)
    optimizer.load_state_dict(before)
    for each, value in zip(points, parameters(), strict=True):
        each.data.copy_(value)
    train(points, optimizer)
    train(again, Flat(MAKERS["epsilon hat"](again)))
    assert all(torch.equal(a, b) for a, b in zip(points, again, strict=True))
