"""Rows for prediction become what the same rows were in training."""

import json
from pathlib import Path

import numpy as np

from gradus.data.preprocessing import Preprocessing
from gradus.data.sources import open_data
from gradus.data.splits import Split
from gradus.data.table_inputs import read_rows

TEXT = "age,town,born,label\n1,Ulm,2024-03-01,x\n2,,2023-12-31 18:30,y\n,Bonn,NA,x\n-4.5,Ulm,1969-07-20,y\n"


def test_a_row_is_read_as_in_training(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TEXT)
    raw = open_data(str(tmp_path / "t.csv"), {"target": "label"})
    preprocessing = Preprocessing.fit(raw, Split(raw.train, np.arange(4)))
    table = Preprocessing.from_json(json.loads(json.dumps(preprocessing.to_json()))).table
    assert table is not None
    found = list(read_rows(str(tmp_path / "t.csv"), table, {}))
    assert [label.rpartition("t.csv ")[2] for label, _ in found] == ["row 2", "row 3", "row 4", "row 5"]
    for place, expected in enumerate(raw.train.inputs):
        np.testing.assert_array_equal(np.stack([inputs[place] for _, inputs in found]), expected[:])
    rows = [{"town": "Ulm", "age": 1, "born": "2024-03-01"}, {"age": None, "town": "Bonn", "born": None}]
    ((_, first), (_, third)) = read_rows(json.dumps(rows), table, {})
    for place, expected in enumerate(raw.train.inputs):
        np.testing.assert_array_equal(first[place], expected[0])
        np.testing.assert_array_equal(third[place], expected[2])
