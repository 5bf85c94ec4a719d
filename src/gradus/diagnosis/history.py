"""The history of a run: all its signs, which rules are functions of."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from gradus.diagnosis.series import Series
from gradus.diagnosis.signs import (
    Evaluation,
    Examination,
    LoopSigns,
    ModelFacts,
    NonFinite,
    OptimizerFacts,
    ParameterSigns,
    RankSigns,
)


@dataclass(slots=True, kw_only=True)
class Phase:
    """What a history says of one of several models that a program trains by turns. Fields are those of History."""

    step: int = 0
    losses: Series = field(default_factory=Series)
    rates: Series = field(default_factory=Series)
    right: list[tuple[int, float]] = field(default_factory=list)
    players: dict[int, Series] = field(default_factory=dict)
    examinations: list[Examination] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    saved: int = -1
    adversarial: bool = False


@dataclass(slots=True)
class History:
    """All signs of a run so far: what rules are functions of.

    A program may train one model after another: what is said here is of the one under way.

    Attributes:
        step: steps done with it.
        earlier: steps done with those before.
        right: share of right classes in training batches, looked at every few steps, with the step.
        losses: of the optimizer that leads, one value a step.
        players: the same for every optimizer, by its number.
        saved: the step at which the program last asked for its weights, to keep them; -1 if it never did.
        adversarial: whether two optimizers hold disjoint networks, one of which judges the other's output.
        ranks: what the first of several processes read of the others.
        ranking: whether the program judges its network by how well it ranks.
        ended: whether the program is over.
        answers: what rules have asked of it, by question, while one round of rules lasts; None between rounds.
    """

    step: int = 0
    earlier: int = 0
    losses: Series = field(default_factory=Series)
    right: list[tuple[int, float]] = field(default_factory=list)
    players: dict[int, Series] = field(default_factory=dict)
    examinations: list[Examination] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    saved: int = -1
    loop: LoopSigns = field(default_factory=LoopSigns)
    models: dict[str, ModelFacts] = field(default_factory=dict)
    optimizers: dict[int, OptimizerFacts] = field(default_factory=dict)
    rates: Series = field(default_factory=Series)
    non_finite: NonFinite | None = None
    adversarial: bool = False
    ranks: list[RankSigns] = field(default_factory=list)
    ranking: bool = False
    ended: bool = False
    events: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, Any] | None = None

    def phase(self) -> Phase:
        """What is said of the model under way."""
        return Phase(**{each.name: getattr(self, each.name) for each in fields(Phase)})

    def enter(self, phase: Phase) -> None:
        """Go on with another model."""
        self.earlier += self.step - phase.step
        for each in fields(Phase):
            setattr(self, each.name, getattr(phase, each.name))

    @property
    def first(self) -> Examination | None:
        return self.examinations[0] if self.examinations else None

    @property
    def last(self) -> Examination | None:
        return self.examinations[-1] if self.examinations else None

    def latest(self, number: int) -> list[Examination]:
        """The last `number` examinations; empty while there are fewer."""
        return self.examinations[-number:] if len(self.examinations) >= number else []

    def held_out(self) -> list[Evaluation]:
        """Evaluations on examples that training has not seen, those in the right mode and those not."""
        return [each for each in self.evaluations if each.seen < 0.05 and not each.repeated]

    def weights(self, examination: Examination) -> Iterator[tuple[str, ParameterSigns]]:
        """The matrices that learned in an examination, in order."""
        for place, each in examination.parameters.items():
            if each.matrix and not each.embedding and each.gradient is not None:
                yield place, each
