"""What looks on while the Trainer works."""

import math
from typing import TYPE_CHECKING, Any

from torch import Tensor

if TYPE_CHECKING:
    from gradus.training.trainer import Trainer


class Callback:
    """Told after every step and every epoch. One with a `name` has a state that is saved under it."""

    name = ""

    def step_ended(self, trainer: "Trainer") -> None:
        """A step is over."""

    def epoch_ended(self, trainer: "Trainer", values: dict[str, float]) -> None:
        """An epoch is over, and came to `values`."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


class KeepBest(Callback):
    """Remembers the weights of the best evaluation, and stops when there has been none better for long.

    A value that rises with quality (accuracy, f1, r2) is maximized, any other minimized. An evaluation that is not
    finite is never the best.

    Args:
        monitor: the value watched.
        patience: evaluations without improvement after which training stops; None for never.
        min_delta: what counts as improvement.
    Source: Prechelt (1998), Early stopping - but when?
    """

    name = "keep_best"

    def __init__(
        self, monitor: str = "validation_loss", *, patience: int | None = None, min_delta: float = 0.0
    ) -> None:
        self.monitor = monitor
        self.best: float | None = None
        self.best_epoch = 0
        self.weights: dict[str, dict[str, Tensor]] = {}
        self._patience, self._min_delta = patience, min_delta
        self._sign = -1.0 if monitor.endswith(("accuracy", "f1", "r2")) else 1.0
        self._waited = 0

    def epoch_ended(self, trainer: "Trainer", values: dict[str, float]) -> None:
        value = values.get(self.monitor)
        if value is None:  # this epoch was not evaluated
            return
        if self._better(value):
            self.best, self.best_epoch, self._waited = value, trainer.epoch, 0
            self.weights = {
                name: {key: each.detach().clone() for key, each in module.state_dict().items()}
                for name, module in trainer.networks().items()
            }
            return
        self._waited += 1
        if self._patience is not None and self._waited >= self._patience:
            trainer.stop("early stopping")

    def restore(self, trainer: "Trainer") -> None:
        """Give the networks their best weights back."""
        networks = trainer.networks()
        for name, weights in self.weights.items():
            networks[name].load_state_dict(weights)

    def _better(self, value: float) -> bool:
        if not math.isfinite(value):
            return False
        return self.best is None or self._sign * (self.best - value) > self._min_delta

    def state_dict(self) -> dict[str, Any]:
        return {
            "best": self.best,
            "best_epoch": self.best_epoch,
            "waited": self._waited,
            "weights": self.weights,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best, self.best_epoch, self._waited = state["best"], state["best_epoch"], state["waited"]
        self.weights = state["weights"]
