"""Memory that kernels keep, or take while they run, and that torch's stand-ins for them leave out."""

from typing import Any

import torch

_LINE = 16
"""Numbers in a cache line."""


def with_workspace(target: Any, arguments: tuple[Any, ...], result: Any) -> Any:
    """The result of an operation; with its workspace, where it is an LSTM's of oneDNN in training."""
    if target is not torch.ops.aten.mkldnn_rnn_layer.default or not arguments[-1] or result[3].numel():
        return result
    steps, batch, inputs = arguments[0].shape
    size = lstm_workspace(steps, batch, inputs, arguments[2].shape[1]) * int(arguments[0].dtype.itemsize)
    return (*result[:3], result[3].new_empty(size, dtype=torch.uint8))


def scratch(target: Any, arguments: tuple[Any, ...]) -> int:
    """Bytes that an operation takes while it runs: an LSTM's backward pass in oneDNN, gates and weights reordered."""
    if target is not torch.ops.aten.mkldnn_rnn_layer_backward.default:
        return 0
    steps, batch, inputs = arguments[0].shape
    width = arguments[2].shape[1]
    numbers = steps * batch * _row(4 * width) + 4 * width * (inputs + width + _LINE)
    return int(numbers * arguments[0].dtype.itemsize)


def lstm_workspace(steps: int, batch: int, inputs: int, width: int) -> int:
    """Numbers that oneDNN keeps of one layer and direction: gates and outputs of each step, states before and after.

    Rows are padded to cache lines, and once more where powers of two would fall onto each other. Source: oneDNN,
    src/cpu/rnn/rnn_utils, checked against the workspaces that torch really allocates.
    """
    gates, states, layer = _row(4 * width), _row(width), _row(max(inputs, width))
    return steps * batch * (gates + width) + (steps + 1) * batch * (6 * layer + states + 3 * width)


def _row(numbers: int) -> int:
    padded = -(-numbers // _LINE) * _LINE
    return padded + _LINE if padded % 256 == 0 else padded
