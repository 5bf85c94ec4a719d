"""The doctor in Hugging Face's Trainer: ``Trainer(..., callbacks=[GradusCallback()])``."""

from collections.abc import Mapping
from typing import Any

from gradus.integrations.accelerate import unwrapped, unwrapped_optimizer
from gradus.integrations.attending import Attending
from gradus.integrations.extras import missing
from gradus.integrations.scores import accuracy_in, loss_in

try:
    from transformers import TrainerCallback
except ImportError as error:
    raise missing("transformers", "integrations") from error


class GradusCallback(Attending, TrainerCallback):
    """Watches what the Trainer trains, from the first step to the last; weights come out as without it.

    Findings are said by the first process, on stderr. Of evaluations it takes ``eval_loss`` and ``eval_accuracy``
    where it could not see how these came about.

    Example:
        >>> callback = GradusCallback(fail_on="critical")  # Trainer(..., callbacks=[callback]).train()
        >>> callback.findings
        []
    """

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        model = unwrapped(kwargs["model"])
        optimizer = kwargs.get("optimizer")
        optimizers = [] if optimizer is None else [unwrapped_optimizer(optimizer)]
        self._begin({type(model).__name__: model}, optimizers, speaks=state.is_world_process_zero)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._check()

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        metrics: Mapping[str, Any] = kwargs.get("metrics") or {}
        values = {name: float(each) for name, each in metrics.items() if isinstance(each, int | float)}
        if self.watch is not None:
            self.watch.probe.reported(loss_in(values, "eval"), accuracy_in(values, "eval"))

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._end()
        self._check()
