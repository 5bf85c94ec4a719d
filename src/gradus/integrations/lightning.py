"""The doctor in Lightning's Trainer: ``Trainer(callbacks=[GradusCallback()])``."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from gradus.core.findings import Finding
from gradus.diagnosis.causes import Ranked
from gradus.diagnosis.doctor import told
from gradus.integrations.attending import Attending
from gradus.integrations.extras import missing
from gradus.integrations.scores import accuracy_in, loss_in

try:
    from lightning.pytorch.callbacks import Callback
except ImportError:
    try:
        from pytorch_lightning.callbacks import Callback  # type: ignore[assignment] # the same under another name
    except ImportError as error:
        raise missing("lightning", "integrations") from error


class GradusCallback(Attending, Callback):
    """Watches what the Trainer trains, from the first step to the last; weights come out as without it.

    Findings are said by the first process on stderr, and logged by the Trainer's loggers: the confidence of each as
    ``gradus/<symptom>``, and as text or tag where the logger has such. Automatic and manual optimization, several
    optimizers, accumulated gradients and validation all count as what they are.

    Example:
        >>> callback = GradusCallback(fail_on="critical")  # Trainer(callbacks=[callback]).fit(module, loader)
        >>> callback.findings
        []
    """

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        self._begin(
            {type(pl_module).__name__: pl_module},
            trainer.optimizers,
            speaks=trainer.is_global_zero,
            to=[_Loggers(trainer)] if trainer.loggers else (),
            # Hooks on all modules would be traced into what torch.compile makes.
            parts=getattr(pl_module, "_compiler_ctx", None) is None,
            wrapper=trainer.model if trainer.model is not pl_module else None,
        )

    def on_train_batch_end(self, *_: Any) -> None:
        self._check()

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        if self.watch is not None:  # WeightAveraging puts averages in place of what learns
            averages = any(hasattr(each, "_swap_models") and each._average_model for each in trainer.callbacks)
            self.watch.probe.evaluates_other_weights = averages

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        if self.watch is not None and not trainer.sanity_checking:
            values = _numbers(trainer.callback_metrics)
            self.watch.probe.reported(loss_in(values, "val"), accuracy_in(values, "val"))

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        self._end()
        self._check()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self._end()


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(each) for name, each in metrics.items() if not isinstance(each, Tensor) or each.numel() == 1}


class _Loggers:
    """A Trainer's loggers as a tracker of findings; signs they are not sent."""

    def __init__(self, trainer: Any) -> None:
        self._trainer = trainer

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Layer by layer is what `to` is for."""

    def finding(self, step: int, finding: Finding) -> None:
        step = self._trainer.global_step  # what the loggers count in
        for logger in self._trainer.loggers:
            logger.log_metrics({f"gradus/{finding.symptom}": finding.confidence}, step=step)
            _note(logger, f"gradus/{finding.symptom}", told(finding), step)

    def causes(self, step: int, causes: Sequence[Ranked]) -> None:
        for logger in self._trainer.loggers:
            if causes:
                _note(logger, "gradus/cause", causes[0].id, self._trainer.global_step)

    def close(self) -> None:
        """The Trainer closes its loggers."""


def _note(logger: Any, name: str, text: str, step: int) -> None:
    """Words, where a logger has a place for them."""
    experiment = logger.experiment
    if hasattr(experiment, "add_text"):  # TensorBoard
        experiment.add_text(name, text.replace("\n", "  \n"), step)
    elif hasattr(experiment, "set_tag") and hasattr(logger, "run_id"):  # MLflow
        experiment.set_tag(logger.run_id, name.replace("/", "."), text)
