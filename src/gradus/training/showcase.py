"""What a report shows of single examples, saved with the run so that it needs no data.

`predictions.safetensors` has what the network said of every example of the last split it was judged on, and
`showcase.json` the examples it was most wrong about, as people see them.
"""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gradus.core.characters import printable
from gradus.data.calendar import calendar_of
from gradus.data.raw import Examples, RawData, Windows
from gradus.data.sources.series import last_values
from gradus.training import folder
from gradus.training.checkpoint import save_tensors, write_atomically
from gradus.training.evaluation import Outputs

FORMAT = 1
SHOWN = 24
"""Examples that are shown."""
_MOST = 200_000
"""Predictions that are kept; of more, the first."""
_COLUMNS = 40


def write_showcase(
    place: Path,
    raw: RawData,
    examples: Examples,
    split: str,
    output: torch.Tensor,
    index: torch.Tensor,
    sample: tuple[str, str] | None = None,
) -> None:
    """Save predictions and the worst mistakes on a split.

    Args:
        sample: of a network of text, a prompt and what it says after that.
        output: probabilities (N, C), or values (N, K) in the data's own units; of probabilities at every step,
            (N, T, C), the last step is shown.
        index: (N,) the examples' numbers in `examples`.
    """
    numbers = index[:_MOST].cpu().numpy()
    target = np.asarray(examples.target[numbers])
    if output.dim() == 3:
        output, target = output[:, -1], target[:, -1]
    said = output[:_MOST].float().cpu().numpy()
    # A space or a line break by itself would look like nothing.
    names = [repr(each) for each in raw.classes] if raw.vocabulary else list(raw.classes)
    document: dict[str, Any] = {
        "format": FORMAT,
        "split": split,
        "kind": raw.kind,
        "shown": _kind(raw),
        "classes": names,
        "targets": list(raw.target_names),
    }
    if sample is not None:
        document["sample"] = {"prompt": sample[0], "continuation": sample[1]}
    if raw.task == "classification":
        predicted, confidence = said.argmax(axis=1), said.max(axis=1)
        tensors = {"predicted": predicted, "confidence": confidence, "target": target}
        wrong = np.flatnonzero(predicted != target)
        worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:SHOWN]
        document["mistakes"] = [
            {
                "index": int(numbers[place]),
                "truth": names[target[place]],
                "predicted": names[predicted[place]],
                "confidence": float(confidence[place]),
                **_example(raw, examples, int(numbers[place])),
            }
            for place in worst
        ]
    else:
        tensors = {"output": said, "target": target}
        if raw.kind == "series":
            tensors["last"] = last_values(raw)[numbers]
        error = np.abs(said - target) / np.maximum(target.std(axis=0), np.finfo(np.float32).tiny)
        worst = np.argsort(-error.max(axis=1), kind="stable")[:SHOWN]
        document["mistakes"] = [
            {
                "index": int(numbers[place]),
                "truth": target[place].tolist(),
                "predicted": said[place].tolist(),
                **_example(raw, examples, int(numbers[place])),
            }
            for place in worst
        ]
    _write(place, document, tensors | {"index": numbers})


def write_reconstructions(place: Path, raw: RawData, examples: Examples, split: str, outputs: Outputs) -> None:
    """Save what an autoencoder made of a split, and the examples that it gave back worst.

    Arrays hold numbers as the model sees them, of as many examples as make _MOST numbers.
    """
    count = max(1, _MOST // outputs.output.shape[1])
    numbers = outputs.index[:count].cpu().numpy()
    said, target = (each[:count].float().cpu().numpy() for each in (outputs.output, outputs.target))
    error = np.sqrt(((said - target) ** 2).mean(axis=1))
    worst = np.argsort(-error, kind="stable")[:SHOWN]
    document = {"format": FORMAT, "split": split, "kind": raw.kind, "shown": _kind(raw), "classes": [], "targets": []}
    shape = raw.spec.inputs[0]
    drawn = _kind(raw) == "image" and said.shape[1] == np.prod(shape)
    document["mistakes"] = [
        {
            "index": int(numbers[at]),
            "error": float(error[at]),
            **({"made": _png(said[at].reshape(shape))} if drawn else {}),
            **_example(raw, examples, int(numbers[at])),
        }
        for at in worst
    ]
    _write(place, document, {"output": said, "target": target, "index": numbers})


def _write(place: Path, document: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
    ready = {name: torch.from_numpy(np.ascontiguousarray(each)) for name, each in arrays.items()}
    write_atomically(place / folder.PREDICTIONS, lambda path: save_tensors(path, ready))
    folder.write_json(place / folder.SHOWCASE, document)


def _kind(raw: RawData) -> str:
    if raw.vocabulary:
        return "text"
    if raw.is_table:
        return "row"
    shape = raw.spec.inputs[0]
    return "image" if len(shape) in (3, 4) and shape[0] in (1, 3, 4) else "numbers"


def _example(raw: RawData, examples: Examples, number: int) -> dict[str, Any]:
    """An example as people see it: a picture, frames of a video, the cells of a row, some text."""
    kind = _kind(raw)
    rows = [each[number : number + 1] if isinstance(each, Windows) else each[[number]] for each in examples.inputs]
    if kind == "text":
        return {"text": printable("".join(raw.vocabulary[code] for code in rows[0][0]), most=400)}
    if kind == "row":
        return {"cells": _cells(raw, rows)}
    if kind == "image":
        return {"png": _png(rows[0][0])}
    return {}


def _cells(raw: RawData, rows: list[NDArray[Any]]) -> dict[str, str]:
    """Column names and values, dates as they were."""
    cells: dict[str, str] = {}
    numeric = [each for each in raw.columns if each.kind != "category"]
    for column, value in zip(numeric, rows[0][0], strict=True):
        if column.kind == "date":
            if column.name.endswith(": days") and np.isfinite(value):
                seconds = np.timedelta64(round(float(value) * 86400), "s")
                cells[calendar_of(column.name)] = str(np.datetime64("1970-01-01") + seconds).replace("T", " ")
        else:
            cells[column.name] = "" if np.isnan(value) else f"{value:.6g}"
    for place, column in enumerate(raw.columns[len(numeric) :]):
        code = int(rows[1][0, place])
        cells[column.name] = column.categories[code] if code >= 0 else ""
    return dict(list(cells.items())[:_COLUMNS])


def _frames(video_CTHW: NDArray[Any]) -> NDArray[Any]:
    """Four frames from the first to the last as one picture (C, 2 H, 2 W); of a shorter video all, side by side."""
    count = video_CTHW.shape[1]
    shown = [video_CTHW[:, each] for each in np.linspace(0, count - 1, min(count, 4)).round().astype(np.int64)]
    rows = [shown[:2], shown[2:]] if len(shown) == 4 else [shown]
    return np.concatenate([np.concatenate(row, axis=2) for row in rows], axis=1)


def _png(example: NDArray[Any]) -> str:
    """A PNG in base64 of an image (C, H, W) or a video (C, T, H, W); real numbers are stretched over grey levels."""
    from PIL import Image

    pixels = _frames(example) if example.ndim == 4 else example
    if pixels.dtype != np.uint8:
        low, high = float(pixels.min()), float(pixels.max())
        pixels = np.round((pixels - low) / max(high - low, 1e-12) * 255).astype(np.uint8)
    picture = Image.fromarray(pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1))
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return base64.b64encode(stream.getvalue()).decode("ascii")
