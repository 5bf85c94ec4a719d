import copy
import pickle
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gradus.diagnosis import taps


class _Notes(taps.Listener):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def before_backward(self, tensors: Any) -> None:
        self.told.append(("backward", tensors))

    def after_backward(self) -> None:
        self.told.append(("done",))

    def before_step(self, optimizer: Any) -> None:
        self.told.append(("step", optimizer))

    def after_step(self, optimizer: Any) -> None:
        self.told.append(("stepped", optimizer))

    def scaled(self, result: Tensor, given: Tensor) -> None:
        self.told.append(("scaled", float(result), float(given)))

    def saved(self, module: nn.Module) -> None:
        self.told.append(("saved", type(module).__name__))

    def seeded(self, what: str, seed: Any) -> None:
        self.told.append(("seed", what, seed))

    def measured(self, name: str, value: Any, output: Any, target: Any, reduction: str) -> None:
        self.told.append((name, value, output, target, reduction))

    def signed(self, target: Any) -> None:
        self.told.append(("signed", target.tolist()))

    def compared(self, result: Any, one: Any, other: Any) -> None:
        self.told.append(("equal", result, one, other))

    def subtracted(self, result: Any, one: Any, other: Any) -> None:
        self.told.append(("difference", result, one, other))


@pytest.fixture
def notes() -> Iterator[_Notes]:
    listener = _Notes()
    taps.listen(listener)
    yield listener
    taps.leave(listener)


def test_a_step_is_told_in_order(notes: _Notes) -> None:
    weight = nn.Parameter(torch.ones(1))
    sgd = torch.optim.SGD([weight], lr=0.5)
    loss = (3 * weight).sum()
    loss.backward()
    sgd.step()
    told = [each for each in notes.told if each[0] != "seed"]  # what torch loads when it first steps makes generators
    assert [each[0] for each in told] == ["backward", "done", "step", "stepped"]
    assert told[0][1] is loss
    assert told[2][1] is sgd
    assert weight.item() == 1 - 0.5 * 3


def test_backward_takes_what_it_always_took(notes: _Notes) -> None:
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    torch.autograd.backward([y], grad_tensors=[torch.tensor([1.0, 10.0])], retain_graph=True, inputs=[x])
    y.backward(torch.ones(2))
    assert x.grad is not None
    assert x.grad.tolist() == [4, 22]
    with pytest.raises(RuntimeError, match="second time"):
        y.backward(torch.ones(2))
    assert [each[0] for each in notes.told] == ["backward", "done", "backward", "done", "backward"]


def test_a_loss_is_told_with_what_automatic_precision_made_of_it(notes: _Notes) -> None:
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    assert float(scaler.scale(torch.tensor(1.5))) == 6
    assert [float(each) for each in scaler.scale([torch.tensor(1.0)])] == [4]
    assert ("scaled", 6.0, 1.5) in notes.told


def test_seeds_are_told_and_set(notes: _Notes) -> None:
    torch.manual_seed(1)
    one = torch.rand(1)
    torch.manual_seed(seed=1)
    random.seed(a="x")
    np.random.seed(3)  # noqa: NPY002 - the function that is tapped
    expected = random.Random("x").random(), np.random.RandomState(3).rand()
    assert (random.random(), np.random.rand()) == expected  # noqa: NPY002
    assert torch.equal(torch.rand(1), one)
    assert notes.told == [
        ("seed", "torch", 1),
        ("seed", "torch", 1),
        ("seed", "random", "x"),
        ("seed", "numpy.random", 3),
        ("seed", "random.Random", "x"),
        ("seed", "numpy.random.RandomState", 3),
    ]


def test_weights_that_are_asked_for_are_told_and_given(notes: _Notes) -> None:
    layer = nn.Linear(2, 1)
    assert layer.state_dict(prefix="a.").keys() == {"a.weight", "a.bias"}
    assert notes.told == [("saved", "Linear")]


def test_generators_that_are_made_are_told_with_their_seeds(notes: _Notes) -> None:
    made = np.random.default_rng(5)
    assert isinstance(made, np.random.Generator)
    assert random.Random(7).random() == random.Random(x=7).random()
    assert notes.told == [
        ("seed", "numpy.random.default_rng", 5),
        ("seed", "random.Random", 7),
        ("seed", "random.Random", 7),
    ]


def test_an_older_generator_is_what_it_was_for_whoever_asks(notes: _Notes) -> None:
    """As scikit-learn does, of one that was there before and of one that is made now."""
    before = np.random.mtrand._rand
    made = np.random.RandomState(seed=5)
    assert isinstance(before, np.random.RandomState)
    assert not isinstance(np.random.default_rng(0), np.random.RandomState)
    again = pickle.loads(pickle.dumps(made))  # noqa: S301 - our own
    assert copy.deepcopy(made).rand() == again.rand() == made.rand()

    class Own(np.random.RandomState):
        pass

    assert isinstance(Own(1), Own)
    assert not isinstance(made, Own)
    assert issubclass(Own, type(before))
    assert not issubclass(type(before), Own)
    assert notes.told[0] == ("seed", "numpy.random.RandomState", 5)


def test_a_generator_of_torch_is_told_when_it_is_made_and_is_what_it_was(notes: _Notes) -> None:
    made = torch.Generator(device="cpu").manual_seed(5)
    assert notes.told == [("seed", "torch.Generator", made)]
    assert type(made) is type(torch.default_generator)
    assert isinstance(torch.default_generator, torch.Generator)
    assert not isinstance(made.get_state(), torch.Generator)
    again = pickle.loads(pickle.dumps(made))  # noqa: S301 - our own
    assert torch.equal(torch.rand(3, generator=again), torch.rand(3, generator=made))

    class Own(torch.Generator):
        pass

    assert isinstance(Own(), Own)
    assert not isinstance(made, Own)


def test_losses_and_comparisons_are_told_while_asked_for(notes: _Notes) -> None:
    output, target = torch.zeros(4, 2), torch.tensor([0, 1, 1, 0])
    taps.tap_evaluation(notes, on=True)
    taps.tap_evaluation(notes, on=True)
    value = nn.CrossEntropyLoss(reduction="sum")(output, target)
    total = functional.mse_loss(input=output, target=output + 1)
    right = output.argmax(1) == target
    taps.tap_evaluation(notes, on=False)
    assert functional.cross_entropy(output, target) == value / 4
    assert [each[0] for each in notes.told] == ["cross_entropy", "mse_loss", "equal"]
    assert notes.told[0][1] is value
    assert notes.told[0][4] == "sum"
    assert total == 1
    assert notes.told[2][1] is right


def test_a_loss_is_told_that_was_looked_up_before_it_was_asked_for(notes: _Notes) -> None:
    """As of `mse_loss(model(x), y)`: the model's pass begins the evaluation."""

    def model(x: Tensor) -> Tensor:
        taps.tap_evaluation(notes, on=True)
        return x

    value = functional.mse_loss(model(torch.zeros(3)), torch.ones(3))
    difference = torch.zeros(3) - torch.ones(3)
    taps.tap_evaluation(notes, on=False)
    functional.mse_loss(torch.zeros(3), torch.zeros(3) - torch.ones(3))
    assert [each[0] for each in notes.told] == ["mse_loss", "difference"]
    assert notes.told[0][1] is value
    assert notes.told[1][1] is difference


def test_labels_of_losses_that_want_signs_are_told(notes: _Notes) -> None:
    said, labels = torch.zeros(2), torch.tensor([0.0, 1.0])
    nn.SoftMarginLoss()(said, labels)
    functional.margin_ranking_loss(said, said, target=labels)
    assert notes.told == [("signed", [0.0, 1.0])] * 2


def test_what_is_scripted_calls_no_wrapper(notes: _Notes) -> None:
    def loss(x: Tensor, y: Tensor) -> Tensor:
        return functional.mse_loss(x, y)

    tapped = functional.mse_loss
    scripted = torch.jit.script(loss)
    assert scripted(torch.zeros(2), torch.ones(2)) == 1
    assert functional.mse_loss is not tapped
    assert functional.mse_loss.__wrapped__ is tapped.__wrapped__  # type: ignore[attr-defined]


_A, _B = torch.tensor([1, 2, 3]), torch.tensor([1, 0, 3])


@pytest.mark.parametrize(
    "result",
    [
        lambda: _A == _B, lambda: _A.eq(_B), lambda: _A.eq(other=_B), lambda: torch.eq(_A, _B), lambda: _A == 2,
        lambda: torch.eq(input=_A, other=_B), lambda: torch.eq(_A, _B, out=torch.empty(3, dtype=torch.bool)),
        lambda: _A == None, lambda: _A in (_A, _B), lambda: {_A: 1}[_A], lambda: _A.__eq__("text"),  # noqa: E711
    ],
)  # fmt: skip
def test_equality_is_what_it_was_however_it_is_written(result: Any, notes: _Notes) -> None:
    before = result()
    taps.tap_evaluation(notes, on=True)
    after = result()
    taps.tap_evaluation(notes, on=False)
    assert type(before) is type(after)
    assert torch.equal(before, after) if isinstance(before, Tensor) else before == after


def test_a_listener_that_leaves_while_it_is_told_takes_no_other_s_turn() -> None:
    class Leaves(_Notes):
        def before_backward(self, tensors: Any) -> None:
            taps.leave(self)

    original = torch.autograd.backward
    first, second = Leaves(), _Notes()
    taps.listen(first)
    taps.listen(second)
    torch.ones(1, requires_grad=True).sum().backward()
    taps.leave(second)
    assert [each[0] for each in second.told] == ["backward", "done"]
    assert torch.autograd.backward is original


def test_a_tap_of_somebody_else_s_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    original = torch.autograd.backward
    notes = _Notes()
    taps.listen(notes)
    ours = torch.autograd.backward

    def theirs(*args: Any, **kwargs: Any) -> None:
        ours(*args, **kwargs)

    monkeypatch.setattr(torch.autograd, "backward", theirs)
    taps.leave(notes)
    assert torch.autograd.backward is theirs
    x = torch.ones(1, requires_grad=True)
    x.sum().backward()
    assert x.grad is not None
    assert notes.told == []
    monkeypatch.undo()
    torch.autograd.backward = original


def test_tapped_functions_are_named_and_copied_as_before(notes: _Notes) -> None:
    assert torch.autograd.backward.__name__ == "backward"
    assert copy.deepcopy(torch.autograd.backward) is torch.autograd.backward
    assert "seed" in str(torch.manual_seed.__doc__)
    assert notes.told == []
