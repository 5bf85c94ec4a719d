"""What reads sequences step by step, at their end or all along, and goes on where it stopped."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import create_model, models
from gradus.models.recurrent import begin_with_memory
from gradus.models.sequences import FromLast
from gradus.nn.recurrent import Recurrent

KINDS = [card.name for card in models.cards() if card.family == "recurrent"]
EVERY = pytest.mark.parametrize("kind", KINDS)
TEXT = DataSpec(task="classification", inputs=((16,),), input_dtypes=("int64",), outputs=65, vocabulary=tuple("abcde"))
EACH_STEP = replace(TEXT, outputs=5, steps=16)


def made(kind: str, spec: DataSpec = EACH_STEP, **options: Any) -> nn.Module:
    torch.manual_seed(0)
    return create_model(kind, spec=spec, hidden=8, **options).eval()


def codes(*shape: int) -> Tensor:
    return torch.randint(5, shape, generator=torch.Generator().manual_seed(1))


@EVERY
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_output_is_of_each_directions_last_state(kind: str, bidirectional: bool) -> None:
    model = create_model(kind, hidden=8, layers=2, bidirectional=bidirectional).eval()
    x = torch.randn(3, 24, 7)
    steps, _ = model.get_submodule("recurrence")(x)
    ends = torch.cat([steps[:, -1, :8], steps[:, 0, 8:]], dim=1)  # the one that reads backwards ends at the beginning
    torch.testing.assert_close(model(x), model.get_submodule("output")(ends))


@EVERY
def test_at_every_step_it_says_what_it_would_say_if_that_were_the_last(kind: str) -> None:
    torch.manual_seed(0)
    each, last = made(kind, layers=2), made(kind, replace(EACH_STEP, steps=None), layers=2)
    x = codes(3, 16)
    outputs = each(x)
    assert outputs.shape == (3, 16, 5)
    for step in range(16):
        torch.testing.assert_close(outputs[:, step], last(x[:, : step + 1]))


@EVERY
def test_a_state_carried_on_is_one_long_pass(kind: str) -> None:
    model, x = made(kind, layers=2).double(), codes(3, 40)
    whole = model(x, carry=True)
    state, parts = None, []
    for part in x.split([1, 24, 15], dim=1):
        output, state = model(part, state, carry=True)
        parts.append(output)
    torch.testing.assert_close(torch.cat(parts, 1), whole.output, rtol=0, atol=1e-12)
    torch.testing.assert_close(state, whole.state, rtol=0, atol=1e-12)
    torch.testing.assert_close(model(x), whole.output, rtol=0, atol=0)
    torch.testing.assert_close(model(x[:, 25:], model(x[:, :25], carry=True).state), parts[-1], rtol=0, atol=1e-12)


@EVERY
def test_it_learns_a_few_sequences_by_heart(kind: str) -> None:
    torch.manual_seed(0)
    model = create_model(kind, spec=replace(EACH_STEP, inputs=((8,),), steps=8), hidden=24)
    x, y = codes(4, 8), codes(4, 9)[:, 1:]
    x[:, 0] = torch.arange(4)  # by which they can be told apart
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(200):
        loss = cross_entropy(model(x).flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    assert (model(x).argmax(-1) == y).all()


def test_reads_text() -> None:
    model = create_model("lstm", spec=TEXT, embedding=6, hidden=8)
    assert model(codes(4, 16)).shape == (4, 65)
    # 5 * 6 + 4 * 8(6 + 8 + 2) + 65(8 + 1)
    assert sum(each.numel() for each in model.parameters()) == 30 + 512 + 585


def test_dropout_is_variational_and_of_weights() -> None:
    recurrence = create_model("gru", dropout=0.1, weight_drop=0.3).get_submodule("recurrence")
    assert isinstance(recurrence, Recurrent)
    assert recurrence.variational == (0.1, 0.1, 0.1)
    assert recurrence.weight_drop == 0.3


@EVERY
def test_every_option_together_learns(kind: str) -> None:
    torch.manual_seed(0)
    model = create_model(kind, hidden=8, layers=2, bidirectional=True, dropout=0.2, weight_drop=0.2)
    x = torch.randn(4, 24, 7)
    assert not torch.equal(model(x), model(x))
    model(x).sum().backward()
    assert all(each.grad is not None and each.grad.any() for each in model.parameters())
    assert torch.equal(model.eval()(x), model(x))


@pytest.mark.parametrize("kind", ["lstm", "gru", "peephole_lstm", "layer_norm_lstm"])
def test_gates_may_begin_with_memory(kind: str) -> None:
    """What a unit keeps of its state at a step, of no input and no state, is u / (1 + u)."""
    torch.manual_seed(0)
    recurrence = create_model(kind, hidden=1000, memory=50).get_submodule("recurrence")
    gates = recurrence(torch.zeros(1, 1, 7), return_gates=True)[2]["l0"]
    kept = gates["update" if kind == "gru" else "forget"].double()
    u = (kept / (1 - kept)).flatten()
    assert 1 <= u.min() < 1.5
    assert 48 < u.max() <= 49.01
    if kind != "gru":
        torch.testing.assert_close(gates["input"].double(), 1 - kept)
    assert u.mean().item() == pytest.approx(25, abs=2.2)  # 5 deviations of the mean of U(1, 49)


def test_with_a_horizon_it_forecasts_changes() -> None:
    spec = DataSpec(task="regression", inputs=((12, 3),), outputs=8)
    model = made("lstm", spec, horizon=4)
    assert isinstance(model, FromLast)
    x = torch.randn(5, 12, 3)
    torch.testing.assert_close(model(x + 100), model(x) + 100, rtol=0, atol=1e-3)


def test_only_gates_have_memory() -> None:
    for kind in ("rnn", "irnn"):
        with pytest.raises(InputError, match=f"model `{kind}`: `memory` is of gates that have biases, got `{kind}`"):
            create_model(kind, memory=10)


def test_memory_needs_biases_and_steps() -> None:
    with pytest.raises(InputError, match="`memory` is of gates that have biases"):
        begin_with_memory(Recurrent("lstm", 2, 3, biases=0), 10)
    with pytest.raises(InputError, match="`memory` must be 3 steps or more, got 1"):
        begin_with_memory(Recurrent("lstm", 2, 3), 1)


def test_reading_backwards_is_refused_where_the_end_is_not_known_yet() -> None:
    with pytest.raises(InputError, match="model `gru`: `bidirectional` would read at each step the steps after it"):
        made("gru", bidirectional=True)
    both = made("gru", TEXT, bidirectional=True)
    with pytest.raises(InputError, match="reads backwards has no state"):
        both(codes(2, 16), carry=True)


def test_images_are_refused() -> None:
    with pytest.raises(InputError, match="model `lstm`: takes windows of a series"):
        create_model("lstm", input_shape=(1, 8, 8))
