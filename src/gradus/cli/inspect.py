"""``gradus inspect``: what a network is and costs, before it runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gradus.cli.output import print_json, print_table
from gradus.core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from gradus.analysis.inspect import Inspection

EXAMPLE = "gradus inspect net.py:build --input 3,224,224"
Shape = tuple[int, ...]


def command(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A name of the catalogue, or file.py:callable.")],
    shapes: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="3,224,224", help="An input's shape, without the batch; repeatable."),
    ] = None,
    depth: Annotated[int, typer.Option(help="Show modules down to this depth.", min=0)] = 2,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a network's shapes, parameters, multiply-adds and memory, module by module; nothing is computed."""
    from gradus.analysis.inspect import inspect

    given = [_shape(each) for each in shapes or ()]
    network, usual = _network(model)
    if not given and not usual:
        raise InputError("--input", "must be given for a network of your own", repair="Such as --input 3,224,224.")
    found = inspect(network, *(given or usual))
    if json:
        print_json(document(model, found))
    else:
        _print(found, depth)


def document(model: str, found: "Inspection") -> dict[str, Any]:
    """An inspection as others read it."""
    fields = found.fields
    speaker = fields.network
    return {
        "model": model,
        "input": [list(each) for each in found.inputs],
        "parameters": found.parameters,
        "trainable": found.trainable,
        "buffers": found.buffers,
        "macs": found.macs,
        "elementwise": found.cost.elementwise,
        "read_bytes": found.cost.read,
        "written_bytes": found.cost.written,
        "saved_bytes": found.saved_bytes,
        "uncounted": found.uncounted,
        "unresolved": found.unresolved,
        **({} if speaker is None else {"receptive_field": _sees(found, speaker)}),
        "misaligned": [{"name": m.place, "axis": m.axis, "centres": m.centres} for m in fields.misaligned],
        "layers": [
            {
                "name": each.name,
                "type": each.type,
                "input": [list(shape) for shape in each.inputs],
                "output": [list(shape) for shape in each.outputs],
                "parameters": each.parameters,
                "macs": each.cost.macs,
                "elementwise": each.cost.elementwise,
                **({"receptive_field": _sees(found, call)} if fields.layers[call] else {}),
            }
            for call, each in enumerate(found.layers)
        ],
    }


def _sees(found: "Inspection", call: int) -> dict[str, Any]:
    """A layer's receptive field, one number for each axis of the input; null for what outputs do not have."""
    axes = found.fields.layers[call]
    return {
        "name": found.layers[call].name,
        "axes": found.fields.axes,
        "extent": [each.extent for each in axes],
        "taps": [each.taps for each in axes],
        "stride": [None if each.stride is None else float(each.stride) for each in axes],
        "offset": [None if each.offset is None else float(each.offset) for each in axes],
        "whole": [each.whole for each in axes],
    }


def _network(reference: str) -> tuple["nn.Module", list["Tensor"]]:
    """A network, and the inputs it is usually given, as far as the catalogue knows."""
    if ":" in reference or reference.endswith(".py"):
        from gradus.core.usercode import UserCode

        return UserCode.parse(reference, Path.cwd(), "MODEL").load()(), []
    import torch

    from gradus.models import models

    card = models.get(reference)
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        types = zip(card.spec.inputs, card.spec.input_dtypes, strict=True)
        usual = [torch.empty(1, *shape, dtype=getattr(torch, dtype)) for shape, dtype in types]
        return card.build(card.spec, **card.validate({})), usual


def _shape(text: str) -> Shape:
    try:
        shape = tuple(int(each) for each in text.replace("x", ",").split(","))
    except ValueError:
        shape = ()
    if not shape or min(shape) < 1:
        raise InputError("--input", "must be whole numbers above 0, separated by commas", text)
    return shape


def _print(found: "Inspection", depth: int) -> None:
    rows = [
        {
            "module": "  " * each.depth + (each.name.rpartition(".")[2] or found.model),
            "type": each.type,
            "output": ", ".join("x".join(map(str, shape)) for shape in each.outputs),
            "parameters": each.parameters,
            "macs": each.cost.macs,
        }
        for each in found.layers
        if each.depth <= depth
    ]
    print_table(rows, ["module", "type", "output", "parameters", "macs"])
    frozen = found.parameters - found.trainable
    saved = "an unknown number of" if found.saved_bytes is None else f"{found.saved_bytes:,}"
    typer.echo(
        f"{found.parameters:,} parameters ({frozen:,} frozen), {found.macs:,} multiply-adds, "
        f"{found.cost.elementwise:,} element-wise operations; {saved} bytes kept for a backward pass"
    )
    for name, times in found.uncounted.items():
        typer.echo(f"not counted: {name}, {times} times", err=True)
    for each in found.unresolved:
        typer.echo(f"not followed to its end: {each}; the figures are of what came before", err=True)
