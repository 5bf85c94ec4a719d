"""UORO is right in the mean."""

import pytest
import torch

from gradus.nn.rtrl import rtrl
from tests.nn.rtrl.references import CELLS, bptt, cosine, error, learned, task

DRAWS = 2000


@pytest.mark.parametrize("kind", CELLS)
def test_mean_of_2000_draws_is_bptt(kind: str) -> None:
    cell, xs, dhs = task(kind, units=8, steps=12, inputs=4, dtype=torch.float64)
    expected = bptt(cell, xs, dhs)
    torch.manual_seed(1)
    # Every example of a batch has draws of its own.
    found = learned(rtrl("uoro", cell), xs.expand(-1, DRAWS, -1), dhs.expand(-1, DRAWS, -1) / DRAWS)
    assert cosine(found, expected) >= 0.98
    # Not only the direction: an estimate of half the length would have the same cosine.
    assert error(found, expected) < 0.2


def test_is_exact_after_one_step_of_one_unit() -> None:
    cell, xs, dhs = task("rnn", units=1, steps=6, inputs=4, dtype=torch.float64)
    # With one unit the influence is a row, so of rank one whatever the signs: v^2 = 1, cross terms need two vectors.
    assert error(learned(rtrl("uoro", cell), xs[:1], dhs[:1]), bptt(cell, xs[:1], dhs[:1])) <= 1e-12


def test_draws_are_the_generators() -> None:
    cell, xs, dhs = task("gru", units=4, steps=5, dtype=torch.float64)
    runs = [learned(rtrl("uoro", cell, generator=torch.Generator().manual_seed(seed)), xs, dhs) for seed in (0, 0, 1)]
    assert error(runs[1], runs[0]) == 0
    assert error(runs[2], runs[0]) > 0
