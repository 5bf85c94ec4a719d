"""Apply a remedy to a live network, say what has changed, and undo it exactly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from gradus.core.errors import InputError, nearest
from gradus.core.text import Message
from gradus.diagnosis.remedies import CARDS
from gradus.diagnosis.treatments.consistency import make_consistent
from gradus.diagnosis.treatments.patient import Patient
from gradus.diagnosis.treatments.snapshot import Snapshot
from gradus.diagnosis.treatments.table import TreatmentCard, treatments

__all__ = ["Patient", "Treatment", "treat", "treatment_card"]


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """A remedy that was applied.

    Attributes:
        remedy: its id.
        places: the modules, parameters or groups that were changed.
        figures: the numbers in what is said.
    """

    remedy: str
    says: Message
    places: tuple[str, ...]
    figures: Mapping[str, Any] = field(default_factory=dict)
    _before: Snapshot = field(repr=False)

    @property
    def text(self) -> str:
        """What has changed, in the current language."""
        return self.says.say(**self.figures)

    def undo(self) -> None:
        """Put the patient back as it was just before: structure, hooks, weights, buffers, gradients, optimizer state,
        groups, rates, schedules and averages, bit for bit, in the objects that held them. Random numbers and data
        go on where they are. Of several treatments undo the last one first.
        """
        self._before.restore()


def treat(patient: Patient, remedy: str, *, seed: int = 0, **options: Any) -> Treatment:
    """Apply a remedy to a network in training, and keep all that hangs on it in step.

    Optimizers keep the state of what stays, forget that of what is drawn anew, and hold what is added, in the group of
    what it stands beside. Schedules go on; averages get the same surgery and the same new numbers. Modes, devices,
    types, names of what is not treated and torch's random numbers stay as they are. If it fails, nothing has changed.

    Args:
        remedy: its id, as findings give it; `docs/treatments.md` lists those that can be applied.
        seed: of the numbers it draws; ranks that train the same network must give the same.
        options: of the treatment.
    Raises:
        InputError: if the remedy is unknown or advice only, an option is wrong, or this network cannot be treated so.
    Example:
        >>> from torch import nn
        >>> net = nn.Sequential(nn.Linear(4, 8), nn.Sigmoid(), nn.Linear(8, 2))
        >>> optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        >>> done = treat(Patient(net, optimizer, example=torch.zeros(32, 4)), "normalize-layers")
        >>> done.places, len(optimizer.param_groups[0]["params"])
        (('0',), 6)
        >>> done.undo()
        >>> len(optimizer.param_groups[0]["params"])
        4
    """
    card = treatment_card(remedy)
    settings = card.validate(options, f"treatment `{remedy}`")
    patient.check(layers=card.changes == "layers")
    before = Snapshot(patient)
    try:
        with torch.random.fork_rng({each.device.index for each in patient.model.parameters() if each.is_cuda}):
            done = card.build(patient, torch.Generator().manual_seed(seed), **settings)
        patient.broadcast()
        make_consistent(patient, before)
    except BaseException:
        before.restore()
        raise
    return Treatment(remedy=remedy, says=done.says, places=done.places, figures=done.figures, _before=before)


def treatment_card(remedy: str) -> TreatmentCard:
    """The card of a remedy that can be applied.

    Raises:
        InputError: if it cannot.
    """
    if remedy in treatments:
        return treatments.get(remedy)
    if remedy in CARDS:
        rule = "is done in the program or to the data, not to a live network"
        raise InputError(f"treatment `{remedy}`", rule, repair=CARDS[remedy].text.en)
    raise InputError("treatment", "unknown remedy", remedy, nearest(remedy, treatments.names()))
