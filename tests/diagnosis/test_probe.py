"""When the probe looks, what it counts as a step, and what it takes a loss to be."""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import LBFGS, SGD, Optimizer

from gradus.diagnosis.cadence import FIRST_STEPS, GROWTH, SETTLED, glances
from gradus.diagnosis.guard import GradientGuard
from gradus.diagnosis.history import History
from gradus.diagnosis.hooks import Hooks
from gradus.diagnosis.probe import Probe
from gradus.diagnosis.watch import Watch
from gradus.optim.second_order import NewtonCG

N = 16
X = torch.randn(N, 3, generator=torch.Generator().manual_seed(0))
Y = torch.randn(N, 1, generator=torch.Generator().manual_seed(1))


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@contextlib.contextmanager
def probing(
    *models: nn.Module, budget: float = math.inf, optimizers: Sequence[Optimizer] | None = None
) -> Iterator[Probe]:
    """A probe of these models, or of everything; it must not have stumbled."""
    named = {f"net{number or ''}": each for number, each in enumerate(models)} or None
    probe = Probe(History(), lambda: None, budget=budget, models=named, optimizers=optimizers)
    probe.attach()
    try:
        yield probe
    finally:
        probe.finish()
    assert not [each for each in probe.history.events if each["kind"] == "error"]


def train(model: nn.Module, optimizer: Optimizer, steps: int, loss: Callable[[Tensor], Tensor] | None = None) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        output = model(X)
        (F.mse_loss(output, Y) if loss is None else loss(output)).backward()
        optimizer.step()


def examined(probe: Probe) -> list[int]:
    return [each.step for each in probe.history.examinations]


# ---- when -----------------------------------------------------------------------------------------------------------


def expected_steps(count: int) -> list[int]:
    steps = list(range(FIRST_STEPS))
    while (following := steps[-1] + round(GROWTH * steps[-1])) < count:
        steps.append(following)
    return steps


@pytest.mark.parametrize("everything", [False, True])
def test_examinations_come_at_each_of_the_first_steps_and_then_geometrically(everything: bool) -> None:
    model = nn.Linear(3, 1)
    with probing(*([] if everything else [model])) as probe:
        train(model, SGD(model.parameters(), lr=0.01), 400)
    assert examined(probe) == expected_steps(400)
    assert (probe.history.step, len(probe.history.losses)) == (400, 400)


def test_spacing_doubles_when_examinations_cost_too_much() -> None:
    model = nn.Linear(3, 1)
    with probing(model, budget=1e-9) as probe:
        last = next(step for step in expected_steps(10**6) if step > SETTLED)
        following = last + 2 * round(GROWTH * last)
        train(model, SGD(model.parameters(), lr=0.01), following + 1)
    events = [each for each in probe.history.events if each["kind"] == "spacing"]
    assert examined(probe) == [*expected_steps(last + 1), following]
    assert [(each["step"], each["stretch"]) for each in events] == [(last, 2), (following, 4)]


def test_a_loss_that_leaps_is_looked_at_in_the_next_step() -> None:
    model = nn.Linear(3, 1)
    with probing(model) as probe:
        optimizer = SGD(model.parameters(), lr=0.0)
        train(model, optimizer, 50)
        assert 51 not in expected_steps(60)
        train(model, optimizer, 1, lambda output: 100 * F.mse_loss(output, Y))
        train(model, optimizer, 9)
    assert examined(probe) == sorted([*expected_steps(50), 51])


def test_alarms_do_not_go_on_for_ever() -> None:
    model = nn.Linear(3, 1)
    with probing(model) as probe:
        optimizer = SGD(model.parameters(), lr=0.0)
        for _ in range(50):
            train(model, optimizer, 39)
            train(model, optimizer, 1, lambda output: 100 * F.mse_loss(output, Y))
    assert len(examined(probe)) <= len(expected_steps(2000)) + 12


# ---- steps ----------------------------------------------------------------------------------------------------------


def test_accumulated_passes_are_one_step() -> None:
    model = nn.Linear(3, 1)
    with probing(model) as probe:
        sgd = SGD(model.parameters(), lr=0.0)
        for _ in range(12):
            for part in X.split(4):
                (model(part).sum() / 4).backward()
            sgd.step()
    assert (probe.history.step, probe.history.loop.backwards) == (12, 48)
    assert [len(each.losses) for each in probe.history.examinations] == [4] * len(probe.history.examinations)
    assert probe.history.losses.end() == pytest.approx(model(X).sum().item() / 16, rel=1e-4)


@pytest.mark.parametrize("times", [4, 20])
def test_a_closure_called_many_times_is_one_step(times: int) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    calls = 0

    def closure() -> Tensor:
        nonlocal calls
        calls += 1
        lbfgs.zero_grad()
        loss = F.mse_loss(model(X), Y)
        loss.backward()
        return loss

    with probing(model) as probe:
        lbfgs = LBFGS(model.parameters(), max_iter=times)
        for _ in range(12):
            lbfgs.step(closure)
    assert calls > 12
    assert probe.history.step == 12
    assert probe.history.loop.stale_steps == []


def test_of_an_optimizer_that_takes_derivatives_itself_only_steps_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Linear(3, 1)
    looks: list[int] = []
    with probing(model) as probe:
        monkeypatch.setattr(Hooks, "hook_layers", lambda *_: looks.append(probe.history.step))
        newton = NewtonCG(model.parameters(), tolerance=0.0)
        for _ in range(40):
            newton.step(lambda: F.mse_loss(model(X), Y))
    assert probe.history.step == 40
    assert not probe.history.examinations
    # As rarely as it would examine: hooks on layers must not stay for want of a backward pass.
    assert set(looks) == set(expected_steps(40))


def test_of_two_optimizers_each_has_its_losses_and_the_leader_counts() -> None:
    one, two = nn.Linear(3, 1), nn.Linear(3, 1)
    with probing(one, two) as probe:
        first, second = SGD(one.parameters(), lr=0.0), SGD(two.parameters(), lr=0.0)
        for _ in range(12):
            for _ in range(2):
                train(one, first, 1)
            train(two, second, 1)
    history = probe.history
    assert history.step == 24
    assert {key: len(each) for key, each in history.players.items()} == {0: 24, 1: 12}
    assert history.players[1].end() == pytest.approx(F.mse_loss(two(X), Y).item(), rel=1e-5)


def test_an_optimizer_of_something_else_is_not_heeded() -> None:
    model, other = nn.Linear(3, 1), nn.Linear(3, 1)
    with probing(model) as probe:
        train(model, SGD(model.parameters(), lr=0.0), 5)
        train(other, SGD(other.parameters(), lr=0.0), 5)
    assert probe.history.step == 5


@pytest.mark.parametrize("everything", [True, False])
def test_an_optimizer_may_have_groups_that_hold_nothing(everything: bool) -> None:
    model = nn.Linear(3, 1)
    with probing() if everything else probing(model) as probe:
        SGD([{"params": []}], lr=0.0).step()
        groups: list[dict[str, Any]] = [{"params": []}, {"params": model.parameters(), "weight_decay": 0.5}]
        train(model, SGD(groups, lr=0.25), 5)
    assert probe.history.step == 5
    assert (probe.history.optimizers[0].rate, probe.history.optimizers[0].decay) == (0.25, 0.5)


def test_updates_by_hand_are_steps() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    with probing(model) as probe:
        for _ in range(30):
            model.zero_grad()
            F.mse_loss(model(X), Y).backward()
            with torch.no_grad():
                for each in model.parameters():
                    assert each.grad is not None
                    each.sub_(0.1 * each.grad)
    assert 24 <= probe.history.step <= 30  # the first few might have been gradients added up
    assert probe.history.loop.unused == 0
    matrices = [place for place, each in probe.history.examinations[-1].parameters.items() if each.matrix]
    assert matrices == ["net:0.weight", "net:1.weight"]  # as an optimizer has them


@pytest.mark.parametrize(
    ("measure", "right"),
    [
        (lambda said, y: F.cross_entropy(said, y, reduction="mean"), True),
        (lambda said, y: F.cross_entropy(said, y, ignore_index=0), False),
        (lambda said, y: F.mse_loss(said[:, 0], y.float()), False),
    ],
)
@pytest.mark.parametrize("context", [torch.no_grad, contextlib.nullcontext])
def test_how_many_are_right_is_told_by_a_loss_of_classes(
    measure: Callable[[Tensor, Tensor], Tensor], right: bool, context: Callable[[], Any]
) -> None:
    model, y = nn.Linear(3, 2), torch.arange(N) % 2
    optimizer = SGD(model.parameters(), lr=0.1)
    with probing(model) as probe:
        for _ in range(3):
            train(model, optimizer, 4, lambda output: F.cross_entropy(output, y))
            with torch.no_grad():
                said = model(X)
            with context():
                measure(said, y)
    assert [each.accuracy is not None for each in probe.history.evaluations] == [right] * 3


@pytest.mark.parametrize("pairs", [True, False])
def test_of_two_that_come_together_neither_has_the_label(pairs: bool) -> None:
    model, x, y = nn.Linear(3, 2), torch.randn(16, 3), torch.arange(16) % 2
    optimizer = SGD(model.parameters(), lr=0.1)
    with probing(model) as probe:
        for _ in range(3):
            optimizer.zero_grad()
            F.cross_entropy(model(x) - (model(x.flip(0)) if pairs else 0.0), y).backward()
            optimizer.step()
    assert [each.again for each in probe.history.examinations] == ([None] * 3 if pairs else [0, 16, 16])


# ---- losses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("enabled", [True, False])
def test_a_scaled_loss_is_read_as_it_was(enabled: bool) -> None:
    model = nn.Linear(3, 1)
    with probing(model) as probe:
        sgd, scaler = SGD(model.parameters(), lr=0.0), torch.amp.GradScaler("cpu", init_scale=1024, enabled=enabled)
        for _ in range(12):
            sgd.zero_grad()
            loss = F.mse_loss(model(X), Y)
            scaler.scale(loss).backward()
            scaler.step(sgd)
            scaler.update()
    (gradient,) = torch.autograd.grad(F.mse_loss(model(X), Y), model.weight)
    signs = probe.history.examinations[3]
    assert probe.history.losses.end() == pytest.approx(loss.item())
    assert signs.loss is not None
    assert signs.loss.value == pytest.approx(loss.item())
    assert signs.parameters["net:weight"].gradient == pytest.approx(gradient.square().mean().sqrt().item(), rel=1e-4)


@pytest.mark.parametrize("after", [0, 30])
def test_a_loss_that_is_not_finite_is_traced(after: int) -> None:
    model = nn.Linear(3, 1)
    with probing(model) as probe:
        sgd = SGD(model.parameters(), lr=0.0)
        train(model, sgd, after)
        train(model, sgd, 1, lambda output: (0 * output).log().mean())
    found = probe.history.non_finite
    assert found is not None
    assert (found.step, found.source, found.operation) == (after, "loss", "Log")


def test_the_gradient_of_a_root_at_zero() -> None:
    """The loss is finite, 0, and its gradient 0 * inf."""
    model = nn.Linear(3, 1)
    with probing(model) as probe:
        train(model, SGD(model.parameters(), lr=0.0), 9, lambda output: (0 * output).square().mean().sqrt())
    found = probe.history.non_finite
    assert found is not None
    assert (found.source, found.where) == ("gradient", "")


@pytest.mark.parametrize("affordable", [True, False])
def test_gradients_of_resting_steps_are_looked_at_where_that_is_cheap(
    monkeypatch: pytest.MonkeyPatch, affordable: bool
) -> None:
    monkeypatch.setattr(GradientGuard, "affords", lambda self, seconds: affordable)
    model = nn.Linear(3, 1)
    with probing(model) as probe:
        optimizer = SGD(model.parameters(), lr=0.0)
        train(model, optimizer, 41)
        assert not glances(probe.history.step)
        assert 41 not in expected_steps(50)
        train(model, optimizer, 1, lambda output: (0 * output).square().mean().sqrt())
        found = probe.history.non_finite
    assert (found is not None) == affordable
    assert found is None or (found.step, found.source) == (41, "gradient")


# ---- what others do -------------------------------------------------------------------------------------------------


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.last = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(self.lstm(x[:, None].expand(-1, 10, -1))[0][:, -1])
        return out


@pytest.mark.parametrize("everything", [False, True])
def test_looking_beside_and_back_through_time_adds_no_model(everything: bool) -> None:
    """Neither the copy that is run beside the model nor the layer that is run again is a model of the program."""
    model = Recurrent()
    with probing(*([] if everything else [model])) as probe:
        train(model, SGD(model.parameters(), lr=0.01), 12)
    assert len(probe.history.models) == 1
    (label,) = probe.history.models
    last = probe.history.last
    assert last is not None
    assert last.layers[f"{label}:lstm"].earliest
    assert probe.history.loop.backwards == 12


class Centred(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(x)
        return out - out.mean(0)


@pytest.mark.parametrize("everything", [False, True])
def test_a_model_that_mixes_its_examples_is_found_out(everything: bool) -> None:
    model = Centred()
    with probing(*([] if everything else [model])) as probe:
        train(model, SGD(model.parameters(), lr=0.01), 3)
    assert probe.history.loop.mixes


def test_a_model_without_parameters_is_none() -> None:
    weight = nn.Parameter(torch.ones(3, 1))
    with probing() as probe:
        sgd = SGD([weight], lr=0.01)
        for _ in range(5):
            sgd.zero_grad()
            nn.Sequential(nn.ReLU())(X @ weight).mean().backward()
            sgd.step()
    assert probe.history.step == 5
    assert probe.history.models == {}


def test_empty_batches_and_odd_outputs_make_nobody_stumble() -> None:
    model = nn.Linear(3, 1)
    with probing(model) as probe:
        sgd = SGD(model.parameters(), lr=0.01)
        for size in (0, 1, 16, 0):
            sgd.zero_grad()
            F.mse_loss(model(X[:size]), Y[:size], reduction="sum").backward()
            sgd.step()
            with torch.no_grad():
                model(X[:size])
    assert probe.history.step == 4


def test_what_an_optimizer_held_that_is_gone_is_no_orphan() -> None:
    """As where each task has a copy of the model and an optimizer of its own."""
    torch.manual_seed(0)
    x, y = torch.randn(64, 8), torch.randn(64, 1)
    copies = [nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1)) for _ in range(8)]
    with Watch(None, None, budget=0.01, silence=(), quiet=True) as doctor:
        for each in copies:
            inner = torch.optim.SGD(each.parameters(), lr=0.01)
            for _ in range(5):
                inner.zero_grad()
                (each(x) - y).square().mean().backward()
                inner.step()
            del inner
    assert "parameters-not-in-optimizer" not in [each.symptom for each in doctor.findings]
    assert doctor.history.loop.orphan_share == 0


def test_the_training_set_is_told_from_others_before_all_of_it_was_looked_at() -> None:
    generator = torch.Generator().manual_seed(0)
    ours, others = torch.randn(2, 600, 3, generator=generator)
    model = nn.Linear(3, 1)
    optimizer = SGD(model.parameters(), lr=0.01)
    with probing() as probe:
        for _ in range(3):
            for rows in torch.randperm(len(ours), generator=generator).split(25):
                optimizer.zero_grad()
                model(ours[rows]).square().mean().backward()
                optimizer.step()
            with torch.no_grad():
                model(ours)
                model(others)
    training, held_out = probe.history.evaluations[-2:]
    assert 0 < training.share_known < 1
    assert 0.3 < training.seen < 0.95
    assert (training.of_training, held_out.of_training) == (True, False)
