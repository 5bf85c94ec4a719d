"""The loops that are compared: by hand, and gradus. Each trains in place the network it is given."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from torch import nn
from torch.nn import functional

import gradus
from benchmarks import ours, twin
from benchmarks.measure import Mark
from benchmarks.tasks import Task
from gradus.data.arrays import from_arrays
from gradus.training.interruption import Interruption
from gradus.training.recipe import Data, Model, Part, Recipe, Training
from gradus.training.recorder import Checkpointer, Recorder
from gradus.training.store import RunStore


@dataclass(frozen=True)
class Loop:
    """One row of a table.

    Attributes:
        train: trains a network on a task for so many epochs and calls the mark after each.
        note: what to know for a fair reading.
        package: what must be importable for it.
        distribution: whose version tells the package's.
    """

    name: str
    train: Callable[[Task, nn.Module, int, Mark], object]
    note: str = ""
    package: str = "torch"
    distribution: str = "torch"

    @property
    def version(self) -> str | None:
        """None where the package is absent."""
        return version(self.distribution) if find_spec(self.package) else None


def by_hand(task: Task, network: nn.Module, epochs: int, mark: Mark) -> None:
    """The twin."""
    optimizer, order = task.optimizer(network), twin.shuffled(task)
    twin.train_in_memory(task, network, optimizer, epochs, order, after_epoch=mark)


def from_loader(task: Task, network: nn.Module, epochs: int, mark: Mark) -> None:
    """A standard DataLoader, and the optimizer that all rows have."""
    twin.train_from_loader(task, network, task.optimizer(network), epochs, after_epoch=mark)


def from_loader_plainly(task: Task, network: nn.Module, epochs: int, mark: Mark) -> None:
    """A standard DataLoader, and AdamW as torch makes it when asked for nothing."""
    optimizer = task.optimizer(network, fused=None)
    twin.train_from_loader(task, network, optimizer, epochs, after_epoch=mark)


def trainer(task: Task, network: nn.Module, epochs: int, mark: Mark) -> None:
    """The Trainer alone."""
    ours.make_trainer(task, network, task.optimizer(network), epochs, callbacks=[ours.AfterEpoch(mark)]).fit()


def trainer_with_callbacks(task: Task, network: nn.Module, epochs: int, mark: Mark) -> None:
    """The Trainer with the callbacks that make a run folder."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        RunStore(Path(scratch, "run.sqlite"), from_step=0) as store,
        Interruption() as interruption,
    ):
        checkpointer = Checkpointer(Path(scratch, "checkpoints"), store, None)
        callbacks = [ours.AfterEpoch(mark), Recorder(store), checkpointer, interruption]
        ours.make_trainer(task, network, task.optimizer(network), epochs, callbacks=callbacks).fit()


def train_with_folder(task: Task, network: nn.Module, epochs: int, mark: Mark) -> None:
    """`gradus.train` itself, the network's architecture given as a user gives one; its first weights are its own."""
    if task.criterion is not functional.cross_entropy:
        raise ValueError(f"the recipe below names cross-entropy, and {task.name} has another criterion")
    source = Path(task.make.__code__.co_filename)
    recipe = Recipe(
        data=Data(name="arrays", validation=0.0, test=0.0, preprocess="none"),
        model=Model(module=f"{source}:{task.make.__name__}"),
        criterion=Part(name="cross_entropy"),
        optimizer=Part.model_validate({"name": "adamw", "lr": task.lr}),
        training=Training(epochs=epochs, batch_size=task.batch_size, device="cpu"),
    )
    data = from_arrays(task.inputs.numpy(), task.target.numpy())
    with tempfile.TemporaryDirectory() as scratch:
        run = gradus.train(recipe, run=Path(scratch, "run"), data=data, callbacks=[ours.AfterEpoch(mark)])
        network.load_state_dict(run.model(trust=True).state_dict())


BY_HAND = Loop("by hand, in memory", by_hand, "the twin of (b): batches by index, fused AdamW, losses read every 100")
AGAIN = Loop("by hand, in memory, again", by_hand, "A/A control: what differs from the row above is noise")
FROM_LOADER = Loop("by hand, DataLoader", from_loader, "TensorDataset, shuffled, no workers; fused AdamW")
PLAINLY = Loop("by hand, DataLoader, default AdamW", from_loader_plainly, "the row above without fused=True")
TRAINER = Loop("gradus Trainer", trainer, "batches by index; each step seeds torch's generator")
WITH_CALLBACKS = Loop("gradus Trainer, callbacks of gradus.train", trainer_with_callbacks)
WITH_FOLDER = Loop("gradus.train", train_with_folder, "with curves, checkpoints and signals; first weights of its own")
