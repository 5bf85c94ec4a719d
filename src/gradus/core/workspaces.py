"""Memory that kernels keep, or take while they run, and that torch's stand-ins for them leave out."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

_LINE = 16
"""Numbers in a cache line."""
_FEW_CHANNELS = 3


def with_workspace(target: Any, arguments: tuple[Any, ...], result: Any) -> Any:
    """The result of an operation; with its workspace, where it is an LSTM's of oneDNN in training."""
    if target is not torch.ops.aten.mkldnn_rnn_layer.default or not arguments[-1] or result[3].numel():
        return result
    steps, batch, inputs = arguments[0].shape
    size = lstm_workspace(steps, batch, inputs, arguments[2].shape[1]) * int(arguments[0].dtype.itemsize)
    return (*result[:3], result[3].new_empty(size, dtype=torch.uint8))


def scratch(target: Any, arguments: tuple[Any, ...], result: Any) -> int:
    """Bytes that an operation takes while it runs, besides its result, in oneDNN on the CPU.

    Of convolutions copies of what they take and make, reordered into blocks of channels; of an LSTM's backward pass
    gates and weights.
    """
    if target is torch.ops.aten.convolution.default:
        x, weight, _, stride, padding, _, transposed, *_ = arguments
        if not _is_reordered(x, weight, stride, padding):
            return 0
        if transposed or x.dtype is not torch.float32:  # no blocks, but the result is made twice over
            return int(max(_taken(x) + weight.nbytes, 2 * result.nbytes))
        made = _in_blocks(result)
        return int(max(_taken(x) + weight.nbytes + made - result.nbytes, made))
    if target is torch.ops.aten.convolution_backward.default:
        gradient, x, weight, _, stride, padding, _, transposed, *_ = arguments
        if not _is_reordered(x, weight, stride, padding):
            return 0
        read = _taken(gradient) if transposed else _in_blocks(gradient)
        twice = (max(stride) > 1 or x.dtype is not torch.float32) and not transposed and result[0] is not None
        return int(max(read + _taken(x), 2 * x.nbytes - weight.nbytes if twice else 0))
    if target is torch.ops.aten.mkldnn_rnn_layer_backward.default:
        steps, batch, inputs = arguments[0].shape
        width = arguments[2].shape[1]
        numbers = steps * batch * _row(4 * width) + 4 * width * (inputs + width + _LINE)
        return int(numbers * arguments[0].dtype.itemsize)
    return 0


def _is_reordered(x: Tensor, weight: Tensor, stride: Sequence[int], padding: Sequence[int]) -> bool:
    """Whether a convolution is more than a product of matrices, of maps whose channels do not come last."""
    pointwise = all(each == 1 for each in (*weight.shape[2:], *stride)) and not any(padding)
    multiplied = pointwise and x.dtype is torch.float32
    return x.device.type == "cpu" and x.is_contiguous() and not multiplied


def _taken(x: Tensor) -> int:
    """Bytes of the copy of what a convolution reads; of images, with their few channels, there is none."""
    return _in_blocks(x) if x.shape[1] > _FEW_CHANNELS else 0


def _in_blocks(maps: Tensor) -> int:
    """Bytes of a copy whose channels are padded to whole vectors, in single precision."""
    channels, block = maps.shape[1], 16 if torch.backends.cpu.get_cpu_capability() == "AVX512" else 8
    block = block if maps.dtype is torch.float32 else 1
    return maps.nbytes // channels * (-(-channels // block) * block)


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
