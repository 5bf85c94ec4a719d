"""How good outputs are, by scikit-learn's measures."""

import numpy as np
from torch import Tensor

from gradus.core.spec import Task

NAMES: dict[Task, tuple[str, ...]] = {"classification": ("accuracy", "f1"), "regression": ("rmse", "mae", "r2")}


def metrics(task: Task, output: Tensor, target: Tensor, *, pooled: bool = False) -> dict[str, float]:
    """Scores of `output` (N, C), (N, T, C) or (N, K) against `target` (N,), (N, T) or (N, K).

    Classification: `accuracy`, and `f1` averaged over the classes. Regression: `rmse`, `mae`, and `r2` where there are
    two examples or more: means over the values of a target, or of all of them `pooled`, in which a value that is
    constant, and has no `r2`, changes little. Empty where the output is not finite.
    """
    from sklearn import metrics as scores

    truth = target.cpu().numpy()
    given = output.float().cpu().numpy()
    if not np.isfinite(given).all():
        return {}
    if task == "classification":
        predicted, truth = given.argmax(axis=-1).ravel(), truth.ravel()
        return {
            "accuracy": float(scores.accuracy_score(truth, predicted)),
            "f1": float(scores.f1_score(truth, predicted, average="macro", zero_division=0)),
        }
    flat = (truth.ravel(), given.ravel()) if pooled else (truth, given)
    values = {
        "rmse": float(scores.root_mean_squared_error(*flat)),
        "mae": float(scores.mean_absolute_error(*flat)),
    }
    if len(truth) > 1:
        average = "variance_weighted" if pooled else "uniform_average"
        values["r2"] = float(scores.r2_score(truth, given, multioutput=average))
    return values
