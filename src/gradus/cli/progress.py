"""Training as it goes on, on stderr: a bar in a terminal, a line per epoch elsewhere."""

import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from gradus.training.callbacks import Callback
from gradus.training.settings import describe

if TYPE_CHECKING:
    from gradus.training.trainer import Trainer

REDRAW_SECONDS = 0.1


class Progress(Callback):
    """Rate, time left and the latest values. Redraws at most ten times a second, in the training thread."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bar: Bar | None = None
        self._drawn = self._began = 0.0
        self._first_step = -1
        self._latest = ""

    def step_ended(self, trainer: "Trainer") -> None:
        now = time.perf_counter()
        if self._first_step < 0:  # the rate is that of what follows
            self._first_step, self._began = trainer.step, now
            self._console.print(f"computing on {describe(trainer.settings)}", highlight=False, soft_wrap=True)
        if now - self._drawn < REDRAW_SECONDS or not self._console.is_terminal:
            return
        self._drawn = now
        if self._bar is None:
            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[rate]:,.0f} steps/s"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[latest]}"),
                console=self._console,
                auto_refresh=False,
                transient=True,
            )
            self._bar.start()
            self._bar.add_task("", total=len(trainer.loader) * trainer.settings.epochs, rate=0.0, latest="")
        rate = (trainer.step - self._first_step) / max(now - self._began, 1e-9)
        text = f"epoch {min(trainer.epoch + 1, trainer.settings.epochs)}/{trainer.settings.epochs}"
        self._bar.update(
            self._bar.task_ids[0],
            completed=trainer.step,
            description=text,
            rate=rate,
            latest=self._latest,
            refresh=True,
        )

    def epoch_ended(self, trainer: "Trainer", values: dict[str, float]) -> None:
        shown = {name: value for name, value in values.items() if not name.endswith(("_f1", "_mae", "_r2"))}
        self._latest = "  ".join(f"{name} {value:.4f}" for name, value in shown.items())
        last = trainer.epoch == trainer.settings.epochs or bool(trainer.stopped)
        if not self._console.is_terminal:
            rate = (trainer.step - self._first_step) / max(time.perf_counter() - self._began, 1e-9)
            if last or time.perf_counter() - self._drawn >= 1:
                self._drawn = time.perf_counter()
                self._console.print(
                    f"epoch {trainer.epoch}/{trainer.settings.epochs}  {self._latest}  {rate:,.0f} steps/s",
                    highlight=False,
                    soft_wrap=True,
                )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        # However training ended: the bar hides the cursor and stands between a program and its output.
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
