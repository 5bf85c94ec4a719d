"""No rule raises, whatever a program did: numbers that are none, empty batches, layers without units."""

import math
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import fields, replace
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gradus.core.findings import Finding
from gradus.diagnosis.causes import rank
from gradus.diagnosis.doctor import Doctor, told, told_causes
from gradus.diagnosis.history import History
from gradus.diagnosis.series import Series
from gradus.diagnosis.signs import (
    Evaluation,
    Examination,
    InputSigns,
    LayerSigns,
    LoopSigns,
    LossSigns,
    ModelFacts,
    NonFinite,
    Op,
    OptimizerFacts,
    ParameterSigns,
    PlayersSigns,
)
from tests.diagnosis.histories import CASES, fitting, not_learning

NUMBERS = st.floats(width=32) | st.sampled_from([0.0, 0.5, 1.0, 1e-30, 3e38, math.nan, math.inf, -math.inf])
SIZES = st.integers(0, 70)
STEPS = st.integers(0, 400)
PLACES = st.sampled_from(["", "net:", "net:0.weight", "net:1.weight", "judge:0.weight", "net:rnn.weight_hh_l0"])
WORDS: Mapping[str, st.SearchStrategy[str]] = {
    "name": st.sampled_from(["NllLoss", "LogSoftmax", "Softmax", "Log", "Relu", "MseLoss", "Sub", "Sum", "Neg", "Div",
                             "Expand", "Mul", "BinaryCrossEntropyWithLogits", "Sigmoid", "Addmm", "View", "SGD", ""]),
    "kind": st.sampled_from(["classes", "values", "binary", ""]),
    "type": st.sampled_from(["Linear", "Conv2d", "ReLU", "Sigmoid", "RNN", ""]),
    "activation": st.sampled_from(["relu", "sigmoid", "tanh", ""]),
    "source": st.sampled_from(["input", "target", "weight", "forward", "loss", "gradient"]),
    "operation": st.sampled_from(["Exp", "Log", "Sum", ""]),
}  # fmt: skip


def sizes(most: int = 3) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(SIZES, max_size=most).map(tuple)


def odd(kind: type, **known: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Any value of a class of signs: each field whatever its type allows, but for those given."""
    plain: dict[Any, st.SearchStrategy[Any]] = {
        bool: st.booleans(),
        int: SIZES,
        int | None: SIZES | st.none(),
        float: NUMBERS,
        float | None: NUMBERS | st.none(),
        tuple[int, ...]: sizes(),
        tuple[int, int] | None: st.tuples(SIZES, SIZES) | st.none(),
        tuple[int, int, int] | None: st.tuples(SIZES, SIZES, SIZES) | st.none(),
        tuple[float, float] | None: st.tuples(NUMBERS, NUMBERS) | st.none(),
        tuple[tuple[int, ...], ...]: st.lists(sizes(), max_size=2).map(tuple),
        tuple[float, ...]: st.just(()),
        tuple[float, float] | None: st.tuples(NUMBERS, NUMBERS) | st.none(),
        tuple[str, ...]: st.lists(PLACES, max_size=2).map(tuple),
        list[int]: st.lists(STEPS, max_size=5),
    }
    hints = get_type_hints(kind)

    def of(name: str) -> st.SearchStrategy[Any]:
        if name in known:
            return known[name]
        return WORDS.get(name, PLACES) if hints[name] is str else plain[hints[name]]

    return st.builds(kind, **{each.name: of(each.name) for each in fields(kind) if each.init})


LOSSES = odd(LossSigns, heads=st.lists(st.lists(odd(Op), max_size=4).map(tuple), max_size=2).map(tuple))


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Anything, on a run of any length."""
    history = History(step=draw(STEPS), adversarial=draw(st.booleans()), ended=draw(st.booleans()))
    for series, numbers in ((history.losses, NUMBERS), (history.rates, st.floats(0, 10))):
        some = draw(st.lists(numbers, max_size=12))
        for at in range(draw(st.sampled_from([0, 1, 7, 60, 300])) if some else 0):
            series.append(some[at % len(some)])
    history.right = draw(st.lists(st.tuples(STEPS, NUMBERS), max_size=10))
    several = draw(
        st.lists(
            odd(
                Examination,
                layers=st.dictionaries(PLACES, odd(LayerSigns), max_size=5),
                parameters=st.dictionaries(PLACES, odd(ParameterSigns), max_size=5),
                inputs=st.lists(odd(InputSigns, shape=st.tuples(SIZES, SIZES)), max_size=2).map(tuple),
                losses=st.lists(LOSSES, max_size=2).map(tuple),
                rates=st.just(()),
                players=st.none() | odd(PlayersSigns),
            ),
            max_size=3,
        )
    )
    history.examinations = several * draw(st.integers(1, 4))
    history.evaluations = draw(st.lists(odd(Evaluation), max_size=4)) * draw(st.integers(1, 3))
    history.loop = draw(odd(LoopSigns))
    history.models = draw(st.dictionaries(st.sampled_from(["net", "judge"]), odd(ModelFacts), max_size=2))
    history.optimizers = draw(st.dictionaries(st.integers(0, 1), odd(OptimizerFacts), max_size=2))
    history.non_finite = draw(st.none() | odd(NonFinite))
    return history


def diagnosed(history: History) -> list[Finding]:
    """All that is found, having been told."""
    doctor = Doctor(history)
    doctor.consider()
    assert all(told(each) for each in doctor.findings)
    told_causes(rank(history, doctor.findings))
    return doctor.findings


QUICKLY = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@settings(QUICKLY, max_examples=40)
@given(history=histories())
@example(history=History())
@example(history=History(ended=True, step=1000))
def test_no_rule_raises(history: History) -> None:
    for each in diagnosed(history):
        assert 0 <= each.confidence <= 1


def figures(kind: type) -> list[str]:
    """Fields that hold measured numbers."""
    return [name for name, hint in get_type_hints(kind).items() if hint in (float, float | None)]


PARTS: Mapping[str, type] = {
    "losses": LossSigns, "inputs": InputSigns, "layers": LayerSigns, "parameters": ParameterSigns,
    "players": PlayersSigns,
}  # fmt: skip
"""Where an Examination keeps what."""
PLACED = [(part, name) for part, kind in PARTS.items() for name in figures(kind)]


def turned(history: History, part: str, name: str, values: Sequence[float]) -> History:
    """The same with one figure of every examination replaced by each of `values` in turn."""

    def changed(found: Any, value: float) -> Any:
        if isinstance(found, Mapping):
            return {place: changed(each, value) for place, each in found.items()}
        if isinstance(found, tuple):
            return tuple(changed(each, value) for each in found)
        return None if found is None else replace(found, **{name: value})

    result = copy(history)
    result.ended = True
    result.examinations = [
        replace(each, **{part: changed(getattr(each, part), values[at % len(values)])})
        for at, each in enumerate(history.examinations)
    ]
    return result


@settings(QUICKLY, max_examples=50)
@given(
    case=st.sampled_from(sorted(CASES)),
    placed=st.sampled_from([each for each in PLACED if each != ("parameters", "weight")]),
    values=st.lists(NUMBERS.filter(lambda value: value != -math.inf), min_size=1, max_size=3),
)
def test_nor_does_one_if_a_figure_of_a_run_is_odd(case: str, placed: tuple[str, str], values: list[float]) -> None:
    for history in (CASES[case].faulty, CASES[case].healthy):
        diagnosed(turned(history, *placed, values))


def with_rate(rate: float) -> History:
    history = not_learning()
    history.rates = Series()
    for _ in range(history.step):
        history.rates.append(rate)
    return history


@pytest.mark.parametrize(
    "history",
    [
        lambda: with_rate(math.nan),
        lambda: with_rate(math.inf),
        lambda: turned(not_learning(), "parameters", "weight", [math.inf]),
        lambda: turned(fitting(), "losses", "target_mean", [math.inf, -math.inf]),
    ],
    ids=["rate not a number", "infinite rate", "infinite weights", "infinite targets"],
)
def test_nor_on_what_else_is_infinite(history: Callable[[], History]) -> None:
    diagnosed(history())
