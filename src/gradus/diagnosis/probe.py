"""The probe: finds models, losses, steps and evaluations of a running program, and decides when to look closely.

It changes nothing: hooks return nothing, random state is put back, no graph is kept beyond its step. Layers are only
hooked while a model runs in a step that is examined.
"""

import functools
import logging
import math
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Concatenate, ParamSpec, cast

import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_modules
from torch.nn.utils.stateless import _reparametrize_module
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from gradus.diagnosis import measure, nonfinite, shadow, taps
from gradus.diagnosis.comparison import share_right
from gradus.diagnosis.evaluations import EvaluationWatch, trimmed
from gradus.diagnosis.examination import Memory, Window
from gradus.diagnosis.graph import Graph, walk
from gradus.diagnosis.loop import LoopWatch, find_optimizers
from gradus.diagnosis.losses import LossReader
from gradus.diagnosis.optimizers import facts_of
from gradus.diagnosis.places import Places, find_models, is_compiled, original
from gradus.diagnosis.signs import History, NonFinite

FIRST_STEPS = 10
"""Steps examined one after the other at the start."""
SETTLED = 200
"""Until this step examinations come as planned, whatever they cost: most of what goes wrong does so by then."""
GLANCE_EVERY = 8
"""Steps between looks at how many classes are right, which cost little."""
GROWTH = 0.3
"""From then on the next examination comes after this share of the steps so far."""
SENTINEL_EVERY = 8
_LONG_STEP = 0.01
"""Seconds from which on a step can bear a gradient norm every time: it takes some 50 microseconds."""
_WITHOUT_STEP = 4
"""Backward passes without an optimizer's step, after which each counts as a step of its own."""
_ALONE = 8
"""Steps of one optimizer without one of the leading optimizer's, after which it leads."""
_MOST_ERRORS = 3
_MOST_GLANCES = 400
_MOST_ALARMS = 12
_SHADOW_ROWS = 16
_LOG = logging.getLogger("gradus")

P = ParamSpec("P")


def _ours(method: "Callable[Concatenate[Probe, P], None]") -> "Callable[Concatenate[Probe, P], None]":
    """Time a callback, and keep its errors from the program."""

    @functools.wraps(method)
    def callback(self: "Probe", *args: P.args, **kwargs: P.kwargs) -> None:
        if self._off or threading.get_ident() != self._thread or torch.compiler.is_compiling():
            return
        began = time.perf_counter()
        try:
            method(self, *args, **kwargs)
        except Exception as error:
            self._fail(error)
        self.spent += time.perf_counter() - began

    return cast("Callable[Concatenate[Probe, P], None]", callback)


class Probe(taps.Listener):
    """Reads signs off whatever trains in this process.

    Args:
        history: filled as the run goes on.
        consider: called when there is something new in it.
        budget: share of time that examinations may take.
        models: watch these by name; None for every model of the process.
        optimizers: those to heed; None for all that hold a parameter of a watched model.

    Attributes:
        spent: seconds in callbacks.
        began: when the first model ran.
    """

    def __init__(
        self,
        history: History,
        consider: Callable[[], None],
        *,
        budget: float = 0.01,
        models: dict[str, nn.Module] | None = None,
        optimizers: Sequence[Optimizer] | None = None,
    ) -> None:
        self.history = history
        self.spent, self.began = 0.0, 0.0
        self.places = Places()
        self._consider = consider
        self._budget = budget
        self._everything = models is None
        self._given = None if optimizers is None else {id(each) for each in optimizers}
        self._thread = threading.get_ident()
        self._pid = os.getpid()
        self._off = True
        self._errors = 0
        self._loop = LoopWatch(history.loop, self.places)
        self._evaluation = EvaluationWatch(self.places)
        self._memory = Memory()
        self._window: Window | None = None
        self._roots: dict[int, weakref.ref[nn.Module]] = {}
        self._root_hooks: dict[int, list[RemovableHandle]] = {}
        self._global_hooks: list[RemovableHandle] = []
        self._layer_hooks: list[RemovableHandle] = []
        self._looked_beside: set[int] = set()
        self._depth = 0
        self._depth_root: int | None = None
        self._found_at = 0
        self._passes = 0
        self._next = 0
        self._stretch = 1
        self._alarms = 0
        self._examined_at = self._examination_cost = 0.0
        self._losses = LossReader()
        self._keys: weakref.WeakKeyDictionary[Optimizer, int] = weakref.WeakKeyDictionary()
        self._first_parameters: dict[int, weakref.ref[Tensor]] = {}
        self._counts: dict[int, int] = {}
        self._offset = 0
        self._lead, self._alone = 0, 0
        self._manual = self._compiles = False
        self._since_step = 0
        self._scaler = False
        self._scaled: tuple[weakref.ref[Tensor], Tensor] | None = None
        self._last_inputs: list[weakref.ref[Tensor]] = []
        self._last_output: weakref.ref[Tensor] | None = None
        self._step_began = 0.0
        self._step_seconds = math.inf
        for name, model in (models or {}).items():
            self._add_root(model, name)
        self._loop.know(optimizers or ())

    # ---- on and off -------------------------------------------------------------------------------------------------

    def attach(self) -> None:
        """Look on from now."""
        self._off = False
        taps.listen(self)
        if self._everything:
            self._hook_globally()
        else:
            self._hook_roots()
        self._open_window()

    def detach(self) -> None:
        """Look no more; torch and the models are as they were."""
        if os.getpid() != self._pid:
            return
        self._off = True
        taps.leave(self)
        self._unhook(self._global_hooks)
        self._unhook(self._layer_hooks)
        for handles in self._root_hooks.values():
            self._unhook(handles)
        self._root_hooks.clear()
        self._window = None

    def finish(self) -> None:
        """The program is over: what is still open is closed."""
        self._finish()
        self.detach()

    @_ours
    def _finish(self) -> None:
        self._close_evaluation()
        self._read_losses(self._losses.rest())
        if self._window is not None and self._window.has_loss:
            self._close_window()
        self.history.ended = True
        self._consider()

    @property
    def overhead(self) -> float:
        """Share of the time since the first model ran."""
        elapsed = time.perf_counter() - self.began if self.began else 0.0
        return self.spent / elapsed if elapsed > 0 else 0.0

    def _fail(self, error: Exception) -> None:
        self._errors += 1
        self._window = None
        self._unhook(self._layer_hooks)
        if self._errors == 1:
            _LOG.warning("gradus: the doctor stumbled (%s: %s); the run goes on", type(error).__name__, error)
            self.history.events.append(
                {"kind": "error", "step": self.history.earlier + self.history.step, "text": repr(error)[:300]}
            )
            _LOG.debug("the doctor's own error", exc_info=error)
        if self._errors >= _MOST_ERRORS:
            self.detach()

    # ---- models -----------------------------------------------------------------------------------------------------

    def _add_root(self, model: nn.Module, name: str = "") -> None:
        if self.places.module(original(model)) is None:
            label = self.places.add(original(model), name)
            self.history.models[label] = self.places.facts[label]
            self._found_at = self.history.step
        self._roots[id(model)] = weakref.ref(model)

    @_ours
    def compiled(self, result: Any) -> None:
        """From here on models are hooked one by one: torch.compile traces hooks on all modules, and warns of them."""
        self._compiles = True
        if isinstance(result, nn.Module):
            self._add_root(result)
        self._hook_roots()

    def _hook_globally(self) -> None:
        if self._global_hooks:
            return
        if self._compiles:
            for key in self._keys:
                for model in find_models(key.param_groups[0]["params"][0]):
                    self._add_root(model)
            self._hook_roots()
            return
        for handles in self._root_hooks.values():
            self._unhook(handles)
        self._root_hooks.clear()
        self._depth = 0
        self._found_at = self.history.step
        self._global_hooks = [
            torch_modules.register_module_forward_pre_hook(self._enter),
            torch_modules.register_module_forward_hook(self._leave, with_kwargs=True, always_call=True),
        ]

    def _hook_roots(self) -> None:
        self._unhook(self._global_hooks)
        self._depth = 0
        for identity, reference in list(self._roots.items()):
            model = reference()
            if model is None:
                del self._roots[identity]
            elif identity not in self._root_hooks:
                self._root_hooks[identity] = [
                    model.register_forward_pre_hook(self._enter),
                    model.register_forward_hook(self._leave, with_kwargs=True, always_call=True),
                ]

    @staticmethod
    def _unhook(handles: list[RemovableHandle]) -> None:
        while handles:
            handle = handles.pop()
            handle.remove()
            # Torch leaves this entry behind, and then takes a global hook to be there still.
            torch_modules._global_forward_hooks_with_kwargs.pop(handle.id, None)

    def _knows_all(self) -> bool:
        """Whether models can be hooked one by one: none has turned up for a while."""
        return self.history.step - self._found_at >= 3

    # ---- forward ----------------------------------------------------------------------------------------------------

    @_ours
    def _enter(self, module: nn.Module, args: Any) -> None:
        self._depth += 1
        if self._depth > 1:
            if self._global_hooks and self._window is not None:
                self._note_stranger(module)
            return
        self._depth_root = id(module)
        if not self._is_model(module):
            return
        if not self.began:
            self.began = self._step_began = self._examined_at = time.perf_counter()
        if not torch.is_grad_enabled():
            return
        self._close_evaluation()
        if self._window is not None:
            self._window.new_pass()
            if not is_compiled(module):
                self._hook_layers(module)

    def _is_model(self, module: nn.Module) -> bool:
        if id(module) in self._roots and self._roots[id(module)]() is module:
            return True
        known = self.places.module(original(module)) is not None
        if not (known or self._everything) or next(module.parameters(), None) is None:
            return False
        self._add_root(module)
        return True

    def _note_stranger(self, module: nn.Module) -> None:
        """A module that runs inside a model which does not know it, and has parameters of its own."""
        if module._parameters and self.places.module(module) is None and self._depth_root in self._roots:
            name = type(module).__name__
            self._loop.strangers[name] = self._loop.strangers.get(name, 0) + 1

    def _hook_layers(self, model: nn.Module) -> None:
        window = self._window
        assert window is not None

        def layer(module: nn.Module, args: Any, result: Any) -> None:
            if not self._off and threading.get_ident() == self._thread:
                try:
                    window.layer(module, args, result)
                except Exception as error:
                    self._fail(error)

        for each in model.modules():
            if next(each.children(), None) is None or isinstance(each, nn.MultiheadAttention):
                self._layer_hooks.append(each.register_forward_hook(layer))

    @_ours
    def _leave(self, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        self._depth = max(0, self._depth - 1)
        if self._depth:
            return
        self._unhook(self._layer_hooks)
        if result is None or id(module) not in self._roots:
            return
        inputs = measure.tensors_in(args) + measure.tensors_in(kwargs)
        if not torch.is_grad_enabled():
            self._evaluate(module, inputs, result)
            return
        self._loop.forward(original(module))
        self._passes += 1
        self._last_inputs = [weakref.ref(each) for each in inputs]
        output = measure.first_tensor(result)
        self._last_output = None if output is None else weakref.ref(output)
        if self._window is None:
            return
        if is_compiled(module):
            self._run_beside(module, args, kwargs)
        self._window.model(original(module), inputs, result)
        if id(module) not in self._looked_beside and not self.history.step and not is_compiled(module):
            self._looked_beside.add(id(module))
            self._off = True  # it is not the program's own pass
            try:
                mixes, dropping = shadow.look_beside(module, args, kwargs)
            finally:
                self._off = False
            self.history.loop.mixes |= mixes
            self.history.loop.always_dropping |= dropping

    def _run_beside(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        """A compiled model's original, on a few rows of the same batch: inside a compiled one nothing can be seen."""
        window = self._window
        assert window is not None
        model = original(module)
        buffers = {name: each.clone() for name, each in model.named_buffers()}
        batch = shadow.batch_size(args)
        given = shadow.rows_of(args, batch, _SHADOW_ROWS), shadow.rows_of(kwargs, batch, _SHADOW_ROWS)
        state = shadow.random_state(model)
        self._hook_layers(model)
        try:
            with _reparametrize_module(model, buffers):
                result = model._call_impl(*given[0], **given[1])
            output = measure.first_tensor(result)
            if output is not None and output.requires_grad:
                window.run_beside(walk(output.float().sum(), window.nodes()))
        finally:
            self._unhook(self._layer_hooks)
            shadow.put_back(state)

    # ---- evaluation -------------------------------------------------------------------------------------------------

    def _evaluate(self, module: nn.Module, inputs: list[Tensor], result: Any) -> None:
        if not self.history.loop.backwards:
            return  # nothing has been learned yet
        if not self._evaluation.open and not self._evaluation.at_every_step:
            taps.tap_evaluation(self, on=True)
        self._evaluation.passed(original(module), inputs, result, self._memory.rows, self._memory.train_inputs)

    @_ours
    def measured(self, name: str, value: Any, output: Any, target: Any, reduction: str) -> None:
        if not torch.is_grad_enabled():
            self._evaluation.measured(value, target, reduction)

    @_ours
    def compared(self, result: Any, one: Any, other: Any) -> None:
        self._evaluation.compared(result, one, other)

    def _close_evaluation(self) -> None:
        if not self._evaluation.open:
            return
        taps.tap_evaluation(self, on=False)
        self.history.evaluations += self._evaluation.close(
            self.history.step, self._memory.train_inputs, dropping=self.history.loop.always_dropping
        )
        self.history.evaluations = trimmed(self.history.evaluations)
        if not self._evaluation.at_every_step:
            self._consider()

    # ---- backward ---------------------------------------------------------------------------------------------------

    @_ours
    def scaled(self, result: Tensor, given: Tensor) -> None:
        self._scaler = True
        self._scaled = weakref.ref(result), given.detach()

    @_ours
    def seeded(self, what: str, seed: Any) -> None:
        self._loop.seeded(what, seed)

    @_ours
    def before_backward(self, tensors: Any) -> None:
        loss = measure.first_tensor(tensors)
        if loss is None:
            return
        if loss.grad_fn is None and not loss.requires_grad:
            self.history.loop.no_graph = True
            self._consider()
            return
        if self._passes == 0 and not self._everything and not self._global_hooks:
            self._hook_globally()  # the program runs parts of the model by themselves
        if not self.began:
            self.began = self._step_began = self._examined_at = time.perf_counter()
        self._since_step += 1
        if not self._counts and self._since_step > (1 if self._manual else _WITHOUT_STEP):
            self._step_without_optimizer()
            self._since_step = 1
        window = self._window
        self._loop.before_backward(looking=window is not None)
        value = math.nan
        if loss.numel() == 1:
            seen = self._scaled[1] if self._scaled is not None and self._scaled[0]() is loss else loss.detach()
            value = self._losses.add(seen)
        self._scaled = None
        if window is not None:
            graph = window.backward(loss, value)
            if graph.whole:
                self._loop.reached(graph.reached)
            self._loop.called(window.called)
        elif not self.history.step % GLANCE_EVERY:
            self._glance(loss)
        if math.isinf(value) or (math.isnan(value) and loss.numel() == 1 and self._losses.immediate):
            self._note_non_finite(loss)

    def _glance(self, loss: Tensor) -> None:
        right = share_right(loss)
        if right is not None:
            self.history.right = [*self.history.right[-_MOST_GLANCES:], (self.history.step, right)]

    def _note_non_finite(self, loss: Tensor) -> None:
        if self.history.non_finite is not None:
            return
        inputs = [each for each in (reference() for reference in self._last_inputs) if each is not None]
        output = self._last_output() if self._last_output is not None else None
        graph: Graph = walk(loss)
        self.history.non_finite = nonfinite.locate(self.history.step, loss, graph, inputs, output, self.places)
        self._consider()

    @_ours
    def after_backward(self) -> None:
        if self._window is not None:
            self._window.after_backward()
            if self._manual:
                self._window.note_by_hand()

    def _step_without_optimizer(self) -> None:
        """Parameters are changed by hand, or not at all."""
        if not self._manual:
            self._manual = True
            if self._everything:
                self._loop.know(find_optimizers())
        self._read_losses(self._losses.take(0))
        self.history.step += 1
        self._loop.called(self._window.called if self._window is not None else ())
        self._close_window()
        self._after_lead()

    # ---- step -------------------------------------------------------------------------------------------------------

    def _heeds(self, optimizer: Optimizer) -> bool:
        if self._given is not None and id(optimizer) in self._given:
            return True
        if self._everything:
            return True
        return any(self.places.parameter(each) is not None for each in optimizer.param_groups[0]["params"][:4])

    @_ours
    def before_step(self, optimizer: Optimizer) -> None:
        if not self._heeds(optimizer):
            return
        if optimizer not in self._keys:
            self._keys[optimizer] = self._key_of(optimizer)
            if self._everything:
                self._hook_globally()
        window = self._window
        self._loop.before_step(optimizer, self.history.step, looking=window is not None)
        if window is not None:
            window.before_step(optimizer)
        if self.history.step % SENTINEL_EVERY == 0 or self._step_seconds > _LONG_STEP:
            self._guard_gradients(optimizer)

    def _key_of(self, optimizer: Optimizer) -> int:
        """A new number, or that of an optimizer made anew for the same parameters."""
        first = optimizer.param_groups[0]["params"][0]
        for key, reference in self._first_parameters.items():
            if reference() is first:
                return key
        key = len(self._first_parameters)
        self._first_parameters[key] = weakref.ref(first)
        return key

    def _guard_gradients(self, optimizer: Optimizer) -> None:
        gradients = [each.grad for group in optimizer.param_groups for each in group["params"] if each.grad is not None]
        dense = [each for each in gradients if not each.is_sparse]
        if not dense or self._scaler or dense[0].is_cuda:
            return
        norms = torch._foreach_norm(dense)
        total = float(torch.stack([each.float() for each in norms]).norm())
        if not math.isfinite(total):
            self._alarm()
            if self.history.non_finite is None and all(math.isfinite(each) for each in self.history.losses.recent):
                last = self.history.last
                heads = last.loss.heads if last is not None and last.loss is not None else ()
                risky = [op.name for head in heads for op in head if op.name in ("Sqrt", "Log", "Div", "Pow", "Rsqrt")]
                self.history.non_finite = NonFinite(
                    step=self.history.step, where="", source="gradient", operation=(risky or [""])[0]
                )
                self._consider()

    @_ours
    def after_step(self, optimizer: Optimizer) -> None:
        if not self._heeds(optimizer) or optimizer not in self._keys:
            return
        key = self._keys[optimizer]
        self._loop.after_step(optimizer)
        if self._window is not None:
            self._window.after_step(optimizer)
            self.history.optimizers[key] = facts_of(optimizer)
        if self._manual:
            self._manual, self._offset = False, self.history.step
        self._counts[key] = self._counts.get(key, 0) + 1
        self._read_losses(self._losses.take(key))
        self.history.rates.append(float(optimizer.param_groups[0]["lr"]))
        self._alone = self._alone + 1 if key != self._lead else 0
        if self._alone >= _ALONE:
            self._begin_again(key)
        if self._counts[key] + self._offset > self.history.step:
            self._lead, self._alone = key, 0
            self.history.step += 1
            if self._window is not None and self._window.has_loss:
                self._close_window()
            self._after_lead()

    def _begin_again(self, key: int) -> None:
        """The optimizer that led steps no more: the program trains another model now."""
        self._lead, self._alone = key, 0
        self._counts, self._offset = {key: 1}, 0
        self.history.begin_again()
        self._memory = Memory()
        self._window, self._next, self._stretch = None, 0, 1

    def _after_lead(self) -> None:
        """A step is over."""
        self._since_step = self._passes = 0
        self._loop.step_ended(self.history.step - 1, by_hand=self._manual)
        now = time.perf_counter()
        self._step_seconds, self._step_began = now - self._step_began, now
        if self._global_hooks and self._knows_all():
            self._hook_roots()
        if self._window is None and self.history.step >= self._next:
            self._open_window()

    def _read_losses(self, values: Sequence[tuple[int, float]]) -> None:
        for key, value in values:
            series = self.history.players.get(key)
            if series is None:
                series = self.history.players[key] = type(self.history.losses)()
                if len(self.history.players) == 1:
                    self.history.losses = series
            if not math.isfinite(value) and len(series) and math.isfinite(series.recent[-1]):
                self._alarm()
                if not self._losses.immediate and self.history.non_finite is None:
                    self.history.non_finite = NonFinite(step=self.history.step, where="", source="loss")
            series.append(value)
            recent = series.recent
            if len(recent) > 20 and value > 3 * abs(sum(recent) / len(recent)) + 1e-12:
                self._alarm()

    def _alarm(self) -> None:
        """Look at the next step, whenever the next examination was to come."""
        if self._alarms < _MOST_ALARMS:
            self._alarms += 1
            self._next = min(self._next, self.history.step + 1)

    # ---- examinations -----------------------------------------------------------------------------------------------

    def _open_window(self) -> None:
        self._window = Window(self.history.step, self.places, self._memory)
        self._examination_cost = self.spent

    def _close_window(self) -> None:
        window, self._window = self._window, None
        if window is None:
            return
        history = self.history
        examination = window.finish()
        history.examinations.append(examination)
        history.adversarial = history.adversarial or (examination.players is not None and len(self._counts) > 1)
        loop = history.loop
        if window.unnormalized:
            place, count = min(window.unnormalized, key=lambda each: each[1])
            if loop.tiny_batch is None or count > loop.tiny_batch:
                loop.tiny_batch, loop.tiny_batch_place = count, place
        if examination.step > 0:
            loop.drifting = tuple(sorted(window.drifting))
        self._note_linearity(window)
        self._loop.conclude()
        self._consider()
        self._schedule(examination.step)

    def _note_linearity(self, window: Window) -> None:
        whole = [graph for graph in window.graphs if graph.whole]
        if whole and not window.step:
            for name, facts in self.history.models.items():
                if facts.linear_layers > 1:
                    stacked = max(graph.weighted for graph in whole)
                    self._memory.linear[name] = stacked > 1 and not any(graph.nonlinear for graph in whole)
                    self.history.models[name] = replace(facts, nonlinear=not self._memory.linear[name])

    def _schedule(self, step: int) -> None:
        """When to examine next: each step at first, then geometrically, more rarely where it costs too much."""
        now = time.perf_counter()
        cost, between = self.spent - self._examination_cost, now - self._examined_at
        self._examined_at = now
        if step + 1 < FIRST_STEPS:
            self._next = step + 1
            return
        if step > SETTLED and cost > self._budget * between and self._stretch < 4096:
            self._stretch *= 2
            self.history.events.append(
                {
                    "kind": "spacing",
                    "step": step,
                    "stretch": self._stretch,
                    "share": round(cost / max(between, 1e-9), 4),
                }
            )
        self._next = step + max(1, round(GROWTH * step)) * self._stretch
