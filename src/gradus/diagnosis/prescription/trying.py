"""Fixes tried before they are prescribed: the program is run again with each, and only what does good is kept."""

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gradus.core.text import Message
from gradus.diagnosis.causes import TABLE
from gradus.diagnosis.prescription.prescribe import Prescription
from gradus.diagnosis.prescription.second_line import no_last_resort
from gradus.diagnosis.prescription.trial import Call, try_out
from gradus.diagnosis.prescription.yardstick import Outcome, Printed, Verdict, best, judge

_PATIENCE = 3.0
"""A changed program may take so many times as long as it did before..."""
_LEAST = 60.0
"""... and so many seconds more, for starting."""
_CAUSES = frozenset(each.id for each in TABLE)
_CLEARLY = 0.5
"""Of what another treatment gained, what those of the likeliest cause must not reach where it is doubted."""
_ALWAYS_HELPS = {"learning-rate-too-low", "under-trained", "learning-rate-too-high", "underfitting"}
"""What may do a little good where nothing is wrong."""
_FAR = 0.5
"""Of the greater of two figures, what lies between them where there was something wrong."""
_UNSEEN = 0.5
"""How sure is a cause of which only what helped against it tells."""
_RECOVERED = "recovered"
"""Why a cause is named: its treatment did good."""

_TRIED = Message(
    en="gradus: tried [{remedy}] against {cause}: {what}", zh="gradus: 试用 [{remedy}]（针对 {cause}）：{what}"
)
_COMPARED = Message(en="{by} {before:.4g} before, {after:.4g} after", zh="{by}：之前 {before:.4g}，之后 {after:.4g}")
_CURED = Message(en="nothing is wrong any more", zh="不再发现问题")
_STILL = Message(en="something is still wrong", zh="仍有问题")
_PROVEN = Message(
    en="gradus: the cause is rather {cause} than {instead}: treating that did good, treating this did not",
    zh="gradus: 原因更可能是 {cause} 而不是 {instead}：针对前者的修改有效，针对后者的无效",
)
_SHOWN = Message(
    en="gradus: the cause may be {cause}: it was not seen, but what is done against it does good",
    zh="gradus: 原因可能是 {cause}：未直接观察到，但针对它的修改有效",
)
_NOT_KEPT = Message(en="not kept", zh="不保留")


class Rerun:
    """Makes ready to run a program once more, before it runs for the first time.

    Args:
        script: its absolute path.
        arguments: its own.
        silence: rules that are not asked.
        word, lower: good is what makes the last number greater, or lower, that it prints after this word; "" to go by
            what the doctor sees.
    """

    def __init__(
        self, script: Path, arguments: Sequence[str], silence: Sequence[str], word: str, *, lower: bool
    ) -> None:
        here, environment = str(Path.cwd()), dict(os.environ)
        self._call = Call(script, tuple(arguments), here, environment, tuple(silence), word, lower)
        self._began = time.monotonic()
        self.printed = Printed(word, lower=lower) if word else None

    def best_of(self, prescribed: Sequence[Prescription], before: Outcome) -> list[Prescription]:
        """All of them with what came of them, the one that did most good first.

        None is spared after one that leaves nothing wrong: of a wrong cause a smaller step may hide the signs.

        Args:
            before: how the program went as it is.
        """
        limit = _LEAST + _PATIENCE * (time.monotonic() - self._began)
        tried: list[Prescription] = []
        verdicts: list[Verdict] = []
        for each in prescribed:
            sources = {file.path: file.encoded(text) for file, text in each.sources.items()}
            verdicts.append(judge(each.cause, before, try_out(self._call, sources, limit=limit)))
            tried.append(replace(each, verdict=verdicts[-1]))
            print(_told(tried[-1], verdicts[-1]), file=sys.stderr)
        first = best(verdicts)
        if first is not None:
            did_good = tried.pop(first)
            tried.insert(0, replace(did_good, remedy=no_last_resort(did_good.cause, did_good.remedy)))
        return tried


def proven(causes: Sequence[dict[str, Any]], tried: Sequence[Prescription]) -> list[dict[str, Any]]:
    """The causes as documents have them, the one first whose treatment did good where the likeliest one's did not."""
    named = [each["id"] for each in causes]
    if not tried or tried[0].verdict is None or not tried[0].verdict.kept:
        return list(causes)
    cause, gain = tried[0].cause, tried[0].verdict.gain
    verdict = tried[0].verdict
    if not named:
        if cause in _ALWAYS_HELPS and gain < _FAR * max(abs(verdict.before), abs(verdict.after)):
            return []
        print(_SHOWN.say(cause=cause), file=sys.stderr)
        return [{"id": cause, "confidence": _UNSEEN, "because": [_RECOVERED]}]
    of_the_likeliest = [each.verdict for each in tried if each.cause == named[0] and each.verdict is not None]
    helped = max((each.gain for each in of_the_likeliest if each.kept), default=0.0)
    if cause not in _CAUSES or cause == named[0] or not of_the_likeliest or not gain > helped / _CLEARLY:
        return list(causes)
    print(_PROVEN.say(cause=cause, instead=named[0]), file=sys.stderr)
    first = {"id": cause, "confidence": causes[0]["confidence"], "because": [_RECOVERED]}
    return [first, *(each for each in causes if each["id"] != cause)]


def _told(prescription: Prescription, verdict: Verdict) -> str:
    said = [verdict.error] if verdict.error else [_CURED.say() if verdict.cured else _STILL.say()]
    if verdict.by:
        said.insert(0, _COMPARED.say(by=verdict.by, before=verdict.before, after=verdict.after))
    said += [] if verdict.kept else [_NOT_KEPT.say()]
    return _TRIED.say(remedy=prescription.remedy.id, cause=prescription.cause, what="; ".join(said))
