"""``gradus preflight``: what is wrong before training begins."""

import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer

from gradus.cli.output import print_json, to_json
from gradus.core.errors import InputError, ResourceError
from gradus.core.text import Message, set_language

EXAMPLE = "gradus preflight train.py --epochs 3"
# What follows the script is the program's own.
CONTEXT = {"allow_interspersed_args": False, "ignore_unknown_options": True}
FOUND = 1

_STATUS = {
    "passed": Message(en="passed", zh="通过"),
    "failed": Message(en="FAILED", zh="未通过"),
    "skipped": Message(en="skipped", zh="跳过"),
}
_WELL = Message(en="all is well, as far as {steps} steps show", zh="就这 {steps} 步来看，一切正常")
_EARLY = Message(
    en="the program ended with {error}; what was seen until then counts", zh="程序以 {error} 结束；以上为此前所见"
)


def command(
    target: Annotated[
        str, typer.Argument(metavar="RECIPE | SCRIPT.py", help="A recipe's file or name, or a Python program.")
    ],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="ARGS", help="The program's own arguments.")] = None,
    budget: Annotated[float, typer.Option(metavar="SECONDS", help="Time that the examination may take.")] = 10.0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    json_to: Annotated[Path | None, typer.Option("--json-to", metavar="PATH", help="Write JSON there.")] = None,
    lang: Annotated[str | None, typer.Option(help="Language of findings: en or zh.")] = None,
) -> int:
    """Examine a training before it begins: data, loss, gradients, signals, learning rate, memory.

    Nothing is kept of it: a program runs for its first steps alone, with nothing to read, nowhere to print, and a
    temporary folder for what it writes. Options of gradus come before the program's name, the program's own after it.
    """
    if lang is not None:
        set_language(lang)
    if not 1 <= budget <= 3600:
        raise InputError("--budget", "must lie between 1 and 3600 seconds", budget)
    if json_to is not None and (json_to.is_dir() or not json_to.absolute().parent.is_dir()):
        raise InputError("--json-to", "must be a file in a folder that exists", str(json_to))
    given = list(arguments or ())
    if not _is_program(target):
        json |= given == ["--json"]
        given = [each for each in given if each != "--json"]
    document = _examine(target, given, budget)
    if json_to is not None:
        _write(json_to, document)
    if json:
        print_json(document)
    else:
        _print(document)
    failed = any(each["status"] == "failed" for each in document["checks"])
    return FOUND if failed or document["findings"] else 0


def _is_program(target: str) -> bool:
    return target.endswith(".py") or (not target.endswith(".toml") and Path(target).is_file())


def _examine(target: str, arguments: list[str], budget: float) -> dict[str, Any]:
    if _is_program(target):
        from gradus.diagnosis.preflight.script import examine_script

        return examine_script(Path(target), arguments, budget=budget)
    if arguments:
        raise InputError("gradus preflight", "a recipe takes no arguments", " ".join(arguments))
    from gradus.training.preflight import examine_recipe

    return examine_recipe(target, budget=budget)


def _write(place: Path, document: dict[str, Any]) -> None:
    try:
        place.write_text(json_module.dumps(to_json(document), indent=2, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise ResourceError(
            str(place), f"cannot be written ({error.strerror})", repair="Name another place."
        ) from error


def _print(document: dict[str, Any]) -> None:
    from gradus.diagnosis.doctor import shown, told_document

    for check in document["checks"]:
        figures = "  ".join(f"{name} {shown(value)}" for name, value in check["figures"].items())
        print(f"{_STATUS[check['status']].say():<9}{check['name']:<16}{check['message']}")
        if figures:
            print(f"{'':25}{figures}")
    for each in document["findings"]:
        print(told_document(each))
    for number, cause in enumerate(document["causes"], 1):
        print(f"cause {number}: {cause['id']} ({cause['confidence']:.0%}), because of {', '.join(cause['because'])}")
    if "program_error" in document:
        print(_EARLY.say(error=document["program_error"]))
    if not document["findings"]:
        print(_WELL.say(steps=document["steps_seen"]))
