"""Small training programs, faulty and healthy, each to be run by a plain loop and by every framework."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, Dataset

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Program:
    """What to train, on what, for how long; `cause` is what is wrong with it, "" where nothing is.

    Data come in the order in which they are: every framework's loop makes the same steps.
    """

    name: str
    cause: str
    network: Callable[[], nn.Module]
    data: Callable[[], tuple[Tensor, Tensor]]
    optimizer: Callable[[nn.Module], Optimizer]
    loss: Loss = field(default_factory=nn.CrossEntropyLoss)
    epochs: int = 6
    validation: int = 128
    batch: int = 32

    def model(self) -> "Model":
        torch.manual_seed(0)
        return Model(self.network(), self.loss)

    def loaders(self) -> tuple[DataLoader[dict[str, Tensor]], DataLoader[dict[str, Tensor]]]:
        train, held_out = self.datasets()
        return DataLoader(train, self.batch), DataLoader(held_out, self.batch)

    def datasets(self) -> tuple["Examples", "Examples"]:
        x, y = self.data()
        return Examples(x[self.validation :], y[self.validation :]), Examples(
            x[: self.validation], y[: self.validation]
        )


class Model(nn.Module):
    """A network that computes its own loss, as Transformers wants it; the other loops call `net`."""

    def __init__(self, net: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.net, self.loss = net, loss

    def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        logits = self.net(x)
        return {"loss": self.loss(logits, labels), "logits": logits}


class Examples(Dataset[dict[str, Tensor]]):
    def __init__(self, x: Tensor, labels: Tensor) -> None:
        self.x, self.labels = x, labels

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"x": self.x[index], "labels": self.labels[index]}


def blobs(examples: int = 640, spread: float = 2.0, scale: float = 1.0, noise: float = 0.0) -> tuple[Tensor, Tensor]:
    """Four classes of points (N, 20)."""
    draw = torch.Generator().manual_seed(0)
    centers = 2 * torch.randn(4, 20, generator=draw)
    y = torch.randint(4, (examples,), generator=draw)
    x = centers[y] + spread * torch.randn(examples, 20, generator=draw)
    wrong = torch.rand(examples, generator=draw) < noise
    y = torch.where(wrong, torch.randint(4, (examples,), generator=draw), y)
    return x * scale, y


def line() -> tuple[Tensor, Tensor]:
    """A noisy function of eight numbers, (N, 8) to (N, 1)."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(640, 8, generator=draw)
    y = x[:, :1] * x[:, 1:2] + x[:, 2:3].sin() + 0.1 * torch.randn(640, 1, generator=draw)
    return x, y


def signs() -> tuple[Tensor, Tensor]:
    """Two classes which no plane separates: the sign of a product."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(1024, 6, generator=draw)
    return x, (x[:, 0] * x[:, 1] > 0).long()


def _two_layers() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))


def _dead() -> nn.Module:
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
    nn.init.constant_(net[2].bias, -30.0)  # type: ignore[arg-type]
    return net


class _AlwaysEvaluating(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 4)
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        self.eval()
        out: Tensor = self.layers(x)
        return out


def _sgd(lr: float, momentum: float = 0.0) -> Callable[[nn.Module], Optimizer]:
    return lambda model: torch.optim.SGD(model.parameters(), lr, momentum=momentum)


def _adam(lr: float) -> Callable[[nn.Module], Optimizer]:
    return lambda model: torch.optim.Adam(model.parameters(), lr)


def _softmax_twice() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4), nn.Softmax(dim=1))


def _linear() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 32), nn.Linear(32, 32), nn.Linear(32, 2))


def _wide() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 4))


FAULTS = [
    Program("rate too high", "learning-rate-too-high", _two_layers, blobs, _sgd(5.0)),
    Program("rate too low", "learning-rate-too-low", _two_layers, blobs, _sgd(1e-6)),
    Program("softmax twice", "softmax-twice", _softmax_twice, blobs, _adam(1e-3)),
    Program("no activation", "missing-nonlinearity", _linear, signs, _adam(1e-3)),
    Program("dead units", "dead-units", _dead, blobs, _sgd(0.05)),
    Program("unscaled inputs", "unscaled-inputs", _two_layers, lambda: blobs(scale=1000.0), _adam(1e-3)),
    Program("evaluation mode", "training-in-eval-mode", _AlwaysEvaluating, blobs, _adam(1e-3)),
    Program(
        "overfitting", "overfitting", _wide, lambda: blobs(320, spread=4.0, noise=0.3), _adam(1e-3), epochs=40,
        validation=192,
    ),
]  # fmt: skip
HEALTHY = [
    Program("classes", "", _two_layers, blobs, _adam(3e-3), epochs=8),
    Program(
        "values", "", lambda: nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 1)), line, _adam(5e-3),
        nn.MSELoss(), epochs=12,
    ),
]  # fmt: skip
