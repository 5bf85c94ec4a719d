"""A step that was recorded is played again: the same loss, on other tensors, with nothing of the program changed."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gradus.diagnosis.preflight.tape import Step, Tape


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 8, batch_first=True)
        self.out = nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        steps, _ = self.lstm(x)
        result: Tensor = self.out(steps[:, -1]).squeeze(1)
        return result


class InPlace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.second = nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 1)
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.get_buffer("calls").add_(1)
        hidden = self.first(x)
        hidden[:, 0] = 2.0
        result: Tensor = self.second(functional.relu_(self.norm(hidden))).squeeze(1)
        return result


def by_hand(output: Tensor, target: Tensor) -> Tensor:
    error = output - target
    return (error * error).mean() + 0.1 * error.abs().max()


def record(model: nn.Module, inputs: tuple[Tensor, ...], loss_of: Callable[[Tensor], Tensor]) -> Step:
    tape = Tape()
    tape.start()
    tape.given(inputs)
    step = tape.stop(loss_of(model(*inputs)))
    assert step is not None
    return step


@pytest.mark.parametrize(
    ("model", "shape"), [(Recurrent(), (16, 7, 4)), (InPlace(), (16, 4)), (nn.Sequential(nn.Linear(4, 1)), (16, 4))]
)
def test_the_loss_and_its_gradients_come_out_the_same(model: nn.Module, shape: tuple[int, ...]) -> None:
    x, y = torch.randn(shape), torch.randn(16)
    before = {name: each.clone() for name, each in model.state_dict().items()}
    step = record(model, (x,), lambda output: by_hand(output.reshape(16), y))
    after = {name: each.clone() for name, each in model.state_dict().items()}
    copies = step.copies()
    again = step.play(copies)
    assert torch.equal(again, step.loss)
    for key, gradient in zip(copies, torch.autograd.grad(again, list(copies.values())), strict=True):
        (original,) = torch.autograd.grad(step.loss, [step.parameters[key]], retain_graph=True)
        torch.testing.assert_close(gradient, original)
    assert all(torch.equal(each, after[name]) for name, each in model.state_dict().items())
    assert set(before) == set(after)


def test_other_inputs_give_another_loss_and_parameters_are_known() -> None:
    model = nn.Linear(3, 1)
    x, y = torch.randn(8, 3), torch.randn(8, 1)
    step = record(model, (x,), lambda output: functional.mse_loss(output, y))
    (key,) = step.inputs
    assert step.inputs[key] is x
    assert {id(each) for each in model.parameters()} == set(step.parameters)
    nothing = step.play({key: torch.zeros_like(x)})
    torch.testing.assert_close(nothing, functional.mse_loss(model.bias.expand(8, 1), y))


def test_several_models_and_calls_make_one_step() -> None:
    encoder, decoder = nn.Linear(4, 2), nn.Linear(2, 4)
    one, other = torch.randn(5, 4), torch.randn(5, 4)
    tape = Tape()
    tape.start()
    for each in (one, other):
        tape.given(each)
    loss = sum((functional.mse_loss(decoder(encoder(each)), each) for each in (one, other)), torch.zeros(()))
    step = tape.stop(loss)
    assert step is not None
    assert len(step.parameters) == 4
    assert set(step.inputs) == {id(one), id(other)}


def test_what_began_before_the_tape_is_no_step() -> None:
    model = nn.Linear(3, 3)
    hidden = model(torch.randn(4, 3))  # with a graph that the tape knows nothing of
    tape = Tape()
    tape.start()
    assert tape.stop(model(hidden).sum()) is None


def test_leaves_torch_as_it_was_when_it_is_stopped_inside_backward() -> None:
    tape = Tape()
    tape.start()
    tape.given(x := torch.ones(2, 2))
    loss = nn.Linear(2, 1)(x).sum()
    loss.register_hook(lambda _: tape.stop(loss) and None)
    loss.backward()
    tape.leave()
    assert torch._C._len_torch_function_stack() == 0
