"""The code of a trained network, such as an autoencoder, as the inputs of another run."""

from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.data.raw import RawData
from gradus.data.tables import TableEncoding
from gradus.training import folder
from gradus.training.checkpoint import write_atomically

if TYPE_CHECKING:
    from gradus.training.run import Run

_KEPT = (folder.ENVIRONMENT, folder.DATA, folder.WEIGHTS, folder.RECIPE)
"""What makes a run that can encode: not its curves or checkpoints."""


class RunEncoder:
    """`encode` of the network of a finished run, after that run's own preprocessing.

    It computes in float64 and rounds once: in float32 a matrix product rounds one way for a whole set and another for
    a batch of it, and examples kept in memory would not be the bits of those that are streamed.
    """

    def __init__(self, run: "Run") -> None:
        self.run = run

    @property
    def width(self) -> int:
        return int(self._encode(self.run.spec.example()).shape[1])

    @property
    def table(self) -> TableEncoding | None:
        return self.run.preprocessing.table

    def apply(self, rows: Sequence[NDArray[Any]]) -> Tensor:
        return self._encode(self.run.preprocessing.apply(rows)).float()

    def keep(self, place: Path) -> None:
        """Copy what it takes into a new folder at `place`, which is a run folder then."""
        folder.make(place)
        for name in _KEPT:
            content = (self.run.path / name).read_bytes()
            write_atomically(place / name, partial(Path.write_bytes, data=content))
        inner = self.run.preprocessing.encoder
        if isinstance(inner, RunEncoder):
            inner.keep(place / folder.ENCODER)

    @cached_property
    def _network(self) -> nn.Module:
        return self.run.model().double()

    def _encode(self, inputs: Sequence[Tensor]) -> Tensor:
        encode = getattr(self._network, "encode", None)
        if encode is None:
            name = self.run.recipe.model.label
            raise InputError(f"data.encoder {self.run.path}", "its network has no code", name, "Use an autoencoder's.")
        with torch.no_grad():
            code: Tensor = encode(*(each.double() for each in inputs))
        return code


def open_encoder(path: str, raw: RawData) -> RunEncoder:
    """The encoder of the run in `path`, for examples like `raw`.

    Raises:
        InputError: if that is no finished run, its network is the user's own code or has no code, or its examples were
            of another kind.
    """
    from gradus.training.run import load_run

    owner = f"data.encoder {path}"
    run = load_run(path)
    if run.recipe.model.module is not None:
        raise InputError(owner, "its network must be of the catalogue", run.recipe.model.module)
    known, given = run.raw_spec, raw.spec
    if (known.inputs, known.vocabulary) != (given.inputs, given.vocabulary):
        raise InputError(owner, f"was trained on examples of shape {known.inputs}", given.inputs)
    table = run.preprocessing.table
    if (table is not None) != raw.is_table or (table is not None and not _same_columns(table, raw)):
        raise InputError(
            owner, "was trained on other columns, or on categories listed in another order", repair="Train it anew."
        )
    encoder = RunEncoder(run)
    _ = encoder.width  # weights that are missing or unfit are told before anything is fitted
    return encoder


def _same_columns(table: TableEncoding, raw: RawData) -> bool:
    """Whether a name or code of the one table means the same in the other."""
    if [each.name for each in table.columns] != [each.name for each in raw.columns]:
        return False
    columns = {each.name: each for each in raw.columns}
    return all(
        code < len(columns[choice.name].categories) and columns[choice.name].categories[code] == value
        for choice in table.choices
        for code, value in zip(choice.codes, choice.values, strict=True)
        if code >= 0
    )
