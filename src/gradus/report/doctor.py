"""What the doctor came to, for the page: findings, their causes, and when they came."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gradus.diagnosis.remedies import BY_ID, remedies_for
from gradus.report.charts import Curves
from gradus.report.words import count, figure, label
from gradus.training.repair.story import told
from gradus.training.run import Run

_MOST_MARKS = 12
"""Beyond which lines over a curve are no longer told apart; the list below them has all."""


def diagnoses(run: Run) -> list[dict[str, Any]]:
    """Of the run, or of each member of an ensemble: findings, causes, and what to say where there are none."""
    if run.recipe.ensemble is None:
        return [_diagnosis(run, "")]
    members = [_diagnosis(member, f"Member {number}") for number, member in enumerate(run.members)]
    return ([_diagnosis(run, "All together")] if run.findings else []) + members


def _diagnosis(run: Run, title: str) -> dict[str, Any]:
    seen = run.doctor
    if seen:
        nothing = f"Nothing was found in {count(seen.get('steps_seen', 0))} steps."
    elif run.result:
        nothing = "Nothing was found; the run was trained without the doctor."
    else:
        nothing = "Nothing has been found so far."
    return {
        "title": title,
        "findings": findings(run.findings),
        "causes": causes(seen.get("causes", [])),
        "nothing": nothing,
    }


def findings(documents: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for each symptom, numbered as first said; of one said again, the latest words and every step."""
    rows: dict[str, dict[str, Any]] = {}
    for document in documents:
        before = rows.get(document["symptom"], {"number": len(rows) + 1, "said": [], "since": document["since_step"]})
        rows[document["symptom"]] = {
            "number": before["number"],
            "symptom": document["symptom"],
            "severity": document["severity"],
            "message": document["message"],
            "where": document["where"],
            "since": min(before["since"], document["since_step"]),
            "said": [*before["said"], document["said_at_step"]],
            "figures": [(name.replace("_", " "), figure(value)) for name, value in document["evidence"].items()],
            "remedies": [each["text"] for each in document["remedies"]],
        }
    return list(rows.values())


def causes(documents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Ranked causes with what to do about each."""
    return [
        {
            "id": document["id"],
            "confidence": document["confidence"],
            "because": document["because"],
            "next": documents[place + 1]["id"] if place + 1 < len(documents) else "the next",
            "tell_apart": document.get("tell_apart", ""),
            # A run may name a cause that only another version knows.
            "remedies": [each.text for each in remedies_for(document["id"])] if document["id"] in BY_ID else [],
        }
        for place, document in enumerate(documents)
    ]


def repairs(run: Run) -> list[dict[str, Any]]:
    """What was tried to repair the run, in order, and what came of it."""
    return [{"kept": each["kept"], "remedy": each["remedy"], "text": told(each)} for each in run.repairs]


def timeline_charts(rows: Sequence[Mapping[str, Any]], curves: Curves) -> list[dict[str, Any]]:
    """The training loss with the findings over it; nothing where there is no loss or no finding."""
    names = ["train_loss"] if "train_loss" in curves else [each for each in curves if each.startswith("train_")]
    points = {name: dict(curves[name]) for name in names}
    if not rows or not any(points.values()):
        return []
    marked = {step for row in rows for step in (row["since"], *row["said"])}
    steps = sorted({0}.union(marked, *points.values()))
    critical = sum(row["severity"] == "critical" for row in rows)
    said = f"{count(len(rows))} finding{'s' * (len(rows) > 1)}, {count(critical) if critical else 'none'} critical, "
    said += f"over {count(steps[-1])} steps; the first began at step {count(min(row['since'] for row in rows))}. "
    said += "A line stands where a finding began, a dot where it was said."
    if len(rows) > _MOST_MARKS:
        said += f" Drawn are the first {_MOST_MARKS}."
    return [
        {
            "title": "Findings over the training loss",
            "said": said,
            "x": "step",
            "style": "line",
            "names": [label(name) for name in names],
            "data": [steps, *([each.get(step) for step in steps] for each in points.values())],
            "marks": [
                {name: row[name] for name in ("number", "symptom", "severity", "since", "said")}
                for row in rows[:_MOST_MARKS]
            ],
        }
    ]


def happenings(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same in words: what happened, by step."""
    found = []
    for row in rows:
        for step in sorted({row["since"], *row["said"]}):
            began = ["began"] if step == row["since"] else []
            said = ["was said" if step == row["said"][0] else "was said again, worse"] if step in row["said"] else []
            found.append({**row, "step": step, "what": " and ".join(began + said)})
    return sorted(found, key=lambda each: (each["step"], each["number"]))
