"""Lists of parts, and the card of one: what ``gradus losses``, ``optimizers``, ``activations`` and others print."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from gradus.cli.output import print_cells, print_fields, print_json, print_table
from gradus.core.cards import Card, Registry
from gradus.core.errors import InputError, nearest

_REQUIRED = "must be given"


def show(name: str | None, registries: Iterable[Registry[Any]], *, as_json: bool) -> None:
    """Print all cards of `registries`, or that called `name`.

    Raises:
        InputError: for a name that none of them knows.
    """
    if name is not None:
        document = entry(find(name, registries))
        if as_json:
            print_json(document)
        else:
            print_card(document)
        return
    entries = [entry(card) for registry in registries for card in registry.cards()]
    if as_json:
        print_json(entries)
    else:
        print_table(entries, ["name", "kind", "formula"])


def find(name: str, registries: Iterable[Registry[Any]]) -> Card:
    """The card called `name` in the first registry that knows it."""
    known = list(registries)
    for registry in known:
        if name in registry:
            card: Card = registry.get(name)
            return card
    names = [each for registry in known for each in registry.names()]
    raise InputError(" or ".join(each.kind for each in known), "unknown name", name, nearest(name, names))


def entry(card: Card) -> dict[str, Any]:
    """A card as JSON has it; an option that must be given has no default."""
    return {
        "name": card.name,
        "kind": card.kind,
        "aliases": list(card.aliases),
        "summary": card.summary.replace("``", "`"),
        "formula": card.formula,
        "source": card.source,
        "options": {each.name: None if each.required else each.default for each in card.options},
        "required": [each.name for each in card.options if each.required],
        "elsewhere": {library: dict(values) for library, values in card.elsewhere.items()},
        "evidence": card.evidence,
        "notes": card.notes,
    }


def print_card(document: dict[str, Any]) -> None:
    """One card for people: a line for each thing it says, and its options, beside them what differs elsewhere."""
    options, elsewhere = document["options"], document["elsewhere"]
    required = document.get("required", ())
    lines = {name: value for name, value in document.items() if name not in ("elsewhere", "required")}
    lines |= {"aliases": ", ".join(document["aliases"]), "options": "" if elsewhere else assigned(options, required)}
    print_fields(lines)
    if elsewhere:
        columns = [options | dict.fromkeys(required, _REQUIRED), *elsewhere.values()]
        names = dict.fromkeys(name for values in columns for name in values)
        rows = [[name, *(_cell(each.get(name)) for each in columns)] for name in names]
        print_cells([["option", "here", *elsewhere], *rows])
        print("Blank is as here.")


def assigned(options: Mapping[str, Any], required: Collection[str] = ()) -> str:
    """Options and their defaults as a recipe would set them; those that are not set by default by name alone."""

    def one(name: str, value: Any) -> str:
        if name in required:
            return f"{name} ({_REQUIRED})"
        return name if value is None else f"{name} = {_written(value)}"

    return ", ".join(one(name, value) for name, value in options.items())


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else _written(value)


def _written(value: Any) -> str:
    """As TOML has it."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case list() | tuple():
            return f"[{', '.join('unset' if each is None else _written(each) for each in value)}]"
        case dict():
            return "{ " + ", ".join(f"{name} = {_written(each)}" for name, each in value.items()) + " }"
    return str(value)
