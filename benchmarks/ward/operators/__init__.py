"""Mistakes as people make them, put into any program that they fit."""

from benchmarks.ward.operators import (  # noqa: F401  they enter their operators
    activations,
    batch_norms,
    capacity,
    decoders,
    draws,
    gradients,
    held_out,
    initialization,
    inputs,
    labels,
    mixing,
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
