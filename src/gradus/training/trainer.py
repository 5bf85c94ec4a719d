"""The training loop: forward, backward and step are here and nowhere else."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gradus.core.batch import Batch
from gradus.core.errors import InputError
from gradus.core.faults import reach
from gradus.core.randomness import Stream, derive_seed
from gradus.data.batching import Loader
from gradus.optim.second_order import NonFiniteError
from gradus.training.callbacks import Callback
from gradus.training.interruption import INTERRUPTED
from gradus.training.objective import Objective, Phase
from gradus.training.recipe import Training

READ_LOSSES_EVERY = 100
"""Steps whose losses are left on the device before they are read together, so that a step never waits for one."""

NON_FINITE = "non-finite loss"

_FULL_PRECISION = nullcontext()


class Trainer:
    """Trains an objective.

    Args:
        objective: what to optimize.
        loader: batches of the training split.
        settings: how long and in what pieces.
        seed: of everything random within a step.
        evaluate: measures the networks it is given, by name; called after an epoch.
        callbacks: look on after every step and epoch, in order; they may call `stop`.

    Attributes:
        epoch, step_in_epoch, step: where training is: epochs done, steps done in this one, steps done in all.
        stopped: why training ended before its last epoch, or "".
        diverged_at: the first step whose loss is not finite; 0 while all are.
    """

    def __init__(
        self,
        objective: Objective,
        loader: Loader,
        settings: Training,
        *,
        seed: int = 0,
        device: torch.device = torch.device("cpu"),
        evaluate: Callable[[Mapping[str, nn.Module]], dict[str, float]] | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        self.objective = objective
        self.loader = loader
        self.settings = settings
        self.callbacks = tuple(callbacks)
        self.epoch = self.step_in_epoch = self.step = 0
        self.stopped = ""
        self.diverged_at = 0
        self._seed = seed
        self._earlier, self._resumed = 0.0, time.perf_counter()
        self._device = device
        for phase in objective.phases:
            _check_differentiated(phase, settings)
        self._on_cuda = device.type == "cuda"
        self._evaluate = evaluate
        self._averages = self._make_averages()
        self._alone = len(objective.phases) == 1
        self._unread: list[tuple[str, Tensor, int, int]] = []
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def fit(self) -> None:
        """Train from where it stands to the last epoch, or until a callback stops it."""
        self._resumed = time.perf_counter()
        self._set_training_mode()
        watching = [each for each in self.callbacks if type(each).step_ended is not Callback.step_ended]
        while self.epoch < self.settings.epochs and not self.stopped:
            for batch in self.loader.batches(self.epoch, start=self.step_in_epoch):
                self.train_step(batch)
                for callback in watching:
                    callback.step_ended(self)
                if self.stopped:
                    return
            values = self._finish_epoch()
            for callback in self.callbacks:
                callback.epoch_ended(self, values)

    @property
    def seconds(self) -> float:
        """Spent in `fit`, in earlier attempts too."""
        return self._earlier + time.perf_counter() - self._resumed

    def train_step(self, batch: Batch) -> None:
        """Every phase that is due takes its turn on `batch`."""
        for phase in self.objective.phases:
            if self.step % phase.every == 0:
                self._take_turn(phase, batch)
        for average, module in self._averages:
            average.update_parameters(module)
        self.step += 1
        self.step_in_epoch += 1
        if len(self._unread) >= READ_LOSSES_EVERY:
            self.read_losses()

    def _take_turn(self, phase: Phase, batch: Batch) -> None:
        if phase.closure:
            loss = self._search(phase, batch)
        else:
            loss = self._forward_and_backward(phase, batch)
            reach("step.before-optimizer")
            phase.optimizer.step()
        if phase.scheduler is not None and not isinstance(phase.scheduler, ReduceLROnPlateau):
            phase.scheduler.step()
        self._unread.append((phase.name, loss, len(batch), self.step + 1))

    def _search(self, phase: Phase, batch: Batch) -> Tensor:
        """A step of an optimizer that evaluates the loss itself; returns the loss before it."""
        evaluate = self._forward if phase.differentiates else self._forward_and_backward
        closure: Callable[[], Any] = partial(evaluate, phase, batch)
        try:
            return cast(Tensor, phase.optimizer.step(closure))
        except NonFiniteError:  # the parameters are as they were; like any such loss it ends training when it is read
            return torch.full((), math.nan, device=self._device)

    def _forward(self, phase: Phase, batch: Batch) -> Tensor:
        """The phase's loss or residuals on `batch`, with their graph, for an optimizer that differentiates them."""
        self._seed_turn(phase)
        return self._compute(phase, batch)

    def _forward_and_backward(self, phase: Phase, batch: Batch) -> Tensor:
        """Gradients of the phase's loss on `batch`, clipped; returns the loss."""
        self._seed_turn(phase)
        for parameter in phase.parameters:  # zero_grad, without its profiler marks: they cost more than all else here
            parameter.grad = None
        if self.settings.accumulate == 1:
            loss = self._compute(phase, batch)
            self._backward(phase, loss)
            loss = loss.detach()
        else:
            loss = torch.zeros((), device=self._device)
            for piece in batch.split(self.settings.accumulate):
                part = self._compute(phase, piece) * (len(piece) / len(batch))
                self._backward(phase, part)
                loss += part.detach()
        if self.settings.clip_value is not None:
            clip_grad_value_(phase.parameters, self.settings.clip_value)
        if self.settings.clip_norm is not None:
            clip_grad_norm_(phase.parameters, self.settings.clip_norm)
        return loss

    def compute_gradients(self, phase: Phase, batch: Batch) -> Tensor:
        """Leave the gradients of the phase's loss on `batch`, as a step would use them; returns the loss."""
        return self._forward_and_backward(phase, batch)

    def _compute(self, phase: Phase, batch: Batch) -> Tensor:
        with self._precision():
            loss, signs = self.objective.compute(phase, batch)
        for name, value in signs.items():
            self._unread.append((f"{phase.name}.{name}", value.detach(), len(batch), self.step + 1))
        return loss

    def _backward(self, phase: Phase, loss: Tensor) -> None:
        if self._alone:
            loss.backward()
        else:  # leave the other players' gradients alone
            loss.backward(inputs=phase.parameters)

    def _precision(self) -> AbstractContextManager[Any]:
        if self.settings.precision == "bf16":
            return torch.autocast(self._device.type, dtype=torch.bfloat16)
        return _FULL_PRECISION

    def _seed_turn(self, phase: Phase) -> None:
        """A turn draws the same numbers whatever ran before it, and at each evaluation by a closure optimizer."""
        turn = self.objective.phases.index(phase)
        seed = derive_seed(self._seed, Stream.STEP, self.step, turn)
        torch.default_generator.manual_seed(seed)
        if self._on_cuda:
            torch.cuda.manual_seed(seed)

    def networks(self) -> dict[str, nn.Module]:
        """The networks to judge and keep: their moving averages where there are any."""
        averaged = {id(module): average.module for average, module in self._averages}
        return {name: averaged.get(id(module), module) for name, module in self.objective.modules().items()}

    def stop(self, reason: str) -> None:
        """End training after this step, or this epoch."""
        self.stopped = self.stopped or reason

    def go_on(self) -> None:
        """Take back a `stop`; the next `fit` goes on after the last step."""
        self.stopped = ""

    def read_losses(self) -> None:
        """Bring the losses of the latest steps over from the device; stop where one is not finite."""
        if not self._unread:
            return
        values = torch.stack([value.float() for _, value, _, _ in self._unread]).tolist()
        unread, self._unread = self._unread, []
        for (name, _, count, step), value in zip(unread, values, strict=True):
            if not math.isfinite(value):
                self.diverged_at = self.diverged_at or step
                self.stop(NON_FINITE)
            # One after the other, so that the sum does not depend on how often it is read.
            self._sums[name] = self._sums.get(name, 0.0) + value * count
            self._counts[name] = self._counts.get(name, 0) + count

    def _finish_epoch(self) -> dict[str, float]:
        """What the epoch came to: mean training losses and signs, and the evaluation if one is due."""
        self.read_losses()
        self.epoch += 1
        self.step_in_epoch = 0
        values = {self._label(name): total / self._counts[name] for name, total in self._sums.items()}
        self._sums, self._counts = {}, {}
        reach("epoch.before-evaluation")
        due = self.epoch % self.settings.evaluate_every == 0 or self.epoch == self.settings.epochs
        if self._evaluate is not None and due and not self.stopped:
            values |= self._evaluate(self.networks())
        if due:
            self._tell_plateaus(values)
        return values

    def _tell_plateaus(self, values: dict[str, float]) -> None:
        """Schedules that wait for a plateau go by the validation loss; where there is none, by the training loss."""
        for phase in self.objective.phases:
            if isinstance(phase.scheduler, ReduceLROnPlateau):
                loss = values.get("validation_loss", values.get(self._label(phase.name)))
                if loss is not None:
                    phase.scheduler.step(loss)

    def _label(self, name: str) -> str:
        """The name of a mean: "train_loss", "train_reward" where one plays alone, else "train_x", "train_x.reward"."""
        if not self._alone:
            return f"train_{name}"
        return f"train_{name.removeprefix(self.objective.phases[0].name).removeprefix('.') or 'loss'}"

    def _make_averages(self) -> list[tuple[AveragedModel, nn.Module]]:
        if self.settings.ema is None:
            return []
        rule = get_ema_multi_avg_fn(self.settings.ema)
        modules = [each for each in self.objective.modules().values() if any(True for _ in each.parameters())]
        try:
            return [(AveragedModel(each, multi_avg_fn=rule), each) for each in modules]
        except Exception as error:
            raise InputError("training.ema", f"needs a model that can be copied ({error})") from error

    def _set_training_mode(self) -> None:
        for module in self.objective.modules().values():
            module.train()

    def state_dict(self) -> dict[str, Any]:
        """Everything training depends on from here on."""
        self.read_losses()
        phases = self.objective.phases
        return {
            "progress": {"epoch": self.epoch, "step_in_epoch": self.step_in_epoch, "step": self.step},
            "seconds": self.seconds,
            # An interruption is over once training is resumed; other reasons to stop still hold.
            "stopped": "" if self.stopped == INTERRUPTED else self.stopped,
            "epoch_sums": {"sums": self._sums, "counts": self._counts},
            "modules": {name: dict(each.state_dict()) for name, each in self.objective.modules().items()},
            "averages": [dict(average.state_dict()) for average, _ in self._averages],
            "optimizers": {phase.name: phase.optimizer.state_dict() for phase in phases},
            "schedulers": {phase.name: _scheduler_state(phase) for phase in phases if phase.scheduler is not None},
            "objective": self.objective.state_dict(),
            "callbacks": {callback.name: callback.state_dict() for callback in self.callbacks if callback.name},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Stand where `state_dict` was taken."""
        progress = state["progress"]
        self.epoch, self.step_in_epoch, self.step = progress["epoch"], progress["step_in_epoch"], progress["step"]
        self.stopped = state["stopped"]
        self._earlier = state["seconds"]
        self._sums, self._counts = dict(state["epoch_sums"]["sums"]), dict(state["epoch_sums"]["counts"])
        for name, module in self.objective.modules().items():
            module.load_state_dict(state["modules"][name])
        for (average, _), saved in zip(self._averages, state["averages"], strict=True):
            average.load_state_dict(saved)
        for phase in self.objective.phases:
            phase.optimizer.load_state_dict(state["optimizers"][phase.name])
            _lay_out_as_parameters(phase.optimizer)
            if phase.scheduler is not None:
                phase.scheduler.load_state_dict(state["schedulers"][phase.name])
        self.objective.load_state_dict(state["objective"])
        for callback in self.callbacks:
            if callback.name:
                callback.load_state_dict(state["callbacks"][callback.name])


def _lay_out_as_parameters(optimizer: Optimizer) -> None:
    """Loaded moments are laid out row by row; fused kernels walk them beside a parameter that may not be."""
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape and value.stride() != parameter.stride():
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _check_differentiated(phase: Phase, settings: Training) -> None:
    """What stands between forward and backward, or changes either, is out of reach of who differentiates twice."""
    if not phase.differentiates:
        return
    wrong = {
        "accumulate": settings.accumulate > 1,
        "clip_norm": settings.clip_norm is not None,
        "clip_value": settings.clip_value is not None,
        "precision": settings.precision == "bf16",
        "compile": settings.compile is True,
    }
    for name, found in wrong.items():
        if found:
            rule = f"cannot be had with {type(phase.optimizer).__name__}, which takes the derivatives itself"
            raise InputError(f"training.{name}", rule, getattr(settings, name), "Leave it out.")


def _scheduler_state(phase: Phase) -> dict[str, Any]:
    assert phase.scheduler is not None
    return {name: value for name, value in phase.scheduler.state_dict().items() if not callable(value)}
