"""Mistakes as people make them, put into any program that they fit."""

from benchmarks.ward.operators import data, loops, losses, nets  # noqa: F401  they enter their operators
from benchmarks.ward.operators.table import OPERATORS, Operator, mutant

__all__ = ["OPERATORS", "Operator", "mutant"]
