"""What stands in for tensors while a forward pass is followed: three ways, each for where the one before fails."""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
    UnsupportedFakeTensorException,
    UnsupportedOperatorException,
    unset_fake_temporarily,
)
from torch.utils._pytree import tree_leaves, tree_map

from gradus.core.errors import InputError
from gradus.core.trees import changed, leaves
from gradus.core.workspaces import with_workspace

_FEW = 4096
_SAME_TYPE = {
    getattr(torch.ops.aten, name).default
    for name in ("addmm", "addmv", "baddbmm", "bmm", "convolution", "dot", "mm", "mv")
}
"""Operations that refuse tensors of several types, and whose stand-ins do not."""
_OF_STAND_INS = re.compile(
    r"fake impl|Meta (tensors|kernel)|'Meta'|meta (tensors|device)|\.numpy\(\)|FakeTensor\.__|__torch__|swap"
)
"""What torch says of stand-ins where it has no error of its own for it."""


class Way(Protocol):
    """How a forward pass is followed."""

    def mode(self) -> AbstractContextManager[Any]:
        """What must be in force during the pass."""

    def stand_in(self, tensor: Tensor) -> Tensor:
        """What the pass gets for a tensor of the model or of its input: always the same for the same."""

    def call(self, operation: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """The result of an operation on stand-ins, and on tensors that the pass makes or finds on its way."""


class Fake:
    """Shapes and devices, without memory and arithmetic: operations are those that would run on these devices.

    Args:
        home: where tensors on the meta device are taken to be, for such a model has no device yet.
    """

    def __init__(self, home: torch.device) -> None:
        self._home = home
        self._mode = FakeTensorMode(allow_non_fake_inputs=True)

    def mode(self) -> AbstractContextManager[Any]:
        return self._mode

    def stand_in(self, tensor: Tensor) -> Tensor:
        if tensor.device.type != "meta":
            return self._mode.from_tensor(tensor)
        fake = self._mode.fake_tensor_converter.from_meta_and_device(self._mode, tensor, self._home)
        if isinstance(tensor, nn.Parameter):
            fake._is_param = True  # as `from_tensor` does, for isinstance
        return fake

    def call(self, operation: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        given = list(leaves((arguments, keywords)))
        tensors = [each for each in given if isinstance(each, Tensor)]
        if tensors and all(map(_is_known, tensors)) and not operation._schema.is_mutable:
            with unset_fake_temporarily():
                return operation(*arguments, **keywords)
        if operation in _SAME_TYPE and len({each.dtype for each in tensors}) > 1:
            raise RuntimeError(f"{operation} wants one type, not {' and '.join(str(each.dtype) for each in tensors)}")
        if any(self._at_home(each) is not each for each in given):
            arguments, keywords = changed(self._at_home, arguments), changed(self._at_home, keywords)
        result = _OWN_SHAPES.get(operation, operation)(*arguments, **keywords)
        return with_workspace(operation, arguments, result)

    def _at_home(self, leaf: Any) -> Any:
        if isinstance(leaf, torch.device):
            return self._home if leaf.type == "meta" else leaf
        return self.stand_in(leaf) if isinstance(leaf, Tensor) and not isinstance(leaf, FakeTensor) else leaf


class Meta:
    """Shapes only: for what `Fake` knows no shapes of, though there is a kernel for the meta device."""

    def __init__(self) -> None:
        self._copies = _Copies()

    def mode(self) -> AbstractContextManager[Any]:
        return torch.device("meta")

    def stand_in(self, tensor: Tensor) -> Tensor:
        return self._copies.of(tensor, lambda each: each.to("meta"))

    def call(self, operation: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        if operation._schema.is_mutable or any(each.is_meta for each in _tensors(arguments, keywords)):
            arguments, keywords = tree_map(self._on_meta, (arguments, dict(keywords)))
        return operation(*arguments, **keywords)

    def _on_meta(self, leaf: Any) -> Any:
        if isinstance(leaf, torch.device):
            return torch.device("meta")
        return self.stand_in(leaf) if isinstance(leaf, Tensor) and not leaf.is_meta else leaf


class Real:
    """Copies of the very tensors, with their numbers: everything that a pass asks is answered."""

    def __init__(self) -> None:
        self._copies = _Copies()

    def mode(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def stand_in(self, tensor: Tensor) -> Tensor:
        if not has_numbers(tensor):
            repair = "Give example tensors, not shapes, and a model that is not on the meta device."
            raise InputError("run", "needs numbers in the inputs and in the model", repair=repair)
        return self._copies.of(tensor, Tensor.clone)

    def call(self, operation: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        return operation(*arguments, **keywords)


class _Copies:
    """One copy of each tensor, a leaf of its own graph. Keeps the tensors, so that no identity is used again."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Tensor, Tensor]] = {}

    def of(self, tensor: Tensor, copy: Any) -> Tensor:
        if id(tensor) not in self._made:
            made = copy(tensor.detach())
            learned = tensor.requires_grad
            own = nn.Parameter(made, learned) if isinstance(tensor, nn.Parameter) else made.requires_grad_(learned)
            self._made[id(tensor)] = (tensor, own)
        return self._made[id(tensor)][1]


class Unseen(Exception):
    """Operations happen where nobody sees them."""


def lacking(error: Exception) -> str:
    """What a pass asked of its stand-ins that they do not have; "" of any other error."""
    match error:
        case DataDependentOutputException() | DynamicOutputShapeException():
            return f"{error.func} depends on numbers, not on shapes"
        case UnsupportedOperatorException():
            return f"{error.func} does not say what shapes it makes"
        case UnsupportedFakeTensorException():
            return "no shapes can stand in for a tensor of its kind"
    message = str(error).strip().partition("\n")[0]
    return message.rstrip(".") if isinstance(error, Unseen) or _OF_STAND_INS.search(message) else ""


def _grouped_mm(first: Tensor, second: Tensor, offsets: Any = None, bias: Any = None, out_dtype: Any = None) -> Tensor:
    """Matrices in groups, which torch's stand-in allows only in bfloat16 and in sizes that suit a GPU."""
    if first.shape[-1] != second.shape[-2]:
        raise RuntimeError(f"matrices of {tuple(first.shape)} and {tuple(second.shape)} cannot be multiplied")
    groups = first.shape[:1] if first.dim() == second.dim() == 3 else ()
    if first.dim() == second.dim() == 2:
        groups = offsets.shape
    return first.new_empty(*groups, first.shape[-2], second.shape[-1], dtype=out_dtype or first.dtype)


_OWN_SHAPES = {torch.ops.aten._grouped_mm.default: _grouped_mm}


def _tensors(arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> list[Tensor]:
    return [each for each in tree_leaves((arguments, dict(keywords))) if isinstance(each, Tensor)]


def has_numbers(tensor: Tensor) -> bool:
    """Whether it is more than a shape."""
    return not (tensor.is_meta or isinstance(tensor, FakeTensor))


def _is_known(tensor: Tensor) -> bool:
    """Whether these are a few numbers that are there, such as the lengths of packed sequences, or a constant."""
    return type(tensor) is Tensor and tensor.device.type == "cpu" and tensor.numel() <= _FEW
