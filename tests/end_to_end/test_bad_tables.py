"""Tables that cannot be learned from: each mistake is told with file and row, before training begins."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gradus
from tests.cli.command import run_gradus
from tests.end_to_end.mistakes import Make, assert_told

GOOD = "age,town,when,score\n" + "".join(
    f"{20 + n},{'Bonn' if n % 2 else 'Ulm'},2024-01-{n + 1:02d},{'high' if n % 2 else 'low'}\n" for n in range(20)
)
TRAIN = ["train", "--model", "mlp", "--data", "t.csv", "--set", "data.target=score", "--epochs", "1"]


def csv(text: str | bytes, *more: str, name: str = "t.csv") -> Make:
    def make(folder: Path) -> list[str]:
        content = text.encode() if isinstance(text, str) else text
        (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return [*(name if each == "t.csv" else each for each in TRAIN), *more]

    return make


def with_row(number: int, row: str, *more: str) -> Make:
    """The good table with one of its rows replaced; the header is row 1."""
    lines = GOOD.splitlines()
    lines[number - 1] = row
    return csv("\n".join(lines), *more)


def parquet(table: dict[str, Any] | bytes) -> Make:
    def make(folder: Path) -> list[str]:
        if isinstance(table, bytes):
            (folder / "t.parquet").write_bytes(table)
        else:
            pq.write_table(pa.table(table), folder / "t.parquet")
        return ["t.parquet" if each == "t.csv" else each for each in TRAIN]

    return make


CASES: dict[str, tuple[Make, str]] = {
    "no target": (
        lambda folder: [*csv(GOOD)(folder)[:-4], "--epochs", "1"],
        "`target` must name the column to predict. Columns: age, town, when, score.",
    ),
    "target misspelt": (csv(GOOD, "--set", "data.target=Score"), "`target` names no column, got `Score`. Did you mean"),
    "target constant": (csv(GOOD.replace("high", "low")), "the target `score` is the same in every row, got `low`"),
    "target missing": (with_row(5, "23,Bonn,2024-01-04,"), "t.csv row 5: the target `score` is missing (1 of 20 rows)"),
    "ragged row": (with_row(7, "25,Bonn"), "t.csv row 7: has 2 fields where the header has 4"),
    "mixed types": (
        with_row(9, "old,Bonn,2024-01-08,high"),
        "t.csv row 9: column `age` holds numbers, but here, got `old`",
    ),
    "mixed dates": (with_row(4, "22,Ulm,soon,low"), "t.csv row 4: column `when` holds dates, but here, got `soon`"),
    "no such date": (
        with_row(4, "22,Ulm,2024-02-31,low"),
        "t.csv row 4: column `when` must hold dates, got `2024-02-31`",
    ),
    "infinite": (with_row(3, "1e39,Ulm,2024-01-02,high"), "t.csv row 3: column `age` must be finite, got 1e+39"),
    "wrong delimiter": (csv(GOOD.replace(",", ";")), "is not separated by `,`, but by `;` as it seems"),
    "wrong encoding": (csv(GOOD.replace("Bonn", "Köln").encode("latin-1")), "row 3: is not utf-8 text. Set `encoding`"),
    "unknown encoding": (csv(GOOD, "--set", "data.encoding=utf-99"), "`encoding` is unknown, got `utf-99`"),
    "binary": (csv(b"a,b\n1,\0\n"), "is not a text file"),
    "empty": (csv(""), "t.csv: is empty"),
    "header alone": (csv("age,town,when,score\n"), "has no rows below its header"),
    "column twice": (csv(GOOD.replace("town", "age", 1)), "two are called, got `age`"),
    "nameless column": (csv(GOOD.replace("town", "", 1)), "column 2 has no name"),
    "empty column": (csv("a,b,score\n" + ",1,x\n,2,y\n" * 9), "column `a` has no value at all. Name it in `ignore`."),
    "nothing to learn from": (csv("score\nx\ny\n", "--set", "data.delimiter=,"), "has no column left to learn from"),
    "ignored misspelt": (
        csv(GOOD, "--set", 'data.ignore=["twon"]'),
        "`ignore` names no column, got `twon`. Did you mean `town`?",
    ),
    "two classes wanted": (csv(GOOD, "--set", 'data.target=["score","town"]'), "classification takes one `target`"),
    "words as values": (
        csv(GOOD, "--set", "data.task=regression"),
        "row 2: regression needs numbers in `score`, got `low`",
    ),
    "damaged gzip": (
        lambda folder: [*csv(GOOD, name="t.csv.gz")(folder), *damage(folder / "t.csv.gz")],
        "t.csv.gz",
    ),
    "test file without a column": (
        lambda folder: [
            *csv(GOOD, "--set", "data.test_file=u.csv")(folder),
            *write(folder / "u.csv", "age,when,score\n1,,x\n"),
        ],
        "u.csv: has no column `town`, which training has",
    ),
    "test file with a new class": (
        lambda folder: [
            *csv(GOOD, "--set", "data.test_file=u.csv")(folder),
            *write(folder / "u.csv", "age,town,when,score\n1,Ulm,2024-01-01,odd\n"),
        ],
        "example 0 has odd",
    ),
    "too many categories": (
        csv("name,score\n" + "".join(f"n{n},{'ab'[n % 2]}\n" for n in range(20_000))),
        "column `name`: has",
    ),
    "nested Parquet": (parquet({"a": [[1], [2]], "score": ["x", "y"]}), "column `a` must hold plain values"),
    "damaged Parquet": (parquet(b"PAR1 and no more"), "t.parquet: cannot be read"),
    "Parquet without its target": (parquet({"a": [1, 2]}), "`target` names no column, got `score`"),
}


def damage(path: Path) -> list[str]:
    path.write_bytes(path.read_bytes()[:-12])
    return []


def write(path: Path, text: str) -> list[str]:
    path.write_text(text)
    return []


@pytest.mark.parametrize("name", CASES)
def test_is_told_in_one_line_and_leaves_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_told(*CASES[name], tmp_path, monkeypatch, capsys)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    (folder / "t.csv").write_text(GOOD)
    recipe = {
        "data": {"name": str(folder / "t.csv"), "target": "score", "validation": 0.0},
        "model": {"name": "mlp"},
        "criterion": {"name": "cross_entropy"},
        "optimizer": {"name": "adam"},
        "training": {"epochs": 1},
    }
    return gradus.train(recipe, run=folder / "run").path


PREDICTIONS: dict[str, tuple[str, str]] = {
    "a column missing": ("age,when\n1,2024-01-01\n", "has no column `town`, which the run was trained on"),
    "an unseen category": (
        "age,town,when\n1,Ulm,2024-01-01\n1,Rome,2024-01-01\n",
        "row 3: column `town` holds what training never saw, got `Rome`. Known: Bonn, Ulm.",
    ),
    "a word for a number": ("age,town,when\nten,Ulm,2024-01-01\n", "row 2: column `age` must hold numbers, got `ten`"),
    "a word for a date": ("age,town,when\n1,Ulm,soon\n", "row 2: column `when` must hold dates, got `soon`"),
    "an array": ("", "must have columns with names"),
}


@pytest.mark.parametrize("name", PREDICTIONS)
def test_rows_that_do_not_fit_the_run_are_refused(
    name: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, says = PREDICTIONS[name]

    def make(folder: Path) -> list[str]:
        file = folder / ("new.csv" if text else "new.npy")
        file.write_text(text)
        return ["predict", str(trained), str(file)]

    assert_told(make, says, tmp_path, monkeypatch, capsys)


def test_columns_are_found_by_name_whatever_their_order(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = {"plain": "age,town,when\n30,Ulm,2024-01-09\n", "other": "x,when,town,age\n9,2024-01-09,Ulm,30\n"}
    shares = []
    for name, text in rows.items():
        (tmp_path / name).with_suffix(".csv").write_text(text)
        done = run_gradus(capsys, monkeypatch, "predict", trained, tmp_path / f"{name}.csv")
        assert done.code == 0, done.err
        shares.append(done.out.splitlines()[1].split(",", 1)[1])
    done = run_gradus(capsys, monkeypatch, "predict", trained, '{"age": 30, "town": "Ulm", "when": "2024-01-09"}')
    assert {*shares, done.out.splitlines()[1].split(",", 1)[1]} == {shares[0]}
