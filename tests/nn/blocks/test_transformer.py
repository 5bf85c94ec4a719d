"""Attention is the formula written out; an encoder layer adds it, and the dense layers, to what it is given."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gradus.nn.blocks.transformer import Positions, SelfAttention, encoder_layer, xavier_uniform


def tokens(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def array(x: Tensor) -> NDArray[np.float64]:
    return x.detach().double().numpy()


def test_attention_is_its_formula_head_by_head() -> None:
    torch.manual_seed(0)
    attention, x = SelfAttention(6, 2), tokens(2, 5, 6)
    weight, bias = array(attention.qkv.weight), array(attention.qkv.bias)
    heads = []
    for head in range(2):
        q, k, v = (
            array(x) @ weight[start : start + 3].T + bias[start : start + 3]
            for start in (3 * head, 6 + 3 * head, 12 + 3 * head)
        )
        logits = np.exp(q @ k.transpose(0, 2, 1) / np.sqrt(3))
        heads.append(logits / logits.sum(-1, keepdims=True) @ v)
    expected = np.concatenate(heads, -1) @ array(attention.output.weight).T + array(attention.output.bias)
    np.testing.assert_allclose(array(attention(x)), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_a_layer_is_that_of_torch(heads: int) -> None:
    torch.manual_seed(0)
    ours = encoder_layer(8, heads, 12).eval()
    theirs = nn.TransformerEncoderLayer(
        8, heads, 12, dropout=0.0, activation="gelu", layer_norm_eps=1e-6, batch_first=True, norm_first=True
    ).eval()
    given = list(theirs.state_dict().values())
    # torch has both norms at the end.
    order = [8, 9, 0, 1, 2, 3, 10, 11, 4, 5, 6, 7]
    ours.load_state_dict({key: given[place] for key, place in zip(ours.state_dict(), order, strict=True)})
    x = tokens(2, 5, 8)
    assert torch.allclose(ours(x), theirs(x), atol=1e-5)


def test_dropout_is_there_where_it_is_asked_for() -> None:
    assert not any(isinstance(each, nn.Dropout) for each in encoder_layer(8, 2, 12).modules())
    rates = [each.p for each in encoder_layer(8, 2, 12, dropout=0.25).modules() if isinstance(each, nn.Dropout)]
    assert rates == [0.25] * 3


def test_queries_keys_and_values_are_drawn_as_a_layer_each() -> None:
    torch.manual_seed(0)
    attention = SelfAttention(60, 3)
    xavier_uniform(attention)
    for weight in (*attention.qkv.weight.chunk(3), attention.output.weight):
        assert 0.99 < weight.abs().max() / (6 / 120) ** 0.5 <= 1
    assert not attention.qkv.bias.any()
    assert not attention.output.bias.any()


def test_what_comes_later_is_nothing_to_a_causal_layer() -> None:
    torch.manual_seed(0)
    layer, x = encoder_layer(8, 2, 12, causal=True), tokens(2, 7, 8)
    changed = x.clone()
    changed[:, 4:] = tokens(2, 3, 8) + 1
    torch.testing.assert_close(layer(changed)[:, :4], layer(x)[:, :4])
    assert not torch.allclose(layer(changed)[:, 4:], layer(x)[:, 4:])


def test_the_weights_of_causal_attention_are_those_it_multiplies_with() -> None:
    torch.manual_seed(0)
    attention, x = SelfAttention(6, 2, causal=True), tokens(3, 5, 6)
    weights = attention.weights(x)
    assert torch.equal(weights, weights.tril())
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 2, 5))
    values = attention.qkv(x)[..., 12:].unflatten(-1, (2, 3)).transpose(1, 2)
    torch.testing.assert_close(attention(x), attention.output((weights @ values).transpose(1, 2).flatten(2)))


def test_fewer_tokens_are_the_first_ones() -> None:
    positions, x = Positions(5, 4), tokens(2, 3, 4)
    assert torch.equal(positions(x), x + positions.vectors[:, :3])
