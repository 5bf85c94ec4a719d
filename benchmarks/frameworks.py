"""Other frameworks, each as its documentation has it: same first weights, data, batch size, criterion, epochs.

Every function trains in place the network it is given and calls `mark` after each epoch, by the framework's own hook.
None shows progress, logs, validates or saves. Frameworks are imported by name, because none is needed to run the rest.
"""

import logging
import os
import warnings
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.loops import Loop
from benchmarks.measure import Mark
from benchmarks.tasks import Task
from benchmarks.twin import make_loader


def lightning(task: Task, network: nn.Module, epochs: int, mark: Mark, **options: Any) -> None:
    """https://lightning.ai/docs/pytorch/stable/starter/introduction.html."""
    pytorch: Any = import_module("lightning.pytorch")

    class Module(pytorch.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
            x, y = batch
            return task.criterion(self.network(x), y)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return task.optimizer(self.network)

        def on_train_epoch_end(self) -> None:
            mark()

    options = options or {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    trainer = pytorch.Trainer(max_epochs=epochs, accelerator="cpu", devices=1, **options)
    trainer.fit(Module(), make_loader(task))


def lightning_barebones(task: Task, network: nn.Module, epochs: int, mark: Mark) -> None:
    """https://lightning.ai/docs/pytorch/stable/common/trainer.html#barebones."""
    lightning(task, network, epochs, mark, barebones=True)


def accelerate(task: Task, network: nn.Module, epochs: int, mark: Mark) -> None:
    """https://huggingface.co/docs/accelerate/quicktour."""
    accelerator = import_module("accelerate").Accelerator(cpu=True)
    model, optimizer, loader = accelerator.prepare(network, task.optimizer(network), make_loader(task))
    model.train()
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            loss = task.criterion(model(x), y)
            accelerator.backward(loss)
            optimizer.step()
        mark()


def ignite(task: Task, network: nn.Module, epochs: int, mark: Mark) -> None:
    """https://docs.pytorch.org/ignite/master/quickstart.html."""
    engine: Any = import_module("ignite.engine")
    trainer = engine.create_supervised_trainer(network, task.optimizer(network), task.criterion, device="cpu")
    trainer.add_event_handler(engine.Events.EPOCH_COMPLETED, lambda _: mark())
    trainer.run(make_loader(task), max_epochs=epochs)


def skorch(task: Task, network: nn.Module, epochs: int, mark: Mark) -> None:
    """https://skorch.readthedocs.io/en/stable/user/quickstart.html."""
    package: Any = import_module("skorch")

    class Classifier(package.NeuralNetClassifier):  # type: ignore[misc]
        def on_epoch_end(self, *args: Any, **options: Any) -> None:
            super().on_epoch_end(*args, **options)
            mark()

    classifier = Classifier(
        network,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        optimizer__fused=True,
        lr=task.lr,
        max_epochs=epochs,
        batch_size=task.batch_size,
        iterator_train__shuffle=True,
        train_split=None,
        callbacks__print_log=None,
        verbose=0,
    )
    classifier.fit(task.inputs.numpy(), task.target.numpy())


def keras(task: Task, network: nn.Module, epochs: int, mark: Mark) -> None:
    """https://keras.io/guides/sequential_model/ on KERAS_BACKEND=torch."""
    os.environ["KERAS_BACKEND"] = "torch"
    package: Any = import_module("keras")
    if package.backend.backend() != "torch":
        raise RuntimeError("keras was imported before with another backend")

    class AfterEpoch(package.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            mark()

    with package.device("cpu"):
        model, pairs = _as_keras(package, network, tuple(task.inputs.shape[1:]))
        torch.testing.assert_close(model(task.inputs[:8]), network(task.inputs[:8]))
        model.compile(
            optimizer=package.optimizers.AdamW(task.lr, weight_decay=0.01),
            loss=package.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        x, y = task.inputs.numpy(), task.target.numpy()
        model.fit(x, y, batch_size=task.batch_size, epochs=epochs, verbose=0, callbacks=[AfterEpoch()])
    for layer, original in pairs:
        kernel, bias = (torch.from_numpy(each) for each in layer.get_weights())
        weight = kernel.T if isinstance(original, nn.Linear) else kernel.permute(3, 2, 0, 1)
        original.load_state_dict({"weight": weight, "bias": bias})


def _as_keras(package: Any, network: nn.Module, shape: tuple[int, ...]) -> tuple[Any, list[tuple[Any, nn.Module]]]:
    """The network in Keras's layers, with its weights, and which layer stands for which."""
    layers: Any = package.layers
    # torch's own order of axes, for which the backend need not move any. Flatten keeps its default: it moves them then.
    channels_first = {"data_format": "channels_first"}
    model = package.Sequential([package.Input(shape)])
    pairs: list[tuple[Any, nn.Module]] = []
    parts = list(network.children())
    for each, following in zip(parts, [*parts[1:], None], strict=True):
        activation = "relu" if isinstance(following, nn.ReLU) else None
        match each:
            case nn.Linear():
                layer = layers.Dense(each.out_features, activation=activation)
            case nn.Conv2d():
                layer = layers.Conv2D(each.out_channels, each.kernel_size, activation=activation, **channels_first)
            case nn.MaxPool2d():
                layer = layers.MaxPooling2D(each.kernel_size, **channels_first)
            case nn.Flatten():
                layer = layers.Flatten()
            case nn.ReLU():  # part of the layer before it
                continue
            case _:
                raise TypeError(f"no Keras layer is known for {each}")
        model.add(layer)
        if isinstance(each, nn.Linear | nn.Conv2d):
            state = each.state_dict()
            kernel = state["weight"].T if isinstance(each, nn.Linear) else state["weight"].permute(2, 3, 1, 0)
            layer.set_weights([kernel.numpy(), state["bias"].numpy()])
            pairs.append((layer, each))
    return model, pairs


FRAMEWORKS = (
    Loop("Lightning", lightning, "logger, bar, summary and checkpoints off", "lightning", "lightning"),
    Loop("Lightning, barebones", lightning_barebones, "its mode for measuring its own cost", "lightning", "lightning"),
    Loop("Accelerate", accelerate, "prepare() and backward() in a loop by hand", "accelerate", "accelerate"),
    Loop("ignite", ignite, "create_supervised_trainer, which reads every loss", "ignite", "pytorch-ignite"),
    Loop("skorch", skorch, "NeuralNetClassifier, which reads and keeps every loss", "skorch", "skorch"),
    Loop("Keras on torch", keras, "layers, AdamW and batching of its own, and a running loss", "keras", "keras"),
)


def quiet() -> None:
    """Silence what the frameworks say of this machine, such as that workers or a GPU would help."""
    for name in ("lightning", "torch", "accelerate", "ignite"):
        warnings.filterwarnings("ignore", module=rf"{name}(\.|$)")
