"""``gradus preflight`` as people and scripts use it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import Done, run_gradus

Gradus = Callable[..., Done]

PROGRAM = """
import argparse
import torch
from torch import nn
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=1e-2)
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=parser.parse_args().lr)
x = torch.randn(200, 8)
y = (x[:, 0] * x[:, 1] > 0).long()
while True:
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()
    print("step")
"""


@pytest.fixture
def verb(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Gradus:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(PROGRAM)
    return lambda *arguments: run_gradus(capsys, monkeypatch, "preflight", "--budget", 60, *arguments)


def test_a_healthy_program_passes(verb: Gradus, tmp_path: Path) -> None:
    done = verb("train.py")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].split()[:2] == ["passed", "inputs"]
    assert lines[-1] == "all is well, as far as 200 steps show"
    assert [each.name for each in tmp_path.iterdir()] == ["train.py"]


def test_a_faulty_one_does_not_and_its_document_is_where_it_was_asked_for(verb: Gradus, tmp_path: Path) -> None:
    done = verb("--json", "--json-to", "found.json", "train.py", "--lr", "1e-8")
    assert done.code == 1
    document = json.loads(done.out)
    assert document == json.loads((tmp_path / "found.json").read_text())
    assert document["causes"][0]["id"] == "learning-rate-too-low"
    (rate,) = [each for each in document["checks"] if each["name"] == "rate"]
    assert rate.keys() == {"name", "status", "figures", "message"}
    assert rate["status"] == "failed"
    told = verb("train.py", "--lr", "1e-8").out
    assert "FAILED   rate" in told
    assert "cause 1: learning-rate-too-low" in told


def test_findings_are_in_chinese_if_asked(verb: Gradus) -> None:
    assert "未通过" in verb("--lang", "zh", "train.py", "--lr", "1e-8").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none.py",), "no such file"),
        (("no-such-recipe",), "no-such-recipe"),
        (("digits-lenet", "--epochs", "3"), "a recipe takes no arguments"),
        (("--budget", "0", "train.py"), "must lie between 1 and 3600"),
        (("--json-to", "no/where.json", "train.py"), "a folder that exists"),
        (("train.py", "--unknown"), "exit code 2"),
    ],
)
def test_bad_input_is_told_in_a_line(verb: Gradus, arguments: tuple[str, ...], words: str) -> None:
    done = verb(*arguments)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert done.err.count("\n") == 1
