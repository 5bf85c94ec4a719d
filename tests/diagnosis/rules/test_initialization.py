"""How a run begins, to the edge."""

from dataclasses import replace
from typing import Any

import pytest

from tests.diagnosis.histories import (
    CROSS_ENTROPY,
    INPUT,
    LAYER,
    LAYERS,
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


def test_what_is_expected_is_of_the_classes_alone() -> None:
    """Whatever else is added to their loss, as a critic's error to the likelihood of an actor's moves."""
    assert "initial-loss" not in seen(classifying(curve=line(25.0, 20.0), loss={"surprise": 2.3}))


def test_of_several_losses_together_nothing_is_expected() -> None:
    both = (CROSS_ENTROPY, (op("Add"), op("MseLoss"), LOGITS))
    assert "initial-loss" not in seen(classifying(curve=line(25.0, 20.0), loss={"heads": both}))


def test_small_weights_count_once_nothing_is_learned() -> None:
    faint = {"layers": with_layer("net:4", std=1e-4, varied=1e-4)}
    parameters = PARAMETERS | {"net:2.weight": replace(MATRIX, weight=1e-4)}
    assert "bad-initialization" in seen(not_learning(examination=faint | {"parameters": parameters}))
    assert "bad-initialization" not in seen(not_learning(examination=faint | {"parameters": parameters}, steps=19))
    assert "bad-initialization" not in seen(classifying(examination=faint | {"parameters": parameters}))


def test_a_single_hidden_layer_that_hardly_anything_comes_through() -> None:
    def found(varied: float, *, embedding: bool = False, elements: int = 8, **options: Any) -> bool:
        layers = {"net:0": replace(LAYER, varied=varied), "net:1": replace(LAYER, varied=1e-9, output=True)}
        first = replace(MATRIX, weight=1e-3, fan_in=1, elements=elements)
        parameters = {"net:0.weight": first, "net:1.weight": replace(MATRIX, embedding=embedding)}
        run = classifying if options.pop("learns", False) else not_learning
        return "bad-initialization" in seen(run(examination={"layers": layers, "parameters": parameters}, **options))

    assert found(0.019, ended=True)
    assert found(0.004, steps=1000)
    assert not found(0.004, steps=999)  # it may leave the plateau
    assert not found(0.004, learns=True, ended=True)
    assert not found(0.004, learns=True, right=line(0.1, 0.5), curve=line(2.3, 1.3), ended=True)
    assert not found(0.021, ended=True)
    assert not found(0.004, embedding=True, ended=True)  # numbers of words have no scale
    assert not found(0.004, elements=7, ended=True)


@pytest.mark.parametrize(("known_from", "caught"), [(1, True), (2, False)])
def test_weights_changed_by_hand_are_known_a_step_later(known_from: int, caught: bool) -> None:
    layers = {"net:0": replace(LAYER, varied=0.004)}
    parameters = {"net:0.weight": replace(MATRIX, weight=1e-3), "net:1.weight": MATRIX}

    def examination(step: int) -> dict[str, Any]:
        return {"layers": layers, "parameters": parameters if step >= known_from else {}}

    assert ("bad-initialization" in seen(not_learning(examination=examination, ended=True))) == caught


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


@pytest.mark.parametrize(("terms", "caught"), [(1, True), (5, False)])
def test_a_word_of_five_letters_has_the_loss_of_five(terms: int, caught: bool) -> None:
    history = classifying(loss={"terms": terms, "value": 11.5}, curve=line(11.5, 11.5), right=line(0.1, 0.1))
    assert ("initial-loss" in seen(history)) == caught


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


@pytest.mark.parametrize(
    ("layers", "narrowest", "units", "inputs", "caught"),
    [
        (2, 12, 60, 64, False),
        (2, 12, 12, 64, True),
        (2, 12, 60, 12, True),
        (2, 64, 60, 64, True),
        (4, 12, 60, 64, True),
    ],
)
def test_principal_components_are_meant(layers: int, narrowest: int, units: int, inputs: int, caught: bool) -> None:
    linear = half_learning(
        net={"nonlinear": False, "narrowest": narrowest, "linear_layers": layers},
        loss={"kind": "values", "classes": 1, "target_std": 1.0, "error": 0.5},
        examination={
            "layers": with_layer("net:6", units=units) | {"other:": replace(LAYER, units=100)},
            "inputs": (replace(INPUT, shape=(64, inputs)),),
        },
    )
    assert ("missing-nonlinearity" in seen(linear)) == caught


def test_a_linear_system_has_a_state() -> None:
    def found(run: Any, calls: int, place: str = "net:2", **facts: Any) -> bool:
        layers = LAYERS | {place: replace(LAYER, calls=calls, **facts)}
        return "missing-nonlinearity" in seen(run(net={"nonlinear": False}, examination={"layers": layers}))

    assert found(half_learning, 3)
    assert not found(half_learning, 4)
    assert found(half_learning, 30, type="Flatten")
    assert found(half_learning, 30, place="other:2")
    assert found(not_learning, 30)


def test_an_output_may_begin_small() -> None:
    """A policy's last layer beside the value's, which runs before it."""

    def history(output: bool) -> bool:
        layers = with_layer("net:4", varied=1e-3, output=output)
        return "bad-initialization" in seen(
            not_learning(
                examination={
                    "layers": layers,
                    "parameters": PARAMETERS | {"net:4.weight": replace(MATRIX, weight=0.01)},
                }
            )
        )

    assert history(output=False)
    assert not history(output=True)


@pytest.mark.parametrize(
    ("place", "output", "caught"), [("net:4", False, True), ("net:4", True, False), ("net:6", False, False)]
)
def test_an_output_may_begin_small_while_others_fade(place: str, output: bool, caught: bool) -> None:
    """The last matrix is one in any case."""
    layers = with_layer("net:4", output=output) | {"net:7": replace(LAYER, varied=1e-3), "net:8": LAYER}
    parameters = PARAMETERS | {f"{place}.weight": replace(MATRIX, weight=0.01)}
    history = not_learning(examination={"layers": layers, "parameters": parameters})
    assert ("bad-initialization" in seen(history)) == caught


def test_of_one_matrix_it_is_the_output_that_counts() -> None:
    layers = {f"net:{at}": replace(LAYER, varied=1.0 if at < 2 else 1e-3) for at in range(4)}
    only = {"net:3.weight": replace(MATRIX, weight=0.01)}
    assert "bad-initialization" in seen(not_learning(examination={"layers": layers, "parameters": only}))


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


@pytest.mark.parametrize(
    ("number", "right", "begun", "caught"),
    [
        (2, 0.7, {}, True),
        (1, 0.7, {}, False),  # the others began apart
        (2, 0.95, {}, False),  # nothing is lost
        (2, 0.7, {"weight": 0.0}, False),  # branches that begin shut
        (2, 0.7, {"gradient": None}, False),  # fixed, as to smooth
    ],
)
def test_units_that_began_alike_and_that_noise_alone_parted(
    number: int, right: float, begun: dict[str, Any], caught: bool
) -> None:
    alike = {place: replace(each, alike=True, **begun) for place, each in list(PARAMETERS.items())[:number]}
    history = classifying(
        right=line(right, right), examination=lambda step: {"parameters": PARAMETERS | ({} if step else alike)}
    )
    assert ("symmetric-initialization" in seen(history)) == caught


def test_an_output_that_began_alike_is_no_hidden_layer() -> None:
    """As of zeros, which many begin with, or of one number for all classes."""
    layers = {place: replace(each, output=True) for place, each in LAYERS.items()}
    alike = {place: replace(each, alike=True) for place, each in PARAMETERS.items()}
    history = classifying(
        right=line(0.7, 0.7),
        examination=lambda step: {"layers": layers, "parameters": PARAMETERS if step else alike},
    )
    assert "symmetric-initialization" not in seen(history)
