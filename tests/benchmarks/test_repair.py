"""Bad recipes, unattended: each comes within 2 % of its healthy twin."""

from pathlib import Path

import pytest

from benchmarks.repair import CASES, NEAR, tried


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_bad_recipe_ends_near_its_healthy_twin_and_never_below_what_it_was(name: str, tmp_path: Path) -> None:
    outcome = tried(CASES[name], 0, tmp_path)
    assert outcome.kept
    assert outcome.healthy - outcome.repaired <= NEAR
    assert outcome.repaired > outcome.bad + NEAR
