"""The command ``gradus`` in processes of its own, which a test may kill."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Any, Self

DRIVER = Path(__file__).with_name("kill_driver.py")
# One thread: the machine's other cores are other tests'.
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "TERM": "dumb", "PYTHONWARNINGS": "ignore"}


@dataclass(frozen=True)
class At:
    """A signal when the process comes to a named point for the n-th time."""

    point: str
    occurrence: int = 1
    signal: Signals = SIGKILL

    def __str__(self) -> str:
        return f"{self.point}-{self.occurrence}"


@dataclass(frozen=True)
class After:
    """SIGKILL so many seconds after the process began."""

    delay: float


@dataclass(frozen=True)
class Ended:
    """How a process ended; a negative `code` is the signal that ended it."""

    code: int
    seconds: float
    out: str
    err: str


class Processes:
    """Forks of one process that has imported what training needs; see kill_driver.py."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._server = subprocess.Popen(
            [sys.executable, str(DRIVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=ENVIRONMENT,
            text=True,
        )
        assert self._answer() == {"ready": True}

    def gradus(self, *arguments: object, kill: At | After | None = None) -> Ended:
        """``gradus ARGUMENTS``, ended as `kill` says."""
        at = kill if isinstance(kill, At) else None
        request = {
            "arguments": [str(each) for each in arguments],
            "point": at and at.point,
            "occurrence": at.occurrence if at else 0,
            "signal": at.signal if at else 0,
            "delay": kill.delay if isinstance(kill, After) else None,
            "log": str(self._log),
        }
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        answer = self._answer()
        out, err = ((self._log / name).read_text(encoding="utf-8") for name in ("out", "err"))
        return Ended(answer["code"], answer["seconds"], out, err)

    def _answer(self) -> dict[str, Any]:
        assert self._server.stdout is not None
        answer: dict[str, Any] = json.loads(self._server.stdout.readline())
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()


def fresh(*arguments: object) -> Ended:
    """``gradus ARGUMENTS`` in a process from scratch, as from a shell."""
    began = time.monotonic()
    command = [sys.executable, "-m", "gradus", *map(str, arguments)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    return Ended(done.returncode, time.monotonic() - began, done.stdout, done.stderr)
