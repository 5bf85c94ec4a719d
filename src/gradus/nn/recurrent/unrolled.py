"""A recurrence step by step in Python, for what torch's fused layers cannot do between two steps."""

import torch
from torch import Tensor

from gradus.nn.recurrent.steps import Parts, Step, Weights

# T steps, N sequences, F features, H units


def unroll(
    step: Step,
    w: Weights,
    x_TNF: Tensor,
    state: Parts,
    *,
    backwards: bool,
    valid_TN1: Tensor | None,
    mask: Tensor | None,
    gates: bool,
) -> tuple[Tensor, Parts, dict[str, Tensor]]:
    """One layer in one direction.

    Args:
        state: before the first step that is taken, each part (N, H).
        backwards: from the last step to the first.
        valid_TN1: whether a step is part of a sequence; at others the state stays and the output is 0.
        mask: (N, H), for what of the state meets the recurrent matrix.
        gates: whether to keep them.
    Returns:
        (T, N, H); the state after the last step that was taken; gates by name, each (T, N, H), in the order of `x`.
    """
    projected = step.project(x_TNF, w).unbind()
    order = range(len(projected))
    outputs: list[Tensor] = []
    seen: list[Parts] = []
    for at in reversed(order) if backwards else order:
        after, activations = step(projected[at], state, w, mask)
        if valid_TN1 is None:
            outputs.append(after[0])
            state = after
        else:
            valid = valid_TN1[at]
            outputs.append(after[0].where(valid, 0.0))
            state = tuple(new.where(valid, old) for new, old in zip(after, state, strict=True))
        if gates:
            seen.append(activations)
    if backwards:
        outputs.reverse()
        seen.reverse()
    named: dict[str, Tensor] = {}
    for name, each in zip(step.gates, zip(*seen, strict=True), strict=True) if seen else ():
        stacked = torch.stack(each)
        named[name] = stacked if valid_TN1 is None else stacked.where(valid_TN1, 0.0)
    return torch.stack(outputs), state, named
