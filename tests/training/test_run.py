import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_digits

import gradus
from gradus.core.errors import InputError
from gradus.training.prediction import predict
from gradus.training.train import resume
from tests.end_to_end.recipes import digits, weights

# Leaves a mark wherever it is executed.
CODE = """
from pathlib import Path
from torch import nn

with Path({mark!r}).open("a") as stream:
    stream.write("x")

class Scale(nn.Module):
    pass

def make(spec):
    return nn.Sequential(nn.Flatten(), nn.Linear(spec.features, spec.outputs))

class Loss(nn.CrossEntropyLoss):
    pass
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> gradus.Run:
    return gradus.train(digits(), run=tmp_path_factory.mktemp("finished") / "run")


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "mark"


@pytest.fixture
def foreign(tmp_path: Path, mark: Path) -> gradus.Run:
    """A run of someone's own code, as it lies there in a later process."""
    code = tmp_path / "code.py"
    code.write_bytes(CODE.format(mark=str(mark)).replace("\n", "\r\n").encode())
    parts: dict[str, Any] = {"model": {"module": f"{code}:make"}, "criterion": {"module": f"{code}:Loss"}}
    run = gradus.train(digits(epochs=1) | parts, run=tmp_path / "run")
    mark.unlink()
    return run


def test_what_a_run_tells(finished: gradus.Run) -> None:
    run = gradus.load_run(str(finished.path))
    assert run.outcome == "finished"
    assert {each["severity"] for each in run.findings} <= {"notice"}  # three epochs are few, and it may say so
    assert run.result["steps"] == 33
    assert [step for step, _ in run.curves["train_loss"]] == [11, 22, 33]
    assert {"validation_accuracy", "learning_rate"} <= run.curves.keys()
    assert run.spec.outputs == 10
    assert run.recipe.training.epochs == 3


def test_the_network_is_the_one_trained(finished: gradus.Run) -> None:
    model = finished.model()
    assert not any(each.training for each in model.modules())
    assert model.state_dict().keys() == {"hidden1.weight", "hidden1.bias", "output.weight", "output.bias"}
    bunch = load_digits()
    images = (bunch.images[:200, None] * (255 / 16)).round().astype("uint8")
    found = list(predict(finished, ((str(number), (each,)) for number, each in enumerate(images))))
    right = sum(each.value == str(target) for each, target in zip(found, bunch.target, strict=False))
    assert right > 120  # chance gives 20


def test_a_run_without_weights_says_how_to_get_them(finished: gradus.Run, tmp_path: Path) -> None:
    shutil.copytree(finished.path, tmp_path / "run")
    (tmp_path / "run" / "model.safetensors").unlink()
    run = gradus.load_run(tmp_path / "run")
    with pytest.raises(InputError, match=r"has no weights yet\. Continue it with `gradus train --resume"):
        run.model()


@pytest.mark.parametrize("content", [b"", b"\xff" * 100])
def test_damaged_weights(finished: gradus.Run, tmp_path: Path, content: bytes) -> None:
    shutil.copytree(finished.path, tmp_path / "run")
    (tmp_path / "run" / "model.safetensors").write_bytes(content)
    with pytest.raises(InputError, match=r"model\.safetensors: cannot be loaded into the model"):
        gradus.load_run(tmp_path / "run").model()


def test_reading_a_run_executes_nothing(foreign: gradus.Run, mark: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _forget(monkeypatch)
    run = gradus.load_run(foreign.path)
    assert run.outcome == "finished"
    assert run.curves
    assert run.result
    assert run.recipe.model.label == "make"
    assert not mark.exists()


def test_nothing_is_executed_without_trust(
    foreign: gradus.Run, tmp_path: Path, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _forget(monkeypatch)
    for refused in (
        foreign.model,
        lambda: list(predict(foreign, [])),
        lambda: resume(_unfinished(foreign, tmp_path / "unfinished")),
    ):
        with pytest.raises(InputError, match=r"is code of its own .* say so with --trust; it will be executed"):
            refused()
    assert not mark.exists()
    foreign.model(trust=True)
    assert mark.read_text() == "x"


def test_the_copy_serves_where_the_original_is_gone_or_changed(
    foreign: gradus.Run, tmp_path: Path, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = weights(foreign)
    _forget(monkeypatch)
    (tmp_path / "code.py").write_text("raise SystemExit('changed')")
    foreign.model(trust=True)
    mark.unlink()
    (tmp_path / "code.py").unlink()
    resumed = resume(_unfinished(foreign, tmp_path / "unfinished"), trust=True)
    assert weights(resumed) == first
    assert mark.read_text() == "x"  # once: the file that names two parts is one module


def test_a_copy_that_was_changed_is_not_executed(
    foreign: gradus.Run, tmp_path: Path, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _forget(monkeypatch)
    (tmp_path / "code.py").unlink()
    (copy,) = (foreign.path / "code").rglob("*.py")
    copy.write_text(copy.read_text() + "\n# more")
    with pytest.raises(InputError, match="and the copy kept of it are gone or changed"):
        foreign.model(trust=True)
    assert not mark.exists()


def test_a_folder_cannot_name_a_file_elsewhere_without_its_hash(
    finished: gradus.Run, tmp_path: Path, mark: Path
) -> None:
    """A run folder from elsewhere that points at a file of this machine."""
    victim = tmp_path / "victim.py"
    victim.write_text(CODE.format(mark=str(mark)))
    shutil.copytree(finished.path, tmp_path / "run")
    recipe = tmp_path / "run" / "recipe.toml"
    document = gradus.Recipe.read(recipe).to_dict() | {"model": {"module": f"{victim}:make"}}
    recipe.write_text(gradus.Recipe.from_dict(document).to_toml())
    run = gradus.load_run(tmp_path / "run")
    for trust in (False, True):
        with pytest.raises(InputError):
            run.model(trust=trust)
    assert not mark.exists()


def test_where_the_code_is_kept(foreign: gradus.Run) -> None:
    kept = json.loads((foreign.path / "environment.json").read_text())["code"]
    assert kept.keys() == {"model", "criterion"}
    assert kept["model"]["copy"] == kept["criterion"]["copy"]
    content = (foreign.path / kept["model"]["copy"]).read_bytes()
    assert b"\r\n" in content


def test_class_weights_and_own_penalties_resume_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "price.py"
    code.write_text("def price(weight, strength):\n    return strength * weight.square().sum()\n")
    parts: dict[str, Any] = {
        "criterion": {"name": "focal", "class_weights": "balanced"},
        "penalties": [{"name": "l1", "strength": 1e-3}, {"module": f"{code}:price", "strength": 1e-2}],
    }
    run = gradus.train(digits(epochs=2, checkpoint_every=7) | parts, run=tmp_path / "run")
    _forget(monkeypatch)
    unfinished = _unfinished(run, tmp_path / "unfinished")
    with pytest.raises(InputError, match=r"its penalties\.1 is code of its own"):
        resume(unfinished)
    code.unlink()  # the copy serves
    assert weights(resume(unfinished, trust=True)) == weights(run)


def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process: no module of the user's is loaded."""
    for name in [each for each in sys.modules if each.startswith("gradus_user_")]:
        monkeypatch.delitem(sys.modules, name)


def _unfinished(run: gradus.Run, path: Path) -> Path:
    """`run` as it was just before its database was begun."""
    return Path(shutil.copytree(run.path, path, ignore=shutil.ignore_patterns("model.safetensors", "run.sqlite")))
