"""Lists of parts, and the card of one: what ``gradus losses``, ``optimizers``, ``activations`` and others print."""

from collections.abc import Iterable
from typing import Any

from gradus.cli.output import print_cells, print_fields, print_json, print_table
from gradus.core.cards import Card, Registry
from gradus.core.errors import InputError, nearest


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
        "summary": card.summary,
        "formula": card.formula,
        "source": card.source,
        "options": {each.name: None if each.required else each.default for each in card.options},
        "elsewhere": {library: dict(values) for library, values in card.elsewhere.items()},
        "evidence": card.evidence,
        "notes": card.notes,
    }


def print_card(document: dict[str, Any]) -> None:
    """One card for people: a line for each thing it says, and its options, beside them what differs elsewhere."""
    options, elsewhere = document["options"], document["elsewhere"]
    lines = {name: value for name, value in document.items() if name != "elsewhere"}
    lines |= {"aliases": ", ".join(document["aliases"]), "options": "" if elsewhere else _listed(options)}
    print_fields(lines)
    if elsewhere:
        names = [
            *options,
            *dict.fromkeys(name for values in elsewhere.values() for name in values if name not in options),
        ]
        rows = [[name, *(str(each.get(name, "")) for each in (options, *elsewhere.values()))] for name in names]
        print_cells([["option", "here", *elsewhere], *rows])


def _listed(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())
