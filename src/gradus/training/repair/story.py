"""A treatment and what came of it: as the run keeps it, and in words."""

import json
import math
from collections.abc import Mapping
from typing import Any

from gradus.core.text import Message
from gradus.training.recipe import Recipe
from gradus.training.repair.judging import Score, Verdict

_WHAT = Message(
    en="{cause} ({confidence:.0%} sure, since step {since_step}). Tried {remedy}: {change}; trained again from step "
    "{from_step}. ",
    zh="{cause}（把握 {confidence:.0%}，自第 {since_step} 步起）。尝试 {remedy}：{change}；"
    "从第 {from_step} 步重新训练。",
)
_JUDGED = Message(
    en="On {examples} {split} examples {by} went from {before} to {after}: ",
    zh="在 {examples} 个 {split} 样本上，{by} 从 {before} 变为 {after}：",
)
_KEPT = Message(en="kept.", zh="保留。")
_UNDONE = Message(en="not better, so undone.", zh="没有改善，已撤销。")
_FAILED = Message(en="It could not be trained ({why}), so it was undone.", zh="无法训练（{why}），已撤销。")
_LATER = Message(
    en="kept at first, and undone when training ended worse than the untreated had stood.",
    zh="起初保留；训练结束时差于未治疗时的状态，因而撤销。",
)
_NOTHING = Message(en="nothing", zh="无")
_RESULT = Message(
    en="Kept: {kept} of {tries}; the repaired recipe is {path}.",
    zh="{tries} 次治疗中保留了 {kept} 次；修复后的配方见 {path}。",
)
_NOT_HELPED = Message(
    en="None of {tries} treatments made it better; the run is as it would have been without.",
    zh="{tries} 次治疗都没有改善；结果与未治疗时相同。",
)


def figures(verdict: Verdict, score: Score) -> dict[str, Any]:
    """A comparison as documents have it; what is not finite is left out."""
    values = {"before": verdict.before, "after": verdict.after, "margin": verdict.margin}
    finite = {name: round(value, 6) for name, value in values.items() if math.isfinite(value)}
    return {"by": verdict.by, "split": score.split, "examples": len(score.loss), **finite}


def change(before: Recipe, after: Recipe, fields: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What each field was, None where it was not given, and what it became: of "auto", what was found."""
    was, now = before.to_dict(), after.to_dict()
    return {field: [_at(was, field), _at(now, field)] for field in fields}


def told(document: Mapping[str, Any]) -> str:
    """A treatment in a sentence or three."""
    changes = ", ".join(
        f"{field} {_NOTHING.say() if was is None else _shown(was)} -> {_shown(now)}"
        for field, (was, now) in document["change"].items()
    )
    said = _WHAT.say(**{**document, "change": changes})
    if "by" not in document:
        return said + _FAILED.say(why=document["why"])
    ends = {name: _value(document["by"], document.get(name)) for name in ("before", "after")}
    return said + _JUDGED.say(**{**document, **ends}) + _end(document).say()


def _end(document: Mapping[str, Any]) -> Message:
    if document["kept"]:
        return _KEPT
    return _LATER if document.get("later") else _UNDONE


def told_result(tries: list[dict[str, Any]], path: str) -> str:
    """What all came to, in a line; "" where nothing was tried."""
    if not tries:
        return ""
    kept = sum(each["kept"] for each in tries)
    return _RESULT.say(kept=kept, tries=len(tries), path=path) if kept else _NOT_HELPED.say(tries=len(tries))


def _at(document: Any, field: str) -> Any:
    for name in field.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)


def _value(measure: str, value: float | None) -> str:
    if value is None:
        return "inf"
    return f"{value:.1%}" if measure.endswith("accuracy") else f"{value:.4g}"
