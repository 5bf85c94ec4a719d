"""A user's mistakes: each is told in one line that says what to do, with exit code 2, and nothing is written."""

import gzip
import json
import struct
from pathlib import Path

import numpy as np
import pytest

from tests.cli.command import run_gradus
from tests.end_to_end.mistakes import Make, assert_told


def recipe(text: str) -> Make:
    def make(folder: Path) -> list[str]:
        (folder / "r.toml").write_text(text)
        return ["train", "r.toml"]

    return make


def model(code: str) -> Make:
    def make(folder: Path) -> list[str]:
        (folder / "net.py").write_text(f"import torch\nfrom torch import nn\n{code}\n")
        return ["train", "--model", "net.py:Net"]

    return make


def arrays(x: object, y: object, *arguments: str) -> Make:
    def make(folder: Path) -> list[str]:
        np.savez(folder / "set.npz", x=np.asarray(x), y=np.asarray(y))
        return ["train", "--data", "set.npz", "--model", "mlp", *arguments]

    return make


def idx(announced: int, held: int) -> Make:
    def make(folder: Path) -> list[str]:
        place = folder / "mnist"
        place.mkdir()
        header = struct.pack(">HBB3I", 0, 8, 3, announced, 4, 4)
        with gzip.open(place / "train-images-idx3-ubyte.gz", "wb") as stream:
            stream.write(header + bytes(16 * held))
        (place / "train-labels-idx1-ubyte").write_bytes(struct.pack(">HBBI", 0, 8, 1, held) + bytes(held))
        return ["train", "--data", "mnist"]

    return make


def folder_with(name: str, content: str | None) -> Make:
    def make(folder: Path) -> list[str]:
        (folder / "thing").mkdir()
        if content is not None:
            (folder / "thing" / name).write_text(content)
        return ["train", "--run", "thing"]

    return make


def empty_folder(folder: Path) -> list[str]:
    (folder / "empty").mkdir()
    return ["train", "--data", "empty"]


def user_file(name: str, code: str) -> Make:
    def make(folder: Path) -> list[str]:
        (folder / name).write_text(code)
        return ["train", "--model", "mlp"]

    return make


def user_loss(code: str) -> Make:
    return lambda folder: [*user_file("loss.py", code)(folder), "--criterion", "loss.py:loss"]


LINEAR = "class Net(nn.Sequential):\n    def __init__(self):\n        super().__init__(nn.Flatten(), {})"
TEN = np.arange(40.0).reshape(20, 2)
TWO_CLASSES = np.tile([0, 1], 10)
COMPLETE = """
[data]
name = "digits"
[model]
name = "mlp"
[criterion]
name = "cross_entropy"
[optimizer]
name = "sgd"
"""

CASES: dict[str, tuple[Make, str]] = {
    # the command line
    "no such option": (lambda f: ["train", "--epoch", "3"], "No such option: --epoch"),
    "no such verb": (lambda f: ["trian"], "No such command 'trian'"),
    "a word for a number": (lambda f: ["train", "--epochs", "many"], "Invalid value for '--epochs'"),
    "setting without value": (lambda f: ["train", "--set", "training.epochs"], "must look like `section.field=value`"),
    "unknown shipped recipe": (lambda f: ["train", "digits-lnet"], "Did you mean `digits-lenet`"),
    "missing recipe file": (lambda f: ["train", "my.toml"], "no such file"),
    "unknown language": (lambda f: ["--lang", "fr", "models"], "must be `en` or `zh`, got `fr`"),
    "changing a resumed run": (
        lambda f: ["train", "--resume", "x", "--epochs", "9"],
        "it cannot change training.epochs",
    ),
    "changing a resumed run's seed to 0": (lambda f: ["train", "--resume", "x", "--seed", "0"], "cannot change seed"),
    "resuming nothing": (lambda f: ["train", "--resume", "runs/none"], "no such folder"),
    # fields, types, names
    "wrong field": (lambda f: ["train", "--set", "training.epoch=3"], "Did you mean `epochs`?"),
    "wrong type": (lambda f: ["train", "--set", 'training.epochs="3"'], "should be a valid integer"),
    "out of range": (lambda f: ["train", "--epochs", "0"], "greater than or equal to 1, got 0"),
    "unknown model": (lambda f: ["train", "--model", "lenet"], "Did you mean `lenet5`"),
    "unknown option of a model": (lambda f: ["train", "--set", "model.activations=relu"], "Did you mean `activation`?"),
    "unknown optimizer": (lambda f: ["train", "--optimizer", "adamv"], "Did you mean `adam"),
    "negative rate": (lambda f: ["train", "--lr", "-0.1"], "greater than 0"),
    "unknown schedule": (lambda f: ["train", "--set", "schedule.name=cosin"], "Did you mean `cosine`?"),
    "unknown augmentation": (lambda f: ["train", "--set", 'data.augment=["flipp"]'], "data.augment: unknown name"),
    "monitoring nothing": (
        lambda f: ["train", "--set", "training.early_stopping={monitor='validation_acc'}"],
        "validation_accuracy",
    ),
    "early stopping without validation": (
        lambda f: ["train", "--set", "training.keep=best", "--set", "data.validation=0.0"],
        "needs a validation split",
    ),
    "a device that is not there": (lambda f: ["train", "--device", "cuda:63"], "must be a device of this machine"),
    "not TOML": (recipe("seed = = 1"), "is not valid TOML"),
    "missing table": (recipe("[data]\nname = 'digits'"), "option `model` must be given"),
    "newer schema": (recipe("schema = 9" + COMPLETE), "newer than the 1 known here"),
    # data
    "missing data": (lambda f: ["train", "--data", "./absent"], "no such file or folder"),
    "empty folder": (empty_folder, "is an empty folder"),
    "unknown format": (lambda f: [*folder_with("a.xyz", "?")(f)[:1], "--data", "thing"], "is in no known format"),
    "header that announces more": (idx(announced=30, held=20), "its header announces 30x4x4"),
    "header that announces less": (idx(announced=10, held=20), "its header announces 10x4x4"),
    "NaN": (arrays([[1.0, np.nan]] * 20, TWO_CLASSES), "example 0 holds nan"),
    "one class": (arrays(TEN, [1] * 20), "needs two classes or more"),
    "negative label": (arrays(TEN, [-1, *TWO_CLASSES[1:]]), "example 0 has -1"),
    "lengths that differ": (arrays(TEN, TWO_CLASSES[:-1]), "x has 20 examples and y 19"),
    "text for numbers": (arrays([["a", "b"]] * 20, TWO_CLASSES), "must hold numbers"),
    "too few for a validation split": (arrays(TEN[:4], [0, 1, 0, 1]), "too few examples"),
    "augmenting a table": (arrays(TEN, TWO_CLASSES, "--set", 'data.augment=["shift"]'), "is for images"),
    "a table for a convolution": (arrays(TEN, TWO_CLASSES, "--model", "lenet5"), "model `lenet5`"),
    "data file that raises": (
        lambda f: [*user_file("data.py", "def make():\n    return open('gone.csv')")(f), "--data", "data.py:make"],
        "raises FileNotFoundError",
    ),
    "data file that returns something else": (
        lambda f: [*user_file("data.py", "def make():\n    return 3")(f), "--data", "data.py:make"],
        "must return (x, y)",
    ),
    # what does not fit together
    "criterion for another task": (lambda f: ["train", "--criterion", "mse"], "is for regression"),
    "model for another task": (lambda f: ["train", "--model", "linear_regression"], "is for regression"),
    "targets for another criterion": (arrays(TEN, TEN[:, :1]), "is for classification"),
    "model file that is missing": (lambda f: ["train", "--model", "gone.py:Net"], "no such file"),
    "callable that is missing": (lambda f: [*model("class Nett(nn.Module): ...")(f)], "Did you mean `Nett`?"),
    "model file that raises": (model("1 / 0"), "raises ZeroDivisionError on import"),
    "no module": (model("def Net(): return 3"), "must make a torch.nn.Module, got `int`"),
    "nothing to train": (model("Net = nn.Flatten"), "model `Net`: must give (2, 10)"),
    "too few outputs": (model(LINEAR.format("nn.Linear(64, 5)")), "must give (2, 10) for 2 examples and 10 classes"),
    "wrong number of inputs": (model(LINEAR.format("nn.Linear(63, 10)")), "cannot take examples of shape (1, 8, 8)"),
    "frozen network": (
        model("def Net():\n    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).requires_grad_(False)"),
        "none that requires a gradient",
    ),
    "a batch of one for batch norm": (
        lambda f: [*model(LINEAR.format("nn.Linear(64, 10), nn.BatchNorm1d(10)"))(f), "--batch-size", "1"],
        "leaves a batch of one example",
    ),
    "a loss for each example": (
        user_loss("def loss(output, target):\n    return output.sum(dim=1)"),
        "must return one number as a tensor, got (2,)",
    ),
    "a loss that raises": (user_loss("def loss(output, target):\n    return output - target"), "criterion `loss`"),
    "a model that fails in training mode only": (
        model(
            "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.layer = nn.Linear(64, 10)\n    def forward(self, x):\n"
            "        assert not self.training, 'no training'\n        return self.layer(x.flatten(1))"
        ),
        "fails in training mode: AssertionError: no training",
    ),
    "a loss without a graph": (
        user_loss(
            "from torch.nn.functional import mse_loss\ndef loss(output, target):\n"
            "    return mse_loss(output.argmax(1).float(), target.float())"
        ),
        "its loss depends on no parameter",
    ),
    "nesterov without momentum": (
        lambda f: ["train", "--optimizer", "sgd", "--set", "optimizer.nesterov=true"],
        "`nesterov` is a kind of momentum",
    ),
    "a slip for the number of classes": (
        lambda f: ["train", "--set", "model.num_classes=10"],
        "unknown option `num_classes`",
    ),
    "a schedule of one's own": (lambda f: ["train", "--set", "schedule.module='a.py:b'"], "takes a `name`"),
    "somebody else's home": (lambda f: ["train", "--data", "~nobody-here/x.npz"], "there is no such user"),
    "a piece of one for batch norm": (
        lambda f: [
            *model(LINEAR.format("nn.Linear(64, 10), nn.BatchNorm1d(10)"))(f),
            *("--batch-size", "10", "--set", "training.accumulate=4", "--set", "data.test=0.1"),
        ],
        "leaves a batch of one example",
    ),
    "batches larger than the set": (
        lambda f: ["train", "--batch-size", "5000", "--set", "training.drop_last=true"],
        "must not exceed the",
    ),
    # run folders
    "foreign folder": (folder_with("thesis.txt", "mine"), "is something else, not a run folder"),
    "a file": (lambda f: ["train", "--run", str(Path(__file__))], "is something else"),
    "predicting without a run": (lambda f: ["predict", "runs/none", "1"], "no such folder"),
    "one member": (lambda f: ["train", "--members", "1"], "`ensemble.members` should be greater than or equal to 2"),
    "bagging alone": (lambda f: ["train", "--bagging"], "option `ensemble.members` must be given"),
    "unknown model card": (lambda f: ["models", "lenet"], "Did you mean"),
    "unknown data": (lambda f: ["data", "digit"], "Did you mean `digits`?"),
}


@pytest.mark.parametrize("name", CASES)
def test_is_told_in_one_line_and_leaves_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_told(*CASES[name], tmp_path, monkeypatch, capsys)


def test_an_error_of_ours_is_called_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("gradus.models.models.cards", lambda: 1 / 0)
    done = run_gradus(capsys, monkeypatch, "models", "--json")
    assert done.code == 70
    assert "an error of gradus itself, ZeroDivisionError" in done.err
    assert "report" in done.err


def test_debug_shows_where(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["gradus", "--debug", "models", "lenet"])
    from gradus.cli.main import main
    from gradus.core.errors import InputError

    with pytest.raises(InputError):
        main()
    assert json.dumps(capsys.readouterr().out) == '""'


def test_a_language_that_is_none_is_told_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADUS_LANG", "de")
    done = run_gradus(capsys, monkeypatch, "train")
    assert (done.code, list(tmp_path.iterdir())) == (2, [])
    assert "GRADUS_LANG: must be `en` or `zh`, got `de`" in done.err


def test_no_verb_shows_the_help(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    done = run_gradus(capsys, monkeypatch)
    assert done.code == 0
    assert len(done.out.splitlines()) > 10
    assert "predict" in done.out
