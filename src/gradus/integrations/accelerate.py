"""The doctor beside Accelerate: `watch` for what ``Accelerator.prepare`` returned."""

from collections.abc import Sequence
from typing import Any

from torch import nn
from torch.optim import Optimizer

from gradus.diagnosis.tracking import Tracker
from gradus.diagnosis.watch import Watch
from gradus.diagnosis.watch import watch as watch_plain


def watch(
    model: nn.Module | Sequence[nn.Module],
    optimizer: Any = None,
    *,
    budget: float = 0.01,
    silence: Sequence[str] = (),
    quiet: bool = False,
    to: Sequence[Tracker] = (),
) -> Watch:
    """`gradus.watch`, for models and optimizers that Accelerate has wrapped; plain ones are taken as they are.

    Steps are those the optimizer really makes: within ``accelerator.accumulate`` gradients add up unremarked.

    Raises:
        InputError: as `gradus.watch` does.
    Example:
        >>> import torch
        >>> net = torch.nn.Linear(3, 1)
        >>> sgd = torch.optim.SGD(net.parameters(), lr=0.1)  # net, sgd = accelerator.prepare(net, sgd)
        >>> with watch(net, sgd, quiet=True) as doctor:
        ...     pass
        >>> doctor.findings
        []
    """
    models = [unwrapped(each) for each in ([model] if isinstance(model, nn.Module) else model)]
    several = optimizer if isinstance(optimizer, list | tuple) else [optimizer]
    optimizers = None if optimizer is None else [unwrapped_optimizer(each) for each in several]
    return watch_plain(models, optimizers, budget=budget, silence=silence, quiet=quiet, to=to)


def unwrapped(model: Any) -> Any:
    """The module within wrappers for several devices."""
    while isinstance(model, nn.parallel.DistributedDataParallel | nn.DataParallel):
        model = model.module
    return model


def unwrapped_optimizer(optimizer: Any) -> Optimizer:
    """The optimizer of torch that does the work: hooks on steps are called by it alone."""
    while isinstance(getattr(optimizer, "optimizer", None), Optimizer):
        optimizer = optimizer.optimizer
    return optimizer  # type: ignore[no-any-return] # if it is none, `gradus.watch` says so
