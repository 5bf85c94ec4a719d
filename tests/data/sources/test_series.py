"""Windows of a series and what comes after them, on row numbers: nothing set aside is in what is trained on."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradus.data.preprocessing import Preprocessing
from gradus.data.raw import RawData
from gradus.data.sources import open_data
from gradus.data.sources.series import last_values
from gradus.data.splits import split

ETTH1 = Path(os.environ.get("GRADUS_DATA", "")) / "ett-small/ETTh1.csv"


def opened(folder: Path, rows: int = 60, text: str | None = None, **options: Any) -> RawData:
    """A series whose values say their row: a is the row, b ten times it."""
    lines = [f"2024-01-{1 + n // 24:02d} {n % 24:02d}:00:00,{n},{10 * n}" for n in range(rows)]
    (folder / "s.csv").write_text(text or "\n".join(["when,a,b", *lines]))
    return open_data(str(folder / "s.csv"), {"format": "series", **options})


def test_an_example_is_a_window_and_what_comes_after_it(tmp_path: Path) -> None:
    raw = opened(tmp_path, window=5, horizon=3, target="b", calendar=False)
    assert [each.name for each in raw.columns] == ["b", "a"]  # what is forecast comes first
    assert raw.target_names == ("b +1", "b +2", "b +3")
    assert len(raw.train) == 60 - 5 - 3 + 1
    for example in (0, 7, len(raw.train) - 1):
        window = raw.train.inputs[0][example]
        assert window[:, 1].tolist() == list(range(example, example + 5))
        assert window[:, 0].tolist() == [10 * row for row in range(example, example + 5)]
        assert raw.train.target[example].tolist() == [10 * (example + 5 + k) for k in range(3)]
    assert last_values(raw)[7].tolist() == [110, 110, 110]


def test_all_columns_are_forecast_unless_some_are_named(tmp_path: Path) -> None:
    raw = opened(tmp_path, window=4, horizon=2, calendar=False)
    assert raw.target_names == ("a +1", "b +1", "a +2", "b +2")
    assert raw.train.target[0].tolist() == [4, 40, 5, 50]
    assert last_values(raw)[0].tolist() == [3, 30, 3, 30]


@pytest.mark.parametrize("horizon", [1, 4])
def test_nothing_set_aside_is_in_what_is_trained_on(tmp_path: Path, horizon: int) -> None:
    raw = opened(tmp_path, rows=200, window=6, horizon=horizon, target="a", calendar=False)
    parts = split(raw, validation=0.1, test=0.2, seed=0).named()
    targets = {name: set(part.target.ravel().tolist()) for name, part in parts.items()}
    windows = {name: set(raw.train.inputs[0][part.index][..., 0].ravel().tolist()) for name, part in parts.items()}
    assert max(targets["train"] | windows["train"]) < min(targets["validation"])
    assert max(targets["validation"] | windows["validation"]) < min(targets["test"])
    # Not one example more is given up than that takes.
    assert min(targets["validation"]) == max(targets["train"]) + 1


@pytest.mark.parametrize("targets", [["a"], ["a", "b"]])
def test_a_day_ahead_of_several_series_is_of_rows_that_no_split_before_has(tmp_path: Path, targets: list[str]) -> None:
    raw = opened(tmp_path, rows=400, window=48, horizon=24, target=targets, calendar=False)
    parts = split(raw, validation=0.1, test=0.2, seed=0).named()
    rows = {}
    for name, part in parts.items():
        ahead = part.target.reshape(len(part), 24, len(targets))
        for place, factor in enumerate((1, 10)[: len(targets)]):  # every target tells the same row
            assert np.array_equal(ahead[..., place], factor * ahead[..., 0])
        assert (np.diff(ahead[..., 0]) == 1).all()
        windows = raw.train.inputs[0][part.index]
        assert np.array_equal(windows[:, -1, 0] + 1, ahead[:, 0, 0])
        rows[name] = set(ahead[..., 0].ravel().tolist()), set(windows[..., 0].ravel().tolist())
    for before, after in (("train", "validation"), ("validation", "test")):
        seen = rows[before][0] | rows[before][1]
        assert max(seen) + 1 == min(rows[after][0])
    assert last_values(raw).shape == raw.train.target.shape


@pytest.mark.skipif(not ETTH1.is_file(), reason="needs $GRADUS_DATA")
@pytest.mark.parametrize("target", ["OT", ["HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"]])
def test_a_day_of_etth1(target: str | list[str]) -> None:
    options = {"format": "series", "target": target, "window": 96, "horizon": 24, "calendar": False}
    raw = open_data(str(ETTH1), options)
    table = np.loadtxt(ETTH1, delimiter=",", skiprows=1, usecols=range(1, 8))
    wanted = table[:, -1:] if target == "OT" else table
    assert raw.spec.inputs == ((96, 7),)
    assert raw.spec.outputs == 24 * wanted.shape[1]
    assert len(raw.train) == 17_420 - 96 - 24 + 1
    for number in (0, 777, len(raw.train) - 1):
        after = wanted[number + 96 : number + 120]
        np.testing.assert_allclose(raw.train.target[number], after.ravel(), rtol=1e-6)
        still = np.tile(wanted[number + 95], 24)
        np.testing.assert_allclose(last_values(raw)[number], still, rtol=1e-6)


@pytest.mark.parametrize("horizon", [1, 24])
def test_a_marker_in_what_is_set_aside_is_in_no_statistic(tmp_path: Path, horizon: int) -> None:
    plain = opened(tmp_path, rows=150, window=6, horizon=horizon, calendar=False)
    lines = (tmp_path / "s.csv").read_text().splitlines()
    train = split(plain, validation=0.1, test=0.2, seed=0).train
    first = int(train.target.max() / 10) + 1  # the first row beyond the training split
    marked = [line if n <= first else f"{line.split(',')[0]},1e9,1e9" for n, line in enumerate(lines)]
    other = opened(tmp_path, text="\n".join(marked), window=6, horizon=horizon, calendar=False)
    assert other.train.target.max() == 1e9
    fitted = [
        Preprocessing.fit(raw, split(raw, validation=0.1, test=0.2, seed=0).train, target="standard").to_json()
        for raw in (plain, other)
    ]
    assert fitted[0] == fitted[1]


def test_rows_know_their_date(tmp_path: Path) -> None:
    raw = opened(tmp_path, window=5, target="a")
    names = [each.name for each in raw.columns]
    assert names[:2] == ["a", "b"]
    noon = raw.train.inputs[0][12][0]  # the window that begins at row 12, at 12:00
    assert noon[names.index("when: day cosine")] == pytest.approx(-1)
    assert raw.train.inputs[0][0][0][names.index("when: day cosine")] == pytest.approx(1)


def test_a_missing_value_may_take_the_one_before_it(tmp_path: Path) -> None:
    rows = [f"{n},{'' if n in (3, 4) else n * 2}" for n in range(10)]
    raw = opened(tmp_path, text="\n".join(["n,x", *rows]), window=6, target="x", fill="previous")
    windows = raw.train.inputs[0]
    assert windows[0][:, 0].tolist() == [0, 2, 4, 4, 4, 10]


def test_uneven_steps_may_be_allowed(tmp_path: Path) -> None:
    text = "when,x\n" + "".join(f"2024-01-{day:02d},{day}\n" for day in (1, 2, 3, 4, 9, 10, 11))
    assert len(opened(tmp_path, text=text, window=2, gaps="allow").train) == 5


def test_a_series_without_dates_is_evenly_spaced(tmp_path: Path) -> None:
    raw = opened(tmp_path, text="x\n" + "".join(f"{n}\n" for n in range(20)), window=3)
    assert raw.spec.inputs == ((3, 1),)
    assert raw.columns[0].name == "x"
