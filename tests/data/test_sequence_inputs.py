"""What networks for series and text are asked about."""

from pathlib import Path

import pytest

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.data.inputs import read_inputs

TEXT = DataSpec(
    task="classification",
    inputs=((3,),),
    input_dtypes=("int64",),
    outputs=3,
    vocabulary=("a", "b", "c"),
    classes=("a",),
)
SERIES = DataSpec(task="regression", inputs=((4, 2),), outputs=1)
OPTIONS = {"format": "series", "target": "b", "window": 4, "horizon": 2, "calendar": False}


def series(folder: Path, rows: int, header: str = "when,a,b") -> str:
    lines = [f"2024-01-{n + 1:02d},{n},{n * 10}" for n in range(rows)]
    (folder / "new.csv").write_text("\n".join([header, *lines]))
    return str(folder / "new.csv")


def test_text_is_cut_to_its_last_characters(tmp_path: Path) -> None:
    ((label, (codes,)),) = read_inputs("xyzcab", TEXT)
    assert (label, codes.tolist()) == ("cab", [2, 0, 1])
    (tmp_path / "t.txt").write_text("aacb")
    ((label, (codes,)),) = read_inputs(str(tmp_path / "t.txt"), TEXT)
    assert codes.tolist() == [0, 2, 1]


def test_a_series_is_cut_to_its_last_window(tmp_path: Path) -> None:
    ((label, (window,)),) = read_inputs(series(tmp_path, 9), SERIES, options=OPTIONS)
    assert window.tolist() == [[50, 5], [60, 6], [70, 7], [80, 8]]
    assert label.endswith("new.csv from row 7 on")  # the header is row 1


@pytest.mark.parametrize(("given", "message"), [("ab", "needs 3 characters or more"), ("abx", "did not have, got `x`")])
def test_text_that_does_not_fit_is_refused(given: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(read_inputs(given, TEXT))


def test_a_series_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs at least 4 rows"):
        list(read_inputs(series(tmp_path, 3), SERIES, options=OPTIONS))
    with pytest.raises(InputError, match="`target` names no column, got `b`"):
        list(read_inputs(series(tmp_path, 9, header="when,a,c"), SERIES, options=OPTIONS))
    with pytest.raises(InputError, match="no such file"):
        list(read_inputs("nowhere.csv", SERIES, options=OPTIONS))
    wide = tmp_path / "new.csv"
    wide.write_text("when,a,b,c\n" + "".join(f"2024-01-{n + 1:02d},1,2,3\n" for n in range(9)))
    with pytest.raises(InputError, match="must have the 2 columns of the training file, got `b, a, c`"):
        list(read_inputs(str(wide), SERIES, options=OPTIONS))
