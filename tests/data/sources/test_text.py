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


@pytest.mark.parametrize(("stride", "starts"), [(None, range(0, 18, 4)), (3, range(0, 20, 3)), (1, range(20))])
def test_every_character_may_be_asked_for(tmp_path: Path, stride: int | None, starts: range) -> None:
    text = "the cat sat on the mat!!"
    (tmp_path / "t.txt").write_text(text)
    given = {"window": 4, "predict": "every"} | ({} if stride is None else {"stride": stride})
    raw = open_data(str(tmp_path / "t.txt"), given)
    windows = raw.train.inputs[0]
    assert raw.spec.steps == 4
    assert len(raw.train) == windows.shape[0] == len(starts)
    for place, start in enumerate(starts):
        assert "".join(raw.vocabulary[code] for code in windows[place]) == text[start : start + 4]
        assert "".join(raw.vocabulary[code] for code in raw.train.target[place]) == text[start + 1 : start + 5]


@pytest.mark.parametrize("stride", [1, 3, 4, 7])
def test_no_character_that_is_set_aside_is_asked_for_in_training(tmp_path: Path, stride: int) -> None:
    (tmp_path / "t.txt").write_text("".join(chr(256 + place) for place in range(200)))  # each character once
    raw = open_data(str(tmp_path / "t.txt"), {"window": 4, "predict": "every", "stride": stride})
    parts = split(raw, validation=0.2, test=0.2, seed=0).named()
    asked = [set(raw.train.target[part.index].ravel()) for part in parts.values()]
    assert not asked[0] & asked[1]
    assert not asked[1] & asked[2]
    assert sum(map(len, asked)) >= 180 * min(1, 4 / stride)


@pytest.mark.parametrize(("encoding", "text"), [("latin-1", "Köln, Köln"), ("utf-16", "Köln, Köln")])
def test_other_encodings_are_read_where_they_are_named(tmp_path: Path, encoding: str, text: str) -> None:
    (tmp_path / "t.txt").write_text(text, encoding=encoding)
    raw = open_data(str(tmp_path / "t.txt"), {"window": 2, "encoding": encoding})
    assert raw.vocabulary == tuple(sorted(set(text)))
