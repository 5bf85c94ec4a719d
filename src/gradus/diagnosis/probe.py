"""The probe: finds models, losses, steps and evaluations of a running program, and reads signs off them.

It changes nothing: hooks return nothing, random state is put back, no graph is kept beyond its step. Layers are only
hooked while a model runs in a step that is examined.
"""

import contextlib
import functools
import logging
import math
import os
import statistics
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from threading import get_ident
from time import perf_counter
from typing import Any, Concatenate, ParamSpec, cast

import torch
from torch import Tensor, nn
from torch.compiler import is_compiling
from torch.optim import Optimizer

from gradus.diagnosis import causality, measure, nonfinite, shadow, taps
from gradus.diagnosis.cadence import Cadence, glances, next_glance
from gradus.diagnosis.comparison import share_right
from gradus.diagnosis.evaluations import EvaluationWatch, trimmed
from gradus.diagnosis.examination import Window
from gradus.diagnosis.graph import walk
from gradus.diagnosis.guard import GradientGuard
from gradus.diagnosis.history import History, Phase
from gradus.diagnosis.holdings import find_optimizers
from gradus.diagnosis.hooks import Hooks
from gradus.diagnosis.lead import Lead
from gradus.diagnosis.loop import LoopWatch
from gradus.diagnosis.losses import LossReader
from gradus.diagnosis.memory import Memory
from gradus.diagnosis.operations import are_marks
from gradus.diagnosis.optimizers import facts_of, parameters_of, rate_of
from gradus.diagnosis.own import judges_by_ranking
from gradus.diagnosis.places import Places, find_models, is_compiled, original
from gradus.diagnosis.ranks import Ranks
from gradus.diagnosis.rest import Rest, spike_above
from gradus.diagnosis.roots import Roots
from gradus.diagnosis.series import Series
from gradus.diagnosis.signs import NonFinite

_WITHOUT_STEP = 4
"""Backward passes without an optimizer's step, after which each counts as a step of its own."""
_MOST_ERRORS = 3
_MOST_GLANCES = 400
_RISKY = ("Sqrt", "Log", "Rsqrt", "Norm", "LinalgVectorNorm", "Div", "Pow")
"""Operations whose gradient need not be finite where they are, the likeliest first."""

_LOG = logging.getLogger("gradus")

P = ParamSpec("P")


def _ours(method: "Callable[Concatenate[Probe, P], None]") -> "Callable[Concatenate[Probe, P], None]":
    """Time a callback, and keep its errors from the program."""

    @functools.wraps(method)
    def callback(self: "Probe", *args: P.args, **kwargs: P.kwargs) -> None:
        if is_compiling() or self._off or get_ident() != self._thread:
            return
        began = perf_counter()
        try:
            method(self, *args, **kwargs)
        except Exception as error:
            self._fail(error)
        self.spent += perf_counter() - began

    return cast("Callable[Concatenate[Probe, P], None]", callback)


class Probe(taps.Listener):
    """Reads signs off whatever trains in this process.

    Args:
        history: filled as the run goes on.
        consider: called when there is something new in it.
        budget: share of time that examinations may take.
        models: watch these by name; None for every model of the process.
        optimizers: those to heed; None for all that hold a parameter of a watched model.
        parts: the program may run parts of `models` rather than these themselves: look for them from the start.
        wrapper: what a framework calls in place of a model's own methods; not a model itself.

    Attributes:
        spent: seconds in callbacks.
        began: when the first model ran.
        evaluates_other_weights: set while the weights are not those that learn, but, say, their averages.
    """

    def __init__(
        self,
        history: History,
        consider: Callable[[], None],
        *,
        budget: float = 0.01,
        models: dict[str, nn.Module] | None = None,
        optimizers: Sequence[Optimizer] | None = None,
        parts: bool = False,
        wrapper: nn.Module | None = None,
    ) -> None:
        self.history = history
        self.spent, self.began = 0.0, 0.0
        self.evaluates_other_weights = False
        self.places = Places()
        self._consider = consider
        self._everything, self._parts, self._wrapper = models is None, parts, wrapper
        self._given = None if optimizers is None else {id(each) for each in optimizers}
        self._thread, self._pid = get_ident(), os.getpid()
        self._off = True
        self._errors = 0
        self._hooks = Hooks(self._enter, self._leave)
        self._budget, self._cadence = budget, Cadence(budget, history.events)
        self._loop = LoopWatch(history.loop, self.places)
        self._evaluation = EvaluationWatch(self.places)
        self._losses = LossReader()
        self._memory = Memory()
        self._window: Window | None = None
        self._window_began = 0.0
        self._largest_batch, self._independent = 0, dict[str, list[float]]()
        # What models there are, and what ran last.
        self._roots = Roots(self._hooks, self.places, history, everything=self._everything, wrapper=wrapper)
        self._looked_beside: set[int] = set()
        self._compiles = False
        self._passes = 0
        self._last_inputs: list[weakref.ref[Tensor]] = []
        self._last_output: weakref.ref[Tensor] | None = None
        # Who steps, and how often.
        self._lead, self._guard = Lead(), GradientGuard()
        self._phases: dict[int, tuple[Phase, Memory, Cadence]] = {}
        self._manual = False
        self._since_step = 0
        self._rest = Rest()
        self._ranks = Ranks()
        self._scaler = False
        self._scaled: tuple[weakref.ref[Tensor], Tensor] | None = None
        self._step_began, self._step_seconds = 0.0, math.inf
        for name, model in (models or {}).items():
            self._roots.add(model, name)
        self._loop.holdings.know(optimizers or ())

    # ---- on and off -------------------------------------------------------------------------------------------------

    def attach(self) -> None:
        """Look on from now."""
        self._off = False
        taps.listen(self)
        self.resume()
        self._open_window()

    def detach(self) -> None:
        """Look no more; torch and the models are as they were."""
        if os.getpid() != self._pid:
            return
        self._off = True
        taps.leave(self)
        self._hooks.release()
        self._window = None

    @contextlib.contextmanager
    def looking_away(self) -> Iterator[None]:
        """What happens within is not the program's own."""
        off, self._off = self._off, True
        try:
            yield
        finally:
            self._off = off

    def pause(self) -> None:
        """No hook is to be seen for a while."""
        self._hooks.release()

    def resume(self) -> None:
        """Set the hooks again."""
        if self._off:
            return
        if (self._everything or self._parts) and not self._compiles:
            self._hook_everywhere()
        else:
            self._roots.hook()

    def finish(self) -> None:
        """The program is over: what is still open is closed."""
        self._finish()
        self.detach()

    @_ours
    def _finish(self) -> None:
        self._end_rest()
        self._close_evaluation()
        self._read_losses(self._losses.rest())
        if self._window is not None and self._window.has_loss:
            self._close_window()
        self.history.ended = True
        self._consider()

    @property
    def overhead(self) -> float:
        """Share of the time since the first model ran."""
        elapsed = perf_counter() - self.began if self.began else 0.0
        return self.spent / elapsed if elapsed > 0 else 0.0

    def _fail(self, error: Exception) -> None:
        self._errors += 1
        self._window, self._rest.on = None, False
        self._hooks.release_layers()
        if self._errors == 1:
            _LOG.warning("gradus: the doctor stumbled (%s: %s); the run goes on", type(error).__name__, error)
            self.history.events.append(
                {"kind": "error", "step": self.history.earlier + self.history.step, "text": repr(error)[:300]}
            )
            _LOG.debug("the doctor's own error", exc_info=error)
        if self._errors >= _MOST_ERRORS:
            self.detach()

    # ---- models -----------------------------------------------------------------------------------------------------

    @_ours
    def compiled(self, result: Any) -> None:
        """From here on models are hooked one by one: torch.compile traces hooks on all modules, and warns of them."""
        self._compiles = True
        if isinstance(result, nn.Module):
            self._roots.add(result)
        self._roots.hook()

    def _hook_everywhere(self) -> None:
        """Look for models that are not known yet."""
        if self._hooks.everywhere:
            return
        self._wake()
        if self._compiles:
            for optimizer in self._lead.keys:
                for model in find_models(parameters_of(optimizer)[0]):
                    self._roots.add(model)
            self._roots.hook()
            return
        self._roots.hook_everywhere()

    # ---- forward ----------------------------------------------------------------------------------------------------

    def _enter(self, module: nn.Module, args: Any) -> None:
        if self._rest.on and module.training and torch.is_grad_enabled():
            self._passes += 1
        else:
            self._wake()
            self._enter_seen(module)

    def _leave(self, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        if self._rest.on and torch.is_grad_enabled():
            if self._wrapper is not None and "forward" in vars(module):  # Lightning's, whose output is the loss
                return
            self._last_inputs = [weakref.ref(each) for each in args if type(each) is Tensor]
            self._last_output = weakref.ref(result) if type(result) is Tensor else None
        else:
            self._leave_seen(module, args, kwargs, result)

    def _wake(self) -> None:
        """Something happens that is worth looking at, in a step that was not to be looked at."""
        if self._rest.on:
            self._end_rest()
            leader = self._lead.optimizer
            if leader is not None:
                self._loop.woke(leader)

    def _end_rest(self) -> None:
        self._rest.on = False
        number = self._rest.tell(self.history)
        if number:
            self._lead.rested(number)

    @_ours
    def _enter_seen(self, module: nn.Module) -> None:
        if not self._roots.enter(module):
            if self._hooks.everywhere and self._window is not None and self._roots.is_stranger(module):
                name = type(module).__name__
                self._loop.holdings.strangers[name] = self._loop.holdings.strangers.get(name, 0) + 1
            return
        if not self._roots.recognize(module):
            return
        if not self.began:
            self.began = self._step_began = perf_counter()
        if not torch.is_grad_enabled():
            return
        self._close_evaluation()
        if self._window is not None:
            self._window.new_pass()
            if not is_compiled(module):
                self._hooks.hook_layers(module, self._layer)

    def _layer(self, module: nn.Module, args: Any, result: Any) -> None:
        if self._window is None or self._off or get_ident() != self._thread:
            return
        try:
            self._window.layer(module, args, result)
        except Exception as error:
            self._fail(error)

    @_ours
    def _leave_seen(self, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        if not self._roots.leave(module):
            return
        self._hooks.release_layers()
        if result is None or module not in self._roots:
            return
        inputs = measure.tensors_in(args) + measure.tensors_in(kwargs)
        if not torch.is_grad_enabled():
            if self._window is not None:
                self._window.judge(original(module), inputs, result)
            self._evaluate(module, inputs, result)
            return
        output = measure.first_tensor(result)
        self._loop.forward(original(module), len(output) if output is not None and output.dim() > 1 else 0)
        self._passes += 1
        self._last_inputs = [weakref.ref(each) for each in inputs]
        self._last_output = None if output is None else weakref.ref(output)
        if self._window is None:
            return
        if is_compiled(module):
            self._run_beside(module, args, kwargs)
        self._window.model(original(module), inputs, result)
        if id(module) not in self._looked_beside and not self.history.step and not is_compiled(module):
            self._looked_beside.add(id(module))
            with self.looking_away():
                seen = shadow.look_beside(module, args, kwargs)
            loop = self.history.loop
            loop.mixes |= seen == "mixes"
            if seen == "crosses":
                self._window.crossed.add(measure.tensors_in(args)[0].shape[:2])
            loop.always_dropping |= seen == "drops"
            loop.always_normalizing |= seen == "normalizes"
            if output is not None:
                with self.looking_away():
                    self._window.shown += causality.shown(module, args, kwargs, output)

    def _run_beside(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        """A compiled model's original: inside a compiled one nothing can be seen."""
        window = self._window
        assert window is not None
        model = original(module)
        self._hooks.hook_layers(model, self._layer)
        try:
            result = shadow.run_beside(model, args, kwargs)
        finally:
            self._hooks.release_layers()
        output = measure.first_tensor(result)
        if output is not None and output.requires_grad:
            window.run_beside(walk(output.float().sum(), window.nodes()))

    # ---- evaluation -------------------------------------------------------------------------------------------------

    def _evaluate(self, module: nn.Module, inputs: list[Tensor], result: Any) -> None:
        usual = self._evaluation.usual
        if not usual:  # as a teacher's, beside a training pass for which they are made, too
            self._loop.evaluated()
        if not self.history.loop.backwards or self.evaluates_other_weights:
            return  # nothing has been learned yet, or this is not what was
        if not usual:
            taps.tap_evaluation(self, on=True)
        self._evaluation.passed(original(module), inputs, result, self._memory.rows, self._memory.train_inputs)

    @_ours
    def measured(self, name: str, value: Any, output: Any, target: Any, reduction: str) -> None:
        if not (isinstance(value, Tensor) and value.requires_grad):
            self._evaluation.measured(value, target, reduction, output)

    @_ours
    def signed(self, target: Any) -> None:
        if self._window is not None and torch.is_grad_enabled() and isinstance(target, Tensor):
            self._window.unsigned |= are_marks(target.detach())

    @_ours
    def compared(self, result: Any, one: Any, other: Any) -> None:
        self._evaluation.compared(result, one, other)

    @_ours
    def subtracted(self, result: Any, one: Any, other: Any) -> None:
        self._evaluation.subtracted(result, one, other)

    @_ours
    def reported(self, loss: float | None, accuracy: float | None) -> None:
        """What the program's framework made of the evaluation that is open; it counts where nothing was seen."""
        self._evaluation.reported = loss, accuracy

    def _close_evaluation(self) -> None:
        if not self._evaluation.open:
            return
        taps.tap_evaluation(self, on=False)
        known = self.history.last.loss if self.history.last is not None else None
        self.history.evaluations += self._evaluation.close(
            self.history.step,
            self._memory.train_inputs,
            dropping=self.history.loop.always_dropping,
            normalizing=self.history.loop.always_normalizing,
            share=self._memory.share,
            squared=known is not None and math.isclose(known.value, known.error, rel_tol=1e-3),
        )
        self.history.evaluations = trimmed(self.history.evaluations)
        if not self._evaluation.at_every_step:
            self._consider()

    # ---- backward ---------------------------------------------------------------------------------------------------

    @_ours
    def scaled(self, result: Tensor, given: Tensor) -> None:
        if result is given:  # a scaler that is switched off
            return
        self._wake()
        self._scaler = True
        self._scaled = weakref.ref(result), given.detach()

    @_ours
    def saved(self, module: nn.Module) -> None:
        if self.places.module(module) is not None:
            self.history.saved = self.history.step

    @_ours
    def seeded(self, what: str, seed: Any) -> None:
        self._wake()
        self._loop.seeded(what, seed)

    def before_backward(self, tensors: Any) -> None:
        if self._rest.on and type(tensors) is Tensor and tensors.grad_fn is not None:
            self._rest_backward(tensors)
        else:
            self._before_backward(tensors)

    @_ours
    def _rest_backward(self, loss: Tensor) -> None:
        """In a step that is not looked at, only the loss is read."""
        if not self._passes and not self._everything:
            return  # of a model that is not watched
        self._ranks.backward_began()
        self.history.loop.backwards += 1
        if loss.numel() == 1 and not math.isfinite(self._losses.add(loss)) and self.history.non_finite is None:
            self._wake()
            self._note_non_finite(loss)

    @_ours
    def _before_backward(self, tensors: Any) -> None:
        loss = measure.first_tensor(tensors)
        if loss is None:
            return
        if loss.grad_fn is None and not loss.requires_grad:
            self.history.loop.no_graph = True
            self._consider()
            return
        if not self._passes and not self._everything:
            # Of a model that is not watched; or the program runs parts of the watched one by themselves.
            if not self.history.loop.backwards:
                self._hook_everywhere()
            return
        if not self.began:
            self.began = self._step_began = perf_counter()
        self._ranks.backward_began()
        self._since_step += 1
        waits = self._since_step > (1 if self._manual else _WITHOUT_STEP)
        if waits and not self._lead.stepping and not self._loop.in_step:
            self._step_without_optimizer()
            self._since_step = 1
        window = self._window
        self._loop.before_backward(looking=window is not None)
        value = math.nan
        if loss.numel() == 1:
            seen = self._scaled[1] if self._scaled is not None and self._scaled[0]() is loss else loss
            value = self._losses.add(seen)
        self._scaled = None
        if window is not None:
            graph = window.backward(loss, value)
            self._loop.reached(graph.reached)
            if graph.whole:
                self._loop.holdings.reached(graph.reached, graph.aimed)
            self._loop.holdings.called(window.called)
        elif glances(self.history.step):
            self._glance(loss)
        if loss.numel() == 1 and not math.isfinite(value):
            self._note_non_finite(loss)

    def _glance(self, loss: Tensor) -> None:
        right = share_right(loss)
        if right is not None:
            self.history.right = [*self.history.right[-_MOST_GLANCES:], (self.history.step, right)]

    def _note_non_finite(self, loss: Tensor) -> None:
        if self.history.non_finite is not None or not self._losses.immediate:
            return
        inputs = [each for each in (reference() for reference in self._last_inputs) if each is not None]
        output = self._last_output() if self._last_output is not None else None
        self.history.non_finite = nonfinite.locate(self.history.step, loss, walk(loss), inputs, output, self.places)
        self._consider()

    def after_backward(self) -> None:
        if self._window is not None:
            self._after_examined_backward()

    @_ours
    def _after_examined_backward(self) -> None:
        if self._window is not None:
            self._window.after_backward()
            self._loop.after_backward()
            if self._manual:
                self._window.note_by_hand()

    def _step_without_optimizer(self) -> None:
        """Parameters are changed by hand, or not at all."""
        if not self._manual:
            self._manual = True
            if self._everything:
                self._loop.holdings.know(find_optimizers())
        self._read_losses(self._losses.take(0))
        self.history.step += 1
        self._loop.holdings.called(self._window.called if self._window is not None else ())
        self._close_window()
        self._after_lead()

    # ---- step -------------------------------------------------------------------------------------------------------

    def _heeds(self, optimizer: Optimizer) -> bool:
        if self._given is not None and id(optimizer) in self._given:
            return True
        held = parameters_of(optimizer)
        return bool(held) and (self._everything or any(self.places.parameter(each) is not None for each in held[:4]))

    def before_step(self, optimizer: Optimizer) -> None:
        if not self._rests(optimizer):
            self._before_step(optimizer)
        elif self._rest.guarding:
            self._rest_guard(optimizer)

    def after_step(self, optimizer: Optimizer) -> None:
        if self._rests(optimizer):
            self._rest_step(optimizer)
        else:
            self._after_step(optimizer)

    def _rests(self, optimizer: Optimizer) -> bool:
        return self._rest.on and self._lead.optimizer is optimizer

    @_ours
    def _rest_guard(self, optimizer: Optimizer) -> None:
        if not self._guard.finite(optimizer):
            self._wake()
            self._note_gradient()

    @_ours
    def _rest_step(self, optimizer: Optimizer) -> None:
        history, rest = self.history, self._rest
        if not self._losses.immediate:
            self._read_losses(self._losses.take(self._lead.key))
        rate = optimizer.param_groups[0].get("lr", math.nan)
        spiked = rest.step(self._losses.take_now(), rate if type(rate) is float else float(rate))
        if spiked:
            self._cadence.alarm(history.step)
        history.step += 1
        self._passes = 0
        if self._ranks.on:
            self._ranks.step_ended()
        if history.step >= rest.until or history.step >= self._cadence.next:
            self._wake()
            self._time_step()
            self._meet_ranks()
            if history.step >= self._cadence.next:
                self._open_window()

    @_ours
    def _before_step(self, optimizer: Optimizer) -> None:
        if not self._heeds(optimizer):
            return
        self._wake()
        if self._lead.enroll(optimizer) and self._everything:
            self._hook_everywhere()
        window = self._window
        self._loop.before_step(optimizer, self.history.step, looking=window is not None)
        if window is not None:
            window.updates.before_step(optimizer)
        if not self._loop.by_closure(optimizer):
            self._look_at_gradients(optimizer)

    def _look_at_gradients(self, optimizer: Optimizer) -> None:
        looks = glances(self.history.step) or self._guard.affords(self._step_seconds)
        if looks and not self._scaler and not self._guard.finite(optimizer):
            self._note_gradient()

    def _note_gradient(self) -> None:
        """A gradient is not finite."""
        self._cadence.alarm(self.history.step)
        if self.history.non_finite is None and all(math.isfinite(each) for each in self.history.losses.recent):
            last = self.history.last
            seen = self._window.losses if self._window is not None else last.losses if last is not None else ()
            names = {op.name for each in seen for head in each.heads for op in head}
            risky = [each for each in _RISKY if each in names]
            narrow = any(each.narrow for each in seen)
            self.history.non_finite = NonFinite(
                step=self.history.step, where="", source="gradient", operation=(risky or [""])[0], narrow=narrow
            )
            self._consider()

    @_ours
    def _after_step(self, optimizer: Optimizer) -> None:
        key = self._lead.keys.get(optimizer) if self._heeds(optimizer) else None
        if key is None:
            return
        self._loop.after_step(optimizer)
        if self._loop.by_closure(optimizer):  # only now are they those of this step
            self._look_at_gradients(optimizer)
        if self._window is not None:
            self._window.updates.after_step(optimizer)
            self.history.optimizers[key] = facts_of(optimizer)
        if self._manual:
            self._manual = False
            self._lead.begin_after(self.history.step)
        takes_over = self._lead.count(key)
        self._read_losses(self._losses.take(key))
        self.history.rates.append(rate_of(optimizer))
        if takes_over:
            self._change_phase(key)
        if self._lead.leads(optimizer, key, self.history.step):
            self.history.step += 1
            if self._window is not None:
                if self._window.has_loss:
                    self._close_window()
                else:
                    self._give_up_window()
            self._after_lead()

    def _change_phase(self, key: int) -> None:
        """The optimizer that led steps no more: the program trains another model now, or one of before again."""
        history = self.history
        self._phases[self._lead.key] = (history.phase(), self._memory, self._cadence)
        phase, self._memory, self._cadence = self._phases.pop(
            key, (Phase(), Memory(), Cadence(self._budget, history.events))
        )
        history.enter(phase)
        self._lead.take_over(key, history.step)
        self._loop.holdings.begin_again()
        self._window = None

    def _after_lead(self) -> None:
        """A step is over."""
        self._since_step = self._passes = 0
        self._loop.step_ended(self.history.step - 1, by_hand=self._manual)
        self._time_step()
        if self._ranks.on:
            self._ranks.step_ended()
        self._meet_ranks()
        self._roots.settle()
        if self._window is None and self.history.step >= self._cadence.next:
            self._open_window()
        if (
            self._window is None
            and self._lead.stepping == 1
            and not (self._manual or self._scaler or self._hooks.everywhere or self._evaluation.open)
            and not glances(self.history.step)
        ):
            until = min(next_glance(self.history.step), self._cadence.next)
            self._rest.begin(self.history, until, guarding=self._guard.affords(self._step_seconds))

    def _meet_ranks(self) -> None:
        """Where several processes train together, compare them now and then."""
        if glances(self.history.step) and self._ranks.meet(self.history, self._lead.optimizer, self._roots):
            self._consider()

    @_ours
    def exchanged(self) -> None:
        self._ranks.exchanged()

    def _time_step(self) -> None:
        now = perf_counter()
        self._step_seconds, self._step_began = now - self._step_began, now

    def _read_losses(self, values: Sequence[tuple[int, float]]) -> None:
        for key, value in values:
            series = self.history.players.get(key)
            if series is None:
                series = self.history.players[key] = Series()
                if len(self.history.players) == 1:
                    self.history.losses = series
            if not math.isfinite(value) and len(series) and math.isfinite(series.recent[-1]):
                self._cadence.alarm(self.history.step)
                if not self._losses.immediate and self.history.non_finite is None:
                    self.history.non_finite = NonFinite(step=self.history.step, where="", source="loss")
            if value > spike_above(series):
                self._cadence.alarm(self.history.step)
            series.append(value)

    # ---- examinations -----------------------------------------------------------------------------------------------

    def _open_window(self) -> None:
        self._end_rest()
        self._window = Window(self.history.step, self.places, self._memory)
        self._window_began = self.spent

    def _close_window(self) -> None:
        window, self._window = self._window, None
        if window is None:
            return
        history = self.history
        examination = window.finish()
        history.examinations.append(examination)
        history.adversarial = history.adversarial or (examination.players is not None and self._lead.stepping > 1)
        loop = history.loop
        loop.sees_ahead |= window.sees_ahead
        loop.mixes |= window.mixes
        self._note_batches(window)
        if examination.step > 0:
            # A discriminator may be frozen while the generator has its turn.
            loop.drifting = tuple(sorted(window.drifting - self._memory.learning_norms))
        else:
            history.ranking = judges_by_ranking()
        self._note_linearity(window)
        self._loop.holdings.conclude(window.nodes(), window.detached)
        self._consider()
        self._cadence.examined(examination.step, self.spent - self._window_began)

    def _give_up_window(self) -> None:
        """No backward pass went by: the optimizer takes derivatives itself, and there is nothing to examine."""
        self._window = None
        self._cadence.examined(self.history.step - 1, self.spent - self._window_began)

    def _note_batches(self, window: Window) -> None:
        """Numbers that batch norms have for their statistics, in batches of the largest size seen."""
        for place, examples, numbers in window.unnormalized:
            if examples > self._largest_batch:
                self._largest_batch = examples
                self._independent.clear()
            if examples == self._largest_batch:
                self._independent.setdefault(place, []).append(numbers)
        if self._independent:
            # The variance of a statistic goes by 1 / numbers: that is what is averaged.
            means = {place: statistics.harmonic_mean(each) for place, each in self._independent.items()}
            loop = self.history.loop
            loop.tiny_batch_place, loop.tiny_batch = min(means.items(), key=lambda each: each[1])

    def _note_linearity(self, window: Window) -> None:
        whole = [graph for graph in window.graphs if graph.whole]
        if whole and not window.step:
            stacked = max(graph.weighted for graph in whole)
            linear = stacked > 1 and not any(graph.nonlinear for graph in whole)
            for name, facts in self.history.models.items():
                if facts.linear_layers > 1:
                    self.history.models[name] = replace(facts, nonlinear=not linear)
