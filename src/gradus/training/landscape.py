"""What the loss is like around the weights that a run came to, on examples it was not trained on where it has some."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gradus.analysis.loss_slice import filter_normalized, slice_loss, towards
from gradus.core.errors import InputError
from gradus.training.evaluation import EVALUATION_BATCH, evaluating
from gradus.training.objective import output_of
from gradus.training.prepare import data_fingerprint, load_data, prepare, resolve
from gradus.training.run import Run


@dataclass(frozen=True)
class Landscape:
    """A slice of a run's loss.

    Attributes:
        split: whose examples it is over.
        examples: how many those are.
        offsets: of the points along each direction. 0 is the run; along random directions 1 is as far away as the
            weights are long, towards another run it is that run.
        losses: (points,) along a line, (points, points) over a plane.
        other: whether the line leads to another run.
    """

    split: str
    examples: int
    offsets: tuple[float, ...]
    losses: Tensor
    other: bool

    @property
    def here(self) -> float:
        """The loss of the run itself."""
        return float(self.losses[(self.offsets.index(0.0),) * self.losses.dim()])

    @property
    def barrier(self) -> float:
        """How far the loss rises above the straight line between both ends; 0 if it nowhere does."""
        line = self.losses[0] + (self.losses[-1] - self.losses[0]) * torch.tensor(self.offsets, dtype=self.losses.dtype)
        return float((self.losses - line).max())

    def to_json(self) -> dict[str, Any]:
        document = {
            "split": self.split,
            "examples": self.examples,
            "offsets": list(self.offsets),
            "losses": self.losses.tolist(),
            "here": self.here,
            "lowest": float(self.losses.min()),
            "highest": float(self.losses.max()),
        }
        return document | ({"barrier": self.barrier} if self.other else {})


def landscape(
    run: Run,
    *,
    across: int = 2,
    points: int = 25,
    reach: float = 1.0,
    to: Run | None = None,
    examples: int = 1000,
    seed: int = 0,
    trust: bool = False,
) -> Landscape:
    """Slice the loss of a finished run, as its criterion has it and in evaluation mode.

    Args:
        across: along how many random directions, 1 or 2; each is filter-normalised.
        points: along each direction; odd, so that the run itself is one of them.
        reach: the farthest offset.
        to: another run of the same network; then along the line between both, from 0 to 1.
        examples: at most so many, the first of the validation split; of the training split if there is no other.
        seed: of the directions.
        trust: allow code of the user's own that the run names to be executed.
    Raises:
        InputError: if a run has no weights, is an ensemble or holds code that is not trusted; if its data have changed,
            or the networks differ.
    """
    if points % 2 == 0:
        raise InputError("landscape", "the number of points must be odd, so that the run itself is one of them", points)
    if not reach > 0:
        raise InputError("landscape", "the farthest offset must be above 0", reach)
    model = run.model(trust=trust)
    recipe = resolve(run.trusted_recipe(trust=trust))
    raw = load_data(recipe.data)
    if data_fingerprint(raw) != run.data_fingerprint:
        raise InputError(f"run {run.path}", "its data have changed since it began")
    prepared = prepare(recipe, raw, run.preprocessing, loaded=True)
    model.to(prepared.device)
    split, loader = next(
        ((name, each) for name, each in prepared.evaluation.items() if name == "validation"), ("train", prepared.loader)
    )
    batch = loader.sample(min(examples, loader.examples))
    pieces = batch.split(-(-len(batch) // EVALUATION_BATCH))

    def loss() -> Tensor:
        losses = [prepared.criterion(output_of(model(*each.inputs)), each.target) * len(each) for each in pieces]
        return torch.stack(losses).sum() / len(batch)

    if to is None:
        directions = filter_normalized(model, across, seed=seed)
        offsets = tuple(reach * (2 * place / (points - 1) - 1) for place in range(points))
    else:
        directions = [towards(model, to.model(trust=trust).state_dict())]
        offsets = tuple(place / (points - 1) for place in range(points))
    with evaluating(*(each for each in (model, prepared.criterion) if isinstance(each, torch.nn.Module))):
        losses = slice_loss(model, loss, directions, offsets)
    return Landscape(split, len(batch), offsets, losses, other=to is not None)
