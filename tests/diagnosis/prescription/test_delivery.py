"""The likely fix as a person gets it: told as a diff, and written only when asked to."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import run_gradus

ILL = """\
import os, sys
import torch
from net import make

torch.manual_seed(0)
x = torch.randn(128, 6)
model = make()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(80):
    loss = (model(x) - x[:, :3].sum(1, keepdim=True)).square().mean()
    loss.backward()
    optimizer.step()
"""
NET = "from torch import nn\n\n\ndef make():\n    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))\n"
WELL = ILL.replace("    loss.backward()", "    optimizer.zero_grad()\n    loss.backward()")


class Person:
    """Runs the doctor on a program in a folder of its own."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.script, self._document = folder / "train.py", folder / "found.json"
        (folder / "net.py").write_text(NET)
        self._capsys, self._monkeypatch = capsys, monkeypatch
        monkeypatch.delitem(sys.modules, "net", raising=False)  # that of the person before

    def runs(self, *options: Any) -> Any:
        return run_gradus(self._capsys, self._monkeypatch, "doctor", "--json-to", self._document, *options, self.script)

    @property
    def prescriptions(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = json.loads(self._document.read_text())["prescriptions"]
        return found


@pytest.fixture
def person(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Person:
    return Person(capsys, monkeypatch, tmp_path)


def test_it_is_told_and_not_written(person: Person) -> None:
    person.script.write_text(ILL)
    done = person.runs()
    assert done.code == 1
    assert "gradus prescribes [zero-grad] against missing-zero-grad" in done.err
    assert "  +    optimizer.zero_grad()\n" in done.err
    assert "--apply" in done.err
    first = person.prescriptions[0]
    assert (first["cause"], first["remedy"]) == ("missing-zero-grad", "zero-grad")
    assert first["diff"].startswith("--- train.py\n+++ train.py\n@@ -10,2 +10,3 @@\n")
    assert person.script.read_text() == ILL
    assert sorted(each.name for each in person.script.parent.glob("*.py*")) == ["net.py", "train.py"]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_it_is_written_beside_a_copy_of_what_was_there(person: Person, newline: str) -> None:
    before = ILL.replace("\n", newline).encode()
    person.script.write_bytes(before)
    person.script.with_name("train.py.orig").write_text("of before")
    assert person.runs("--apply").code == 1
    assert person.script.read_bytes() == WELL.replace("\n", newline).encode()
    assert person.script.with_name("train.py.orig").read_text() == "of before"
    assert person.script.with_name("train.py.orig1").read_bytes() == before


def test_also_where_the_program_went_elsewhere(person: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    place.mkdir()
    person.script.write_text(ILL + "os.chdir(r'" + str(place) + "')\n")
    monkeypatch.chdir(person.script.parent)
    person.script = Path("train.py")
    assert person.runs("--apply").code == 1
    assert "optimizer.zero_grad()" in (tmp_path / "train.py").read_text()


def test_a_program_that_has_changed_in_the_meantime_is_left_alone(person: Person) -> None:
    person.script.write_text(ILL + "open(__file__, 'a').write('# more\\n')\n")
    done = person.runs("--apply")
    assert done.code == 2
    assert done.err.strip().splitlines()[-1].endswith("has changed since it was run. Run it again.")
    assert "zero_grad" not in person.script.read_text()
    assert person.prescriptions, "what was found is kept"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_folder_that_cannot_be_written_to_is_told(person: Person) -> None:
    person.script.write_text(ILL)
    person.script.parent.chmod(0o500)
    try:
        done = person.runs("--apply")
    finally:
        person.script.parent.chmod(0o700)
    assert done.code == 2
    assert "cannot be written" in done.err


def test_nothing_is_written_into_a_healthy_program(person: Person) -> None:
    person.script.write_text(WELL)
    done = person.runs("--apply")
    assert done.code == 0
    assert "prescribes" not in done.err
    assert person.prescriptions == []
    assert person.script.read_text() == WELL


def test_a_module_of_the_programs_own_is_changed_too(person: Person) -> None:
    told_apart = "torch.nn.functional.cross_entropy(model(x), (x[:, :3].sum(1) > 0).long())"
    script = WELL.replace("(model(x) - x[:, :3].sum(1, keepdim=True)).square().mean()", told_apart)
    person.script.write_text(script)
    net, well = person.script.with_name("net.py"), NET.replace("(8, 1)", "(8, 2)")
    net.write_text(well.replace("nn.Linear(8, 2))", "nn.Linear(8, 2), nn.Softmax(dim=1))"))
    done = person.runs("--apply")
    assert "--- net.py" in done.err
    assert net.read_text() == well
    assert "Softmax" in net.with_name("net.py.orig").read_text()
    assert person.script.read_text() == script


def test_a_run_has_no_source(person: Person) -> None:
    person.script = person.script.parent
    done = person.runs("--apply")
    assert done.code == 2
    assert "is for a program's source" in done.err
