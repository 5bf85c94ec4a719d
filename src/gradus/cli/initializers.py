"""``gradus initializers``: how first weights are drawn."""

from typing import Annotated

import typer

EXAMPLE = "gradus initializers kaiming_normal"


def command(
    name: Annotated[str | None, typer.Argument(help="One of them: its card.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the schemes that a recipe's [initialization] can name, or show one's card."""
    from gradus.cli.parts import show
    from gradus.nn import initializers

    show(name, (initializers,), as_json=json)
