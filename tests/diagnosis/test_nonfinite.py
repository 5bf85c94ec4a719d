"""Where a number first stops being finite, in programs broken at one known place."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradus.diagnosis.graph import walk
from gradus.diagnosis.nonfinite import locate
from gradus.diagnosis.places import Places
from gradus.diagnosis.signs import NonFinite

N = 8


class Net(nn.Module):
    def __init__(self, between: Callable[[Tensor], Tensor] = torch.tanh) -> None:
        super().__init__()
        self.first, self.second, self.between = nn.Linear(3, 5), nn.Linear(5, 4), between

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.second(self.between(self.first(x)))
        return out


def found(model: Net, loss: Callable[[Tensor], Tensor], x: Tensor | None = None) -> NonFinite:
    places = Places()
    places.add(model, "net")
    x = torch.linspace(-1, 1, 3 * N).reshape(N, 3) if x is None else x
    output = model(x)
    value = loss(output)
    assert not math.isfinite(value.item())
    return locate(7, value, walk(value), [x], output, places)


def squared(output: Tensor) -> Tensor:
    return output.square().mean()


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_an_input(bad: float) -> None:
    x = torch.zeros(N, 3)
    x[2, 1] = bad
    signs = found(Net(lambda h: h), squared, x)
    assert (signs.step, signs.source, signs.where) == (7, "input", "")
    assert signs.share == pytest.approx(1 / (3 * N))
    assert signs.infinite is (bad == math.inf)


@pytest.mark.parametrize("loss", [F.mse_loss, lambda o, t: ((o - t) ** 2).mean(), lambda o, t: (t - o).square().sum()])
def test_a_target(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    target = torch.zeros(N, 4)
    target[0, 0] = math.inf
    signs = found(Net(), lambda o: loss(o, target))
    assert (signs.source, signs.infinite) == ("target", True)
    assert signs.share == pytest.approx(1 / (4 * N))


def test_an_input_that_is_computed_is_traced_to_where_it_was_made() -> None:
    coder, model, places = nn.Sequential(nn.Linear(3, 3)), Net(), Places()
    for name, each in (("coder", coder), ("net", model)):
        places.add(each, name)
    given = (1e4 * coder(torch.ones(N, 3)).abs() + 100).exp()
    output = model(given)
    signs = locate(0, squared(output), walk(squared(output)), [given], output, places)
    assert (signs.source, signs.where, signs.operation) == ("forward", "coder:0", "Exp")


@pytest.mark.parametrize(
    ("loss", "low", "expected"),
    [
        (lambda o, t: F.smooth_l1_loss(o.log(), t.log()), -1.0, ("loss", "Log", True)),
        (lambda o, t: F.mse_loss(o.abs().log(), t.log()), 0.0, ("loss", "Log", False)),
        (lambda o, t: F.mse_loss(o.abs().log(), t.log()), -1.0, ("loss", "Log", False)),
        (lambda o, t: F.mse_loss(o.exp(), (t + 1e3).exp()), 1.0, ("loss", "Exp", False)),
        (lambda o, t: F.mse_loss(o.exp(), t), math.nan, ("target", "", False)),
        (lambda o, t: F.mse_loss(o, t.log()), 0.0, ("target", "", False)),
    ],
)
def test_a_target_that_the_loss_itself_has_made_so(
    loss: Callable[[Tensor, Tensor], Tensor], low: float, expected: tuple[str, str, bool]
) -> None:
    signs = found(Net(), lambda o: loss(o, torch.full((N, 4), low)))
    assert (signs.source, signs.operation, signs.pole) == expected


def test_a_weight() -> None:
    model = Net()
    with torch.no_grad():
        model.second.weight[1, 1] = math.nan
    signs = found(model, squared)
    assert (signs.source, signs.where) == ("weight", "net:second.weight")
    assert signs.share == pytest.approx(1 / 20)


FORWARD: list[tuple[Callable[[Tensor], Tensor], str]] = [
    (lambda h: (1e4 * h.abs() + 100).exp(), "Exp"),
    (lambda h: (-1 - h.square()).sqrt(), "Sqrt"),
    (lambda h: (0 * h).log(), "Log"),
    (lambda h: 1 / (0 * h), "Reciprocal"),
    (lambda h: h / (0 * h), "Div"),
    (lambda h: (0 * h) ** -2, "Pow"),
    (lambda h: (-1 - h.square()) ** 0.5, "Pow"),
    (lambda h: (-2 - h.square()).log1p(), "Log1P"),
    (lambda h: (2 + h.square()).acos(), "Acos"),
    (lambda h: (h * math.inf).softmax(1), "Softmax"),
]


@pytest.mark.parametrize(
    ("between", "operation"), FORWARD, ids=[f"{each} {at}" for at, (_, each) in enumerate(FORWARD)]
)
def test_a_layer_and_the_operation_after_it(between: Callable[[Tensor], Tensor], operation: str) -> None:
    signs = found(Net(between), squared)
    assert (signs.source, signs.where, signs.operation) == ("forward", "net:first", operation)


@pytest.mark.parametrize(
    ("between", "operation"), FORWARD, ids=[f"{each} {at}" for at, (_, each) in enumerate(FORWARD)]
)
def test_the_loss_itself(between: Callable[[Tensor], Tensor], operation: str) -> None:
    signs = found(Net(), lambda o: between(o).mean())
    assert (signs.source, signs.where, signs.operation) == ("loss", "", operation)


def test_a_mask_of_minus_infinity_is_not_taken_for_the_cause() -> None:
    """As attention has it: -inf goes into a softmax that gives 0 there; the trouble comes later."""
    mask = torch.zeros(5).index_fill(0, torch.tensor([4]), -math.inf)
    signs = found(Net(lambda h: (h + mask).softmax(1)), lambda o: (1e6 * o.abs()).exp().mean())
    assert (signs.source, signs.operation) == ("loss", "Exp")


MASK = torch.tensor([False, False, True, False])
SOFT = torch.tensor([0.5, 0.5, 0.0, 0.0])


@pytest.mark.parametrize(
    ("loss", "operation", "pole"),
    [
        (lambda o: -(SOFT * o.log_softmax(1)).sum(), "LogSoftmax", True),
        (lambda o: -(o.log_softmax(1).exp() * o.log_softmax(1)).sum(), "LogSoftmax", True),
        (lambda o: F.kl_div(o.log_softmax(1), SOFT.expand_as(o)), "LogSoftmax", True),
        (lambda o: (SOFT * (o - o.logsumexp(1, keepdim=True))).sum(), "Logsumexp", True),
        (lambda o: (o.log_softmax(1) - o.log_softmax(1).detach()).exp().mean(), "LogSoftmax", True),
        (lambda o: F.nll_loss(o.log_softmax(1), torch.full((N,), 2)), "LogSoftmax", False),
        (lambda o: (o.log_softmax(1).exp().sum(1) * 1e6).exp().mean(), "Exp", False),
        (lambda o: 1 / (0 * o.log_softmax(1).exp().sum()), "Reciprocal", True),
    ],
)
def test_a_mask_of_minus_infinity_that_meets_a_zero(
    loss: Callable[[Tensor], Tensor], operation: str, pole: bool
) -> None:
    signs = found(Net(), lambda o: loss(o.masked_fill(MASK, -math.inf)))
    assert (signs.source, signs.operation, signs.pole) == ("loss", operation, pole)


@pytest.mark.parametrize(("row", "pole"), [(torch.ones(5), True), (torch.tensor([1, 1, 1, 1, 0]), False)])
def test_a_softmax_of_nothing_but_a_mask(row: Tensor, pole: bool) -> None:
    hide = torch.zeros(N, 5, dtype=torch.bool)
    hide[3] = row.bool()
    high = torch.zeros(N, 5).index_fill(1, torch.tensor([4]), 0.0 if pole else math.inf)
    signs = found(Net(lambda h: (h + high).masked_fill(hide, -math.inf).softmax(1)), squared)
    assert (signs.source, signs.operation, signs.pole) == ("forward", "Softmax", pole)


def test_a_graph_whose_numbers_are_gone_tells_what_it_can() -> None:
    parameter = nn.Parameter(torch.zeros(3))
    loss = (2 * parameter.exp().log()).sqrt().sum() * math.inf
    loss.backward()
    assert locate(0, loss, walk(loss), [], None, Places()).source == "forward"


@pytest.mark.parametrize("zero", [True, False])
def test_a_division_by_zero_is_told_from_one_of_an_infinity(zero: bool) -> None:
    count = torch.zeros(N, 1) if zero else torch.ones(N, 1)
    signs = found(Net(lambda h: (h if zero else (100 + h.square()).exp()) / count), squared)
    assert signs.source == "forward"
    assert signs.pole is zero


@pytest.mark.parametrize("kind", [torch.float16, torch.float32])
def test_a_square_beyond_float16(kind: torch.dtype) -> None:
    signs = found(Net(), lambda o: (1e30 + o).to(kind).square().mean().float())
    assert signs.narrow is (kind == torch.float16)
