"""Changes to examples as a person uses them, with data of every kind."""

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradus
from gradus.core.errors import InputError
from gradus.training.train import resume
from tests.end_to_end.processes import fresh
from tests.end_to_end.recipes import TRAINING, weights
from tests.end_to_end.test_same_bits import Signal

HOOK = """
def swap(texts, u):
    return [text.replace("cat", "dog") if draw < 0.5 else text for text, draw in zip(texts, u)]
"""


@pytest.fixture
def rewritten(tmp_path: Path) -> dict[str, Any]:
    """A recipe for text whose animals change."""
    (tmp_path / "words.py").write_text(HOOK)
    (tmp_path / "t.txt").write_text("the cat saw a dog, and the dog saw a cat. " * 30)
    return {
        "data": {
            "name": str(tmp_path / "t.txt"),
            "window": 8,
            "augment": [{"name": "rewrite", "module": f"{tmp_path / 'words.py'}:swap"}],
        },
        "model": {"name": "neural_lm"},
        "criterion": {"name": "cross_entropy"},
        "optimizer": {"name": "adamw"},
        "training": TRAINING,
    }


def test_rewritten_text_goes_on_only_when_its_code_is_trusted(tmp_path: Path, rewritten: dict[str, Any]) -> None:
    reference = gradus.train(rewritten, run=tmp_path / "reference")
    plain = gradus.train(rewritten | {"data": rewritten["data"] | {"augment": []}}, run=tmp_path / "plain")
    assert weights(reference) != weights(plain)
    streamed = rewritten | {"training": TRAINING | {"stream": True}}
    assert weights(gradus.train(streamed, run=tmp_path / "streamed")) == weights(reference)
    gradus.train(rewritten, run=tmp_path / "run", callbacks=[Signal(signal.SIGINT, step=5)])
    (tmp_path / "words.py").write_text("raise SystemError('not any more')")
    with pytest.raises(InputError, match=r"its data.augment.0 is code of its own \(.*words.py:swap\).*--trust"):
        resume(tmp_path / "run")
    assert weights(resume(tmp_path / "run", trust=True)) == weights(reference)  # from the copy


def test_a_hook_that_fails_halfway_in_a_worker_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "words.py").write_text(
        "def f(texts, u):\n    return [t + 'Z' if x > 0.99 else t for t, x in zip(texts, u)]"
    )
    (tmp_path / "t.txt").write_text("to be or not to be, that is the question. " * 60)
    augment = f"data.augment=[{{name='rewrite', module='{tmp_path / 'words.py'}:f'}}]"
    settings = [f"--set={each}" for each in (augment, "training.stream=true", "training.workers=2")]
    data = ["--data", tmp_path / "t.txt", "--model", "neural_lm", "--run", tmp_path / "run"]
    done = fresh("train", *data, "--epochs", 2, "--quiet", *settings)
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert line.endswith("must write in the symbols of the training text, got `Z`. Replace or drop them.")


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_tables_can_be_mixed_and_blurred(tmp_path: Path, task: str) -> None:
    x = np.random.default_rng(0).normal(size=(500, 3))
    y = (x[:, 0] > 0).astype(int) if task == "classification" else 100 + 50 * x[:, 0]
    np.savez(tmp_path / "set.npz", x=x, y=y)
    recipe = {
        "data": {"name": str(tmp_path / "set.npz"), "augment": ["mixup", {"name": "noise", "by": 0.02}]},
        "model": {"name": "mlp", "hidden": [16]},
        "criterion": {"name": "cross_entropy" if task == "classification" else "mse"},
        "optimizer": {"name": "adamw", "lr": 0.02},
        "training": TRAINING | {"epochs": 60, "batch_size": 32},
    }
    run = gradus.train(recipe, run=tmp_path / "run")
    if task == "classification":
        assert run.result["metrics"]["test_accuracy"] > 0.9
    else:
        assert run.result["metrics"]["test_mae"] < 10  # of values with a deviation of 50


def test_a_table_of_categories_can_be_mixed(tmp_path: Path) -> None:
    rows = [f"{n},{'red' if n % 2 else 'blue'},{'yes' if n % 2 else 'no'}" for n in range(80)]
    (tmp_path / "t.csv").write_text("\n".join(["size,colour,target", *rows]))
    recipe = {
        "data": {"name": str(tmp_path / "t.csv"), "target": "target", "augment": ["mixup"]},
        "model": {"name": "mlp", "hidden": [16]},
        "criterion": {"name": "cross_entropy"},
        "optimizer": {"name": "adamw", "lr": 0.02},
        "training": TRAINING | {"epochs": 30, "batch_size": 16},
    }
    assert gradus.train(recipe, run=tmp_path / "run").result["metrics"]["test_accuracy"] == 1
