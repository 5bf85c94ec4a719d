"""Recurrent layers of every kind: against NumPy, against torch, and against themselves."""

import copy
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.nn.recurrent import Biases, Kind, Recurrent
from tests.nn.recurrent.reference import FUSED, OPTIONS, WAYS, parameters_of, run

# T steps, N sequences, F features, H units, L layers
T, N, F, H, L = 7, 3, 5, 4, 2
ALL = pytest.mark.parametrize("name", OPTIONS)


def make(name: str, **more: Any) -> Recurrent:
    """In float64, every parameter a random number."""
    torch.manual_seed(0)
    options: dict[str, Any] = {"num_layers": L, "bidirectional": True, **OPTIONS[name], **more}
    layer = Recurrent(input_size=F, hidden_size=H, **options).double()
    for each in layer.parameters():
        nn.init.normal_(each, std=0.5)
    return layer


def sequences(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape or (N, T, F), dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def state_for(layer: Recurrent, batch: int = N) -> Any:
    parts = tuple(sequences(len(layer.places), batch, H, seed=2 + at) for at in range(layer.parts))
    return parts if len(parts) == 2 else parts[0]


def parts_of(state: Any) -> tuple[Tensor, ...]:
    return (state,) if isinstance(state, Tensor) else state


def twin_of(layer: Recurrent, name: str, **more: Any) -> Recurrent:
    """The same weights in cells."""
    twin = make(name, fused=False, **more)
    with torch.no_grad():
        for cell, known in zip(twin.cells, parameters_of(layer), strict=True):
            for each, parameter in cell.named_parameters():
                parameter.copy_(torch.from_numpy(known[each]))
    return twin


def assert_same(first: Any, second: Any) -> None:
    torch.testing.assert_close(first, second, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("name", "fused"), WAYS)
@pytest.mark.parametrize("biases", [None, 0, 1])
def test_is_its_equations_layer_on_layer_both_ways(name: str, fused: bool, biases: Biases | None) -> None:
    layer = make(name, fused=fused, biases=biases)
    x, state = sequences(), state_for(layer)
    y, last = layer(x, state)
    before = tuple(each.numpy() for each in parts_of(state))
    expected, end = run(name, parameters_of(layer), x.transpose(0, 1).numpy(), before, 2)
    np.testing.assert_allclose(y.detach().transpose(0, 1).numpy(), expected, rtol=1e-12, atol=1e-13)
    for ours, theirs in zip(parts_of(last), end, strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs, rtol=1e-12, atol=1e-13)
    assert (layer.kernel is not None) == (fused and name in FUSED)


@pytest.mark.parametrize("name", FUSED)
@pytest.mark.parametrize("lengths", [None, [4, 7, 1]])
def test_fused_and_unrolled_are_the_same_forwards_and_backwards(name: str, lengths: list[int] | None) -> None:
    fused = make(name)
    unrolled, x, state = twin_of(fused, name), sequences(), state_for(fused)
    found = []
    for layer in (fused, unrolled):
        given = x.clone().requires_grad_()
        y, last = layer(given, state, lengths=lengths)
        (y.sin().sum() + sum(each.square().sum() for each in parts_of(last))).backward()
        found.append((y, last, given.grad))
    assert_same(*found)
    for ours, theirs in zip(parameters_of_gradients(fused), parameters_of_gradients(unrolled), strict=True):
        assert_same(ours, theirs)


def parameters_of_gradients(layer: Recurrent) -> list[dict[str, Any]]:
    shadow = copy.deepcopy(layer)
    with torch.no_grad():
        for ours, theirs in zip(shadow.parameters(), layer.parameters(), strict=True):
            assert theirs.grad is not None
            ours.copy_(theirs.grad)
    return [dict(sorted(each.items())) for each in parameters_of(shadow)]


@pytest.mark.parametrize(("name", "kind"), [("lstm", nn.LSTM), ("gru after", nn.GRU), ("rnn tanh", nn.RNN)])
@pytest.mark.parametrize("biases", [0, 1, 2])
def test_torchs_own_layer_takes_the_weights(name: str, kind: Any, biases: Biases) -> None:
    layer = make(name, biases=biases)
    theirs = kind(F, H, L, bidirectional=True, batch_first=True, bias=biases > 0).double()
    assert layer.kernel is not None
    theirs.load_state_dict(layer.kernel.state_dict())
    x, state = sequences(), state_for(layer)
    y, last = layer(x, state)
    expected, end = theirs(x, state)
    assert torch.equal(y, expected)
    assert_same(last, end)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize(("name", "kind"), [("lstm", nn.LSTM), ("gru after", nn.GRU), ("rnn tanh", nn.RNN)])
def test_takes_the_weights_of_torchs_own_layer(name: str, kind: Any, fused: bool) -> None:
    """Also within a model, as of runs that had such a layer."""
    plain = kind(F, H, L, bidirectional=True, batch_first=True).double()
    layer = make(name, fused=fused)
    layer.load_state_dict(plain.state_dict())
    assert_same(layer(sequences()), plain(sequences()))
    model = nn.ModuleDict({"recurrence": make(name, fused=fused)})
    model.load_state_dict(nn.ModuleDict({"recurrence": plain}).state_dict())
    assert_same(model["recurrence"](sequences()), plain(sequences()))


@ALL
def test_steps_come_first_without_batch_first(name: str) -> None:
    layer = make(name)
    other = make(name, batch_first=False)
    other.load_state_dict(layer.state_dict())
    x, lengths = sequences(), torch.tensor([5, 7, 2])
    y, last, gates = other(x.transpose(0, 1), lengths=lengths, return_gates=True)
    expected, end, opened = layer(x, lengths=lengths, return_gates=True)
    assert_same((y.transpose(0, 1), last), (expected, end))
    for place, named in gates.items():
        for gate, each in named.items():
            assert_same(each.transpose(0, 1), opened[place][gate])
    assert_same(other(x.transpose(0, 1), lengths=lengths)[0], y)


@pytest.mark.parametrize(("name", "fused"), WAYS)
def test_reversed_input_mirrors_the_output_of_both_directions(name: str, fused: bool) -> None:
    """With the two directions' weights exchanged, a sequence read from its end gives what it gave, mirrored."""
    layer = make(name, num_layers=1, fused=fused)
    mirror = copy.deepcopy(layer)
    with torch.no_grad():
        for ours, theirs in zip(parameters_of(mirror), reversed(parameters_of(layer)), strict=True):
            for each in ours:
                ours[each][...] = theirs[each]
    x, state = sequences(), state_for(layer)
    y, last = layer(x, state)
    exchanged = tuple(each.flip(0) for each in parts_of(state))
    back, end = mirror(x.flip(1), exchanged if len(exchanged) == 2 else exchanged[0])
    assert_same(torch.cat([back[..., H:], back[..., :H]], dim=2).flip(1), y)
    assert_same(tuple(each.flip(0) for each in parts_of(end)), parts_of(last))


@pytest.mark.parametrize(("name", "fused"), WAYS)
def test_a_sequence_in_two_parts_is_the_sequence(name: str, fused: bool) -> None:
    layer = make(name, bidirectional=False, fused=fused)
    x, state = sequences(), state_for(layer)
    y, last = layer(x, state)
    first, between = layer(x[:, :3], state)
    second, end = layer(x[:, 3:], between)
    assert_same((torch.cat([first, second], dim=1), end), (y, last))


COUNTS = [  # of 128 inputs and 256 units, with two biases, and how many fewer with one
    ("rnn", 98_816, 256),
    ("lstm", 395_264, 1024),
    ("gru", 296_448, 768),
]


@pytest.mark.parametrize(("kind", "count", "bias"), COUNTS)
def test_has_the_counted_parameters(kind: Kind, count: int, bias: int) -> None:
    def parameters(**options: Any) -> int:
        return sum(each.numel() for each in Recurrent(kind, 128, 256, **options).parameters())

    assert parameters() == parameters(fused=False) == count
    assert parameters(bidirectional=True) == 2 * count
    assert parameters(biases=1) == parameters(biases=1, fused=False) == count - bias
    assert parameters(biases=0) == count - 2 * bias


def test_irnn_of_100_units_with_its_classifier_has_the_papers_count() -> None:
    layer: Any = Recurrent("irnn", 1, 100, biases=1)
    output = nn.Linear(100, 10)
    assert sum(each.numel() for part in (layer, output) for each in part.parameters()) == 11_210
    assert torch.equal(layer.kernel.weight_hh_l0, torch.eye(100))


def test_the_bias_that_is_held_at_zero_stays_there() -> None:
    layer = copy.deepcopy(make("lstm", biases=1))
    layer(sequences())[0].sum().backward()
    torch.optim.SGD(layer.parameters(), lr=0.1).step()
    held = {name: each for name, each in layer.named_buffers() if "bias_hh" in name}
    assert len(held) == L * 2
    assert not any(each.any() for each in held.values())
    assert_same(layer(sequences()), twin_of(layer, "lstm", biases=1)(sequences()))


@pytest.mark.parametrize("name", FUSED)
@pytest.mark.parametrize("fused", [True, False])
def test_of_other_precisions_and_copies(name: str, fused: bool) -> None:
    layer = make(name, fused=fused)
    single = copy.deepcopy(layer).float()
    torch.testing.assert_close(single(sequences().float())[0].double(), layer(sequences())[0], rtol=1e-4, atol=1e-5)


def test_what_does_not_fit_is_refused() -> None:
    layer = Recurrent("layer_norm_lstm", F, H)
    x, state = torch.zeros(N, T, F), torch.zeros(1, N, H)
    for wrong in (torch.zeros(T, F), torch.zeros(N, T, F + 1)):
        with pytest.raises(InputError, match="Recurrent: `x` must have three axes, the last of 5 features"):
            layer(wrong)
    packed: Any = nn.utils.rnn.pack_sequence([torch.zeros(2, F)])
    with pytest.raises(InputError, match=r"got `PackedSequence`\. Of sequences that end earlier give `lengths`"):
        layer(packed)
    with pytest.raises(InputError, match="`x` must have a step or more"):
        layer(x[:, :0])
    given: Any
    for given in (state, (state, state[:, :1]), (state[0], state[0])):
        with pytest.raises(InputError, match=r"`state` must be a pair, both of shape \(1, "):
            layer(x, given)
    with pytest.raises(InputError, match=r"`state` must be of shape \(2, "):
        Recurrent("gru", F, H, 2)(x, state)
    with pytest.raises(InputError, match=r"`state` must be a pair, both of shape \(1, .*, got \['int'\]"):
        layer(x, cast(Any, 3))
    with pytest.raises(InputError, match=r"`x` must be of torch\.float32, as the weights are, got `torch\.float64`"):
        layer(x.double())
    with pytest.raises(InputError, match="`lengths` must be whole numbers, got `many`"):
        layer(x, lengths=cast(Any, "many"))
    for lengths in ([T, T], [[T]] * N, [1.0] * N):
        with pytest.raises(InputError, match=r"`lengths` must be of shape \(3,\) and whole numbers"):
            layer(x, lengths=lengths)
    for lengths in ([0, 1, 1], [1, 1, T + 1]):
        with pytest.raises(InputError, match="`lengths` must be 1 to 7, the steps of `x`"):
            layer(x, lengths=lengths)
    options: Any
    for options, said in (
        ({"num_layers": 0}, "`num_layers` must be a whole number of 1 or more, got 0"),
        ({"hidden_size": 3.0}, "`hidden_size` must be a whole number of 1 or more, got 3.0"),
        ({"dropout": "much"}, "the probability to drop"),
        ({"variational": None}, "the probability to drop"),
        ({"kind": "transformer"}, "knows no such `kind`, got `transformer`"),
        ({"dropout": 1.0}, "the probability to drop"),
        ({"variational": (0.1, 0.1, -0.1)}, "the probability to drop"),
        ({"variational": (0.1, 0.1)}, "`variational` must be a number, or three"),
    ):
        with pytest.raises(InputError, match=said):
            Recurrent(**{"kind": "gru", "input_size": F, "hidden_size": H, **options})
