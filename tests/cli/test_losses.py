"""``gradus losses``: what a recipe's criterion and penalties can be."""

import json

import pytest

from gradus.losses import criteria
from gradus.losses.penalties import penalties
from tests.cli.command import run_gradus


def test_lists_criteria_and_penalties(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    entries = json.loads(run_gradus(capsys, monkeypatch, "losses", "--json").out)
    kinds = {kind: [each["name"] for each in entries if each["kind"] == kind] for kind in ("criterion", "penalty")}
    assert kinds == {"criterion": criteria.names(), "penalty": penalties.names()}


def test_shows_a_penaltys_card(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    card = json.loads(run_gradus(capsys, monkeypatch, "losses", "elastic_net", "--json").out)
    assert card["options"] == {"strength": None, "l1_ratio": 0.5}
    assert card["formula"].startswith("strength *")


def test_an_alias_is_the_criterion(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(run_gradus(capsys, monkeypatch, "losses", "pinball", "--json").out)["name"] == "quantile"


def test_an_unknown_name_is_refused_with_the_nearest(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run_gradus(capsys, monkeypatch, "losses", "hubber")
    assert done.code == 2
    assert "Did you mean `huber`?" in done.err


def test_options_read_as_a_recipe_has_them(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    said = run_gradus(capsys, monkeypatch, "losses", "group_lasso").out
    assert "strength (must be given), axis = 0" in said
    said = run_gradus(capsys, monkeypatch, "losses", "hinge").out
    assert "margin = 1.0, class_weights " in said
