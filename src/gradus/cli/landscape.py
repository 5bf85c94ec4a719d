"""``gradus landscape``: the loss around a trained network's weights."""

from pathlib import Path
from typing import Annotated

import typer

from gradus.cli.output import print_cells, print_fields, print_json
from gradus.core.errors import InputError

EXAMPLE = "gradus landscape runs/lenet5-digits-1 --figure loss.png"


def command(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    across: Annotated[
        int | None, typer.Option(help="Random directions: 1, or 2 for a plane (2).", min=1, max=2)
    ] = None,
    points: Annotated[int, typer.Option(help="Points along each direction; odd.", min=3)] = 25,
    reach: Annotated[
        float | None, typer.Option(help="The farthest offset; 1 is as long as the weights are (1).")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(metavar="OTHER", help="Another run: along the line between both instead.")
    ] = None,
    examples: Annotated[int, typer.Option(help="Examples of the validation split, at most.", min=1)] = 1000,
    seed: Annotated[int, typer.Option(help="Of the random directions.")] = 0,
    figure: Annotated[Path | None, typer.Option(metavar="PATH.png", help="Draw it: png, svg or pdf.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Execute the code the run names.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell how the loss of a run changes around its weights, along random directions or towards another run."""
    from gradus.report.landscape import write_landscape
    from gradus.report.words import figure as written
    from gradus.training.landscape import landscape
    from gradus.training.run import load_run

    if to is not None and (across, reach) != (None, None):
        raise InputError("--to", "leads along one line to the other run, without --across and --reach")
    found = landscape(
        load_run(run),
        across=across or 2,
        points=points,
        reach=1.0 if reach is None else reach,
        to=None if to is None else load_run(to),
        examples=examples,
        seed=seed,
        trust=trust,
    )
    if figure is not None:
        write_landscape(found, figure, f"{run.name} to {to.name}" if to is not None else run.name)
    if json:
        print_json({"run": str(run)} | ({} if to is None else {"to": str(to)}) | found.to_json())
        return
    print_fields(
        {
            "over": f"{found.examples:,} examples, {found.split}",
            "here": written(found.here),
            "lowest": written(float(found.losses.min())),
            "highest": written(float(found.losses.max())),
            "barrier": written(found.barrier) if found.other else "",
        }
    )
    if found.losses.dim() == 1:
        rows = [[f"{at:g}", written(loss)] for at, loss in zip(found.offsets, found.losses.tolist(), strict=True)]
        print_cells([["offset", "loss"], *rows])
