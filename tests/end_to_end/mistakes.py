"""What must happen to every mistake of a user's: one line that says what to do, exit code 2, nothing written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import run_gradus

Make = Callable[[Path], list[str]]
"""Puts the mistake into a folder, and gives the command line that meets it there."""


def assert_told(
    make: Make, says: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command refuses in one line that holds `says`, and leaves `folder` as it was."""
    monkeypatch.chdir(folder)
    arguments = make(folder)
    before = sorted(folder.rglob("*"))
    done = run_gradus(capsys, monkeypatch, *arguments)
    lines = done.err.strip().splitlines()
    assert done.code == 2, done
    assert len(lines) == 1, lines
    assert lines[0].startswith("gradus")
    assert says in lines[0], lines[0]
    assert done.out == ""
    assert sorted(each for each in folder.rglob("*") if "__pycache__" not in each.parts) == before
