"""Where signs and findings can be sent while a doctor watches: to whatever keeps a team's experiments."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from gradus.core.findings import Finding
from gradus.diagnosis.causes import Ranked
from gradus.diagnosis.signs import Examination

_LOG = logging.getLogger("gradus")


class Tracker(Protocol):
    """Keeps what it is sent. Steps count from 0; names are ``<sign>/<layer>``, as in ``gradus-gradient/conv1``."""

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of one step."""

    def finding(self, step: int, finding: Finding) -> None:
        """Something was found, or has become worse."""

    def causes(self, step: int, causes: Sequence[Ranked]) -> None:
        """Watching is over: the likeliest first; none if nothing is wrong."""

    def close(self) -> None:
        """Nothing more comes; what was sent is to be on disk."""


class Sender:
    """A tracker of several trackers. One that raises is logged once, and sent nothing more."""

    def __init__(self, trackers: Sequence[Tracker]) -> None:
        self._trackers = list(trackers)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        self._send(lambda tracker: tracker.scalars(step, values))

    def finding(self, step: int, finding: Finding) -> None:
        self._send(lambda tracker: tracker.finding(step, finding))

    def causes(self, step: int, causes: Sequence[Ranked]) -> None:
        self._send(lambda tracker: tracker.causes(step, causes))

    def close(self) -> None:
        self._send(lambda tracker: tracker.close())

    def _send(self, call: Callable[[Tracker], None]) -> None:
        for each in tuple(self._trackers):
            try:
                call(each)
            except Exception as error:  # not the program's, which goes on
                self._trackers.remove(each)
                who, what = type(each).__name__, type(error).__name__
                _LOG.warning("gradus: %s is sent nothing more (%s: %s)", who, what, error)


def scalars_of(examination: Examination) -> dict[str, float]:
    """An examination as numbers with names: the loss, and each sign of each layer."""
    values = {} if examination.loss is None else {"gradus/loss": examination.loss.value}
    for layer, signs in layer_signs(examination).items():
        values |= {f"gradus-{sign}/{layer or 'model'}": value for sign, value in signs.items()}
    return values


def layer_signs(examination: Examination) -> dict[str, dict[str, float]]:
    """By layer, where known: RMS of the gradient, update over weight, shares of dead and of saturated units, of the
    gradient at a sequence's last step what arrives at its first, and of memory what its gate keeps from step to step.
    """
    layers: dict[str, dict[str, float]] = {}
    models = {place.partition(":")[0] for place in (*examination.parameters, *examination.layers)}

    def shown(place: str) -> str:
        return place if len(models) > 1 else place.partition(":")[2]

    for place, parameter in examination.parameters.items():
        if parameter.matrix and parameter.gradient is not None:
            row = layers.setdefault(shown(place).rpartition(".")[0], {})
            row["gradient"] = parameter.gradient
            if parameter.ratio is not None:
                row["update"] = parameter.ratio
    for place, layer in examination.layers.items():
        row = layers.setdefault(shown(place), {})
        if layer.dead is not None:
            row["dead"] = layer.dead
        if layer.saturated is not None:
            row["saturated"] = layer.saturated
        if layer.earliest is not None and layer.latest:
            row["through_time"] = layer.earliest / layer.latest
        if layer.kept is not None:
            row["kept"] = layer.kept
    return {name: row for name, row in layers.items() if row}
