"""The Trainer as the benchmarks build it: in memory, and nothing but training."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from benchmarks.tasks import Task
from gradus.data.batching import Loader, ResidentStore
from gradus.data.preprocessing import Preprocessing
from gradus.data.raw import Examples
from gradus.data.splits import Split
from gradus.training.callbacks import Callback
from gradus.training.objective import Supervised
from gradus.training.recipe import Training
from gradus.training.trainer import Trainer


class AfterEpoch(Callback):
    """Calls a function after every epoch."""

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function

    def epoch_ended(self, trainer: Trainer, values: dict[str, float]) -> None:
        self._function()


def make_loader(task: Task) -> Loader:
    """All of the task's examples, in memory, in a new order every epoch."""
    examples = Examples((task.inputs.numpy(),), task.target.numpy())
    index = np.arange(len(examples), dtype=np.int64)
    store = ResidentStore(examples, Preprocessing.none(), torch.device("cpu"))
    return Loader(Split(examples, index), store, batch_size=task.batch_size, shuffle=True)


def make_trainer(
    task: Task,
    network: nn.Module,
    optimizer: Optimizer,
    epochs: int,
    *,
    scheduler: LRScheduler | None = None,
    callbacks: Sequence[Callback] = (),
) -> Trainer:
    """The Trainer alone: no run folder, no evaluation."""
    objective = Supervised(network, task.criterion, optimizer, scheduler=scheduler)
    return Trainer(objective, make_loader(task), Training(epochs=epochs), callbacks=callbacks)
