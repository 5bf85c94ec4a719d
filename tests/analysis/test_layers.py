"""Recurrent layers, attention and reparametrized weights in all their forms: multiply-adds by formula."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pack_sequence

from gradus.analysis.formulas import macs
from gradus.analysis.inspect import inspect
from gradus.core.graph import trace

# N inputs, H state, P projected state, T steps, B batch; D width, Q queries, K keys
N, H, P, T, B = 6, 8, 4, 5, 3
LENGTHS = [5, 3, 1]
X, X_FIRST = torch.zeros(T, B, N), torch.zeros(B, T, N)
PACKED = pack_padded_sequence(X_FIRST, LENGTHS, batch_first=True)
SHUFFLED = pack_sequence([torch.zeros(2, N), torch.zeros(5, N)], enforce_sorted=False)
GATES = {nn.RNN: 1, nn.GRU: 3, nn.LSTM: 4}
Recurrent = type[nn.RNN] | type[nn.GRU] | type[nn.LSTM]


def of_a_step(kind: Recurrent, layers: int = 1, ways: int = 1, projected: int = 0) -> int:
    """Each gate multiplies the input and the state; a deeper layer's input is the states of both ways."""
    state, gates = projected or H, GATES[kind]
    widths = [N] + [ways * state] * (layers - 1)
    return ways * sum(gates * H * (width + state) + projected * H for width in widths)


def multiply_adds(model: nn.Module, *inputs: Any, **named: Any) -> tuple[int, int]:
    """In evaluation and in training."""
    found, learning = inspect(model, *inputs, **named), trace(model, inputs, named, training=True)
    assert (found.uncounted, found.unresolved, learning.unresolved) == ({}, [], "")
    assert found.parameters == sum(each.numel() for each in model.parameters())
    return found.macs, sum(macs(each) or 0 for each in learning.operations)


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize(
    ("options", "x", "steps", "shape"),
    [
        ({}, X, T * B, {}),
        ({"batch_first": True}, X_FIRST, T * B, {}),
        ({"bias": False}, X, T * B, {}),
        ({}, X[:, 0], T, {}),
        ({"num_layers": 2, "dropout": 0.5}, X, T * B, {"layers": 2}),
        ({"bidirectional": True}, X, T * B, {"ways": 2}),
        ({"num_layers": 3, "bidirectional": True}, X, T * B, {"layers": 3, "ways": 2}),
        ({"num_layers": 2, "batch_first": True}, PACKED, sum(LENGTHS), {"layers": 2}),
        ({"num_layers": 2, "bidirectional": True}, PACKED, sum(LENGTHS), {"layers": 2, "ways": 2}),
        ({}, SHUFFLED, 7, {}),
    ],
)
def test_recurrent_layers(
    kind: Recurrent, options: dict[str, Any], x: Tensor | PackedSequence, steps: int, shape: dict[str, int]
) -> None:
    expected = steps * of_a_step(kind, **shape)
    assert multiply_adds(kind(N, H, **options), x) == (expected, expected)


@pytest.mark.parametrize(
    ("options", "x", "steps", "shape"),
    [
        ({"num_layers": 3, "bidirectional": True}, X, T * B, {"layers": 3, "ways": 2}),
        ({"num_layers": 2, "bias": False, "batch_first": True}, X_FIRST, T * B, {"layers": 2}),
        ({}, PACKED, sum(LENGTHS), {}),
    ],
)
def test_projected_layers(
    options: dict[str, Any], x: Tensor | PackedSequence, steps: int, shape: dict[str, int]
) -> None:
    expected = steps * of_a_step(nn.LSTM, projected=P, **shape)
    assert multiply_adds(nn.LSTM(N, H, proj_size=P, **options), x) == (expected, expected)


@pytest.mark.parametrize(
    ("model", "x", "steps", "kind"),
    [
        (nn.RNN(N, H, nonlinearity="relu"), X, T * B, nn.RNN),
        (nn.LSTM(N, H).half(), X.half(), T * B, nn.LSTM),
        (nn.GRU(N, H).bfloat16(), X.bfloat16(), T * B, nn.GRU),
        (nn.LSTM(N, H, device="meta"), X, T * B, nn.LSTM),
        (nn.RNNCell(N, H), X[0], B, nn.RNN),
        (nn.GRUCell(N, H), X[0], B, nn.GRU),
        (nn.LSTMCell(N, H), X[0], B, nn.LSTM),
    ],
)
def test_other_kinds_and_cells(model: nn.Module, x: Tensor, steps: int, kind: Recurrent) -> None:
    assert multiply_adds(model, x) == (steps * of_a_step(kind),) * 2


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("width_of_keys", [16, 10])
def test_attention_in_evaluation_and_training(need_weights: bool, width_of_keys: int) -> None:
    D, Q, K = 16, 5, 7
    model = nn.MultiheadAttention(D, 4, kdim=width_of_keys, vdim=width_of_keys, batch_first=True)
    query, keys = torch.zeros(2, Q, D), torch.zeros(2, K, width_of_keys)
    expected = 2 * (2 * Q * D * D + 2 * K * width_of_keys * D + 2 * Q * K * D)
    assert multiply_adds(model, query, keys, keys, need_weights=need_weights) == (expected, expected)


def test_attention_with_keys_of_its_own() -> None:
    x = torch.zeros(5, 2, 16)
    expected = 2 * (4 * 5 * 16 * 16 + 2 * 5 * (5 + 2) * 16)
    assert multiply_adds(nn.MultiheadAttention(16, 4, add_bias_kv=True, add_zero_attn=True), x, x, x)[0] == expected


def test_a_whole_transformer_and_a_mask() -> None:
    source, target, mlp = 5, 3, 2 * 16 * 32
    encoder = source * (4 * 16 * 16 + mlp) + 2 * source * source * 16
    crossed = 2 * (target + source) * 16 * 16 + 2 * target * source * 16
    decoder = target * (4 * 16 * 16 + mlp) + 2 * target * target * 16 + crossed
    model, x, y = (
        nn.Transformer(16, 4, 1, 1, 32, batch_first=True),
        torch.zeros(2, source, 16),
        torch.zeros(2, target, 16),
    )
    assert multiply_adds(model, x, y)[0] == 2 * (encoder + decoder)
    layers = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), 2)
    padding = torch.zeros(2, source, dtype=torch.bool)
    assert multiply_adds(layers, x, src_key_padding_mask=padding) == (2 * 2 * encoder,) * 2


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated")
@pytest.mark.parametrize("weight_norm", [parametrizations.weight_norm, nn.utils.weight_norm])
def test_weight_norm_multiplies_no_matrices(weight_norm: Callable[[nn.Module], nn.Module]) -> None:
    assert multiply_adds(weight_norm(nn.Linear(8, 4)), torch.zeros(3, 8)) == (3 * 8 * 4,) * 2
    assert multiply_adds(weight_norm(nn.Conv1d(8, 4, 3)), torch.zeros(3, 8, 5)) == (3 * 3 * 8 * 4 * 3,) * 2


@pytest.mark.parametrize("spectral_norm", [parametrizations.spectral_norm, nn.utils.spectral_norm])
def test_spectral_norm_iterates_in_training(spectral_norm: Callable[[nn.Module], nn.Module]) -> None:
    layer, value, iteration = 3 * 8 * 4, 8 * 4 + 4, 2 * 8 * 4  # u^T W v; then W^T u and W v
    expected = (layer + value, layer + value + iteration)
    assert multiply_adds(spectral_norm(nn.Linear(8, 4)), torch.zeros(3, 8)) == expected
