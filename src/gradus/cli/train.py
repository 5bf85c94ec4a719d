"""``gradus train``: from a recipe to a checkpoint."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gradus.cli.output import print_json
from gradus.core.characters import printable
from gradus.core.errors import GradusError, InputError
from gradus.core.text import set_language

if TYPE_CHECKING:
    from gradus.training.callbacks import Callback
    from gradus.training.run import Run

EXAMPLE = "gradus train digits-lenet --epochs 10 --set training.ema=0.99"
FOUND, INTERRUPTED = 1, 130
ROWS, BAR = 25, 40
"""Of the drawing of a range test: lines, and characters for the highest loss."""


def command(
    recipe: Annotated[
        str | None, typer.Argument(help="A TOML file, or the name of a shipped recipe (digits-lenet by default).")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Catalogue name, or file.py:callable.")] = None,
    data: Annotated[str | None, typer.Option(help="Bundled name, path, or file.py:callable.")] = None,
    criterion: Annotated[str | None, typer.Option(help="Catalogue name, or file.py:callable.")] = None,
    optimizer: Annotated[str | None, typer.Option(help="Catalogue name, or file.py:callable.")] = None,
    lr: Annotated[
        str | None, typer.Option(metavar="RATE", help='Learning rate, or "auto" for what a range test suggests.')
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training split.")] = None,
    batch_size: Annotated[str | None, typer.Option(help='Examples per step, or "full".')] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N.")] = None,
    members: Annotated[int | None, typer.Option(help="Train so many networks that answer together.")] = None,
    bagging: Annotated[bool, typer.Option("--bagging", help="With members: each on a bootstrap sample.")] = False,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.FIELD=VALUE", help="Any other field; repeatable.")
    ] = None,
    run: Annotated[Path | None, typer.Option(help="The run folder to make (runs/<model>-<data>-<n>).")] = None,
    resume: Annotated[Path | None, typer.Option(help="Continue the run in this folder.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="With --resume: execute the code the run names.")] = False,
    range_test: Annotated[
        bool, typer.Option("--range-test", help="Train at rising rates, show where the loss falls, and leave no run.")
    ] = False,
    track: Annotated[
        str | None, typer.Option(metavar="TRACKER", help="Send curves and signs to tensorboard or mlflow, too.")
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Treat what the doctor finds; keep what helps, undo what does not.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no progress.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")] = False,
    lang: Annotated[str | None, typer.Option(help="Language of findings: en or zh.")] = None,
) -> int:
    """Train a network from a recipe; without one, LeNet-5 on handwritten digits.

    Ctrl-C stops after the step in progress with a checkpoint, and says how to go on.
    """
    if lang is not None:
        set_language(lang)
    settings = {
        "model": _part("model", model),
        "data": _part("data", data),
        "criterion": _part("criterion", criterion),
        "optimizer": _part("optimizer", optimizer),
        "optimizer.lr": _number_or_word(lr, float),
        "training.epochs": epochs,
        "training.batch_size": _number_or_word(batch_size),
        "seed": seed,
        "training.device": device,
        "ensemble.members": members,
        "ensemble.bagging": True if bagging else None,
        "doctor.repair": True if repair else None,
    }
    if resume is not None:
        every = {
            **settings, "RECIPE": recipe, "--set": set_ or None, "--run": run, "--range-test": range_test or None
        }  # fmt: skip
        given = [name for name, value in every.items() if value is not None]
        if given:
            raise InputError(
                "--resume", f"continues a run as it is; it cannot change {', '.join(given)}", repair="Start a new run."
            )
    if range_test:
        return _range_test(_document(recipe, settings, set_ or []), as_json=json)
    from gradus.cli.progress import Progress
    from gradus.training.train import resume as resume_run
    from gradus.training.train import train

    with ExitStack() as stack:
        callbacks: list[Callback] = [] if quiet else [stack.enter_context(Progress())]
        if track is not None:
            from gradus.integrations.tracking import Tracking

            tracking = stack.enter_context(Tracking.named(track))
            callbacks.append(tracking)
        if resume is not None:
            done = resume_run(resume, trust=trust, callbacks=callbacks, warn=_warn)
        else:
            done = train(_document(recipe, settings, set_ or []), run=run, callbacks=callbacks)
        if track is not None:
            tracking.result(done)
    return _report(done, as_json=json)


def _warn(text: str) -> None:
    print(f"gradus: {text}", file=sys.stderr)


def _part(kind: str, given: str | None) -> tuple[str, str] | None:
    """The field and value that name a part on the command line."""
    if given is None:
        return None
    if ".py:" in given:
        return f"{kind}.module", given
    return f"{kind}.name", given


def _number_or_word(text: str | None, number: type[int] | type[float] = int) -> float | str | None:
    try:
        return None if text is None else number(text)
    except ValueError:
        return text


def _document(recipe: str | None, settings: dict[str, Any], more: list[str]) -> dict[str, Any]:
    """The recipe's document with the command line's changes; paths in these start in the working folder."""
    from gradus.training.recipe import anchored, override, parse_setting, read_toml
    from gradus.training.train import DEFAULT_RECIPE, find_recipe

    path = find_recipe(recipe or DEFAULT_RECIPE)
    document = anchored(read_toml(path), path.parent)
    for field, value in settings.items():
        if isinstance(value, tuple):
            document = override(document, *value)
        elif value is not None:
            document = override(document, field, value)
    for each in more:
        document = override(document, *parse_setting(each))
    return document


def _range_test(document: dict[str, Any], *, as_json: bool) -> int:
    """Print what a range test finds, and draw the loss against the rate."""
    from dataclasses import asdict

    from gradus.training.train import find_rate

    found = find_rate(document)
    if as_json:
        print_json(asdict(found) | {"reason": found.reason})
        return 0
    every = max(1, len(found.rates) // ROWS)
    low, high = min(found.smoothed), found.smoothed[0]  # what lies above the first loss is full: it diverges
    print("    rate      loss")
    for rate, loss in list(zip(found.rates, found.smoothed, strict=True))[::every]:
        share = (loss - low) / (high - low) if high > low else 1.0
        print(f"{rate:8.2g}  {loss:8.4g}  {'#' * round(BAR * min(share, 1.0))}".rstrip())
    print(f"suggested: {found.suggested:.2g}, {found.reason}")
    return 0


def _write_report(run: "Run") -> str:
    """Where the report is; what keeps it from being written costs nobody their run."""
    from gradus.report.html import write_report

    try:
        return str(write_report(run))
    except GradusError as error:
        _warn(f"no report: {error}")
        return ""


def _report(run: "Run", *, as_json: bool) -> int:
    """Say how it ended; the exit code."""
    from gradus.training.repair.story import told_result

    result = run.result
    findings = run.findings
    report = _write_report(run)
    if as_json:
        places = ({"report": report} if report else {}) | ({"repaired": str(run.repaired)} if run.repaired else {})
        print_json(result | {"findings": findings} | places)
    out = sys.stderr if as_json else sys.stdout
    for finding in findings:
        remedies = " ".join(remedy["text"] for remedy in finding["remedies"])
        print(f"{finding['severity']}: {finding['message']} {remedies}", file=out)
    if run.outcome == "interrupted":
        trust = " --trust" if run.environment.get("code") else ""
        print(
            f"interrupted at step {result['steps']}; continue with: gradus train --resume {run.path}{trust}",
            file=sys.stderr,
        )
        return INTERRUPTED
    if not as_json and run.outcome == "finished":
        values = "  ".join(f"{name} {value:.4f}" for name, value in result["metrics"].items())
        together = f"{len(result['members'])} of " if "members" in result else ""
        print(f"{together}{result['model']} on {result['data']}: {values}")
        print(f"{result['steps']:,} steps in {result['seconds']:.1f} s; {result['parameters']:,} parameters")
        if begun := run.environment.get("pretrained"):
            left = f"; as drawn: {', '.join(begun['left'])}" if begun["left"] else ""
            print(f"began with: {begun['layers']} layers of {begun['file']}{left}")
        if told := told_result(run.repairs, str(run.repaired)):
            print(f"repair:     {told}")
        print(f"run folder: {run.path}")
        if report:
            print(f"report:     {report}")
        print(f"use it:     gradus predict {run.path} {'INPUT...' if run.sample is None else '--prompt TEXT'}")
        if run.sample is not None:
            print(f"it says:    {printable(run.sample['continuation'], 100)}")
    return FOUND if any(each["severity"] != "notice" for each in findings) else 0
