"""``gradus models``: the catalogue."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gradus.cli.output import print_fields, print_json, print_table
from gradus.cli.parts import assigned

if TYPE_CHECKING:
    from gradus.models import ModelCard

EXAMPLE = "gradus models lenet5"


def command(
    name: Annotated[str | None, typer.Argument(help="One network: its card.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the networks of the catalogue with their counts, or show one's card."""
    from gradus.models import models

    if name is not None:
        card = models.get(name)
        document = _entry(card) | {
            "summary": card.summary,
            "evidence": card.evidence,
            "tasks": list(card.tasks),
            "options": {each.name: None if each.required else each.default for each in card.options},
            "notes": card.notes,
        }
        if json:
            print_json(document)
        else:
            options = assigned(document["options"], [each.name for each in card.options if each.required])
            print_fields(document | _readable(document) | {"options": options, "tasks": ", ".join(card.tasks)})
        return
    entries = [_entry(card) for card in models.cards()]
    if json:
        print_json(entries)
    else:
        columns = ["name", "family", "year", "input", "parameters", "macs"]
        print_table([entry | _readable(entry) for entry in entries], columns)


def _readable(entry: dict[str, Any]) -> dict[str, str]:
    """What reads better as text: a year without a comma, a shape without brackets."""
    return {"year": str(entry["year"]), "input": " x ".join(map(str, entry["input"]))}


def _entry(card: "ModelCard") -> dict[str, Any]:
    """Counts are taken from the network itself, built for its published input."""
    import torch

    from gradus.analysis.formulas import total_macs
    from gradus.core.graph import trace

    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        model = card.build(card.spec, **card.validate({}))
    return {
        "name": card.name,
        "family": card.family,
        "year": card.year,
        "paper": card.source,
        "input": list(card.input),
        "parameters": sum(each.numel() for each in model.parameters()),
        "macs": total_macs(trace(model, card.spec.example("meta"))),
    }
