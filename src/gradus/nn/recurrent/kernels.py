"""Torch's fused recurrent layers, with two biases, one or none, and over sequences of several lengths."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from gradus.nn.recurrent.cell import begin_as_identity
from gradus.nn.recurrent.kinds import Kind
from gradus.nn.recurrent.steps import GRUStep, LSTMStep, RNNStep, Step, Weights


def has_kernel(step: Step) -> bool:
    """Whether torch has a fused layer of these equations."""
    return isinstance(step, RNNStep | LSTMStep) or (isinstance(step, GRUStep) and step.reset == "after")


def fused(kind: Kind, step: Step, *sizes: int, biases: int, **options: Any) -> nn.RNNBase | None:
    """Torch's layer of the same equations; None where it has none.

    Of a layer with one bias torch's second is a buffer of zeros: it is not learned, and the same kernels run.
    """
    if not has_kernel(step):
        return None
    options["bias"] = biases > 0
    made: nn.RNNBase
    match step:
        case RNNStep():
            made = nn.RNN(*sizes, nonlinearity=step.nonlinearity, **options)
        case LSTMStep():
            made = nn.LSTM(*sizes, **options)
        case _:
            made = nn.GRU(*sizes, **options)
    if biases == 1:
        for name in [each for each, _ in made.named_parameters() if each.startswith("bias_hh")]:
            zeros = torch.zeros_like(getattr(made, name))
            delattr(made, name)
            made.register_buffer(name, zeros)
        made._init_flat_weights()
    if kind == "irnn":
        begin_as_identity(made)
    return made


def weights_of(kernel: nn.RNNBase, place: str) -> Weights:
    """Of one layer and direction, `place` as in torch's names: "l0", "l1_reverse"."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: 4 if kernel.bias else 2]
    return Weights(*[getattr(kernel, f"{name}_{place}") for name in names])


def run_packed(
    layer: Callable[[Any, Any], Any], x: Tensor, state: Any, lengths: Tensor, *, batch_first: bool
) -> tuple[Tensor, Any]:
    """A fused layer over sequences that end at `lengths`; outputs beyond are 0."""
    steps = x.shape[1 if batch_first else 0]
    packed = pack_padded_sequence(x, lengths.cpu(), batch_first, enforce_sorted=False)
    y, last = layer(packed, state)
    padded, _ = pad_packed_sequence(y, batch_first, total_length=steps)
    return padded, last
