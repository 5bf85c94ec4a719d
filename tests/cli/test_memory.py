"""``gradus memory`` as people and scripts use it."""

import json
from pathlib import Path

import pytest

from tests.cli.command import run_gradus

OWN = """
import torch

class Fading(torch.nn.Module):
    def forward(self, x):
        return (x * 0.5 ** torch.arange(x.shape[1] - 1.0, -1, -1)[:, None]).sum(1)
"""


def test_models_are_compared(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    given = ("memory", "own.py:Fading", "lstm", "--input", "30,2")
    done = run_gradus(capsys, monkeypatch, *given, "--json", "--figure", "memory.svg")
    assert (done.code, done.err) == (0, "")
    own, lstm = json.loads(done.out)
    assert own["rate"] == pytest.approx(0.5)
    assert own["length"] == 10
    assert own["norms"][0] == pytest.approx(2**0.5, rel=1e-6)
    assert len(lstm["norms"]) == 30
    assert own["gates"] == {}
    assert 0.4 < lstm["gates"]["recurrence.l0.forget"]["mean"] < 0.6  # biases begin around 0
    assert "own.py:Fading (x 0.500 a step)" in (tmp_path / "memory.svg").read_text()
    table = run_gradus(capsys, monkeypatch, *given).out.splitlines()
    assert table[0].split()[:4] == ["model", "rate", "a", "step"]
    assert [line.split()[0] for line in table[1:3]] == ["own.py:Fading", "lstm"]
    assert [line.split()[:2] for line in table[4:]] == [
        ["model", "gate"],
        *(["lstm", f"recurrence.l0.{name}"] for name in ("input", "forget", "output")),
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lenet5"], "model lenet5: must read sequences, numbers (T, F), to remember"),
        (["neural_lm", "--input", "8,2"], "model `neural_lm`"),
        (["own.py:Fading"], "--input: must be given"),
        (["lstm", "--input", "8"], "model `lstm`"),
        (["lstm", "--figure", "memory.gif"], "memory: must be a file that ends in"),
    ],
)
def test_what_has_no_memory_to_look_at_is_told(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    done = run_gradus(capsys, monkeypatch, "memory", *arguments)
    assert done.code == 2
    assert done.err.startswith(f"gradus: {words}")
    assert len(done.err.splitlines()) == 1
