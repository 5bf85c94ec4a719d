"""``gradus report``: what a run came to, as a page."""

from pathlib import Path
from typing import Annotated

import typer

from gradus.cli.output import print_json

EXAMPLE = "gradus report runs/lenet5-digits-1"


def command(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    output: Annotated[Path | None, typer.Option(help="The file to write (report.html in the run folder).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write the report of a run: one HTML file that needs no network."""
    from gradus.report.html import write_report

    place = write_report(run, output)
    if json:
        print_json({"report": str(place)})
    else:
        print(f"report: {place}")
