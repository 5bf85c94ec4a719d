"""Numbers as people read them."""

import math


def percent(share: float) -> str:
    """92.5 %."""
    return f"{100 * share:.1f} %" if math.isfinite(share) else "not finite"


def count(number: int) -> str:
    """1,234."""
    return f"{number:,}"


def figure(value: float) -> str:
    """Four significant digits, without an exponent where that reads well."""
    if not math.isfinite(value):
        return "not finite"
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:.2e}"


def duration(seconds: float) -> str:
    """3 min 20 s."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    said = [f"{number} {unit}" for number, unit in parts if number]
    return " ".join(said[:2])


def score(name: str, value: float) -> str:
    """A score in its usual form: shares as percentages, the others as numbers."""
    return percent(value) if name.endswith(("accuracy", "f1")) else figure(value)


def label(name: str) -> str:
    """``validation_f1`` as "validation F1"."""
    special = {"f1": "F1", "rmse": "RMSE", "mae": "MAE", "r2": "R²"}
    return " ".join(special.get(each, each) for each in name.replace(".", ": ").split("_"))
