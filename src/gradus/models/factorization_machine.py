"""Factorization machines: every product of two features has a weight, and the weights have low rank."""

# N examples, F features, C outputs, K factors of a feature (the rank)

import torch
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.inputs import single_input

DEVIATION = 0.01
"""Of the first factors: small enough that F^2 products start as nothing beside the linear part, and not 0, where the
gradient of a product vanishes."""


class FactorizationMachine(nn.Module):
    """Linear terms, and all products of two different features.

    Attributes:
        factors: v, (C, K, F); every output has its own.
    """

    def __init__(self, features: int, outputs: int, rank: int) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear = nn.Linear(features, outputs)
        self.factors = nn.Parameter(DEVIATION * torch.randn(outputs, rank, features))

    def forward(self, x: Tensor) -> Tensor:
        x_NF = self.flatten(x)
        outputs, rank, features = self.factors.shape
        # sum_{i<j} <v_i, v_j> x_i x_j = 1/2 sum_k [(sum_i v_ik x_i)^2 - sum_i v_ik^2 x_i^2], in O(K F)
        sums_NCK = functional.linear(x_NF, self.factors.reshape(-1, features)).unflatten(1, (outputs, rank))
        squares_NC = functional.linear(x_NF.square(), self.factors.square().sum(dim=1))
        output: Tensor = self.linear(x_NF) + 0.5 * (sums_NCK.square().sum(dim=2) - squares_NC)
        return output

    def extra_repr(self) -> str:
        return f"rank={self.factors.shape[1]}"


@models.register(
    source="Rendle (2010), Factorization machines, ICDM, equation 1 and lemma 3.1",
    formula="y = w0 + <w, x> + sum_{i<j} <v_i, v_j> x_i x_j",
    family="factorization_machine",
    year=2010,
    input=(100,),
    outputs=1,
    notes="The paper has one output. Here each output has weights and factors of its own; of classes they are logits.",
)
def factorization_machine(spec: DataSpec, *, rank: PositiveInt = 8) -> nn.Module:
    """Factorization machine: a linear model with a weight of low rank for every product of two features.

    For tables, above all of categories: two values that seldom meet still have a product, since each has factors that
    it learns with all others. Takes any shape; everything in an example is one vector to it.

    Cost: C (1 + F + K F) parameters and C (2 F + K F) multiply-adds for F features, C outputs and rank K; all F^2 / 2
        products cost no more.

    Args:
        rank: factors of each feature.
    """
    single_input("model `factorization_machine`", spec)
    return FactorizationMachine(spec.features, spec.outputs, rank)
