"""Running the command line inside the test's process: the same `main`, without the seconds a new process takes."""

import sys
from dataclasses import dataclass

import pytest

from gradus.cli.main import main
from gradus.core.text import set_language


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


def run_gradus(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object) -> Done:
    """What ``gradus ARGUMENTS`` prints and exits with."""
    set_language(None)  # what an earlier command in this process was told
    monkeypatch.setattr(sys, "argv", ["gradus", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    return Done(int(ended.value.code or 0), printed.out, printed.err)
