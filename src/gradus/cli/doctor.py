"""``gradus doctor``: what is wrong with a program, or with a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gradus.cli.output import print_json
from gradus.core.errors import InputError
from gradus.core.text import set_language

if TYPE_CHECKING:
    from gradus.training.run import Run

EXAMPLE = "gradus doctor train.py --epochs 3"
# What follows the script is the program's own.
CONTEXT = {"allow_interspersed_args": False, "ignore_unknown_options": True}
FOUND = 1


def command(
    target: Annotated[Path, typer.Argument(metavar="SCRIPT.py | RUN", help="A Python program, or a run folder.")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="ARGS", help="The program's own arguments.")] = None,
    json_to: Annotated[
        Path | None,
        typer.Option("--json-to", metavar="PATH", help="Of a program: write what was found there, as JSON."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Of a run: print JSON.")] = False,
    budget: Annotated[float, typer.Option(help="Share of the program's time that examinations may take.")] = 0.01,
    silence: Annotated[list[str] | None, typer.Option(metavar="ID", help="A rule not to ask; repeatable.")] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Of a program: write the likely fix into its source; keeps a backup.")
    ] = False,
    lang: Annotated[str | None, typer.Option(help="Language of findings: en or zh.")] = None,
) -> int:
    """Run an unmodified PyTorch program and say what is wrong with its training; or read what a run's doctor found.

    The program keeps its output, its exit code and its weights; what the doctor says goes to stderr. Options of gradus
    come before the program's name, the program's own after it.
    """
    if lang is not None:
        set_language(lang)
    if target.is_dir():
        if apply:
            raise InputError("--apply", "is for a program's source, not for a run", str(target))
        given = list(arguments or ())
        return _read_run(
            target, as_json=json or given == ["--json"], unknown=[each for each in given if each != "--json"]
        )
    if json:
        raise InputError("--json", "a program keeps its own output", repair="Use --json-to PATH.")
    if not 0 < budget < 1:
        raise InputError("--budget", "must lie between 0 and 1 (a share of time)", budget)
    from gradus.diagnosis.script import diagnose_script

    return diagnose_script(target, arguments or [], json_to=json_to, budget=budget, silence=silence or (), apply=apply)


def _read_run(place: Path, *, as_json: bool, unknown: list[str]) -> int:
    if unknown:
        raise InputError("gradus doctor", "a run takes no arguments", " ".join(unknown))
    from gradus.training.run import load_run

    run = load_run(place)
    document = _document(run)
    if as_json:
        print_json(document)
    else:
        _print(run, document)
    return FOUND if any(each["severity"] != "notice" for each in document["findings"]) else 0


def _document(run: "Run") -> dict[str, Any]:
    seen = run.doctor
    return {
        "findings": run.findings,
        "causes": seen.get("causes", []),
        "steps_seen": seen.get("steps_seen", run.result.get("steps", 0)),
        "overhead": seen.get("overhead", 0.0),
    }


def _print(run: "Run", document: dict[str, Any]) -> None:
    from gradus.diagnosis.doctor import told_document

    for each in document["findings"]:
        print(told_document(each))
    for number, cause in enumerate(document["causes"], 1):
        print(f"cause {number}: {cause['id']} ({cause['confidence']:.0%}), because of {', '.join(cause['because'])}")
    if not document["findings"]:
        seen = "" if run.doctor else "; it was trained without the doctor"
        print(f"run {run.path}: nothing was found in {document['steps_seen']:,} steps{seen}")
