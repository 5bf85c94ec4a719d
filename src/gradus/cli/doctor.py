"""``gradus doctor``: what is wrong with a program, or with a run."""

import os
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
    tries: Annotated[
        int, typer.Option("--try", metavar="N", help="Of a program: run it again with each of the N likeliest fixes.")
    ] = 0,
    maximize: Annotated[
        str | None, typer.Option(metavar="WORD", help="With --try: judge by the last number printed after WORD.")
    ] = None,
    minimize: Annotated[str | None, typer.Option(metavar="WORD", help="The same, where a lower one is better.")] = None,
    lang: Annotated[str | None, typer.Option(help="Language of findings: en or zh.")] = None,
) -> int:
    """Run an unmodified PyTorch program and say what is wrong with its training; or read what a run's doctor found.

    The program keeps its output, its exit code and its weights; what the doctor says goes to stderr. Options of gradus
    come before the program's name, the program's own after it.
    """
    if lang is not None:
        set_language(lang)
    if target.is_dir():
        for option, given_ in (("--apply", apply), ("--try", tries)):
            if given_:
                raise InputError(option, "is for a program's source, not for a run", str(target))
        given = list(arguments or ())
        return _read_run(
            target, as_json=json or given == ["--json"], unknown=[each for each in given if each != "--json"]
        )
    if json:
        raise InputError("--json", "a program keeps its own output", repair="Use --json-to PATH.")
    if not 0 < budget < 1:
        raise InputError("--budget", "must lie between 0 and 1 (a share of time)", budget)
    _check_trial(tries, maximize, minimize)
    from gradus.diagnosis.script import diagnose_script

    return diagnose_script(
        target,
        arguments or [],
        json_to=json_to,
        budget=budget,
        silence=silence or (),
        apply=apply,
        tries=tries,
        word=maximize or minimize or "",
        lower=minimize is not None,
    )


def _check_trial(tries: int, maximize: str | None, minimize: str | None) -> None:
    if tries:
        from gradus.diagnosis.prescription.prescribe import ENOUGH

        if not 0 < tries <= ENOUGH:
            raise InputError("--try", f"must lie between 1 and {ENOUGH}", tries)
    if tries and os.environ.get("WORLD_SIZE", "1") != "1":
        raise InputError("--try", "a program of several processes is not run again", repair="Try the fix by hand.")
    words = [each for each in (maximize, minimize) if each is not None]
    if len(words) > 1:
        raise InputError("--maximize", "does not go with --minimize", maximize, "Name one figure.")
    if words and (not tries or not words[0].strip()):
        raise InputError("--maximize" if maximize is not None else "--minimize", "needs a word and --try N", words[0])


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
