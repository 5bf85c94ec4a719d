"""One HTML file that tells what a run came to. It loads nothing, and everything in it from outside is escaped."""

import shlex
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from gradus.core.errors import InputError
from gradus.report import words
from gradus.report.charts import curve_charts, forecast_chart, residual_chart, scatter_chart
from gradus.report.doctor import diagnoses, happenings, repairs, timeline_charts
from gradus.report.heat import heat_maps
from gradus.report.template import embedded, fill, resource
from gradus.training import folder
from gradus.training.repair.story import told_result
from gradus.training.run import DATA_FORMAT, Run, load_run
from gradus.training.settings import describe
from gradus.training.showcase import FORMAT

REPORT = "report.html"
_MOST_CLASSES = 30
"""Beyond which a confusion matrix is no longer read; the most confused pairs are listed in its place."""
_MOST_TARGETS = 4


def write_report(run: Run | str | Path, output: str | Path | None = None) -> Path:
    """Write the report of a run, from what its folder holds.

    Args:
        run: a Run, or its folder.
        output: the file; by default ``report.html`` in the run folder.
    Returns:
        Where it is.
    Raises:
        InputError: if `run` is no run folder.
        ResourceError: if the file cannot be written.
    """
    given = run if isinstance(run, Run) else load_run(run)
    place = given.path / REPORT if output is None else Path(output)
    folder.write_text(place, render(given))
    return place


def render(run: Run) -> str:
    """The page."""
    shown = _showcase(run)
    found = diagnoses(run)
    single = found[0]["findings"] if run.recipe.ensemble is None else []
    charts = {
        "timeline": timeline_charts(single, run.curves),
        "curves": curve_charts(run.curves),
        "values": _value_charts(run, shown),
    }
    return fill(
        "report.html.jinja",
        style=resource("uplot.min.css") + resource("report.css"),
        script=resource("uplot.min.js") + resource("report.js"),
        title=_title(run),
        run=run,
        headline=_headline(run),
        facts=_facts(run),
        diagnoses=found,
        happenings=happenings(single),
        repairs=repairs(run),
        repaired=told_result(run.repairs, folder.REPAIRED),
        maps=heat_maps(run.signs),
        charts=charts,
        charts_json=embedded(charts),
        classes=_class_scores(run, shown),
        confusion=_confusion(run, shown),
        showcase=shown,
        data=_data(run),
        machine=_machine(run),
        recipe=run.recipe.to_toml(),
        command=_command(run),
        members=run.result.get("members", []),
        score=words.score,
        label=words.label,
    )


def _title(run: Run) -> str:
    together = f"{run.recipe.ensemble.members} of " if run.recipe.ensemble is not None else ""
    return f"{together}{run.recipe.model.label} on {run.recipe.data.label}"


def _headline(run: Run) -> list[tuple[str, str]]:
    """The figures that matter most: the last split's scores, then what they cost."""
    result = run.result
    metrics = result.get("metrics", {})
    split = next((each for each in ("test", "validation", "train") if f"{each}_loss" in metrics), "")
    scores = [
        (words.label(name), words.score(name, value)) for name, value in metrics.items() if name.startswith(split)
    ]
    scores.sort(key=lambda each: each[0].endswith("loss"))
    cost = [("parameters", words.count(result["parameters"])), ("training", words.duration(result["seconds"]))]
    return (scores if split else []) + (cost if result else [])


def _facts(run: Run) -> str:
    """What happened, in a sentence."""
    result = run.result
    if not result:
        return f"The run is {run.outcome}: it has not come to its end."
    ended = {"finished": "finished"}.get(run.outcome, f"ended: {run.outcome}")
    rate = f", {words.figure(result['steps_per_second'])} a second" if result["steps_per_second"] else ""
    return (
        f"Training {ended} after {words.count(result['epochs'])} epochs and {words.count(result['steps'])} steps"
        f"{rate}, on {describe(run.recipe.training)}."
    )


def _showcase(run: Run) -> dict[str, Any]:
    """What was saved of single examples; empty for a run that has none."""
    path = run.path / folder.SHOWCASE
    if not path.is_file():
        return {}
    document = folder.read_json(path, FORMAT)
    try:
        document["arrays"] = load_file(run.path / folder.PREDICTIONS)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{run.path / folder.PREDICTIONS}", f"cannot be read: {error}") from error
    return document


def _matrix(shown: dict[str, Any]) -> NDArray[np.int64]:
    """(C, C): how many examples of each class, a row, were taken for which, a column."""
    from sklearn.metrics import confusion_matrix

    arrays = shown["arrays"]
    matrix: NDArray[np.int64] = confusion_matrix(
        arrays["target"], arrays["predicted"], labels=np.arange(len(shown["classes"]))
    )
    return matrix


def _class_scores(run: Run, shown: dict[str, Any]) -> list[dict[str, Any]]:
    if run.spec.task != "classification" or not shown:
        return []
    from sklearn.metrics import precision_recall_fscore_support

    arrays = shown["arrays"]
    names = shown["classes"]
    scores = precision_recall_fscore_support(
        arrays["target"], arrays["predicted"], labels=np.arange(len(names)), zero_division=0
    )
    rows = zip(names, *(each.tolist() for each in scores), strict=True)
    return [
        {"name": name, "precision": precision, "recall": recall, "f1": f1, "support": support}
        for name, precision, recall, f1, support in rows
    ]


def _confusion(run: Run, shown: dict[str, Any]) -> dict[str, Any]:
    """The matrix with the shade of each cell, or for many classes the pairs most often confused."""
    if run.spec.task != "classification" or not shown:
        return {}
    matrix = _matrix(shown)
    names = shown["classes"]
    off = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-off, axis=None, kind="stable")[:20]
    pairs = [(names[at // len(names)], names[at % len(names)], int(off.flat[at])) for at in order if off.flat[at]]
    if len(names) > _MOST_CLASSES:
        return {"pairs": pairs}
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    shades = np.where(matrix > 0, np.ceil(shares * 9), 0).astype(int)
    return {
        "pairs": pairs,
        "names": names,
        "rows": [
            (name, [(int(n), int(shade)) for n, shade in zip(row, dark, strict=True)])
            for name, row, dark in zip(names, matrix, shades, strict=True)
        ],
    }


def _value_charts(run: Run, shown: dict[str, Any]) -> list[dict[str, Any]]:
    if run.spec.task != "regression" or not shown or run.preprocessing.reconstruct:
        return []
    arrays = shown["arrays"]
    target, output = arrays["target"], arrays["output"]
    names = shown["targets"] or [f"value {number + 1}" for number in range(target.shape[1])]
    charts = []
    for place, name in enumerate(names[:_MOST_TARGETS]):
        truth, said = target[:, place], output[:, place]
        if "last" in arrays:
            charts.append(forecast_chart(name, truth, said, arrays["last"][:, place], arrays["index"]))
        charts += [scatter_chart(name, truth, said), residual_chart(name, truth, said)]
    return charts


def _data(run: Run) -> list[tuple[str, str]]:
    document = folder.read_json(run.path / folder.DATA, DATA_FORMAT)
    splits = ", ".join(f"{name} {words.count(number)}" for name, number in document.get("splits", {}).items())
    shapes = ", ".join(" x ".join(map(str, shape)) for shape in run.raw_spec.inputs)
    rows = [
        ("source", run.recipe.data.name or run.recipe.data.module or ""),
        ("task", run.spec.task),
        ("examples", splits),
        ("shape of an example", shapes),
        ("scaling", run.recipe.data.preprocess),
    ]
    if run.recipe.data.encoder is not None:
        rows.append(("encoder", run.recipe.data.encoder))
    crosses = run.preprocessing.crosses
    if crosses is not None:
        rows.append((f"crosses of degree {crosses.degree}", f"{len(crosses.kept):,} numbers of {crosses.features:,}"))
    if run.preprocessing.reconstruct:
        rows.append(("target", "the inputs"))
    if run.spec.classes:
        names = ", ".join(repr(each) if run.spec.vocabulary else each for each in run.spec.classes[:50])
        rows.append((f"{len(run.spec.classes)} classes", names + (", ..." if len(run.spec.classes) > 50 else "")))
    table = run.preprocessing.table
    if table is not None:
        rows.append((f"{len(table.features)} features", ", ".join(table.features[:60])))
    return rows


def _machine(run: Run) -> list[tuple[str, str]]:
    environment = run.environment
    versions = ", ".join(f"{name} {version}" for name, version in environment.get("versions", {}).items())
    cpu = environment.get("cpu", {})
    return [
        ("device", str(environment.get("device", ""))),
        ("threads", str(environment.get("threads", ""))),
        ("processor", f"{cpu.get('machine', '')}, {cpu.get('capability', '')}"),
        ("versions", versions),
    ]


def _command(run: Run) -> str:
    """What repeats the run: the recipe it keeps has everything decided."""
    recipe = run.repaired or run.path / folder.RECIPE
    return f"gradus train {shlex.quote(str(recipe.absolute()))}"
