"""Soft attention against its equations, place by place in NumPy."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gradus.analysis.inspect import inspect
from gradus.nn.blocks.alignment import AdditiveAttention, DotAttention

N, S, Q, M, W = 3, 5, 4, 6, 7


def array(x: Tensor) -> NDArray[np.float64]:
    return np.asarray(x.detach())


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


def softmax(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(x) / np.exp(x).sum())


def check(attention: AdditiveAttention | DotAttention, energy: object, memory: Tensor) -> None:
    query = drawn(N, Q)
    context, weights = attention(query, attention.keys(memory), memory)
    for row in range(N):
        energies = [energy(array(query[row]), array(memory[row, place])) for place in range(S)]  # type: ignore[operator]
        expected = softmax(np.array(energies))
        np.testing.assert_allclose(array(weights[row]), expected, atol=1e-12)
        np.testing.assert_allclose(array(context[row]), expected @ array(memory[row]), atol=1e-12)


def test_additive_attention_is_its_equation() -> None:
    torch.manual_seed(0)
    attention = AdditiveAttention(Q, M, W).double()
    a, u, b = (
        array(each) for each in (attention.of_query.weight, attention.of_memory.weight, attention.of_memory.bias)
    )
    v = array(attention.score.weight)[0]
    check(attention, lambda q, m: v @ np.tanh(a @ q + u @ m + b), drawn(N, S, M))


def test_the_dot_products_are_with_a_matrix_or_without() -> None:
    torch.manual_seed(0)
    check(DotAttention(Q, Q), lambda q, m: q @ m, drawn(N, S, Q))
    general = DotAttention(Q, M, matrix=True).double()
    check(general, lambda q, m: q @ array(general.of_memory.weight) @ m, drawn(N, S, M))  # type: ignore[arg-type]


class Once(nn.Module):
    """Keys and one query."""

    def __init__(self, attention: AdditiveAttention | DotAttention) -> None:
        super().__init__()
        self.attention = attention

    def forward(self, query: Tensor, memory: Tensor) -> Tensor:
        context: Tensor = self.attention(query, self.attention.keys(memory), memory)[0]
        return context


@pytest.mark.parametrize(
    ("attention", "macs"),
    [
        (AdditiveAttention(Q, M, W), S * M * W + W * (Q + S) + S * M),
        (DotAttention(Q, M, matrix=True), S * M * Q + S * (Q + M)),
    ],
    ids=["additive", "general"],
)
def test_costs_are_those_it_says(attention: AdditiveAttention | DotAttention, macs: int) -> None:
    assert inspect(Once(attention), torch.empty(1, Q), torch.empty(1, S, M)).macs == macs
