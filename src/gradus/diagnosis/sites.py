"""Where in its own source a program goes backward and steps: the first lines seen to do so."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from gradus.diagnosis import taps
from gradus.diagnosis.own import is_own, own_modules
from gradus.diagnosis.prescription.fixes import Place, Sites

_LOOKS = 50
"""Backward passes and steps of which the line is looked up; a loop shows all its own in fewer."""
_MOST_FILES = 60
"""Modules that are read for a fix: it takes seconds to follow names through these, and minutes through hundreds."""
_LATER = 37
"""Of those after them, one in so many, for a second loop: odd, so that of two that take turns both are seen."""


class SiteListener(taps.Listener):
    """Notes lines of files below `root`.

    Args:
        root: the folder of the program; what is installed below it is not its own.
    """

    def __init__(self, root: Path) -> None:
        # A program is run by the name it was given, and its modules are found where links lead.
        self._roots = (f"{root}/", f"{root.resolve()}/")
        self._seen: dict[str, dict[Place, None]] = {"backward": {}, "step": {}}
        self._count = dict.fromkeys(self._seen, 0)
        taps.listen(self)

    def close(self) -> None:
        """Look no more."""
        taps.leave(self)

    @property
    def sites(self) -> Sites:
        return Sites(backward=tuple(self._seen["backward"]), steps=tuple(self._seen["step"]))

    def own_modules(self) -> list[Path]:
        """Files of the program's own modules that are loaded; of very many those that train, and the nearest."""
        trains = {place.path for places in self._seen.values() for place in places}
        found = sorted(own_modules(self._roots), key=lambda each: (each not in trains, len(each.parts), each))
        return sorted(found[:_MOST_FILES])

    def before_backward(self, tensors: Any) -> None:
        self._note("backward")

    def before_step(self, optimizer: Any) -> None:
        self._note("step")

    def _note(self, what: str) -> None:
        self._count[what] += 1
        if self._count[what] > _LOOKS and self._count[what] % _LATER:
            return
        for frame in _frames(sys._getframe(2)):
            if is_own(frame.f_code.co_filename, self._roots):
                self._seen[what][Place(Path(frame.f_code.co_filename), frame.f_lineno)] = None
                return


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
