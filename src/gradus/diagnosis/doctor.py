"""From signs to findings and causes: what is said, once, and again only when it has become worse."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gradus.core.errors import InputError, nearest
from gradus.core.findings import Finding
from gradus.core.text import Message
from gradus.diagnosis.causes import Ranked, rank
from gradus.diagnosis.history import History
from gradus.diagnosis.remedies import remedies_for
from gradus.diagnosis.rules import RuleCard, Sighting, rules, sightings

_WORSE = 4.0
"""A finding is said again when it is this many times as bad as when it was said last..."""
_MOST_TIMES = 3
"""... and no more often than this."""
_STARTED = 30.0


class Doctor:
    """Asks the rules about a history, and keeps what they found.

    Args:
        silence: ids of rules that are not asked.
        say: told of each finding when it is new or worse.
    Raises:
        InputError: if `silence` names no rule.
    """

    def __init__(
        self, history: History, *, silence: Sequence[str] = (), say: Callable[[Finding], None] | None = None
    ) -> None:
        check_silence(silence)
        self.history = history
        self._silence = frozenset(silence)
        self._say = say
        self._found: dict[str, Finding] = {}
        self._worst: dict[str, tuple[float, int]] = {}

    @property
    def findings(self) -> list[Finding]:
        """In the order in which they were said; of one that became worse, the latest."""
        return list(self._found.values())

    @property
    def causes(self) -> list[Ranked]:
        """Ranked, the likeliest first."""
        return rank(self.history, self.findings)

    def consider(self) -> None:
        """There is something new in the history."""
        for card, sighting in sightings(self.history):
            if card.name in self._silence:
                continue
            before, times = self._worst.get(card.name, (0.0, 0))
            if times and (sighting.worse < _WORSE * before or times >= _MOST_TIMES):
                continue
            self._worst[card.name] = (sighting.worse, times + 1)
            finding = self._finding(card, sighting)
            self._found[card.name] = finding
            if self._say is not None:
                self._say(finding)

    def _finding(self, card: RuleCard, sighting: Sighting) -> Finding:
        evidence = {name: float(value) for name, value in sighting.evidence.items()}
        word = card.words.get(sighting.reading)
        text = card.says.say(**evidence, **({"what": word.say()} if word is not None else {}))
        before = self._found.get(card.name)
        return Finding(
            symptom=card.name,
            where=self._place(sighting.where),
            since_step=before.since_step if before is not None else self.history.earlier + sighting.since,
            said_at_step=self.history.earlier + self.history.step,
            severity=sighting.severity or card.severity,
            confidence=round(min(1.0, sighting.confidence), 3),
            evidence=evidence if not sighting.reading else {**evidence, **_reading(sighting.reading)},
            message=text,
            remedies=remedies_for(card.name),
        )

    def _place(self, where: str) -> str:
        """``module.path``; with the model's name before it where there are several."""
        name, colon, path = where.partition(":")
        if not colon:
            return where
        return f"{name}:{path}" if len(self.history.models) > 1 else path


def check_silence(silence: Sequence[str]) -> None:
    """Raise InputError if one of these is no rule's id."""
    for each in silence:
        if each not in rules:
            raise InputError("silence", "no rule has this id", each, nearest(each, rules.names()))


def _reading(reading: str) -> dict[str, float]:
    """Readings are words; evidence is numbers: each reading has a number of its own, 1."""
    return {reading: 1.0}


_WHERE = Message(en="where", zh="位置")
_FIGURES = Message(en="figures", zh="数据")
_DO = Message(en="do", zh="建议")
_PLACE = Message(en="{where}, since step {step}", zh="{where}，自第 {step} 步起")
_WHOLE = Message(en="the whole run", zh="整个训练")
_SEVERITY = {
    "notice": Message(en="notice", zh="提示"),
    "warning": Message(en="warning", zh="警告"),
    "critical": Message(en="critical", zh="严重"),
}
_CAUSE = Message(
    en="likely cause: {id} ({confidence:.0%}), because of {because}",
    zh="可能的原因：{id}（{confidence:.0%}），依据：{because}",
)
_ELSE = Message(en="; else {instead}", zh="；其次 {instead}")


def told(finding: Finding) -> str:
    """A finding in four lines: what; where and since when; the figures; what to do."""
    return told_document(finding.to_json())


def told_document(finding: Mapping[str, Any]) -> str:
    """The same of a finding as documents have it; its message stays in the language it was written in."""
    where = finding["where"] or _WHOLE.say()
    symptom = finding["symptom"]
    said = rules.get(symptom).words if symptom in rules else {}  # a reading that the message has words for
    figures = [f"{name} {shown(value)}" for name, value in finding["evidence"].items() if name not in said]
    labels = [_WHERE.say(), _FIGURES.say(), _DO.say()]
    lines = [
        _PLACE.say(where=where, step=finding["since_step"]),
        "  ".join(figures) or "-",
        " ".join(each["text"] for each in finding["remedies"][:2]),
    ]
    body = "\n".join(f"  {label:<8}{line}" for label, line in zip(labels, lines, strict=True))
    return f"gradus {_SEVERITY[finding['severity']].say()} [{finding['symptom']}]: {finding['message']}\n{body}"


def told_causes(causes: Sequence[Ranked]) -> str:
    """The likeliest cause in a line or two; "" if there is none."""
    if not causes:
        return ""
    first = causes[0]
    line = _CAUSE.say(id=first.id, confidence=first.confidence, because=", ".join(first.because))
    if first.instead:
        line += _ELSE.say(instead=first.instead)
    advice = " ".join(each.text for each in remedies_for(first.id)[:2])
    lines = [f"gradus {line}", f"  {_DO.say():<8}{advice}"]
    return "\n".join([*lines, f"  {first.tell_apart}"] if first.tell_apart else lines)


def shown(value: float) -> str:
    """A figure as people read it."""
    if not math.isfinite(value):
        return str(value)
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e6 else f"{value:.3g}"
