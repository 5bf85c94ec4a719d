"""Parts of ``gradus inspect`` that are told only when asked for."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from gradus.cli.output import print_cells
from gradus.core.errors import InputError, ResourceError

if TYPE_CHECKING:
    from gradus.analysis.alternatives import Alternative
    from gradus.analysis.budget import Subject
    from gradus.analysis.timing import Measured

T = TypeVar("T")
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
    dearest = [each for each in broken if each.unit == "elements"]
    notes = [
        f"{each.guideline} {each.place or 'the model'}: {each.seen}; costs {count(each.cost)} {each.unit}"
        for each in dearest[:_MOST]
    ]
    notes += _more(dearest)
    document = {"scores": [asdict(each) for each in scores], "broken": [asdict(v) | {"cost": v.cost} for v in broken]}
    return Section("guidelines", document, cells, notes)


def alternatives(subject: "Subject") -> Section:
    """A depthwise separable convolution in the place of each dense one; with times, if the machine can tell them."""
    from gradus.analysis.alternatives import alternatives as found_in
    from gradus.analysis.ceilings import ceilings
    from gradus.analysis.roofline import seconds
    from gradus.analysis.units import count, duration

    untimed, time = [], None
    try:
        time = partial(seconds, machine=ceilings(subject.threads))
    except ResourceError as error:
        untimed.append(f"no times: {error}")
    found = sorted(found_in(subject.found.trace, time), key=lambda each: each.then.macs - each.now.macs)
    if not found:
        return Section("alternatives", [], notes=["alternatives: none, no dense convolution has a kernel above 1"])
    cells = [["depthwise separable in", "MACs", "then", "fewer", "memory access"]]
    for each in found[:_MOST]:
        ratios = f"{each.fewer:.1f}x", f"{each.then.access / each.now.access:.2f}x"
        cells.append([each.place or "the model", count(each.now.macs), count(each.then.macs), *ratios])
    if time is not None:
        cells[0] += ["predicted", "faster"]
        for row, each in zip(cells[1:], found, strict=False):
            row += [duration(each.now.seconds or 0), f"{each.faster or 0:.1f}x"]
    return Section("alternatives", [_alternative(each) for each in found], cells, [*_more(found), *untimed])


def _more(found: Sequence[Any]) -> list[str]:
    """How many there are that are not shown."""
    return [f"and {len(found) - _MOST} more"] if len(found) > _MOST else []


def _alternative(each: "Alternative") -> dict[str, Any]:
    ratios = {"fewer": each.fewer, "faster": each.faster}
    return {"name": each.place, "now": asdict(each.now), "then": asdict(each.then), **ratios}


def timing(subject: "Subject", depth: int, *, measure: bool) -> Section:
    """Seconds of each module as predicted, what bounds it, and with `measure` seconds as they really pass."""
    from gradus.analysis.ceilings import ceilings
    from gradus.analysis.roofline import explain, predict, shares
    from gradus.analysis.units import duration

    machine, layers = ceilings(subject.threads), subject.found.layers
    timings = predict(subject.found.trace, machine)
    parts = shares(subject.found.trace, timings)
    measured = _measured(subject) if measure else None
    really = {} if measured is None else _by_visit([each.place for each in measured.layers], measured.layers)
    rows, cells = [], [["module", "predicted", "share", "bound by", *(["measured"] if measure else [])]]
    for visit, (layer, part) in _by_visit([each.name for each in layers], zip(layers, parts, strict=True)).items():
        seconds = really[visit].seconds if visit in really else None
        rows.append({"name": layer.name, "seconds": part.seconds, "bound": part.bound, "measured": seconds})
        if layer.depth <= depth and part.seconds:
            name = "  " * layer.depth + (layer.name or subject.found.model)
            more = [duration(seconds or 0.0)] if measure else []
            cells.append([name, duration(part.seconds), f"{part.seconds / parts[0].seconds:.0%}", part.bound, *more])
    document = {"threads": machine.threads, "seconds": parts[0].seconds, "layers": rows}
    notes = [explain(timings, machine)]
    if measured is not None:
        spread = {"seconds": measured.seconds, "low": measured.low, "high": measured.high, "passes": measured.passes}
        document["measured"] = spread
        between = f"{duration(measured.low)} to {duration(measured.high)}"
        share = f"predicted were {parts[0].seconds / measured.seconds:.2f} of that"
        notes.append(f"Measured: {duration(measured.seconds)}, quartiles {between}, {measured.passes} passes; {share}.")
    return Section("timing", document, cells, notes)


def _measured(subject: "Subject") -> "Measured":
    from gradus.analysis.timing import time_network

    named = {name: _filled(each) for name, each in subject.named.items()}
    return time_network(subject.model, [*map(_filled, subject.inputs)], named, threads=subject.threads)


def _by_visit(places: Sequence[str], calls: Iterable[T]) -> dict[tuple[str, int], T]:
    """Calls of modules by place, and by how often it was called before."""
    before: Counter[str] = Counter()
    found = {}
    for place, call in zip(places, calls, strict=True):
        found[place, before[place]] = call
        before[place] += 1
    return found


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

    found = unevenness(subject.model, *map(_filled, subject.inputs))
    scores = {"taps": found.taps, "spectrum": found.spectrum, "verdict": found.verdict}
    document = {"period": list(found.period), "counts": found.counts.tolist(), **scores}
    return Section("checkerboard", document, notes=[f"checkerboard: {found.verdict}"])


def effective(subject: "Subject", output: Path, image: Path | None, layer: str | None) -> Section:
    """What a layer really looks at, drawn; if none is named, the one that speaks for the network."""
    import torch

    from gradus.analysis.effective_field import effective_field
    from gradus.report.field import write_field

    if len(subject.inputs) != 1:
        raise InputError("--field", "needs a network of one input", len(subject.inputs))
    if layer is None:
        speaker = subject.found.fields.network
        layer = subject.found.layers[speaker].name if speaker is not None else ""
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
        "effective_field",
        document,
        notes=[f"effective receptive field of {layer or 'the output'}: {found.size:.1f}, drawn in {output}"],
    )


def _filled(example: Any) -> Any:
    """An input with memory, and zeros in it."""
    import torch

    return torch.zeros(example.shape, dtype=example.dtype)


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
