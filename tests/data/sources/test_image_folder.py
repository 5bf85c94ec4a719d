"""Folders of images: which image is of which class and split, and the same bits however they are packed or read."""

import io
import pickle
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import gradus
from gradus.core.errors import InputError
from gradus.data import images
from gradus.data.batching import Loader, make_store
from gradus.data.preprocessing import Preprocessing
from gradus.data.raw import RawData
from gradus.data.sources import open_data
from gradus.data.splits import Split
from gradus.training.prepare import data_fingerprint, load_data, prepare, resolve
from gradus.training.recipe import Recipe

RANDOM = np.random.default_rng(0)


def picture(shape: tuple[int, ...] = (4, 5)) -> NDArray[np.uint8]:
    return RANDOM.integers(0, 256, shape, dtype=np.uint8)


def put(root: Path, *names: str, shape: tuple[int, ...] = (4, 5)) -> dict[str, NDArray[np.uint8]]:
    """Different images under `names`."""
    pictures = {name: picture(shape) for name in names}
    for name, pixels in pictures.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / name)
    return pictures


def pixels_of(data: RawData, split: str = "train") -> NDArray[Any]:
    pixels: NDArray[Any] = getattr(data, split).inputs[0][:]
    return pixels


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Six pictures of two classes."""
    put(tmp_path / "pets", *(f"{kind}/{number}.png" for kind in ("dog", "cat") for number in range(3)))
    return tmp_path / "pets"


def test_a_folder_is_a_class(tmp_path: Path) -> None:
    pictures = put(tmp_path, "dog/b.png", "dog/a.PNG", "cat/2.bmp", "cat/10.pgm", "ant/deep/er/x.tiff")
    (tmp_path / "README.txt").write_text("belongs to no class")
    data = open_data(f"{tmp_path}/", {})
    assert (data.kind, data.task, data.classes) == ("image_folder", "classification", ("ant", "cat", "dog"))
    assert (data.validation, data.test) == (None, None)
    assert data.train.target.dtype == np.int64
    assert data.train.target.tolist() == [0, 1, 1, 2, 2]
    order = ["ant/deep/er/x.tiff", "cat/10.pgm", "cat/2.bmp", "dog/a.PNG", "dog/b.png"]
    assert data.spec.inputs == ((1, 4, 5),)
    assert np.array_equal(pixels_of(data), np.stack([pictures[name] for name in order])[:, None])


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("Training", "valid", "TEST"), ("train", "validation", "testing")]
)
def test_train_val_and_test_are_splits(names: tuple[str, ...], tmp_path: Path) -> None:
    splits = dict(zip(("train", "validation", "test"), names, strict=True))
    pictures = put(tmp_path, *(f"{name}/{kind}/1.png" for name in names for kind in "ab"))
    put(tmp_path, f"{names[0]}/c/1.png")
    data = open_data(str(tmp_path), {})
    assert data.classes == ("a", "b", "c")
    assert data.train.target.tolist() == [0, 1, 2]
    for split, name in list(splits.items())[1:]:
        assert getattr(data, split).target.tolist() == [0, 1]
        assert np.array_equal(pixels_of(data, split)[:, 0], [pictures[f"{name}/{kind}/1.png"] for kind in "ab"])


def test_classes_of_other_splits_have_the_numbers_of_training(tmp_path: Path) -> None:
    put(tmp_path, *(f"train/{kind}/1.png" for kind in "abc"), "test/c/1.png")
    test = open_data(str(tmp_path), {}).test
    assert test is not None
    assert test.target.tolist() == [2]


def test_a_train_can_be_a_class(tmp_path: Path) -> None:
    put(tmp_path, "bus/1.png", "train/1.png", "car/1.png")
    assert open_data(str(tmp_path), {}).classes == ("bus", "car", "train")


def packed(folder: Path, place: Path, suffix: str, top: str) -> Path:
    """An archive of all below `folder`, those files last that are first in the folder."""
    path = place / f"set{suffix}"
    files = sorted((each for each in folder.rglob("*") if each.is_file()), reverse=True)
    names = [(each, f"{top}{each.relative_to(folder)}") for each in files]
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for each, name in names:
                archive.write(each, name)
            archive.writestr("__MACOSX/._a.png", b"clutter")
        return path
    with tarfile.open(path, "w:gz" if suffix == ".tgz" else "w") as tar:
        for each, name in names:
            tar.add(each, name)
    return path


@pytest.mark.parametrize("top", ["", "pets/", "./", "train/"])
@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tgz"])
def test_an_archive_is_its_folder(suffix: str, top: str, pets: Path, tmp_path: Path) -> None:
    one, other = open_data(str(pets), {}), open_data(str(packed(pets, tmp_path, suffix, top)), {})
    assert one.classes == other.classes == ("cat", "dog")
    assert np.array_equal(one.train.target, other.train.target)
    assert np.array_equal(pixels_of(one), pixels_of(other))
    assert data_fingerprint(one) == data_fingerprint(other)


def test_an_archive_may_hold_splits_in_a_folder(tmp_path: Path) -> None:
    put(tmp_path / "pets", *(f"{split}/{kind}/1.png" for split in ("train", "test") for kind in "ab"))
    data = open_data(str(packed(tmp_path / "pets", tmp_path, ".zip", "pets/")), {})
    assert data.classes == ("a", "b")
    assert len(data.train) == 2
    assert data.test is not None


@pytest.mark.parametrize(("size", "shape"), [(3, (3, 3)), ([2, 6], (2, 6))])
def test_size_brings_all_to_one(size: Any, shape: tuple[int, int], tmp_path: Path) -> None:
    put(tmp_path, "a/1.png", "a/2.png")
    put(tmp_path, "b/1.png", shape=(9, 2))
    data = open_data(str(tmp_path), {"size": size})
    assert pixels_of(data).shape == (3, 1, *shape)
    for pixels, name in zip(pixels_of(data), ("a/1.png", "a/2.png", "b/1.png"), strict=True):
        assert np.array_equal(pixels, images.read_image((tmp_path / name).read_bytes(), "x", size=shape))


def test_mode_brings_all_to_one(tmp_path: Path) -> None:
    grey = put(tmp_path, "a/1.png")["a/1.png"]
    colour = put(tmp_path, "b/1.png", shape=(4, 5, 3))["b/1.png"]
    data = open_data(str(tmp_path), {"mode": "rgb"})
    assert np.array_equal(pixels_of(data), np.stack([np.stack([grey] * 3), np.moveaxis(colour, -1, 0)]))
    assert open_data(str(tmp_path), {"mode": "grey"}).spec.inputs == ((1, 4, 5),)


def recipe_for(path: Path, **training: Any) -> Recipe:
    return Recipe.from_dict(
        {
            "data": {"name": str(path), "validation": 0.0, "test": 0.34},
            "model": {"name": "mlp", "hidden": [4]},
            "criterion": {"name": "cross_entropy"},
            "optimizer": {"name": "sgd"},
            "training": {"epochs": 2, "batch_size": 2, "threads": 1, "device": "cpu", **training},
        }
    )


@pytest.mark.parametrize("suffix", ["", ".zip", ".tar", ".tgz"])
@pytest.mark.parametrize("workers", [0, 2])
def test_streamed_batches_have_the_bits_of_resident_ones(suffix: str, workers: int, pets: Path, tmp_path: Path) -> None:
    path = packed(pets, tmp_path, suffix, "") if suffix else pets
    data = open_data(str(path), {})
    split = Split(data.train, np.array([5, 0, 3, 2], np.int64))
    preprocessing = Preprocessing.fit(data, split)
    batches = []
    for stream in (True, False):
        store = make_store(data.train, preprocessing, stream=stream, device=torch.device("cpu"))
        loader = Loader(split, store, batch_size=3, seed=1, shuffle=True, workers=workers if stream else 0)
        batches.append([batch for epoch in range(2) for batch in loader.batches(epoch)])
    for one, other in zip(*batches, strict=True):
        assert torch.equal(one.inputs[0], other.inputs[0])
        assert torch.equal(one.target, other.target)
        assert torch.equal(one.index, other.index)


def test_a_streamed_run_ends_with_the_weights_of_a_resident_one(pets: Path, tmp_path: Path) -> None:
    runs = [
        gradus.train(recipe_for(pets, stream=stream, workers=workers), run=tmp_path / f"run-{stream}-{workers}")
        for stream, workers in ((False, 0), (True, 0), (True, 1))
    ]
    weights = [(run.path / "model.safetensors").read_bytes() for run in runs]
    assert weights[0] == weights[1] == weights[2]


@pytest.mark.parametrize("suffix", ["", ".zip", ".tgz"])
def test_rows_can_be_sent_to_another_process(suffix: str, pets: Path, tmp_path: Path) -> None:
    data = open_data(str(packed(pets, tmp_path, suffix, "") if suffix else pets), {})
    assert np.array_equal(pickle.loads(pickle.dumps(data.train.inputs[0]))[:], pixels_of(data))  # noqa: S301


@pytest.mark.parametrize(("stream", "times"), [(False, 1), (True, 2)])
def test_every_image_is_decoded_once_where_it_is_kept(
    stream: bool, times: int, pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streamed, those of the training split once more for every pass: here the first batch, which is tried out."""
    recipe = resolve(recipe_for(pets, stream=stream))
    raw = load_data(recipe.data)
    decoded: list[str] = []

    def counting(content: bytes, owner: str, *rest: Any) -> Any:
        decoded.append(Path(owner).parent.name + Path(owner).name)
        return images.read_image(content, owner, *rest)

    monkeypatch.setattr("gradus.data.sources.image_folder.read_image", counting)
    prepare(recipe, raw)
    assert len(set(decoded)) == 6, "all of them, those of the test split too"
    assert len(decoded) <= 6 + 2 * (times - 1)
    data_fingerprint(raw)
    assert len(decoded) <= 6 + 2 * (times - 1)


@pytest.mark.parametrize("change", ["one pixel", "another class", "one more"])
def test_a_change_is_noticed(change: str, pets: Path) -> None:
    before = data_fingerprint(open_data(str(pets), {}))
    assert data_fingerprint(open_data(str(pets), {})) == before
    if change == "one pixel":
        with Image.open(pets / "cat" / "1.png") as image:
            pixels = np.array(image)
        pixels[2, 2] ^= 1
        Image.fromarray(pixels).save(pets / "cat" / "1.png")
    elif change == "another class":
        (pets / "cat" / "2.png").rename(pets / "dog" / "-1.png")
    else:
        put(pets, "cat/3.png")
    assert data_fingerprint(open_data(str(pets), {})) != before


def test_a_file_that_went_away_is_named(pets: Path) -> None:
    data = open_data(str(pets), {})
    (pets / "dog" / "1.png").unlink()
    with pytest.raises(InputError, match=r"data .*dog/1.png: cannot be read: No such file or directory"):
        pixels_of(data)


def test_a_member_that_is_damaged_is_named(pets: Path, tmp_path: Path) -> None:
    path = packed(pets, tmp_path, ".zip", "")
    content = bytearray(path.read_bytes())
    content[content.index(b"cat/2.png") + 30] ^= 255
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"data .*set.zip/cat/2.png: cannot be read: "):
        pixels_of(open_data(str(path), {}))


def test_an_image_in_another_format_than_its_name_says_is_an_image(tmp_path: Path) -> None:
    pictures = put(tmp_path, "a/1.png", "b/1.png")
    stream = io.BytesIO()
    Image.fromarray(pictures["a/1.png"]).save(stream, "BMP")
    (tmp_path / "a" / "1.png").write_bytes(stream.getvalue())
    assert np.array_equal(pixels_of(open_data(str(tmp_path), {}))[0, 0], pictures["a/1.png"])
