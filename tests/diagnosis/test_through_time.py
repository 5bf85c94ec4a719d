"""Gradients at the ends of a sequence, against autograd on the whole model."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from gradus.diagnosis.through_time import Sequence_, gradients_through_time, largest_state, memory_kept

EXAMPLES, STEPS, FEATURES, WIDTH = 5, 12, 3, 4


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def sequence(module: nn.RNNBase, x: Tensor, *state: object) -> Sequence_:
    """What is noted of a pass and its backward pass, from a loss that every step takes part in."""
    output, _ = module(x, *state)
    found = Sequence_(module, "m:rnn", (x, *state), output)
    weights = torch.linspace(0.5, 2, output.numel()).view_as(output)
    (output * weights).sin().sum().backward()
    return found


def expected(module: nn.RNNBase, x: Tensor, *state: object) -> tuple[float, float]:
    x = x.clone().requires_grad_()
    output, _ = module(x, *state)
    weights = torch.linspace(0.5, 2, output.numel()).view_as(output)
    (gradient,) = torch.autograd.grad((output * weights).sin().sum(), x)
    time = 1 if module.batch_first else 0
    return float(gradient.select(time, 0).norm()), float(gradient.select(time, -1).norm())


KINDS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_ends_of_a_sequence(name: str, batch_first: bool, bidirectional: bool) -> None:
    module = KINDS[name](FEATURES, WIDTH, 2, batch_first=batch_first, bidirectional=bidirectional)
    x = torch.randn((EXAMPLES, STEPS, FEATURES) if batch_first else (STEPS, EXAMPLES, FEATURES))
    hidden = torch.randn(4 if bidirectional else 2, EXAMPLES, WIDTH)
    state = (hidden, hidden.cos()) if name == "lstm" else hidden
    assert gradients_through_time(sequence(module, x, state)) == pytest.approx(expected(module, x, state), rel=1e-5)
    assert gradients_through_time(sequence(module, x)) == pytest.approx(expected(module, x), rel=1e-5)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("batch_first", [False, True])
def test_the_longest_of_packed_sequences(name: str, batch_first: bool) -> None:
    """Of the last state alone, which is the output at each sequence's own end."""
    module = KINDS[name](FEATURES, WIDTH, batch_first=batch_first)
    x = torch.randn(3, STEPS, FEATURES)
    packed = pack_padded_sequence(x, torch.tensor([4, STEPS, 9]), batch_first=True, enforce_sorted=False)
    state = torch.randn(1, 3, WIDTH)
    given = (state, state.cos()) if name == "lstm" else state
    result = module(packed, given)
    found = Sequence_(module, "m:rnn", (packed, given), result)
    hidden = result[1][0] if name == "lstm" else result[1]
    hidden.square().sum().backward()
    longest = x[1:2].clone().requires_grad_()
    own = (state[:, 1:2], state[:, 1:2].cos()) if name == "lstm" else state[:, 1:2]
    last = module(longest if batch_first else longest.transpose(0, 1), own)[1]
    (gradient,) = torch.autograd.grad((last[0] if name == "lstm" else last).square().sum(), longest)
    ends = float(gradient[0, 0].norm()), float(gradient[0, -1].norm())
    assert gradients_through_time(found) == pytest.approx(ends, rel=1e-5)
    assert (memory_kept(found) is None) == (name == "rnn")


def test_a_linear_recurrence_has_a_closed_form() -> None:
    """h_t = a h_{t-1} + x_t in tanh's straight part: the first of T inputs gets a^(T-1) of what the last one gets."""
    module = nn.RNN(1, 1, bias=False, batch_first=True)
    with torch.no_grad():
        nn.init.constant_(module.get_parameter("weight_ih_l0"), 1.0)
        nn.init.constant_(module.get_parameter("weight_hh_l0"), 0.5)
    x = torch.full((2, STEPS, 1), 1e-5)
    output, _ = module(x)
    found = Sequence_(module, "m:rnn", (x,), output)
    output[:, -1].sum().backward()
    ends = gradients_through_time(found)
    assert ends is not None
    assert ends[0] / ends[1] == pytest.approx(0.5 ** (STEPS - 1), rel=1e-4)


def test_dropout_is_left_out_and_put_back_and_the_run_undisturbed() -> None:
    module = nn.LSTM(FEATURES, WIDTH, 2, dropout=0.5)
    calls: list[object] = []
    found = sequence(module, torch.randn(STEPS, EXAMPLES, FEATURES))
    module.register_forward_hook(lambda *given: calls.append(given))
    gradients = [each.grad.clone() for each in module.parameters() if each.grad is not None]
    state = torch.random.get_rng_state()
    assert gradients_through_time(found) is not None
    assert torch.equal(state, torch.random.get_rng_state())
    assert module.dropout == 0.5
    assert module.training
    assert not calls  # else it would count as a pass of the run
    after = [each.grad for each in module.parameters() if each.grad is not None]
    assert all(torch.equal(one, two) for one, two in zip(gradients, after, strict=True))


def test_inputs_that_autocast_made_small() -> None:
    module = nn.GRU(FEATURES, WIDTH)
    x = torch.randn(STEPS, EXAMPLES, FEATURES)
    found = sequence(module, x)
    exact = gradients_through_time(found)
    found.input = found.input.bfloat16()
    assert gradients_through_time(found) == pytest.approx(exact, rel=0.05)


def test_nothing_is_said_of_short_unbatched_or_unused_sequences() -> None:
    module = nn.RNN(FEATURES, WIDTH)
    assert gradients_through_time(sequence(module, torch.randn(7, EXAMPLES, FEATURES))) is None
    assert gradients_through_time(sequence(module, torch.randn(STEPS, FEATURES))) is None
    x = torch.randn(STEPS, EXAMPLES, FEATURES)
    assert gradients_through_time(Sequence_(module, "m:rnn", (x,), module(x)[0])) is None


@pytest.mark.parametrize("name", ["lstm", "gru"])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize(("bias", "bidirectional"), [(True, False), (False, True)])
def test_the_memory_that_is_kept_is_the_mean_of_its_gate(
    name: str, batch_first: bool, bias: bool, bidirectional: bool
) -> None:
    """Step by step with torch's cell of the same weights, in which the gate is read off what it does to the memory."""
    module = KINDS[name](FEATURES, WIDTH, bias=bias, batch_first=batch_first, bidirectional=bidirectional)
    x = torch.randn((EXAMPLES, STEPS, FEATURES) if batch_first else (STEPS, EXAMPLES, FEATURES))
    first = torch.randn(2 if bidirectional else 1, EXAMPLES, WIDTH)
    state = (first, first.cos()) if name == "lstm" else first
    found = memory_kept(sequence(module, x, state))
    cell = (nn.LSTMCell if name == "lstm" else nn.GRUCell)(FEATURES, WIDTH, bias=bias)
    cell.load_state_dict(
        {key.removesuffix("_l0"): each for key, each in module.state_dict().items() if key.endswith("_l0")}
    )
    gates = []
    h, c = first[0], first[0].cos()
    for step in x.transpose(0, 1) if batch_first else x:
        rows = slice(WIDTH, 2 * WIDTH)
        parts = [step @ cell.weight_ih[rows].T, h @ cell.weight_hh[rows].T]
        parts += [cell.bias_ih[rows], cell.bias_hh[rows]] if bias else []
        gates.append(torch.sigmoid(sum(parts)))
        if name == "lstm":
            h, c = cell(step, (h, c))
        else:
            h = cell(step, h)
    assert found == pytest.approx(torch.stack(gates).mean().item(), rel=1e-5)


@pytest.mark.parametrize(
    "module", [nn.RNN(FEATURES, WIDTH), nn.LSTM(FEATURES, WIDTH, 2), nn.LSTM(FEATURES, WIDTH, proj_size=2)]
)
def test_where_no_gate_is_seen_none_is_told(module: nn.RNNBase) -> None:
    assert memory_kept(sequence(module, torch.randn(STEPS, EXAMPLES, FEATURES))) is None


@pytest.mark.parametrize(
    ("module", "state", "expected"),
    [
        (nn.GRUCell(2, 3), torch.full((1, 3), -7.0), 7.0),
        (nn.LSTMCell(2, 3), (torch.ones(1, 3), torch.full((1, 3), 7.0)), 1.0),  # the other one adds up
        (nn.GRU(2, 3), torch.full((1, 1, 3), 7.0), 7.0),
        (nn.RNN(2, 3, nonlinearity="relu"), torch.full((1, 1, 3), 7.0), 0.0),
        (nn.RNNCell(2, 3, nonlinearity="relu"), torch.full((1, 3), 7.0), 0.0),
        (nn.GRU(2, 3), None, 0.0),
        (nn.Bilinear(2, 3, 1), torch.full((1, 3), 7.0), 0.0),
    ],
)
def test_the_largest_number_in_a_state(module: nn.Module, state: object, expected: float) -> None:
    assert largest_state(module, (torch.ones(1, 2), state)) == expected
