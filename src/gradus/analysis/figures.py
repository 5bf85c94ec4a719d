"""The figures that networks are chosen by, each under one name."""

from collections.abc import Callable
from dataclasses import dataclass

from gradus.analysis.inspect import Inspection
from gradus.analysis.units import COUNT, PLAIN, SIZE, Unit


@dataclass(frozen=True, slots=True)
class Figure:
    """One of them.

    Attributes:
        of: its amount; None where that is not known.
    """

    label: str
    unit: Unit
    of: Callable[[Inspection], float | None]

    def written(self, found: Inspection) -> str:
        """Its amount as people read it, "?" where it is not known."""
        return self.unit.written(self.of(found))


def _followed(of: Callable[[Inspection], float]) -> Callable[[Inspection], float | None]:
    """Not known of a pass that could not be followed to its end."""
    return lambda found: None if found.unresolved else of(found)


def _counted(of: Callable[[Inspection], float]) -> Callable[[Inspection], float | None]:
    """Nor of one with operations that have no formula."""
    return lambda found: None if found.unresolved or found.uncounted else of(found)


def field(found: Inspection) -> int | None:
    """The extent of the network's receptive field, along its longer axis."""
    speaker = found.fields.network
    return None if speaker is None else max(axis.extent for axis in found.fields.layers[speaker])


FIGURES = {
    "params": Figure("parameters", COUNT, lambda found: found.parameters),
    "trainable": Figure("trainable parameters", COUNT, lambda found: found.trainable),
    "macs": Figure("multiply-adds", COUNT, _counted(lambda found: found.macs)),
    "flops": Figure("FLOPs", COUNT, _counted(lambda found: found.cost.flops)),
    "elementwise": Figure("element-wise operations", COUNT, _counted(lambda found: found.cost.elementwise)),
    "traffic": Figure("memory traffic", SIZE, _followed(lambda found: found.cost.moved)),
    "saved": Figure("kept for backward", SIZE, lambda found: found.saved_bytes),
    "intensity": Figure("FLOPs a byte", PLAIN, _counted(lambda found: found.cost.intensity)),
    "field": Figure("receptive field", PLAIN, field),
}
