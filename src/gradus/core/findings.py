"""A finding: something wrong with a run, with its place, its figures and what to do."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Severity = Literal["notice", "warning", "critical"]


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """Something to do about a finding.

    Attributes:
        why: the reason that it helps, in a sentence.
        source: where that is shown.
    """

    id: str
    text: str
    why: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing found.

    Attributes:
        symptom: the id of the rule that found it.
        where: module path, or "" for the whole run.
        since_step: the step at which it began.
        said_at_step: the step at which it was said.
        confidence: 0 to 1.
        evidence: the figures it rests on.
        message: in the language of the run.
        remedies: what to do, in order.
    """

    symptom: str
    where: str
    since_step: int
    said_at_step: int
    severity: Severity
    confidence: float
    message: str
    evidence: Mapping[str, float] = field(default_factory=dict)
    remedies: tuple[Remedy, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
