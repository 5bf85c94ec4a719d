"""``gradus predict``: use a trained network."""

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gradus.cli.output import print_json
from gradus.core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from gradus.data.inputs import Labelled
    from gradus.training.prediction import Prediction
    from gradus.training.run import Run

EXAMPLE = "gradus predict runs/lenet5-digits-1 seven.png --resize --json"


def command(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT...",
            help="Image, .npy, .npz, IDX, CSV or Parquet files, folders, text, or numbers or rows as JSON.",
        ),
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Go on with this text, in place of inputs; of a run of text.")
    ] = None,
    length: Annotated[int, typer.Option(help="Characters that follow a prompt.", min=1)] = 200,
    temperature: Annotated[float, typer.Option(help="Of their draws; 0 takes the likeliest.", min=0)] = 1.0,
    top_k: Annotated[int | None, typer.Option(help="Draw from so many likeliest; by default all.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Of the draws.", min=0)] = 0,
    resize: Annotated[bool, typer.Option("--resize", help="Bring images of another size to the right one.")] = False,
    attention: Annotated[
        Path | None,
        typer.Option(metavar="PATH.svg", help="Draw what the network attends to, of the first 8 inputs; png, pdf too."),
    ] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Execute the code the run names.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of CSV.")] = False,
) -> None:
    """Predict with the network of a run, or go on with a text; CSV on stdout, or JSON."""
    from gradus.data.inputs import read_inputs
    from gradus.training.continuation import continuation
    from gradus.training.prediction import predict
    from gradus.training.run import load_run

    if (prompt is None) == (not inputs):
        raise InputError("predict", "needs inputs, or a --prompt to go on with, one of the two")
    if prompt is not None and (attention is not None or resize):
        option = "--resize" if attention is None else "--attention"
        raise InputError(option, "is for inputs, not for a prompt", repair="Leave it out.")
    trained = load_run(run)
    if prompt is not None:
        text = continuation(
            trained, prompt, length=length, temperature=temperature, top_k=top_k, seed=seed, trust=trust
        )
        if json:
            print_json([{"input": prompt, "prediction": text}])
        else:
            print(prompt + text)
        return

    def examples() -> Iterator[tuple[str, Any]]:
        table, options = trained.preprocessing.table, trained.recipe.data.options
        for each in inputs or ():
            yield from read_inputs(each, trained.raw_spec, table=table, options=options, resize=resize)

    # All or nothing: a file that cannot be read is told before anything is printed.
    if attention is None:
        found = list(predict(trained, examples(), trust=trust))
    else:
        given = list(examples())
        found = list(predict(trained, given, trust=trust))
        _draw_attention(attention, trained, given, found, trust=trust)
    if json:
        print_json([each.to_json() for each in found])
    else:
        _print_csv(found, trained.spec.classes)


def _draw_attention(
    output: Path, run: "Run", given: list["Labelled"], found: list["Prediction"], *, trust: bool
) -> None:
    """What the network of a run attended to, over what it was given and what it said."""
    import numpy as np

    from gradus.models.reuse import attention
    from gradus.report.attention import MOST_ROWS, write_attention

    if run.recipe.ensemble is not None:
        repair = f"Give the folder of one of them, as {run.path / 'members' / '0'}."
        raise InputError("--attention", "is for one network, not for an ensemble", repair=repair)
    some = given[:MOST_ROWS]
    raw = [np.stack(each) for each in zip(*(inputs for _, inputs in some), strict=True)]
    attended = attention(run.model(trust=trust), *run.preprocessing.apply(raw))
    pictures = raw[0] if raw[0].ndim == 4 and raw[0].shape[1] in (1, 3) else None
    write_attention(
        output,
        attended.weights,
        attended.frames,
        images=None if pictures is None else list(pictures),
        labels=_symbols(raw[0], run.raw_spec.vocabulary, attended.weights, [each.value for each in found]),
        titles=[f"{Path(each.input).name}: {_written(each.value)}" for each in found[: len(some)]],
    )


def _symbols(
    codes: Any, vocabulary: tuple[str, ...], weights: "Mapping[str, Tensor]", said: Sequence[Any]
) -> list[tuple[list[str], list[str]]] | None:
    """Of each text, what stands along both sides of matrices of its steps; None of what is no text.

    Rows are what was said where a network as a whole attends from that to what it read, else what was read.
    """
    if not vocabulary or codes.ndim != 2 or any(each.shape[-2:] != (codes.shape[1],) * 2 for each in weights.values()):
        return None
    read = [[vocabulary[code] for code in row] for row in codes.tolist()]
    return [(word if "" in weights else each, each) for word, each in zip(said, read, strict=False)]


def _written(value: Any) -> str:
    """A prediction as a cell or a title has it: classes of one character each make a text."""
    if not isinstance(value, list):
        return str(value)
    return ("" if all(isinstance(each, str) and len(each) == 1 for each in value) else " ").join(map(str, value))


def _print_csv(found: list["Prediction"], classes: tuple[str, ...]) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(["input", "prediction", *(f"p({name})" for name in classes)])
    for each in found:
        writer.writerow([each.input, _written(each.value), *(f"{share:.6f}" for share in each.probabilities.values())])
