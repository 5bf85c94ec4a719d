"""The one model tracer: every operation of a forward pass, with neither memory nor arithmetic spent on it."""

import copy
import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch._C import DispatchKey
from torch._ops import HigherOrderOperator
from torch.func import functional_call
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode

from gradus.core.errors import InputError
from gradus.core.standins import Fake, Meta, Real, Unseen, Way, has_numbers, lacking
from gradus.core.trees import changed, leaves, mapped, tensors
from gradus.core.untouched import as_written, untouched

_QUESTIONS = frozenset({"aten::sym_size", "aten::is_same_size", "aten::_local_scalar_dense"})
"""Operations that only ask a tensor something."""
_WRAPPERS = (nn.DataParallel, nn.parallel.DistributedDataParallel)
NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor that an operation takes or makes.

    Attributes:
        number: the same for the same tensor object.
        storage: the same for tensors that share memory; -1 of a sparse one, which has not one memory.
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
        inputs: the tensors among them, in order.
        results: the tensors it made.
    """

    target: torch._ops.OpOverload | HigherOrderOperator
    call: int
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    inputs: tuple[Value, ...]
    results: tuple[Value, ...]

    @property
    def name(self) -> str:
        """As in "aten::convolution"."""
        return str(self.target.name()).partition(".")[0]  # type: ignore[no-untyped-call]

    @property
    def is_view(self) -> bool:
        """Whether it only looks at memory in another way."""
        return getattr(self.target, "is_view", False)

    @property
    def is_mutable(self) -> bool:
        """Whether it writes into a tensor that it is given."""
        return bool(getattr(getattr(self.target, "_schema", None), "is_mutable", False))


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
        ran: it really ran, so that it went as it goes with these very numbers.
    """

    operations: list[Operation] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    saved: list[Value] = field(default_factory=list)
    saved_in: list[int] = field(default_factory=list)
    state: set[int] = field(default_factory=set)
    unresolved: str = ""
    ran: bool = False


def trace(
    model: nn.Module,
    inputs: Sequence[Any],
    named: Mapping[str, Any] = NONE,
    *,
    training: bool = False,
    run: bool = False,
) -> Trace:
    """Follow `model(*inputs, **named)` through every operation, in evaluation mode or as in training.

    Weights and inputs are stood in for by tensors without memory, on the devices of the real ones: so operations
    are those that would run there, and nothing is computed. The model comes out as it went in, modes included.

    Args:
        run: where that fails, really run a copy of the weights on a copy of the inputs.

    Raises:
        InputError: the model cannot be called with these inputs; says in which module and with which shapes.
    """
    model = settled(model, inputs, named)

    def followed(way: Way) -> Trace:
        with untouched(model, copied=isinstance(way, Real)):
            return _followed(way, model, inputs, named, training=training)

    try:
        seen = followed(Fake(_home(model, inputs, named)))
    except InputError:
        if not run or not all(map(has_numbers, _given(model, inputs, named))):
            raise
    else:
        if seen.unresolved:
            with suppress(InputError):
                again = followed(Meta())
                seen = seen if again.unresolved else again
        if not (seen.unresolved and run):
            return seen
    return followed(Real())


def unwrapped(model: nn.Module) -> nn.Module:
    """The module within what torch wraps around it: to compile it, or to run it on several devices."""
    while isinstance(model, _WRAPPERS) or "_orig_mod" in model._modules:
        model = model.get_submodule("module" if isinstance(model, _WRAPPERS) else "_orig_mod")
    return model


def settled(model: nn.Module, inputs: Sequence[Any], named: Mapping[str, Any] = NONE) -> nn.Module:
    """The module within what torch wraps around it; of one with lazy parameters, a copy of the sizes it would get.

    The copy is on the meta device.

    Raises:
        InputError: the model is scripted, or these inputs leave lazy parameters without sizes.
    """
    model = unwrapped(model)
    for name, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            raise InputError(name or "model", "must not be scripted", repair="Give what it was scripted from.")
    if not any(map(is_lazy, _state(model).values())):
        return model
    model = copy.deepcopy(model, {id(each): _on_meta(each) for each in _state(model).values()})
    _followed(Meta(), model, inputs, named)
    for name, each in _state(model).items():
        if is_lazy(each):
            raise InputError(name, "is lazy, and these inputs give it no size", repair="Call the model once before.")
    return model


def _followed(
    way: Way, model: nn.Module, inputs: Sequence[Any], named: Mapping[str, Any], *, training: bool = False
) -> Trace:
    recorder = _Recorder(way)
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))  # in which nothing would be kept
        stack.enter_context(torch.set_grad_enabled(training))
        if training:
            stack.enter_context(recorder.saving())
        stack.enter_context(as_written())
        stack.enter_context(recorder.following(model))
        try:
            state = {name: way.stand_in(each) for name, each in _state(model).items() if not is_lazy(each)}
            arguments, keywords = mapped(way.stand_in, (tuple(inputs), dict(named)))
            recorder.know(state)
            model.train(training)
            stack.enter_context(way.mode())
            stack.enter_context(recorder)
            functional_call(model, state, arguments, keywords)
        except InputError:
            raise
        except Exception as error:
            lack = lacking(error)
            if not lack:
                raise recorder.complaint(model, error) from error
            recorder.trace.unresolved = f"{recorder.place or 'the model'}: {lack}"
    return recorder.trace


def _state(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers under each of their names: `functional_call` puts each stand-in where its name leads."""
    return dict(chain(model.named_parameters(remove_duplicate=False), model.named_buffers(remove_duplicate=False)))


def _home(model: nn.Module, *inputs: Any) -> torch.device:
    """Where a model and its inputs are, as far as they are anywhere."""
    devices = (each.device for each in _given(model, *inputs))
    return next((each for each in devices if each.type != "meta"), torch.device("cpu"))


def _given(model: nn.Module, *inputs: Any) -> list[Tensor]:
    return [*_state(model).values(), *tensors(inputs)]


def _on_meta(tensor: Tensor) -> Tensor:
    if is_lazy(tensor):
        kind: Any = type(tensor)
        return kind(tensor.requires_grad, "meta", tensor.dtype)  # type: ignore[no-any-return]
    return Meta().stand_in(tensor)


class _Recorder(TorchDispatchMode):
    """Writes down each operation. No number is given twice: a weak reference of torch's own keeps an address in use."""

    supports_higher_order_operators = True

    def __init__(self, way: Way) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.trace = Trace(ran=isinstance(way, Real))
        self.running: list[int] = []
        self._way = way
        self._names: dict[int, str] = {}
        self._numbers: dict[int, int] = {}
        self._storages: dict[int, int] = {}
        self._references: list[Any] = []

    def know(self, state: Mapping[str, Tensor]) -> None:
        """Take note of parameters and buffers."""
        self._names = {each._cdata: name for name, each in state.items()}
        self.trace.state = {self._value(each).storage for each in state.values()}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is torch.ops.prim.device.default:  # asked more often than all else
            return args[0].device
        kwargs = kwargs or {}
        if isinstance(func, HigherOrderOperator):
            if func.name() != "flex_attention":
                raise Unseen(f"what is done within {func.name()} is not seen")
        elif func._schema.name in _QUESTIONS:
            return self._way.call(func, args, kwargs)
        elif torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), DispatchKey.CompositeImplicitAutograd):
            with self:  # of what has no kernel of its own, which arrives undivided only in inference mode
                return func._op_dk(DispatchKey.CompositeImplicitAutograd, *args, **kwargs)
        result = self._way.call(func, args, kwargs)
        arguments, keywords = changed(self._value_or_leaf, args), changed(self._value_or_leaf, kwargs)
        inputs = tuple(each for each in leaves((arguments, keywords)) if isinstance(each, Value))
        call = self.running[-1] if self.running else -1
        self.trace.operations.append(Operation(func, call, arguments, keywords, inputs, self._values(result)))
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
            self.trace.calls.append(Call(place, type(module).__name__, parent))
            self.trace.calls[-1].inputs = self._values(tensors((args, dict(kwargs))))

        return enter

    def _leaving(self, module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> None:
        call = self.trace.calls[self.running.pop()]
        call.outputs, call.ended = self._values(tensors(result)), len(self.trace.operations)

    @property
    def place(self) -> str:
        """The module that is running; "" of the model itself."""
        return self.trace.calls[self.running[-1]].place if self.running else ""

    def complaint(self, model: nn.Module, error: Exception) -> InputError:
        """Where a forward pass broke, and the shapes that met there."""
        call = self.trace.calls[self.running[-1]] if self.running else None
        place = f"{call.place or type(model).__name__} ({call.type})" if call is not None else type(model).__name__
        shapes = ", ".join(str(each.shape) for each in call.inputs) if call is not None else ""
        said = str(error).strip().split("\n")[0].rstrip(".!").replace("FakeTensor", "Tensor") or type(error).__name__
        met = f" given {shapes}" if shapes else ""
        repair = "Check the shapes and types of the inputs." if isinstance(error, RuntimeError) else ""
        if isinstance(error, TypeError) and call is not None and "forward()" in said:
            wanted = inspect.signature(model.get_submodule(call.place).forward).parameters
            repair = f"It takes {', '.join(wanted) or 'no input'}."
        return InputError(place, f"cannot run{met}: {said}", repair=repair)

    def _value_or_leaf(self, leaf: Any) -> Any:
        return self._value(leaf) if isinstance(leaf, Tensor) else leaf

    def _values(self, tree: Any) -> tuple[Value, ...]:
        return tuple(self._value(each) for each in leaves(tree) if isinstance(each, Tensor))

    def _value(self, tensor: Tensor) -> Value:
        if is_lazy(tensor):
            return Value(-1, (), tensor.dtype, -1, 0)
        if tensor._cdata not in self._numbers:
            self._numbers[tensor._cdata] = len(self._numbers)
            self._references.append(torch._C._WeakTensorRef(tensor))  # type: ignore[attr-defined]
        storage, storage_bytes = self._storage(tensor)
        number, name = self._numbers[tensor._cdata], self._names.get(tensor._cdata, "")
        return Value(number, tuple(tensor.shape), tensor.dtype, storage, storage_bytes, name)

    def _storage(self, tensor: Tensor) -> tuple[int, int]:
        try:
            storage = tensor.untyped_storage()
        except NotImplementedError:
            return -1, 0
        if storage._cdata not in self._storages:
            self._storages[storage._cdata] = len(self._storages)
            self._references.append(StorageWeakRef(storage))
        return self._storages[storage._cdata], storage.nbytes()
