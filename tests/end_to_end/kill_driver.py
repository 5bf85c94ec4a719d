"""Runs the command `gradus` in processes that get a signal: at a named point (`gradus.core.faults`), or after a delay.

Lines of JSON on stdin say what to run; see processes.py. Each command runs in a fork of this process, which has
imported torch already: that is most of the seconds a command takes.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn


def run(arguments: list[str], point: str | None, occurrence: int, number: int) -> NoReturn:
    """``gradus ARGUMENTS``, with signal `number` to itself the `occurrence`-th time it is at `point`."""
    from gradus.cli.main import main
    from gradus.core import faults

    left = occurrence

    def listener(reached: str) -> None:
        nonlocal left
        if reached == point:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), number)

    faults.listener = listener
    sys.argv = ["gradus", *arguments]
    main()
    raise AssertionError("main exits")


def serve() -> None:
    import sklearn.datasets
    import sklearn.metrics
    import sklearn.model_selection
    import sklearn.preprocessing  # noqa: F401
    import torch._dynamo  # an optimizer's first step imports it

    import gradus.cli.main
    import gradus.cli.train
    import gradus.training.train  # noqa: F401

    torch.set_num_threads(1)
    _answer({"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            _become(request)
        if request["delay"] is not None:
            _kill_after(child, request["delay"])
        _, status = os.waitpid(child, 0)
        _answer({"code": os.waitstatus_to_exitcode(status), "seconds": time.monotonic() - began})


def _become(request: dict[str, Any]) -> NoReturn:
    for descriptor, name, flags in ((0, os.devnull, os.O_RDONLY), (1, "out", os.O_WRONLY), (2, "err", os.O_WRONLY)):
        path = Path(request["log"]) / name if descriptor else Path(name)
        opened = os.open(path, flags | (os.O_CREAT | os.O_TRUNC if descriptor else 0), 0o644)
        os.dup2(opened, descriptor)
    code = 1
    try:
        run(request["arguments"], request["point"], request["occurrence"], request["signal"])
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:  # and not back into the loop that serves
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _kill_after(child: int, delay: float) -> None:
    """From outside; a child that has ended by then stays until it is waited for, so its number is nobody else's."""
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)


def _answer(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve()
