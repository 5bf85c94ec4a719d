"""What the Trainer's progress leaves in the run folder: curves, checkpoints, findings."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from torch.optim import Optimizer

from gradus.core.findings import Finding, Remedy
from gradus.core.text import Message
from gradus.training.callbacks import Callback
from gradus.training.checkpoint import write_checkpoint
from gradus.training.store import RunStore

if TYPE_CHECKING:
    from gradus.training.trainer import Trainer

SECONDS_BETWEEN_COMMITS = 1.0
SECONDS_BETWEEN = 10.0
SHARE_OF_TIME = 0.01
"""Unless steps are given, a checkpoint comes every SECONDS_BETWEEN, or so much later that writing takes this share."""


class Recorder(Callback):
    """Writes every epoch's values, and each phase's learning rate, into the run's database."""

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._committed = 0.0

    @property
    def folder(self) -> Path:
        """That of the run."""
        return self._store.path.parent

    def epoch_ended(self, trainer: "Trainer", values: dict[str, float]) -> None:
        phases = trainer.objective.phases
        names = ["learning_rate"] if len(phases) == 1 else [f"learning_rate.{phase.name}" for phase in phases]
        rates = {name: _rate(phase.optimizer) for name, phase in zip(names, phases, strict=True)}
        known = {name: rate for name, rate in rates.items() if rate is not None}
        self._store.scalars(trainer.step, trainer.epoch, values | known)
        # What is not committed is repeated after a kill: a checkpoint commits before it is written.
        if time.perf_counter() - self._committed >= SECONDS_BETWEEN_COMMITS:
            self._store.commit()
            self._committed = time.perf_counter()


class Checkpointer(Callback):
    """Writes checkpoints between steps.

    Args:
        folder: where they go.
        store: committed first, so that a checkpoint never knows more than the database.
        every: steps between two; None for a few a minute.
    """

    def __init__(self, folder: Path, store: RunStore, every: int | None) -> None:
        self._folder, self._store, self._every = folder, store, every
        self._due = time.perf_counter() + SECONDS_BETWEEN

    def step_ended(self, trainer: "Trainer") -> None:
        due = time.perf_counter() >= self._due if self._every is None else trainer.step % self._every == 0
        if due and not trainer.stopped:
            self.write(trainer)

    def write(self, trainer: "Trainer") -> None:
        """A checkpoint of where training stands, unless it stands on a loss that is not finite."""
        began = time.perf_counter()
        state = trainer.state_dict()
        if trainer.diverged_at:
            return
        self._store.commit()
        write_checkpoint(self._folder, state, trainer.step)
        now = time.perf_counter()
        self._due = now + max(SECONDS_BETWEEN, (now - began) / SHARE_OF_TIME)


_NON_FINITE = Message(
    en="The training loss is not a finite number from step {step} on; training was stopped. No weights were "
    "exported; the last checkpoint was taken before.",
    zh="从第 {step} 步起，训练损失不再是有限数值，训练已停止。没有导出权重；最后的检查点保存于此之前。",
)
_LOWER_RATE = Message(
    en="Lower the learning rate (now {rate:g}), for instance by a factor of 10.",
    zh="降低学习率（现为 {rate:g}），例如降到十分之一。",
)


def non_finite(trainer: "Trainer") -> Finding:
    """The finding that training ran into a loss that is NaN or infinite."""
    rate = _rate(trainer.objective.phases[0].optimizer)
    lower = () if rate is None else (Remedy(id="lower-learning-rate", text=_LOWER_RATE.say(rate=rate)),)
    return Finding(
        symptom="non-finite",
        where="",
        since_step=trainer.diverged_at,
        said_at_step=trainer.step,
        severity="critical",
        confidence=1.0,
        evidence={} if rate is None else {"learning_rate": rate},
        message=_NON_FINITE.say(step=trainer.diverged_at),
        remedies=lower,
    )


def _rate(optimizer: Optimizer) -> float | None:
    """The learning rate, of an optimizer that has one."""
    rate: float | None = optimizer.param_groups[0].get("lr")
    return rate
