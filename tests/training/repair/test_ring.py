from itertools import pairwise
from typing import Any, cast

import torch

from gradus.training.repair.ring import Ring, copied
from gradus.training.trainer import Trainer


class Walker:
    """Something with a state that moves on."""

    def __init__(self) -> None:
        self.step, self.stopped, self.weight = 0, "", torch.zeros(2)

    def state_dict(self) -> dict[str, Any]:
        return {"step": self.step, "weight": self.weight}


def walked(ring: Ring, steps: int) -> Walker:
    walker = Walker()
    ring.look(cast(Trainer, walker))
    for _ in range(steps):
        walker.step += 1
        walker.weight += 1
        ring.look(cast(Trainer, walker))
    return walker


def test_the_first_and_the_latest_stay_and_the_older_the_farther_apart() -> None:
    ring = Ring(1000)
    walked(ring, 1000)
    steps = ring.steps
    assert len(steps) == 8
    assert steps[0] == 0
    assert steps[-1] > 1000 - 1000 // 64
    gaps = [after - before for before, after in pairwise(steps)]
    assert gaps[0] == max(gaps)
    assert gaps[-1] == min(gaps)
    # At no age is the way back more than about twice the age.
    assert all(1000 - ring.before(step).step < 3 * (1000 - step) + 64 for step in range(50, 1000, 50))  # type: ignore[union-attr]


def test_a_state_is_of_its_step_and_nothing_of_the_trouble_is_in_it() -> None:
    ring = Ring(10)
    walked(ring, 7)
    found = ring.before(6)
    assert found is not None
    assert found.step == 4  # step 5 has made the weights that step 6 used
    assert found.state["weight"].tolist() == [4.0, 4.0]
    assert Ring(10).before(3) is None
    assert ring.before(1) is None


def test_what_was_stopped_is_not_kept() -> None:
    ring = Ring(10)
    walker = walked(ring, 3)
    walker.step, walker.stopped = 4, "non-finite loss"
    ring.look(cast(Trainer, walker))
    assert ring.steps[-1] == 3


def test_large_states_are_fewer(monkeypatch: Any) -> None:
    monkeypatch.setattr("gradus.training.repair.ring._MOST_BYTES", 4 * 8)
    ring = Ring(100)
    walked(ring, 100)
    assert len(ring.steps) == 4


def test_a_copy_shares_nothing_and_is_laid_out_alike() -> None:
    grid = torch.arange(6.0).reshape(2, 3).t()
    given = {"a": [grid, (1, "x")], 3: grid}
    made = copied(given)
    grid += 1
    assert made["a"][0].tolist() == (grid - 1).tolist()
    assert made["a"][0].stride() == grid.stride()
    assert made["a"][1] == (1, "x")
