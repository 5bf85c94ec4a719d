"""The verbs as scripts use them: their JSON, their exit codes, what they leave."""

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import gradus
from tests.cli.command import run_gradus

QUICK = ["--model", "mlp", "--epochs", "8", "--set", "training.threads=1"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> gradus.Run:
    recipe = {
        "data": {"name": "digits"},
        "model": {"name": "mlp"},
        "criterion": {"name": "cross_entropy"},
        "optimizer": {"name": "adamw", "lr": 3e-3},
        "training": {"epochs": 12, "threads": 1},
    }
    return gradus.train(recipe, run=tmp_path_factory.mktemp("runs") / "mlp")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_train_prints_the_promised_document(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done = run_gradus(capsys, monkeypatch, "train", *QUICK, "--json")
    assert done.code == 0
    document = json.loads(done.out)
    assert document.keys() == {
        *("run", "model", "data", "epochs", "steps", "seconds", "steps_per_second"),
        *("parameters", "metrics", "findings", "causes", "report"),
    }
    assert (document["model"], document["data"], document["epochs"]) == ("mlp", "digits", 8)
    assert document["run"] == "runs/mlp-digits-1"
    assert document["parameters"] == 64 * 128 + 128 + 128 * 10 + 10
    assert {"train_loss", "validation_loss", "validation_accuracy", "test_accuracy"} <= document["metrics"].keys()
    assert "epoch 8/8" in done.err
    left = {each.name for each in (tmp_path / "runs" / "mlp-digits-1").iterdir()}
    assert {"recipe.toml", "environment.json", "run.sqlite", "checkpoints", "model.safetensors"} <= left
    assert "run.sqlite-wal" not in left


def test_train_counts_its_folders_and_quiet_says_only_the_result(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        done = run_gradus(capsys, monkeypatch, "train", *QUICK, "--epochs", "1", "--quiet")
        assert (done.code, done.err) == (0, "")
        assert f"runs/mlp-digits-{number}" in done.out


def test_train_saves_the_recipe_it_ran_with_everything_decided(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_gradus(capsys, monkeypatch, "train", *QUICK, "--epochs", "1", "--quiet", "--lr", "0.01", "--batch-size", "full")
    saved = gradus.load_run("runs/mlp-digits-1").recipe
    assert saved.optimizer.options["lr"] == 0.01
    assert saved.training.batch_size == "full"
    assert saved.training.device in ("cpu", "cuda")
    assert saved.training.threads == 1
    again = run_gradus(capsys, monkeypatch, "train", "runs/mlp-digits-1/recipe.toml", "--quiet")
    assert again.code == 0


def test_a_finished_run_is_not_continued(
    trained: gradus.Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run_gradus(capsys, monkeypatch, "train", "--resume", trained.path, "--quiet")
    assert done.code == 0
    assert "already finished" in done.err


def test_a_loss_that_is_not_finite_is_a_finding_in_both_languages(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for language, words in (("en", "not a finite number"), ("zh", "不再是有限数值")):
        diverging = ["--optimizer", "sgd", "--lr", "1e30", "--quiet", "--json", "--lang", language]
        done = run_gradus(capsys, monkeypatch, "train", *QUICK, *diverging)
        assert done.code == 1
        document = json.loads(done.out)
        (finding,) = document["findings"]
        assert (finding["symptom"], finding["severity"]) == ("non-finite", "critical")
        assert words in finding["message"]
        assert finding["remedies"][0]["id"] == "lower-learning-rate"
        assert "test_accuracy" not in document["metrics"]
        assert isinstance(finding["since_step"], int)


def test_users_own_parts_train_resume_and_predict_only_when_trusted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(
        "import numpy as np\nfrom torch import nn, optim\n"
        "def data(n=60):\n    x = np.random.default_rng(0).normal(size=(n, 3))\n"
        "    return {'x': x, 'y': (x.sum(1) > 0).astype(int), 'classes': ['down', 'up']}\n"
        "def net(spec, width=4):\n"
        "    return nn.Sequential(nn.Linear(spec.features, width), nn.ReLU(), nn.Linear(width, spec.outputs))\n"
        "def loss(output, target):\n    return nn.functional.cross_entropy(output, target)\n"
        "def algorithm(parameters, lr=0.05):\n    return optim.Rprop(parameters, lr=lr)\n"
    )
    parts = ["--model", "mine.py:net", "--data", "mine.py:data", "--criterion", "mine.py:loss"]
    arguments = ["train", *parts, "--optimizer", "mine.py:algorithm", "--epochs", "5"]
    done = run_gradus(capsys, monkeypatch, *arguments, "--quiet", "--json", "--set", "schedule.name=constant")
    assert done.code == 0, done.err
    run = json.loads(done.out)["run"]
    assert [each.name for each in (tmp_path / run / "code").glob("*/*")] == ["mine.py"]
    refused = run_gradus(capsys, monkeypatch, "predict", run, "[1, 1, 1]")
    assert refused.code == 2
    assert "--trust" in refused.err
    (tmp_path / "mine.py").write_text("raise SystemError('not any more')")
    trusted = run_gradus(capsys, monkeypatch, "predict", run, "[1, 1, 1]", "--trust", "--json")
    assert json.loads(trusted.out)[0]["prediction"] in ("down", "up")


def test_predict_reads_files_folders_and_arrays(
    trained: gradus.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bunch = load_digits()
    pixels = np.round(bunch.images[:20] * (255 / 16)).astype(np.uint8)
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{number:02}.png")
    np.save(tmp_path / "all.npy", pixels)
    from_folder = run_gradus(capsys, monkeypatch, "predict", trained.path, folder, "--json")
    from_array = run_gradus(capsys, monkeypatch, "predict", trained.path, "all.npy", "--json")
    as_json = run_gradus(capsys, monkeypatch, "predict", trained.path, json.dumps(pixels[0].tolist()), "--json")
    first, second = json.loads(from_folder.out), json.loads(from_array.out)
    assert [each["prediction"] for each in first] == [each["prediction"] for each in second]
    assert np.mean([int(each["prediction"]) == y for each, y in zip(first, bunch.target[:20], strict=True)]) > 0.8
    assert (first[3]["input"], second[3]["input"]) == (str(folder / "03.png"), "all.npy#3")
    assert json.loads(as_json.out)[0]["probabilities"] == pytest.approx(first[0]["probabilities"], abs=1e-6)
    for each in first:
        assert sum(each["probabilities"].values()) == pytest.approx(1.0)


def test_predict_prints_csv_otherwise(
    trained: gradus.Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    np.save(tmp_path / "all.npy", np.zeros((3, 8, 8)))
    done = run_gradus(capsys, monkeypatch, "predict", trained.path, "all.npy")
    rows = list(csv.reader(io.StringIO(done.out)))
    assert rows[0] == ["input", "prediction", *(f"p({digit})" for digit in range(10))]
    assert len(rows) == 4


def test_predict_answers_eight_for_four(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_gradus(capsys, monkeypatch, "train", "linear-walkthrough", "--quiet").code == 0
    done = run_gradus(capsys, monkeypatch, "predict", "runs/linear_regression-line-1", "4", "--json")
    (answer,) = json.loads(done.out)
    assert answer["prediction"] == pytest.approx(8.0, abs=0.1)
    assert "probabilities" not in answer


def small_image(folder: Path) -> str:
    Image.new("L", (9, 8)).save(folder / "a.png")
    return "a.png"


def text_file(folder: Path) -> str:
    (folder / "a.png").write_text("no picture")
    return "a.png"


def wrong_array(folder: Path) -> str:
    np.save(folder / "a.npy", np.zeros((3, 7)))
    return "a.npy"


def not_finite(folder: Path) -> str:
    np.save(folder / "a.npy", np.full((2, 8, 8), np.nan))
    return "a.npy"


def empty_folder(folder: Path) -> str:
    (folder / "none").mkdir()
    return "none"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (small_image, "must be 8 x 8 pixels, got `9 x 8`. Or say --resize."),
        (text_file, "is damaged, or no image"),
        (wrong_array, "must hold examples of shape (1, 8, 8), got (3, 7)"),
        (not_finite, "must be finite"),
        (empty_folder, "no image, .npy, .npz or IDX file"),
        (lambda folder: "gone.png", "no such file or folder"),
        (lambda folder: str(Path(__file__)), "is of no known kind"),
    ],
)
def test_predict_refuses_what_does_not_fit(
    make: Any,
    says: str,
    trained: gradus.Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = run_gradus(capsys, monkeypatch, "predict", trained.path, make(tmp_path))
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert len(done.err.splitlines()) == 1


def test_predict_resizes_when_told(
    trained: gradus.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run_gradus(capsys, monkeypatch, "predict", trained.path, small_image(tmp_path), "--resize", "--json")
    assert done.code == 0
    assert len(json.loads(done.out)) == 1


def test_models_lists_every_variant_with_its_counts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = {each["name"]: each for each in json.loads(run_gradus(capsys, monkeypatch, "models", "--json").out)}
    assert list(entries) == gradus.list_models()
    keys = {"name", "family", "year", "paper", "input", "parameters", "macs"}
    assert all(each.keys() == keys for each in entries.values())
    assert entries["lenet5"]["parameters"] == 61_706
    assert entries["lenet5_1998"]["parameters"] == 60_000
    assert "lenet5_1998" in run_gradus(capsys, monkeypatch, "models").out
    assert "activation" in run_gradus(capsys, monkeypatch, "models", "lenet5").out


def test_data_describes_by_name_and_by_path(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    document = json.loads(run_gradus(capsys, monkeypatch, "data", "digits", "--json").out)
    assert {"kind", "splits", "shape", "classes", "balance", "problems"} <= document.keys()
    assert document["splits"] == {"train": 1797}
    assert math.isclose(sum(document["balance"].values()), 1.0)
    np.savez(tmp_path / "set.npz", x=np.zeros((40, 3)), y=np.arange(40) % 20 == 0)
    text = run_gradus(capsys, monkeypatch, "data", "set.npz").out
    assert "constant columns" in text
    assert "imbalanced" in text


@pytest.mark.parametrize("verb", ["train", "predict", "inspect", "landscape", "models", "data", "optimizers"])
def test_help_shows_an_example(verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_gradus(capsys, monkeypatch, verb, "--help")
    assert done.code == 0
    assert f"Example: gradus {verb}" in " ".join(done.out.split())


def test_predict_takes_what_training_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Channels last, and numbers that float32 does not hold."""
    rng = np.random.default_rng(0)
    pictures, stamps = rng.integers(0, 255, (60, 6, 5, 3)), 1_700_000_000 + np.arange(60)[:, None]
    for x, model in ((pictures, "mlp"), (stamps, "logistic_regression")):
        np.savez(tmp_path / "set.npz", x=x, y=np.arange(60) // 30)
        arguments = [
            "--data",
            "set.npz",
            "--model",
            model,
            "--epochs",
            "40",
            "--lr",
            "0.3",
            "--quiet",
        ]
        done = run_gradus(capsys, monkeypatch, "train", *arguments, "--json")
        run = json.loads(done.out)["run"]
        from_file = run_gradus(capsys, monkeypatch, "predict", run, "set.npz", "--json")
        as_text = run_gradus(capsys, monkeypatch, "predict", run, json.dumps(x.tolist()), "--json")
        first, second = json.loads(from_file.out), json.loads(as_text.out)
        assert len(first) == 60
        assert [each["probabilities"] for each in first] == [each["probabilities"] for each in second]
    right = [each["prediction"] == str(number // 30) for number, each in enumerate(first)]
    assert np.mean(right) > 0.9  # by the time stamp alone


def test_every_name_and_option_is_in_the_docs() -> None:
    from gradus.data.augmentation.changes import augmentations
    from gradus.data.sources import sources
    from gradus.losses import criteria
    from gradus.losses.penalties import penalties
    from gradus.nn import initializers
    from gradus.optim import optimizers, schedules
    from gradus.training.objectives import objectives
    from gradus.training.recipe import Data, Doctor, Training

    docs = Path(__file__).parents[2] / "docs"
    text = (docs / "recipe.md").read_text() + (docs / "data.md").read_text()
    registries = (sources, criteria, penalties, optimizers, schedules, augmentations, initializers, objectives)
    for card in [each for registry in registries for each in registry.cards()]:
        for name in (card.name, *(option.name for option in card.options)):
            assert f"`{name}`" in text or f'`"{name}"`' in text, name
    for name in (*Training.model_fields, *Doctor.model_fields, *Data.model_fields.keys() - {"module"}):
        assert f"`{name}`" in text, name


@pytest.mark.parametrize(("verb", "name"), [("initializers", "icnr"), ("layers", "group"), ("layers", "drop_path")])
def test_parts_of_networks_have_lists_and_cards(
    verb: str, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = json.loads(run_gradus(capsys, monkeypatch, verb, "--json").out)
    card = json.loads(run_gradus(capsys, monkeypatch, verb, name, "--json").out)
    assert card in listed
    assert card["formula"] in " ".join(run_gradus(capsys, monkeypatch, verb, name).out.split())
    wrong = run_gradus(capsys, monkeypatch, verb, name + "s")
    assert wrong.code == 2
    assert f"Did you mean `{name}`" in wrong.err


def test_other_data_do_not_inherit_what_was_meant_for_the_digits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line in the README: the default recipe shifts and turns images, which a table is not."""
    x = np.random.default_rng(0).normal(size=(80, 4))
    np.savez(tmp_path / "set.npz", x=x, y=(x[:, 0] > 0).astype(int))
    done = run_gradus(capsys, monkeypatch, "train", "--data", "set.npz", "--model", "mlp", "--epochs", "1", "--quiet")
    assert done.code == 0, done.err
    assert gradus.load_run("runs/mlp-set-1").recipe.data.augment == ()
