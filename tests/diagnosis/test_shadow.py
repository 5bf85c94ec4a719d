"""Models that mix their examples, those that do not, and a look that leaves no trace."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules import module as torch_modules

from gradus.diagnosis.shadow import look_beside

N, WIDTH = 12, 6


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


class Does(nn.Module):
    """A linear layer before and after some function."""

    def __init__(self, function: Callable[[Tensor], Tensor], wide: int = WIDTH, out: int = WIDTH) -> None:
        super().__init__()
        self.before, self.after, self.function = nn.Linear(WIDTH, WIDTH), nn.Linear(wide, out), function

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.after(self.function(self.before(x)))
        return out


class Recurrent(nn.Module):
    def __init__(self, *, bidirectional: bool = False, batch_first: bool = False) -> None:
        super().__init__()
        self.lstm = nn.LSTM(WIDTH, WIDTH, bidirectional=bidirectional, batch_first=batch_first)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        out: tuple[Tensor, tuple[Tensor, Tensor]] = self.lstm(x)
        return out


def transformer(*, batch_first: bool) -> nn.Module:
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(WIDTH, 2, 8, batch_first=batch_first), 1)


def grouped(x: Tensor) -> Tensor:
    return F.group_norm(x, 2)


def attended(x: Tensor, *, dropout: float) -> Tensor:
    heads = x[:, None, None]
    return F.scaled_dot_product_attention(heads, heads, heads, dropout_p=dropout)[:, 0, 0]


class Pairs(nn.Module):
    """Every example against every other."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.layer(x)
        return h @ h.T


class Centred(nn.Module):
    """As many classes as rows that are looked at, and a mean over the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(WIDTH, 4)

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.layer(x)
        return h - h.mean(0)


MIXING: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "view after transpose": (
        lambda: Does(lambda h: h.transpose(0, 1).reshape(h.shape[0], -1), 3 * WIDTH),
        (N, 3, WIDTH),
    ),
    "centred": (lambda: Does(lambda h: h - h.mean(0)), (N, WIDTH)),
    "softmax": (lambda: Does(lambda h: h.softmax(0)), (N, WIDTH)),
    "as many classes as rows": (Centred, (N, WIDTH)),
    "attention over examples": (lambda: Does(lambda h: (h @ h.T).softmax(1) @ h), (N, WIDTH)),
    "normalized by the whole batch": (lambda: Does(lambda h: h / h.norm()), (N, WIDTH)),
    "images as sequences": (lambda: transformer(batch_first=False), (N, 1, WIDTH)),
}
APART: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "perceptron": (lambda: Does(torch.relu), (N, WIDTH)),
    "softmax": (lambda: Does(lambda h: h.softmax(-1)), (N, WIDTH)),
    "flattened": (lambda: Does(lambda h: h.reshape(len(h), -1), 3 * WIDTH), (N, 3, WIDTH)),
    "batch first": (lambda: Recurrent(batch_first=True), (N, 4, WIDTH)),
    "transformer": (lambda: transformer(batch_first=True), (N, 4, WIDTH)),
    "batch norm": (lambda: nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.BatchNorm1d(WIDTH), nn.Tanh()), (N, WIDTH)),
    "convolution": (lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.GroupNorm(2, 4), nn.MaxPool2d(2)), (N, 2, 9, 9)),
    "group norm": (lambda: Does(grouped), (N, WIDTH)),
    "similarities of all pairs": (Pairs, (N, WIDTH)),
}


@pytest.mark.parametrize("name", MIXING)
@pytest.mark.filterwarnings("ignore:enable_nested_tensor:UserWarning")
def test_a_model_that_mixes_its_examples(name: str) -> None:
    build, shape = MIXING[name]
    assert look_beside(build(), (torch.randn(shape),), {}) == "mixes"


@pytest.mark.parametrize("name", APART)
@pytest.mark.filterwarnings("ignore:enable_nested_tensor:UserWarning")
def test_a_model_that_keeps_them_apart(name: str) -> None:
    build, shape = APART[name]
    assert look_beside(build(), (torch.randn(shape),), {}) == ""


@pytest.mark.parametrize(
    "build", [Recurrent, lambda: Recurrent(bidirectional=True), lambda: transformer(batch_first=False)]
)
@pytest.mark.filterwarnings("ignore:enable_nested_tensor:UserWarning")
def test_time_may_come_first(build: Callable[[], nn.Module]) -> None:
    """Which axis holds the examples the model alone does not tell."""
    assert look_beside(build(), (torch.randn(N, 4, WIDTH),), {}) == "crosses"


@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("shape", [(60, WIDTH), (60, 1, WIDTH)])
def test_the_steps_of_one_series_are_told_from_examples(shape: tuple[int, ...], smooth: bool) -> None:
    """Time comes first, as torch's recurrent layers have it; examples that are taken for steps are not in order."""
    x = torch.randn(shape)
    given = x.cumsum(0) / 10 if smooth else x
    assert look_beside(Recurrent(), (given,), {}) == ("" if smooth else "mixes")


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (F.dropout, True),
        (lambda h: h * torch.bernoulli(torch.full_like(h, 0.9)) / 0.9, True),
        (lambda h: torch.bernoulli(h.sigmoid()), False),  # binary latents
        (lambda h: torch.empty_like(h).bernoulli_(h.sigmoid()), False),
        (lambda h: attended(h, dropout=0.1), True),
        (lambda h: attended(h, dropout=0.0), False),
        (lambda h: F.dropout(h, training=False), False),
        (nn.Dropout(0.5), False),
        (lambda h: h + torch.randn_like(h), False),  # noise that is meant
        (lambda h: h * (torch.rand_like(h) > 0.3) / 0.7, True),
        (lambda h: torch.where(torch.empty_like(h).uniform_() < 0.8, h * (1 / 0.8), 0.0), True),
        (lambda h: (torch.rand_like(h) < h.sigmoid()).float() / 0.7, False),  # spikes
        (lambda h: h * (torch.rand_like(h) > 0.3), False),  # inputs that are to be guessed
        (lambda h: h * (torch.rand_like(h) > 0.0) / 1.0, False),  # nothing is dropped
        (lambda h: h * (h > 0.3) / 0.7 + torch.rand_like(h), False),
    ],
)
def test_dropout_that_acts_in_evaluation(function: Callable[[Tensor], Tensor], expected: bool) -> None:
    assert look_beside(Does(function), (torch.randn(N, WIDTH),), {}) == ("drops" if expected else "")


@pytest.mark.parametrize("dense", [True, False])
def test_dropout_is_seen_where_all_examples_must_come_at_once(dense: bool) -> None:
    """As the nodes of a graph do, whose edges are a matrix or pairs of nodes."""
    edges = torch.eye(N) if dense else torch.arange(N).repeat(2, 1)

    class Nodes(nn.Module):
        def forward(self, x: Tensor, edges: Tensor) -> Tensor:
            return F.dropout(edges @ x if dense else x[edges[0]])

    assert look_beside(Nodes(), (torch.randn(N, WIDTH), edges), {}) == "drops"


def test_dropout_is_seen_of_examples_that_are_numbers() -> None:
    class Rates(nn.Module):
        def forward(self, users: Tensor, items: Tensor) -> Tensor:
            users.add_(1)  # a copy's
            return F.dropout((users * items).float(), 0.3, training=self.training or dropping)

    for dropping in (True, False):
        users = torch.arange(N)
        assert look_beside(Rates(), (users, torch.arange(N)), {}) == ("drops" if dropping else "")
        assert torch.equal(users, torch.arange(N))


class Norm(nn.BatchNorm1d):
    """A batch norm of one's own, by torch's function or by hand."""

    def __init__(self, *, asks: bool, by_hand: bool) -> None:
        super().__init__(WIDTH)
        self.asks, self.by_hand = asks, by_hand

    def forward(self, x: Tensor) -> Tensor:
        training = self.training or not self.asks
        if not self.by_hand:
            return F.batch_norm(x, self.running_mean, self.running_var, training=training)
        assert self.running_mean is not None
        if training:
            self.running_mean = 0.9 * self.running_mean + 0.1 * x.mean(0)
            return x - x.mean(0)
        return x - self.running_mean


class Counting(nn.Module):
    """Compares each example with the others, and counts its passes."""

    passes: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("passes", torch.tensor(0))

    def forward(self, x: Tensor) -> Tensor:
        self.passes += 1
        return x - x.mean(0)


def test_a_counter_is_no_average() -> None:
    assert look_beside(Does(Counting()), (torch.randn(N, WIDTH),), {}) == "mixes"


@pytest.mark.parametrize("by_hand", [True, False])
@pytest.mark.parametrize("asks", [True, False])
def test_a_batch_norm_that_does_not_ask_for_the_mode(asks: bool, by_hand: bool) -> None:
    model = Does(Norm(asks=asks, by_hand=by_hand))
    assert look_beside(model, (torch.randn(N, WIDTH),), {}) == ("" if asks else "normalizes")


def test_nothing_of_the_run_is_touched(capsys: pytest.CaptureFixture[str]) -> None:
    """Buffers, random numbers, modes, inputs, and hooks of others, be they global or a module's own."""
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.BatchNorm1d(WIDTH, momentum=None), nn.Dropout(0.5))
    model[1].eval()
    x = torch.randn(N, WIDTH, requires_grad=True)
    before, x_before = copy.deepcopy(model.state_dict()), x.clone()
    seen: list[nn.Module] = []

    class Owner:
        """Who has a hook must not be copied with the model."""

        def __deepcopy__(self, memo: object) -> "Owner":
            raise AssertionError

        def hook(self, module: nn.Module, *_: object) -> None:
            seen.append(module)

    owner = Owner()
    model.register_forward_hook(owner.hook)
    model[0].register_forward_pre_hook(owner.hook)
    handles = [torch_modules.register_module_forward_hook(owner.hook),
               torch_modules.register_module_forward_pre_hook(owner.hook)]  # fmt: skip
    random = torch.random.get_rng_state()
    try:
        assert look_beside(model, (x,), {}) == ""
        assert not seen
        model(x)
        assert len(seen) == 2 * 4 + 2  # they are all still there
    finally:
        for each in handles:
            each.remove()
    torch.random.set_rng_state(random)
    assert torch.equal(x, x_before)
    assert x.grad is None
    assert [each.training for each in model] == [True, False, True]
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items() if "num" not in name)
    assert capsys.readouterr().out == ""


def test_hooks_of_a_mixing_model_do_not_hide_that_it_mixes() -> None:
    model = Does(lambda h: h - h.mean(0))
    model.register_forward_hook(lambda *_: None)
    kept = {"generator": torch.Generator()}  # what cannot be copied
    model.register_forward_hook(lambda *_: kept.clear())
    assert look_beside(model, (torch.randn(N, WIDTH),), {}) == "mixes"
    assert kept


class Odd(nn.Module):
    """A layer whose output comes in some wrapping."""

    def __init__(self, wrap: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.layer, self.wrap = nn.Linear(WIDTH, WIDTH), wrap

    def forward(self, x: Tensor) -> object:
        print("talkative")
        hidden = self.layer(x)
        return self.wrap(hidden - hidden.mean(0))


@pytest.mark.parametrize(
    ("wrap", "expected"),
    [
        (lambda h: (h, h), True), (lambda h: {"loss": h.mean(), "logits": h}, True), (lambda h: h.mean(), False),
        (lambda h: None, False), (lambda h: h.argmax(1), True), (lambda h: 1 / 0, False),
        (lambda h: torch.complex(h, h), False), (lambda h: h[:1], False),
    ],
)  # fmt: skip
def test_odd_outputs(wrap: Callable[[Tensor], object], expected: bool, capsys: pytest.CaptureFixture[str]) -> None:
    assert look_beside(Odd(wrap), (torch.randn(N, WIDTH),), {}) == ("mixes" if expected else "")
    assert capsys.readouterr().out == ""


def test_a_graph_s_edges_are_no_batch() -> None:
    class Graph(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(WIDTH, WIDTH)

        def forward(self, x: Tensor, edges: Tensor) -> Tensor:
            out: Tensor = edges @ self.layer(x)
            return out

    assert look_beside(Graph(), (torch.randn(N, WIDTH), torch.rand(N, N)), {}) == ""


@pytest.mark.parametrize("given", [(), (torch.ones(WIDTH),), (torch.ones(1, WIDTH),), (torch.ones(0, WIDTH),), (3,)])
def test_without_a_batch_nothing_is_said(given: tuple[object, ...]) -> None:
    assert look_beside(Does(torch.relu), given, {}) == ""
