"""NumPy archives and folders are data sets, never programs."""

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradus.core.errors import InputError
from gradus.data.sources import open_data
from gradus.data.sources.numpy_files import names_of, read_array

X = np.arange(30, dtype=np.float32).reshape(10, 3)
Y = np.arange(10) % 2


def archive(path: Path, **arrays: Any) -> Path:
    np.savez(path / "data.npz", **arrays)
    return path / "data.npz"


def files(path: Path, **arrays: Any) -> Path:
    for name, array in arrays.items():
        np.save(path / f"{name}.npy", array)
    return path


BOTH = pytest.mark.parametrize("write", [archive, files])
Write = Callable[..., Path]


@BOTH
@pytest.mark.parametrize(
    ("x", "y"),
    [("x_train", "y_train"), ("X_train", "y_train"), ("train_images", "train_labels"), ("x", "y"), ("X", "y")],
)
def test_the_usual_names(write: Write, x: str, y: str, tmp_path: Path) -> None:
    data = open_data(str(write(tmp_path, **{x: X, y: Y})), {})
    assert (data.kind, data.task, data.test) == ("numpy", "classification", None)
    assert np.array_equal(data.train.inputs[0][:], X)
    assert data.train.target.tolist() == Y.tolist()


@BOTH
@pytest.mark.parametrize(
    "names",
    [("x_train", "y_train", "x_test", "y_test"), ("X_train", "y_train", "X_test", "y_test"),
     ("train_images", "train_labels", "test_images", "test_labels")],
)  # fmt: skip
def test_a_test_split_of_its_own(write: Write, names: tuple[str, ...], tmp_path: Path) -> None:
    data = open_data(str(write(tmp_path, **dict(zip(names, (X, Y, X[:3], Y[:3]), strict=True)))), {})
    assert data.test is not None
    assert np.array_equal(data.test.inputs[0][:], X[:3])


@BOTH
def test_arrays_may_be_named_by_the_recipe(write: Write, tmp_path: Path) -> None:
    path = write(tmp_path, pixels=X, label=Y)
    data = open_data(str(path), {"x": "pixels", "y": "label", "task": "regression"})
    assert data.task == "regression"
    assert data.train.target.tolist() == Y[:, None].tolist()


def test_files_are_memory_mapped(tmp_path: Path) -> None:
    rows = open_data(str(files(tmp_path, x=X, y=Y)), {}).train.inputs[0]
    assert isinstance(rows, np.memmap)
    assert not rows.flags.writeable


def test_a_name_may_have_a_slash_or_a_dot(tmp_path: Path) -> None:
    path = archive(tmp_path, **{"set/x.v1": X, "set/y": Y})
    assert names_of(path) == {"set/x.v1", "set/y"}
    assert np.array_equal(read_array(path, "set/x.v1"), X)


@BOTH
@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ({"a": X, "b": Y}, {}, "needs arrays x_train and y_train, or x and y, got `a, b`. Name yours with the options"),
        ({"x": X}, {}, "needs arrays x_train and y_train, or x and y, got `x`"),
        ({"x": X, "y": Y}, {"x": "x"}, "options `x` and `y` go together"),
        ({"pixels": X, "y": Y}, {"x": "pixel", "y": "y"}, r"no array of this name, got `pixel`. Did you mean `pixels`"),
        ({"x": X, "y": Y}, {"tsk": "regression"}, r"unknown option `tsk`. Did you mean `task`\?"),
        ({"x": X, "y": Y}, {"task": "ranking"}, "`task` should be"),
        ({"x_train": X, "y_train": Y, "x_test": X}, {}, "x_test and y_test go together, got `only x_test`"),
        ({"x_train": X, "y_train": Y, "y_test": Y}, {}, "x_test and y_test go together, got `only y_test`"),
        ({"x": X, "y": Y[:9]}, {}, "x has 10 examples and y 9"),
        ({"x": np.where(X == 13, np.nan, X), "y": Y}, {}, "x: must be finite as float32, but example 4 holds nan"),
        ({"x": X, "y": Y * 0}, {}, "needs two classes or more"),
        ({"x_train": X, "y_train": Y, "x_test": X, "y_test": Y + 1}, {}, "test y: every label must occur in training"),
        ({"x": X, "y": np.array([None, *"abcdefghi"])}, {}, "array `y` cannot be read: it holds Python objects, which"),
        ({"x": np.float32(3), "y": Y}, {}, "x: needs an example axis"),
        ({"x": np.array(["a"] * 10), "y": Y}, {}, "x: must hold numbers"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(
    write: Write, arrays: dict[str, Any], options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = write(tmp_path, **arrays)
    with pytest.raises(InputError, match=message) as caught:
        open_data(str(path), options)
    assert str(caught.value).startswith(f"data {path}")


class Exploding:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


@BOTH
def test_nothing_is_unpickled(write: Write, tmp_path: Path) -> None:
    mark = tmp_path / "exploded"
    path = write(tmp_path, x=X, y=np.array([Exploding(mark)] * 10))
    with pytest.raises(InputError, match="Python objects"):
        open_data(str(path), {})
    assert not mark.exists()


def test_a_pickle_is_no_archive(tmp_path: Path) -> None:
    mark = tmp_path / "exploded"
    for name in ("data.npz", "x.npy", "y.npy"):
        (tmp_path / name).write_bytes(pickle.dumps(Exploding(mark)))
    with pytest.raises(InputError, match=r"is not a readable \.npz archive"):
        open_data(str(tmp_path / "data.npz"), {})
    with pytest.raises(InputError, match="cannot be read"):
        open_data(str(tmp_path), {})
    assert not mark.exists()


def test_one_array_is_not_enough(tmp_path: Path) -> None:
    path = files(tmp_path, x=X, y=Y) / "x.npy"
    with pytest.raises(InputError, match=f"one array holds inputs or targets, not both. Give its folder: {tmp_path}"):
        open_data(str(path), {})


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY", b"text"])
def test_another_kind_of_file(content: bytes, tmp_path: Path) -> None:
    for name in ("data.npz", "x.npy", "y.npy"):
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=r"is not a readable \.npz archive"):
        open_data(str(tmp_path / "data.npz"), {})
    with pytest.raises(InputError, match="array `x` cannot be read"):
        open_data(str(tmp_path), {})


@pytest.mark.parametrize(
    "damage", [(b"}", b"("), (b"'<f4'", b"'<f'4"), (b"False", b"\xff\xff\xff\xff\xff"), (b"(10, 3)", b"(-1, 3)")]
)
def test_a_damaged_header(damage: tuple[bytes, bytes], tmp_path: Path) -> None:
    path = files(tmp_path, x=X, y=Y) / "x.npy"
    path.write_bytes(path.read_bytes().replace(*damage, 1))
    with pytest.raises(InputError, match="array `x` cannot be read"):
        open_data(str(tmp_path), {})


def test_an_archive_of_a_newer_kind(tmp_path: Path) -> None:
    path = archive(tmp_path, x=X, y=Y)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 6] = 150  # the version needed to extract
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"is not a readable \.npz archive"):
        open_data(str(path), {})


def test_a_header_that_announces_more_than_there_is_memory(tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", Y)
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (%d, 3), }" % (1 << 50)
    content = b"\x93NUMPY\x01\x00" + (len(header) + 1).to_bytes(2, "little") + header + b"\n" + bytes(64)
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(InputError, match="array `x` cannot be read"):
        open_data(str(tmp_path), {})
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as packed:
        packed.writestr("x.npy", content)
        packed.write(tmp_path / "y.npy", "y.npy")
    with pytest.raises(InputError, match=r"array `x` (is larger than memory|cannot be read)"):
        open_data(str(tmp_path / "data.npz"), {})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10**6), value=st.integers(0, 255))
def test_any_damage_is_an_error_or_other_numbers(place: int, value: int, tmp_path: Path) -> None:
    files(tmp_path, x=X, y=Y)
    np.savez_compressed(tmp_path / "data.npz", x=X, y=Y)
    for name in ("x.npy", "data.npz"):
        content = bytearray((tmp_path / name).read_bytes())
        content[place % len(content)] = value
        (tmp_path / name).write_bytes(content)
    for path in (tmp_path, tmp_path / "data.npz"):
        try:
            open_data(str(path), {})
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
