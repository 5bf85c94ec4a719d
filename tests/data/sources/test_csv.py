"""CSV and Parquet files become the numbers and codes that Python's own csv module finds in them."""

import csv
import gzip
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gradus.core.errors import InputError
from gradus.data import columns
from gradus.data.raw import RawData
from gradus.data.sources import open_data
from gradus.data.splits import split

TEXT = """\
age, town,born,price, label
1,Ulm,2024-03-01,1.5,yes
?,Bonn,2023-12-31T18:30:00,-2,no
3,"Köln, am Rhein",NA,3e2,yes

-4.5,,1969-07-20 20:17:40,.5,no
"""


def opened(path: Path, text: str = TEXT, **options: Any) -> RawData:
    path.write_text(text, encoding="utf-8")
    return open_data(str(path), {"target": "label", **options})


def test_numbers_dates_and_categories_are_told_apart(tmp_path: Path) -> None:
    raw = opened(tmp_path / "t.csv")
    numbers, codes = (each[:] for each in raw.train.inputs)
    assert [each.name for each in raw.columns if each.kind == "number"] == ["age", "price"]
    assert raw.columns[-1].name == "town"
    assert raw.columns[-1].categories == ("Bonn", "Köln, am Rhein", "Ulm")
    assert codes[:, 0].tolist() == [2, 0, 1, -1]
    place = {each.name: number for number, each in enumerate(raw.columns)}
    np.testing.assert_array_equal(numbers[:, place["age"]], [1, np.nan, 3, -4.5])
    np.testing.assert_array_equal(numbers[:, place["price"]], [1.5, -2, 300, 0.5])
    assert raw.task == "classification"
    assert raw.classes == ("no", "yes")
    assert raw.train.target.tolist() == [1, 0, 1, 0]


def test_dates_become_days_and_cycles(tmp_path: Path) -> None:
    raw = opened(tmp_path / "t.csv")
    place = {each.name: number for number, each in enumerate(raw.columns)}
    numbers = raw.train.inputs[0][:]
    for row, when in (
        (0, datetime(2024, 3, 1)),
        (1, datetime(2023, 12, 31, 18, 30)),
        (3, datetime(1969, 7, 20, 20, 17, 40)),
    ):
        since = (when - datetime(1970, 1, 1)).total_seconds() / 86400
        assert numbers[row, place["born: days"]] == pytest.approx(since)
        for cycle, turn in (
            ("day", since % 1),
            ("week", (when.weekday() + since % 1) / 7),
            ("year", (when - datetime(when.year, 1, 1)).total_seconds() / 86400 / 365.2425),
        ):
            assert numbers[row, place[f"born: {cycle} sine"]] == pytest.approx(np.sin(2 * np.pi * turn))
            assert numbers[row, place[f"born: {cycle} cosine"]] == pytest.approx(np.cos(2 * np.pi * turn))
    assert np.isnan(numbers[2, [place[each] for each in place if each.startswith("born")]]).all()


def test_every_way_to_write_a_table_gives_the_same(tmp_path: Path) -> None:
    raw = opened(tmp_path / "t.csv")
    rows = list(csv.reader(TEXT.splitlines(), skipinitialspace=True))
    (tmp_path / "t.tsv").write_text("\n".join("\t".join(row) for row in rows))
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(TEXT.encode()))
    (tmp_path / "bare.csv").write_text("\n".join(TEXT.splitlines()[1:]))
    (tmp_path / "latin.csv").write_bytes(TEXT.replace(",", ";").replace("Köln; am", "Köln, am").encode("latin-1"))
    header, *body = [row for row in rows if row]
    columns_ = {
        name: pa.array([None if each in ("", "?", "NA") else each for each in values])
        for name, values in zip(header, zip(*body, strict=True), strict=True)
    }
    columns_["age"] = columns_["age"].cast(pa.float64())
    columns_["town"] = columns_["town"].dictionary_encode()
    pq.write_table(pa.table(columns_), tmp_path / "t.parquet")
    variants: dict[str, dict[str, Any]] = {
        "t.tsv": {},
        "t.csv.gz": {},
        "bare.csv": {"columns": ["age", "town", "born", "price", "label"]},
        "latin.csv": {"encoding": "latin-1", "delimiter": ";"},
        "t.parquet": {},
    }
    for name, options in variants.items():
        other = open_data(str(tmp_path / name), {"target": "label", **options})
        assert other.columns == raw.columns, name
        for one, two in zip(raw.train.inputs, other.train.inputs, strict=True):
            np.testing.assert_array_equal(one[:], two[:], err_msg=name)
        assert np.array_equal(raw.train.target, other.train.target)


def test_what_does_not_fit_in_memory_lies_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = opened(tmp_path / "t.csv")
    monkeypatch.setattr(columns, "free_memory", lambda: 0)
    mapped = opened(tmp_path / "t.csv")
    for one, two in zip(raw.train.inputs, mapped.train.inputs, strict=True):
        assert isinstance(two, np.memmap)
        np.testing.assert_array_equal(one[:], two[:])
    assert list(tmp_path.iterdir()) == [tmp_path / "t.csv"]


def test_a_late_value_of_another_kind_is_found(tmp_path: Path) -> None:
    """Beyond the block that pyarrow would have inferred the type from."""
    rows = [f"{n},{'ab'[n % 2]}" for n in range(700_000)]
    rows[650_000] = "many,a"
    with pytest.raises(InputError, match=r"row 650002: column `n` holds numbers, but here, got `many`"):
        opened(tmp_path / "t.csv", "\n".join(["n,label", *rows]))


@pytest.mark.parametrize(
    ("target", "task", "classes"),
    [
        ("flag", "classification", ("false", "true")),
        ("level", "classification", ("1", "2", "3")),
        ("price", "regression", ()),
        ("count", "regression", ()),
    ],
)
def test_the_task_follows_from_the_target(tmp_path: Path, target: str, task: str, classes: tuple[str, ...]) -> None:
    text = "x,flag,level,price,count\n" + "".join(
        f"{n},{'true' if n % 2 else 'false'},{n % 3 + 1},{n / 4},{n * 7}\n" for n in range(60)
    )
    raw = opened(tmp_path / "t.csv", text, target=target)
    assert (raw.task, raw.classes) == (task, classes)
    if task == "regression":
        assert raw.train.target[:3, 0].tolist() == ([0, 0.25, 0.5] if target == "price" else [0, 7, 14])


def test_several_targets_are_values(tmp_path: Path) -> None:
    raw = opened(tmp_path / "t.csv", "x,a,b\n1,2,3.5\n4,5,6.5\n", target=["b", "a"])
    assert raw.train.target.tolist() == [[3.5, 2], [6.5, 5]]
    assert raw.target_names == ("b", "a")


def test_numbers_can_be_names_and_columns_left_out(tmp_path: Path) -> None:
    raw = opened(tmp_path / "t.csv", "id,zip,x,label\n1,100,2,a\n2,200,3,b\n", ignore=["id"], categorical=["zip"])
    assert [(each.name, each.kind) for each in raw.columns] == [("x", "number"), ("zip", "category")]
    assert raw.columns[1].categories == ("100", "200")


def test_a_test_file_is_the_test_split_and_shares_the_codes(tmp_path: Path) -> None:
    (tmp_path / "u.csv").write_text("town,label\nAachen,y\nUlm,x\n")
    raw = opened(tmp_path / "t.csv", "town,label\nUlm,x\nBonn,y\n", test_file="u.csv")
    assert raw.test is not None
    names = raw.columns[0].categories
    assert [names[code] for code in raw.train.inputs[1][:, 0]] == ["Ulm", "Bonn"]
    assert [names[code] for code in raw.test.inputs[1][:, 0]] == ["Aachen", "Ulm"]
    assert raw.test.target.tolist() == [1, 0]
    assert len(split(raw, validation=0.0, test=None, seed=0).named()["test"]) == 2
