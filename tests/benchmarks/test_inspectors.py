"""The inspector is right on every network of its benchmark, and the benchmark tells right from wrong."""

import os
from dataclasses import replace

import pytest
from torch import nn

from benchmarks import inspectors
from benchmarks.inspector_cases import CASES, TIMED, Case, Inputs
from benchmarks.inspectors import GRADUS, Answer, Tool, Verdict, ask, counts, is_installed, verdict

LINEAR = next(each for each in CASES if each.name == "linear on sequences")


def test_there_are_many_networks_and_no_two_have_one_name() -> None:
    assert len({each.name for each in CASES}) == len(CASES) >= 25


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gradus_is_right(case: Case) -> None:
    answer = GRADUS.count(case.build().eval(), case.inputs())
    assert (answer.macs, answer.parameters) == (case.macs, case.parameters)


@pytest.mark.parametrize(
    ("hand", "answer", "expected"),
    [
        (1000, Answer(1000), "right"),
        (1000, Answer(1025), "convention"),
        (1000, Answer(1026), "wrong"),
        (1000, Answer(999), "wrong"),  # nobody counts less for counting biases
        (1000, Answer(0), "missing"),
        (1000, Answer(None), "missing"),
        (1000, Answer(failure="IndexError"), "crashed"),
        (0, Answer(0), "right"),
        (0, Answer(1), "wrong"),
        (None, Answer(1000), "wrong"),
        (None, Answer(None), "right"),
        (None, Answer(failure="it depends"), "right"),
    ],
)
def test_verdicts(hand: int | None, answer: Answer, expected: Verdict) -> None:
    assert verdict(hand, answer) == expected


def raises(model: nn.Module, inputs: Inputs) -> Answer:
    nn.Linear.forward = None  # type: ignore[assignment]
    raise ValueError("no such\nluck")


def ends(model: nn.Module, inputs: Inputs) -> Answer:
    os._exit(3)


def test_a_tool_that_fails_says_why_and_harms_no_other() -> None:
    assert ask(Tool("", raises, "torch", "torch"), LINEAR) == Answer(failure="ValueError: no such")
    assert ask(Tool("", ends, "torch", "torch"), LINEAR) == Answer(failure="its process ended")
    assert ask(GRADUS, LINEAR) == Answer(LINEAR.macs, LINEAR.parameters)


def test_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    broken, absent = Tool("broken", raises, "torch", "torch"), Tool("absent", raises, "no_such_package", "none")
    monkeypatch.setattr(inspectors, "TOOLS", (GRADUS, broken, absent))
    monkeypatch.setattr(inspectors, "CASES", (LINEAR,))
    tools = [each for each in inspectors.TOOLS if is_installed(each)]
    text, right = counts(tools)
    told = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert right
    assert ["linear on sequences", "327,680", "right", "crashed"] in told
    assert ["gradus", "1", "0", "0", "0", "0", "1"] in [row[:1] + row[2:] for row in told]
    assert ["absent", "not installed", "", "", "", "", "", ""] in told
    assert "- broken, linear on sequences: ValueError: no such" in text


@pytest.mark.parametrize("fault", [{"macs": 327_681}, {"parameters": 8_193}])
def test_a_count_that_is_not_the_hands_fails_the_benchmark(
    fault: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspectors, "TOOLS", (GRADUS,))
    monkeypatch.setattr(inspectors, "CASES", (replace(LINEAR, **fault),))  # type: ignore[arg-type]
    assert inspectors.main(["--parts", "counts"]) == 1


@pytest.mark.slow
def test_an_analysis_takes_less_memory_than_a_real_run() -> None:
    network = TIMED[0]
    ours, _ = inspectors.alone(GRADUS, network, threads=1)
    theirs, _ = inspectors.alone(inspectors.FORWARD, network, threads=1)
    assert 0 < ours.memory < 20 < theirs.memory
