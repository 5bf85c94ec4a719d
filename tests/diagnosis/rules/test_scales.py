"""Rules about how large inputs and targets are, and whether they differ."""

from dataclasses import replace
from typing import Any

import pytest

from gradus.diagnosis.signs import OptimizerFacts
from tests.diagnosis.histories import (
    ADAM,
    INPUT,
    PARAMETERS,
    SGD,
    classifying,
    falling,
    fitting,
    line,
    not_learning,
    seen,
)


def test_inputs_are_unscaled_where_a_quarter_of_the_columns_is() -> None:
    def found(wide: int, **examination: Any) -> set[str]:
        means = (*[300.0] * wide, *[0.0] * (12 - wide))
        table: dict[str, Any] = {"columns": 12, "column_means": means, "column_stds": (0.1,) * 12, "spread": 1e4}
        signs = replace(INPUT, mean=75.0, std=140.0, low=-3.0, high=900.0, **table)
        history = not_learning(examination={"inputs": (signs,)} | examination)
        return seen(history).keys() & {"unscaled-inputs", "feature-scale"}

    assert found(3) == {"unscaled-inputs", "feature-scale"}
    assert found(2) == {"feature-scale"}
    assert found(3, parameters={}) == {"feature-scale"}  # a filter of a few quantities


@pytest.mark.parametrize(
    ("right", "changes", "options", "caught"),
    [
        (0.83, {}, {}, True),
        (0.95, {}, {}, False),  # they do no harm
        (0.83, {}, {"ended": False}, False),
        (0.83, {"std": 3.5, "mean": 2.0}, {}, False),
        (0.83, {"low": -16.0}, {}, False),  # no grey values: noise may be what keeps them from being told apart
        (0.83, {"shape": (64, 12), "columns": 12}, {}, False),
        (0.83, {"shape": (64, 64), "columns": 64}, {}, True),
        (0.83, {"normalized": True}, {}, False),
        (0.12, {"low": -16.0}, {"curve": line(2.3, 2.3)}, True),
    ],
)
def test_inputs_of_some_size_are_unscaled_where_a_run_came_to_little(
    right: float, changes: dict[str, Any], options: dict[str, Any], caught: bool
) -> None:
    grey: dict[str, Any] = {"shape": (64, 1, 8, 8), "mean": 4.9, "std": 6.0, "low": 0.0, "high": 16.0}
    taken = {"inputs": (replace(INPUT, **grey | changes),)}
    history = classifying(right=line(right, right), examination=taken, **{"ended": True} | options)
    assert ("unscaled-inputs" in seen(history)) is caught


@pytest.mark.parametrize(
    ("stds", "options", "expected"),
    [
        ((200.0, *(1.0,) * 11), {}, {"feature-scale"}),  # one was left out
        ((200.0, 300.0, 100.0, *(1.0,) * 9), {}, {"feature-scale"}),
        ((200.0, 300.0, 100.0, *(2.1,) * 9), {}, {"unscaled-inputs"}),
        ((200.0, 300.0, 100.0, *(0.3,) * 9), {}, {"unscaled-inputs"}),
        ((2.0, *(0.01,) * 11), {}, {"feature-scale"}),  # all were divided by one number
        ((2.0, *(0.01,) * 11), {"constant": 0.9}, set()),
        ((10.0, *(0.1,) * 11), {}, set()),
        ((200.0, *(1.0,) * 11), {"right": None}, set()),
    ],
)
def test_columns_of_which_few_are_scaled_alike(
    stds: tuple[float, ...], options: dict[str, Any], expected: set[str]
) -> None:
    right = options.pop("right", line(0.1, 0.7))
    wide = max(stds) > 50
    figures: dict[str, Any] = {"std": 60.0, "high": 900.0} if wide else {"std": 0.6}
    spread = max(stds) / sorted(stds)[6]
    table: dict[str, Any] = {
        "columns": 12,
        "column_means": (0.0,) * 12,
        "column_stds": stds,
        "spread": spread,
        "constant": 0.0,
    }
    taken: dict[str, Any] = {"examination": {"inputs": (replace(INPUT, **table | figures | options),)}}
    history = classifying(right=right, **taken) if right else classifying(**taken)
    assert seen(history).keys() & {"unscaled-inputs", "feature-scale", "constant-inputs"} == expected


@pytest.mark.parametrize(
    ("cause", "changes"),
    [
        ("feature-scale", {"spread": 1e5}),
        ("constant-inputs", {"constant": 0.98, "varied": 0.1}),
    ],
)
def test_inputs_that_a_network_copes_with_are_no_matter(cause: str, changes: dict[str, Any]) -> None:
    taken: dict[str, Any] = {"examination": {"inputs": (replace(INPUT, **changes),)}}
    assert cause in seen(classifying(right=line(0.1, 0.8), **taken))
    assert cause not in seen(classifying(**taken))
    assert cause not in seen(not_learning(steps=19, **taken))


def test_targets_that_a_network_explains_are_no_matter() -> None:
    far: dict[str, Any] = {"target_mean": 500.0, "target_std": 100.0, "output_std": 0.5}
    assert "unscaled-targets" in seen(fitting(loss=far, curve=line(2e5, 4e3)))
    assert "unscaled-targets" not in seen(fitting(loss=far, curve=falling(2e5, 1e3)))


def test_a_line_comes_to_targets_of_any_size_by_gradient_descent() -> None:
    far: dict[str, Any] = {"target_mean": 500.0, "target_std": 100.0, "output_std": 0.5}

    def found(matrices: int, optimizer: OptimizerFacts, **options: Any) -> bool:
        weights = {"parameters": dict(list(PARAMETERS.items())[:matrices])}
        history = fitting(loss=far, curve=line(2e5, 4e3), examination=weights, optimizer=optimizer, **options)
        return "unscaled-targets" in seen(history)

    assert not found(1, SGD)
    assert found(1, SGD, ended=True)
    assert found(1, ADAM)
    assert found(2, SGD)


def test_targets_are_not_far_from_outputs_that_begin_at_their_mean() -> None:
    def found(error: float) -> bool:
        marks = {"target_mean": 500.0, "target_std": 30.0, "output_std": 0.5, "error": error}
        return "unscaled-targets" in seen(fitting(loss=marks, curve=line(500.0, 400.0)))

    assert found(500.0**2)
    assert not found(30.0**2)


@pytest.mark.parametrize(("columns", "caught"), [(0, False), (3000, False), (40, True)])
def test_rare_words_are_no_constants_unless_they_are_always_the_same(columns: int, caught: bool) -> None:
    def words(step: int) -> dict[str, Any]:
        moving = tuple(float(each == 7) for each in range(40))
        signs = replace(
            INPUT, constant=0.95, mean=0.01, std=0.1, varied=0.1, columns=columns,
            column_means=moving, column_stds=moving,
        )  # fmt: skip
        return {"inputs": (signs,)}

    assert ("constant-inputs" in seen(not_learning(examination=words))) is caught

    def others(step: int) -> dict[str, Any]:
        moving = tuple(float(each == step % 40) for each in range(40))
        return {"inputs": (replace(words(step)["inputs"][0], column_means=moving, column_stds=moving),)}

    assert "constant-inputs" not in seen(not_learning(examination=others))


@pytest.mark.parametrize(
    ("tokens", "caught"), [((2, 8), True), ((3, 8), False), ((2, 7), False), (None, False)]
)  # as bits with a first and a last
def test_tokens_that_are_one_or_two_of_many(tokens: tuple[int, int] | None, caught: bool) -> None:
    found = seen(not_learning(examination={"tokens": tokens}))
    assert ("constant-inputs" in found) is caught
    assert "constant-inputs" not in seen(classifying(examination={"tokens": tokens}))
