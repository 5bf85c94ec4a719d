"""One objective, many ways: exact ones take the steps of autograd, and the state goes on where the data do."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gradus.core.batch import Batch
from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.losses.every_step import EveryStep
from gradus.nn.rtrl import ElementwiseRNN
from gradus.training.callbacks import Callback
from gradus.training.interruption import INTERRUPTED
from gradus.training.objectives import Parts
from gradus.training.objectives.through_time import ThroughTime, through_time
from gradus.training.recipe import Recipe
from gradus.training.train import resume, train
from gradus.training.trainer import Trainer

N, T, H, SYMBOLS = 3, 5, 6, 7
FORWARD: dict[str, dict[str, Any]] = {
    "exact": {}, "block": {"length": 4}, "tbptt": {"back": T, "every": 2}, "snap1": {}, "uoro": {}
}  # fmt: skip


class Model(nn.Module):
    def __init__(self, kind: type[nn.Module] = nn.LSTM, *, every_step: bool = True) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(SYMBOLS, 4)
        self.recurrence = kind(4, H, batch_first=True)
        self.output = nn.Linear(H, SYMBOLS)
        self.every_step = every_step

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.recurrence(self.embedding(x))
        logits: Tensor = self.output(y if self.every_step else y[:, -1])
        return logits


def spec(*, every_step: bool = True) -> DataSpec:
    return DataSpec(
        task="classification",
        inputs=((T,),),
        input_dtypes=("int64",),
        outputs=SYMBOLS,
        vocabulary=tuple("abcdefg"),
        steps=T if every_step else None,
    )


def made(method: str, model: nn.Module | None = None, *, every_step: bool = True, **options: Any) -> ThroughTime:
    model = (model or Model()).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    criterion = EveryStep(cross_entropy) if every_step else cross_entropy
    parts = Parts(model=model, criterion=criterion, optimizer=optimizer, spec=spec(every_step=every_step))
    chosen: Any = method
    return through_time(parts, method=chosen, **(options or FORWARD.get(method, {})))


def batches(count: int, *, every_step: bool = True) -> list[Batch]:
    """Rows that go on: example r * count + b is row r of batch b."""
    torch.manual_seed(1)
    text = torch.randint(SYMBOLS, (N, count * T + 1))
    found = []
    for at in range(count):
        x, target = text[:, at * T : (at + 1) * T], text[:, at * T + 1 : (at + 1) * T + 1]
        found.append(Batch((x,), target if every_step else target[:, -1], torch.arange(N) * count + at))
    return found


def gradients(objective: ThroughTime, batch: Batch) -> dict[str, Tensor]:
    (phase,) = objective.phases
    for each in phase.parameters:
        each.grad = None
    loss, _ = objective.compute(phase, batch)
    loss.backward()
    found = {name: each.grad for name, each in objective.model.named_parameters() if each.grad is not None}
    return {"loss": loss.detach(), **found}


def of_all(model: Any, given: list[Batch], *, losses_of: int, every_step: bool = True) -> dict[str, Tensor]:
    """By autograd through all batches as one sequence, of the loss of the last `losses_of` of them, from zeros."""
    y, _ = model.recurrence(model.embedding(torch.cat([each.inputs[0] for each in given], dim=1)))
    total = torch.zeros((), dtype=torch.float64)
    for at in range(len(given) - losses_of, len(given)):
        part = y[:, at * T : (at + 1) * T]
        logits = model.output(part if every_step else part[:, -1])
        criterion = EveryStep(cross_entropy) if every_step else cross_entropy
        total = total + criterion(logits, given[at].target)
    names, parameters = zip(*model.named_parameters(), strict=True)
    return {"loss": total.detach(), **dict(zip(names, torch.autograd.grad(total, parameters), strict=True))}


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, each in expected.items():
        torch.testing.assert_close(found[name], each, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("every_step", [True, False])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("method", ["exact", "block"])
def test_exact_methods_reach_back_over_batches(method: str, kind: type[nn.Module], every_step: bool) -> None:
    objective = made(method, Model(kind, every_step=every_step), every_step=every_step)
    given = batches(3, every_step=every_step)
    found = [gradients(objective, each) for each in given]
    for at in range(3):
        expected = of_all(objective.model, given[: at + 1], losses_of=1, every_step=every_step)
        assert_same(found[at], expected)


def test_bptt_stops_at_the_beginning_of_a_batch_and_keeps_the_state() -> None:
    objective = made("bptt")
    first, second = batches(2)
    model: Any = objective.model
    assert_same(gradients(objective, first), of_all(model, [first], losses_of=1))
    found = gradients(objective, second)
    _, state = model.recurrence(model.embedding(first.inputs[0]))
    y, _ = model.recurrence(model.embedding(second.inputs[0]), tuple(each.detach() for each in state))
    loss = EveryStep(cross_entropy)(model.output(y), second.target)
    names, parameters = zip(*model.named_parameters(), strict=True)
    assert_same(found, {"loss": loss, **dict(zip(names, torch.autograd.grad(loss, parameters), strict=True))})


@pytest.mark.parametrize("back", [T, 2 * T, 100])
def test_truncation_may_reach_into_earlier_batches(back: int) -> None:
    objective = made("tbptt", back=back)
    given = batches(2)
    gradients(objective, given[0])
    found = gradients(objective, given[1])
    expected = of_all(objective.model, given, losses_of=1) if back > T else gradients(_after(given[0]), given[1])
    assert_same(found, expected)


def _after(batch: Batch) -> ThroughTime:
    """By autograd, with the state that `batch` leaves."""
    objective = made("bptt")
    gradients(objective, batch)
    return objective


def test_units_that_do_not_read_each_other_learn_exactly() -> None:
    model = Model()
    model.recurrence = ElementwiseRNN(4, H)
    objective = made("diagonal", model)
    given = batches(2)
    gradients(objective, given[0])
    assert_same(gradients(objective, given[1]), of_all(model, given, losses_of=1))


@pytest.mark.parametrize("method", ["bptt", "exact", "block", "tbptt"])
def test_rows_begin_anew_where_examples_do_not_follow(method: str) -> None:
    first, second = batches(2)
    jumps = Batch(second.inputs, second.target, torch.tensor([1, 8, 5]))  # row 1 does not go on
    objective = made(method, back=2 * T) if method == "tbptt" else made(method)
    gradients(objective, first)
    found = gradients(objective, jumps)
    parts = []
    for row in range(N):
        alone = made(method, back=2 * T) if method == "tbptt" else made(method)
        if row != 1:
            gradients(alone, Batch((first.inputs[0][[row]],), first.target[[row]], first.index[[row]]))
        parts.append(gradients(alone, Batch((second.inputs[0][[row]],), second.target[[row]], second.index[[row]])))
    assert_same(found, {name: torch.stack([each[name] for each in parts]).mean(0) for name in parts[0]})


@pytest.mark.parametrize("method", ["bptt", *FORWARD])
def test_goes_on_from_a_saved_state(method: str) -> None:
    first, second = batches(2)
    objective, copy = made(method), made(method)
    gradients(objective, first)
    copy.load_state_dict(objective.state_dict())
    torch.manual_seed(5)
    expected = gradients(objective, second)
    torch.manual_seed(5)
    assert_same(gradients(copy, second), expected)


@pytest.mark.parametrize("method", ["bptt", *FORWARD])
def test_a_saved_state_goes_to_the_device_of_the_model(method: str) -> None:
    objective = made(method)
    gradients(objective, batches(1)[0])
    saved = objective.state_dict()
    other = made(method, Model().to("meta"))
    other.load_state_dict(saved)
    loaded = other.state_dict()
    found = [*(loaded["state"] or ()), *(loaded["learner"] or {}).values()]
    assert {each.device.type for each in found if isinstance(each, Tensor)} == {"meta"}
    assert loaded["index"].device.type == "cpu"


def test_frozen_parameters_get_no_gradient() -> None:
    model = Model()
    model.embedding.requires_grad_(requires_grad=False)
    optimizer = torch.optim.SGD([each for each in model.parameters() if each.requires_grad], lr=0.1)
    parts = Parts(model=model, criterion=EveryStep(cross_entropy), optimizer=optimizer, spec=spec())
    objective = through_time(parts, method="exact")
    found = gradients(objective, batches(1)[0])
    assert "embedding.weight" not in found
    assert "recurrence.weight_ih_l0" in found


def with_recurrence(recurrence: nn.Module, embedding: nn.Module | None = None) -> Model:
    model = Model()
    model.recurrence = recurrence
    if embedding is not None:
        model.embedding = embedding  # type: ignore[assignment]
    return model


@pytest.mark.parametrize(
    ("model", "method", "words"),
    [
        (nn.Sequential(nn.Linear(4, 2)), "bptt", "must have a `recurrence`, got `Sequential`"),
        (with_recurrence(nn.LSTM(4, H)), "bptt", "must be `batch_first`"),
        (with_recurrence(nn.GRU(4, H, batch_first=True, bidirectional=True)), "bptt", "must read forwards alone"),
        (with_recurrence(nn.LSTM(4, H, num_layers=2, batch_first=True)), "exact", "`cell` must be one layer"),
        (with_recurrence(nn.LSTM(4, H, batch_first=True), nn.Linear(2, 4)), "exact", "or learn nothing"),
        (with_recurrence(nn.LSTM(4, H, batch_first=True)), "diagonal", "must be an ElementwiseRNNCell"),
    ],
)
def test_models_it_cannot_train_are_refused(model: nn.Module, method: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        made(method, model)


@pytest.mark.parametrize(
    ("method", "options", "words"),
    [
        ("tbptt", {"every": 2}, "`tbptt` needs `back`"),
        ("exact", {"back": 2}, "`back` is of the method `tbptt`"),
        ("tbptt", {"back": 2, "length": 3}, "`length` is of the method `block`"),
    ],
)
def test_options_of_other_methods_are_refused(method: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        made(method, **options)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
@pytest.mark.parametrize("method", ["exact", "block", "snap1"])
def test_what_is_carried_is_not_rounded_under_autocast(method: str, kind: type[nn.Module]) -> None:
    model = Model(kind)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    parts = Parts(model=model, criterion=EveryStep(cross_entropy), optimizer=optimizer, spec=spec())
    chosen: Any = method
    objective = through_time(parts, method=chosen)
    for batch in batches(2):
        with torch.autocast("cpu", torch.bfloat16):
            found = gradients(objective, batch)
    assert {each.dtype for each in found.values()} == {torch.float32}
    saved = objective.state_dict()["learner"]
    assert {each.dtype for each in saved.values() if isinstance(each, Tensor)} == {torch.float32}
    plain = made(method, Model(kind))
    for batch in batches(2):
        expected = gradients(plain, batch)
    for name, each in found.items():
        assert (each.double() - expected[name]).norm() < 0.03 * expected[name].norm()


TEXT = "the cat sat on the mat and the rat sat on the cat. " * 40


NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.embedding = nn.Embedding(len(spec.vocabulary), 8)
        self.recurrence = nn.GRU(8, 16, batch_first=True)
        self.output = nn.Linear(16, spec.outputs)

    def forward(self, x):
        return self.output(self.recurrence(self.embedding(x))[0])
"""


class StopAt(Callback):
    def __init__(self, step: int) -> None:
        self.step = step

    def step_ended(self, trainer: Trainer) -> None:
        if trainer.step == self.step:
            trainer.stop(INTERRUPTED)


@pytest.mark.parametrize("method", ["bptt", "block"])
def test_a_recipe_trains_and_goes_on_to_the_same_bits(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cat.txt").write_text(TEXT)
    (tmp_path / "net.py").write_text(NET)
    recipe = Recipe.from_dict(
        {
            "data": {"name": "cat.txt", "window": 10, "predict": "every"},
            "model": {"module": "net.py:Net"},
            "criterion": {"name": "cross_entropy"},
            "objective": {"name": "through_time", "method": method},
            "optimizer": {"name": "adam", "lr": 0.01},
            "training": {"epochs": 2, "batch_size": 4, "order": "contiguous", "threads": 1},
        }
    )
    whole = train(recipe, run=tmp_path / "whole")
    # Letters at random have ln 13 = 2.6; the text repeats itself.
    assert whole.curves["validation_loss"][-1][1] < 1.0
    train(recipe, run=tmp_path / "halved", callbacks=[StopAt(60)])
    halved = resume(tmp_path / "halved", trust=True)
    for name, each in whole.model(trust=True).state_dict().items():
        assert torch.equal(halved.model(trust=True).state_dict()[name], each)
