"""``gradus memory``: how far back models of sequences remember."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gradus.cli.network import Given, network
from gradus.cli.output import print_cells, print_json
from gradus.core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from gradus.analysis.memory import GateShares, Memory

EXAMPLE = "gradus memory rnn irnn lstm gru --input 150,2 --figure memory.png"
_SHOWN = 5


def command(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL...", help="Names of the catalogue, file.py:callable, or run folders.")
    ],
    given: Annotated[
        str | None,
        typer.Option("--input", metavar="T,F", help="Steps and features; T alone for codes. By default as is usual."),
    ] = None,
    examples: Annotated[int, typer.Option(help="Random sequences to look at.", min=1)] = 16,
    seed: Annotated[int, typer.Option(help="Of these, and of first weights.")] = 0,
    figure: Annotated[Path | None, typer.Option(metavar="PATH.png", help="Draw it: png, svg or pdf.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Execute the code that a run names.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell how much the input of each earlier step moves the last output of models of sequences."""
    import torch

    from gradus.analysis.memory import gate_shares, memory
    from gradus.models.gates import gates
    from gradus.report.memory import write_memory
    from gradus.report.words import figure as written
    from gradus.report.words import percent

    shape = None if given is None else Given.parse(given)
    found: dict[str, Memory] = {}
    shares: dict[str, dict[str, GateShares]] = {}
    for reference in models:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model, sequences = _ready(reference, shape, examples, trust=trust)
        found[reference] = memory(model, sequences)
        shares[reference] = gate_shares(gates(model, sequences))
    if figure is not None:
        write_memory(found, figure)
    if json:
        print_json([
            {"model": name, **each.to_json(), "gates": {gate: asdict(share) for gate, share in shares[name].items()}}
            for name, each in found.items()
        ])  # fmt: skip
        return
    steps = min(len(each.norms) for each in found.values())
    lags = sorted({round(place * (steps - 1) / (_SHOWN - 1)) for place in range(_SHOWN)})
    rows = [["model", "rate a step", "length", *(f"lag {lag}" for lag in lags)]]
    for name, each in found.items():
        influence = [f"{float(each.norms[lag]):.2g}" for lag in lags]
        rows.append([name, written(each.rate), f"{each.length} of {len(each.norms)}", *influence])
    print_cells(rows)
    rows = [
        [name, gate, f"{share.mean:.2f}", percent(share.open), percent(share.shut)]
        for name, each in shares.items()
        for gate, share in each.items()
    ]
    if rows:
        print()
        print_cells([["model", "gate", "mean", "open", "shut"], *rows])


def _ready(name: str, given: Given | None, examples: int, *, trust: bool) -> tuple["nn.Module", "Tensor"]:
    """A model, and random sequences that it takes: standard normal numbers, or codes that are all as likely."""
    import torch

    if Path(name).is_dir():
        from gradus.training.run import load_run

        run = load_run(name)
        model, spec = run.model(trust=trust), run.spec
        shape, codes = spec.inputs[0], len(spec.vocabulary)
        if given is not None:
            raise InputError("--input", "is for models that are new; a run has the shape of its data", given.shape)
    else:
        model, spec_of_card = network(name, given)
        codes = 0 if spec_of_card is None else len(spec_of_card.vocabulary)
        if given is None and spec_of_card is None:
            raise InputError("--input", "must be given for a network of your own", repair="Such as --input 150,2.")
        shape = given.shape if given is not None else spec_of_card.inputs[0] if spec_of_card is not None else ()
    if len(shape) != (1 if codes else 2):
        raise InputError(
            f"model {name}", f"must read sequences, {'codes (T)' if codes else 'numbers (T, F)'}, to remember", shape
        )
    return model, torch.randint(codes, (examples, *shape)) if codes else torch.randn(examples, *shape)
