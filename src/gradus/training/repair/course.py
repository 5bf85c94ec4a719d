"""One course of training with its doctor: begun, or gone back to a snapshot and gone on under an amended recipe."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch.optim.lr_scheduler import ReduceLROnPlateau

from gradus.diagnosis.causes import Ranked
from gradus.training.attempt import Attempt, settle
from gradus.training.callbacks import Callback
from gradus.training.doctoring import Doctoring
from gradus.training.interruption import INTERRUPTED
from gradus.training.recorder import non_finite
from gradus.training.repair.judging import Score, score
from gradus.training.repair.readings import readings
from gradus.training.repair.ring import Ring, copied
from gradus.training.repair.trouble import Trouble
from gradus.training.store import Journal
from gradus.training.trainer import NON_FINITE, Trainer

PAUSED = "paused"
_SURE = 0.6
"""How confident the doctor must be of a cause before it is treated."""
_RATE = (
    "learning-rate-too-high", "learning-rate-too-low", "large-updates", "small-updates", "oscillation", "divergence",
    "non-finite", "plateau", "under-trained",
)  # fmt: skip
_FIT = ("overfitting", "underfitting", "noisy-labels", "generalization-gap", "validation-rising", "curve-reading")
_LATE = dict.fromkeys(_RATE, 1) | dict.fromkeys(_FIT, 2)


class Course(Callback):
    """Trains, and stops where asked.

    Args:
        attempt: where it stands.
        journal: what the doctor finds is written there.

    Attributes:
        ended: training is over: at its last step, by a loss that is not finite, or by a callback.
        looking: whether to stop for troubles before the end.
    """

    def __init__(self, attempt: Attempt, journal: Journal) -> None:
        recipe = attempt.prepared.recipe
        self.attempt, self.trainer = attempt, attempt.trainer
        self.steps = len(self.trainer.loader) * self.trainer.settings.epochs
        self.ring = Ring(self.steps)
        self.doctoring = Doctoring(journal, recipe)
        self.ended = False
        self.conclusion: dict[str, Any] = {}
        self._horizon, self._heard, self._until = recipe.doctor.horizon, 0, self.steps + 1
        self.looking = recipe.doctor.horizon < 1
        self.trainer.callbacks += (self.doctoring, self)

    def train(self, until: int | None = None) -> None:
        """Train to the end, to step `until`, or to where a trouble is due to be treated."""
        if until is not None:
            self._until = until
        if not self.ring.steps:
            self.ring.look(self.trainer)
        if self.trainer.stopped == PAUSED:
            self.trainer.go_on()
            self.doctoring.wake()
        else:
            self.doctoring.begin(self.trainer)
        if self.trainer.step < self._until:
            self.trainer.fit()
        if self.trainer.stopped == PAUSED:
            self.doctoring.rest()
        else:
            self.ended = not self.interrupted
            self.conclusion = self.doctoring.end()

    def step_ended(self, trainer: Trainer) -> None:
        self.ring.look(trainer)
        if self.looking and len(self.doctoring.findings) > self._heard:
            self._heard = len(self.doctoring.findings)
            if self.troubles():
                self.looking = False
                self._until = trainer.step + max(1, round(self._horizon * (self.steps - trainer.step)))
        if trainer.step >= self._until and trainer.step < self.steps:
            self._until = self.steps + 1
            trainer.stop(PAUSED)

    @property
    def interrupted(self) -> bool:
        return self.trainer.stopped == INTERRUPTED

    def troubles(self) -> list[Trouble]:
        """What is to be treated: causes that are sure enough and graver than a notice.

        The likeliest comes first, but the rate last but for the fit: no rate mends what does not reach a layer, and the
        right one for data, weights and layers that are wrong is the wrong one once these are right.
        """
        own = [non_finite(self.trainer)] if self.trainer.stopped == NON_FINITE else []
        findings = {each.symptom: each for each in (*self.doctoring.findings, *own)}
        causes = self.doctoring.causes(*own)
        if own:
            causes = [*causes, Ranked(id="non-finite", confidence=1.0, because=("non-finite",))]
        found = []
        for each in causes:
            rests_on = [findings[name] for name in each.because if name in findings]
            if each.confidence >= _SURE and any(one.severity != "notice" for one in rests_on):
                since = min(one.since_step for one in rests_on)
                found.append(Trouble(cause=each.id, confidence=each.confidence, since=since))
        if self.ended and not own:
            found += self._readings()
        return sorted(found, key=lambda each: _LATE.get(each.cause, 0))

    def _readings(self) -> list[Trouble]:
        """What the doctor does not say, since it is only likely."""
        held_out = self.score()
        if held_out.split == "train":
            return []
        with _put_back(self.attempt):
            train = score(self.attempt.prepared, settle(self.attempt), self.attempt.prepared.population)
        return readings(train, held_out)

    def score(self) -> Score:
        """Of the weights the run would end with if it ended here; training is as it was afterwards."""
        with _put_back(self.attempt):
            return score(self.attempt.prepared, settle(self.attempt))

    def leave(self) -> None:
        """It is given up; whatever looks on lets go."""
        if not self.ended:
            self.doctoring.end()


@contextmanager
def _put_back(attempt: Attempt) -> Iterator[None]:
    networks = attempt.trainer.networks()
    states = {name: copied(module.state_dict()) for name, module in networks.items()}
    try:
        yield
    finally:
        for name, module in networks.items():
            module.load_state_dict(states[name])


_CARRIED = ("optimizer.lr", "optimizer.weight_decay", "optimizer.eps", "schedule.", "training.clip_", "training.keep")


def carries(fields: Iterable[str], attempt: Attempt) -> bool:
    """Whether a state of `attempt` holds under a recipe that differs in these fields.

    Weights, moments and averages do where only the size of steps changes, and what is kept. All else begins anew: other
    layers, weights, examples or batches would make the state one that no training could have come to.
    """
    (phase,) = attempt.prepared.objective.phases
    by_plateaus = isinstance(phase.scheduler, ReduceLROnPlateau)  # which goes by what it was told, not by the step
    return not phase.closure and not by_plateaus and all(each.startswith(_CARRIED) for each in fields)


def stand_at(attempt: Attempt, state: Mapping[str, Any]) -> None:
    """Go on from a snapshot of a course whose recipe differed in what `carries` allows.

    Moments, averages and progress are the snapshot's; rates, decays and schedules are this recipe's own, as they would
    be after so many steps.
    """
    trainer = attempt.trainer
    (phase,) = attempt.prepared.objective.phases
    own = trainer.state_dict()
    options = [
        {name: each for name, each in group.items() if name != "params"} for group in phase.optimizer.param_groups
    ]
    callbacks = {name: state["callbacks"].get(name, each) for name, each in own["callbacks"].items()}
    trainer.load_state_dict(
        copied({**state, "stopped": "", "callbacks": callbacks}) | {"schedulers": own["schedulers"]}
    )
    for group, mine in zip(phase.optimizer.param_groups, options, strict=True):
        group.update(mine)
    if phase.scheduler is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that no optimizer stepped before
            for _ in range(trainer.step):
                phase.scheduler.step()
