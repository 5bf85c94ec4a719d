"""IDX files are read as they were written, and a file that is not what it says is refused."""

import gzip
import os
import struct
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes
from numpy.typing import NDArray

from gradus.core.errors import InputError
from gradus.data.sources import open_data
from gradus.data.sources.idx import read_idx

CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def encoded(array: NDArray[Any]) -> bytes:
    """An IDX file, written from its description."""
    header = struct.pack(">BBBB", 0, 0, CODES[array.dtype.str[1:]], array.ndim)
    axes = b"".join(struct.pack(">I", side) for side in array.shape)
    return header + axes + array.astype(array.dtype.newbyteorder(">")).tobytes()


def header(*axes: int, code: int = 8) -> bytes:
    return bytes([0, 0, code, len(axes)]) + b"".join(struct.pack(">I", side) for side in axes)


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def folder(path: Path, images: NDArray[Any], labels: NDArray[Any], suffix: str = "", split: str = "train") -> Path:
    write(path / f"{split}-images-idx3-ubyte{suffix}", encoded(images))
    write(path / f"{split}-labels-idx1-ubyte{suffix}", encoded(labels))
    return path


IMAGES = np.arange(40 * 4 * 3, dtype=np.uint8).reshape(40, 4, 3)
LABELS = (np.arange(40) % 4).astype(np.uint8)


@in_one_folder
@given(
    shape=array_shapes(max_dims=4, max_side=6),
    kind=st.sampled_from(sorted(CODES)),
    packed=st.booleans(),
    seed=st.integers(0),
)
def test_round_trip(shape: tuple[int, ...], kind: str, packed: bool, seed: int, tmp_path: Path) -> None:
    array = np.random.default_rng(seed).integers(-100, 100, shape).astype(kind)
    path = write(tmp_path / f"x-idx3-ubyte{'.gz' if packed else ''}", encoded(array))
    read = read_idx(path)
    assert read.dtype.str[1:] == kind
    assert np.array_equal(read, array)
    assert isinstance(read, np.memmap) is not packed


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_folder_is_a_data_set(suffix: str, tmp_path: Path) -> None:
    folder(tmp_path, IMAGES, LABELS, suffix)
    data = open_data(str(tmp_path), {})
    assert (data.kind, data.task, data.spec.inputs, data.classes) == (
        "idx",
        "classification",
        ((1, 4, 3),),
        ("0", "1", "2", "3"),
    )
    assert np.array_equal(data.train.inputs[0][:][:, 0], IMAGES)
    assert data.train.target.tolist() == LABELS.tolist()
    assert data.test is None


@pytest.mark.parametrize("split", ["t10k", "test"])
def test_the_test_files_are_the_test_split(split: str, tmp_path: Path) -> None:
    folder(tmp_path, IMAGES, LABELS)
    folder(tmp_path, IMAGES[:4], LABELS[:4], ".gz", split)
    data = open_data(str(tmp_path), {})
    assert data.test is not None
    assert len(data.test) == 4


def test_the_plain_file_is_preferred_to_the_packed_one(tmp_path: Path) -> None:
    folder(tmp_path, IMAGES, LABELS)
    folder(tmp_path, IMAGES + 1, LABELS, ".gz")
    assert np.array_equal(open_data(str(tmp_path), {}).train.inputs[0][:][:, 0], IMAGES)


def test_what_is_left_of_a_download_is_passed_over(tmp_path: Path) -> None:
    folder(tmp_path, IMAGES, LABELS)
    write(tmp_path / "train-images-idx3-ubyte.part", b"half")
    assert len(open_data(str(tmp_path), {}).train) == 40


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (header(3, 2) + bytes(5), "its header announces 3x2 = 6 bytes, but it holds only 5. Fetch the file again"),
        (header(3, 2) + bytes(7), "its header announces 3x2 = 6 bytes, but it holds more"),
        (header(3, 2, code=14) + bytes(6), "its header announces 3x2 = 48 bytes, but it holds only 6"),
        (header(2**32 - 1, 28, 28) + bytes(6), "its header announces 4294967295x28x28 = 3,367,254,359,280 bytes, but"),
        (
            header(*[2**32 - 1] * 4) + bytes(6),
            "announces 4294967295x4294967295x4294967295x4294967295 = .* holds only 6",
        ),
        (header(2**31, 2**31, 4) + b"", "but it holds only 0"),  # 2^64: nothing in 64-bit arithmetic
        (header(*[1] * 200) + b"x", "is not an IDX file"),
        (header(3, 2)[:-1], "ends within its header of 2 axes"),
        (header()[:4] + bytes(6), "is not an IDX file"),
        (header(3, code=10) + bytes(3), "is not an IDX file"),
        (b"\x00\x00\x08", "is not an IDX file"),
        (b"", "is not an IDX file"),
        (b"PNG here", r"is not an IDX file: it must begin with 00 00, a type, a number of axes, got b'PNG "),
    ],
)
def test_a_header_that_lies(content: bytes, message: str, suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"train-images-idx3-ubyte{suffix}", content)
    with pytest.raises(InputError, match=message) as caught:
        read_idx(path)
    assert str(caught.value).startswith(f"data {path}: ")


def test_a_packed_file_is_read_no_further_than_it_should_go(tmp_path: Path) -> None:
    path = tmp_path / "train-images-idx3-ubyte.gz"
    write(path, header(3) + bytes(1 << 26))
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(InputError, match="but it holds more"):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 23


@pytest.mark.parametrize("keep", [5, 15, 40, -4])
def test_a_truncated_packed_file(keep: int, tmp_path: Path) -> None:
    path = write(tmp_path / "train-images-idx3-ubyte.gz", encoded(IMAGES))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"cannot be read: .*Fetch the file again"):
        read_idx(path)


@in_one_folder
@given(place=st.integers(0, 10**6), value=st.integers(0, 255))
def test_any_damage_is_an_error_or_other_numbers(place: int, value: int, tmp_path: Path) -> None:
    for suffix in ("", ".gz"):
        path = write(tmp_path / f"train-images-idx3-ubyte{suffix}", encoded(IMAGES))
        content = bytearray(path.read_bytes())
        content[place % len(content)] = value
        path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with suppress(InputError):
                read_idx(path)


def test_a_plain_file_called_packed(tmp_path: Path) -> None:
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(encoded(IMAGES))
    with pytest.raises(InputError, match="Not a gzipped file"):
        read_idx(path)


def remove(name: str) -> Any:
    return lambda path: (path / name).unlink()


def put(name: str, content: bytes) -> Any:
    return lambda path: write(path / name, content)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (remove("train-labels-idx1-ubyte"), r"`train-labels-idx1-ubyte` \(or .gz\) is missing"),
        (remove("train-images-idx3-ubyte"), r"`train-images-idx3-ubyte` \(or .gz\) is missing"),
        (
            remove("t10k-labels-idx1-ubyte"),
            "test images and test labels go together, got `only t10k-images-idx3-ubyte`",
        ),
        (
            remove("t10k-images-idx3-ubyte"),
            "test images and test labels go together, got `only t10k-labels-idx1-ubyte`",
        ),
        (put("train-labels-idx1-ubyte", encoded(LABELS[:39])), "x has 40 examples and y 39"),
        (put("train-labels-idx1-ubyte", encoded(LABELS * 0)), "needs two classes or more, got `only 0`"),
        (put("train-labels-idx1-ubyte", encoded(IMAGES)), "y: must be numbers or strings"),
        (
            put("train-labels-idx1-ubyte", encoded(LABELS.astype(np.int8) - 1)),
            "must be 0 or more, but example 0 has -1",
        ),
        (put("train-images-idx3-ubyte", encoded(LABELS)), "x: needs an example axis and at least one more"),
        (put("train-images-idx3-ubyte", encoded(IMAGES[:0])), r"x: must not be empty, got \(0, 4, 3\)"),
        (
            put("train-images-idx3-ubyte", encoded(IMAGES.astype("f4") * np.nan)),
            "x: must be finite .*example 0 holds nan",
        ),
        (
            put("t10k-labels-idx1-ubyte", encoded(LABELS + np.uint8(1))),
            r"occur in training \(0, 1, 2, 3\), but example 3 has 4",
        ),
        (
            put("t10k-images-idx3-ubyte", encoded(IMAGES[:, :3])),
            r"the shape of the training examples \(1, 4, 3\), got \(1, 3, 3\)",
        ),
        (
            put("other-train-images-idx3-ubyte", encoded(IMAGES)),
            "has more than one file of train images, got `other-train",
        ),
    ],
)
def test_a_folder_with_a_mistake(spoil: Any, message: str, tmp_path: Path) -> None:
    folder(folder(tmp_path, IMAGES, LABELS), IMAGES, LABELS, split="t10k")
    spoil(tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        open_data(str(tmp_path), {})
    assert str(caught.value).startswith(f"data {tmp_path}")


def test_one_file_is_not_enough(tmp_path: Path) -> None:
    folder(tmp_path, IMAGES, LABELS)
    with pytest.raises(InputError, match=f"one file holds images or labels, not both. Give its folder: {tmp_path}"):
        open_data(str(tmp_path / "train-images-idx3-ubyte"), {})


def published(name: str) -> Path:
    root = os.environ.get("GRADUS_DATA")
    if root is None or not (Path(root) / name).is_dir():
        pytest.skip(f"the environment variable GRADUS_DATA names no folder with {name}")
    return Path(root) / name


# Mean and deviation of the training pixels, as everyone who normalizes with them has them.
@pytest.mark.parametrize(("name", "mean", "deviation"), [("mnist", 0.1307, 0.3081), ("fashion-mnist", 0.2860, 0.3530)])
def test_the_published_sets(name: str, mean: float, deviation: float) -> None:
    data = open_data(str(published(name)), {})
    assert data.test is not None
    assert (len(data.train), len(data.test), data.spec.inputs, data.spec.outputs) == (
        60_000,
        10_000,
        ((1, 28, 28),),
        10,
    )
    assert np.bincount(data.test.target).sum() == 10_000
    if name == "fashion-mnist":
        assert np.bincount(data.train.target).tolist() == [6000] * 10
    else:
        assert np.bincount(data.train.target).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    pixels = data.train.inputs[0][:] / np.float32(255)
    assert pixels.mean(dtype=np.float64) == pytest.approx(mean, abs=5e-5)
    assert pixels.std(dtype=np.float64) == pytest.approx(deviation, abs=5e-5)
