"""``gradus optimizers``: optimization algorithms and learning-rate schedules."""

from typing import Annotated

import typer

EXAMPLE = "gradus optimizers adam"


def command(
    name: Annotated[str | None, typer.Argument(help="One of them: its card.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the algorithms and schedules that recipes can name, or show one's card."""
    from gradus.cli.parts import show
    from gradus.optim import optimizers, schedules

    show(name, (optimizers, schedules), as_json=json)
