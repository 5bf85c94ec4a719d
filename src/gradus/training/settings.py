"""What `auto` in a recipe comes to: where data stay, how arithmetic is done, on how many threads.

Every choice follows a measurement (benchmarks/settings.py): what pays on a large step costs on a small one.
"""

from typing import Any

import torch
from torch import nn

from gradus.analysis.formulas import total_macs
from gradus.core.errors import InputError
from gradus.core.graph import trace
from gradus.core.spec import DataSpec
from gradus.data.batching import fits_in_memory
from gradus.data.raw import RawData
from gradus.training.recipe import Training

SMALL_STEP = 100_000_000
"""Multiply-adds of one forward pass; a smaller step spends its time on calls, not on arithmetic."""
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def choose_stream(training: Training, raw: RawData) -> Training:
    """`stream` decided: examples that do not fit in memory are read when they are wanted."""
    if training.stream != "auto":
        return training
    return training.model_copy(update={"stream": not all(fits_in_memory(each) for each in raw.parts())})


def choose_arithmetic(
    training: Training, model: nn.Module, spec: DataSpec, batch_size: int, *, searches: bool = False
) -> Training:
    """`precision`, `memory_format` and `threads` decided, for steps of `batch_size` examples.

    - One thread for a small step: two gain little on it (measured: 0.8 times as fast on the digits MLP, 1.1 on
      LeNet-5), and where others use the machine too they spend most of it waiting for each other.
    - Convolutions of a large step on a CPU run channels last, and in bfloat16 where it multiplies that in hardware;
      not so where the optimizer `searches`, comparing losses that differ by less than bfloat16 can tell, nor where some
      are depthwise, which multiply no matrices (measured: 0.7 to 1.04 times as fast on four mobile networks).
    """
    large = _work(model, spec) * batch_size >= SMALL_STEP
    modules = list(model.modules())
    convolves = any(isinstance(each, _CONVOLUTIONS) for each in modules)
    fast = large and convolves and training.device == "cpu"
    chosen: dict[str, Any] = {}
    if training.threads == "auto":
        chosen["threads"] = torch.get_num_threads() if large else 1
    if training.precision == "auto":
        dense = not any(isinstance(each, _CONVOLUTIONS) and 1 < each.in_channels == each.groups for each in modules)
        chosen["precision"] = "bf16" if fast and dense and multiplies_bf16() and not searches else "float32"
    if training.memory_format == "auto":
        planar = any(isinstance(each, nn.Conv2d) for each in modules)
        chosen["memory_format"] = "channels_last" if fast and planar else "contiguous"
    return training.model_copy(update=chosen)


def multiplies_bf16() -> bool:
    """Whether this CPU has instructions for products of bfloat16 numbers; without them bfloat16 is slower."""
    has = torch.cpu.get_capabilities()
    return bool(has.get("avx512_bf16") or has.get("amx_bf16"))


def describe(training: Training) -> str:
    """The decisions in a line, for people."""
    parts = [
        str(training.device),
        f"{training.threads} thread{'' if training.threads == 1 else 's'}",
        str(training.precision),
        *(["channels last"] if training.memory_format == "channels_last" else []),
        *(["compiled"] if training.compile is True else []),
        "data streamed" if training.stream else "data in memory",
    ]
    return ", ".join(parts)


def _work(model: nn.Module, spec: DataSpec) -> float:
    """Multiply-adds of one example; much, if they depend on numbers."""
    device = next((each.device for each in model.parameters()), "cpu")
    try:
        seen = trace(model, spec.example(device))
    except InputError:
        return SMALL_STEP
    return SMALL_STEP if seen.unresolved else total_macs(seen)
