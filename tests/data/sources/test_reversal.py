"""Letters are said again, in another order."""

import numpy as np
import pytest

from gradus.core.errors import InputError
from gradus.data.sources import open_data


def test_the_target_is_the_source_from_its_end() -> None:
    raw = open_data("reversal", {"length": 7, "symbols": 5, "examples": 1500, "test_examples": 20})
    for part in raw.parts():
        codes = part.inputs[0][:]
        assert codes.shape == part.target.shape == (len(part), 7)
        assert all(list(said) == list(read)[::-1] for read, said in zip(codes, part.target, strict=True))
    assert raw.spec.steps == 7
    assert raw.spec.vocabulary == raw.spec.classes == tuple("abcde")


def test_or_in_alphabetical_order() -> None:
    raw = open_data("reversal", {"length": 6, "order": "sorted", "examples": 50})
    assert all(list(said) == sorted(read) for read, said in zip(raw.train.inputs[0][:], raw.train.target, strict=True))


def test_letters_have_equal_chances_and_the_test_has_its_own() -> None:
    raw = open_data("reversal", {"examples": 2600, "test_examples": 2600})
    counts = np.bincount(raw.train.inputs[0][:].ravel(), minlength=26)
    assert ((counts - 1000) ** 2 / 1000).sum() < 52.6  # chi-squared of 25 degrees: one in a thousand is above
    assert raw.test is not None
    assert not np.array_equal(raw.train.inputs[0][:], raw.test.inputs[0][:])


def test_an_example_is_the_same_however_many_there_are() -> None:
    few, many = (open_data("reversal", {"examples": count}).train for count in (10, 2000))
    assert np.array_equal(few.inputs[0][:], many.inputs[0][:10])
    other = open_data("reversal", {"examples": 10, "seed": 1}).train
    assert not np.array_equal(few.inputs[0][:], other.inputs[0][:])


@pytest.mark.parametrize("options", [{"symbols": 27}, {"symbols": 1}, {"length": 0}, {"order": "shuffled"}])
def test_what_cannot_be_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(InputError, match=f"data source `reversal`.*{next(iter(options))}"):
        open_data("reversal", options)
