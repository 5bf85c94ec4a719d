"""``gradus activations`` as people and scripts use it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from gradus.nn import activations
from tests.cli.command import Done, run_gradus

OWN = """
from torch import nn

def bump(z, height=1.0):
    return height * (-z * z).exp()

class Doubled(nn.Module):
    def __init__(self, times=2):
        super().__init__()
        self.times = times
    def forward(self, z):
        return self.times * z

def soft(z):
    return z.softmax(0)
"""
Gradus = Callable[..., Done]


@pytest.fixture
def gradus_activations(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Gradus:
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_gradus(capsys, monkeypatch, "activations", *arguments)


def test_the_list_measures_every_one(gradus_activations: Gradus) -> None:
    done = gradus_activations("--json")
    found = {each["name"]: each["properties"] for each in json.loads(done.out)}
    assert (done.code, list(found)) == (0, activations.names())
    assert found["sigmoid"]["slopes"] == [0, 0.25]
    assert found["relu"]["range"] == [0, "Infinity"]
    assert [name for name, each in found.items() if each["normalizes"]] == ["scaled_tanh", "selu"]
    assert [name for name, each in found.items() if each["linear"]] == ["identity"]
    assert found["maxout"]["pieces"] == 2
    assert all(each["cost"]["both"] > 0 for each in found.values())


def test_the_table_has_a_line_for_each(gradus_activations: Gradus) -> None:
    head, *lines = gradus_activations().out.splitlines()
    assert [line.split()[0] for line in lines] == activations.names()
    assert "…" not in head  # nothing is cut where the output is a file
    (gelu,) = [line.split() for line in lines if line.startswith("gelu ")]
    assert gelu[1] == "28%"
    assert " ".join(gelu[3:]) == "left no -0.17 to inf 0 0.5 0.282 0"


def test_a_card_with_properties_and_curve(gradus_activations: Gradus) -> None:
    out = gradus_activations("hardswish", "--figure", "h.png").out
    for line in (
        "formula         f(z) = z min(max(0, z + 3), 6) / 6",
        "differentiable  but at -3 (slope 0 | -0.5), 3 (slope 1.5 | 1)",
        "saturates       below -3 (derivative 0)",
        "monotonic       no, turns at -1.5",
        "range           -0.375 to inf; slopes from -0.5 to 1.5",
    ):
        assert " ".join(line.split()) in [" ".join(each.split()) for each in out.splitlines()]
    assert out.count("o") > 60
    with Image.open("h.png") as drawn:
        assert drawn.size[0] > 500


def test_options_are_set(gradus_activations: Gradus) -> None:
    found = json.loads(gradus_activations("leaky_relu", "--set", "negative_slope=0.25", "--json").out)
    assert found["options"] == {"negative_slope": 0.25}
    assert found["properties"]["slopes_at_zero"] == [0.25, 1]
    assert found["elsewhere"] == {"keras": {"negative_slope": 0.3}}


@pytest.mark.parametrize(
    ("arguments", "slopes"), [("own.py:bump --set height=2.0", 1.7155277699), ("own.py:Doubled --set times=3", 3.0)]
)
def test_ones_own(gradus_activations: Gradus, arguments: str, slopes: float) -> None:
    found = json.loads(gradus_activations(*arguments.split(), "--json").out)
    assert found["name"] == arguments.split(maxsplit=1)[0]
    assert found["properties"]["slopes"][1] == pytest.approx(slopes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("rellu", "activation: unknown name, got `rellu`. Did you mean `relu`"),
        ("elu --set alpha=0", "activation `elu`: `alpha` should be greater than 0, got 0"),
        ("relu --figure relu.gif", "--figure: must be a file that ends in .png, .svg or .pdf, got `relu.gif`"),
        ("--figure all.png", "--figure: is for one activation. Name it."),
        ("--set alpha=1", "--set: is for one activation. Name it."),
        ("own.py:soft", "activation: must treat each number by itself. What it makes of one depends on others"),
        ("own.py:none", "{own}: has no callable of this name, got `none`"),
        ("own.py:Doubled --set by=3", "NAME own.py:Doubled: raises TypeError: "),
        ("own.py:bump --set wide=3", "activation: cannot be applied to numbers of shape (42,): "),
    ],
)
def test_what_cannot_be_shown(gradus_activations: Gradus, tmp_path: Path, arguments: str, message: str) -> None:
    done = gradus_activations(*arguments.split())
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("gradus: " + message.format(own=tmp_path / "own.py"))
    assert done.err.count("\n") == 1
