"""Walks of graphs that are known: which operations, of what shape and sign, lead from a loss to the parameters."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradus.diagnosis.graph import Graph, by_weights, given_by_hand, walk
from gradus.diagnosis.signs import Op

N, C = 6, 4
TARGET = torch.linspace(-1, 1, N * C).reshape(N, C)
CLASSES = torch.tensor([0, 1, 2, 3, 0, 1])


def graph_of(loss: Callable[[Tensor], Tensor]) -> tuple[Graph, nn.Linear]:
    layer = nn.Linear(3, C)
    return walk(loss(layer(torch.ones(N, 3)))), layer


HEADS: dict[str, tuple[Callable[[Tensor], Tensor], list[str]]] = {
    "cross_entropy": (lambda o: F.cross_entropy(o, CLASSES), ["NllLoss", "LogSoftmax"]),
    "nll": (lambda o: F.nll_loss(o.softmax(1), CLASSES), ["NllLoss", "Softmax"]),
    "mse": (lambda o: F.mse_loss(o, TARGET), ["MseLoss"]),
    "smooth_l1": (lambda o: F.smooth_l1_loss(o, TARGET), ["SmoothL1Loss"]),
    "huber": (lambda o: F.huber_loss(o, TARGET), ["HuberLoss"]),
    "l1": (lambda o: F.l1_loss(o, TARGET), ["Mean", "Abs", "Sub"]),
    "bce": (lambda o: F.binary_cross_entropy(o.sigmoid(), TARGET.abs()), ["BinaryCrossEntropy", "Sigmoid"]),
    "bce_logits": (
        lambda o: F.binary_cross_entropy_with_logits(o, TARGET.abs()),
        ["BinaryCrossEntropyWithLogits"],
    ),
    "kl": (
        lambda o: F.kl_div(o.log_softmax(1), TARGET.softmax(1), reduction="sum"),
        ["Sum", "Sub", "Mul", "LogSoftmax"],
    ),
    "soft_margin": (lambda o: F.soft_margin_loss(o, TARGET.sign()), ["SoftMarginLoss"]),
    "multi_margin": (lambda o: F.multi_margin_loss(o, CLASSES), ["MultiMarginLoss"]),
    "ctc": (
        lambda o: F.ctc_loss(
            o[:, None].log_softmax(2), torch.ones(1, 2).long(), torch.tensor([N]), torch.tensor([2]), reduction="sum"
        ),
        ["Sum", "CtcLoss", "LogSoftmax", "Unsqueeze"],
    ),
    "squared by hand": (lambda o: ((o - TARGET) ** 2).mean(), ["Mean", "Pow", "Sub"]),
    "gathered by hand": (
        lambda o: -o.log_softmax(1).gather(1, CLASSES[:, None]).mean(),
        ["Neg", "Mean", "Gather", "LogSoftmax"],
    ),
    "root": (lambda o: F.mse_loss(o, TARGET).sqrt(), ["Sqrt", "MseLoss"]),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_is_the_loss_down_to_the_last_layer(name: str) -> None:
    loss, names = HEADS[name]
    graph, layer = graph_of(loss)
    assert [[op.name for op in head] for head in graph.heads] == [[*names, "Addmm"]]
    assert graph.heads[0][-1].shape == (N, C)
    assert {id(each) for each in graph.reached} == {id(layer.weight), id(layer.bias)}
    assert graph.whole
    assert graph.weighted == 1


SIGNS: list[tuple[Callable[[Tensor], Tensor], bool]] = [
    (lambda e: e, False),
    (lambda e: -e, True),
    (lambda e: 1 - e, True),
    (lambda e: torch.ones(()) - e, True),
    (lambda e: e - 1, False),
    (lambda e: e - torch.ones(()), False),
    (lambda e: -1 * e, True),
    (lambda e: e * torch.tensor(-2.0), True),
    (lambda e: e / -2, True),
    (lambda e: 2 * e / 3, False),
    (lambda e: 0 - (-e), False),
]


@pytest.mark.parametrize(("outer", "flips"), SIGNS)
def test_the_sign_of_a_loss_turns_as_often_as_its_derivative_says(
    outer: Callable[[Tensor], Tensor], flips: bool
) -> None:
    error = torch.tensor(2.0, requires_grad=True)
    (slope,) = torch.autograd.grad(outer(error), error)
    assert bool(slope < 0) is flips
    graph, _ = graph_of(lambda o: outer(F.mse_loss(o, TARGET)))
    above = graph.heads[0][:-2]
    assert sum(op.negative for op in above) % 2 == flips
    assert all((op.times < 0) <= op.negative for op in above)


def test_a_complex_factor_has_no_sign() -> None:
    graph, _ = graph_of(lambda o: (1j * o).abs().sum())
    assert [op.name for op in graph.heads[0]][:3] == ["Sum", "Abs", "Mul"]
    assert not any(op.negative for op in graph.heads[0])


@pytest.mark.parametrize("axis", [0, 1, -1, -2])
def test_the_axis_of_a_softmax_counts_from_the_front(axis: int) -> None:
    graph, _ = graph_of(lambda o: F.nll_loss(o.log_softmax(axis), CLASSES))
    assert graph.heads[0][1] == Op("LogSoftmax", (N, C), axis % 2)


@pytest.mark.parametrize(
    ("activation", "name", "limits"),
    [
        (F.softsign, "Softsign", None),
        (lambda x: x / (1 + x.square().abs()), "Div", None),
        (lambda x: x / (1 + x), "Div", None),
        (F.relu6, "Hardtanh", (0.0, 6.0)),
        (lambda x: F.elu(x, 0.1), "Elu", (-0.1, math.inf)),
        (F.selu, "Elu", (pytest.approx(-1.758, abs=0.001), math.inf)),
        (lambda x: F.celu(x, 2.0), "Celu", (-2.0, math.inf)),
    ],
)
def test_between_what_the_results_of_an_activation_lie(
    activation: Callable[[Tensor], Tensor], name: str, limits: tuple[float, float] | None
) -> None:
    loss = F.mse_loss(activation(nn.Linear(3, 2)(torch.randn(5, 3))), torch.randn(5, 2))
    found = {each[1].name: each[1].limits for each in walk(loss).heads}
    assert found == {name: limits}


def test_a_loss_that_broadcasts_shows_its_shapes() -> None:
    graph, _ = graph_of(lambda o: ((o[:, :1] - torch.ones(N)) ** 2).mean())
    shapes = {op.name: op.shape for op in graph.heads[0]}
    assert shapes["Sub"] == (N, N)
    assert shapes["Addmm"] == (N, C)
    assert next(op for op in graph.heads[0] if op.name == "Sub").data


def test_each_term_of_a_loss_has_a_head() -> None:
    one, two = nn.Linear(3, 1), nn.Conv1d(1, 2, 2)
    loss = one(torch.ones(2, 3)).exp().sum() + two(torch.ones(1, 1, 4)).tanh().mean() + one.weight.square().sum()
    assert {tuple(op.name for op in head) for head in walk(loss).heads} == {
        ("Add", "Add", "Sum", "Exp", "Addmm"),
        ("Add", "Add", "Mean", "Tanh", "Convolution"),
        ("Add", "Sum", "Pow"),
    }


def test_what_the_loss_sees_is_an_output() -> None:
    trunk, mean, value = nn.Linear(3, 4), nn.Linear(4, 2), nn.Linear(4, 1)
    hidden = trunk(torch.ones(2, 3)).tanh()
    one, two = mean(hidden), value(hidden)
    layers = {hidden.grad_fn: "net:tanh", one.grad_fn: "net:mean", two.grad_fn: "net:value"}
    assert walk(one.square().mean() + two.sum(), layers).outputs == {"net:mean", "net:value"}


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (torch.relu, "relu"), (lambda h: h.clamp(min=0), "relu"), (torch.tanh, "tanh"), (torch.sigmoid, "sigmoid"),
        (F.silu, "silu"), (F.gelu, "gelu"), (F.leaky_relu, "leaky_relu"),
        (lambda h: h.view(N, 2, 2).relu(), "relu"),
        (lambda h: F.batch_norm(h, None, None, training=True).relu(), ""),
        (lambda h: h, ""), (lambda h: h * h.sigmoid(), ""),
    ],
)  # fmt: skip
def test_the_activation_that_follows_a_layer(after: Callable[[Tensor], Tensor], expected: str) -> None:
    layer = nn.Linear(3, C)
    hidden = layer(torch.ones(N, 3))
    graph = walk(after(hidden).sum(), {hidden.grad_fn: "m:layer"})
    assert graph.following == {"m:layer": expected}


def relu_between(first: nn.Module, second: nn.Module, between: Callable[[Tensor], Tensor]) -> Graph:
    return walk(second(between(first(torch.ones(N, 3)))).sum())


@pytest.mark.parametrize(
    ("between", "nonlinear"),
    [
        (lambda h: h, False), (lambda h: 2 * h + 1, False), (lambda h: F.dropout(h, 0.5), False), (torch.relu, True),
        (lambda h: h * h, True), (lambda h: h.view(C, N).t().reshape(N, C), False),
        (F.leaky_relu, True), (lambda h: F.leaky_relu(h, 1.0), False), (lambda h: F.rrelu(h, 1.0, 1.0), False),
        (lambda h: F.hardtanh(h, -1e4, 1e4), False), (F.hardtanh, True), (lambda h: h.clamp(-1e4, 1e4), False),
        (lambda h: h.clamp(min=-1e9), False), (lambda h: h.clamp(min=1e4), True), (lambda h: h.clamp(max=1.0), True),
        (lambda h: h.clamp(min=0), True),
        (lambda h: F.softshrink(h, 0.0), False), (F.softshrink, True), (lambda h: F.threshold(h, -1e9, 0.0), False),
    ],
)  # fmt: skip
def test_whether_stacked_layers_are_more_than_one(between: Callable[[Tensor], Tensor], nonlinear: bool) -> None:
    graph = relu_between(nn.Linear(3, C), nn.Linear(C, 2), between)
    assert graph.nonlinear is nonlinear
    assert graph.weighted == 2


def test_a_walk_ends_somewhere() -> None:
    layer = nn.Linear(1, 1)
    deep = layer(torch.ones(1, 1))
    for _ in range(6000):
        deep = deep + 1
    graph = walk(deep.sum())
    assert not graph.whole
    assert not walk(torch.ones(())).heads


def test_a_compiled_part_hides_what_it_reaches() -> None:
    layer = nn.Linear(3, C)
    compiled = torch.compile(layer, backend="aot_eager")
    graph = walk(compiled(torch.ones(N, 3)).sum())
    assert not graph.whole
    assert {id(each) for each in graph.reached} == {id(layer.weight), id(layer.bias)}


def test_outputs_that_pass_one_node_together_stay_apart(tmp_path: Path) -> None:
    """DistributedDataParallel may have one node for all outputs of a model."""

    class WithLoss(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(nn.Linear(3, C), nn.Softmax(dim=1))

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            output = self.net(x)
            return F.cross_entropy(output, CLASSES), output

    alone = WithLoss()
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        parallel = nn.parallel.DistributedDataParallel(alone, find_unused_parameters=True)
        loss, output = parallel(torch.ones(N, 3))
    finally:
        torch.distributed.destroy_process_group()
    assert loss.grad_fn is output.grad_fn
    assert walk(loss).heads == walk(alone(torch.ones(N, 3))[0]).heads
    assert [op.name for op in walk(loss / 2).heads[0]] == ["Div", "NllLoss", "LogSoftmax", "Softmax", "Addmm"]
    assert len(walk(loss / 2).heads) == 1


@pytest.mark.parametrize(
    ("data", "gains"),
    [(TARGET, True), (TARGET.abs(), True), (TARGET.softmax(-1), False), ((TARGET > 0).float(), False)],
)
def test_of_a_product_with_data_it_is_told_whether_they_are_shares(data: Tensor, gains: bool) -> None:
    for product in (lambda o: (o.softmax(1) * data).sum(), lambda o: (data * o.softmax(1)).sum()):
        (head,) = graph_of(product)[0].heads
        assert [op.gains for op in head if op.name == "Mul"] == [gains]


def test_of_a_product_the_shapes_of_its_factors_are_told() -> None:
    rows = TARGET[:, :1]
    assert [op.factors for op in graph_of(lambda o: (o.sum(1) * rows).mean())[0].heads[0] if op.name == "Mul"] == [
        (tuple(rows.shape), (N,))
    ]
    both = {(N,), (N, 1)}
    heads = graph_of(lambda o: (o.sum(1) * o[:, :1].exp()).mean())[0].heads
    assert {frozenset(op.factors) for head in heads for op in head if op.name == "Mul"} == {frozenset(both)}


def test_softmaxes_over_the_first_axis_are_told_wherever_they_are() -> None:
    last = nn.Linear(C, 1)
    for axis, expected in ((0, {(N, C)}), (1, set())):
        graph = graph_of(lambda o, axis=axis: last(o.softmax(axis) * o).sum())[0]  # type: ignore[misc]
        assert graph.over_first == expected


def test_complex_data_are_no_gains() -> None:
    (head,) = graph_of(lambda o: (o * torch.full_like(o, 2j, dtype=torch.complex64)).abs().sum())[0].heads
    assert not any(op.gains for op in head)


def test_what_logits_are_compared_with_is_no_output() -> None:
    """The entropy of a yes or no is computed as the loss of its logit against its own probability."""
    (head,) = graph_of(lambda o: torch.distributions.Bernoulli(logits=o).entropy().mean())[0].heads
    assert [op.name for op in head][:2] == ["Mean", "BinaryCrossEntropyWithLogits"]
    assert "Sigmoid" not in {op.name for op in head}


def test_the_steps_of_a_recurrence_are_one_activation() -> None:
    recurrence, first, last = nn.RNN(3, 4, nonlinearity="relu"), nn.Linear(4, 5), nn.Linear(5, 1)
    y, _ = recurrence(torch.randn(6, 2, 3))
    graph = walk(last(torch.relu(first(torch.relu(y[-1] - 1)))).sum())
    groups = by_weights(graph.unnamed)
    assert sorted(len(nodes) for _, nodes in groups) == [1, 1, 6]


@pytest.mark.parametrize(("detach", "passed", "again"), [(False, 5, 5), (True, 1, 1)])
def test_how_many_steps_of_a_layer_the_loss_comes_by(detach: bool, passed: int, again: int) -> None:
    layer, h, nodes = nn.Linear(C, C), TARGET, {}
    for _ in range(5):
        h = layer(h.detach() if detach else h)
        nodes[h.grad_fn] = "net:"
    graph = walk(h.sum(), nodes)
    assert (graph.passed["net:"], graph.again) == (passed, again)


@pytest.mark.parametrize(
    ("compute", "found"),
    [
        (lambda x, w: x @ w, True),
        (lambda x, w: x.T @ x @ w, False),  # no batch
        (lambda x, w: w[:, 0] * x, False),  # a part of a weight
        (lambda x, w: x[:, :1] * w.sum(), False),
        (lambda x, w: 0.1 * w, False),
    ],
)
def test_what_weights_by_hand_are_multiplied_with(compute: Callable[[Tensor, Tensor], Tensor], found: bool) -> None:
    x, w = torch.linspace(-2, 2, 24).reshape(8, 3), torch.ones(3, 2, requires_grad=True)
    given = list(given_by_hand(walk(compute(x, w).square().mean())))
    assert bool(given) == found
    assert all(torch.equal(each, x) for each in given)


def test_examples_may_be_columns() -> None:
    x, w = torch.linspace(-2, 2, 24).reshape(8, 3), torch.ones(2, 3, requires_grad=True)
    (given,) = given_by_hand(walk((w @ x.T).square().mean()))
    assert torch.equal(given, x)


def test_a_mask_of_weights_is_no_input() -> None:
    w = torch.ones(6, 2, requires_grad=True)
    assert not list(given_by_hand(walk((w * torch.ones(6, 2)).square().mean())))


def test_one_number_by_hand_meets_a_column() -> None:
    x, w = torch.linspace(-2, 2, 24), torch.ones(1, requires_grad=True)
    (given,) = given_by_hand(walk((w * x).square().mean()))
    assert torch.equal(given, x[:, None])


STEPS = 9
SEQUENCE = torch.randn(N, STEPS, C, generator=torch.Generator().manual_seed(0)).requires_grad_()
RIGHT = torch.randint(0, C, (N, STEPS), generator=torch.Generator().manual_seed(1))
ROWS, MOMENTS = torch.arange(N)[:, None], torch.arange(STEPS)
SOME = (RIGHT != 0).nonzero(as_tuple=True)
ENDS = torch.tensor([8, 3, 5, 8, 1, 2])[:, None, None]


@pytest.mark.parametrize(
    ("pick", "expected"),
    [
        (lambda p: p.gather(2, RIGHT[..., None]), (2,)),
        (lambda p: p.gather(-1, RIGHT[..., None]), (2,)),
        (lambda p: p[ROWS, MOMENTS, RIGHT], (2,)),
        (lambda p: p.transpose(1, 2)[ROWS, RIGHT, MOMENTS], (1,)),
        (lambda p: p[(*SOME, RIGHT[SOME])], (2,)),
        (lambda p: p[RIGHT % N, RIGHT, RIGHT], (2,)),  # a table
        (lambda p: p[torch.arange(3), torch.arange(3), torch.arange(3)], (0, 1, 2)),
        (lambda p: p.gather(1, ENDS.repeat(1, 1, C)), ()),  # the last step of each
        (lambda p: p.gather(2, RIGHT[:, :, None].repeat(1, 1, 2)), ()),
        (lambda p: p[:, 0].gather(1, RIGHT[:, :1]), ()),
    ],
)
def test_the_axis_on_which_numbers_are_picked(pick: Callable[[Tensor], Tensor], expected: tuple[int, ...]) -> None:
    ops = walk(pick(SEQUENCE.log_softmax(2)).mean()).heads[0]
    assert next((op.picks for op in ops if op.picks), ()) == expected
