"""Parts of ``gradus inspect`` that are told only when asked for."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gradus.cli.output import print_cells
from gradus.core.errors import InputError

if TYPE_CHECKING:
    from gradus.analysis.budget import Subject

_MOST = 8
"""Rows of a long list that are shown; JSON has them all."""

_SHORT = {"G1": "G1 equal widths", "G2": "G2 groups", "G3": "G3 fragments", "G4": "G4 element-wise"}


@dataclass(frozen=True, slots=True)
class Section:
    """Something more about a network.

    Attributes:
        key: of `document` in JSON.
        cells: a table, its first row the headings.
        notes: lines below it.
    """

    key: str
    document: Any
    cells: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()

    def print(self) -> None:
        """As people read it, after an empty line."""
        typer.echo()
        if self.cells:
            print_cells(self.cells)
        for each in self.notes:
            typer.echo(each)


def guidelines(subject: "Subject") -> Section:
    """ShuffleNet V2's four guidelines, and the layers that break them at the highest price."""
    from gradus.analysis.guidelines import judge, score
    from gradus.analysis.units import count

    scores = score(subject.found.trace)
    broken = sorted((each for each in judge(subject.found.trace) if each.cost > 0), key=lambda each: -each.cost)
    cells = [["guideline", "judged", "broken", "costs", "of all"]]
    for each in scores:
        cost = f"{count(each.cost)} {each.unit}"
        cells.append([_SHORT[each.guideline], str(each.judged), str(each.broken), cost, f"{each.share:.0%}"])
    dearest = [each for each in broken if each.unit == "elements"][:_MOST]
    notes = [f"{v.guideline} {v.place or 'the model'}: {v.seen}; costs {count(v.cost)} {v.unit}" for v in dearest]
    document = {"scores": [asdict(each) for each in scores], "broken": [asdict(v) | {"cost": v.cost} for v in broken]}
    return Section("guidelines", document, cells, notes)


def alternatives(subject: "Subject") -> Section:
    """A depthwise separable convolution in the place of each dense one."""
    from gradus.analysis.alternatives import alternatives as found_in
    from gradus.analysis.units import count, duration

    found = sorted(found_in(subject.found.trace, subject.time), key=lambda each: each.then.macs - each.now.macs)
    cells = [["depthwise separable in", "MACs", "then", "fewer", "memory access"]]
    for each in found[:_MOST]:
        access = f"{each.then.access / each.now.access:.2f}x"
        cells.append(
            [each.place or "the model", count(each.now.macs), count(each.then.macs), f"{each.fewer:.1f}x", access]
        )
    if subject.time is not None:
        cells[0] += ["predicted", "faster"]
        for row, each in zip(cells[1:], found, strict=False):
            row += [duration(each.now.seconds or 0), f"{each.faster or 0:.1f}x"]
    notes = [f"and {len(found) - _MOST} more"] if len(found) > _MOST else []
    if not found:
        return Section("alternatives", [], notes=["alternatives: none, no dense convolution has a kernel above 1"])
    document = [
        {
            "name": each.place,
            "now": asdict(each.now),
            "then": asdict(each.then),
            "fewer": each.fewer,
            "faster": each.faster,
        }
        for each in found
    ]
    return Section("alternatives", document, cells, notes)


def training(subject: "Subject", optimizer: str, precision: str) -> Section:
    """Memory of a training step at its peak."""
    from gradus.analysis.training_memory import training_memory
    from gradus.analysis.units import size

    found = training_memory(subject.model, *subject.inputs, optimizer=optimizer, precision=precision, **subject.named)
    document = {"optimizer": optimizer, "precision": precision, **asdict(found)}
    parts = ("parameters", "buffers", "inputs", "gradients", "optimizer_state", "activations")
    cells = [
        [f"training with {optimizer} in {precision}", "memory"],
        [f"at the peak, in the {found.during}", size(found.peak)],
    ]
    cells += [[name.replace("_", " "), size(getattr(found, name))] for name in parts]
    return Section("training_memory", document, cells)


def checkerboard(subject: "Subject") -> Section:
    """How evenly it covers what it up-samples."""
    from gradus.analysis.checkerboard import unevenness

    found = unevenness(subject.model, *_filled(subject))
    scores = {"taps": found.taps, "spectrum": found.spectrum, "verdict": found.verdict}
    document = {"period": list(found.period), "counts": found.counts.tolist(), **scores}
    return Section("checkerboard", document, notes=[f"checkerboard: {found.verdict}"])


def effective(subject: "Subject", output: Path, image: Path | None, layer: str) -> Section:
    """What a layer really looks at, drawn."""
    import torch

    from gradus.analysis.effective_field import effective_field
    from gradus.report.field import write_field

    if len(subject.inputs) != 1:
        raise InputError("--field", "needs a network of one input", len(subject.inputs))
    _, *shape = subject.inputs[0].shape
    pixels = None if image is None else _pixels(image, shape)
    seen = shape if pixels is None else torch.from_numpy(pixels)[None]
    found = effective_field(subject.model, seen, layer=layer)
    calls = [call for call, each in enumerate(subject.found.layers) if each.name == layer]
    theoretical = subject.found.fields.layers[calls[0]] if calls else ()
    shown = None if pixels is None else pixels.transpose(1, 2, 0).squeeze()
    write_field(found, theoretical, output, shown)
    document = {"layer": layer, "size": found.size, "drawn": str(output)}
    return Section(
        "effective_field", document, notes=[f"effective receptive field: {found.size:.1f}, drawn in {output}"]
    )


def _filled(subject: "Subject") -> list[Any]:
    """The inputs, with memory and zeros in it."""
    import torch

    return [torch.zeros(each.shape, dtype=each.dtype) for each in subject.inputs]


def _pixels(image: Path, shape: Sequence[int]) -> Any:
    """An image in the size and with the channels that the network takes: (C, H, W), from 0 to 1."""
    from gradus.data.images import read_image

    if len(shape) != 3 or shape[0] not in (1, 3):
        raise InputError("--image", "needs a network that takes images of 1 or 3 channels", list(shape))
    try:
        content = image.read_bytes()
    except OSError as error:
        raise InputError("--image", "must be a file that can be read", str(image)) from error
    pixels = read_image(content, str(image), "grey" if shape[0] == 1 else "rgb", (shape[1], shape[2]))
    return pixels.astype("float32") / 255
