"""The activations that options name."""

from typing import Literal

from torch import nn

Activation = Literal["relu", "tanh", "sigmoid"]

ACTIVATIONS: dict[Activation, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
