"""How a run begins, to the edge."""

from dataclasses import replace
from typing import Any

import pytest

from tests.diagnosis.histories import (
    CROSS_ENTROPY,
    INPUT,
    LOGITS,
    MATRIX,
    PARAMETERS,
    classifying,
    falling,
    fitting,
    half_learning,
    line,
    not_learning,
    op,
    seen,
    with_layer,
)


def test_a_first_loss_counts_if_it_stays() -> None:
    assert "initial-loss" in seen(classifying(curve=line(25.0, 20.0)))
    assert "initial-loss" not in seen(classifying(curve=falling(25.0)))
    assert "initial-loss" not in seen(classifying(curve=line(25.0, 20.0), steps=19))  # it may still be unlearned
    assert "initial-loss" in seen(classifying(curve=line(25.0, 20.0), steps=19, ended=True))


def test_of_several_losses_together_nothing_is_expected() -> None:
    both = (CROSS_ENTROPY, (op("Add"), op("MseLoss"), LOGITS))
    assert "initial-loss" not in seen(classifying(curve=line(25.0, 20.0), loss={"heads": both}))


def test_small_weights_count_once_nothing_is_learned() -> None:
    faint = {"layers": with_layer("net:4", std=1e-4, varied=1e-4)}
    parameters = PARAMETERS | {"net:2.weight": replace(MATRIX, weight=1e-4)}
    assert "bad-initialization" in seen(not_learning(examination=faint | {"parameters": parameters}))
    assert "bad-initialization" not in seen(not_learning(examination=faint | {"parameters": parameters}, steps=19))
    assert "bad-initialization" not in seen(classifying(examination=faint | {"parameters": parameters}))


def test_scales_that_begin_as_one_number_are_no_weights() -> None:
    def history(*, constant: bool) -> bool:
        parameters = PARAMETERS | {"net:0.weight": replace(MATRIX, weight=0.8, constant=constant)}
        layers = with_layer("net:4", std=20.0)
        return "bad-initialization" in seen(not_learning(examination={"layers": layers, "parameters": parameters}))

    assert history(constant=False)
    assert not history(constant=True)


def test_weights_that_begin_large_may_come_down() -> None:
    def history(**options: Any) -> bool:
        large = {"parameters": PARAMETERS | {"net:0.weight": replace(MATRIX, weight=0.8)}}
        run = classifying if options.pop("learns", False) else not_learning
        return "bad-initialization" in seen(
            run(examination=large | {"layers": with_layer("net:4", std=20.0)}, **options)
        )

    assert history()
    assert not history(steps=19)
    assert not history(learns=True)


@pytest.mark.parametrize(
    ("narrowest", "inputs", "caught"), [(2, 9, False), (2, 8, True), (7, 64, False), (8, 64, True), (1, 64, False)]
)
def test_a_few_factors_of_many_inputs_are_meant(narrowest: int, inputs: int, caught: bool) -> None:
    linear = half_learning(
        net={"nonlinear": False, "narrowest": narrowest},
        loss={"kind": "values", "classes": 1, "target_std": 1.0, "error": 0.5},
        examination={"inputs": (replace(INPUT, shape=(64, inputs)),)},
    )
    assert ("missing-nonlinearity" in seen(linear)) == caught


def test_data_may_be_linear() -> None:
    assert "missing-nonlinearity" in seen(half_learning(net={"nonlinear": False}))
    assert "missing-nonlinearity" not in seen(classifying(net={"nonlinear": False}))


def test_a_first_error_counts_whatever_its_weight_in_the_loss() -> None:
    """A likelihood weighs squared errors by what it takes the noise to be."""

    def found(loss: float, error: float) -> bool:
        return "initial-loss" in seen(fitting(loss={"target_std": 1.0, "error": error}, curve=line(loss, loss)))

    assert found(200.0, 200.0)
    assert found(0.2, 200.0)
    assert not found(200.0, 50.0)
