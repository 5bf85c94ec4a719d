"""What the page's charts show, as JSON for its script: every chart a list of columns that share the first as x."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradus.report.words import figure, label, score

Curves = Mapping[str, Sequence[tuple[int, float]]]
_MOST_POINTS = 2000
_FORECAST = 500


def curve_charts(curves: Curves) -> list[dict[str, Any]]:
    """Loss, each metric that validation has, and the learning rate, over steps."""
    groups: dict[str, list[str]] = {}
    for name in curves:
        kind = "learning rate" if name.startswith("learning_rate") else name.split("_", 1)[-1].split(".")[-1]
        groups.setdefault(kind, []).append(name)
    order = ["loss", "accuracy", "f1", "rmse", "mae", "r2"]
    kinds = sorted(
        groups, key=lambda kind: (order.index(kind) if kind in order else len(order), kind == "learning rate")
    )
    return [_curve_chart(kind, {name: curves[name] for name in groups[kind]}) for kind in kinds]


def _curve_chart(kind: str, curves: Curves) -> dict[str, Any]:
    steps = sorted({step for points in curves.values() for step, _ in points})
    columns = [[dict(points).get(step) for step in steps] for points in curves.values()]
    names = list(curves)
    said = "; ".join(
        f"{label(name)} from {score(name, points[0][1])} to {score(name, points[-1][1])}"
        for name, points in curves.items()
        if points
    )
    return {
        "title": label(kind).capitalize() if kind not in ("f1", "rmse", "mae", "r2") else label(kind),
        "said": f"{said}, over {steps[-1]:,} steps." if steps else "",
        "x": "step",
        "style": "line",
        "names": [label(name) for name in names],
        "data": [steps, *columns],
    }


def scatter_chart(name: str, target: NDArray[Any], output: NDArray[Any]) -> dict[str, Any]:
    """Predictions against targets, and the line where they would be equal."""
    order = np.argsort(target, kind="stable")
    if len(order) > _MOST_POINTS:
        order = order[np.linspace(0, len(order) - 1, _MOST_POINTS).astype(int)]
    x, y = target[order], output[order]
    correlation = float(np.corrcoef(target, output)[0, 1]) if len(target) > 1 and target.std() and output.std() else 1.0
    return {
        "title": f"{name}: predicted against true",
        "said": f"{len(order):,} examples; the correlation is {figure(correlation)}.",
        "x": "true",
        "style": "points",
        "names": ["predicted", "as it should be"],
        "data": [x.tolist(), y.tolist(), x.tolist()],
    }


def residual_chart(name: str, target: NDArray[Any], output: NDArray[Any]) -> dict[str, Any]:
    """How often the prediction was off by how much."""
    errors = output.astype(np.float64) - target
    counts, edges = np.histogram(errors, bins=min(40, max(5, int(np.sqrt(len(errors))))))
    return {
        "title": f"{name}: errors",
        "said": f"Mean error {figure(float(errors.mean()))}, deviation {figure(float(errors.std()))}.",
        "x": "predicted less true",
        "style": "bars",
        "names": ["examples"],
        "data": [((edges[1:] + edges[:-1]) / 2).tolist(), counts.tolist()],
    }


def forecast_chart(
    name: str, target: NDArray[Any], output: NDArray[Any], last: NDArray[Any], index: NDArray[Any]
) -> dict[str, Any]:
    """The end of a series: what came, what was forecast, and the last value known when it was."""
    some = slice(-_FORECAST, None)
    root = [float(np.sqrt(((each.astype(np.float64) - target) ** 2).mean())) for each in (output, last)]
    return {
        "title": f"{name}: forecast",
        "said": f"The last {len(target[some]):,} of {len(target):,} forecasts. Over all of them the error (RMSE) is "
        f"{figure(root[0])}; that of the last value is {figure(root[1])}.",
        "x": "example",
        "style": "line",
        "names": ["true", "forecast", "last value"],
        "data": [index[some].tolist(), *(each[some].tolist() for each in (target, output, last))],
    }
