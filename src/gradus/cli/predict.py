"""``gradus predict``: use a trained network."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gradus.cli.output import print_json

if TYPE_CHECKING:
    from gradus.training.prediction import Prediction

EXAMPLE = "gradus predict runs/lenet5-digits-1 seven.png --resize --json"


def command(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Image, .npy, .npz, IDX, CSV or Parquet files, folders, text, or numbers or rows as JSON.",
        ),
    ],
    resize: Annotated[bool, typer.Option("--resize", help="Bring images of another size to the right one.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Execute the code the run names.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of CSV.")] = False,
) -> None:
    """Predict with the network of a run; CSV on stdout, or JSON."""
    from gradus.data.inputs import read_inputs
    from gradus.training.prediction import predict
    from gradus.training.run import load_run

    trained = load_run(run)

    def examples() -> Iterator[tuple[str, Any]]:
        table, options = trained.preprocessing.table, trained.recipe.data.options
        for each in inputs:
            yield from read_inputs(each, trained.raw_spec, table=table, options=options, resize=resize)

    # All or nothing: a file that cannot be read is told before anything is printed.
    found = list(predict(trained, examples(), trust=trust))
    if json:
        print_json([each.to_json() for each in found])
    else:
        _print_csv(found, trained.spec.classes)


def _print_csv(found: list["Prediction"], classes: tuple[str, ...]) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(["input", "prediction", *(f"p({name})" for name in classes)])
    for each in found:
        value = each.value if not isinstance(each.value, list) else " ".join(map(str, each.value))
        writer.writerow([each.input, value, *(f"{share:.6f}" for share in each.probabilities.values())])
