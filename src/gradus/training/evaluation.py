"""A model's outputs and loss on a split, without changing anything about it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from gradus.core.spec import Task
from gradus.data.batching import Loader
from gradus.training.metrics import metrics
from gradus.training.objective import output_of


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


def evaluate(
    model: nn.Module,
    criterion: Callable[[Tensor, Tensor], Tensor],
    loader: Loader,
    task: Task,
    restore: Callable[[Tensor], Tensor] = lambda values: values,
) -> dict[str, float]:
    """`loss`, the mean over the split's examples, and the task's metrics, for which `restore` undoes scaling."""
    outputs, targets, total = [], [], 0.0
    with evaluating(model, *([criterion] if isinstance(criterion, nn.Module) else [])):
        for batch in loader.batches(epoch=0):
            output = output_of(model(*batch.inputs))
            total += float(criterion(output, batch.target)) * len(batch)
            outputs.append(output)
            targets.append(batch.target)
    scores = metrics(task, restore(torch.cat(outputs)), restore(torch.cat(targets)))
    return {"loss": total / loader.examples, **scores}
