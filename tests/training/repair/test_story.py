import math
from typing import Any

import pytest
import torch

from gradus.core.text import set_language
from gradus.training.recipe import Recipe
from gradus.training.repair.judging import Score, Verdict
from gradus.training.repair.story import change, figures, told, told_result
from tests.end_to_end.recipes import digits

TRIED: dict[str, Any] = {
    "try": 1, "cause": "vanishing-gradient", "confidence": 0.98, "since_step": 35, "remedy": "initialize",
    "change": {"initialization.name": [None, "auto"]}, "at_step": 400, "from_step": 0,
}  # fmt: skip
JUDGED = {"by": "accuracy", "before": 0.104, "after": 0.778, "margin": 0.05, "split": "validation", "examples": 144}


def test_a_treatment_is_told_with_its_change_and_its_figures() -> None:
    set_language("en")
    assert told(TRIED | JUDGED | {"kept": True}) == (
        "vanishing-gradient (98% sure, since step 35). Tried initialize: initialization.name nothing -> auto; trained "
        "again from step 0. On 144 validation examples accuracy went from 10.4% to 77.8%: kept."
    )
    assert told(TRIED | JUDGED | {"kept": False}).endswith("not better, so undone.")
    assert told(TRIED | JUDGED | {"kept": False, "later": True}).endswith("than the untreated had stood.")
    assert "could not be trained (too large)" in told(TRIED | {"kept": False, "why": "too large"})


def test_and_in_chinese() -> None:
    set_language("zh")
    try:
        assert told(TRIED | JUDGED | {"kept": True}).endswith("accuracy 从 10.4% 变为 77.8%：保留。")
        assert told_result([TRIED | {"kept": True}], "r.toml") == "1 次治疗中保留了 1 次；修复后的配方见 r.toml。"
    finally:
        set_language("en")


@pytest.mark.parametrize(("kept", "said"), [([True, False], "Kept: 1 of 2"), ([False], "None of 1"), ([], "")])
def test_all_of_it_in_a_line(kept: list[bool], said: str) -> None:
    line = told_result([{"kept": each} for each in kept], "repaired.toml")
    assert line.startswith(said)
    assert ("repaired.toml" in line) == any(kept)


def test_a_change_is_what_it_was_and_what_auto_came_to() -> None:
    before = Recipe.from_dict(digits())
    after = Recipe.from_dict(digits(optimizer={"name": "adamw", "lr": 0.3}) | {"initialization": {"name": "auto"}})
    fields = {"optimizer.lr": "auto", "initialization.name": "auto"}
    assert change(before, after, fields) == {"optimizer.lr": [0.01, 0.3], "initialization.name": [None, "auto"]}


def test_figures_of_what_is_not_finite_are_left_out() -> None:
    score = Score(torch.full((4,), math.inf), None, None, "train")
    kept = figures(Verdict(True, "rmse", math.inf, 2.0, 0.0), score)
    assert kept == {"by": "rmse", "split": "train", "examples": 4, "after": 2.0, "margin": 0.0}
    assert "went from inf to 2" in told(TRIED | kept | {"kept": True})
