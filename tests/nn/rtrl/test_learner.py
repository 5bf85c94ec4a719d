"""What every method does alike: batches, resets, saved states, errors."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.nn.rtrl import METHODS, ElementwiseRNNCell, Learner, rtrl
from tests.nn.rtrl.references import bptt, error, learned, task

F, H, T, N = 3, 5, 11, 4
OPTIONS: dict[str, dict[str, Any]] = {"block": {"length": 3}, "tbptt": {"back": 4}}
DETERMINISTIC = [name for name in METHODS if name != "uoro"]


def made(method: str, *, kind: str = "lstm") -> tuple[nn.Module, Learner, Tensor, Tensor]:
    cell, xs, dhs = task(kind, units=H, steps=T, examples=N, inputs=F, dtype=torch.float64)
    if method == "diagonal":
        cell = ElementwiseRNNCell(F, H).double()
    return cell, rtrl(method, cell, **OPTIONS.get(method, {})), xs, dhs


def fresh(method: str, cell: nn.Module) -> Learner:
    return rtrl(method, cell, **OPTIONS.get(method, {}))


@pytest.mark.parametrize("method", METHODS)
def test_runs_the_cell(method: str) -> None:
    cell, learner, xs, _ = made(method)
    state: Any = None
    for x in xs:
        state = cell(x, state)
        h = state[0] if isinstance(state, tuple) else state
        torch.testing.assert_close(learner.step(x), h, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(learner.state, state, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("method", DETERMINISTIC)
def test_a_batch_is_the_sum_of_its_examples(method: str) -> None:
    cell, learner, xs, dhs = made(method)
    alone = [learned(fresh(method, cell), xs[:, [at]], dhs[:, [at]]) for at in range(N)]
    expected = {name: torch.stack([each[name] for each in alone]).sum(0) for name in alone[0]}
    assert error(learned(learner, xs, dhs), expected) < 1e-13


@pytest.mark.parametrize("method", DETERMINISTIC)
@pytest.mark.parametrize("at", [3, 5])
def test_reset_examples_have_no_past(method: str, at: int) -> None:
    cell, learner, xs, dhs = made(method)
    rows = torch.tensor([True, False, True, False])
    learned(learner, xs[:at], dhs[:at])
    learner.reset(rows)
    found = learned(learner, xs[at:], dhs[at:])
    others = fresh(method, cell)
    learned(others, xs[:at, ~rows], dhs[:at, ~rows])
    kept = learned(others, xs[at:, ~rows], dhs[at:, ~rows])
    begun = learned(fresh(method, cell), xs[at:, rows], dhs[at:, rows])
    assert error(found, {name: kept[name] + begun[name] for name in kept}) < 1e-13


@pytest.mark.parametrize("method", DETERMINISTIC)
def test_what_was_credited_before_a_reset_counts(method: str) -> None:
    cell, learner, xs, dhs = made(method)
    expected = learned(fresh(method, cell), xs[:3], dhs[:3])
    for x, dh in zip(xs[:3], dhs[:3], strict=True):
        learner.step(x)
        learner.credit(dh)
    learner.reset(torch.tensor([True, False, True, True]))
    assert error(learner.gradients(), expected) < 1e-13
    learner.reset()
    assert learner.state is None


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_goes_on_bit_for_bit_from_a_saved_state(method: str, kind: str) -> None:
    cell, learner, xs, dhs = made(method, kind=kind)
    for x, dh in zip(xs[:5], dhs[:5], strict=True):
        learner.step(x)
        learner.credit(dh)
    saved = learner.state_dict()
    copy = fresh(method, cell)
    copy.load_state_dict(saved)
    torch.manual_seed(3)
    first = learned(learner, xs[5:], dhs[5:])
    torch.manual_seed(3)
    second = learned(copy, xs[5:], dhs[5:])
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("method", METHODS)
def test_a_loss_of_the_step_before_a_saved_state_counts(method: str) -> None:
    cell, learner, xs, dhs = made(method)
    for x in xs:
        learner.step(x)
    other = fresh(method, cell)
    other.load_state_dict(learner.state_dict())
    for each in (learner, other):
        each.credit(dhs[-1])
    assert error(other.gradients(), learner.gradients()) == 0


@pytest.mark.parametrize("method", METHODS)
def test_other_precisions_than_the_cells_are_refused(method: str) -> None:
    _, learner, xs, dhs = made(method)
    given: Any
    for given, said in ((xs[0].float(), "got `torch.float32`"), ([0.0], "got `list`")):
        with pytest.raises(InputError, match=rf"`x` must be a tensor of torch\.float64.*{said}"):
            learner.step(given)
    learner.step(xs[0])
    with pytest.raises(InputError, match=r"`dh` must be a tensor of torch\.float64"):
        learner.credit(dhs[0].float())


def test_a_new_learner_has_a_state_to_save() -> None:
    cell, learner, xs, dhs = made("block")
    copy = fresh("block", cell)
    copy.load_state_dict(learner.state_dict())
    assert error(learned(copy, xs, dhs), learned(learner, xs, dhs)) == 0


def test_gradients_are_those_since_the_last_call() -> None:
    _, learner, xs, dhs = made("exact")
    learned(learner, xs[:2], dhs[:2])
    assert all(not each.any() for each in learner.gradients().values())


def test_two_losses_of_a_step_add_up() -> None:
    cell, xs, dhs = task("rnn", units=H, steps=4, inputs=F, dtype=torch.float64)
    for method in ("exact", "block"):
        learner = rtrl(method, cell)
        for x, dh in zip(xs, dhs, strict=True):
            learner.step(x)
            learner.credit(0.25 * dh)
            learner.credit(0.75 * dh)
        assert error(learner.gradients(), bptt(cell, xs, dhs)) < 1e-12


def test_gradients_hold_no_graph_and_weights_are_not_written() -> None:
    cell, learner, xs, dhs = made("exact")
    before = [each.clone() for each in cell.parameters()]
    found = learned(learner, xs, dhs)
    assert not any(each.requires_grad for each in (*found.values(), learner.step(xs[0])))
    assert all(torch.equal(one, other) for one, other in zip(before, cell.parameters(), strict=True))


def test_bad_input_is_named() -> None:
    _, learner, xs, dhs = made("exact")
    with pytest.raises(InputError, match=r"Call `step` first"):
        learner.credit(dhs[0])
    with pytest.raises(InputError, match=r"Call `step` first"):
        learner.gradients()
    with pytest.raises(InputError, match=r"shape \(N, 3\), got \(11, 4, 3\)"):
        learner.step(xs)
    learner.step(xs[0])
    with pytest.raises(InputError, match=r"shape \(4, 3\), got \(2, 3\)"):
        learner.step(xs[0, :2])
    with pytest.raises(InputError, match=r"shape \(4, 5\) of h"):
        learner.credit(dhs[0, :1])
    with pytest.raises(InputError, match=r"`rows` must be 4 truth values"):
        learner.reset(torch.tensor([True]))


def test_bad_options_are_named() -> None:
    cell = nn.RNNCell(F, H)
    with pytest.raises(InputError, match=r"unknown method, got `snap`. Did you mean `snap1`"):
        rtrl("snap", cell)
    with pytest.raises(InputError, match=r"unknown option `lenght`. Did you mean `length`"):
        rtrl("block", cell, lenght=3)
    with pytest.raises(InputError, match=r"`length` must be 1 step or more"):
        rtrl("block", cell, length=0)
    with pytest.raises(InputError, match=r"`back` must be given"):
        rtrl("tbptt", cell)
    with pytest.raises(InputError, match=r"`back` must be 1 step or more"):
        rtrl("tbptt", cell, back=0)


def test_states_of_others_are_refused() -> None:
    cell, learner, xs, _ = made("exact")
    learner.step(xs[0])
    with pytest.raises(InputError, match=r"not of the method `snap1`, got `exact`"):
        rtrl("snap1", cell).load_state_dict(learner.state_dict())
    with pytest.raises(InputError, match=r"cell of another size"):
        rtrl("exact", nn.LSTMCell(F, H + 1)).load_state_dict(learner.state_dict())
