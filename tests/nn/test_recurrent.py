"""Unrolled recurrent layers against torch's fused ones, and against the equations written out."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.nn.recurrent import LayerNormLSTMCell, Unrolled, layer_norm_lstm

T, N, F, H = 7, 3, 5, 4
PAIRS: list[tuple[type[nn.Module], type[nn.Module]]] = [
    (nn.LSTMCell, nn.LSTM),
    (nn.GRUCell, nn.GRU),
    (nn.RNNCell, nn.RNN),
]


def steps(seed: int = 0) -> Tensor:
    return torch.randn(T, N, F, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def assert_same(first: Any, second: Any) -> None:
    torch.testing.assert_close(first, second, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}, {"batch_first": True}])
@pytest.mark.parametrize(("cell", "fused"), PAIRS)
def test_is_torchs_layer_where_torch_has_one(
    cell: Callable[[int, int], nn.Module], fused: Callable[..., nn.Module], options: dict[str, Any]
) -> None:
    theirs, ours = fused(F, H, **options).double(), Unrolled(cell, F, H, **options).double()
    names = [name.replace("_l0", "_l{}") for name, _ in theirs.named_parameters() if name.endswith("_l0")]
    ends = ("", "_reverse") if options.get("bidirectional") else ("",)
    places = [f"{layer}{end}" for layer in range(options.get("num_layers", 1)) for end in ends]
    with torch.no_grad():
        for place, each in zip(places, ours.cells, strict=True):
            for name in names:
                each.get_parameter(name.removesuffix("_l{}")).copy_(theirs.get_parameter(name.format(place)))
    x = steps().transpose(0, 1) if options.get("batch_first") else steps()
    (y, state), (expected, end) = ours(x), theirs(x)
    assert_same(y, expected)
    assert_same(state, end)
    again = ours(x, state)
    assert_same(again, theirs(x, end))
    torch.autograd.backward([y.square().sum(), expected.square().sum()])
    assert_same(ours.cells[0].get_parameter("weight_hh").grad, theirs.get_parameter("weight_hh_l0").grad)


def test_layer_normalized_lstm_is_the_papers_equations() -> None:
    lstm: Any = layer_norm_lstm(F, H).double()
    cell = lstm.cells[0]
    for each in cell.parameters():
        nn.init.normal_(each)
    state = torch.randn(1, N, H, dtype=torch.float64), torch.randn(1, N, H, dtype=torch.float64)
    y, (h_last, c_last) = lstm(steps(), state)

    def norm(x: Tensor, layer: Any) -> Tensor:
        mean = x.mean(-1, keepdim=True)
        deviation = ((x - mean).square().mean(-1, keepdim=True) + 1e-5).sqrt()
        scaled: Tensor = (x - mean) / deviation * layer.weight + layer.bias
        return scaled

    h, c = state[0][0], state[1][0]
    for t, x in enumerate(steps()):
        total = norm(h @ cell.weight_hh.mT, cell.norm_state) + norm(x @ cell.weight_ih.mT, cell.norm_inputs)
        i, f, g, o = (total + cell.bias_ih).split(H, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(norm(c, cell.norm_memory))
        assert_same(y[t], h)
    assert_same((h_last[0], c_last[0]), (h, c))


def test_layer_normalized_lstm_has_the_counted_parameters() -> None:
    # W 4H(F + H), one bias 4H, and a scale and a shift for 4H, 4H and H
    count = sum(each.numel() for each in LayerNormLSTMCell(F, H).parameters())
    assert count == 4 * H * (F + H) + 4 * H + 2 * (4 * H + 4 * H + H)


def test_state_dropout_leaves_out_the_same_units_at_every_step() -> None:
    """A cell that adds its state to 0: what is dropped once is lost, what is kept grows by 1 / (1 - p) a step."""

    class Remember(nn.Module):
        def __init__(self, inputs: int, hidden: int) -> None:
            super().__init__()

        def forward(self, x: Tensor, h: Tensor) -> Tensor:
            return h

    torch.manual_seed(0)
    layer = Unrolled(Remember, F, 1000, dropout_state=0.5)
    y, _ = layer(torch.zeros(3, 2, F), torch.ones(1, 2, 1000))
    kept = y[0] > 0
    assert 0.4 < kept.float().mean() < 0.6
    assert not torch.equal(kept[0], kept[1])
    for step in range(3):
        assert torch.equal(y[step], torch.where(kept, 2.0 ** (step + 1), 0.0))
    assert torch.equal(layer.eval()(torch.zeros(3, 2, F), torch.ones(1, 2, 1000))[0], torch.ones(3, 2, 1000))


def test_other_shapes_are_refused() -> None:
    for wrong in (torch.zeros(T, F), torch.zeros(T, N, F + 1)):
        with pytest.raises(InputError, match="Unrolled: `x` must have three axes, the last of 5 features"):
            layer_norm_lstm(F, H)(wrong)
    packed: Any = nn.utils.rnn.pack_sequence([torch.zeros(2, F)])
    with pytest.raises(InputError, match="three axes, the last of 5 features, got `PackedSequence`"):
        layer_norm_lstm(F, H)(packed)
    x, state = torch.zeros(T, N, F), torch.zeros(1, N, H)
    for given in (state, (state, state[:, :1]), (state[0], state[0])):
        with pytest.raises(InputError, match=r"`state` must be a pair, both of shape \(1, "):
            layer_norm_lstm(F, H)(x, given)
    with pytest.raises(InputError, match=r"`state` must be of shape \(2, "):
        Unrolled(nn.GRUCell, F, H, 2)(x, state)
    with pytest.raises(InputError, match="`num_layers` must be 1 or more, got 0"):
        layer_norm_lstm(F, H, 0)
