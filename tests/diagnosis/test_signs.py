"""Series against NumPy, and what a history says of itself."""

import math

import numpy as np
import pytest

from gradus.diagnosis.signs import Evaluation, Examination, History, LossSigns, ParameterSigns, Series


def series_of(values: list[float]) -> Series:
    series = Series()
    for each in values:
        series.append(each)
    return series


@pytest.mark.parametrize("count", [8, 511, 512, 513, 1024, 5000])
def test_a_series_keeps_means_in_little_room(count: int) -> None:
    values = np.random.default_rng(0).normal(size=count).cumsum()
    series = series_of(values.tolist())
    width = 1
    while count // width >= 512:
        width *= 2
    expected = values[: count // width * width].reshape(-1, width).mean(axis=1)
    np.testing.assert_allclose(series.bins, expected)
    assert len(series) == series.count == count
    assert len(series.bins) < 512
    assert series.start(5) == pytest.approx(values[:5].mean())
    assert series.end(7) == pytest.approx(values[-7:].mean())
    assert list(series.recent) == values[-64:].tolist()
    quarters = [part.mean() for part in np.array_split(expected, 4)]
    np.testing.assert_allclose(series.quarters(), quarters, atol=4 * np.abs(np.diff(expected)).max())


def test_values_that_come_together_are_those_that_come_one_by_one() -> None:
    draw = np.random.default_rng(0)
    values = draw.normal(size=3000)
    values[draw.integers(3000, size=20)] = math.nan
    together = Series()
    for part in np.split(values, np.sort(draw.integers(3000, size=100))):
        together.extend(part.tolist())
    single = series_of(values.tolist())
    np.testing.assert_array_equal(together.recent, single.recent)
    assert (together.count, together.first) == (single.count, single.first)
    np.testing.assert_allclose(together.bins, single.bins, atol=1e-12)


def test_a_few_values() -> None:
    empty = Series()
    assert len(empty) == 0
    assert math.isnan(empty.start())
    assert math.isnan(empty.end())
    assert series_of([1.0] * 7).quarters() == []
    assert series_of([1.0, 1, 2, 2, 3, 3, 4, 4]).quarters() == [1, 2, 3, 4]
    assert series_of([4.0, 2.0]).start() == series_of([4.0, 2.0]).end() == 3


def test_what_is_not_finite_shows_at_the_end_and_spoils_nothing_else() -> None:
    series = series_of([1.0, 2.0, math.nan, 3.0, math.inf])
    assert len(series) == 5
    assert series.start() == 2
    assert series.bins == [1, 2, 3]
    assert math.isnan(series.end())
    assert math.isnan(series.end(1))
    assert series_of([1.0, math.nan, *[2.0] * 10]).end() == 2


def test_update_over_weight() -> None:
    def ratio(weight: float, update: float | None) -> float | None:
        return ParameterSigns(elements=4, matrix=True, weight=weight, gradient=1.0, update=update).ratio

    assert ratio(2.0, 0.5) == 0.25
    assert ratio(0.0, 0.5) is None
    assert ratio(2.0, None) is None


def test_the_loss_of_an_examination_is_the_last_that_is_known() -> None:
    unknown, one, two = (
        LossSigns(value=value, kind=kind) for value, kind in ((1.0, ""), (2.0, "values"), (3.0, "classes"))
    )
    assert Examination(step=0).loss is None
    assert Examination(step=0, losses=(unknown,)).loss is unknown
    assert Examination(step=0, losses=(one, two, unknown)).loss is two


def test_a_history_s_examinations_and_evaluations() -> None:
    history = History()
    assert [history.first, history.last] == [None, None]
    assert history.latest(1) == []
    history.examinations = [Examination(step=step) for step in range(3)]
    assert history.first is not None
    assert history.last is not None
    assert (history.first.step, history.last.step) == (0, 2)
    assert [each.step for each in history.latest(2)] == [1, 2]
    assert history.latest(4) == []
    history.evaluations = [Evaluation(step=1), Evaluation(step=2, seen=0.5), Evaluation(step=3, repeated=True)]
    assert [each.step for each in history.held_out()] == [1]


def test_the_matrices_that_learn() -> None:
    def parameter(*, matrix: bool = True, embedding: bool = False, gradient: float | None = 1.0) -> ParameterSigns:
        return ParameterSigns(elements=4, matrix=matrix, weight=1.0, embedding=embedding, gradient=gradient)

    examination = Examination(
        step=0,
        parameters={
            "one": parameter(), "bias": parameter(matrix=False), "table": parameter(embedding=True),
            "unreached": parameter(gradient=None), "still": parameter(gradient=0.0),
        },
    )  # fmt: skip
    assert [place for place, _ in History().weights(examination)] == ["one", "still"]
