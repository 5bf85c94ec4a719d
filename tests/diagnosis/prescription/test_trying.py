"""Fixes are tried on the program itself, which is told nothing of it, and only those that do good are written."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gradus.diagnosis.prescription.prescribe import Prescription
from gradus.diagnosis.prescription.program import SourceFile
from gradus.diagnosis.prescription.trial import Call, try_out
from gradus.diagnosis.prescription.trying import Rerun, proven
from gradus.diagnosis.prescription.yardstick import Figure, Outcome, Verdict
from gradus.diagnosis.remedies import remedies_for
from tests.cli.command import Done, run_gradus

# Two seconds apiece for loading torch anew: few of them, and each shows several things.
ILL = """\
import os, sys
import torch
from rates import RATE

torch.manual_seed(int(sys.argv[1]))
x = torch.randn(256, 6)
y = x[:, :3].sum(1, keepdim=True)
model = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
for step in range(150):
    loss = torch.nn.functional.huber_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
with open("log.txt", "a") as log:
    log.write(os.environ["MARK"] + "\\n")
os.environ["MARK"] = "changed"
print("error:", loss.item())
"""
RATES = "RATE = 30.0\n"


class Person:
    """Runs the doctor in a folder with a program of two files."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.folder, self._capsys, self._monkeypatch = folder, capsys, monkeypatch
        (folder / "train.py").write_text(ILL)
        (folder / "rates.py").write_text(RATES)
        monkeypatch.chdir(folder)
        monkeypatch.delitem(sys.modules, "rates", raising=False)  # that of the person before
        monkeypatch.setenv("MARK", "first")

    def runs(self, *options: Any) -> Done:
        return run_gradus(self._capsys, self._monkeypatch, "doctor", *options, "train.py", "0")


@pytest.fixture
def person(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Person:
    return Person(capsys, monkeypatch, tmp_path)


def test_what_does_good_is_written_and_the_trial_leaves_no_trace(person: Person) -> None:
    stream = sys.stdout
    done = person.runs("--try", 3, "--minimize", "error", "--apply", "--json-to", "found.json")
    assert sys.stdout is stream
    assert done.code == 1
    first = json.loads((person.folder / "found.json").read_text())["prescriptions"][0]
    assert first["tried"]["kept"]
    assert first["tried"]["by"] == "error"
    assert first["tried"]["after"] < 0.1 * first["tried"]["before"]
    assert "gradus: tried [" in done.err
    assert (person.folder / "rates.py").read_text() != RATES
    assert (person.folder / "rates.py.orig").read_text() == RATES
    assert (person.folder / "log.txt").read_text() == "first\n"
    assert "error:" in done.out
    assert len(done.out.splitlines()) == 1


def test_what_does_no_good_is_neither_prescribed_nor_written(person: Person) -> None:
    # By this measure every change that helps is a loss.
    done = person.runs("--try", 1, "--maximize", "error", "--apply", "--json-to", "found.json")
    assert "not kept" in done.err
    assert "nothing is prescribed" in done.err
    assert "gradus prescribes" not in done.err
    assert (person.folder / "rates.py").read_text() == RATES
    assert not json.loads((person.folder / "found.json").read_text())["prescriptions"][0]["tried"]["kept"]


def test_where_nothing_is_found_a_step_that_does_harm_is_left_out(person: Person) -> None:
    (person.folder / "rates.py").write_text("RATE = 0.1\n")
    silent = ILL.replace("huber_loss(model(x), y)", "mse_loss(model(x.clamp(min=0)), y)").replace("SGD", "Adam")
    silent = silent.replace("RATE)", "0.02)").replace("loss.item()", "(model(x) - y).square().mean().item()")
    (person.folder / "train.py").write_text(silent)
    assert "gradus: nothing is wrong" in person.runs().err
    done = person.runs("--try", 2, "--minimize", "error", "--apply", "--json-to", "found.json")
    document = json.loads((person.folder / "found.json").read_text())
    assert [each["id"] for each in document["causes"]] == ["constant-inputs"]
    first = document["prescriptions"][0]
    assert (first["remedy"], first["tried"]["kept"]) == ("leave-out", True)
    assert first["text"].startswith("Leave out this step")
    assert "gradus: the cause may be constant-inputs" in done.err
    assert (person.folder / "train.py").read_text() == silent.replace("x.clamp(min=0)", "x")


def test_the_best_comes_first_and_all_are_tried(tmp_path: Path) -> None:
    file = SourceFile(tmp_path / "train.py", "")
    uncleared = ILL.replace("    optimizer.zero_grad()\n", "").replace("import RATE", "import sin as RATE")
    uncleared = uncleared.replace("from rates", "from math").replace("lr=RATE", "lr=1e-4").partition("with open")[0]
    cured = "import torch\nprint('score: 3')\n"
    sources = [f"{uncleared}print('score: {score}')\n" for score in (1, 2)] + [cured, cured]
    remedy = remedies_for("missing-zero-grad")[0]
    prescribed = [Prescription("missing-zero-grad", remedy, str(at), {file: text}) for at, text in enumerate(sources)]
    file.path.write_text("")
    before = Outcome(("missing-zero-grad",), {"score": Figure(0.0)})

    def order(some: list[Prescription]) -> list[tuple[str, float | None]]:
        rerun = Rerun(file.path, ["0"], silence=(), word="score", lower=False)
        found = rerun.best_of(some, before)
        return [(each.diff, None if each.verdict is None else each.verdict.after) for each in found]

    assert order(prescribed[:2]) == [("1", 2.0), ("0", 1.0)]
    assert order(prescribed[1:]) == [("2", 3.0), ("1", 2.0), ("3", 3.0)]


def tried(cause: str, gain: float, *, kept: bool = True) -> Prescription:
    verdict = Verdict(kept, by="score", before=0.0, after=gain, gain=gain)
    return Prescription(cause, remedies_for(cause)[0], "", {}, verdict)


LIKELY, OTHER = "learning-rate-too-high", "unscaled-targets"


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ([tried(OTHER, 1.0), tried(LIKELY, 0.1)], OTHER),
        ([tried(OTHER, 1.0), tried(LIKELY, 2.0, kept=False)], OTHER),
        ([tried(OTHER, 1.0), tried(LIKELY, 0.6)], LIKELY),  # both did good
        ([tried(LIKELY, 1.0), tried(OTHER, 0.1)], LIKELY),
        ([tried(OTHER, 1.0)], LIKELY),  # which nothing was tried against
        ([tried(OTHER, 0.0, kept=False), tried(LIKELY, -1.0, kept=False)], LIKELY),
        ([tried("plateau", 1.0), tried(LIKELY, 0.1)], LIKELY),  # no cause
        ([replace(tried(OTHER, 1.0), verdict=None)], LIKELY),
        ([], LIKELY),
    ],
)
def test_the_cause_whose_treatment_alone_did_good_is_named_first(
    changes: list[Prescription], first: str, capsys: pytest.CaptureFixture[str]
) -> None:
    causes = [{"id": each, "confidence": 0.9, "because": ["plateau"]} for each in (LIKELY, "dead-units", OTHER)]
    found = proven(causes, changes)
    assert [each["id"] for each in found] == [first, *(each["id"] for each in causes if each["id"] != first)]
    assert (found[0]["because"] == ["recovered"]) == (first == OTHER)
    assert ("the cause is rather unscaled-targets" in capsys.readouterr().err) == (first == OTHER)


def test_a_cause_is_proven_of_a_program_that_has_none_but_by_what_always_helps(
    capsys: pytest.CaptureFixture[str],
) -> None:
    a_little = replace(tried(LIKELY, 0.1), verdict=Verdict(True, by="score", before=0.8, after=0.9, gain=0.1))
    assert proven([], [a_little]) == proven([], [replace(tried(OTHER, 1.0), verdict=None)]) == []
    assert [each["id"] for each in proven([], [tried(LIKELY, 1.0)])] == [LIKELY]  # from 0 to 1
    assert [each["id"] for each in proven([], [tried(OTHER, 1.0)])] == [OTHER]
    assert f"the cause may be {OTHER}" in capsys.readouterr().err


def test_a_trial_has_the_environment_of_before(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("import os, torch\nprint('mark:', os.environ['MARK'])\n")
    call = Call(script, (), str(tmp_path), {**os.environ, "MARK": "7"}, word="mark")
    assert try_out(call, {}, limit=60.0).figures["mark"].value == 7.0


def test_an_interrupted_program_is_not_run_again(person: Person) -> None:
    (person.folder / "train.py").write_text(ILL + "raise KeyboardInterrupt\n")
    done = person.runs("--try", 1, "--json-to", "found.json")
    assert done.code == 130
    assert "gradus: tried" not in done.err
    assert "tried" not in json.loads((person.folder / "found.json").read_text())["prescriptions"][0]


@pytest.mark.parametrize(
    ("source", "limit", "error"),
    [
        (b"import torch\nraise ValueError('as it was')", 60.0, "ValueError: as it was"),
        (b"import time\nimport torch\ntime.sleep(60)", 5.0, "it took longer than 5 seconds"),
        (b"import os\nos._exit(0)", 60.0, "it was killed"),
        (b"print('error: 1')", 60.0, "it did not train"),
    ],
)
def test_what_does_not_come_to_its_end_is_told(tmp_path: Path, source: bytes, limit: float, error: str) -> None:
    script = tmp_path / "train.py"
    script.write_bytes(b"")
    call = Call(script, (), str(tmp_path), dict(os.environ))
    assert try_out(call, {script: source}, limit=limit).error == error


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--try", 9), "--try: must lie between 1 and 5, got 9"),
        (("--maximize", "score"), "--maximize: needs a word and --try N, got `score`"),
        (("--try", 1, "--minimize", " "), "--minimize: needs a word and --try N"),
        (("--try", 1, "--minimize", "a", "--maximize", "b"), "--maximize: does not go with --minimize"),
    ],
)
def test_options_that_mean_nothing_are_refused(person: Person, options: tuple[object, ...], said: str) -> None:
    done = person.runs(*options)
    assert done.code == 2
    assert said in done.err
    assert not (person.folder / "log.txt").exists()


def test_several_processes_are_refused(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    done = person.runs("--try", 1)
    assert done.code == 2
    assert "several processes" in done.err
