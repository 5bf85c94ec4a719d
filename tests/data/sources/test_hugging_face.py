"""Folders that the `datasets` library wrote (tests/golden/hugging-face) are read as it reads them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gradus.core.errors import InputError
from gradus.data.sources import open_data, sources
from gradus.data.sources.hugging_face import hugging_face

GOLDEN = Path(__file__).parents[2] / "golden" / "hugging-face"


def save(folder: Path, table: pa.Table, features: dict[str, Any]) -> Path:
    """A `Dataset` as the library lays it out."""
    folder.mkdir(parents=True, exist_ok=True)
    with pa.ipc.new_stream(str(folder / "data.arrow"), table.schema) as writer:
        writer.write_table(table)
    (folder / "dataset_info.json").write_text(json.dumps({"features": features}))
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data.arrow"}]}))
    return folder


def values(dtype: str) -> dict[str, Any]:
    return {"dtype": dtype, "_type": "Value"}


def test_images_are_what_the_library_decodes() -> None:
    data = open_data(str(GOLDEN / "pictures"), {})
    expected = json.loads((GOLDEN / "expected.json").read_text())
    assert data.kind == "hugging_face"
    assert data.classes == ("dog", "cat")  # in the order of the label's numbers, not of the alphabet
    assert data.validation is not None
    assert data.test is not None
    for name, part in {"train": data.train, "validation": data.validation, "test": data.test}.items():
        pixels = np.moveaxis(np.array(expected[name]["pixels"], np.uint8), -1, 1)
        assert np.array_equal(part.inputs[0][:], pixels)
        assert part.inputs[0].shape == pixels.shape
        assert part.target.tolist() == expected[name]["labels"]


def test_a_table_of_several_files() -> None:
    data = hugging_face(GOLDEN / "table", ignore=("embedding",))
    numbers, codes = data.train.inputs
    assert [each.name for each in data.columns if each.kind == "number"] == ["age", "height"]
    assert np.array_equal(
        numbers[:, :2], [[30, 1.5], [41, 1.75], [np.nan, 2], [52, np.nan], [63, 1.25]], equal_nan=True
    )
    days = [each.name for each in data.columns].index("born: days")
    assert numbers[:, days].tolist() == [7305, 7306, 7307, 7308, 7309]  # 1990-01-01 and so on, since 1970
    named = {each.name: each.categories for each in data.columns if each.kind == "category"}
    assert named == {"job": ("baker", "smith"), "member": ("false", "true")}
    assert codes[:].tolist() == [[0, 1], [-1, 0], [1, 1], [1, 1], [0, -1]]
    assert [data.classes[code] for code in data.train.target] == ["high", "low", "high", "low", "low"]


def test_rows_are_counted_from_0_as_the_library_does() -> None:
    with pytest.raises(InputError, match=r"row 2: the target `age` is missing"):
        hugging_face(GOLDEN / "table", target="age", ignore=("embedding",))


def test_images_with_values(tmp_path: Path) -> None:
    (shard,) = (GOLDEN / "pictures" / "train").glob("*.arrow")
    images = pa.ipc.open_stream(str(shard)).read_all()["image"]
    table = pa.table({"photo": images, "weight": [1.5, 2.5, 0.5, 1.0], "word": ["a", "b", "b", "a"]})
    features = {"photo": {"_type": "Image"}, "weight": values("float64"), "word": values("string")}
    folder = save(tmp_path / "set", table, features)
    weights = hugging_face(folder, target="weight")
    assert weights.task == "regression"
    assert weights.train.target.ravel().tolist() == [1.5, 2.5, 0.5, 1.0]
    words = hugging_face(folder, target="word")
    assert words.classes == ("a", "b")
    assert words.train.target.tolist() == [0, 1, 1, 0]
    assert hugging_face(folder, target="word", ignore=("photo",)).is_table


def test_a_folder_is_recognised() -> None:
    card = sources.get("hugging_face")
    assert card.opens is not None
    assert card.opens(GOLDEN / "pictures")
    assert card.opens(GOLDEN / "table")
    assert not card.opens(GOLDEN)


Damage = Callable[[Path], object]


def edit(name: str, change: Callable[[dict[str, Any]], object]) -> Damage:
    def apply(folder: Path) -> None:
        document = json.loads((folder / name).read_text())
        change(document)
        (folder / name).write_text(json.dumps(document))

    return apply


def cut(folder: Path) -> None:
    (shard,) = folder.glob("*1-of*.arrow")
    shard.write_bytes(shard.read_bytes()[:300])


TABLE: dict[str, tuple[Damage, str]] = {
    "a file cut short": (cut, "00001-of-00002.arrow: cannot be read"),
    "a file that is gone": (lambda f: next(f.glob("*1-of*.arrow")).unlink(), "cannot be read"),
    "no JSON": (lambda f: (f / "dataset_info.json").write_text("{"), "dataset_info.json: cannot be read"),
    "JSON of something else": (lambda f: (f / "state.json").write_text("[]"), "must hold a JSON object, got `list`"),
    "no features": (edit("dataset_info.json", lambda d: d.pop("features")), "names no columns or no files"),
    "no files": (edit("state.json", lambda d: d.update(_data_files=[])), "names no columns or no files"),
    "a file elsewhere": (
        edit("state.json", lambda d: d.update(_data_files=[{"filename": "../x.arrow"}])),
        "must name what lies in this folder, and nothing else, got `../x.arrow`",
    ),
    "a selection of rows": (
        edit("state.json", lambda d: d.update(_indices_data_files=[{"filename": "i.arrow"}])),
        "flatten_indices()",
    ),
    "a column that is not there": (
        edit("dataset_info.json", lambda d: d["features"].update(gone=values("int64"))),
        "its files lack the column `gone`",
    ),
    "more labels than names": (
        edit("dataset_info.json", lambda d: d["features"]["income"].update(names=["low"])),
        "column `income` holds numbers of more than its 1 classes",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_damaged_table(name: str, tmp_path: Path) -> None:
    damage, says = TABLE[name]
    folder = shutil.copytree(GOLDEN / "table", tmp_path / "table")
    damage(folder)
    with pytest.raises(InputError) as raised:
        hugging_face(folder, ignore=("embedding",))
    assert says in str(raised.value)


SPLITS: dict[str, tuple[list[Any], str]] = {
    "unknown": (["train", "unsupervised"], "`unsupervised` is no split known here"),
    "twice": (["train", "validation", "dev"], "`dev` is a second validation split"),
    "none to train on": (["validation", "test"], "has no split `train`"),
    "elsewhere": (["train", "../table"], "no split known here"),
    "not a list of names": ([3], "must list the splits"),
}


@pytest.mark.parametrize("name", SPLITS)
def test_splits_that_cannot_be_used(name: str, tmp_path: Path) -> None:
    names, says = SPLITS[name]
    folder = shutil.copytree(GOLDEN / "pictures", tmp_path / "set")
    shutil.copytree(folder / "validation", folder / "dev")
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": names}))
    with pytest.raises(InputError) as raised:
        hugging_face(folder)
    assert says in str(raised.value)


def test_one_split_of_any_name_is_for_training(tmp_path: Path) -> None:
    folder = shutil.copytree(GOLDEN / "pictures", tmp_path / "set")
    (folder / "train").rename(folder / "everything")
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": ["everything"]}))
    data = hugging_face(folder)
    assert len(data.train) == 4
    assert data.test is None


def pictures(folder: Path, contents: list[Any], labels: list[Any]) -> Path:
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"image": pa.array(contents, kind), "label": pa.array(labels, pa.int64())})
    label = {"names": ["no", "yes"], "_type": "ClassLabel"}
    return save(folder, table, {"image": {"_type": "Image"}, "label": label})


def png(*shape: int) -> dict[str, Any]:
    from io import BytesIO

    from PIL import Image

    content = BytesIO()
    Image.fromarray(np.zeros(shape, np.uint8)).save(content, "PNG")
    return {"bytes": content.getvalue(), "path": None}


IMAGES: dict[str, tuple[list[Any], list[Any], str]] = {
    "damaged": ([png(4, 4), {"bytes": b"nothing", "path": None}], [0, 1], "row 1: is damaged, or no image"),
    "none": ([png(4, 4), None], [0, 1], "row 1: column `image` has no image"),
    "elsewhere": ([png(4, 4), {"bytes": None, "path": "/a.png"}], [0, 1], "row 1: its image lies elsewhere, got `/a"),
    "of another size": ([png(4, 4), png(4, 5)], [0, 1], "the first being (1, 4, 4), got (1, 4, 5). Set `size`"),
    "of other colours": ([png(4, 4), png(4, 4, 3)], [0, 1], 'got (3, 4, 4). Set `mode = "grey"` or "rgb"'),
    "without a label": ([png(4, 4)] * 2, [0, -1], "row 1: column `label` has no value"),
    "with a gap for a label": ([png(4, 4)] * 2, [None, 1], "row 0: column `label` has no value"),
    "with a label too many": ([png(4, 4)] * 3, [0, 1, 2], "every label must be one of the classes"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_images_that_cannot_be_used(name: str, tmp_path: Path) -> None:
    contents, labels, says = IMAGES[name]
    folder = pictures(tmp_path / "set", contents, labels)
    with pytest.raises(InputError) as raised:
        hugging_face(folder).train.inputs[0][np.arange(len(labels))]
    assert says in str(raised.value)


def test_images_are_brought_to_one_size(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "set", [png(4, 4), png(8, 8), png(8, 8, 3)], [0, 1, 1])
    assert hugging_face(folder, size=6, mode="rgb").train.inputs[0][:].shape == (3, 3, 6, 6)


def test_options_that_name_nothing() -> None:
    folder = GOLDEN / "pictures"
    for options, says in (
        ({"image": "imag"}, "`image` names no column of images, got `imag`. Did you mean `image`?"),
        ({"target": "lable"}, "Did you mean `label`?"),
        ({"ignore": ["labels"]}, "Did you mean `label`?"),
        ({"ignore": ["label"]}, "`target` must name the column to predict"),
    ):
        with pytest.raises(InputError) as raised:
            open_data(str(folder), options)
        assert says in str(raised.value)
    with pytest.raises(InputError, match="`image` names no column of images"):
        open_data(str(GOLDEN / "table"), {"image": "age"})
