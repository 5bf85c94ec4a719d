"""``gradus inspect`` as people and scripts use it."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from gradus.analysis.ceilings import Ceilings, cached_at
from gradus.models import models
from tests.analysis.test_roofline import MACHINE
from tests.cli.command import Done, run_gradus

NETWORKS = """
import torch
from torch import nn

def build(): return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4))
def wide(): return nn.Sequential(nn.Linear(6, 10), nn.ReLU(), nn.Linear(10, 4))
made = build()
def number(): return 7
def fails(): raise KeyError("weights")
def leaves(): raise SystemExit(3)
def wants(n): return nn.Linear(n, n)
def deep(): return nn.Sequential(*[nn.Conv2d(3, 3, 3) for _ in range(10)], nn.ReLU())

class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.head = nn.Embedding(10, 8), nn.Linear(8, 4)
    def forward(self, tokens, mask):
        return self.head(self.embedding(tokens) * mask.unsqueeze(-1))

class Timed(nn.Module):
    def forward(self, x, steps):
        return x / steps[:, None]

class Adds(nn.Module):
    def __init__(self):
        super().__init__()
        self.long, self.short = nn.Linear(6, 5), nn.Linear(6, 3)
    def forward(self, x):
        return self.long(x) + self.short(x)

class Raises(nn.Module):
    def forward(self, x):
        raise ValueError("not on Sundays")

class Asks(nn.Module):
    def forward(self, x):
        return x + 1 if x.sum() > 0 else x

def image(): return nn.Sequential(nn.Conv2d(3, 256, 3, padding=1), nn.Conv2d(256, 256, 3, padding=1, bias=False))
def up(): return nn.Sequential(nn.ConvTranspose2d(3, 4, 3, 2))

class Unbatched(nn.Module):
    def forward(self, x):
        assert x.dim() == 1
        return x + 1
"""

Gradus = Callable[..., Done]


@pytest.fixture
def gradus_inspect(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Gradus:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NETWORKS)
    return lambda *arguments: run_gradus(capsys, monkeypatch, "inspect", *arguments)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ceilings:
    """Its ceilings have been measured before, so that nothing is measured here."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    place = cached_at(1)
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(MACHINE.document()))
    return MACHINE


def test_it_prints_the_promised_document(gradus_inspect: Gradus) -> None:
    found = json.loads(gradus_inspect("net.py:build", "--input", "6", "--json").out)
    assert (found["model"], found["input"]) == ("net.py:build", [[1, 6]])
    assert (found["parameters"], found["trainable"], found["macs"], found["elementwise"]) == (59, 59, 50, 5)
    assert found["saved_bytes"] == 4 * (6 + 5)  # the input, and what came out of the rectifier
    assert (found["uncounted"], found["unresolved"]) == ({}, [])
    assert "receptive_field" not in found
    assert found["layers"][1] == {
        "name": "0", "type": "Linear", "depth": 1, "input": [[1, 6]], "output": [[1, 5]],
        "parameters": 35, "own_parameters": 35, "macs": 30, "elementwise": 0,
        "read_bytes": 4 * (6 + 35), "written_bytes": 4 * 5, "saved_bytes": 4 * 6,
    }  # fmt: skip


def test_it_folds_what_lies_deeper(gradus_inspect: Gradus) -> None:
    whole = gradus_inspect("lenet5").out
    assert "parameters         61,706 (61,706 trainable, 0 frozen)\n" in "\n".join(map(str.rstrip, whole.splitlines()))
    assert "416,520" in whole
    assert "Conv2d" in whole
    assert "Conv2d" not in gradus_inspect("lenet5", "--depth", "0").out


def test_a_table_that_goes_into_a_file_is_whole(gradus_inspect: Gradus) -> None:
    out = gradus_inspect("lenet5").out
    assert "not shown" not in out
    assert 100 < max(map(len, out.splitlines())) <= 120


@pytest.mark.parametrize("name", sorted({card.family: card.name for card in models.cards()}.values()))
def test_it_knows_the_inputs_of_the_catalogue(
    name: str, gradus_inspect: Gradus, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = json.loads(gradus_inspect(name, "--json").out)
    card = json.loads(run_gradus(capsys, monkeypatch, "models", name, "--json").out)
    assert (found["parameters"], found["macs"]) == (card["parameters"], card["macs"])


def test_a_batch_has_as_many_examples_as_are_asked_for(gradus_inspect: Gradus) -> None:
    one, many = (json.loads(gradus_inspect("neural_lm", "--batch", n, "--json").out) for n in (1, 8))
    assert many["input"] == [[8, 16]]
    assert (many["macs"], many["parameters"]) == (8 * one["macs"], one["parameters"])
    given = json.loads(gradus_inspect("neural_lm", "--batch", 8, "--input", 16, "--json").out)
    assert given == many  # tokens, as the catalogue knows
    whole = json.loads(gradus_inspect("net.py:Unbatched", "--batch", 0, "--input", 5, "--json").out)
    assert whole["input"] == [[5]]


def test_tokens_and_inputs_by_keyword(gradus_inspect: Gradus) -> None:
    arguments = ("net.py:Masked", "--input", "mask=12:bool", "--input", "12:int64", "--batch", 2, "--json")
    found = json.loads(gradus_inspect(*arguments).out)
    assert found["input"] == [[2, 12], [2, 12]]
    assert found["macs"] == 2 * 12 * 8 * 4


def test_an_input_may_be_one_number_for_each_example(gradus_inspect: Gradus) -> None:
    steps = ("net.py:Timed", "--input", 6, "--batch", 4, "--json")
    for given in (":int64", "steps=:int64"):
        assert json.loads(gradus_inspect(*steps, "--input", given).out)["input"] == [[4, 6], [4]]


def test_a_module_that_is_there_already_is_used(gradus_inspect: Gradus) -> None:
    made, built = (json.loads(gradus_inspect(f"net.py:{n}", "--input", 6, "--json").out) for n in ("made", "build"))
    assert made | {"model": ""} == built | {"model": ""}


def test_rows_for_a_spreadsheet(gradus_inspect: Gradus, tmp_path: Path) -> None:
    printed = gradus_inspect("lenet5", "--csv", "-")
    assert gradus_inspect("lenet5", "--csv", "layers.csv").out.startswith(" ")  # the table is printed too
    assert (tmp_path / "layers.csv").read_text() == printed.out
    rows = list(csv.DictReader(io.StringIO(printed.out)))
    assert (rows[0]["parameters"], rows[0]["macs"]) == ("61706", "416520")


def test_a_page_is_written(gradus_inspect: Gradus, tmp_path: Path) -> None:
    done = gradus_inspect("lenet5", "--html", "page.html", "--json")
    assert (done.code, done.err) == (0, "")
    assert "<h1>lenet5</h1>" in (tmp_path / "page.html").read_text()
    assert json.loads(done.out)["macs"] == 416_520


def test_networks_side_by_side(gradus_inspect: Gradus) -> None:
    arguments = ("net.py:build", "--compare", "net.py:wide", "--compare", "net.py:build", "--input", 6)
    lines = [line.split() for line in gradus_inspect(*arguments).out.splitlines()]
    assert lines[0] == ["net.py:build", "net.py:wide", "ratio", "net.py:build", "ratio"]
    assert lines[1] == ["parameters", "59", "114", "1.93x", "59", "1x"]
    assert lines[3] == ["multiply-adds", "50", "100", "2x", "50", "1x"]
    told = json.loads(gradus_inspect(*arguments, "--json").out)
    assert (told["model"], told["macs"]) == ("net.py:build", 50)
    assert [each["figures"]["macs"] for each in told["compared"]] == [50, 100, 50]
    assert told["compared"][1]["ratios"]["params"] == 114 / 59


def test_networks_are_compared_each_at_its_usual_input(gradus_inspect: Gradus) -> None:
    told = json.loads(gradus_inspect("lenet5", "--compare", "mlp", "--json").out)
    assert [each["input"] for each in told["compared"]] == [[[1, 1, 32, 32]], [[1, 1, 28, 28]]]


def test_what_is_not_known_of_a_compared_network_is_said(gradus_inspect: Gradus) -> None:
    out = gradus_inspect("net.py:build", "--compare", "net.py:Asks", "--input", 6).out
    assert "note of net.py:Asks: not followed to its end: the model: " in out


def test_a_budget_that_is_kept_and_one_that_is_broken(gradus_inspect: Gradus) -> None:
    kept = gradus_inspect("lenet5", "--budget", "params<62K, saved<1MB")
    assert kept.code == 0
    assert [line.split() for line in kept.out.splitlines()[-2:]] == [
        ["params<62K", "61.7", "K", "holds"], ["saved<1MB", "47.9", "KiB", "holds"],
    ]  # fmt: skip
    broken = gradus_inspect("lenet5", "--budget", "params<62K, macs<0.4M", "--json")
    assert broken.code == 1
    assert json.loads(broken.out)["budget"] == [
        {"name": "params", "sign": "<", "limit": 62_000, "found": 61_706, "holds": True},
        {"name": "macs", "sign": "<", "limit": 400_000, "found": 416_520, "holds": False},
    ]
    unknown = gradus_inspect("net.py:Asks", "--input", 3, "--budget", "macs<1T")
    assert (unknown.code, unknown.out.splitlines()[-1].split()) == (1, ["macs<1T", "?", "broken"])


def test_memory_grows_with_the_batch_that_is_trained_on(gradus_inspect: Gradus) -> None:
    peaks = {}
    for batch in (1, 64, 128):
        arguments = ("small_cnn", "--batch", batch, "--budget", "memory<1MB", "--json")
        peaks[batch] = json.loads(gradus_inspect(*arguments).out)["budget"][0]["found"]
    assert peaks[1] > 4 * 4 * 72_666  # weights, gradients and two moments
    assert peaks[128] / peaks[64] == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("net.py:build", "--input: must be given for a network of your own. Such as --input 3,224,224."),
        ("net.py:build --input 3,a", "--input: must be whole numbers above 0, separated by commas, got `3,a`"),
        ("net.py:build --input 0", "--input: must be whole numbers above 0, separated by commas, got `0`"),
        ("net.py:build --input x=", "--input: must be whole numbers above 0, separated by commas, got `x=`"),
        ("net.py:build --input :", "--input: must be whole numbers above 0, separated by commas, got `:`"),
        ("net.py:build --input =3", "--input: must be whole numbers above 0, separated by commas, got `=3`"),
        ("net.py:build --input 6:text", "--input: must be of a type that torch has, such as int64 or float32, got `te"),
        ("net.py --input 6", "MODEL: must look like `file.py:callable`, got `net.py`"),
        ("nosuch", "model: unknown name, got `nosuch`"),
        ("net.py:number --input 6", "net.py:number: must make a torch.nn.Module, got `int`"),
        ("net.py:fails --input 6", "net.py:fails: raises KeyError: 'weights'"),
        (
            "net.py:wants --input 6",
            "net.py:wants: raises TypeError: wants() missing 1 required positional argument: 'n'",
        ),
        ("net.py:leaves --input 6", "net.py:leaves: raises SystemExit: 3"),
        ("net.py:build --input 7", "0 (Linear): cannot run given (1, 7): "),
        ("net.py:Adds --input 6", "Adds (Adds): cannot run given (1, 6): "),
        (
            "net.py:Masked --input 6:int64",
            "Masked (Masked): cannot run given (1, 6): Masked.forward() missing 1 required ",
        ),
        ("net.py:build --input 6 --input 6", "Sequential (Sequential): cannot run given (1, 6), (1, 6): "),
        ("net.py:build --input y=6", "Sequential (Sequential): cannot run given (1, 6): "),
        ("net.py:Masked --input 6 --input 6", "embedding (Embedding): cannot run given (1, 6): Expected tensor for "),
        ("net.py:Raises --input 6", "Raises (Raises): cannot run given (1, 6): not on Sundays\n"),
        ("lenet5 --compare net.py:Raises --input 1,32,32", "Raises (Raises): cannot run given (1, 1, 32, 32): not on "),
        ("lenet5 --budget params<", "budget: must be limits separated by commas, got `params<`. Such as "),
        ("lenet5 --budget macs<3,size<5", "budget: limits a figure that is not known, got `size`. "),
        ("lenet5 --csv - --json", "--csv -: would be printed among what other options print. Give a path."),
        ("lenet5 --csv no/such.csv", "no/such.csv: cannot be written (No such file or directory). Name another place."),
        ("lenet5 --html no/such.html", "no/such.html: cannot be written (No such file or directory). Name another pl"),
        ("lenet5 --field no/such.png", "no/such.png: cannot be written (No such file or directory). Name another pla"),
        ("lenet5 --batch -1", "Invalid value for '--batch'"),
    ],
)
def test_what_does_not_fit_is_told_in_a_line(arguments: str, message: str, gradus_inspect: Gradus) -> None:
    done = gradus_inspect(*arguments.split())
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"gradus: {message}")
    assert done.err.count("\n") == 1


def test_what_a_network_wants_and_what_met_in_it_is_told(gradus_inspect: Gradus) -> None:
    assert gradus_inspect("net.py:Masked", "--input", "6:int64").err.endswith("It takes tokens, mask.\n")
    assert gradus_inspect("net.py:wants", "--input", 6).err.endswith("It is called without arguments.\n")
    added = gradus_inspect("net.py:Adds", "--input", 6).err
    assert "[1, 3]" in added
    assert "[1, 5]" in added
    assert "[6, 5]" in gradus_inspect("net.py:build", "--input", 7).err


def test_memory_of_training(gradus_inspect: Gradus) -> None:
    asked = ("net.py:build", "--input", 6, "--depth", 0, "--optimizer", "adam")
    found = json.loads(gradus_inspect(*asked, "--json").out)["training_memory"]
    assert (found["parameters"], found["gradients"]) == (4 * 59, 4 * 59)
    assert found["optimizer_state"] == 2 * 4 * 59 + 4 * 4  # two moments, and the steps of each tensor
    assert (found["optimizer"], found["precision"]) == ("adam", "float32")
    assert "training with adam in bf16" in gradus_inspect(*asked, "--precision", "bf16").out


@pytest.mark.usefixtures("machine")
def test_guidelines_and_alternatives(gradus_inspect: Gradus) -> None:
    asked = ("net.py:image", "--input", "3,28,28", "--depth", 0, "--guidelines", "--alternatives", "--threads", 1)
    found = json.loads(gradus_inspect(*asked, "--json").out)
    assert [each["guideline"] for each in found["guidelines"]["scores"]] == ["G1", "G2", "G3", "G4"]
    assert found["guidelines"]["broken"][0]["place"] == "0"  # from 3 to 256 channels
    wide = found["alternatives"][0]
    assert (wide["name"], wide["now"]["macs"], wide["then"]["macs"]) == ("1", 462_422_016, 53_186_560)
    told = gradus_inspect(*asked).out
    assert "G1 equal widths" in told
    assert " 8.7x " in told
    many = ("net.py:deep", "--input", "3,28,28", "--alternatives", "--threads", 1)
    assert gradus_inspect(*many).out.endswith("\nand 2 more\n")
    assert "alternatives: none" in gradus_inspect("net.py:build", "--input", 6, "--alternatives", "--threads", 1).out


def test_predicted_times(gradus_inspect: Gradus, machine: Ceilings) -> None:
    asked = ("net.py:build", "--input", 6, "--depth", 1, "--threads", 1, "--time")
    found = json.loads(gradus_inspect(*asked, "--json").out)["timing"]
    assert [each["name"] for each in found["layers"]] == ["", "0", "1", "2"]
    assert found["seconds"] == pytest.approx(sum(each["seconds"] for each in found["layers"][1:]))
    assert found["seconds"] > 4 * machine.call  # four modules are called
    assert (found["threads"], found["layers"][1]["measured"]) == (1, None)
    told = gradus_inspect(*asked).out
    assert "bound by" in told
    assert "fewer multiply-adds alone would save at most" in told
    limits = ("net.py:build", "--input", 6, "--threads", 1, "--budget", "latency<1us")
    (verdict,) = json.loads(gradus_inspect(*limits, "--json").out)["budget"]
    assert verdict["found"] == pytest.approx(found["seconds"])


def test_measured_times_stand_beside(
    gradus_inspect: Gradus, machine: Ceilings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gradus.analysis.timing.MOST", float("inf"))  # other tests may run meanwhile
    asked = ("lenet5", "--depth", 1, "--threads", 1, "--measure")
    found = json.loads(gradus_inspect(*asked, "--json").out)["timing"]
    measured = found["measured"]
    assert 0 < measured["low"] <= measured["seconds"] <= measured["high"]
    assert all(each["measured"] > 0 for each in found["layers"])
    assert "predicted were" in gradus_inspect(*asked).out


@pytest.mark.usefixtures("machine")
def test_alternatives_are_timed(gradus_inspect: Gradus) -> None:
    asked = ("net.py:image", "--input", "3,28,28", "--depth", 0, "--threads", 1, "--alternatives")
    wide = json.loads(gradus_inspect(*asked, "--json").out)["alternatives"][0]
    assert wide["faster"] == pytest.approx(wide["now"]["seconds"] / wide["then"]["seconds"])
    assert wide["now"]["seconds"] > 2 * 462_422_016 / 200e9  # at the rate of convolutions on that machine
    assert " faster" in gradus_inspect(*asked).out


def test_a_loaded_machine_tells_no_times(
    gradus_inspect: Gradus, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("gradus.analysis.timing.MOST", -1.0)  # any load is too much
    done = gradus_inspect("net.py:build", "--input", 6, "--threads", 1, "--time")
    assert (done.code, done.out) == (2, "")
    assert "gradus: measuring ceilings: needs a machine that does little else" in done.err
    asked = gradus_inspect("net.py:image", "--input", "3,28,28", "--threads", 1, "--alternatives")
    assert (asked.code, "no times: measuring ceilings: needs a machine" in asked.out) == (0, True)


def test_checkerboard(gradus_inspect: Gradus) -> None:
    asked = ("net.py:up", "--input", "3,9,9", "--checkerboard")
    found = json.loads(gradus_inspect(*asked, "--json").out)["checkerboard"]
    assert (found["period"], found["counts"]) == ([2, 2], [[4, 2], [2, 1]])
    assert "checkerboard: uneven: positions are written 1 to 4 times." in gradus_inspect(*asked).out


def test_the_effective_field_is_drawn_over_an_image(gradus_inspect: Gradus, tmp_path: Path) -> None:
    Image.effect_noise((30, 20), 50).save(tmp_path / "noise.png")
    asked = ("net.py:image", "--input", "3,32,32", "--field", "field.png", "--image", "noise.png", "--layer", "0")
    found = json.loads(gradus_inspect(*asked, "--json").out)["effective_field"]
    size = pytest.approx(3, abs=0.2)  # of random weights, that of a corner may be next to nothing
    assert found == {"layer": "0", "size": size, "drawn": "field.png"}
    with Image.open(tmp_path / "field.png") as drawn:
        assert drawn.size[0] > 500
    begun = gradus_inspect("lenet5", "--field", "lenet5.svg")  # a network of the catalogue, begun anew
    assert "effective receptive field of c5_activation: " in begun.out  # its output sees all


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--precision bf16", "--precision: says more about --optimizer, which is not given, got `bf16`"),
        ("--threads 1", "--threads: says more about --time, which is not given, got `1`"),
        ("--image cat.png", "--image: says more about --field, which is not given, got `cat.png`"),
        ("--field a.png --image cat.png", "--image: must be a file that can be read, got `cat.png`"),
        ("--field a.png --layer body", "layer: must be a module of the network, got `body`"),
        ("--field a.gif", "field: must be a file that ends in .png, .svg or .pdf, got `a.gif`"),
        ("--checkerboard", "Sequential: must up-sample its input"),
        ("--optimizer lion", "optimizer: must be one of sgd, momentum"),
    ],
)
def test_what_more_cannot_be_told(gradus_inspect: Gradus, arguments: str, message: str) -> None:
    done = gradus_inspect("net.py:image", "--input", "3,28,28", *arguments.split())
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"gradus: {message}")
    assert done.err.count("\n") == 1


def test_what_depends_on_numbers_is_run_when_asked(gradus_inspect: Gradus) -> None:
    asked = ("net.py:Asks", "--input", 6, "--json")
    assert json.loads(gradus_inspect(*asked).out)["unresolved"]
    found = json.loads(gradus_inspect(*asked, "--run").out)
    assert (found["unresolved"], found["layers"][0]["output"]) == ([], [[1, 6]])


@pytest.mark.parametrize("option", ["--json", "--guidelines", "--budget=params<5M", "--compare=net.py:wide"])
def test_rows_are_not_printed_among_others(gradus_inspect: Gradus, option: str) -> None:
    done = gradus_inspect("net.py:build", "--input", 6, "--csv", "-", option)
    assert (done.code, done.out) == (2, "")
    assert done.err == "gradus: --csv -: would be printed among what other options print. Give a path.\n"
