"""Blocks are exact at every step; truncation is what its definition says."""

import pytest
import torch

from gradus.nn.rtrl import TBPTT, Block, Exact, rtrl
from tests.nn.rtrl.references import CELLS, bptt, error, learned, task


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("kind", CELLS)
def test_block_equals_bptt_over_200_steps(kind: str, dtype: torch.dtype, bound: float) -> None:
    cell, xs, dhs = task(kind, units=64, steps=200, dtype=dtype)
    assert error(learned(rtrl("block", cell), xs, dhs, every=64), bptt(cell, xs, dhs)) <= bound


@pytest.mark.parametrize("length", [1, 4, 6, 100])
@pytest.mark.parametrize("kind", CELLS)
def test_block_is_exact_at_every_step(kind: str, length: int) -> None:
    cell, xs, dhs = task(kind, units=6, steps=13, examples=2, dtype=torch.float64)
    block, exact = rtrl("block", cell, length=length), rtrl("exact", cell)
    for x, dh in zip(xs, dhs, strict=True):
        for learner in (block, exact):
            learner.step(x)
            learner.credit(dh)
        assert error(block.gradients(), exact.gradients()) <= 1e-12


@pytest.mark.parametrize("kind", CELLS)
def test_influence_at_the_end_of_blocks_is_exact(kind: str) -> None:
    cell, xs, _ = task(kind, units=5, steps=12, examples=2, dtype=torch.float64)
    block, exact = rtrl("block", cell, length=4), rtrl("exact", cell)
    assert isinstance(block, Block)
    assert isinstance(exact, Exact)
    ends = []
    for at, x in enumerate(xs, start=1):
        block.step(x)
        exact.step(x)
        if block.at_end:
            ends.append(at)
            torch.testing.assert_close(block.influence, exact.influence, rtol=1e-12, atol=1e-14)
    assert ends == [4, 8, 12]


@pytest.mark.parametrize("every", [1, 5, 12])
@pytest.mark.parametrize("kind", CELLS)
def test_truncation_beyond_the_past_is_bptt(kind: str, every: int) -> None:
    cell, xs, dhs = task(kind, units=6, steps=12, examples=3, dtype=torch.float64)
    assert error(learned(rtrl("tbptt", cell, back=12), xs, dhs, every=every), bptt(cell, xs, dhs)) <= 1e-12


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize(("every", "back"), [(1, 3), (2, 5), (4, 4)])
def test_truncation_cuts_where_it_says(kind: str, every: int, back: int) -> None:
    cell, xs, dhs = task(kind, units=4, steps=12, examples=2, dtype=torch.float64)
    # The same by autograd: every so many steps, from a state `back` steps ago that is taken as given.
    states = [None]
    with torch.no_grad():
        for x in xs:
            states.append(cell(x, states[-1]))
    parameters = dict(cell.named_parameters())
    expected = {name: torch.zeros_like(each) for name, each in parameters.items()}
    for end in range(every, len(xs) + 1, every):
        start = max(0, end - back)
        state, total = states[start], torch.zeros((), dtype=torch.float64)
        for at in range(start, end):
            state = cell(xs[at], state)
            if at >= end - every:
                total = total + ((state[0] if isinstance(state, tuple) else state) * dhs[at]).sum()
        for name, each in zip(parameters, torch.autograd.grad(total, list(parameters.values())), strict=True):
            expected[name] += each
    assert error(learned(rtrl("tbptt", cell, back=back), xs, dhs, every=every), expected) <= 1e-12


def test_truncation_keeps_no_more_steps_than_it_says() -> None:
    cell, xs, _ = task("gru", units=4, steps=30, dtype=torch.float64)
    learner = rtrl("tbptt", cell, back=7)
    assert isinstance(learner, TBPTT)
    for x in xs:
        learner.step(x)
    assert len(learner.state_dict()["past.x"]) == 7


def test_a_loss_is_not_lost_when_gradients_are_asked_for_late() -> None:
    cell, xs, dhs = task("rnn", units=4, steps=12, dtype=torch.float64)
    dhs[2:] = 0  # all that is to be learned came long before the one call
    assert error(learned(rtrl("tbptt", cell, back=3), xs, dhs), bptt(cell, xs[:2], dhs[:2])) <= 1e-12


def test_a_loss_counts_after_the_influence_was_asked_for() -> None:
    cell, xs, dhs = task("lstm", units=4, steps=5, examples=2, dtype=torch.float64)
    asked, plain = (rtrl("block", cell, length=3) for _ in range(2))
    for x in xs:
        asked.step(x)
        plain.step(x)
    assert isinstance(asked, Block)
    assert asked.influence.isfinite().all()
    for each in (asked, plain):
        each.credit(dhs[-1])
    assert error(asked.gradients(), plain.gradients()) < 1e-12
