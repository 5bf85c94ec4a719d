"""How well a run went, by what the doctor saw of it or what the program printed; and which of two went better."""

import math
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

from gradus.diagnosis.history import History
from gradus.diagnosis.signs import Evaluation

_BY_LUCK = 1.28
"""Standard errors of a difference of accuracies that luck alone exceeds once in ten."""
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf(?:inity)?)\b"
_LATEST = 5
"""Figures of single batches are means over so many."""
_NEARLY = 0.9
"""Of the greatest gain, what is as good."""

MISMEASURED = frozenset(
    {"leakage", "train-validation-mismatch", "evaluation-in-train-mode", "dropout-in-evaluation", "batch-mixing"}
)
"""Causes that make a program's own held-out figures wrong: what removes them may well make those look worse."""
_BEYOND_ACCURACY = "class-imbalance"
"""A cause whose removal costs accuracy, and changes the loss: only what a program prints says whether it did good."""


@dataclass(frozen=True)
class Figure:
    """A number that tells how good a run is.

    Attributes:
        value: what it was at the end; larger is better unless `lower`.
        of: what it must share with another to be compared with it, such as the loss it is a value of.
        error: standard error of a difference between two such numbers.
    """

    value: float
    lower: bool = False
    of: str = ""
    error: float = 0.0

    def better_than(self, other: "Figure") -> bool:
        """Whether it is better by more than luck gives."""
        return self.gain(other) > max(self.error, other.error)

    def worse_than(self, other: "Figure") -> bool:
        """Whether it is worse by more than luck gives."""
        return self.gain(other) < -max(self.error, other.error)

    def gain(self, other: "Figure") -> float:
        """By how much it is better; of two that are not finite neither is."""
        own, others = (each.value if math.isfinite(each.value) else -math.inf for each in (self, other))
        if math.isinf(own) or math.isinf(others):
            return 0.0 if own == others else own - others
        return others - own if self.lower else own - others


@dataclass(frozen=True)
class Outcome:
    """How a run went.

    Attributes:
        causes: what the doctor named at its end.
        figures: by name, the most telling first.
        error: what kept it from its end; "" of one that came there.
    """

    causes: tuple[str, ...] = ()
    figures: dict[str, Figure] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Verdict:
    """Whether a changed program is to be kept.

    Attributes:
        kept: it is better by `by`, or no worse and rid of a cause.
        cured: nothing is named any more.
        by: the figure that they were compared by; "" if they have none in common.
        gain: by how much it is better.
    """

    kept: bool
    cured: bool = False
    by: str = ""
    before: float = math.nan
    after: float = math.nan
    gain: float = 0.0
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """As documents have it."""
        document: dict[str, Any] = {"kept": self.kept, "cured": self.cured}
        if self.by:
            document |= {"by": self.by, "before": self.before, "after": self.after}
        return document | ({"error": self.error} if self.error else {})


def judge(cause: str, before: Outcome, after: Outcome) -> Verdict:
    """Whether a change against `cause` did good.

    A run is better if its figure is by more than luck gives. One that is neither better nor worse is kept if a cause is
    gone and none has come.
    """
    if after.error:
        return Verdict(False, error=after.error)
    # `cause` itself may never have been named: it may be a suspect of the second line.
    gone = set(after.causes) < set(before.causes)
    cured = not after.causes
    for name, new in after.figures.items():
        old = before.figures.get(name)
        if old is None or old.of != new.of or _misleads(cause, name):
            continue
        kept = new.better_than(old) or (gone and not new.worse_than(old))
        return Verdict(kept, cured, name, old.value, new.value, new.gain(old))
    return Verdict(gone, cured)


def _misleads(cause: str, name: str) -> bool:
    """Whether a figure says nothing of a change against a cause; one that the program prints always does."""
    held_out = name.startswith("held-out ")
    return (cause in MISMEASURED and held_out) or (
        cause == _BEYOND_ACCURACY and (held_out or name.startswith("training "))
    )


def best(verdicts: Sequence[Verdict]) -> int | None:
    """The number of the one that did most good, None if none is to be kept.

    A later one, which is less likely, must do clearly more good than an earlier, or leave nothing wrong.
    """
    kept = [number for number, each in enumerate(verdicts) if each.kept]
    alike = len({verdicts[each].by for each in kept}) == 1
    most = max((verdicts[each].gain for each in kept), default=0.0)
    if alike and most > 0:
        kept = [each for each in kept if verdicts[each].gain >= _NEARLY * most]
    return max(kept, key=lambda each: verdicts[each].cured, default=None)


def figures(history: History) -> dict[str, Figure]:
    """What a history tells of how good its run was: held-out examples first, accuracy before loss."""
    found = {"held-out accuracy": _held_out_accuracy(history), "held-out loss": _held_out_loss(history)}
    found |= {"training accuracy": _training_accuracy(history), "training error": _training_error(history)}
    found["training loss"] = _training_loss(history)
    return {name: each for name, each in found.items() if each is not None}


def _held_out_accuracy(history: History) -> Figure | None:
    last = _last_with(history, "accuracy")
    if last is None or last.accuracy is None:
        return None
    return Figure(last.accuracy, error=_error_of_share(last.accuracy, last.examples))


def _held_out_loss(history: History) -> Figure | None:
    last = _last_with(history, "loss")
    if last is None or last.loss is None:
        return None
    scale = last.variance or 1.0
    return Figure(last.loss / scale, lower=True, of=_compared(history), error=0.01 * abs(last.loss / scale))


def _last_with(history: History, what: str) -> Evaluation | None:
    return next((each for each in reversed(history.held_out()) if getattr(each, what) is not None), None)


def _training_accuracy(history: History) -> Figure | None:
    if len(history.right) < _LATEST:
        return None
    share = math.fsum(each for _, each in history.right[-_LATEST:]) / _LATEST
    batch = history.last.loss.batch if history.last is not None and history.last.loss is not None else 1
    return Figure(share, error=_error_of_share(share, _LATEST * batch))


def _training_error(history: History) -> Figure | None:
    """Of values, the mean squared error over the variance of the targets, which no change of units changes."""
    losses = [each.loss for each in history.latest(_LATEST) if each.loss is not None]
    shares = [each.error / each.target_std**2 for each in losses if each.kind == "values" and each.target_std > 0]
    if not shares:
        return None
    share = math.fsum(shares) / len(shares)
    return Figure(share, lower=True, error=0.05 * abs(share))


def _training_loss(history: History) -> Figure | None:
    value = history.losses.end(32)
    return Figure(value, lower=True, of=_compared(history), error=0.02 * abs(value)) if len(history.losses) else None


def _compared(history: History) -> str:
    """The loss by its operations: values of one are not those of another."""
    last = history.last
    if last is None or last.loss is None:
        return ""
    heads = " | ".join(sorted(" ".join(op.name for op in head) for head in last.loss.heads))
    return f"{last.loss.kind} {last.loss.summed} {heads}"


def _error_of_share(share: float, examples: int) -> float:
    return _BY_LUCK * math.sqrt(2 * max(share * (1 - share), 0.0) / max(examples, 1))


class Printed:
    """The last number that a program prints after a word, such as 0.91 of ``test accuracy: 0.91``.

    Args:
        word: what stands before the number.
        lower: whether a lower one is better.
    """

    def __init__(self, word: str, *, lower: bool) -> None:
        self.word, self.lower = word, lower
        self.value: float | None = None
        self._pattern = re.compile(rf"(?<!\w){re.escape(word)}\s*[:=]?\s*({_NUMBER})", re.IGNORECASE)
        self._line = ""

    def read(self, text: str) -> None:
        """More of what is printed."""
        *lines, self._line = (self._line + text).split("\n")
        for each in lines:
            self._look(each)
        self._line = self._line[-10_000:]  # what never ends a line

    @property
    def figures(self) -> dict[str, Figure]:
        """Empty if there was no such number."""
        self._look(self._line)
        return {} if self.value is None else {self.word: Figure(self.value, self.lower)}

    def _look(self, line: str) -> None:
        for found in self._pattern.finditer(line):
            self.value = float(found[1])


@contextmanager
def overhear(printed: Printed | None) -> Iterator[None]:
    """Read what this process prints; None reads nothing."""
    stream = sys.stdout
    if printed is not None:
        sys.stdout = _Overheard(stream, printed)
    try:
        yield
    finally:
        sys.stdout = stream


class _Overheard:
    """A stream as it was; what is written to it is also read by a `Printed`."""

    def __init__(self, stream: TextIO, printed: Printed) -> None:
        self._stream, self._printed = stream, printed

    def write(self, text: str) -> int:
        self._printed.read(text)
        return self._stream.write(text)

    def writelines(self, lines: Any) -> None:
        for each in lines:
            self.write(each)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
