"""Text becomes codes, windows and next characters."""

from pathlib import Path

import numpy as np
import pytest

from gradus.data.raw import Windows
from gradus.data.sources import open_data
from gradus.data.splits import split


def test_an_example_is_some_characters_and_the_next(tmp_path: Path) -> None:
    text = "Grüße, 世界! abcabcabc"
    (tmp_path / "t.txt").write_text(text, encoding="utf-8")
    raw = open_data(str(tmp_path / "t.txt"), {"window": 4})
    assert raw.vocabulary == raw.classes == tuple(sorted(set(text)))
    windows = raw.train.inputs[0]
    assert isinstance(windows, Windows)
    assert len(raw.train) == len(text) - 4
    for place in range(len(text) - 4):
        assert "".join(raw.vocabulary[code] for code in windows[place]) == text[place : place + 4]
        assert raw.vocabulary[raw.train.target[place]] == text[place + 4]
    assert raw.spec.input_dtypes == ("int64",)


def test_the_end_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("ab" * 100)
    raw = open_data(str(tmp_path / "t.txt"), {"window": 2})
    parts = split(raw, validation=0.1, test=0.2, seed=0).named()
    assert np.concatenate([part.index for part in parts.values()]).tolist() == list(range(198))


@pytest.mark.parametrize(("encoding", "text"), [("latin-1", "Köln, Köln"), ("utf-16", "Köln, Köln")])
def test_other_encodings_are_read_where_they_are_named(tmp_path: Path, encoding: str, text: str) -> None:
    (tmp_path / "t.txt").write_text(text, encoding=encoding)
    raw = open_data(str(tmp_path / "t.txt"), {"window": 2, "encoding": encoding})
    assert raw.vocabulary == tuple(sorted(set(text)))
