"""`gradus data` as a person uses it."""

import csv
import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.cli.command import Done, run_gradus
from tests.end_to_end.mistakes import assert_told

REAL = Path(os.environ.get("GRADUS_DATA") or "absent")
GOLDEN = Path(__file__).parents[1] / "golden" / "hugging-face"
ADULT = [
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship", "race",
    "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income",
]  # fmt: skip
Gradus = Callable[..., Done]


@pytest.fixture
def gradus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Gradus:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Done:
        done = run_gradus(capsys, monkeypatch, "data", *arguments)
        assert done.code == 0, done.err
        assert done.err == ""
        return done

    return run


def document(done: Done) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.out)
    return found


def real(name: str) -> Path:
    if not (REAL / name).exists():
        pytest.skip(f"GRADUS_DATA holds no {name}")
    return REAL / name


def write_table(path: Path, rows: int = 60) -> None:
    rng = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["size", "town", "price"])
        for each in range(rows):
            size = rng.normal()
            writer.writerow([f"{size:.6f}" if each % 6 else "", ["Bonn", "Köln"][each % 2], f"{3 * size:.4f}"])


def test_a_set_without_anything_else(gradus: Gradus, tmp_path: Path) -> None:
    done = gradus("digits")
    assert "no problems found" in done.out
    assert "contact sheet: digits-sheet.png" in done.out
    assert [each.name for each in tmp_path.iterdir()] == ["digits-sheet.png"]
    with Image.open(tmp_path / "digits-sheet.png") as sheet:
        assert sheet.format == "PNG"
        assert sheet.width > 500


def test_a_table_with_its_options(gradus: Gradus, tmp_path: Path) -> None:
    write_table(tmp_path / "homes.csv")
    done = gradus("homes.csv", "--set", "target=price", "--no-sheet")
    for told in (
        "csv, regression",
        "train 60",
        "size",
        "town",
        "Bonn 50.0%",
        "- values are missing in 1 columns (size",
    ):
        assert told in done.out
    assert not list(tmp_path.glob("*.png"))
    found = document(gradus("homes.csv", "--set", "target=town", "--set", 'ignore=["size"]', "--json"))
    assert found["classes"] == ["Bonn", "Köln"]
    assert [each["name"] for each in found["columns"]] == ["price"]
    assert "sheet" not in found
    assert not list(tmp_path.glob("*.png"))


def test_splits_only_where_asked_for(gradus: Gradus) -> None:
    assert document(gradus("digits", "--json"))["splits"] == {"train": 1797}
    shares = ("--set", "test=0.1", "--set", "data.validation=0.2")
    found = document(gradus("digits", *shares, "--json"))["splits"]
    assert found == {"train": 1294, "validation": 323, "test": 180}


def test_a_recipe_is_split_as_it_is_trained(gradus: Gradus, tmp_path: Path) -> None:
    from gradus.data.sources import open_data
    from gradus.training.prepare import prepare, resolve
    from gradus.training.recipe import Recipe, shipped_recipes

    shipped = Recipe.read(shipped_recipes()["digits-lenet"])
    splits = prepare(resolve(shipped), open_data("digits", {})).splits
    expected = {name: len(part) for name, part in splits.named().items()}
    assert document(gradus("digits-lenet", "--json"))["splits"] == expected
    folder = tmp_path / "mine"
    folder.mkdir()
    write_table(folder / "homes.csv")
    (folder / "mine.toml").write_text(
        '[data]\nname = "homes.csv"\ntarget = "price"\n[model]\nname = "mlp"\n[criterion]\nname = "mse"\n'
        '[optimizer]\nname = "adam"\n'
    )
    found = document(gradus("mine/mine.toml", "--json"))  # whose paths begin where it lies
    assert found["splits"] == {"train": 43, "validation": 5, "test": 12}


def test_code_of_ones_own(gradus: Gradus, tmp_path: Path) -> None:
    (tmp_path / "load.py").write_text(
        "import numpy as np\ndef make(count=30):\n"
        "    return np.arange(count * 2.0).reshape(-1, 2), np.arange(count) % 2\n"
    )
    found = document(gradus("load.py:make", "--set", "count=50", "--json", "--sheet", "own.png"))
    assert found["splits"] == {"train": 50}
    assert found["sheet"] == "own.png"
    assert any("`0` counts the rows" in each for each in found["problems"])
    with Image.open(tmp_path / "own.png") as sheet:
        assert sheet.format == "PNG"


@pytest.mark.parametrize(("name", "options"), [("pictures", []), ("table", ["--set", 'ignore=["embedding"]'])])
def test_what_hugging_face_saved(name: str, options: list[str], gradus: Gradus, tmp_path: Path) -> None:
    gradus(GOLDEN / name, *options)
    assert (tmp_path / f"{name}-sheet.png").is_file()


def test_names_from_outside_do_not_act_on_the_terminal(gradus: Gradus, tmp_path: Path) -> None:
    nasty = "\x1b[31mred\x1b]0;title\x07"
    (tmp_path / "t.csv").write_text(
        f"{nasty},[bold]b[/],$x_$\n" + "".join(f"{each},{nasty}{each % 2},{each % 3}\n" for each in range(30))
    )
    done = gradus("t.csv", "--set", "target=$x_$")
    assert "\x1b" not in done.out
    assert "\x07" not in done.out
    assert "\\x1b[31mred" in done.out
    assert "[bold]b[/]" in done.out


def test_every_kind_has_its_table(gradus: Gradus, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("to be or not to be\n" * 20)
    told = gradus("t.txt", "--set", "window=4").out
    assert "symbols        379, 8 different" in told  # the last of 380 is only ever a target
    rows = "".join(f"2020-01-{1 + each // 24:02d} {each % 24:02d}:00,{each},{each % 7}\n" for each in range(200))
    (tmp_path / "s.csv").write_text("time,load,heat\n" + rows)
    told = gradus("s.csv", "--set", "format=series", "--set", "window=5", "--set", "test=0.2").out
    assert "test" in told
    assert "load" in told
    np.savez(tmp_path / "i.npz", x=np.zeros((30, 5, 5), np.uint8), y=np.arange(30) % 2)
    assert "- training images of a single colour: 30" in gradus("i.npz").out
    np.savez(tmp_path / "w.npz", x=np.random.default_rng(0).normal(size=(30, 60)), y=np.arange(30) % 2)
    assert "and 20 more: --json has them all" in gradus("w.npz").out


def test_without_a_name_it_lists(gradus: Gradus) -> None:
    assert {"digits", "csv", "hugging_face"} <= {each["name"] for each in json.loads(gradus("--json").out)}


def test_adult(gradus: Gradus) -> None:
    """The file has no header. Its published counts: 32,561 people, 24.08 % of them with more than 50K."""
    path = real("adult/adult.data.gz")
    found = document(gradus(path, "--set", "target=income", "--set", f"columns={json.dumps(ADULT)}", "--json"))
    assert found["splits"] == {"train": 32_561}
    with gzip.open(path, "rt") as file:
        rows = [line.strip() for line in file if line.strip()]
    people = {line.rpartition(",")[0] for line in rows}
    assert found["copies"]["within"] == {"train": len(rows) - len(people)}
    assert found["copies"]["conflicting"] == len(set(rows)) - len(people) == 1  # the same person, either income
    assert found["balance"][">50K"] == pytest.approx(0.2408, abs=5e-5)
    missing = {each["name"]: each["missing"] for each in found["columns"] if each["missing"]}
    assert missing == {"workclass": 1836, "occupation": 1843, "native-country": 583}
    assert any("`education-num` and `education`" in each for each in found["problems"])


@pytest.mark.parametrize("name", ["mnist-lenet", "etth1-forecast", "shakespeare-chars", "adult-mlp"])
def test_the_data_of_shipped_recipes(name: str, gradus: Gradus, tmp_path: Path) -> None:
    place = {"mnist-lenet": "mnist", "etth1-forecast": "ett-small", "shakespeare-chars": "tinyshakespeare"}
    real(place.get(name, "adult"))
    gradus(name)
    (sheet,) = tmp_path.glob("*-sheet.png")
    assert sheet.stat().st_size > 10_000


Make = Callable[[Path], list[str]]


def with_table(*arguments: str) -> Make:
    def make(folder: Path) -> list[str]:
        write_table(folder / "homes.csv")
        return ["data", "homes.csv", *arguments]

    return make


def with_file(name: str, content: str, *arguments: str) -> Make:
    def make(folder: Path) -> list[str]:
        (folder / name).write_text(content)
        return ["data", *arguments]

    return make


CASES: dict[str, tuple[Make, str]] = {
    "no target": (with_table(), "`target` must name the column to predict"),
    "a target that is not there": (with_table("--set", "target=prise"), "Did you mean `price`?"),
    "an option of another format": (
        with_table("--set", "target=price", "--set", "window=3"),
        "unknown option `window`",
    ),
    "a setting without a value": (with_table("--set", "target"), "must look like"),
    "a share beyond all": (with_table("--set", "target=price", "--set", "test=1.5"), "less than 1"),
    "a split of too few": (lambda f: ["data", "line", "--set", "test=0.01"], "must leave examples on both sides of 3"),
    "a sheet of another kind": (lambda f: ["data", "digits", "--sheet", "a.jpg"], "--sheet: must be a .png file"),
    "a sheet and none": (lambda f: ["data", "digits", "--sheet", "a.png", "--no-sheet"], "excludes --no-sheet"),
    "a sheet nowhere": (
        lambda f: ["data", "digits", "--sheet", "gone/a.png"],
        "gone/a.png: cannot be written: No such",
    ),
    "a recipe that is not there": (lambda f: ["data", "gone.toml"], "no such file"),
    "a recipe that is none": (with_file("r.toml", "seed = = 1", "r.toml"), "is not valid TOML"),
    "code that raises": (with_file("load.py", "def make():\n    1 / 0", "load.py:make"), "raises ZeroDivisionError"),
    "a callable that is not there": (with_file("load.py", "def make(): ...", "load.py:made"), "Did you mean `make`?"),
    "code that is not there": (lambda f: ["data", "gone.py:make"], "no such file"),
    "a folder of nothing known": (with_file("a.xyz", "?", "."), "is in no known format"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_told_in_one_line_and_leaves_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_told(*CASES[name], tmp_path, monkeypatch, capsys)
