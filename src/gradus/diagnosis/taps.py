"""Where a process is tapped: a few functions of torch that tell listeners what happens, and do what they always did."""

import random
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed, nn
from torch.nn import functional
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

_LOSSES = (
    "cross_entropy", "nll_loss", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
)  # fmt: skip


_OF_SIGNS = {"soft_margin_loss": 1, "hinge_embedding_loss": 1, "margin_ranking_loss": 2, "cosine_embedding_loss": 2}
"""Losses whose labels are -1 or 1, with the place of these among their arguments."""


class Listener:
    """Told what happens. Methods do not raise: an error of ours never reaches the run."""

    def before_backward(self, tensors: Any) -> None:
        """A backward pass is about to begin from `tensors`."""

    def after_backward(self) -> None:
        """It is over."""

    def before_step(self, optimizer: Any) -> None:
        """An optimizer is about to step."""

    def after_step(self, optimizer: Any) -> None:
        """It has stepped."""

    def scaled(self, result: Tensor, given: Tensor) -> None:
        """Automatic mixed precision made `result` of the loss `given`."""

    def pause(self) -> None:
        """torch.jit is about to compile a model, with the hooks it finds on it."""

    def resume(self) -> None:
        """It is done."""

    def exchanged(self) -> None:
        """The program has summed a tensor over its processes."""

    def compiled(self, result: Any) -> None:
        """torch.compile gave `result`."""

    def seeded(self, what: str, seed: Any) -> None:
        """A generator was set."""

    def saved(self, module: nn.Module) -> None:
        """The state of a module was asked for."""

    def measured(self, name: str, value: Any, output: Any, target: Any, reduction: str) -> None:
        """A loss was computed while `tap_evaluation` was on."""

    def signed(self, target: Any) -> None:
        """A loss whose labels are -1 or 1 was computed."""

    def compared(self, result: Any, one: Any, other: Any) -> None:
        """Two tensors were compared for equality while `tap_evaluation` was on."""

    def subtracted(self, result: Any, one: Any, other: Any) -> None:
        """Two tensors were subtracted while `tap_evaluation` was on."""


_listeners: list[Listener] = []  # one that fails too often leaves while it is told: what is gone through is a copy
_undo: list[Callable[[], None]] = []
_undo_losses: list[Callable[[], None]] = []
_undo_evaluation: list[Callable[[], None]] = []
_evaluating: set[int] = set()


def listen(listener: Listener) -> None:
    """Tell `listener` from now on."""
    _listeners.append(listener)
    if not _undo:
        _tap()


def leave(listener: Listener) -> None:
    """Tell `listener` no more; when nobody listens, torch is as it was."""
    tap_evaluation(listener, on=False)
    if listener in _listeners:
        _listeners.remove(listener)
    if not _listeners:
        _take_back(_undo_losses)
        _take_back(_undo)


def tap_evaluation(listener: Listener, *, on: bool) -> None:
    """Losses and comparisons are only looked at between a pass without gradients and the next one with them."""
    if on:
        _evaluating.add(id(listener))
        if not _undo_evaluation:
            _tap_evaluation()
    else:
        _evaluating.discard(id(listener))
        if not _evaluating:
            _take_back(_undo_evaluation)


def _tap() -> None:
    _tap_losses()
    backward = torch.autograd.backward

    @wraps(backward)
    def tapped_backward(tensors: Any, *args: Any, **kwargs: Any) -> None:
        for each in tuple(_listeners):
            each.before_backward(tensors)
        backward(tensors, *args, **kwargs)
        for each in tuple(_listeners):
            each.after_backward()

    _replace(torch.autograd, "backward", tapped_backward, _undo)

    def before(optimizer: Any, *_: Any) -> None:
        for each in tuple(_listeners):
            each.before_step(optimizer)

    def after(optimizer: Any, *_: Any) -> None:
        for each in tuple(_listeners):
            each.after_step(optimizer)

    _undo.extend((register_optimizer_step_pre_hook(before).remove, register_optimizer_step_post_hook(after).remove))

    scaler = torch.amp.GradScaler
    scale = scaler.scale

    @wraps(scale)
    def tapped_scale(self: Any, outputs: Any) -> Any:
        result = scale(self, outputs)
        if isinstance(result, Tensor):
            for each in tuple(_listeners):
                each.scaled(result, outputs)
        return result

    _replace(scaler, "scale", tapped_scale, _undo)
    compile_ = torch.compile

    @wraps(compile_)
    def tapped_compile(*args: Any, **kwargs: Any) -> Any:
        result = compile_(*args, **kwargs)
        for each in _listeners:
            each.compiled(result)
        return result

    _replace(torch, "compile", tapped_compile, _undo)
    for name in ("script", "trace"):
        _tap_jit(name)
    if distributed.is_available():
        _tap_exchange()
    for owner, name in ((torch, "manual_seed"), (random, "seed"), (np.random, "seed")):
        _tap_seed(owner, name, owner.__name__)
    for owner, name, told in (
        (torch, "set_rng_state", "torch"), (torch.random, "set_rng_state", "torch"), (random, "setstate", "random"),
        (np.random, "set_state", "numpy.random"),
    ):  # fmt: skip
        _tap_seed(owner, name, told)
    _tap_seed(np.random, "default_rng", "numpy.random.default_rng")
    _tap_seed(random.Random, "seed", "random.Random")
    _tap_random_state()
    _tap_state()


def _tap_state() -> None:
    original = nn.Module.state_dict

    @wraps(original)
    def tapped(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        for each in tuple(_listeners):
            each.saved(self)
        return original(self, *args, **kwargs)

    _replace(nn.Module, "state_dict", tapped, _undo)


def _tap_exchange() -> None:
    original = distributed.all_reduce

    @wraps(original)
    def tapped(*args: Any, **kwargs: Any) -> Any:
        for each in tuple(_listeners):
            each.exchanged()
        return original(*args, **kwargs)

    _replace(distributed, "all_reduce", tapped, _undo)


def _tap_jit(name: str) -> None:
    original = getattr(torch.jit, name)

    @wraps(original)
    def tapped(*args: Any, **kwargs: Any) -> Any:
        listeners = list(_listeners)
        for each in listeners:
            each.pause()
        tapped_losses = bool(_undo_losses)  # not within a call for what a function calls
        _take_back(_undo_losses)  # it compiles the functions that a model calls, and no wrapper
        try:
            return original(*args, **kwargs)
        finally:
            if tapped_losses:
                _tap_losses()
            for each in listeners:
                each.resume()

    _replace(torch.jit, name, tapped, _undo)


def _tap_seed(owner: ModuleType | type, name: str, told: str) -> None:
    """What sets a generator to a seed: a function, or a method of generators."""
    original = getattr(owner, name)
    first = int(isinstance(owner, type))

    @wraps(original)
    def tapped(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        seed = args[first] if len(args) > first else next(iter(kwargs.values()), None)
        for each in tuple(_listeners):
            each.seeded(told, seed)
        return result

    _replace(owner, name, tapped, _undo)


def _passing(given: type) -> Any:
    """The kind of a class that is derived from `given`, stands in for it and passes for it."""
    kind: Any = type(given)

    class Passing(kind):  # type: ignore[misc]
        def __instancecheck__(cls, instance: Any) -> bool:
            return isinstance(instance, given) if given in cls.__bases__ else super().__instancecheck__(instance)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, given) if given in cls.__bases__ else super().__subclasscheck__(subclass)

    return Passing


def _tap_random_state() -> None:
    """NumPy's older generators, whose class is not Python's: one below it stands in."""

    class RandomState(np.random.RandomState, metaclass=_passing(np.random.RandomState)):  # type: ignore[metaclass]
        def __init__(self, seed: Any = None) -> None:
            super().__init__(seed)
            for each in tuple(_listeners):
                each.seeded("numpy.random.RandomState", seed)

    _replace(np.random, "RandomState", RandomState, _undo)


def _tap_generator() -> None:
    """torch's generators, told when they are made, and set after; they are torch's own, which is all it compiles."""
    original = torch.Generator

    class Making(_passing(original)):  # type: ignore[misc]
        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            if cls is not Generator:
                return super().__call__(*args, **kwargs)
            made = original(*args, **kwargs)
            for each in tuple(_listeners):
                each.seeded("torch.Generator", made)
            return made

    class Generator(original, metaclass=Making):  # type: ignore[misc,valid-type]
        __module__, __qualname__ = "torch", "Generator"  # what torch asks for where generators are pickled

    _replace(torch, "Generator", Generator, _undo_losses)  # not for what is compiled: annotations are of the original


def _tap_losses() -> None:
    """For as long as anybody listens: of `mse_loss(model(x), y)` the loss is looked up before the pass begins."""
    _tap_generator()
    for name in _LOSSES:
        _tap_loss(name)
    for name, position in _OF_SIGNS.items():
        _tap_labels(name, position)


def _tap_evaluation() -> None:
    for owner, name in ((Tensor, "__eq__"), (Tensor, "eq"), (torch, "eq")):
        _tap_pair(owner, name, lambda listener: listener.compared)
    for owner, name in ((Tensor, "__sub__"), (Tensor, "sub"), (torch, "sub")):
        _tap_pair(owner, name, lambda listener: listener.subtracted)


def _tap_loss(name: str) -> None:
    original = getattr(functional, name)

    @wraps(original)
    def tapped(*args: Any, **kwargs: Any) -> Any:
        value = original(*args, **kwargs)
        if torch.compiler.is_compiling() or not _evaluating:
            return value
        output = args[0] if args else kwargs.get("input")
        target = args[1] if len(args) > 1 else kwargs.get("target")
        if kwargs.get("ignore_index", -1) >= 0:
            output = None  # what does not count, such as padding, would be answered wrongly
        for each in tuple(_listeners):
            each.measured(name, value, output, target, kwargs.get("reduction", "mean"))
        return value

    _replace(functional, name, tapped, _undo_losses)


def _tap_labels(name: str, position: int) -> None:
    original = getattr(functional, name)

    @wraps(original)
    def tapped(*args: Any, **kwargs: Any) -> Any:
        if not torch.compiler.is_compiling():
            for each in tuple(_listeners):
                each.signed(args[position] if len(args) > position else kwargs.get("target"))
        return original(*args, **kwargs)

    _replace(functional, name, tapped, _undo_losses)


def _tap_pair(owner: Any, name: str, told: Callable[[Listener], Callable[[Any, Any, Any], None]]) -> None:
    """An operation on two tensors."""
    original = getattr(owner, name)

    def tapped(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if len(args) == 2 and result is not NotImplemented and not torch.compiler.is_compiling():
            for each in tuple(_listeners):
                told(each)(result, *args)
        return result

    _replace(owner, name, tapped, _undo_evaluation)


def _take_back(undo: list[Callable[[], None]]) -> None:
    while undo:
        undo.pop()()


def _replace(owner: Any, name: str, function: Any, undo: list[Callable[[], None]]) -> None:
    """Set an attribute, and note how to take it back: to what it was, or to what is inherited."""
    own = name in vars(owner)
    original = getattr(owner, name)
    setattr(owner, name, function)

    def restore() -> None:
        if getattr(owner, name) is function:  # else somebody has tapped after us, and keeps ours within
            if own:
                setattr(owner, name, original)
            else:
                delattr(owner, name)

    undo.append(restore)
