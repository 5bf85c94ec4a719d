"""``gradus losses``: criteria, penalties and objectives."""

from typing import Annotated

import typer

EXAMPLE = "gradus losses huber"


def command(
    name: Annotated[str | None, typer.Argument(help="One of them: its card.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the criteria, penalties and objectives that recipes can name, or show one's card."""
    from gradus.cli.parts import show
    from gradus.losses import criteria
    from gradus.losses.penalties import penalties
    from gradus.training.objectives import objectives

    show(name, (criteria, penalties, objectives), as_json=json)
