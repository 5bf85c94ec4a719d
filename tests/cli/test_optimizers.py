"""``gradus optimizers`` and its races, as people and scripts use them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gradus.optim import optimizers, schedules
from gradus.optim.surfaces import surfaces
from tests.cli.command import Done, run_gradus

Gradus = Callable[..., Done]


@pytest.fixture
def verb(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Gradus:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_gradus(capsys, monkeypatch, "optimizers", *arguments)


def test_it_lists_algorithms_and_schedules_and_shows_one(verb: Gradus) -> None:
    assert [each["name"] for each in json.loads(verb("--json").out)] == [*optimizers.names(), *schedules.names()]
    card = json.loads(verb("adam", "--json").out)
    assert (card["name"], card["options"]["lr"]) == ("adam", 1e-3)


def test_a_race_prints_the_promised_document(verb: Gradus) -> None:
    found = json.loads(
        verb("--race", "canyon", "--optimizers", "sgd,sgd:momentum=0.9,nesterov=true,adam:lr=0.5", "--json").out
    )
    assert (found["surface"], found["start"], found["target"], found["steps"]) == ("canyon", [-9, 1], 1e-4, 500)
    first, second, last = found["results"]
    assert (first["name"], first["optimizer"]) == ("sgd:momentum=0.9,nesterov=true", "sgd")
    assert first["options"] == {"momentum": 0.9, "nesterov": True}
    assert first["steps_to_target"] == first["evaluations"] < second["steps_to_target"]
    assert (second["name"], second["lr"]) == ("adam:lr=0.5", 0.5)
    assert (last["name"], last["lr"], last["evaluations"]) == ("sgd", 0.01, 500)
    assert "steps_to_target" not in last
    assert last["final"] > 1e-4


def test_a_race_prints_a_table_and_leaves_pictures(verb: Gradus, tmp_path: Path) -> None:
    racers = ("--optimizers", "sgd:lr=0.1,adam:lr=1.0", "--steps", 60)
    done = verb("--race", "saddle", *racers, "--gif", "race.gif", "--html", "race.html")
    assert (done.code, done.err) == (0, "")
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[-2][:2] == ["adam:lr=1.0", "1"]
    assert lines[-2][2] == lines[-2][3]  # as many evaluations as steps
    assert 1 < int(lines[-2][2]) < 20
    assert lines[-1][:5] == ["sgd:lr=0.1", "0.1", "not", "in", "60"]
    assert (tmp_path / "race.gif").read_bytes().startswith(b"GIF89a")
    assert "<h1>A race on saddle</h1>" in (tmp_path / "race.html").read_text()


def test_a_target_of_ones_own(verb: Gradus) -> None:
    race = ("--race", "bowl", "--optimizers", "sgd:lr=0.25", "--json")
    # f = 3.25 / 4^t
    for target, steps in ((1.0, 1), (0.5, 2), (3.25 / 4**20 * 1.001, 20)):
        assert json.loads(verb(*race, "--target", target).out)["results"][0]["steps_to_target"] == steps


def test_surfaces_are_listed(verb: Gradus) -> None:
    assert [each["name"] for each in json.loads(verb("--race", "list", "--json").out)] == surfaces.names()
    assert "rosenbrock" in verb("--race", "list").out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--race", "rosenbrok"), "--race: unknown name, got `rosenbrok`. Did you mean `rosenbrock`?"),
        (("--race", "bowl", "--optimizers", "adamm"), "Did you mean `adam`"),
        (("adam", "--race", "bowl"), "is between several"),
        (("--steps", 10), "says more about --race, which is not given"),
        (("--race", "bowl", "--steps", 2, "--optimizers", "sgd:lr=0.1", "--gif", "race.png"), "ends in .gif"),
        (("--race", "bowl", "--html", "nowhere/race.html"), "nowhere/race.html: cannot be written"),
    ],
)
def test_bad_input_is_one_line(verb: Gradus, arguments: tuple[object, ...], says: str) -> None:
    done = verb(*arguments)
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert len(done.err.splitlines()) == 1


def test_a_card_reads_as_a_recipe_does(verb: Gradus) -> None:
    assert "accelerate = false" in verb("proximal").out
    rows = {line.split()[0]: line.split()[1:] for line in verb("adafactor").out.splitlines() if line.strip()}
    assert rows["eps"] == ["[unset,", "0.001]", "[1e-30,", "0.001]"]


def test_a_preset_races(verb: Gradus) -> None:
    found = json.loads(verb("--race", "bowl", "--optimizers", "adam:preset=keras,lr=0.5", "--json").out)
    assert found["results"][0]["options"] == {"preset": "keras", "lr": 0.5}
