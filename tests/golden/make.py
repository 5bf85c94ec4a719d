"""Made the folders beside it: runs as each format has them, which every later gradus must read and resume.

    python tests/golden/make.py

They are never made again: a change of the format adds another folder beside this one, and a step to read this one.
"""

import os
import shutil
import sys
from pathlib import Path

import gradus
from gradus.training.callbacks import Callback
from gradus.training.interruption import INTERRUPTED
from gradus.training.trainer import Trainer

HERE = Path(__file__).parent
FOLDERS = (Path("run-format-1"), Path("run-format-2"), Path("run-format-3"))
FOLDER = FOLDERS[-1]
STOP_AFTER = 45
RECIPE = {
    "seed": 7,
    "data": {"name": "line", "points": 6, "validation": 0.34, "test": 0.0},
    "model": {"name": "linear_regression"},
    "criterion": {"name": "mse"},
    "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.5},
    "schedule": {"name": "one_cycle"},
    "training": {"epochs": 40, "batch_size": 2, "ema": 0.8, "keep": "best", "evaluate_every": 10, "threads": 1},
}


class Stop(Callback):
    """Ends a run in the middle of an epoch, as Ctrl-C would."""

    def step_ended(self, trainer: Trainer) -> None:
        if trainer.step == STOP_AFTER:
            trainer.stop(INTERRUPTED)


def main() -> None:
    os.chdir(HERE)
    if FOLDER.exists():
        sys.exit(f"{FOLDER} is there already, and stays as it is")
    sys.argv = ["gradus", "train"]  # the folders say by which command they were made
    gradus.train(RECIPE, run=FOLDER / "finished")
    gradus.train(RECIPE, run=FOLDER / "interrupted", callbacks=[Stop()])
    for name in ("finished", "interrupted"):
        (FOLDER / name / "lock").unlink()
        shutil.rmtree(FOLDER / name / "checkpoints" / "previous", ignore_errors=True)
    shutil.rmtree(FOLDER / "finished" / "checkpoints")


if __name__ == "__main__":
    main()
