"""Tables on a terminal and in a file."""

import pytest

from gradus.cli.output import print_cells

CELLS = [["name", "one", "two", "three"], ["a", "1" * 10, "2" * 10, "3" * 10], ["b", "", "", "4"]]


def test_what_a_terminal_has_no_room_for_goes_on_below(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("FORCE_COLOR", "1"), ("NO_COLOR", "1"), ("TERM", "xterm"), ("COLUMNS", "30")):
        monkeypatch.setenv(name, value)
    print_cells(CELLS)
    first, second = capsys.readouterr().out.split("\n\n")
    assert [line.split() for line in first.splitlines()][1:] == [["a", "1" * 10, "2" * 10], ["b"]]
    assert [line.split() for line in second.splitlines()][1:] == [["a", "3" * 10], ["b", "4"]]


def test_a_file_has_no_edge(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    print_cells(CELLS)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["name", "one", "two", "three"],
        ["a", "1" * 10, "2" * 10, "3" * 10],
        ["b", "4"],
    ]
