"""A run of a recipe, sent to a tracker as it goes on."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from gradus.core.errors import InputError, nearest
from gradus.diagnosis.tracking import Sender, Tracker, scalars_of
from gradus.training.callbacks import Callback
from gradus.training.doctoring import Doctoring
from gradus.training.recorder import Recorder, non_finite

if TYPE_CHECKING:
    from gradus.training.run import Run
    from gradus.training.trainer import Trainer

_LOG = logging.getLogger("gradus")

KINDS = ("tensorboard", "mlflow")


class Tracking(Callback):
    """Sends curves, signs, findings and causes of a run to a tracker.

        with Tracking(make) as tracking:
            gradus.train("digits-lenet", callbacks=[tracking])

    Curves and signs come at the end of each epoch. Of an ensemble every member is tracked by itself.

    Args:
        make: gives the tracker for a run folder, such as ``lambda place: TensorBoard(place / "tensorboard")``.
    """

    def __init__(self, make: Callable[[Path], Tracker]) -> None:
        self._make = make
        self._trainer: Trainer | None = None
        self._doctor: Doctoring | None = None
        self._sender = Sender(())
        self._said: dict[str, Any] = {}
        self._examined = 0

    @classmethod
    def named(cls, kind: str) -> Self:
        """The tracking of ``gradus train --track``: event files in the run folder, or an MLflow run of its name.

        Raises:
            InputError: if there is no such kind, its library is not installed, or it has nowhere to write.
        """
        if kind == "tensorboard":
            from gradus.integrations.tensorboard import TensorBoard

            return cls(lambda place: TensorBoard(place / "tensorboard"))
        if kind == "mlflow":
            from gradus.integrations.mlflow import MLflow

            MLflow.check()
            return cls(lambda place: MLflow(name=place.name))
        raise InputError("--track", "unknown tracker", kind, nearest(kind, KINDS))

    def epoch_ended(self, trainer: "Trainer", values: dict[str, float]) -> None:
        if trainer is not self._trainer:
            self._begin(trainer)
        self._sender.scalars(trainer.step, values)
        self._send_signs()

    def result(self, run: "Run") -> None:
        """Training is over: the scores of the network that is kept."""
        if "members" not in run.result:
            self._sender.scalars(run.result["steps"], run.result["metrics"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._end()

    def _begin(self, trainer: "Trainer") -> None:
        self._end()
        self._trainer, self._said, self._examined = trainer, {}, 0
        self._doctor = next((each for each in trainer.callbacks if isinstance(each, Doctoring)), None)
        recorder = next(each for each in trainer.callbacks if isinstance(each, Recorder))
        try:
            self._sender = Sender([self._make(recorder.folder)])
        except Exception as error:  # the run goes on without
            self._sender = Sender(())
            _LOG.warning("gradus: the run is not tracked (%s: %s)", type(error).__name__, error)

    def _send_signs(self) -> None:
        doctor = self._doctor
        if doctor is None:
            return
        for each in doctor.history.examinations[self._examined :]:
            self._sender.scalars(doctor.offset + each.step, scalars_of(each))
        self._examined = len(doctor.history.examinations)
        for finding in doctor.findings:
            if self._said.get(finding.symptom) is not finding:
                self._said[finding.symptom] = finding
                self._sender.finding(doctor.offset + finding.said_at_step, finding)

    def _end(self) -> None:
        trainer, self._trainer = self._trainer, None
        if trainer is None:
            return
        self._send_signs()
        if trainer.diverged_at:
            self._sender.finding(trainer.step, non_finite(trainer))
        self._sender.causes(trainer.step, [] if self._doctor is None else self._doctor.causes)
        self._sender.close()
        self._doctor = None
