"""Networks in training, with all that can hang on them."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import LinearLR, LRScheduler, SequentialLR, StepLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gradus.diagnosis.treatments.treat import Patient, Treatment, treat

BATCH = 64


@cache
def digits() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training inputs and classes, then those held out: every third."""
    x, y = load_digits(return_X_y=True)
    inputs = torch.tensor((x - x.mean()) / x.std(), dtype=torch.float32)
    classes = torch.tensor(y)
    held_out = torch.arange(len(y)) % 3 == 0
    return inputs[~held_out], classes[~held_out], inputs[held_out], classes[held_out]


class Training:
    """A patient and its loop: `train` takes so many steps on digits, batches in an order of its own."""

    def __init__(
        self,
        model: nn.Module,
        make: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
        *,
        groups: Callable[[nn.Module], Any] = lambda model: model.parameters(),
        schedule: Callable[[torch.optim.Optimizer], LRScheduler] | None = None,
        average: bool = False,
        seed: int = 0,
        **options: Any,
    ) -> None:
        optimizer = make(groups(model), **options)
        averages = [AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))] if average else []
        self.batches = self._batches(seed)
        self.patient = Patient(
            model,
            optimizer,
            schedulers=[schedule(optimizer)] if schedule else [],
            averages=averages,
            example=digits()[0][:256],
            closure=self.closure,
        )

    def _batches(self, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        inputs, classes = digits()[:2]
        generator = torch.Generator().manual_seed(seed)
        while True:
            for rows in torch.randperm(len(inputs), generator=generator).split(BATCH):
                if len(rows) == BATCH:
                    yield inputs[rows], classes[rows]

    def closure(self) -> Tensor:
        inputs, classes = next(self.batches)
        self.patient.optimizers[0].zero_grad()
        loss = cross_entropy(self.patient.model(inputs), classes)
        loss.backward()
        return loss

    def train(self, steps: int) -> None:
        self.patient.model.train()
        for _ in range(steps):
            self.closure()
            for optimizer in self.patient.optimizers:
                optimizer.step()
            for scheduler in self.patient.schedulers:
                scheduler.step()
            for average in self.patient.averages:
                average.update_parameters(self.patient.model)

    def treat(self, remedy: str, **options: Any) -> Treatment:
        return treat(self.patient, remedy, **options)

    def accuracy(self) -> float:
        self.patient.model.eval()
        _, _, inputs, classes = digits()
        with torch.no_grad():
            return float((self.patient.model(inputs).argmax(1) == classes).float().mean())


def stack(
    activation: Callable[[], nn.Module] = nn.ReLU,
    depth: int = 3,
    *,
    width: int = 64,
    deviation: float | None = None,
    bias: float | None = None,
) -> nn.Sequential:
    """Linear layers with an activation after each but the last; weights of a deviation, biases of a value."""
    layers: list[nn.Module] = []
    for number in range(depth):
        linear = nn.Linear(64 if number == 0 else width, width)
        if deviation is not None:
            nn.init.normal_(linear.weight, 0.0, deviation)
        if bias is not None:
            nn.init.constant_(linear.bias, bias)
        layers += [linear, activation()]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def two_groups(model: nn.Module) -> list[dict[str, Any]]:
    """Matrices with weight decay, vectors without and at twice the rate."""
    parameters = list(model.parameters())
    return [
        {"params": [each for each in parameters if each.dim() > 1], "weight_decay": 0.1, "lr": 1e-3},
        {"params": [each for each in parameters if each.dim() == 1], "weight_decay": 0.0, "lr": 2e-3},
    ]


def warming_up(optimizer: torch.optim.Optimizer) -> LRScheduler:
    """A schedule within a schedule: up for five steps, then a tenth every ten."""
    parts: list[LRScheduler] = [LinearLR(optimizer, 0.1, total_iters=5), StepLR(optimizer, 10)]
    return SequentialLR(optimizer, parts, milestones=[5])
