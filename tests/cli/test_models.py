"""``gradus models``: the list and its filters, the card of one network, its blocks as text, JSON and SVG."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from gradus.models import create_model, models
from tests.cli.command import Done, run_gradus

Gradus = Callable[..., Done]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def gradus_models(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Gradus:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_gradus(capsys, monkeypatch, "models", *arguments)


def listed(done: Done) -> dict[str, dict[str, Any]]:
    assert done.code == 0
    return {each["name"]: each for each in json.loads(done.out)}


def test_one_family(gradus_models: Gradus) -> None:
    found = listed(gradus_models("--family", "lenet", "--json"))
    assert [(each["name"], each["parameters"], each["macs"]) for each in found.values()] == [
        ("lenet5", 61_706, 416_520),
        ("lenet5_1998", 60_000, 415_680),
    ]


def test_years_are_from_since_to_the_one_before(gradus_models: Gradus) -> None:
    found = listed(gradus_models("--since", "1988", "--before", "1998", "--json"))
    expected = {card.name: card.year for card in models.cards() if 1988 <= card.year < 1998}
    assert {name: each["year"] for name, each in found.items()} == expected
    assert {1988, 1997} <= set(expected.values())


def test_limits_are_strict_and_take_suffixes(gradus_models: Gradus) -> None:
    every = ("--family", "lenet", "--json", "--params-below")
    assert list(listed(gradus_models(*every, "61706"))) == ["lenet5_1998"]
    assert list(listed(gradus_models(*every, "61.707K"))) == ["lenet5", "lenet5_1998"]
    assert list(listed(gradus_models(*every, "0.061706m"))) == ["lenet5_1998"]
    assert list(listed(gradus_models(*every, "0.1m", "--macs-below", ".0004160G"))) == ["lenet5_1998"]
    assert listed(gradus_models(*every, "60K")) == {}
    assert gradus_models("--family", "lenet", "--params-below", "1K").out == "No network of the catalogue is so.\n"


@pytest.mark.parametrize("order", ["name", "year", "parameters", "macs"])
def test_the_list_is_sorted(gradus_models: Gradus, order: str) -> None:
    found = list(listed(gradus_models("--before", "2012", "--sort", order, "--json")).values())
    assert [each[order] for each in found] == sorted(each[order] for each in found)
    assert len({each[order] for each in found}) > 3


def test_the_table(gradus_models: Gradus) -> None:
    head, *lines = gradus_models("--family", "lenet", "--sort", "macs").out.splitlines()
    assert head.split() == ["name", "year", "input", "params", "MACs", "family"]
    assert [line.split() for line in lines] == [
        ["lenet5_1998", "1998", "1", "x", "32", "x", "32", "60.0", "K", "416", "K", "lenet"],
        ["lenet5", "1998", "1", "x", "32", "x", "32", "61.7", "K", "417", "K", "lenet"],
    ]


def test_a_card_says_theirs_and_ours(gradus_models: Gradus) -> None:
    card = json.loads(gradus_models("resnet50", "--json").out)
    assert card["published"] == {
        "parameters": None,
        "macs": 3.8e9,
        "where": "table 1",
        "built": {"stride_in": "1x1"},
        "counted": {"parameters": 25_557_032, "macs": 3_857_973_248},
        "difference": "",
    }
    assert (card["parameters"], card["macs"]) == (25_557_032, 4_089_184_256)
    assert card["preset"] == {"depth": 50}
    assert card["options"]["reduction"] == 32
    assert card["outputs"] == 1000
    assert "counts 1" in card["convention"]


def test_a_card_reads_aloud(gradus_models: Gradus) -> None:
    said = " ".join(gradus_models("resnet20").out.split())
    for part in (
        "published 270 K parameters; ours 269,722, -0.1 % (table 6)",
        "headline CIFAR-10 test error 8.75 %",
        "preset depth = 20",
        "convention one multiply-add",
        "stage1 3 x Residual (2 x conv 3 x 3) 16 x 32 x 32 14.0 K 14.2 M",
        "stage2 3 blocks 32 x 16 x 16 51.1 K 13.0 M",
        "1 .. 2 2 x Residual (2 x conv 3 x 3) 32 x 16 x 16 37.1 K 9.44 M",
        "pool global mean pool, flatten 64 - -",
        "output linear 10 650 640",
    ):
        assert part in said
    assert "published" not in gradus_models("mlp").out


def test_blocks_are_the_networks(gradus_models: Gradus) -> None:
    card = json.loads(gradus_models("resnet20", "--json").out)
    model = create_model("resnet20")
    for block in card["blocks"]:
        if block["depth"] == 0:
            part = model.get_submodule(block["name"])
            assert block["parameters"] == sum(each.numel() for each in part.parameters())
    assert [each["output"] for each in card["blocks"] if each["name"] in ("stage3", "output")] == [[64, 8, 8], [10]]


def test_the_blocks_are_drawn(gradus_models: Gradus) -> None:
    done = gradus_models("resnet20", "--svg", "resnet20.svg", "--json")
    card = json.loads(done.out)
    assert card["svg"] == "resnet20.svg"
    text = Path("resnet20.svg").read_text()
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    written = ["".join(each.itertext()).strip() for each in root.iter(f"{SVG}text")]
    for block in card["blocks"]:
        assert block["name"] + (f" x{block['times']}" if block["times"] > 1 else "") in written
        assert " x ".join(map(str, block["output"])) in written
    assert "270 K parameters" in written[1]
    height, below = float(root.get("height", 0)), 0.0
    for box in list(root.iter(f"{SVG}rect"))[1:]:  # the first is the paper
        assert float(box.get("x", 0)) + float(box.get("width", 0)) <= float(root.get("width", 0))
        below = max(below, float(box.get("y", 0)) + float(box.get("height", 0)))
    assert below < height
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")  # it loads nothing


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--family resnett", "--family: unknown family, got `resnett`. Did you mean `resnet`"),
        ("--params-below five", "--params-below: must be a number that may end in K, M or G, got `five`. Such as 5M."),
        ("--macs-below 5T", "--macs-below: must be a number that may end in K, M or G, got `5T`. Such as 5M."),
        ("--sort size", "--sort: must be one of name, year, parameters, macs, got `size`"),
        ("lenet5 --since 1990", "--since: is for the list of networks, got 1990. Leave out `lenet5`."),
        ("lenet5 --sort macs", "--sort: is for the list of networks, got `macs`. Leave out `lenet5`."),
        ("--svg all.svg", "--svg: is for one network. Name it."),
        ("lenet5 --svg lenet.png", "--svg: must be a file that ends in .svg, got `lenet.png`"),
        ("lenet", "model: unknown name, got `lenet`. Did you mean `lenet5`"),
    ],
)
def test_what_cannot_be_shown(gradus_models: Gradus, arguments: str, message: str) -> None:
    done = gradus_models(*arguments.split())
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"gradus: {message}")
    assert done.err.count("\n") == 1


def test_asking_for_help_does_not_import_torch() -> None:
    program = "import sys, gradus.cli.models, gradus.cli.main; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
