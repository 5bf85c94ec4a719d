"""A network as the command line names it, and the inputs that it is given there."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from gradus.core.errors import GradusError, InputError

if TYPE_CHECKING:
    import torch
    from torch import nn

    from gradus.analysis.budget import Subject
    from gradus.core.spec import DataSpec

_INPUT = re.compile(r"((?P<name>\w+)=)?(?P<shape>[^:=]*)(:(?P<type>\w+))?")


@dataclass(frozen=True, slots=True)
class Given:
    """An input.

    Attributes:
        shape: without the batch axis.
        type: of its numbers; the usual one if empty.
        name: of the argument that it is for; the next one if empty.
    """

    shape: tuple[int, ...]
    type: str = ""
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``[NAME=]3,224,224[:TYPE]``; ``:TYPE`` alone is one number for each example."""
        match = _INPUT.fullmatch(text)
        try:
            sizes = match["shape"].replace("x", ",").split(",") if match else []
            shape = () if match and match["type"] and sizes == [""] else tuple(map(int, sizes))
        except ValueError:
            match, shape = None, ()
        if match is None or min(shape, default=1) < 1:
            raise InputError("--input", "must be whole numbers above 0, separated by commas", text)
        return cls(shape, match["type"] or "", match["name"] or "")


def subject(
    reference: str,
    given: Sequence[Given],
    batch: int,
    *,
    weights: bool = False,
    threads: int | None = None,
    run: bool = False,
) -> "Subject":
    """Inspect a network: a name of the catalogue, or ``file.py:callable``.

    Args:
        given: its inputs; if there are none, those it is usually given, as far as the catalogue knows.
        batch: how many examples; 0 where shapes are without a batch axis.
        weights: whether a network of the catalogue must have numbers, and not only shapes.
        threads: that times are for.
        run: whether to really run it where shapes do not tell what happens, on random numbers and zeros for tokens.
    """
    from gradus.analysis.budget import Subject
    from gradus.analysis.inspect import example, inspect

    network, usual = _network(reference, weights or run)
    if not given and not usual:
        raise InputError("--input", "must be given for a network of your own", repair="Such as --input 3,224,224.")
    inputs: list[Any] = []
    named: dict[str, Any] = {}
    for place, each in enumerate(given or usual):
        known = usual[place].type if place < len(usual) else ""
        shape = (batch, *each.shape) if batch else each.shape
        tensor = example(network, shape, _type(each.type or known))
        tensor = _drawn(tensor) if run else tensor
        if each.name:
            named[each.name] = tensor
        else:
            inputs.append(tensor)
    return Subject(inspect(network, *inputs, run=run, **named), network, inputs, named, threads)


def _drawn(example: "torch.Tensor") -> "torch.Tensor":
    """An input with numbers: standard normal ones, and zeros where they must be whole."""
    import torch

    if not example.is_floating_point():
        return torch.zeros(example.shape, dtype=example.dtype)
    return torch.randn(example.shape, generator=torch.Generator().manual_seed(0)).to(example.dtype)


def _network(reference: str, weights: bool) -> tuple["nn.Module", list[Given]]:
    """A network, and its usual inputs."""
    import torch

    if ":" in reference or reference.endswith(".py"):
        return _own(reference), []
    from gradus.models import models

    card = models.get(reference)
    usual = [Given(shape, name) for shape, name in zip(card.spec.inputs, card.spec.input_dtypes, strict=True)]
    with torch.device("cpu" if weights else "meta"), torch.random.fork_rng(devices=[]):
        return card.build(card.spec, **card.validate({})), usual


def network(reference: str, given: Given | None) -> tuple["nn.Module", "DataSpec | None"]:
    """A network with numbers for inputs of the shape `given`, and of one of the catalogue the data that it is for."""
    if ":" in reference or reference.endswith(".py"):
        return _own(reference), None
    from gradus.models import build, models

    card = models.get(reference)
    spec = card.spec if given is None else replace(card.spec, inputs=(given.shape,))
    return build(card, spec, {}), spec


def _own(reference: str) -> "nn.Module":
    from torch import nn

    from gradus.core.usercode import UserCode

    made = UserCode.parse(reference, Path.cwd(), "MODEL").load()
    if not isinstance(made, nn.Module):
        try:
            made = made()
        except GradusError:
            raise
        except (Exception, SystemExit) as error:
            repair = "It is called without arguments." if isinstance(error, TypeError) else ""
            raise InputError(reference, f"raises {type(error).__name__}: {error}", repair=repair) from error
    if not isinstance(made, nn.Module):
        raise InputError(reference, "must make a torch.nn.Module", type(made).__name__)
    return made


def _type(name: str) -> "torch.dtype | None":
    import torch

    found = getattr(torch, name, None) if name else None
    if name and not isinstance(found, torch.dtype):
        raise InputError("--input", "must be of a type that torch has, such as int64 or float32", name)
    return found
