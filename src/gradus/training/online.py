"""Learning from a stream that does not end: one update a step, and no more memory after a year than after a minute."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from gradus.core.errors import InputError
from gradus.nn.rtrl import rtrl


def learn_online(
    cell: nn.Module,
    readout: nn.Module,
    stream: Iterable[tuple[Tensor, Tensor]],
    criterion: Callable[[Tensor, Tensor], Tensor],
    optimizer: Optimizer,
    *,
    method: str = "snap1",
    every: int = 1,
    **options: Any,
) -> Iterator[Tensor]:
    """Learn as the stream comes, and yield the loss of every step, before its update.

        for loss in learn_online(cell, readout, stream, cross_entropy, optimizer, method="snap1"):
            ...

    Nothing happens until the losses are asked for, and one may stop asking at any step. Memory does not depend on how
    many steps there were: nothing of the past is kept but what the method carries on.

    Args:
        cell: as `rtrl` takes it.
        readout: h (N, H) to what `criterion` takes; learns by autograd.
        stream: of every step the inputs (N, F) and the target.
        optimizer: of the parameters of both; it steps once every `every` steps. What is frozen stays as it is.
        method, options: as `rtrl` takes them. With "block" and `every` its length, the update costs least.
        every: steps whose gradients are summed for an update.
    Raises:
        InputError: as `rtrl`; or if `every` is less than 1.
    """
    if every < 1:
        raise InputError("learn_online", "`every` must be 1 step or more", every)
    learner = rtrl(method, cell, **options)
    optimizer.zero_grad()
    for step, (x, target) in enumerate(stream, start=1):
        h = learner.step(x).requires_grad_()
        loss = criterion(readout(h), target)
        loss.backward()
        if h.grad is not None:  # a step may say nothing of h
            learner.credit(h.grad)
        if step % every == 0:
            for name, gradient in learner.gradients().items():
                parameter = cell.get_parameter(name)
                parameter.grad = gradient if parameter.requires_grad else None
            optimizer.step()
            optimizer.zero_grad()
        yield loss.detach()
