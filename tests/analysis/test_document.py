"""The document and the rows that programs read."""

import csv
import io

from torch import nn

from gradus.analysis.document import COLUMNS, document, table
from gradus.analysis.inspect import inspect
from tests.analysis.networks import Attends, resnet50, shared


def test_the_document_has_every_figure() -> None:
    told = document(inspect(nn.Sequential(nn.Conv2d(1, 2, 3, (1, 2)), nn.ReLU()), (1, 8, 9)))
    assert told["input"] == [[1, 1, 8, 9]]
    assert (told["parameters"], told["trainable"], told["buffers"]) == (20, 20, 0)
    out = 2 * 6 * 4
    assert (told["macs"], told["elementwise"], told["flops"]) == (9 * out, out, 19 * out)
    assert (told["read_bytes"], told["written_bytes"]) == (4 * (72 + 20 + out), 4 * 2 * out)
    assert told["saved_bytes"] == 4 * (72 + out)
    assert told["intensity"] == told["flops"] / (told["read_bytes"] + told["written_bytes"])
    assert told["receptive_field"] == {
        "name": "", "axes": (2, 3), "extent": [3, 3], "taps": [3, 3], "stride": [1.0, 2.0], "offset": [1.0, 1.0],
        "whole": [False, False],
    }  # fmt: skip
    assert {"uncounted": {}, "unresolved": [], "misaligned": []}.items() <= told.items()
    assert [each["saved_bytes"] for each in told["layers"]] == [4 * (72 + out), 4 * 72, 4 * out]


def test_what_does_not_apply_is_absent() -> None:
    assert "receptive_field" not in document(inspect(nn.Linear(3, 2), (3,)))


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_rows_are_plain_and_add_up() -> None:
    found = inspect(resnet50(), (3, 224, 224))
    rows = read(table(found))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len(found.layers)
    assert sum(int(each["own_parameters"]) for each in rows) == 25_557_032
    assert int(rows[0]["macs"]) == sum(int(each["macs"]) for each in rows if each["depth"] == "1") == 4_089_184_256
    stem = rows[1]
    assert (stem["name"], stem["type"], stem["input"], stem["output"]) == ("0", "Conv2d", "1x3x224x224", "1x64x112x112")
    assert [stem[f"field_{each}"] for each in ("extent", "taps", "stride", "offset")] == ["7x7", "7x7", "2x2", "0x0"]
    assert [rows[0][f"field_{each}"] for each in ("stride", "offset")] == ["", ""]


def test_calls_without_shapes_or_fields_have_empty_cells() -> None:
    rows = read(table(inspect(Attends(need_weights=True), (50, 256))))
    assert rows[1]["input"] == "1x50x256;1x50x256;1x50x256"
    assert rows[1]["output"] == "1x50x256;1x50x50"
    assert {each["field_extent"] for each in read(table(inspect(shared(), (10,))))} == {""}
