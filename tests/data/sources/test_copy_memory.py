"""Copy memory is made by its rule, and depends on nothing but seed and number."""

import math
from typing import Any

import numpy as np
import pytest

from gradus.core.errors import InputError
from gradus.data.raw import RawData
from gradus.data.sources import open_data
from gradus.data.sources.copy_memory import memoryless_loss
from gradus.data.splits import split


def opened(**options: Any) -> RawData:
    return open_data("copy_memory", {"examples": 3000, "test_examples": 200, **options})


@pytest.mark.parametrize("delay", [1, 2, 30])
def test_the_first_ten_symbols_are_the_last_ten_of_the_target(delay: int) -> None:
    raw = opened(delay=delay)
    for part in raw.parts():
        rows, target = part.inputs[0][:].tolist(), part.target.tolist()
        for row, wanted in zip(rows, target, strict=True):
            symbols = row[:10]
            assert all(1 <= each <= 8 for each in symbols)
            assert row[10:] == [0] * (delay - 1) + [9] + [0] * 10
            assert wanted == [0] * (delay + 10) + symbols
    spec = raw.spec
    assert (spec.inputs, spec.steps, spec.outputs) == (((delay + 20,),), delay + 20, 9)
    assert (spec.input_dtypes, len(spec.vocabulary)) == (("int64",), 10)
    assert spec.classes == spec.vocabulary[:9]


def test_symbols_are_uniform() -> None:
    symbols = opened().train.inputs[0][:, :10]
    shares = np.stack([np.bincount(place, minlength=9)[1:] / 3000 for place in symbols.T])
    np.testing.assert_allclose(shares, 1 / 8, atol=0.037)  # 6 deviations of a share of 3,000


@pytest.mark.parametrize("delay", [5, 100])
def test_what_remembers_nothing_has_the_loss_told(delay: int) -> None:
    """It says blank until the delimiter has come, then each symbol with a chance of 1/8."""
    target = opened(delay=delay).train.target
    chances = np.zeros((delay + 20, 9))
    chances[: delay + 10, 0] = 1
    chances[delay + 10 :, 1:] = 1 / 8
    loss = -np.log(chances[np.arange(delay + 20), target]).mean()
    assert memoryless_loss(delay) == pytest.approx(loss)
    assert memoryless_loss(delay) == pytest.approx(10 * math.log(8) / (delay + 20))


def test_an_example_depends_on_its_seed_and_number_alone() -> None:
    few, many = opened(examples=7), opened()
    assert np.array_equal(many.train.inputs[0][:7], few.train.inputs[0][:])
    assert few.test is not None
    assert many.test is not None
    assert np.array_equal(many.test.inputs[0][:], few.test.inputs[0][:])
    assert not np.array_equal(opened(seed=1).train.inputs[0][:], many.train.inputs[0][:])


def test_splits_share_no_sequence() -> None:
    raw = opened()
    parts = split(raw, validation=0.1, test=None, seed=0).named()
    rows = {name: {each.tobytes() for each in part.examples.inputs[0][part.index]} for name, part in parts.items()}
    assert {name: len(each) for name, each in rows.items()} == {"train": 2700, "validation": 300, "test": 200}
    assert len(set.union(*rows.values())) == 3200


@pytest.mark.parametrize("options", [{"delay": 0}, {"examples": 0}, {"test_examples": 0}, {"seed": -1}, {"lag": 3}])
def test_options_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(InputError) as told:
        opened(**options)
    assert "\n" not in str(told.value)
