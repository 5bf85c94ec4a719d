"""How a run begins, to the edge."""

from dataclasses import replace
from typing import Any

from tests.diagnosis.histories import (
    CROSS_ENTROPY,
    LOGITS,
    MATRIX,
    PARAMETERS,
    classifying,
    falling,
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
