"""Inputs for prediction are read from whatever people have, and what does not fit is refused."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.data.inputs import read_inputs

TABLE = DataSpec(task="regression", inputs=((3,),), outputs=1)
NUMBER = DataSpec(task="regression", inputs=((1,),), outputs=1)
GREY = DataSpec(task="classification", inputs=((1, 4, 5),), outputs=2)
COLOUR = DataSpec(task="classification", inputs=((3, 4, 5),), outputs=2)
PIXELS = np.arange(20, dtype=np.uint8).reshape(4, 5)


def read(given: object, spec: DataSpec, *, resize: bool = False) -> tuple[list[str], NDArray[Any]]:
    labels, arrays = zip(*read_inputs(str(given), spec, resize=resize), strict=True)
    return list(labels), np.stack([each for (each,) in arrays])


@pytest.mark.parametrize(
    ("given", "spec", "values"),
    [
        ("4", NUMBER, [[4]]),
        ("[4]", NUMBER, [[4]]),
        ("[4, 5.5]", NUMBER, [[4], [5.5]]),
        ("[[4], [5]]", NUMBER, [[4], [5]]),
        ("[1, 2, 3]", TABLE, [[1, 2, 3]]),
        ("[[1, 2, 3], [4, 5, 6]]", TABLE, [[1, 2, 3], [4, 5, 6]]),
    ],
)
def test_numbers_as_json(given: str, spec: DataSpec, values: list[list[float]]) -> None:
    assert read(given, spec)[1].tolist() == values


def test_several_examples_are_numbered() -> None:
    assert read("[1, 2, 3]", TABLE)[0] == ["input"]
    assert read("[[1, 2, 3], [4, 5, 6]]", TABLE)[0] == ["input#0", "input#1"]


def test_grey_images(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    labels, arrays = read(tmp_path / "a.png", GREY)
    assert labels == [str(tmp_path / "a.png")]
    assert np.array_equal(arrays, PIXELS[None, None])


def test_colour_images(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (4, 5, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.array_equal(read(tmp_path / "a.png", COLOUR)[1][0], np.moveaxis(pixels, -1, 0))


def test_an_image_of_another_size_is_resized_only_when_asked(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 10), 7, np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a.png: must be 5 x 4 pixels, got `10 x 8`. Or say --resize"):
        read(tmp_path / "a.png", GREY)
    assert np.array_equal(read(tmp_path / "a.png", GREY, resize=True)[1], np.full((1, 1, 4, 5), 7))


def test_arrays(tmp_path: Path) -> None:
    for array in (PIXELS, PIXELS[None], PIXELS[None, None], np.stack([PIXELS, PIXELS + 1])):
        np.save(tmp_path / "x.npy", array)
        assert np.array_equal(read(tmp_path / "x.npy", GREY)[1], array.reshape(-1, 1, 4, 5))
    np.savez(tmp_path / "only.npz", anything=PIXELS)
    np.savez(tmp_path / "pair.npz", x_test=PIXELS, y_test=[1], x_train=PIXELS + 1)
    assert np.array_equal(read(tmp_path / "only.npz", GREY)[1][0, 0], PIXELS)
    assert np.array_equal(read(tmp_path / "pair.npz", GREY)[1][0, 0], PIXELS)


def test_idx(tmp_path: Path) -> None:
    path = tmp_path / "t10k-images-idx3-ubyte"
    path.write_bytes(bytes([0, 0, 8, 3]) + struct.pack(">III", 1, 4, 5) + PIXELS.tobytes())
    assert np.array_equal(read(path, GREY)[1][0, 0], PIXELS)


def test_a_folder_is_read_in_order(tmp_path: Path) -> None:
    for number, name in enumerate(("b.png", "a.png")):
        Image.fromarray(PIXELS + np.uint8(number)).save(tmp_path / name)
    np.save(tmp_path / "c.npy", np.stack([PIXELS, PIXELS]))
    (tmp_path / "notes.txt").write_text("not an input")
    labels, arrays = read(tmp_path, GREY)
    assert labels == [str(tmp_path / name) for name in ("a.png", "b.png", "c.npy#0", "c.npy#1")]
    assert np.array_equal(arrays[:, 0], [PIXELS + 1, PIXELS, PIXELS, PIXELS])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("nowhere.png", "^input: no such file or folder, nor numbers as JSON, got `nowhere.png`$"),
        ("[1, 2", "^input: no such file or folder, nor numbers as JSON"),
        ("[[1], [2, 3]]", "^input: no such file or folder, nor numbers as JSON"),
        ("[" + "1, " * 200 + "]", "^input: no such file or folder, nor numbers as JSON"),
        ("[]", r"^input: must not be empty, got \(0,\)$"),
        ("[1, 2]", r"^input: must hold examples of shape \(3,\), got \(2,\)$"),
        ("[[1, 2], [3, 4], [5, 6]]", r"^input: must hold examples of shape \(3,\), got \(3, 2\)$"),
        ("[[1, 2, 3], [1, NaN, 3]]", "^input: must be finite, but example 1 is not"),
        ("null", "^input: "),
    ],
)
def test_a_mistake_is_named(given: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(given, TABLE)


def test_files_that_cannot_be_inputs(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.png").write_bytes(b"no picture")
    (tmp_path / "a.txt").write_text("1 2 3")
    np.save(tmp_path / "names.npy", np.array(["a"]))
    np.savez(tmp_path / "two.npz", a=PIXELS, b=PIXELS)
    for name, message in [
        ("empty", "no image, .npy, .npz or IDX file in this folder"),
        ("a.png", "a.png: is damaged, or no image"),
        ("a.txt", "is of no known kind, got `.txt`"),
        ("names.npy", "must hold numbers"),
        ("two.npz", "needs an array called x or x_test, got `a, b`"),
    ]:
        with pytest.raises(InputError, match=message):
            read(tmp_path / name, GREY)
    Image.fromarray(PIXELS).save(tmp_path / "good.png")
    with pytest.raises(InputError, match=r"is an image, but the model takes examples of shape \(3,\)"):
        read(tmp_path / "good.png", TABLE)
