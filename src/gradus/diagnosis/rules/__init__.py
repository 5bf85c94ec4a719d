"""Rules: pure functions from the signs of a run to what is wrong with it, one family a file, each with its card."""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from gradus.core.cards import Card, Registry
from gradus.core.findings import Severity
from gradus.core.text import Message
from gradus.diagnosis.history import History


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A rule's symptom, seen.

    Attributes:
        where: a place, or "" for the whole run.
        since: the step at which it began, as far as signs tell.
        evidence: the figures; the rule's message names some of them.
        worse: how bad it is; a finding is said again when this is several times as large.
        severity: where it is not that of the card.
        reading: which of several things it is, where the rule tells them apart.
    """

    where: str = ""
    since: int = 0
    confidence: float = 0.9
    evidence: Mapping[str, float] = field(default_factory=dict)
    worse: float = 1.0
    severity: Severity | None = None
    reading: str = ""


T = TypeVar("T")
Check = Callable[[History], Iterator[Sighting]]


@dataclass(frozen=True, kw_only=True)
class RuleCard(Card):
    """A rule. `source` is that of its threshold.

    Attributes:
        says: what is wrong and why it matters; placeholders are names of evidence.
        not_fooled_by: legitimate things that look alike, which it must pass.
        structural: told from the graph, the modules or the optimizer, rather than from how the run goes.
        at_end: only asked when the program is over.
        words: what a sighting's `reading` is called; `says` names it as ``{what}``.
    """

    says: Message
    words: Mapping[str, Message] = field(default_factory=dict)
    not_fooled_by: str
    structural: bool = False
    at_end: bool = False
    severity: Severity = "warning"


rules: Registry[RuleCard] = Registry("rule", "gradus.diagnosis.rules", RuleCard)


def sightings(history: History) -> Iterator[tuple[RuleCard, Sighting]]:
    """Everything that the rules see in a history."""
    history.answers = {}
    try:
        for card in rules.cards():
            if card.at_end and not history.ended:
                continue
            for each in card.build(history):
                yield card, each
    finally:
        history.answers = None


def asked_once(question: Callable[[History], T]) -> Callable[[History], T]:
    """A question that many rules ask, answered once in a round of rules, in which the history does not change."""
    name = question.__name__

    @functools.wraps(question)
    def ask(history: History) -> T:
        if history.answers is None:
            return question(history)
        if name not in history.answers:
            history.answers[name] = question(history)
        return cast(T, history.answers[name])

    return ask


def lasting(history: History, number: int, measure: Callable[[Any], float | None]) -> list[float]:
    """What `measure` gives of each of the last `number` examinations; empty if of one it gives None."""
    values = [measure(each) for each in history.latest(number)]
    return [each for each in values if each is not None] if None not in values else []
