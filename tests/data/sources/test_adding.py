"""The adding problem is made by its rule, and depends on nothing but seed and number."""

from typing import Any

import numpy as np
import pytest

from gradus.core.errors import InputError
from gradus.data.raw import RawData
from gradus.data.sources import open_data
from gradus.data.sources.adding import CONSTANT_MSE


def opened(**options: Any) -> RawData:
    return open_data("adding", {"examples": 3000, "test_examples": 200, **options})


@pytest.mark.parametrize("length", [2, 3, 51])
def test_the_target_is_the_sum_of_the_two_that_are_marked_one_in_each_half(length: int) -> None:
    raw = opened(length=length)
    for part in raw.parts():
        values, marks = np.moveaxis(part.inputs[0][:].astype(np.float64), -1, 0)
        assert values.shape == marks.shape == (len(part), length)
        assert ((values >= 0) & (values < 1)).all()
        assert np.isin(marks, (0, 1)).all()
        assert (marks[:, : length // 2].sum(1) == 1).all()
        assert (marks[:, length // 2 :].sum(1) == 1).all()
        np.testing.assert_allclose(part.target[:, 0], (values * marks).sum(1), rtol=1e-6)
    assert raw.spec.inputs == ((length, 2),)
    assert raw.spec.outputs == 1


def test_draws_are_uniform() -> None:
    raw = opened(length=10)
    values, marks = np.moveaxis(raw.train.inputs[0][:], -1, 0)
    assert values.mean() == pytest.approx(0.5, abs=0.01)  # 6 deviations of a mean of 30,000
    assert values.var() == pytest.approx(1 / 12, abs=0.003)
    np.testing.assert_allclose(marks.mean(0), 0.2, atol=0.045)  # 6 of a share of 3,000
    assert ((raw.train.target - 1) ** 2).mean() == pytest.approx(CONSTANT_MSE, abs=0.03)
    sums = np.add.outer(*[(np.arange(400) + 0.5) / 400] * 2)
    assert ((sums - 1) ** 2).mean() == pytest.approx(CONSTANT_MSE, rel=1e-4)


def test_an_example_depends_on_its_seed_and_number_alone() -> None:
    few, many = opened(examples=7), opened()
    assert np.array_equal(many.train.inputs[0][:7], few.train.inputs[0][:])
    assert few.test is not None
    assert many.test is not None
    assert np.array_equal(many.test.inputs[0][:], few.test.inputs[0][:])
    assert not np.array_equal(opened(seed=1).train.inputs[0][:], many.train.inputs[0][:])


def test_no_test_example_is_one_of_training() -> None:
    raw = opened()
    assert raw.test is not None
    rows = {each.tobytes() for each in raw.train.inputs[0][:]}
    assert len(rows) == 3000
    assert not rows & {each.tobytes() for each in raw.test.inputs[0][:]}


@pytest.mark.parametrize("options", [{"length": 1}, {"examples": 0}, {"test_examples": 0}, {"seed": -1}, {"lag": 3}])
def test_options_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(InputError) as told:
        opened(**options)
    assert "\n" not in str(told.value)
