"""``gradus backprop``."""

import json
from pathlib import Path

import pytest

from tests.cli.command import run_gradus

WRONG = """
import torch
from torch import nn

class Tanh(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.tanh()

    @staticmethod
    def backward(ctx, delta):
        return delta * (1 - ctx.saved_tensors[0].tanh())

class Wrong(nn.Module):
    def forward(self, x):
        return Tanh.apply(x)

def right():
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))

class Map(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3)

    def forward(self, x):
        return self.conv(x)

class Words(nn.Module):
    def forward(self, x):
        return {"output": x}

def wrong():
    return nn.Sequential(nn.Linear(3, 4), Wrong(), nn.Linear(4, 2))

"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(WRONG)


def test_it_prints_the_equations(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_gradus(capsys, monkeypatch, "backprop", "net.py:right", "--input", "3")
    assert done.code == 0
    for line in ("= da1 * tanh'(z1)", "= W2^T dz2", "= dz2 a1^T", "= (softmax(z2) - y) / N"):
        assert line in done.out


def test_json_of_a_model_of_the_catalogue(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_gradus(capsys, monkeypatch, "backprop", "linear_regression", "--json")
    document = json.loads(done.out)
    assert document.keys() == {"model", "loss", "difference", "quantities"}
    assert [each["symbol"] for each in document["quantities"]] == ["z1", "W1", "b1", "J"]
    assert document["quantities"][0]["error_equation"] == "2 (z1 - y) / N"
    assert document["difference"] < 1e-12


@pytest.mark.parametrize(
    ("arguments", "last"),
    [
        (["lenet5"], "(softmax(z5) - y) / N"),
        (["denoising_autoencoder"], "2 (z2 - y) / N"),  # gives its code beside its output
        (["net.py:Map", "--input", "1,6,6"], "(softmax(z1) - y) / N"),
        (["net.py:Map", "--input", "1,6,6", "--criterion", "mse"], "2 (z1 - y) / N"),
    ],
)
def test_the_loss_suits_the_output(
    arguments: list[str], last: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = json.loads(run_gradus(capsys, monkeypatch, "backprop", *arguments, "--json").out)
    *_, output, loss = (each for each in document["quantities"] if each["equation"])
    assert (output["error_equation"], loss["error_equation"]) == (last, "1")
    assert document["difference"] < 1e-12


@pytest.mark.parametrize(("model", "code"), [("net.py:right", 0), ("net.py:wrong", 1)])
def test_it_checks_gradients(
    model: str, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run_gradus(capsys, monkeypatch, "backprop", model, "--input", "3", "--check")
    assert done.code == code
    assert ("gradients are wrong: input 0, 0.weight, 0.bias" in done.out) == bool(code)
    document = json.loads(run_gradus(capsys, monkeypatch, "backprop", model, "--input", "3", "--check", "--json").out)
    assert document["right"] is not bool(code)
    assert {each["name"]: each["status"] for each in document["tensors"]}["2.weight"] == "right"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["net.py:wrong", "--input", "3"], "TanhBackward: has no explicit backward pass"),
        (["net.py:right"], "--input"),
        (["net.py:right", "--input", "three"], "--input"),
        (["net.py:right", "--input", "3", "--criterion", "mes"], "Did you mean `mse`"),
        (["net.py:right", "--input", "3", "--criterion", "mse", "--check"], "is not looked at by --check"),
        (["net.py:Words", "--input", "3"], "must give a tensor, got `dict`"),
        (["neural_lm"], "torch.nn.functional.embedding: has no explicit backward pass"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run_gradus(capsys, monkeypatch, "backprop", *arguments)
    assert done.code == 2
    assert said in done.err
    assert len(done.err.splitlines()) == 1
