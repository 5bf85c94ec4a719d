"""``gradus optimizers``: optimization algorithms and learning-rate schedules, and races between them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gradus.cli.output import print_cells, print_json, print_table
from gradus.core.errors import InputError

if TYPE_CHECKING:
    from gradus.optim.race import Race

EXAMPLE = "gradus optimizers --race saddle --optimizers sgd,sgd:momentum=0.9,nesterov=true,adam --html race.html"


def command(
    name: Annotated[str | None, typer.Argument(help="One of them: its card.")] = None,
    race: Annotated[
        str | None, typer.Option(metavar="SURFACE", help="Let optimizers race on a test surface; `list` lists those.")
    ] = None,
    optimizers: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Who races, with options: sgd,sgd:momentum=0.9,nesterov=true,adam:lr=0.1"),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of the race (500).", min=1)] = None,
    target: Annotated[float | None, typer.Option(help="The value to get below (the surface's own).")] = None,
    gif: Annotated[Path | None, typer.Option(metavar="PATH.gif", help="Write the race as an animation.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="PATH", help="Write a page to play the race on.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the algorithms and schedules that recipes can name, or show one's card; or let algorithms race.

    The columns of a card beside its own defaults are presets: `gradus train --set optimizer.preset=keras`.
    """
    if race is not None:
        if name is not None:
            raise InputError("--race", "is between several", name, f"Say `--race {race} --optimizers {name},...`.")
        _race(race, optimizers or "", steps=steps, target=target, gif=gif, html=html, as_json=json)
        return
    of_a_race = {"--optimizers": optimizers, "--steps": steps, "--target": target, "--gif": gif, "--html": html}
    for option, value in of_a_race.items():
        if value is not None:
            raise InputError(option, "says more about --race, which is not given", str(value))
    from gradus.cli.parts import show
    from gradus.optim import optimizers as algorithms
    from gradus.optim import schedules

    show(name, (algorithms, schedules), as_json=json)


def _race(
    surface: str,
    names: str,
    *,
    steps: int | None,
    target: float | None,
    gif: Path | None,
    html: Path | None,
    as_json: bool,
) -> None:
    from gradus.optim.race import STEPS, race, racers
    from gradus.optim.surfaces import surfaces
    from gradus.report.race import write_gif, write_page

    if surface == "list":
        rows = [{"name": each.name, "formula": each.formula, "summary": each.summary} for each in surfaces.cards()]
        if as_json:
            print_json(rows)
        else:
            print_table(rows, ["name", "formula", "summary"])
        return
    for place in filter(None, (gif, html)):  # a race takes some seconds
        if not place.parent.is_dir():
            raise InputError(str(place), "cannot be written: there is no such folder", repair="Name another place.")
    if gif is not None and gif.suffix != ".gif":
        raise InputError("--gif", "must be a file that ends in .gif", str(gif))
    found = race(surfaces.get(surface, "--race"), racers(names), steps=steps or STEPS, target=target)
    if gif is not None:
        write_gif(found, gif)
    if html is not None:
        write_page(found, html)
    if as_json:
        print_json(_document(found))
    else:
        _print(found)


def _document(race: "Race") -> dict[str, Any]:
    return {
        "surface": race.surface.name,
        "start": race.start,
        "target": race.target,
        "steps": race.steps,
        "results": [each.to_json() for each in race.results],
    }


def _print(race: "Race") -> None:
    from gradus.report.race import reached, said
    from gradus.report.words import count, figure

    print(f"{race.surface.name}: {race.surface.formula}")
    print(said(race))
    rows = [
        [
            each.racer.name,
            "" if each.lr is None else f"{each.lr:g}",
            reached(race, each),
            count(each.evaluations),
            figure(each.descent.final),
        ]
        for each in race.results
    ]
    print_cells([["optimizer", "rate", "steps to target", "evaluations", "f at the end"], *rows])
