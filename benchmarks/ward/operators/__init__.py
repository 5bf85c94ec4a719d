"""Mistakes as people make them, put into any program that they fit."""

from benchmarks.ward.operators import (  # noqa: F401  they enter their operators
    activations,
    capacity,
    decoders,
    gradients,
    held_out,
    initialization,
    labels,
    modes,
    numbers,
    order,
    outputs,
    parameters,
    players,
    rates,
    recurrence,
    regularization,
    scales,
    shapes,
    signal,
    softmaxes,
    steps,
)
from benchmarks.ward.operators.table import OPERATORS, Operator, mutant

__all__ = ["OPERATORS", "Operator", "mutant"]
