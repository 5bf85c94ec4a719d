"""The multiply-adds of a network that is only to be listed: what `inspect` says of them, in a fraction of its time."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from gradus.analysis.formulas import macs
from gradus.core.graph import Operation, Value
from gradus.core.trees import changed, leaves


def built(build: Callable[[], nn.Module]) -> nn.Module:
    """The network that `build` makes, on the meta device: its first weights are asked for and not drawn."""
    with torch.device("meta"), torch.random.fork_rng(devices=[]), _Spared():
        return build()


def tally(model: nn.Module, inputs: Sequence[Tensor]) -> int:
    """Multiply-adds of a pass in evaluation mode through a network on the meta device, as `total_macs` counts them.

    Nothing but the sum is recorded; for whatever else is to be known there is `inspect`.
    """
    spared = _Spared()
    with torch.no_grad(), spared:
        model.eval()(*inputs)
    return spared.macs


class _Spared(TorchDispatchMode):
    """Adds up multiply-adds; does not have torch work out shapes that are plain, which can take it milliseconds."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.macs = 0
        self._free: set[Any] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else the first operation imports the compiler, which takes a second

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = _plain(func, args) if args and isinstance(args[0], Tensor) and args[0].is_meta else None
        if result is None:
            result = func(*args, **kwargs)
        if func not in self._free:
            self._count(func, args, kwargs, result)
        return result

    def _count(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> None:
        arguments, keywords = changed(_described, args), changed(_described, kwargs)
        given = tuple(each for each in leaves((arguments, keywords)) if isinstance(each, Value))
        made = tuple(_described(each) for each in leaves(result) if isinstance(each, Tensor))
        counted = macs(Operation(func, -1, arguments, keywords, given, made))
        self.macs += counted or 0
        if not counted and any(each.elements for each in (*given, *made)):
            self._free.add(func)


def _described(leaf: Any) -> Any:
    return Value(0, tuple(leaf.shape), leaf.dtype, 0, 0) if isinstance(leaf, Tensor) else leaf


def _normalized(x: Tensor, *others: Any) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(x), x.new_empty(0), x.new_empty(0)


def _product(a: Tensor, b: Tensor) -> Tensor:
    return a.new_empty(*a.shape[:-1], b.shape[-1])


_aten = torch.ops.aten
_SHAPES: dict[Any, Callable[..., Any]] = {
    _aten.native_batch_norm.default: _normalized,
    _aten.mm.default: _product,
    _aten.bmm.default: _product,
    _aten.addmm.default: lambda _, a, b: _product(a, b),
    _aten.hardswish.default: torch.empty_like,
}
"""What operations make in evaluation mode, by shape."""
_FILLS = frozenset({"aten::normal_", "aten::uniform_", "aten::fill_", "aten::zero_"})
_ANSWERS = re.compile(r"aten::(eq|ne|lt|le|gt|ge|is.*|logical_.*|signbit)")
"""Operations that make truth values of numbers."""


def _plain(func: Any, args: tuple[Any, ...]) -> Any:
    """The result of an operation on the meta device whose shape is plain; None of any other."""
    if _writes(func):
        return args[0]
    return _SHAPES[func](*args) if func in _SHAPES else _together(args) if _is_pointwise(func) else None


@cache
def _writes(func: Any) -> bool:
    """Whether it only writes numbers, which are not there, into a tensor that keeps its shape."""
    name = func._schema.name
    return name in _FILLS or (name.endswith("_") and torch.Tag.pointwise in func.tags)


@cache
def _is_pointwise(func: Any) -> bool:
    return torch.Tag.pointwise in func.tags and not _ANSWERS.fullmatch(func._schema.name)


def _together(args: Sequence[Any]) -> Tensor | None:
    """As large as the tensors are together; None where they are not all of the first one's type."""
    tensors = [each for each in args if isinstance(each, Tensor)]
    if any(each.dtype != tensors[0].dtype for each in tensors):
        return None
    shapes = {each.shape for each in tensors}
    return tensors[0].new_empty(shapes.pop() if len(shapes) == 1 else torch.broadcast_shapes(*shapes))
