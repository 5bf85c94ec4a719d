"""What is tried where the remedies of the named causes are few."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from gradus.core.findings import Finding
from gradus.diagnosis.prescription.fixes import FIXES, Case
from gradus.diagnosis.prescription.prescribe import ENOUGH, Prescription, load_fixes, prescriptions, read_program
from gradus.diagnosis.prescription.second_line import SECOND_LINE
from gradus.diagnosis.remedies import BY_ID
from tests.diagnosis.prescription.programs import program, seen

PROGRAM = """
import torch
from torch.utils.data import DataLoader, Dataset
import numpy as np

class Shifted(Dataset):
    def __len__(self):
        return 64

    def __getitem__(self, i):
        rng = np.random.default_rng(0)
        return torch.roll(images[i], int(rng.integers(0, 9))), labels[i]

model = torch.nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=5.0)
for epoch in range(9):
    for x, y in DataLoader(Shifted(), batch_size=8, shuffle=True):
        loss = torch.nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""


def prescribed(causes: Sequence[str], *symptoms: str, source: str = PROGRAM) -> list[Prescription]:
    program = read_program(Path("script.py"), source.encode())
    assert program is not None
    findings = [
        Finding(
            symptom=each, where="", since_step=0, said_at_step=9, severity="warning", confidence=1.0, message=""
        )
        for each in symptoms
    ]  # fmt: skip
    return list(prescriptions(Case(program=program, cause="", findings=findings), causes))


def test_relatives_follow_where_a_cause_has_no_place_in_the_source() -> None:
    first = prescribed(["labels-unrelated"])[0]
    assert (first.cause, first.remedy.id) == ("duplicate-augmentation", "seed-once")
    assert first.remedy.text.startswith("If nothing else helps, try against duplicate-augmentation: Set seeds once")
    assert "+        rng = np.random.default_rng(torch.randint" in first.diff


def test_they_stand_after_all_that_was_named() -> None:
    found = [each.cause for each in prescribed(["missing-zero-grad", "duplicate-augmentation"])]
    assert found[:3] == ["duplicate-augmentation", "learning-rate-too-high", "exploding-gradient"]


def test_after_three_changes_against_what_was_named_others_are_suspected_before_the_rest_of_it() -> None:
    found = [(each.cause, each.remedy.id) for each in prescribed(["learning-rate-too-high"], "unscaled-inputs")]
    assert found[:3] == [("learning-rate-too-high", "lower-learning-rate")] * 3
    assert found[3][0] == "exploding-gradient"
    assert found[-1] == ("learning-rate-too-high", "schedule")


def test_every_named_cause_has_its_turn_before_others_are_suspected() -> None:
    named = ["learning-rate-too-high", "duplicate-augmentation", "overfitting"]
    assert [each.cause for each in prescribed(named)][:4] == [named[0], *named]


def test_what_was_found_and_not_named_comes_before_relatives_and_mere_symptoms_after() -> None:
    found = prescribed(["labels-unrelated"], "plateau", "learning-rate-too-high")
    assert [each.cause for each in found][:3] == ["learning-rate-too-high", "duplicate-augmentation", "plateau"]


@pytest.mark.parametrize(("causes", "first"), [(["overfitting"], "seed-once"), (["plateau"], "lower-learning-rate")])
def test_workers_that_draw_alike_come_first_where_a_model_overfits(causes: list[str], first: str) -> None:
    source = PROGRAM.replace("rng = np.random.default_rng(0)", "rng = np.random")
    source = source.replace("shuffle=True)", "shuffle=True, worker_init_fn=lambda i: np.random.seed(0))")
    assert prescribed(causes, source=source.replace("rng.integers", "np.random.randint"))[0].remedy.id == first


def test_of_different_texts_there_are_no_more_than_are_looked_for() -> None:
    found = prescribed(["labels-unrelated"], "plateau", "large-updates", "oscillation")
    assert len({each.diff for each in found}) == len(found) == ENOUGH


def test_where_nothing_is_named_what_a_practitioner_would_try() -> None:
    ways = [each.remedy.id for each in prescribed([])]
    assert ways[:2] == ["seed-once", "raise-learning-rate"]
    bare = PROGRAM.replace("optimizer.step()", "optimizer.step").replace("model(x)", "model(x.clamp(0, 1))")
    ways = [each.remedy.id for each in prescribed([], source=bare)]
    assert ways[:3] == ["seed-once", "call-step", "leave-out"]


@pytest.mark.parametrize("cause", SECOND_LINE)
def test_every_suspect_is_a_cause_and_every_remedy_can_change_a_source(cause: str) -> None:
    load_fixes()
    assert cause in BY_ID
    for suspect, remedy in SECOND_LINE[cause]:
        assert suspect in BY_ID
        assert FIXES[remedy]


def test_inputs_and_targets_are_scaled_together_before_either_alone() -> None:
    file = read_program(Path("script.py"), program("x, y = load()").encode())
    assert file is not None
    case = Case(program=file, cause="", history=seen())
    together, *others = prescriptions(case, ["unscaled-targets", "unscaled-inputs"])
    targets = next(each for each in others if each.remedy.id == "scale-targets")
    inputs = next(each for each in others if each.remedy.id == "scale-inputs")
    assert together.cause == "unscaled-targets"
    assert "target_mean, target_std = y[:80].mean(), y[:80].std()" in together.diff
    assert "x = (x - x[:80].mean(0)) / x[:80].std(0)" in together.diff
    assert together.remedy.text == f"{inputs.remedy.text} {targets.remedy.text}"
    assert together.diff not in {each.diff for each in others}
