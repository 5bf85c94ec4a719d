"""Make the folders beside this file anew, with Hugging Face `datasets` installed: python make.py

`expected.json` is what the library itself reads back from them.
"""

import json
import shutil
from datetime import datetime
from io import BytesIO
from pathlib import Path

import datasets
import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image, Value
from PIL import Image as Picture

HERE = Path(__file__).parent


def pictures() -> DatasetDict:
    """Six small images in colour, two of them for the test; labels not in the order of their names."""
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(6):
        content = BytesIO()
        Picture.fromarray(rng.integers(0, 256, (4, 3, 3), dtype=np.uint8)).save(content, "PNG")
        rows.append({"bytes": content.getvalue(), "path": None})
    features = Features({"image": Image(), "label": ClassLabel(names=["dog", "cat"])})
    every = Dataset.from_dict({"image": rows, "label": [0, 1, 1, 0, 1, 0]}, features=features)
    return DatasetDict({"train": every.select(range(4)), "validation": every.select([4]), "test": every.select([5])})


def table() -> Dataset:
    """Five rows of every plain kind of column, some missing, in two files."""
    columns = {
        "age": [30, 41, None, 52, 63],
        "height": [1.5, 1.75, 2.0, float("nan"), 1.25],
        "job": ["baker", None, "smith", "smith", "baker"],
        "born": [datetime(1990, 1, day) for day in (1, 2, 3, 4, 5)],
        "member": [True, False, True, True, None],
        "income": [1, 0, 1, 0, 0],
        "embedding": [[0.5, 1.5]] * 5,
    }
    features = Features(
        {
            "age": Value("int64"),
            "height": Value("float32"),
            "job": Value("string"),
            "born": Value("timestamp[s]"),
            "member": Value("bool"),
            "income": ClassLabel(names=["low", "high"]),
            "embedding": datasets.Sequence(Value("float32"), length=2),
        }
    )
    return Dataset.from_dict(columns, features=features)


if __name__ == "__main__":
    for name in ("pictures", "table"):
        shutil.rmtree(HERE / name, ignore_errors=True)
    pictures().save_to_disk(HERE / "pictures")
    table().save_to_disk(HERE / "table", num_shards=2)
    expected = {
        split: {"pixels": [np.asarray(row["image"]).tolist() for row in rows], "labels": rows["label"][:]}
        for split, rows in DatasetDict.load_from_disk(HERE / "pictures").items()
    }
    (HERE / "expected.json").write_text(json.dumps({"datasets": datasets.__version__, **expected}) + "\n")
