"""Ctrl-C and SIGTERM end training in order: after the step in progress."""

import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING, Any, Self

from gradus.training.callbacks import Callback

if TYPE_CHECKING:
    from gradus.training.trainer import Trainer

INTERRUPTED = "interrupted"


class Interruption(Callback):
    """While entered, the first signal asks the trainer to stop and the second one stops at once.

    Signals reach a program's main thread only; in another thread this does nothing.
    """

    def __init__(self) -> None:
        self._asked = False
        self._former: dict[signal.Signals, Any] = {}

    def step_ended(self, trainer: "Trainer") -> None:
        if self._asked:
            trainer.stop(INTERRUPTED)

    def epoch_ended(self, trainer: "Trainer", values: dict[str, float]) -> None:
        self.step_ended(trainer)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for each in (signal.SIGINT, signal.SIGTERM):
                self._former[each] = signal.signal(each, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        for each, former in self._former.items():
            signal.signal(each, signal.SIG_DFL if former is None else former)  # None: set by a program in C

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
