"""``gradus inspect``: what a network is, costs and sees, before it runs."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gradus.cli import sections
from gradus.cli.network import Given, subject
from gradus.cli.output import print_cells, print_json
from gradus.cli.sections import Section
from gradus.core.errors import InputError

if TYPE_CHECKING:
    from gradus.analysis.budget import Verdict
    from gradus.analysis.inspect import Inspection

EXAMPLE = "gradus inspect net.py:build --input 3,224,224"
BROKEN = 1
_STDOUT = Path("-")


def command(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A name of the catalogue, or file.py:callable.")],
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="3,224,224",
            help="An input's shape, without the batch; tokens as 128:int64; by keyword as mask=128:bool; repeatable.",
        ),
    ] = None,
    batch: Annotated[int, typer.Option(help="Examples in a batch; 0 where shapes have no batch axis.", min=0)] = 1,
    run: Annotated[
        bool, typer.Option("--run", help="Really run it where shapes do not tell what happens, on random numbers.")
    ] = False,
    depth: Annotated[int, typer.Option(help="Show modules down to this depth.", min=0)] = 2,
    compare: Annotated[
        list[str] | None, typer.Option(metavar="OTHER", help="Put OTHER beside MODEL, with ratios; repeatable.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option(metavar='"params<5M, macs<300M"', help="Limits: if one is broken, exit with 1.")
    ] = None,
    time: Annotated[bool, typer.Option("--time", help="Predict how long each module takes here, and why.")] = False,
    measure: Annotated[bool, typer.Option("--measure", help="And measure it; runs the network.")] = False,
    threads: Annotated[int | None, typer.Option(help="Threads that times are for.", min=1)] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Tell what training with it takes in memory: adamw, sgd ..."),
    ] = None,
    precision: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of that training: float32 (if not given) or bf16.")
    ] = None,
    guidelines: Annotated[bool, typer.Option("--guidelines", help="Judge it by ShuffleNet V2's guidelines.")] = False,
    alternatives: Annotated[
        bool, typer.Option("--alternatives", help="Tell what depthwise separable convolutions would save.")
    ] = False,
    checkerboard: Annotated[
        bool, typer.Option("--checkerboard", help="Tell how evenly it covers what it up-samples; runs it.")
    ] = False,
    field: Annotated[
        Path | None, typer.Option(metavar="PATH.png", help="Draw what the middle of its output looks at; runs it.")
    ] = None,
    image: Annotated[Path | None, typer.Option(metavar="PATH", help="The image that --field draws over.")] = None,
    layer: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The module that --field is about; the last that tells positions apart."),
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="PATH", help="Write a page with the whole tree.")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="PATH", help="Write a row for each layer; - prints them.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Show a network's shapes, parameters, multiply-adds, memory and receptive field, module by module.

    Nothing is computed, but for the options that say so: it takes neither the time nor the memory of a forward pass.
    """
    from gradus.analysis import comparison
    from gradus.analysis.budget import check, parse
    from gradus.analysis.document import document, table

    more_is_told = (
        json or compare or budget or time or measure or optimizer or guidelines or alternatives or checkerboard
    )
    if csv == _STDOUT and more_is_told:
        raise InputError("--csv -", "would be printed among what other options print", repair="Give a path.")
    _needs("--optimizer", optimizer, {"--precision": precision})
    _needs("--field", field, {"--image": image, "--layer": layer})
    limits = parse(budget) if budget is not None else []
    if not (time or measure or alternatives or any(each.name == "latency" for each in limits)):
        _needs("--time", None, {"--threads": threads})
    given = [Given.parse(each) for each in inputs or ()]
    names = [model, *(compare or ())]
    runs = checkerboard or measure or field is not None
    subjects = [subject(each, given, batch, weights=runs, threads=threads, run=run) for each in names]
    founds = [each.found for each in subjects]
    verdicts = check(limits, subjects[0])
    wanted: list[Section] = []
    if time or measure:
        wanted.append(sections.timing(subjects[0], depth, measure=measure))
    if optimizer is not None:
        wanted.append(sections.training(subjects[0], optimizer, precision or "float32"))
    if guidelines:
        wanted.append(sections.guidelines(subjects[0]))
    if alternatives:
        wanted.append(sections.alternatives(subjects[0]))
    if checkerboard:
        wanted.append(sections.checkerboard(subjects[0]))
    if field is not None:
        wanted.append(sections.effective(subjects[0], field, image, layer))

    if html is not None:
        from gradus.report.inspection import write_inspection

        write_inspection(founds[0], html, model)
    if csv is not None:
        _write(csv, table(founds[0]))
    if json:
        more = {"compared": comparison.document(names, founds)} if compare else {}
        more |= {"budget": [each.to_json() for each in verdicts]} if limits else {}
        more |= {each.key: each.document for each in wanted}
        print_json({"model": model, **document(founds[0]), **more})
    elif csv != _STDOUT:
        _print(names, founds, verdicts, depth)
        for each in wanted:
            each.print()
    return 0 if all(each.holds for each in verdicts) else BROKEN


def _needs(option: str, given: object, others: Mapping[str, object]) -> None:
    """Options that say more about another are nothing without it."""
    for name, value in others.items():
        if value is not None and given is None:
            raise InputError(name, f"says more about {option}, which is not given", str(value))


def _print(names: Sequence[str], founds: Sequence["Inspection"], verdicts: Sequence["Verdict"], depth: int) -> None:
    from gradus.analysis.comparison import cells
    from gradus.analysis.summary import warnings
    from gradus.analysis.table import WIDTH, render

    if len(founds) > 1:
        print_cells(cells(names, founds))
        for name, found in zip(names, founds, strict=True):
            for each in warnings(found):
                typer.echo(f"note of {name}: {each}")
    else:
        from rich.console import Console

        console = Console(highlight=False)
        if not console.is_terminal:
            console.width = WIDTH
        console.print(render(founds[0], depth, console.width))
    if verdicts:
        typer.echo()
        rows = [[v.limit.text, v.limit.unit.written(v.found), "holds" if v.holds else "broken"] for v in verdicts]
        print_cells([["budget", "found", ""], *rows])


def _write(path: Path, text: str) -> None:
    if path == _STDOUT:
        sys.stdout.write(text)
        return
    from gradus.training.folder import write_text

    write_text(path, text)
