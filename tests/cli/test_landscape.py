"""``gradus landscape`` as people and scripts use it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import gradus
from tests.cli.command import Done, run_gradus
from tests.end_to_end.recipes import digits

Gradus = Callable[..., Done]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("runs")
    return [gradus.train(digits(epochs=2, seed=seed), run=folder / str(seed)).path for seed in (0, 1)]


@pytest.fixture
def verb(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Gradus:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_gradus(capsys, monkeypatch, "landscape", *arguments)


def test_a_plane_as_json_and_as_a_picture(verb: Gradus, runs: list[Path], tmp_path: Path) -> None:
    done = verb(runs[0], "--points", 5, "--json", "--figure", "plane.png")
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    assert found.keys() == {"run", "split", "examples", "offsets", "losses", "here", "lowest", "highest"}
    assert found["offsets"] == [-1, -0.5, 0, 0.5, 1]
    assert [len(row) for row in found["losses"]] == [5] * 5
    assert found["losses"][2][2] == found["here"]
    assert (tmp_path / "plane.png").is_file()


def test_a_line_is_a_table(verb: Gradus, runs: list[Path]) -> None:
    lines = [line.split() for line in verb(runs[0], "--across", 1, "--points", 3, "--reach", 0.5).out.splitlines()]
    assert [line[0] for line in lines[-4:]] == ["offset", "-0.5", "0", "0.5"]
    between = verb(runs[0], "--to", runs[1], "--points", 3).out.splitlines()
    assert any(line.startswith("barrier") for line in between)
    assert [line.split()[0] for line in between[-3:]] == ["0", "0.5", "1"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--points", 4), "must be odd"),
        (("--reach", -1), "must be above 0"),
        (("--to", ".", "--across", 1), "without --across and --reach"),
        (("--points", 3, "--figure", "plane.gif"), "ends in .png, .svg or .pdf"),
    ],
)
def test_bad_input_is_one_line(verb: Gradus, runs: list[Path], arguments: tuple[object, ...], says: str) -> None:
    done = verb(runs[0], *arguments)
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert len(done.err.splitlines()) == 1
