"""``gradus layers``: normalizations and dropouts."""

from typing import Annotated

import typer

EXAMPLE = "gradus layers group"


def command(
    name: Annotated[str | None, typer.Argument(help="One of them: its card.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the normalizations and dropouts that models take by name, or show one's card."""
    from gradus.cli.parts import show
    from gradus.nn import dropouts, normalizations

    show(name, (normalizations, dropouts), as_json=json)
