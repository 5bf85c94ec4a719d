"""Programs that the doctor cures: what it writes into the source, it finds nothing wrong with."""

import json
from pathlib import Path

import pytest

from tests.cli.command import run_gradus

LOOP = """
import torch
import torch.nn as nn

torch.manual_seed(0)
x = torch.randn(400, 6)
y = (x[:, :3].sum(1) > 0).long()
model = nn.Sequential(nn.Linear(6, 16), nn.Dropout(0.2), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    model.train()
    for rows in torch.randperm(300).split(20):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(nn.functional.cross_entropy(model(x[300:]), y[300:]).item())
"""

ILL = {
    "missing-zero-grad": ("        optimizer.zero_grad()\n", ""),
    "learning-rate-too-low": ("lr=3e-3", "lr=1e-7"),
    "optimizer-epsilon-too-large": ("lr=3e-3", "lr=3e-3, eps=10.0"),
    "missing-step": ("        optimizer.step()\n", ""),
    "evaluation-in-train-mode": ("    model.eval()\n", ""),
    "softmax-twice": ("nn.Linear(16, 2))", "nn.Linear(16, 2), nn.Softmax(dim=1))"),
    "nonlinear-logits": ("nn.Linear(16, 2))", "nn.Linear(16, 2), nn.ReLU())"),
    "loss-output-mismatch": ("loss = nn.functional.cross_entropy", "loss = nn.functional.nll_loss"),
    "loss-sign": ("loss = nn", "loss = -nn"),
    "training-in-eval-mode": ("    model.train()\n", "    model.eval()\n"),
}


@pytest.mark.parametrize("cause", ILL)
def test_what_is_written_cures(
    cause: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def causes(*options: str) -> list[str]:
        document = tmp_path / "found.json"
        done = run_gradus(capsys, monkeypatch, "doctor", "--json-to", document, *options, script)
        assert done.code in {0, 1}, done.err
        return [each["id"] for each in json.loads(document.read_text())["causes"]]

    script = tmp_path / "train.py"
    ill = LOOP.replace(*ILL[cause])
    script.write_text(ill)
    assert causes("--apply")[0] == cause
    assert (tmp_path / "train.py.orig").read_text() == ill
    assert causes() == []
