"""Series against NumPy."""

import math

import numpy as np
import pytest

from gradus.diagnosis.series import Series


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


def test_a_mean_may_be_a_number_though_its_sum_is_none() -> None:
    assert series_of([1.5e308] * 4).end() == pytest.approx(1.5e308)
