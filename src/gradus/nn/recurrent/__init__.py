"""Recurrent layers behind one interface: torch's fused kernels where equations agree, unrolled cells elsewhere."""

from gradus.nn.recurrent.cell import Cell
from gradus.nn.recurrent.kinds import KINDS, Biases, Kind, Nonlinearity, Reset, make_step
from gradus.nn.recurrent.layer import Gates, Recurrent, State
from gradus.nn.recurrent.steps import Step, Weights

__all__ = [
    "KINDS",
    "Biases",
    "Cell",
    "Gates",
    "Kind",
    "Nonlinearity",
    "Recurrent",
    "Reset",
    "State",
    "Step",
    "Weights",
    "make_step",
]
