"""The one model tracer: every operation of a forward pass, with neither memory nor arithmetic spent on it."""

import inspect
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
    unset_fake_temporarily,
)
from torch.func import functional_call
from torch.nn.utils.rnn import PackedSequence
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from gradus.core.errors import InputError

_QUESTIONS = frozenset({"aten::sym_size", "aten::is_same_size", "aten::_local_scalar_dense"})
"""Operations that only ask a tensor something."""
_FEW = 4096
NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor that an operation takes or makes.

    Attributes:
        number: the same for the same tensor object.
        storage: the same for tensors that share memory.
        storage_bytes: of the whole storage, of which a view is a part.
        name: of a parameter or buffer, its name in the model; else "".
    """

    number: int
    shape: tuple[int, ...]
    dtype: torch.dtype
    storage: int
    storage_bytes: int
    name: str = ""

    @property
    def elements(self) -> int:
        return torch.Size(self.shape).numel()

    @property
    def bytes(self) -> int:
        return self.elements * self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of an ATen operation.

    Attributes:
        target: the operation, with its overload.
        call: the innermost module that was running, as an index into `Trace.calls`.
        arguments, keywords: as they were given, with a Value for each tensor.
        results: the tensors it made.
    """

    target: torch._ops.OpOverload
    call: int
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    results: tuple[Value, ...]

    @property
    def name(self) -> str:
        """As in "aten::convolution"."""
        return str(self.target._schema.name)

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The tensors among its arguments, in order."""
        return (*_tensors(self.arguments), *_tensors(self.keywords.values()))


@dataclass(slots=True)
class Call:
    """One call of a module.

    Attributes:
        place: its path in the model; "" of the model itself.
        parent: the index of the call within which it happened; -1 of the model's own.
        ended: how many operations there were when it ended.
    """

    place: str
    type: str
    parent: int
    inputs: tuple[Value, ...] = ()
    outputs: tuple[Value, ...] = ()
    ended: int = 0


@dataclass(slots=True)
class Trace:
    """A forward pass as it went.

    Attributes:
        operations, calls: in the order in which they began. The first call is that of the model.
        saved: of a pass in training mode, what autograd keeps for the backward pass, one Value a storage.
        saved_in: for each of them, the innermost call that was running when it was first kept.
        state: the storages of parameters and buffers.
        unresolved: what the pass asked of its numbers, which are not there, so that it ended early; "" if it did not.
    """

    operations: list[Operation] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    saved: list[Value] = field(default_factory=list)
    saved_in: list[int] = field(default_factory=list)
    state: set[int] = field(default_factory=set)
    unresolved: str = ""


def trace(model: nn.Module, inputs: Sequence[Any], named: Mapping[str, Any] = NONE, *, training: bool = False) -> Trace:
    """Follow `model(*inputs, **named)` through every operation, in evaluation mode or as in training.

    Weights and inputs are stood in for by tensors without memory, on the devices of the real ones: so operations
    are those that would run there, and nothing is computed. The model comes out as it went in, modes included.

    Raises:
        InputError: the model cannot be called with these inputs; says in which module and with which shapes.
    """
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    state: dict[str, Tensor] = {
        name: fake.from_tensor(each) for kind in ("parameters", "buffers") for name, each in each_place(model, kind)
    }
    arguments, keywords = tree_map(lambda leaf: _stood_in(fake, leaf), (tuple(inputs), dict(named)), is_leaf=_is_packed)
    recorder = _Recorder(state)
    with ExitStack() as stack:
        stack.enter_context(in_mode(model, training=training))
        stack.enter_context(torch.set_grad_enabled(training))
        if training:
            stack.enter_context(recorder.saving())
        stack.enter_context(_without_fast_path())
        stack.enter_context(_quietly())
        stack.enter_context(recorder.following(model))
        stack.enter_context(fake)
        stack.enter_context(recorder)
        try:
            functional_call(model, state, arguments, keywords, tie_weights=False)
        except (DataDependentOutputException, DynamicOutputShapeException) as error:
            place = recorder.trace.calls[recorder.running[-1]].place if recorder.running else ""
            recorder.trace.unresolved = f"{place or 'the model'}: {error.func} depends on numbers, not on shapes"
        except (RuntimeError, TypeError, ValueError, IndexError, AssertionError, AttributeError) as error:
            raise recorder.complaint(model, error) from error
    return recorder.trace


def _tensors(arguments: Iterable[Any]) -> Iterator[Any]:
    """The tensors, or the Values that stand for them, among an operation's arguments, which may be lists of them."""
    for each in arguments:
        if isinstance(each, Tensor | Value):
            yield each
        elif isinstance(each, list | tuple):
            yield from _tensors(each)


def _is_packed(part: Any) -> bool:
    return isinstance(part, PackedSequence)


def each_place(model: nn.Module, kind: str) -> Iterator[tuple[str, Tensor]]:
    """Parameters or buffers, under a name for each place where one lies, also of those that lie in two.

    A module that is in a model twice is one place: `functional_call`, given both names, does not put back what it took.
    """
    for path, module in model.named_modules():
        yield from getattr(module, f"named_{kind}")(path, recurse=False, remove_duplicate=False)


def _stood_in(fake: FakeTensorMode, leaf: Any) -> Any:
    if isinstance(leaf, PackedSequence):  # whose lengths are read as numbers, by the recurrent layers themselves
        return leaf._replace(data=fake.from_tensor(leaf.data))
    return fake.from_tensor(leaf) if isinstance(leaf, Tensor) else leaf


@contextmanager
def _quietly() -> Iterator[None]:
    """torch logs an error with its traceback where shapes do not fit; we say it in one line."""
    logger = logging.getLogger("torch._subclasses.fake_tensor")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


@contextmanager
def in_mode(model: nn.Module, *, training: bool) -> Iterator[None]:
    """With a model in evaluation or training mode, and each of its modules as it was afterwards."""
    modes = [(each, each.training) for each in model.modules()]
    model.train(training)
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def _without_fast_path() -> Iterator[None]:
    """Transformer layers in evaluation mode are otherwise one operation, in which nothing can be told apart."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _is_lengths(tensor: Tensor) -> bool:
    """Whether these are a few whole numbers that are there, as the lengths of packed sequences."""
    real = type(tensor) is Tensor and tensor.device.type == "cpu"
    return real and not tensor.dtype.is_floating_point and not tensor.dtype.is_complex and tensor.numel() <= _FEW


class _Recorder(TorchDispatchMode):
    """Writes down each operation. Keeps every tensor it has seen, so that no number is given twice."""

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.trace = Trace()
        self.running: list[int] = []
        self._names = {id(each): name for name, each in state.items()}
        self._numbers: dict[int, int] = {}
        self._storages: dict[int, int] = {}
        self._kept: list[Any] = []
        self.trace.state = {self._value(each).storage for each in state.values()}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is torch.ops.prim.device.default:  # asked more often than all else; stand-ins know it themselves
            return args[0].device
        kwargs = kwargs or NONE
        known = [*_tensors(args), *_tensors(kwargs.values())]
        with unset_fake_temporarily() if known and all(map(_is_lengths, known)) else nullcontext():
            result = func(*args, **kwargs)
        if func._schema.name not in _QUESTIONS:
            arguments = tuple(map(self._noted, args))
            keywords = {name: self._noted(each) for name, each in kwargs.items()}
            call = self.running[-1] if self.running else -1
            self.trace.operations.append(Operation(func, call, arguments, keywords, self._values(result)))
        return result

    def saving(self) -> AbstractContextManager[Any]:
        """Note what autograd keeps, each storage once, be it also a weight or an input."""
        seen: set[int] = set()

        def keep(tensor: Tensor) -> Tensor:
            value = self._value(tensor)
            if value.storage not in seen:
                seen.add(value.storage)
                self.trace.saved.append(value)
                self.trace.saved_in.append(self.running[-1] if self.running else 0)
            return tensor

        return torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)

    @contextmanager
    def following(self, model: nn.Module) -> Iterator[None]:
        """Note which modules run, by hooks that are gone at the end."""
        handles = []
        for place, module in model.named_modules():
            handles.append(module.register_forward_pre_hook(self._entering(place), with_kwargs=True, prepend=True))
            handles.append(module.register_forward_hook(self._leaving, with_kwargs=True))
        try:
            yield
        finally:
            for each in handles:
                each.remove()

    def _entering(self, place: str) -> Any:
        def enter(module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
            parent = self.running[-1] if self.running else -1
            self.running.append(len(self.trace.calls))
            call = Call(place, type(module).__name__, parent, self._values((args, dict(kwargs))))
            self.trace.calls.append(call)

        return enter

    def _leaving(self, module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> None:
        call = self.trace.calls[self.running.pop()]
        call.outputs, call.ended = self._values(result), len(self.trace.operations)

    def complaint(self, model: nn.Module, error: Exception) -> InputError:
        """Where a forward pass broke, and the shapes that met there."""
        call = self.trace.calls[self.running[-1]] if self.running else None
        place = f"{call.place or type(model).__name__} ({call.type})" if call is not None else type(model).__name__
        shapes = ", ".join(str(each.shape) for each in call.inputs) if call is not None else ""
        said = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        met = f" given {shapes}" if shapes else ""
        repair = "Check the shapes of the input." if isinstance(error, RuntimeError) else ""
        if isinstance(error, TypeError) and call is not None and "forward()" in said:
            wanted = inspect.signature(model.get_submodule(call.place).forward).parameters
            repair = f"It takes {', '.join(wanted) or 'no input'}."
        return InputError(place, f"cannot run{met}: {said}", repair=repair)

    def _noted(self, argument: Any) -> Any:
        if isinstance(argument, list | tuple):
            return [self._noted(each) for each in argument]
        return self._value(argument) if isinstance(argument, Tensor) else argument

    def _values(self, tree: Any) -> tuple[Value, ...]:
        return tuple(self._value(each) for each in tree_flatten(tree)[0] if isinstance(each, Tensor))

    def _value(self, tensor: Tensor) -> Value:
        if id(tensor) not in self._numbers:
            self._numbers[id(tensor)] = len(self._numbers)
            self._kept.append(tensor)
        storage = tensor.untyped_storage()
        if storage._cdata not in self._storages:
            self._storages[storage._cdata] = len(self._storages)
            self._kept.append(storage)
        return Value(
            self._numbers[id(tensor)],
            tuple(tensor.shape),
            tensor.dtype,
            self._storages[storage._cdata],
            storage.nbytes(),
            self._names.get(id(tensor), ""),
        )
