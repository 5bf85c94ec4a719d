from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gradus.analysis.gradcheck import gradcheck
from gradus.analysis.gradient_verdict import GradientVerdict, TensorCheck
from gradus.core.errors import InputError


def only(verdict: GradientVerdict, name: str) -> TensorCheck:
    (check,) = (each for each in verdict.checks if each.name == name)
    return check


def statuses(verdict: GradientVerdict) -> dict[str, str]:
    return {each.name: each.status for each in verdict.checks}


class WrongTanh(torch.autograd.Function):
    """Forgets the square: 1 - tanh(x) for 1 - tanh(x)^2."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.tanh()

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        return delta * (1 - ctx.saved_tensors[0].tanh())


class WrongAtOne(torch.autograd.Function):
    """Right everywhere but at one number."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.square()

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        grad: Tensor = 2 * ctx.saved_tensors[0] * delta
        grad[1, 2] *= 1.001 if grad.numel() < 100 else 2
        return grad


class WrongBias(nn.Module):
    """A linear layer whose bias gets the mean of the error instead of the sum."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, 3))
        self.bias = nn.Parameter(torch.randn(2))

    def forward(self, x: Tensor) -> Tensor:
        bias = self.bias / len(x) + (self.bias - self.bias / len(x)).detach()
        return functional.linear(x, self.weight, bias)


class Detached(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.before, self.after = nn.Linear(2, 2), nn.Linear(2, 2)
        self.idle = nn.Parameter(torch.ones(2))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.after(self.before(x).detach())
        return out


class InPlace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x).exp()
        y.add_(1)
        return y * y


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer, self.calls = nn.Linear(2, 2), torch.ones(1)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        out: Tensor = self.layer(x) / self.calls
        return out


class CountingInBuffer(Counting):
    def __init__(self) -> None:
        super().__init__()
        del self.calls
        self.register_buffer("calls", torch.ones(1))


class WrongByLittle(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x + 1000

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        return delta * 1.0001


def right() -> Iterator[tuple[nn.Module, Callable[[], list[Any]]]]:
    yield nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), lambda: [torch.randn(5, 3)]
    yield nn.Conv2d(2, 3, 3, stride=2), lambda: [torch.randn(1, 2, 5, 5).to(memory_format=torch.channels_last)]
    yield CountingInBuffer(), lambda: [torch.randn(3, 2)]
    yield nn.BatchNorm1d(3), lambda: [torch.randn(4, 3)]
    yield nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 2)), lambda: [torch.randn(4, 3)]
    yield nn.LSTM(3, 2), lambda: [torch.randn(4, 1, 3), (torch.zeros(1, 1, 2), torch.zeros(1, 1, 2))]
    yield nn.Embedding(5, 3), lambda: [torch.tensor([0, 2, 2])]
    yield nn.utils.parametrizations.spectral_norm(nn.Linear(3, 2)).eval(), lambda: [torch.randn(4, 3)]
    yield nn.Bilinear(2, 3, 2), lambda: [torch.randn(4, 2), torch.randn(4, 3)]
    yield nn.MultiheadAttention(4, 2, batch_first=True), lambda: [torch.randn(1, 3, 4) for _ in "qkv"]
    yield nn.Linear(3, 2).to(torch.bfloat16), lambda: [torch.randn(4, 3, dtype=torch.bfloat16)]


@pytest.mark.parametrize(("module", "inputs"), list(right()), ids=lambda each: type(each).__name__)
def test_right_modules_pass(module: nn.Module, inputs: Callable[[], list[Any]]) -> None:
    torch.manual_seed(0)
    verdict = gradcheck(module, *inputs())
    assert verdict, str(verdict)
    assert {name for name, _ in module.named_parameters()} <= set(statuses(verdict))
    assert "all gradients are right" in str(verdict)
    verdict.require()


def test_a_wrong_backward_pass_is_named_with_place_and_numbers() -> None:
    x = torch.tensor([0.5, 0.0, -1.0])
    check = only(gradcheck(WrongTanh.apply, x), "input 0")
    assert check.status == "wrong"
    assert check.index is not None
    ratio = check.exact / check.numerical  # whatever weights the outputs were added up with
    at = x[check.index[0]].double().tanh()
    assert ratio == pytest.approx(float((1 - at) / (1 - at**2)), rel=1e-6)
    verdict = gradcheck(nn.Sequential(nn.Linear(3, 3), Apply(WrongTanh)), torch.randn(2, 3))
    assert not verdict
    assert statuses(verdict) == {"input 0": "wrong", "0.weight": "wrong", "0.bias": "wrong"}
    with pytest.raises(InputError, match="gradients are wrong"):
        verdict.require()


class Apply(nn.Module):
    def __init__(self, function: type[torch.autograd.Function]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.function.apply(x)
        return out


def test_one_wrong_number_in_a_thousandth_is_found() -> None:
    check = only(gradcheck(WrongAtOne.apply, torch.randn(3, 4)), "input 0")
    assert (check.status, check.index) == ("wrong", (1, 2))
    assert check.error == pytest.approx(1e-3, rel=0.01)


def test_rounding_excuses_only_what_it_explains() -> None:
    assert statuses(gradcheck(WrongByLittle.apply, torch.randn(1))) == {"input 0": "wrong"}


def test_it_is_found_in_a_large_tensor_too_by_directions() -> None:
    check = only(gradcheck(WrongAtOne.apply, torch.randn(40, 50), elements=4), "input 0")
    assert (check.status, check.index, check.checked) == ("wrong", None, 4)
    assert "along a random direction" in str(check)


def test_the_parameter_that_is_wrong_is_named_and_no_other() -> None:
    verdict = gradcheck(WrongBias(), torch.randn(4, 3))
    assert statuses(verdict) == {"input 0": "right", "weight": "right", "bias": "wrong"}
    assert only(verdict, "bias").error == pytest.approx(3 / 4, rel=1e-6)


def test_a_kink_is_no_bug() -> None:
    verdict = gradcheck(nn.ReLU(), torch.tensor([0.0, 1.0, -1.0]))
    check = only(verdict, "input 0")
    assert verdict
    assert (check.status, check.index, check.exact) == ("kink", (0,), 0)
    assert "a kink: slopes" in str(verdict)


def test_a_slope_beyond_a_kinks_is_a_bug() -> None:
    verdict = gradcheck(lambda x: x.abs() + 3 * (x - x.detach()), torch.tensor([0.0]))  # slope 3; -1 and 1 to the sides
    assert not verdict
    assert "a kink: slopes" in str(verdict)


class Scaled(torch.autograd.Function):
    """w x, whose gradient to w is too large by a factor."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, factor: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.factor = factor
        return w * x

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return None, ctx.factor * (delta * x).sum(), None


@pytest.mark.parametrize("factor", [1.0, 1.1])
def test_where_kinks_meet_a_gradient_is_judged_a_little_way_off(factor: float) -> None:
    """A residual branch that starts at 0, added to rectified numbers: at w = 0 each zero has a kink of its own."""
    shortcut = torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    branch = torch.tensor([1.0, 2.0, -2.0, 0.5], dtype=torch.float64)
    verdict = gradcheck(lambda w: (shortcut + Scaled.apply(branch, w, factor)).relu(), torch.zeros(()))  # type: ignore[no-untyped-call]
    assert bool(verdict) == (factor == 1)
    assert only(verdict, "input 0").status == ("kink" if factor == 1 else "wrong")


@pytest.mark.parametrize("at", [1e-6, -3e-6, 1e-7])
def test_a_kink_that_a_step_crosses_does_not_matter(at: float) -> None:
    assert statuses(gradcheck(nn.ReLU(), torch.tensor([at], dtype=torch.float64))) == {"input 0": "right"}


def test_a_kink_near_by_does_not_matter_where_rounding_forbids_the_smallest_steps() -> None:
    beside = torch.tensor(1 + 1e-7, dtype=torch.float64)
    assert gradcheck(lambda x: 1e5 + 0.1 * (x - beside).relu(), torch.ones(1, dtype=torch.float64))


def test_sharp_bends_do_not_matter() -> None:
    assert gradcheck(lambda x: (1e4 * x).sin(), torch.randn(5, dtype=torch.float64))


def test_straight_through_rounding_is_shown() -> None:
    verdict = gradcheck(lambda x: x + (x.round() - x).detach(), torch.tensor([0.2, 1.4]))
    assert only(verdict, "input 0").numerical == 0
    assert not verdict


def test_dropout_needs_eval_or_a_seed() -> None:
    net = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5))
    verdict = gradcheck(net, torch.randn(2, 3))
    assert not verdict
    assert "Two calls differ: 1 draws random numbers. Call eval() first, or give a seed." in str(verdict)
    assert gradcheck(net, torch.randn(2, 3), seed=1)
    assert gradcheck(deepcopy(net).eval(), torch.randn(2, 3))


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (Counting(), "keeps something from call to call"),
        (nn.Linear(3, 2), "fails in float64: mat1 and mat2 shapes cannot be multiplied"),
        (InPlace(), "backward pass fails: .*modified by an inplace operation"),
    ],
)
def test_why_a_module_cannot_be_checked(module: nn.Module, said: str) -> None:
    verdict = gradcheck(module, torch.randn(2, 2))
    assert not verdict
    with pytest.raises(InputError, match=said):
        verdict.require()


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: (x, x.float()), "it makes torch.float32: it rounds within"),
        (lambda x: x.log(), "NaN or infinity"),
        (lambda x: x + ((x * 1e6).round() / 1e6 - x).detach(), "moves in jumps"),
        (lambda x: x.float().square().double(), "moves in jumps: is something rounded within?"),
    ],
)
def test_numbers_that_spoil_differences(function: Any, said: str) -> None:
    assert said in str(gradcheck(function, torch.tensor([-1.3, 0.7])))


def test_a_gradient_that_does_not_come_back() -> None:
    verdict = gradcheck(Detached(), torch.randn(3, 2))
    missing = {"input 0", "before.weight", "before.bias"}
    assert {name for name, status in statuses(verdict).items() if status == "missing"} == missing
    assert statuses(verdict)["idle"] == "unused"
    assert "no gradient comes back" in str(verdict)


def test_it_leaves_everything_as_it_is() -> None:
    module = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout())
    module(torch.randn(4, 3)).sum().backward()
    module[1].eval()
    x = torch.randn(4, 3, requires_grad=True)
    state, grads = deepcopy(module.state_dict()), [each.grad for each in module.parameters()]
    copies, random, kept = [deepcopy(each) for each in grads], torch.get_rng_state(), x.detach().clone()
    gradcheck(module, x, seed=5)
    assert all(torch.equal(each, state[name]) for name, each in module.state_dict().items())
    assert all(each.grad is one for each, one in zip(module.parameters(), grads, strict=True))
    assert all(torch.equal(one, other) for one, other in zip(grads, copies, strict=True) if one is not None)  # type: ignore[arg-type]
    assert [each.training for each in module] == [True, False, True]
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.equal(x, kept)
    assert x.grad is None


def test_a_larger_network_takes_fewer_numbers_of_each_tensor() -> None:
    calls = 0

    def count(*_: Any) -> None:
        nonlocal calls
        calls += 1

    net = nn.Sequential(*(nn.Linear(6, 6) for _ in range(30)))
    net.register_forward_hook(count)
    verdict = gradcheck(net, torch.randn(2, 6))
    assert verdict
    assert max(each.checked for each in verdict.checks) == 512 // 61
    assert calls < 2 * (512 + 2 * 61) + 10


def test_of_a_large_network_only_directions_are_taken_until_one_is_wrong() -> None:
    calls = 0

    def count(*_: Any) -> None:
        nonlocal calls
        calls += 1

    net = nn.Sequential(nn.Linear(200, 300), nn.Linear(300, 2))
    net.register_forward_hook(count)
    verdict = gradcheck(net, torch.randn(2, 200))
    assert verdict
    assert {each.checked for each in verdict.checks} == {0}
    assert calls < 2 * 2 * 5 + 10
    wrong = gradcheck(nn.Sequential(net, Apply(WrongTanh)), torch.randn(2, 200))
    assert set(statuses(wrong).values()) == {"wrong"}
    assert all(each.checked and each.index is not None for each in wrong.checks)  # where, too


@pytest.mark.parametrize("row", [1.0, 0.0])
def test_the_row_of_padding_is_no_bug(row: float) -> None:
    module = nn.Embedding(5, 3, padding_idx=1)
    with torch.no_grad():
        module.weight[1] = row
    assert gradcheck(module, torch.tensor([0, 1, 4]))
    assert module.padding_idx == 1


def test_frozen_parameters_are_left_out() -> None:
    module = nn.Linear(3, 2)
    module.weight.requires_grad_(False)
    assert set(statuses(gradcheck(module, torch.randn(2, 3)))) == {"input 0", "bias"}


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: gradcheck(lambda: torch.ones(1)), "neither an input nor a parameter"),
        (lambda: gradcheck(lambda x: x > 0, torch.ones(2)), "must give real numbers"),
        (lambda: gradcheck(torch.abs, torch.ones(2, dtype=torch.complex64)), "real numbers"),
        (lambda: gradcheck(nn.LazyLinear(2), torch.ones(2, 3)), "must have numbers"),
        (lambda: gradcheck(nn.Linear(2, 2, device="meta"), torch.ones(2, 2)), "must have numbers"),
        (lambda: gradcheck(nn.ReLU(), torch.ones(2, device="meta")), "must have numbers"),
        (lambda: gradcheck(nn.ReLU(), torch.ones(2), elements=-1), "at least 0"),
    ],
)
def test_bad_arguments_are_refused(call: Callable[[], object], rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        call()
