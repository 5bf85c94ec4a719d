"""``gradus data``: what a data set holds."""

from pathlib import Path
from typing import Annotated

import typer

from gradus.cli.output import print_fields, print_json, print_table

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
    shapes = zip(document["shape"], document["dtype"], strict=True)
    rows = {
        "kind": f"{document['kind']}, {document['task']}",
        "splits": ", ".join(f"{name} {count:,}" for name, count in document["splits"].items()),
        "shape": ", ".join(f"({', '.join(map(str, shape))}) {dtype}" for shape, dtype in shapes),
    }
    if "balance" in document:
        rows["classes"] = ", ".join(f"{each} {share:.1%}" for each, share in document["balance"].items())
    else:
        rows["target"] = ", ".join(f"{key} {value:g}" for key, value in document["target"].items())
    print_fields(rows)
    for each in document["problems"]:
        print(f"problem: {each}")
