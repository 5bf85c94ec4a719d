"""The loops that gradus is measured against, written as one would by hand."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.tasks import Task

READ_LOSSES_EVERY = 100
Index = NDArray[np.int64]
Order = Callable[[int], Index]


def train_in_memory(
    task: Task,
    network: nn.Module,
    optimizer: Optimizer,
    epochs: int,
    order: Order,
    *,
    scheduler: LRScheduler | None = None,
    after_epoch: Callable[[], None] = lambda: None,
) -> list[float]:
    """The Trainer's twin: batches by index, and losses that are left alone for READ_LOSSES_EVERY steps.

    Args:
        order: the examples in the order of an epoch.
    Returns:
        Each epoch's mean loss.
    """
    means = []
    network.train()
    for epoch in range(epochs):
        examples = order(epoch)
        losses: list[float] = []
        unread: list[Tensor] = []
        for start in range(0, len(examples), task.batch_size):
            index = torch.from_numpy(examples[start : start + task.batch_size])
            x, y = task.inputs.index_select(0, index), task.target.index_select(0, index)
            optimizer.zero_grad()
            loss = task.criterion(network(x), y)
            loss.backward()
            unread.append(loss.detach())
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
            if len(unread) == READ_LOSSES_EVERY:
                losses += torch.stack(unread).tolist()
                unread = []
        if unread:
            losses += torch.stack(unread).tolist()
        means.append(_mean(losses, task))
        after_epoch()
    return means


def train_from_loader(
    task: Task,
    network: nn.Module,
    optimizer: Optimizer,
    epochs: int,
    *,
    after_epoch: Callable[[], None] = lambda: None,
) -> list[float]:
    """The loop of torch's tutorials over a standard DataLoader; losses are left alone until the epoch's end."""
    means = []
    loader = make_loader(task)
    network.train()
    for _ in range(epochs):
        unread: list[Tensor] = []
        for x, y in loader:
            optimizer.zero_grad()
            loss = task.criterion(network(x), y)
            loss.backward()
            optimizer.step()
            unread.append(loss.detach())
        means.append(_mean(torch.stack(unread).tolist(), task))
        after_epoch()
    return means


def make_loader(task: Task) -> "DataLoader[tuple[Tensor, ...]]":
    """torch's own batches: a TensorDataset, shuffled, read in this process, which is fastest for tensors in memory."""
    return DataLoader(TensorDataset(task.inputs, task.target), batch_size=task.batch_size, shuffle=True)


def shuffled(task: Task) -> Order:
    """A new order every epoch, drawn by NumPy."""
    return lambda epoch: np.random.default_rng(epoch).permutation(len(task.target))


def _mean(losses: Iterable[float], task: Task) -> float:
    """Over the examples; the last batch may be smaller."""
    rest = len(task.target) - (task.steps - 1) * task.batch_size
    *others, last = losses
    return (sum(others) * task.batch_size + last * rest) / len(task.target)
