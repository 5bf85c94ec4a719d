"""What the benchmark of the doctor's cost says can be relied upon: above all that its check fails when it should."""

import pytest
import torch
from torch.optim import Optimizer

from benchmarks import aten, doctor_cost
from gradus.diagnosis.updates import Updates


def test_watching_changes_neither_operations_nor_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_cost, "COMPARED", ("digits MLP",))
    text, unchanged = doctor_cost.operations()
    assert unchanged, text


def test_the_programs_own_operations_are_all_kept_apart_from_the_doctors() -> None:
    loop, apart = doctor_cost.Loop(doctor_cost.TASKS["digits MLP"](), watched=True), doctor_cost.Apart()
    kept = aten.record(lambda: apart.run(loop))
    # forward through two layers; backward to two weights, and to the input of the second
    assert sum(each.startswith("aten.addmm.") for each in kept) == 2 * doctor_cost.RECORDED
    assert sum(each.startswith("aten.mm.") for each in kept) == 3 * doctor_cost.RECORDED
    assert any(each.startswith("aten._foreach_norm") for each in apart.doctors)
    assert not any(each.startswith("aten._foreach_norm") for each in kept)


def test_a_doctor_that_touches_a_weight_is_caught(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def touch(self: Updates, optimizer: Optimizer) -> None:
        with torch.no_grad():
            optimizer.param_groups[0]["params"][0].mul_(1.0001)

    monkeypatch.setattr(Updates, "before_step", touch)
    monkeypatch.setattr(doctor_cost, "COMPARED", ("digits MLP",))
    assert doctor_cost.main(["--quick", "--parts", "operations"]) == 1
    assert "digits MLP: the weights differ" in capsys.readouterr().out


def test_a_watched_run_adds_up() -> None:
    run = doctor_cost.watch_run(doctor_cost.null_task(), steps=150)
    assert 10 < run.examinations < 40
    assert 0 < run.settled < run.total
    assert 0 < run.later < 1
    assert 0 < run.share < 1
    assert run.idle.middle < run.examined.middle
    assert run.findings == ()


def test_parts_are_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor_cost, "TASKS", {"digits MLP": doctor_cost.TASKS["digits MLP"]})
    monkeypatch.setattr(doctor_cost, "WHOLE_RUNS", {"digits MLP": 10})
    assert doctor_cost.main(["--quick", "--parts", "direct", "share", "ratio"]) == 0
    told = capsys.readouterr().out
    assert "digits MLP, at most 5.0%: missed with" in told  # fifteen steps, most of them examined
    assert "unwatched, again" in told
    assert all(f"Cockpit, {name}" in told for name in doctor_cost.COCKPIT)


@pytest.mark.slow
def test_memory_is_that_of_a_process_of_its_own() -> None:
    held = torch.ones(500_000_000)  # 2 GB, which the other process does not have
    assert 5e7 < doctor_cost.peak("digits MLP, batch 1,797", watched=True) < held.nbytes
