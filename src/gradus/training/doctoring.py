"""The doctor beside the Trainer: its findings and signs go into the run as they come."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gradus.core.findings import Finding
from gradus.diagnosis.causes import Ranked, rank
from gradus.diagnosis.doctor import Doctor
from gradus.diagnosis.history import History
from gradus.diagnosis.probe import Probe
from gradus.diagnosis.signs import Evaluation, Examination
from gradus.diagnosis.tracking import layer_signs
from gradus.diagnosis.watch import cause_to_json
from gradus.training.callbacks import Callback
from gradus.training.objectives import objectives
from gradus.training.recipe import Recipe
from gradus.training.store import Journal, RunStore

if TYPE_CHECKING:
    from gradus.training.trainer import Trainer

SIGNS_FORMAT = 1


@contextmanager
def doctoring(store: RunStore, trainer: "Trainer", recipe: Recipe) -> Iterator[dict[str, Any]]:
    """Watch the Trainer while it fits, unless the recipe's budget is 0; the dict then has what the doctor came to.

    It is kept in the run, too, however training ends.
    """
    conclusion: dict[str, Any] = {}
    if not recipe.doctor.budget:
        yield conclusion
        return
    callback = Doctoring(store, recipe, store.symptoms())
    trainer.callbacks += (callback,)
    callback.begin(trainer)
    try:
        yield conclusion
    finally:
        conclusion |= callback.end()
        store.event(trainer.step, trainer.epoch, "doctor", conclusion)


OF_THE_COURSE = (
    "initial-loss", "plateau", "oscillation", "divergence", "no-learning", "under-trained", "curve-reading",
)  # fmt: skip
"""Rules that go by how the training loss goes."""


def meant(recipe: Recipe) -> tuple[str, ...]:
    """Symptoms of what a recipe asks for.

    Layers that it loads and freezes may look as they were drawn, if the network they come from learned little. Where
    only the gradient of a loss means something, its course tells nothing.
    """
    frozen = ("frozen-parameters",) if recipe.model.pretrained and recipe.model.freeze else ()
    name = recipe.objective.name
    return (*frozen, *(OF_THE_COURSE if name is not None and objectives.get(name).surrogate else ()))


class Doctoring(Callback):
    """Watches the Trainer's networks.

    What a resumed run saw before its checkpoint is in its database; the doctor itself begins anew.

    Args:
        store: findings, and the signs of every examination, are written there.
        recipe: says which share of the time examinations may take.
        said: findings of earlier attempts, which are not written again.
    """

    def __init__(self, store: Journal, recipe: Recipe, said: frozenset[str] = frozenset()) -> None:
        self.history = History()
        self._store, self._budget, self._said = store, recipe.doctor.budget, said
        # A loss that is not finite stops the Trainer, which says so itself.
        self._doctor = Doctor(self.history, silence=("non-finite", *meant(recipe)), say=self._say)
        self._probe: Probe | None = None
        self._trainer: Trainer | None = None
        self._offset = 0
        self._written = 0

    @property
    def offset(self) -> int:
        """Steps done before the doctor began to count."""
        return self._offset

    def begin(self, trainer: "Trainer") -> None:
        """Training is about to begin, or to go on."""
        self._trainer, self._offset = trainer, trainer.step
        self._probe = Probe(
            self.history,
            self._doctor.consider,
            budget=self._budget,
            models=dict(trainer.objective.modules()),
            optimizers=[phase.optimizer for phase in trainer.objective.phases],
        )
        self._probe.attach()

    def step_ended(self, trainer: "Trainer") -> None:
        if len(self.history.examinations) > self._written:
            for each in self.history.examinations[self._written :]:
                self._store.event(self._offset + each.step, trainer.epoch, "signs", signs_to_json(each))
            self._written = len(self.history.examinations)

    def epoch_ended(self, trainer: "Trainer", values: dict[str, float]) -> None:
        known = {name: value for name, value in values.items() if name.startswith("validation_")}
        if "validation_loss" in known:
            self.history.evaluations.append(
                Evaluation(
                    step=trainer.step - self._offset,
                    examples=len(trainer.loader) * trainer.loader.batch_size // 10,
                    loss=known["validation_loss"],
                    accuracy=known.get("validation_accuracy"),
                )
            )
            self._doctor.consider()

    def end(self) -> dict[str, Any]:
        """Training is over: what the doctor came to, as the run keeps it."""
        assert self._probe is not None
        overhead = self._probe.overhead
        self._probe.finish()
        self._trainer = None  # which knows us among its callbacks: its data workers are to end with it
        return {
            "causes": [cause_to_json(each) for each in self._doctor.causes],
            "steps_seen": self._offset + self.history.step,
            "overhead": round(overhead, 5),
        }

    @property
    def findings(self) -> list[Finding]:
        """So far, with the steps of the run."""
        return [self._placed(each) for each in self._doctor.findings]

    def causes(self, *more: Finding) -> list[Ranked]:
        """So far, the likeliest first; `more` is what the Trainer found itself."""
        return rank(self.history, [*self._doctor.findings, *more])

    def rest(self) -> None:
        """Look no more for a while: something else trains."""
        assert self._probe is not None
        self._probe.detach()

    def wake(self) -> None:
        """Go on after a rest."""
        assert self._probe is not None
        self._probe.attach()

    def _say(self, finding: Finding) -> None:
        if self._trainer is None or finding.symptom in self._said:
            return
        self._store.finding(self._trainer.step, self._trainer.epoch, self._placed(finding))

    def _placed(self, finding: Finding) -> Finding:
        # A doctor counts from where it began, which of a resumed run is not its first step.
        since, said = self._offset + finding.since_step, self._offset + finding.said_at_step
        return replace(finding, since_step=since, said_at_step=said)


def signs_to_json(examination: Examination) -> dict[str, Any]:
    """What the report draws of one examination: a number per layer for each kind of sign."""
    return {"format": SIGNS_FORMAT, "layers": layer_signs(examination)}
