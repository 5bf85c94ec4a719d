"""``gradus data``: what a data set holds."""

from pathlib import Path
from typing import Annotated

import typer

from gradus.cli.output import print_json, print_table

EXAMPLE = "gradus data digits"


def command(
    name: Annotated[str | None, typer.Argument(help="A bundled data set, or the path of a file or folder.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Describe a data set: splits, shape, classes, balance, problems; without a name, list what there is."""
    from gradus.data.sources import open_data, sources

    if name is None:
        cards = [
            {"name": each.name, "kind": "format" if each.opens else "data set", "summary": each.summary}
            for each in sources.cards()
        ]
        if json:
            print_json(cards)
        else:
            print_table(cards, ["name", "kind", "summary"])
        return
    from gradus.data.describe import describe
    from gradus.data.splits import split

    raw = open_data(name, {}, base=Path())
    document = describe(raw, split(raw, validation=0.0, test=0.0 if raw.test is None else None, seed=0))
    if json:
        print_json(document)
        return
    rows = {key: value for key, value in document.items() if key != "problems"}
    print_table([{"": key, " ": value} for key, value in rows.items()], ["", " "])
    for each in document["problems"]:
        print(f"problem: {each}")
