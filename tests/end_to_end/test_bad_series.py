"""Series and texts that cannot be learned from: each mistake is told with file and row, before training begins."""

from pathlib import Path

import pytest

from tests.end_to_end.mistakes import Make, assert_told

GOOD = [f"2024-01-{1 + n // 24:02d} {n % 24:02d}:00:00,{n % 7},{n}" for n in range(60)]


def series(rows: list[str], *settings: str, header: str = "when,a,b") -> Make:
    def make(folder: Path) -> list[str]:
        (folder / "s.csv").write_text("\n".join([header, *rows]) + "\n")
        given = ["data.format=series", *settings]
        parts = ["--data", "s.csv", "--model", "nlinear", "--criterion", "mse", "--epochs", "1"]
        return ["train", *parts, *(f"--set={each}" for each in given)]

    return make


def replaced(row: int, line: str, *settings: str) -> Make:
    """The good series with one row replaced; the header is row 1."""
    return series([*GOOD[: row - 2], line, *GOOD[row - 1 :]], *settings)


def text(content: bytes, *settings: str) -> Make:
    def make(folder: Path) -> list[str]:
        (folder / "t.txt").write_bytes(content)
        return ["train", "--data", "t.txt", "--model", "neural_lm", *(f"--set={each}" for each in settings)]

    return make


CASES: dict[str, tuple[Make, str]] = {
    "dates out of order": (
        replaced(5, "2023-01-01 00:00:00,1,1"),
        "s.csv row 5: column `when` has a date out of order",
    ),
    "a date twice": (replaced(5, GOOD[2]), "s.csv row 5: column `when` has the same date again"),
    "a gap": (
        series(GOOD[:9] + GOOD[12:]),
        "s.csv row 11: the time since the row before is 14400 seconds, unlike most",
    ),
    "no date": (replaced(7, ",1,1"), "s.csv row 7: column `when` has no date"),
    "fewer rows than the window": (
        series(GOOD[:20]),
        "needs at least 26 rows, for a window and what comes after it, got 20",
    ),
    "a missing value": (
        replaced(9, f"{GOOD[7][:19]},,1"),
        "s.csv row 9: column `a` has no value. Mend it, or set fill",
    ),
    "a missing first value": (
        replaced(2, f"{GOOD[0][:19]},,1", 'data.fill="previous"'),
        "s.csv row 2: column `a` has no value. Mend it.",
    ),
    "a word": (replaced(9, f"{GOOD[7][:19]},many,1"), "s.csv row 9: column `a` holds numbers, but here, got `many`"),
    "a column of words": (
        series([f"{each},red" for each in GOOD], header="when,a,b,c"),
        "s.csv row 2: column `c` must hold numbers, got `red`. Or `ignore` it.",
    ),
    "unknown target": (series(GOOD, "data.target=c"), "`target` names no column, got `c`"),
    "time that is none": (series(GOOD, "data.time=a"), "s.csv row 2: column `a` must hold dates, got `0`"),
    "unknown format": (series(GOOD, "data.format=serie"), "`format` is unknown, got `serie`. Did you mean `series`?"),
    "header alone": (series([]), "has no rows below its header"),
    "nothing left to train on": (series(GOOD, "data.window=50", "data.test=0.5", "data.horizon=8"), "gap of 7"),
    "empty text": (text(b""), "needs more characters than the window of 16, got 0"),
    "short text": (text(b"to be or not"), "needs more characters than the window of 16, got 12"),
    "one character": (text(b"a" * 50), "holds one character only"),
    "not the encoding": (text(b"line\n" * 20 + b"K\xf6ln"), "t.txt row 21: is not utf-8 text. Set `encoding`"),
    "unknown encoding": (text(b"line\n" * 20, "data.encoding=utf-99"), "`encoding` is unknown, got `utf-99`"),
    "binary": (text(b"line\0" * 20), "is not a text file"),
}


@pytest.mark.parametrize("name", CASES)
def test_is_told_in_one_line_and_leaves_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_told(*CASES[name], tmp_path, monkeypatch, capsys)
