"""A batch splits into smaller ones that hold the same examples in the same order."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.batch import Batch


def batch(count: int, *, whole: bool = True) -> Batch:
    numbers = torch.arange(count)
    return Batch(
        inputs=(numbers[:, None].float(), -numbers),
        target=numbers * 2,
        index=numbers + 100,
        weight=numbers.float() / 2 if whole else None,
        lengths=numbers + 1 if whole else None,
    )


@given(st.integers(1, 40), st.integers(1, 50))
def test_split_loses_nothing(count: int, parts: int) -> None:
    whole = batch(count)
    pieces = whole.split(parts)
    assert 1 <= len(pieces) <= parts
    assert all(len(piece) == len(pieces[0]) for piece in pieces[:-1])
    assert 0 < len(pieces[-1]) <= len(pieces[0])
    for place in range(2):
        assert torch.equal(torch.cat([piece.inputs[place] for piece in pieces]), whole.inputs[place])
    for name in ("target", "index", "weight", "lengths"):
        assert torch.equal(torch.cat([getattr(piece, name) for piece in pieces]), getattr(whole, name))


@pytest.mark.parametrize(
    ("parts", "lengths"), [(1, [10]), (2, [5, 5]), (3, [4, 4, 2]), (4, [3, 3, 3, 1]), (6, [2] * 5), (99, [1] * 10)]
)
def test_parts_are_of_equal_size_but_the_last(parts: int, lengths: list[int]) -> None:
    assert [len(piece) for piece in batch(10).split(parts)] == lengths


def test_what_a_batch_lacks_its_parts_lack() -> None:
    for piece in batch(5, whole=False).split(2):
        assert piece.weight is None
        assert piece.lengths is None


def test_a_batch_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        batch(2).target = torch.zeros(2)  # type: ignore[misc]
