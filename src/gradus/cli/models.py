"""``gradus models``: the catalogue."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gradus.cli.output import print_fields, print_json, print_table
from gradus.cli.parts import assigned
from gradus.core.errors import InputError, nearest

if TYPE_CHECKING:
    from torch import nn

    from gradus.analysis.diagram import Block
    from gradus.models import ModelCard, Published

EXAMPLE = "gradus models --params-below 5M --sort macs"
CONVENTION = (
    "one multiply-add of a convolution or linear layer counts 1; biases, normalization, activation and pooling count "
    "none; one example, in evaluation mode"
)
_SORTS = ("name", "year", "parameters", "macs")
_AMOUNT = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([KMG]?)", re.IGNORECASE)
_SCALES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}


def command(
    name: Annotated[str | None, typer.Argument(help="One network: its card and its blocks.")] = None,
    family: Annotated[str | None, typer.Option(metavar="NAME", help="List one family.")] = None,
    since: Annotated[
        int | None, typer.Option(metavar="YEAR", help="List those published in this year or later.")
    ] = None,
    before: Annotated[int | None, typer.Option(metavar="YEAR", help="List those published before this year.")] = None,
    params_below: Annotated[str | None, typer.Option(metavar="5M", help="List those with fewer parameters.")] = None,
    macs_below: Annotated[str | None, typer.Option(metavar="300M", help="List those with fewer multiply-adds.")] = None,
    sort: Annotated[
        str | None, typer.Option(metavar="|".join(_SORTS), help="The order of the list; name if not given.")
    ] = None,
    svg: Annotated[Path | None, typer.Option(metavar="PATH.svg", help="Draw the blocks of one network there.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the networks of the catalogue with their counts, or show one's card and its blocks.

    Amounts may end in K, M or G. What is counted: one multiply-add of a convolution or linear layer counts 1.
    """
    if name is not None:
        given = {
            "--family": family, "--since": since, "--before": before,
            "--params-below": params_below, "--macs-below": macs_below, "--sort": sort,
        }  # fmt: skip
        for option, value in given.items():
            if value is not None:
                raise InputError(option, "is for the list of networks", value, f"Leave out `{name}`.")
        _show(name, svg, as_json=json)
        return
    if svg is not None:
        raise InputError("--svg", "is for one network", repair="Name it.")
    order = sort or "name"
    if order not in _SORTS:
        raise InputError("--sort", f"must be one of {', '.join(_SORTS)}", order)
    limits = _amount("--params-below", params_below), _amount("--macs-below", macs_below)
    entries = list(_counted(_chosen(family, since, before), *limits))
    entries.sort(key=lambda entry: (entry[order], entry["name"]))
    if json:
        print_json(entries)
    elif entries:
        from gradus.analysis.units import count

        rows = [
            entry | _readable(entry) | {"params": count(entry["parameters"]), "MACs": count(entry["macs"])}
            for entry in entries
        ]
        print_table(rows, ["name", "year", "input", "params", "MACs", "family"], right=("params", "MACs"), wide=True)
    else:
        typer.echo("No network of the catalogue is so.")


def _amount(option: str, text: str | None) -> float | None:
    if text is None:
        return None
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise InputError(option, "must be a number that may end in K, M or G", text, "Such as 5M.")
    return float(match[1]) * _SCALES[match[2].upper()]


def _chosen(family: str | None, since: int | None, before: int | None) -> list["ModelCard"]:
    """The cards that are asked for, as far as they say it themselves."""
    from gradus.models import models

    cards = models.cards()
    families = {card.family for card in cards}
    if family is not None and family not in families:
        raise InputError("--family", "unknown family", family, nearest(family, families))
    return [
        card
        for card in cards
        if (family is None or card.family == family)
        and (since is None or card.year >= since)
        and (before is None or card.year < before)
    ]


def _counted(cards: Iterable["ModelCard"], parameters: float | None, macs: float | None) -> Iterable[dict[str, Any]]:
    """What is said of each network that is small enough; counts are taken from the networks themselves."""
    for card in cards:
        model = _built(card)
        entry = _entry(card, model)
        if parameters is not None and entry["parameters"] >= parameters:
            continue
        entry["macs"] = _macs(card, model)
        if macs is None or entry["macs"] < macs:
            yield entry


def _show(name: str, svg: Path | None, *, as_json: bool) -> None:
    """Print one network's card and its blocks; draw these where asked to."""
    from gradus.analysis.diagram import blocks
    from gradus.analysis.inspect import inspect
    from gradus.models import models

    card = models.get(name)
    model = _built(card)
    found = inspect(model, *card.spec.example("meta"))
    chain = blocks(model, found)
    document = _entry(card, model) | {
        "macs": found.macs,
        "convention": CONVENTION,
        "published": None if card.published is None else _published(card, card.published),
        "headline": card.headline,
        "summary": card.summary,
        "evidence": card.evidence,
        "tasks": list(card.tasks),
        "outputs": card.outputs,
        "preset": dict(card.preset),
        "options": {each.name: None if each.required else each.default for each in card.options},
        "notes": card.notes,
        "blocks": [asdict(each) for each in chain],
    }
    if svg is not None:
        from gradus.analysis.units import count
        from gradus.report.diagram import write_diagram

        told = f"{_by(card.input)}; {count(document['parameters'])} parameters, {count(found.macs)} multiply-adds"
        document["svg"] = str(write_diagram(chain, card.name, f"{told}. {card.source}", svg))
    if as_json:
        print_json(document)
        return
    fields = {name: value for name, value in document.items() if name not in ("blocks", "outputs", "evidence")}
    options = assigned(document["options"], [each.name for each in card.options if each.required])
    published = document["published"]
    told_published = {
        "published": _told(published) if published else "",
        "difference": published["difference"] if published else "",
    }
    print_fields(
        fields
        | _readable(document)
        | told_published
        | {"preset": assigned(document["preset"]), "options": options, "tasks": ", ".join(card.tasks)}
    )
    typer.echo()
    _print_blocks(chain)


def _published(card: "ModelCard", published: "Published") -> dict[str, Any]:
    """The counts of the source, and beside them those of the network built as it says."""
    model = _built(card, published.built)
    return {
        "parameters": published.parameters,
        "macs": published.macs,
        "where": published.where,
        "built": dict(published.built),
        "counted": {"parameters": _parameters(model), "macs": _macs(card, model)},
        "difference": published.difference,
    }


def _told(published: Mapping[str, Any]) -> str:
    """Theirs and ours in a line."""
    from gradus.analysis.units import count

    said = []
    for key, word in (("parameters", "parameters"), ("macs", "multiply-adds")):
        theirs, ours = published[key], published["counted"][key]
        if theirs is not None:
            said.append(f"{count(theirs)} {word}; ours {ours:,}, {100 * (ours / theirs - 1):+.1f} %")
    where = f" ({published['where']})" if published["where"] else ""
    built = f"; built with {assigned(published['built'])}" if published["built"] else ""
    return "; ".join(said) + built + where


def _print_blocks(chain: Iterable["Block"]) -> None:
    from gradus.analysis.units import count

    rows = [
        {
            "block": "  " * each.depth + each.name,
            "what": f"{each.times} x {each.what}" if each.times > 1 else each.what,
            "output": _by(each.output),
            "params": count(each.parameters) if each.parameters else "-",
            "MACs": count(each.macs) if each.macs else "-",
        }
        for each in chain
    ]
    print_table(rows, ["block", "what", "output", "params", "MACs"], right=("params", "MACs"), wide=True)


def _by(shape: Iterable[int]) -> str:
    return " x ".join(map(str, shape))


def _readable(entry: dict[str, Any]) -> dict[str, str]:
    """What reads better as text: a year without a comma, a shape without brackets."""
    return {"year": str(entry["year"]), "input": _by(entry["input"])}


def _entry(card: "ModelCard", model: "nn.Module") -> dict[str, Any]:
    return {
        "name": card.name,
        "family": card.family,
        "year": card.year,
        "paper": card.source,
        "input": list(card.input),
        "parameters": _parameters(model),
    }


def _built(card: "ModelCard", options: Mapping[str, Any] | None = None) -> "nn.Module":
    """The network for its published input, without memory."""
    from gradus.analysis.tally import built

    checked = card.validate(options or {})
    return built(lambda: card.build(card.spec, **checked))


def _parameters(model: "nn.Module") -> int:
    return sum(each.numel() for each in model.parameters())


def _macs(card: "ModelCard", model: "nn.Module") -> int:
    from gradus.analysis.tally import tally

    return tally(model, card.spec.example("meta"))
