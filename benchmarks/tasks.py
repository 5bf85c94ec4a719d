"""What the benchmarks train: networks, their first weights, and data small enough to keep in memory."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, kw_only=True)
class Task:
    """A supervised task, the same for every loop that is compared.

    Attributes:
        make: builds the network; the first weights are those `network` draws.
        inputs: (N, ...) float32, ready for the network.
        target: (N,) int64 classes.
        criterion: (output, target) to the mean loss.
    """

    name: str
    make: Callable[[], nn.Module]
    inputs: Tensor
    target: Tensor
    criterion: Callable[[Tensor, Tensor], Tensor] = functional.cross_entropy
    batch_size: int = 64
    lr: float = 1e-3

    @property
    def steps(self) -> int:
        """Steps an epoch; the last batch may be smaller."""
        return -(-len(self.target) // self.batch_size)

    def network(self) -> nn.Module:
        """A network with the task's first weights."""
        torch.manual_seed(0)
        return self.make()

    def optimizer(self, network: nn.Module, *, fused: bool | None = True) -> torch.optim.Optimizer:
        return torch.optim.AdamW(network.parameters(), lr=self.lr, fused=fused)


class Scalar(nn.Module):
    """One parameter, which is also the output: a step of it is nearly nothing but the loop's own cost."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight


def null_task(steps: int = 100) -> Task:
    """A step that computes one product, and `steps` of them an epoch."""
    count = 64 * steps
    return Task(
        name="null model",
        make=Scalar,
        inputs=torch.zeros(count, 1),
        target=torch.zeros(count, dtype=torch.int64),
        criterion=lambda output, target: output * output,
    )


def mlp() -> nn.Module:
    """64-128-10, 9,610 parameters."""
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))


def digits_task() -> Task:
    """All of scikit-learn's handwritten digits, as a table of 64 values in [0, 1]."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    inputs = torch.from_numpy(bunch.data.astype(np.float32) / 16)
    return Task(name="digits MLP", make=mlp, inputs=inputs, target=torch.from_numpy(bunch.target.astype(np.int64)))


def cnn() -> nn.Module:
    """Two 3 x 3 convolutions 1-16-32, each with ReLU and pooling, and a linear layer; 12,810 parameters."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 5 * 5, 10),
    )


def image_task(count: int, folder: Path | None = None) -> Task:
    """28 x 28 images: the first `count` of the IDX files in `folder`, or invented ones, which take the same time."""
    if folder is None:
        generator = torch.Generator().manual_seed(0)
        inputs = torch.rand(count, 1, 28, 28, generator=generator)
        target = torch.randint(10, (count,), generator=generator)
    else:
        from gradus.data.sources import open_data

        examples = open_data(f"{folder}/", {}).train
        inputs = torch.from_numpy(examples.inputs[0][:count].astype(np.float32) / 255)
        target = torch.from_numpy(np.array(examples.target[:count]))
    return Task(name="28 x 28 CNN", make=cnn, inputs=inputs, target=target)
