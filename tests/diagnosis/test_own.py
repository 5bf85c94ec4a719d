"""What a program's source tells without being read closely."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from gradus.diagnosis.own import judges_by_ranking


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """What runs as a program."""
    module = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    return module


@pytest.mark.parametrize(
    ("line", "ranks"),
    [
        ("from sklearn.metrics import roc_auc_score", True),
        ("metric = torchmetrics.classification.BinaryAUROC()", True),
        ('print(f"AUC {area:.3f}")', True),
        ("score = average_precision(y, scores)", True),
        ("from sklearn.metrics import balanced_accuracy_score, f1_score, recall_score", False),
        ("sauce, process = auction(broccoli)", False),
    ],
)
def test_measures_of_ranking_are_named(main: ModuleType, tmp_path: Path, line: str, ranks: bool) -> None:
    script = tmp_path / "train.py"
    script.write_text(f"import torch\n{line}\n")
    main.__file__ = str(script)
    assert judges_by_ranking() is ranks


def test_in_a_module_of_the_program_alone(main: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "site-packages"
    installed.mkdir()
    for folder in (tmp_path, installed):
        (folder / "scoring.py").write_text("def auc(y, scores): ...\n")
    script = tmp_path / "train.py"
    script.write_text("import scoring\n")
    main.__file__ = str(script)
    assert not judges_by_ranking()
    scoring = ModuleType("scoring")
    monkeypatch.setitem(sys.modules, "scoring", scoring)
    scoring.__file__ = str(installed / "scoring.py")
    assert not judges_by_ranking()
    scoring.__file__ = str(tmp_path / "scoring.py")
    assert judges_by_ranking()


def test_in_a_notebook_by_its_names(main: ModuleType) -> None:
    assert not judges_by_ranking()
    vars(main)["roc_auc_score"] = print
    assert judges_by_ranking()
