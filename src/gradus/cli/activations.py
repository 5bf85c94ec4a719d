"""``gradus activations``: element-wise functions, and the nine properties of each as measured."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gradus.cli.output import print_cells, print_fields, print_json

if TYPE_CHECKING:
    from torch import Tensor

    from gradus.analysis.activations import ActivationProperties
    from gradus.analysis.curve import Break, Flat

EXAMPLE = "gradus activations leaky_relu --set negative_slope=0.2"


def command(
    name: Annotated[str | None, typer.Argument(help="One of them, or your own as file.py:function.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="OPTION=VALUE", help="An option of it; repeatable.")
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(metavar="PATH.png", help="Draw value and derivative there: .png, .svg or .pdf.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the activations with their measured properties; or show one's card, properties and curve.

    In the list, curved is the share of the variance of f(z), z ~ N(0, 1), that no straight line explains; breaks are
    where it is not differentiable; cost is of value and derivative, in times of ReLU's, measured now; mean is that of
    f(z); depth is where variance 1 goes in a deep network of weights of mean 0 and variance 1/n.
    """
    from gradus.analysis.activations import measure
    from gradus.cli.parts import entry, print_card
    from gradus.core.errors import InputError
    from gradus.nn import activations

    if name is None:
        if set_ or figure:
            raise InputError("--set" if set_ else "--figure", "is for one activation", repair="Name it.")
        entries = [(entry(card), measure(card.build())) for card in activations.cards()]
        if json:
            print_json([document | {"properties": found.to_json()} for document, found in entries])
        else:
            print_cells([_HEADS, *(_row(document["name"], found) for document, found in entries)])
        return
    from gradus.analysis.curve import Curve
    from gradus.report.activation import sketch, write_activation

    document, function = _chosen(name, set_ or ())
    found, curve = measure(function), Curve(function)
    if figure is not None:
        document["figure"] = str(write_activation(curve, document["name"], figure))
    if json:
        print_json(document | {"properties": found.to_json()})
        return
    print_card(document)
    typer.echo()
    print_fields(told(found))
    typer.echo("\n" + sketch(curve) + "\n\n       o f(z)   . f'(z)")


def _chosen(name: str, settings: Sequence[str]) -> tuple[dict[str, Any], "Callable[[Tensor], Tensor]"]:
    """What is said of an activation, and itself."""
    from gradus.cli.parts import entry
    from gradus.models.activations import own
    from gradus.nn import activations
    from gradus.training.recipe import parse_setting

    options = dict(parse_setting(each, "OPTION=VALUE") for each in settings)
    if ":" in name or name.endswith(".py"):
        return {"name": name, "options": options, "aliases": [], "elsewhere": {}}, own(name, options, "NAME")(1)
    card = activations.get(name)
    checked = card.validate(options)
    return entry(card) | {"options": checked}, card.build(**checked)


_HEADS = [
    *("name", "curved", "breaks", "cost", "saturates", "monotonic", "range", "f(0)", "f'(0)", "learns", "mean", "depth")
]


def _row(name: str, found: "ActivationProperties") -> list[str]:
    breaks = " ".join(_short(each.at) for each in (*found.kinks, *found.jumps))
    cost = f"{found.cost.times_relu:.1f}" if found.cost else ""
    learns = f"x {found.pieces}" if found.pieces > 1 else str(found.parameters or "")
    extent = " to ".join(map(_short, found.range))
    direction = {"increasing": "yes", "decreasing": "yes", "constant": "constant"}.get(found.direction, "no")
    return [
        *(name, f"{found.nonlinearity:.0%}", breaks, cost, found.saturates, direction, extent, _short(found.at_zero)),
        *(_slopes(found, _short), learns, _short(found.mean), _short(found.depth_variance)),
    ]


def told(found: "ActivationProperties") -> dict[str, str]:
    """The nine properties in words."""
    low, high = map(_number, found.range)
    least, largest = map(_number, found.slopes)
    like = ", like the identity" if found.like_identity else ""
    before = f"; the layer before has {found.pieces} times as many" if found.pieces > 1 else ""
    turns = ", ".join(map(_number, found.turns[:6])) + (", ..." if len(found.turns) > 6 else "")
    return {
        "non-linear": "no" if found.linear else f"yes: the best line leaves {found.nonlinearity:.1%} of the variance",
        "differentiable": _differentiable(found),
        "cost": _cost(found),
        "saturates": "; ".join(map(_flat, found.flats)) or "no",
        "monotonic": found.direction if found.direction != "neither" else f"no, turns at {turns}",
        "range": f"{low} to {high}; slopes from {least} to {largest}{_overflow(found)}",
        "at 0": f"f(0) = {_number(found.at_zero)}, f'(0) = {_slopes(found, _number)}{like}",
        "parameters": f"{found.parameters or 'none'}{before}",
        "zero-centred": "yes" if found.zero_centred else f"no: mean {_number(found.mean)} of f(z), z ~ N(0, 1)",
        "normalizing": _normalizing(found),
    }


def _slopes(found: "ActivationProperties", written: Callable[[float], str]) -> str:
    return " | ".join(dict.fromkeys(map(written, found.slopes_at_zero)))


def _differentiable(found: "ActivationProperties") -> str:
    breaks = sorted((*found.kinks, *found.jumps), key=lambda each: each.at)
    but = ", ".join(map(_break, breaks[:6])) + (f" and at {len(breaks) - 6} more" if len(breaks) > 6 else "")
    surrogate = "; what autograd computes is not its derivative" if found.surrogate else ""
    return (f"but at {but}" if breaks else "everywhere") + surrogate


def _break(each: "Break") -> str:
    sides, what = (each.values, "jump") if each.jumps else (each.slopes, "slope")
    return f"{_number(each.at)} ({what} {_number(sides[0])} | {_number(sides[1])})"


def _cost(found: "ActivationProperties") -> str:
    if found.cost is None:
        return ""
    both = f"{found.cost.both:.3g} with the derivative"
    return f"{found.cost.value:.3g} ns a number, {both}: {found.cost.times_relu:.1f} times ReLU"


def _flat(each: "Flat") -> str:
    dead = " (derivative 0)" if each.dead else ""
    if math.isinf(each.low) and math.isinf(each.high):
        return f"everywhere{dead}"
    if math.isinf(each.low):
        return f"below {_number(each.high)}{dead}"
    return f"above {_number(each.low)}" + (dead if math.isinf(each.high) else f", up to {_number(each.high)}{dead}")


def _overflow(found: "ActivationProperties") -> str:
    low, high = found.finite
    sides = ([f"below {low:.0f}"] if low > -math.inf else []) + ([f"above {high:.0f}"] if high < math.inf else [])
    return f"; overflows {' and '.join(sides)}" if sides else ""


def _normalizing(found: "ActivationProperties") -> str:
    points = [
        f"mean {_number(each.mean)} and variance {_number(each.variance)}, deviations times {_number(each.eigenvalue)}"
        for each in found.fixed_points
        if each.stable
    ]
    depth = {0.0: "dies out", math.inf: "explodes"}.get(
        found.depth_variance, f"goes to {_number(found.depth_variance)}"
    )
    to = f"yes, to {' or '.join(points)}" if points else "no"
    after = _number(found.variance)
    return f"{to}; a layer of weights of variance 1/n makes {after} of variance 1, and in depth it {depth}"


def _number(number: float, digits: int = 4) -> str:
    if math.isinf(number):
        return "inf" if number > 0 else "-inf"
    return f"{0.0 if abs(number) < 1e-9 else number:.{digits}g}"


def _short(number: float) -> str:
    return _number(number, 3)
