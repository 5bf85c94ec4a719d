import json
from pathlib import Path

import pytest

from tests.cli.command import run_gradus

BAD = (
    "train", "digits-lenet", "--model", "mlp", "--optimizer", "sgd", "--lr", "50", "--epochs", "5",
    "--batch-size", "128", "--set", "data.augment=[]", "--set", "schedule.name=constant", "--set", "doctor.budget=0.5",
)  # fmt: skip


def test_repair_is_told_on_stderr_in_the_document_and_in_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "run"
    done = run_gradus(capsys, monkeypatch, *BAD, "--run", place, "--repair", "--quiet", "--json")
    assert done.code == 0, done.err  # repaired, and healthy at the end
    document = json.loads(done.out)
    *_, last = document["repairs"]
    assert last["kept"]
    assert document["repaired"] == str(place / "repaired.toml")
    assert f"gradus repair {last['try']}: learning-rate-too-high" in done.err
    page = (place / "report.html").read_text()
    assert 'id="repair"' in page
    assert last["remedy"] in page
    assert "repaired.toml" in page


def test_without_it_the_same_run_is_ill(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run_gradus(capsys, monkeypatch, *BAD, "--run", tmp_path / "run", "--quiet", "--json")
    assert done.code == 1
    assert "repairs" not in json.loads(done.out)
    assert 'id="repair"' not in (tmp_path / "run" / "report.html").read_text()


def test_a_run_goes_on_as_it_was_begun(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run_gradus(capsys, monkeypatch, "train", "--resume", tmp_path, "--repair")
    assert done.code == 2
    assert "it cannot change doctor.repair" in done.err
