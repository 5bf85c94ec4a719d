"""``gradus backprop``: the equations and numbers of one forward and one backward pass."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gradus.cli.network import Given, subject
from gradus.cli.output import print_json
from gradus.core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from gradus.nn.backprop import Backpropagation, Quantity

EXAMPLE = "gradus backprop lenet5"
WRONG = 1


def command(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A name of the catalogue, or file.py:callable.")],
    shape: Annotated[
        str | None, typer.Option("--input", metavar="3,224,224", help="The input's shape, without the batch.")
    ] = None,
    batch: Annotated[int, typer.Option(help="Examples in the batch.", min=1)] = 2,
    criterion: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="cross_entropy, mse or mbe; if not given cross_entropy, or mse of one output or a model of values.",
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Check its gradients by differences instead; if they are wrong, exit with 1."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Print backpropagation through a network as a textbook writes it, on random numbers: values, errors, equations."""
    import torch
    from torch import Tensor

    from gradus.losses import criteria
    from gradus.models import models
    from gradus.nn.backprop import trace
    from gradus.training.objective import output_of

    if check and criterion is not None:
        raise InputError("--criterion", "is not looked at by --check", criterion, "It checks every output by itself.")
    given = [] if shape is None else [Given.parse(shape)]
    found = subject(model, given, batch, weights=True, run=True)
    if len(found.inputs) != 1:
        raise InputError("MODEL", "must take one input", len(found.inputs))
    network, (x,) = found.model.double(), found.inputs
    x = x.double() if x.is_floating_point() else x
    if check:
        return _check(network, x, json)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        output = output_of(network.eval()(x))
    if not isinstance(output, Tensor):
        raise InputError("MODEL", "must give a tensor", type(output).__name__)
    width = output.shape[1] if output.ndim > 1 else 1
    of_values = model in models and "classification" not in models.get(model).tasks
    card = criteria.get(criterion or ("mse" if width == 1 or of_values else "cross_entropy"))
    counts = [torch.ones(width, dtype=torch.int64)] if card.class_counts else []
    loss = card.build(*counts, **card.validate({}))
    traced = trace(network.train(), x, _target(card.tasks, output), loss)
    if json:
        print_json({"model": model} | _document(traced))
    else:
        print(traced)
    return 0


def _check(network: "nn.Module", x: "Tensor", json: bool) -> int:
    """In training mode, with the same random numbers whenever it runs."""
    from gradus.analysis.gradcheck import gradcheck

    verdict = gradcheck(network.train(), x, seed=0)
    if json:
        tensors = [{"name": each.name, "status": each.status, "error": each.error} for each in verdict.checks]
        print_json({"right": bool(verdict), "problem": verdict.problem, "tensors": tensors})
    else:
        print(verdict)
    return 0 if verdict else WRONG


def _target(tasks: tuple[str, ...], output: "Tensor") -> "Tensor":
    """A class, of the second axis, for each place of `output`; or numbers of its shape."""
    import torch

    draw = torch.Generator().manual_seed(1)
    if "classification" in tasks:
        batch, classes, *places = output.unsqueeze(-1).shape if output.ndim == 1 else output.shape
        return torch.randint(classes, (batch, *places), generator=draw)
    return torch.randn(output.shape, generator=draw, dtype=torch.float64)


def _document(traced: "Backpropagation") -> dict[str, Any]:
    quantities = [each for result in traced.results for each in (result, *result.parameters)]
    return {
        "loss": traced.loss,
        "difference": traced.difference,
        "quantities": [_entry(each) for each in quantities],
    }


def _entry(each: "Quantity") -> dict[str, Any]:
    error = {} if each.error is None else {"error_norm": float(each.error.norm())}
    return {
        "symbol": each.symbol,
        "place": each.place,
        "shape": list(each.value.shape),
        "equation": each.equation,
        "norm": float(each.value.norm()),
        "error_equation": each.error_equation,
    } | error
