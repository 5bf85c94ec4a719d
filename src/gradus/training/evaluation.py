"""A model's outputs and loss on a split, without changing anything about it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gradus.core.spec import Task
from gradus.data.batching import Loader
from gradus.training.metrics import metrics
from gradus.training.objective import output_of

EVALUATION_BATCH = 256


@contextmanager
def evaluating(*modules: nn.Module) -> Iterator[None]:
    """Evaluation mode and no gradients inside; every submodule's own mode back afterwards."""
    modes = [(each, each.training) for module in modules for each in module.modules()]
    for module in modules:
        module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for each, mode in modes:
            each.training = mode


@dataclass(frozen=True)
class Outputs:
    """What a model says of a split.

    Attributes:
        output: logits (N, C) or (N, T, C), or values (N, K) as the model gives them.
        target: (N,) or (N, T) classes, or (N, K) values as the model learns them.
        index: (N,) the examples' numbers.
        loss: mean over the examples.
    """

    output: Tensor
    target: Tensor
    index: Tensor
    loss: float

    def scores(self, task: Task, restore: Callable[[Tensor], Tensor], *, pooled: bool = False) -> dict[str, float]:
        """`loss` and the task's metrics, for which `restore` undoes the scaling of values."""
        return {"loss": self.loss, **metrics(task, restore(self.output), restore(self.target), pooled=pooled)}


def collect(model: nn.Module, criterion: Callable[[Tensor, Tensor], Tensor], loader: Loader) -> Outputs:
    """One pass over a split."""
    kept: tuple[Tensor, ...] = ()
    start, total = 0, 0.0
    with evaluating(model, *([criterion] if isinstance(criterion, nn.Module) else [])):
        for batch in loader.batches(epoch=0):
            output = output_of(model(*batch.inputs))
            total += float(criterion(output, batch.target)) * len(batch)
            found = (output, batch.target, batch.index)
            # Filled in place: small tensors that outlive large batches lie between them, and their memory, a whole
            # streamed split's in the end, could not be used again.
            kept = kept or tuple(each.new_empty((loader.examples, *each.shape[1:])) for each in found)
            for whole, rows in zip(kept, found, strict=True):
                whole[start : start + len(batch)] = rows
            start += len(batch)
    output, target, index = kept
    return Outputs(output, target, index, total / loader.examples)
