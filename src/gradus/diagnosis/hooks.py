"""Hooks of torch: on all modules while models are being found, then on each model, and on layers that are examined.

Torch pickles, copies and compiles hooks along with the modules that have them. Ours come out of a pickle or a copy as
something that does nothing, and stay out of what torch.compile traces.
"""

import contextlib
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as torch_modules
from torch.utils.hooks import RemovableHandle

Enter = Callable[[nn.Module, Any], None]
Leave = Callable[[nn.Module, Any, Any, Any], None]
Layer = Callable[[nn.Module, Any, Any], None]


class Hook:
    """A callback that does not travel."""

    def __init__(self, call: Callable[..., None]) -> None:
        self._call = call

    def __call__(self, *args: Any) -> None:
        # Under vmap, grad and their like tensors hold no numbers of their own.
        if not torch.compiler.is_compiling() and torch._C._functorch.maybe_current_level() is None:
            self._call(*args)

    def __reduce__(self) -> Any:
        return getattr, (contextlib.nullcontext(), "__exit__")  # takes anything, returns None


class Hooks:
    """Sets and removes them."""

    def __init__(self, enter: Enter, leave: Leave) -> None:
        self._enter, self._leave = enter, leave
        self._everywhere: list[RemovableHandle] = []
        self._roots: dict[int, list[RemovableHandle]] = {}
        self._layers: list[RemovableHandle] = []
        self._compiled: list[tuple[weakref.ref[nn.Module], Any, Any]] = []

    @property
    def everywhere(self) -> bool:
        """Whether every module of the process is hooked."""
        return bool(self._everywhere)

    def hook_everywhere(self) -> None:
        """All modules, in place of single models."""
        for handles in self._roots.values():
            remove_all(handles)
        self._roots.clear()
        self._everywhere = [
            torch_modules.register_module_forward_pre_hook(Hook(self._enter)),
            torch_modules.register_module_forward_hook(Hook(self._leave), with_kwargs=True, always_call=True),
        ]

    def hook_root(self, model: nn.Module) -> None:
        """One model; of one that was compiled in place, what is called instead of it."""
        if id(model) in self._roots:
            return
        if model._compiled_call_impl is not None:
            self._roots[id(model)] = []
            self._wrap_compiled(model)
            return
        self._roots[id(model)] = [
            model.register_forward_pre_hook(Hook(self._enter)),
            model.register_forward_hook(Hook(self._leave), with_kwargs=True, always_call=True),
        ]

    def hook_layers(self, model: nn.Module, layer: Layer) -> None:
        """The layers of a model, until `release_layers`."""
        for each in model.modules():
            if next(each.children(), None) is None or isinstance(each, nn.MultiheadAttention):
                self._layers.append(each.register_forward_hook(Hook(layer)))

    def release_layers(self) -> None:
        if self._layers:
            remove_all(self._layers)

    def release_everywhere(self) -> None:
        remove_all(self._everywhere)

    def release(self) -> None:
        """All of them."""
        self.release_everywhere()
        self.release_layers()
        for handles in self._roots.values():
            remove_all(handles)
        self._roots.clear()
        for reference, ours, original in self._compiled:
            model = reference()
            if model is not None and model._compiled_call_impl is ours:
                model._compiled_call_impl = original
        self._compiled.clear()

    def _wrap_compiled(self, model: nn.Module) -> None:
        original: Any = model._compiled_call_impl
        reference = weakref.ref(model)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            module = reference()
            if module is None or torch.compiler.is_compiling():
                return original(*args, **kwargs)
            self._enter(module, args)
            result = None
            try:
                result = original(*args, **kwargs)
            finally:
                self._leave(module, args, kwargs, result)
            return result

        model._compiled_call_impl = wrapped
        self._compiled.append((reference, wrapped, original))


def remove_all(handles: list[RemovableHandle]) -> None:
    """Take hooks off again, without a trace."""
    while handles:
        handle = handles.pop()
        handle.remove()
        # Torch leaves this entry behind, and then takes a global hook to be there still.
        torch_modules._global_forward_hooks_with_kwargs.pop(handle.id, None)
