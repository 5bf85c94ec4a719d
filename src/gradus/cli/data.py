"""``gradus data``: what a data set holds, and a picture of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gradus.cli.output import print_fields, print_json, print_table
from gradus.core.characters import printable
from gradus.core.errors import InputError, ResourceError

if TYPE_CHECKING:
    from gradus.data.raw import RawData
    from gradus.data.splits import Splits
    from gradus.training.recipe import Data

EXAMPLE = "gradus data table.csv --set target=price"
MOST_ROWS = 40
MOST_CLASSES = 20


def command(
    name: Annotated[
        str | None,
        typer.Argument(help="A bundled data set, a path, your own file.py:callable, or a recipe, of which its [data]."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Change any field of [data], or option of the format."),
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="Where the contact sheet goes, a PNG; by default here, named after the data.")
    ] = None,
    no_sheet: Annotated[bool, typer.Option("--no-sheet", help="Draw no contact sheet.")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON; a contact sheet is drawn if --sheet is given.")
    ] = False,
) -> None:
    """Describe a data set: what it holds, what is wrong with it, what to do; without a name, list what there is."""
    if name is None:
        _list(as_json=json)
        return
    if sheet is not None and (no_sheet or sheet.suffix.lower() != ".png"):
        raise InputError("--sheet", "excludes --no-sheet" if no_sheet else "must be a .png file", str(sheet))
    from gradus.data.describe import describe

    section, raw, splits = _examples(name, set_ or [])
    document = describe(raw, splits)
    place = None if no_sheet or (json and sheet is None) else sheet or Path(f"{section.label}-sheet.png")
    if place is not None:
        document["sheet"] = str(_draw(place, raw, splits, section.label))
    if json:
        print_json(document)
    else:
        _print(document)


def _list(*, as_json: bool) -> None:
    from gradus.data.sources import sources

    cards = [
        {"name": each.name, "kind": "format" if each.opens else "data set", "summary": each.summary}
        for each in sources.cards()
    ]
    if as_json:
        print_json(cards)
    else:
        print_table(cards, ["name", "kind", "summary"])


def _examples(name: str, settings: list[str]) -> "tuple[Data, RawData, Splits]":
    """The data as a recipe would have them; apart from a recipe, only the splits that they come with."""
    from gradus.data.splits import split
    from gradus.training.prepare import load_data
    from gradus.training.recipe import Recipe, anchored, override, parse_setting, read_toml, shipped_recipes
    from gradus.training.train import DEFAULT_RECIPE, find_recipe

    of_recipe = name in shipped_recipes() or name.endswith(".toml")
    path = find_recipe(name if of_recipe else DEFAULT_RECIPE)
    document = anchored(read_toml(path), path.parent)
    if not of_recipe:
        document["data"] = {"module" if ".py:" in name else "name": name, "validation": 0.0}
    for each in settings:
        field, value = parse_setting(each)
        document = override(document, f"data.{field.removeprefix('data.')}", value)
    recipe = Recipe.from_dict(anchored(document, Path()), f"recipe {path}" if of_recipe else "data")
    raw = load_data(recipe.data)
    test = recipe.data.test
    if test is None and raw.test is None and not of_recipe:
        test = 0.0
    return recipe.data, raw, split(raw, validation=recipe.data.validation, test=test, seed=recipe.seed)


def _draw(place: Path, raw: "RawData", splits: "Splits", label: str) -> Path:
    from gradus.data.sheet import draw_sheet

    counts = ", ".join(f"{name} {len(part):,}" for name, part in splits.named().items())
    content = draw_sheet(raw, splits, f"{printable(label)}: {counts}")
    try:
        place.write_bytes(content)
    except OSError as error:
        raise ResourceError(f"--sheet {place}", f"cannot be written: {error.strerror}") from error
    return place


def _print(document: dict[str, Any]) -> None:
    shapes = zip(document["shape"], document["dtype"], strict=True)
    fields = {
        "kind": f"{document['kind']}, {document['task']}",
        "splits": ", ".join(f"{name} {count:,}" for name, count in document["splits"].items()),
        "shape": ", ".join(f"({', '.join(map(str, shape))}) {dtype}" for shape, dtype in shapes),
    }
    if "symbols" in document:
        fields["symbols"] = f"{document['symbols']['count']:,}, {document['symbols']['distinct']} different"
        fields["most frequent"] = _shares(document["symbols"]["frequent"])
    elif "balance" in document:
        fields["classes"] = _shares(document["balance"])
    if document["copies"] is not None:
        fields["copies"] = _told_copies(document["copies"])
    print_fields(fields)
    columns = document.get("columns", [])
    _print_rows("channels", document.get("channels", []), ["name", *_NUMBERS])
    _print_rows("columns", [each for each in columns if each["kind"] != "category"], ["name", "missing", *_NUMBERS])
    categories = [each for each in columns if each["kind"] == "category"]
    _print_rows("categories", categories, ["name", "missing", "distinct", "most frequent"])
    _print_rows("target", document.get("target", []), ["name", *_NUMBERS])
    print("\nproblems" if document["problems"] else "\nno problems found")
    for each in document["problems"]:
        print(f"- {printable(each, 2000)}")
    if "sheet" in document:
        print(f"\ncontact sheet: {document['sheet']}")


_NUMBERS = ["minimum", "maximum", "mean", "deviation"]


def _print_rows(title: str, rows: list[dict[str, Any]], heads: list[str]) -> None:
    if not rows:
        return
    print(f"\n{title}")
    print_table([{head: _cell(each, head) for head in heads} for each in rows[:MOST_ROWS]], heads)
    if len(rows) > MOST_ROWS:
        print(f"and {len(rows) - MOST_ROWS:,} more: --json has them all")


def _cell(figures: dict[str, Any], head: str) -> str | int:
    if head == "most frequent":
        return _shares(figures["frequent"], 3)
    value = figures.get(head)
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.5g}"
    return value if isinstance(value, int) else printable(value, 30)


def _shares(shares: dict[str, float], most: int = MOST_CLASSES) -> str:
    named = [f"{printable(name, 24) if name.strip() else repr(name)} {share:.1%}" for name, share in shares.items()]
    return ", ".join(named[:most]) + (", ..." if len(named) > most else "")


def _told_copies(copies: dict[str, Any]) -> str:
    told = [f"{count:,} in {name}" for name, count in copies["within"].items() if count]
    told += [f"{count:,} in both {pair}" for pair, count in copies["across"].items()]
    return ", ".join(told) or "none"
