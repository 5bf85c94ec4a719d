"""A name is a bundled data set, anything with a suffix or a slash a place; what is neither is explained."""

from pathlib import Path

import numpy as np
import pytest

from gradus.core.errors import InputError
from gradus.data.sources import is_path, locate, open_data


@pytest.mark.parametrize("name", ["./digits", "data/digits", "digits.npz", "/digits", "~/digits", ".", "..", "a\\b"])
def test_a_suffix_or_a_slash_makes_a_path(name: str) -> None:
    assert is_path(name)


@pytest.mark.parametrize("name", ["digits", "line", "fashion-mnist", ""])
def test_anything_else_is_a_name(name: str) -> None:
    assert not is_path(name)


@pytest.fixture
def digits_folder(tmp_path: Path) -> Path:
    """A user's own folder that has the name of a bundled set."""
    for name in ("digits", "mine"):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "x.npy", np.arange(8.0).reshape(4, 2))
        np.save(tmp_path / name / "y.npy", [0, 1, 0, 1])
    return tmp_path


def test_a_bundled_name_wins_over_a_folder(digits_folder: Path) -> None:
    assert open_data("digits", {}, base=digits_folder).kind == "digits"
    assert open_data("./digits", {}, base=digits_folder).kind == "numpy"


def test_a_folder_needs_no_slash_where_no_set_has_its_name(digits_folder: Path) -> None:
    assert open_data("mine", {}, base=digits_folder).kind == "numpy"


def test_a_path_may_begin_at_home(digits_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(digits_folder))
    assert open_data("~/mine", {}, base=Path("elsewhere")).kind == "numpy"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("digts", r"^data: unknown name, and no file or folder either, got `digts`. Did you mean `digits`\?$"),
        ("Digits", r"Did you mean `digits` or `moving_digits`\?$"),
        ("", "^data: unknown name, .*Known: adding, copy_memory, digits, distorted_digits, line"),
        ("zzz", "^data: unknown name, .*Known: adding, copy_memory, digits, distorted_digits, line"),
        ("idx", "^data: `idx` is a format, not a data set. Give the path of a file or folder.$"),
        ("./nowhere", "^data: no such file or folder, got `.*nowhere`"),
        ("digits.npz", r"^data: no such file or folder, got .*digits.npz`. Did you mean `digits` or"),
        ("empty/", r"^data .*empty: is an empty folder. Known formats, which `gradus data` describes: csv, .*numpy"),
        ("other/", r"^data .*other: is in no known format. Known formats, .*idx"),
        ("other/notes.xyz", r"^data .*notes.xyz: is in no known format. Known formats"),
        (f"./{'a' * 300}", "cannot be read: File name too long"),
        ("./nul\0byte", "^data: no such file or folder"),
    ],
)  # fmt: skip
def test_what_cannot_be_opened_is_explained(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.xyz").write_text("text")
    with pytest.raises(InputError, match=message):
        open_data(name, {}, base=tmp_path)


def test_options_of_a_bundled_set_are_checked() -> None:
    with pytest.raises(InputError, match=r"^data source `digits`: unknown option `size`"):
        open_data("digits", {"size": 3})


def test_a_place_means_the_same_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    assert locate("mnist", tmp_path) == str(tmp_path / "mnist")
    assert locate("./gone.npz", tmp_path) == str(tmp_path / "gone.npz")
    assert locate("/a/b.npz", tmp_path) == "/a/b.npz"
    (tmp_path / "digits").mkdir()
    assert locate("digits", tmp_path) == "digits"  # bundled names come first
    assert locate("unheard-of", tmp_path) == "unheard-of"
