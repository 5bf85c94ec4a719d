"""Sequences of several lengths: what lies beyond an end has no influence."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.nn.recurrent.reference import OPTIONS, WAYS
from tests.nn.recurrent.test_layer import F, H, assert_same, make, parts_of, sequences, state_for

LENGTHS = st.lists(st.integers(1, 5), min_size=1, max_size=3)


def padded(lengths: list[int], beyond: float) -> Tensor:
    """With some steps more than the longest needs."""
    x = sequences(len(lengths), max(lengths) + 2, F)
    for row, length in zip(x, lengths, strict=True):
        row[length:] = beyond
    return x


@pytest.mark.parametrize(("name", "fused"), WAYS)
@settings(max_examples=12)
@given(lengths=LENGTHS)
def test_each_sequence_is_as_it_would_be_alone(name: str, fused: bool, lengths: list[int]) -> None:
    layer = make(name, fused=fused)
    x, state = padded(lengths, beyond=float("nan")), state_for(layer, len(lengths))
    y, last = layer(x, state, lengths=torch.tensor(lengths))
    assert y.shape == (*x.shape[:2], 2 * H)
    for at, length in enumerate(lengths):
        own: Any = tuple(part[:, at : at + 1] for part in parts_of(state))
        alone, end = layer(x[at : at + 1, :length], own if len(own) == 2 else own[0])
        assert_same(y[at : at + 1, :length], alone)
        assert not y[at, length:].any()
        assert_same(tuple(part[:, at : at + 1] for part in parts_of(last)), parts_of(end))


@pytest.mark.parametrize(("name", "fused"), WAYS)
@settings(max_examples=12)
@given(lengths=LENGTHS)
def test_padding_takes_no_part_in_gradients(name: str, fused: bool, lengths: list[int]) -> None:
    layer = make(name, fused=fused)
    found = []
    for beyond in (0.0, float("inf")):
        x = padded(lengths, beyond).requires_grad_()
        y, last = layer(x, lengths=lengths)
        wanted = torch.autograd.grad(y.sin().sum() + parts_of(last)[-1].sum(), [x, *layer.parameters()])
        assert all(not row[length:].any() for row, length in zip(wanted[0], lengths, strict=True))
        found.append(wanted)
    assert_same(*found)


@pytest.mark.parametrize("name", OPTIONS)
def test_gates_beyond_an_end_are_zero(name: str) -> None:
    layer, lengths = make(name), [2, 6, 4]
    y, last, gates = layer(padded(lengths, 3.0), lengths=lengths, return_gates=True)
    assert_same((y, last), layer(padded(lengths, -1.0), lengths=lengths))
    for named in gates.values():
        for each in named.values():
            assert all(not row[length:].any() for row, length in zip(each, lengths, strict=True))
            assert all(row[:length].all() for row, length in zip(each, lengths, strict=True))
