"""What the source of the program under watch tells, without reading it closely."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

_RANKING = re.compile(
    r"(?<![a-z])(?:auc|auroc|aupr|auprc|roc|gini|ndcg|brier|log_loss)(?![a-z])"
    r"|AUC|AUROC|average_precision|AveragePrecision|precision_recall_curve"
)


def own_modules(roots: Iterable[str]) -> list[Path]:
    """Files of loaded modules below one of these folders; what is installed below them is not the program's own."""
    beginnings = tuple(roots)
    files = [getattr(each, "__file__", None) for each in list(sys.modules.values())]
    return sorted({Path(each) for each in files if isinstance(each, str) and is_own(each, beginnings)})


def is_own(file: str, roots: tuple[str, ...]) -> bool:
    """Whether it is source below one of these folders."""
    return file.startswith(roots) and file.endswith(".py") and "/site-packages/" not in file


def judges_by_ranking() -> bool:
    """Whether the program names a measure of how well it ranks, or of its probabilities, as the area under a curve.

    Of such a network no threshold is asked: none of its rare examples needs to be likelier than not.
    """
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    if file is None:  # a notebook: what it has imported, and named
        return any(map(_RANKING.search, vars(main))) if main is not None else False
    files = [Path(file), *own_modules([f"{Path(file).resolve().parent}/"])]
    return any(_RANKING.search(each.read_text(errors="ignore")) for each in files if each.is_file())
