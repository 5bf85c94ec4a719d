"""The command line: its verbs, its errors, its exit codes."""

import signal
import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

import gradus
from gradus.cli import (
    activations,
    backprop,
    data,
    doctor,
    initializers,
    inspect,
    landscape,
    layers,
    losses,
    memory,
    models,
    optimizers,
    predict,
    preflight,
    report,
    train,
)
from gradus.core.errors import GradusError
from gradus.core.text import set_language

BAD_INPUT, INTERNAL_ERROR, INTERRUPTED = 2, 70, 130

app = typer.Typer(
    name="gradus",
    help="Build, inspect, train, diagnose and study neural networks on PyTorch.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (
    train, predict, inspect, backprop, doctor, preflight, report, landscape, memory,
    models, data, activations, initializers, layers, losses, optimizers,
):  # fmt: skip
    app.command(
        verb.__name__.rpartition(".")[2],
        epilog=f"Example: {verb.EXAMPLE}",
        context_settings=getattr(verb, "CONTEXT", None),
    )(verb.command)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"gradus {gradus.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the full traceback of an error.")] = False,
    lang: Annotated[str | None, typer.Option(help="Language of findings: en or zh.")] = None,
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True)] = False,
) -> None:
    if lang is not None:
        set_language(lang)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Run the command line; every error of the user's becomes one line on stderr and exit code 2."""
    debug = "--debug" in sys.argv[1:2]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C, also before training has begun
    try:
        code = app(standalone_mode=False)
    except TyperException as error:  # what was typed does not parse
        _complain(getattr(error, "format_message", error.__str__)())
        code = BAD_INPUT
    except GradusError as error:
        if debug:
            raise
        _complain(str(error))
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):  # outside training, or for the second time in it
        _complain("interrupted; a run that has a checkpoint goes on with `gradus train --resume RUN`")
        code = INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough of it, as `head` does.
        sys.stderr.close()
        code = 0
    except Exception as error:
        if debug:
            raise
        _complain(f"an error of gradus itself, {type(error).__name__}: {error}")
        _complain("please report it with the output of `gradus --debug ...`")
        code = INTERNAL_ERROR
    sys.exit(code if isinstance(code, int) else 0)


def _complain(text: str) -> None:
    line = " ".join(text.split())
    print(f"gradus: {line}", file=sys.stderr)
