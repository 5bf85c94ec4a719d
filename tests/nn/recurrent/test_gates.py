"""Gates, as they are handed back: between 0 and 1, and those that made the outputs."""

from typing import Any

import pytest
import torch
from torch import Tensor

from gradus.nn.recurrent import Recurrent
from tests.nn.recurrent.reference import WAYS
from tests.nn.recurrent.test_layer import H, assert_same, make, sequences, state_for

PLACES = ["l0", "l0_reverse", "l1", "l1_reverse"]


def before(steps: Tensor, first: Tensor, *, backwards: bool) -> Tensor:
    """What each step begins with; (N, T, H)."""
    if backwards:
        return torch.cat([steps[:, 1:], first[:, None]], dim=1)
    return torch.cat([first[:, None], steps[:, :-1]], dim=1)


@pytest.mark.parametrize(("name", "fused"), WAYS)
def test_asking_for_gates_changes_nothing(name: str, fused: bool) -> None:
    layer, x = make(name, fused=fused), sequences()
    y, last, gates = layer(x, state_for(layer), return_gates=True)
    assert_same((y, last), layer(x, state_for(layer)))
    assert list(gates) == PLACES


@pytest.mark.parametrize("kind", ["lstm", "peephole_lstm", "layer_norm_lstm"])
def test_gates_of_memory_made_it(kind: str) -> None:
    layer: Any = make(kind)
    h, c = state_for(layer)
    y, (_, last), gates = layer(sequences(), (h, c), return_gates=True)
    for at, place in enumerate(PLACES):
        named, backwards = gates[place], place.endswith("reverse")
        assert list(named) == ["input", "forget", "candidate", "output", "memory"]
        for gate in ("input", "forget", "output"):
            assert bool(((named[gate] > 0) & (named[gate] < 1)).all())
        assert bool((named["candidate"].abs() < 1).all())
        kept = named["forget"] * before(named["memory"], c[at], backwards=backwards)
        assert_same(named["memory"], kept + named["input"] * named["candidate"])
        assert_same(named["memory"][:, 0 if backwards else -1], last[at])
        if at >= 2:
            seen = named["memory"]
            seen = layer.cells[at].norm_memory(seen) if kind == "layer_norm_lstm" else seen
            half = slice(H, None) if backwards else slice(H)
            assert_same(y[..., half], named["output"] * seen.tanh())


@pytest.mark.parametrize("name", ["gru before", "gru after"])
def test_gates_of_a_gru_made_its_state(name: str) -> None:
    layer = make(name, num_layers=1)
    h: Any = state_for(layer)
    y, _, gates = layer(sequences(), h, return_gates=True)
    for at, (place, half) in enumerate((("l0", slice(H)), ("l0_reverse", slice(H, None)))):
        reset, update, candidate = (gates[place][each] for each in ("reset", "update", "candidate"))
        for gate in (reset, update):
            assert bool(((gate > 0) & (gate < 1)).all())
        kept = update * before(y[..., half], h[at], backwards=at == 1)
        assert_same(y[..., half], (1 - update) * candidate + kept)


def test_gates_that_are_shut_by_their_bias_read_so() -> None:
    layer: Any = Recurrent("lstm", 3, H, biases=1)
    with torch.no_grad():
        layer.kernel.bias_ih_l0[H : 2 * H] = -30.0
        layer.kernel.bias_ih_l0[:H] = 30.0
    _, _, gates = layer(torch.randn(2, 5, 3), return_gates=True)
    assert float(gates["l0"]["forget"].detach().max()) < 1e-9
    assert float(gates["l0"]["input"].detach().min()) > 1 - 1e-6


def test_a_vanilla_recurrence_has_none() -> None:
    assert make("rnn tanh")(sequences(), return_gates=True)[2] == {place: {} for place in PLACES}
