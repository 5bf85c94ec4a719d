"""Limits: reading them, and whether they are kept."""

import pytest
import torch
from torch import nn

from gradus.analysis.budget import Subject, check, parse
from gradus.analysis.inspect import inspect
from gradus.analysis.roofline import seconds
from gradus.analysis.training_memory import training_memory
from gradus.core.errors import InputError
from tests.analysis.networks import AsksForNumbers
from tests.analysis.test_roofline import MACHINE


@pytest.mark.parametrize(
    ("text", "name", "sign", "amount"),
    [
        ("params<5M", "params", "<", 5e6),
        ("params <= 4.35 K", "params", "<=", 4350),
        ("macs>300", "macs", ">", 300),
        ("flops>=1.5T", "flops", ">=", 1.5e12),
        ("elementwise<2G", "elementwise", "<", 2e9),
        ("traffic<.5MB", "traffic", "<", 5e5),
        ("saved<2GB", "saved", "<", 2e9),
        ("saved<2GiB", "saved", "<", 2**31),
        ("saved<3KiB", "saved", "<", 3072),
        ("intensity>10", "intensity", ">", 10),
        ("field>=224", "field", ">=", 224),
    ],
)
def test_limits_are_read(text: str, name: str, sign: str, amount: float) -> None:
    (limit,) = parse(text)
    assert (limit.name, limit.sign, limit.amount, limit.text) == (name, sign, amount, text)


def test_several_limits_are_separated_by_commas() -> None:
    assert [each.text for each in parse(" params<5M,macs < 300M , field>3")] == ["params<5M", "macs < 300M", "field>3"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r'^budget: must be limits separated by commas, got \'\'\. Such as "params<5M, macs<300M, memory<2GB"\.$'),
        ("params<5M,", r"^budget: must be limits separated by commas, got ''"),
        ("params<5M; macs<3", r"got `params<5M; macs<3`"),
        ("macs<3, params=5", r"got `params=5`"),
        ("params<five", r"got `params<five`"),
        ("params<-5", r"got `params<-5`"),
        ("params<5e6", r"got `params<5e6`"),
        ("parms<5M", r"^budget: limits a figure that is not known, got `parms`\. Did you mean `params`\?$"),
        ("params<5MB", r"^budget: `params` must be in one of its units, got `params<5MB`\. They are: K, M, G, T\.$"),
        ("saved<2", r"^budget: `saved` must be in one of its units, got `saved<2`\. They are: B, KB, "),
        ("saved<2G", r"got `saved<2G`\. They are: B, KB, "),
        ("field<2K", r"got `field<2K`\. They are: none\.$"),
    ],
)
def test_the_part_that_does_not_parse_is_named(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse(text)


def subject(model: nn.Module, *inputs: torch.Tensor) -> Subject:
    return Subject(inspect(model, *inputs), model, inputs)


def test_limits_are_kept_or_broken_at_their_very_edge() -> None:
    of = subject(nn.Linear(10, 10, bias=False), torch.empty(1, 10))  # 100 parameters, 100 multiply-adds, 40 bytes kept
    holds = {
        each.limit.text: each.holds
        for each in check(parse("params<100, params<=100, params>100, params>=100, macs<0.101K, saved<=40B"), of)
    }
    assert holds == {
        "params<100": False, "params<=100": True, "params>100": False, "params>=100": True,
        "macs<0.101K": True, "saved<=40B": True,
    }  # fmt: skip


def test_a_verdict_tells_all() -> None:
    (verdict,) = check(parse("params<50"), subject(nn.Linear(10, 10, bias=False), torch.empty(1, 10)))
    assert verdict.to_json() == {"name": "params", "sign": "<", "limit": 50, "found": 100, "holds": False}


def test_memory_is_that_of_training() -> None:
    model, x = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 8)), torch.empty(16, 64)
    (verdict,) = check(parse("memory<1MB"), subject(model, x))
    assert verdict.found == training_memory(model, x).peak
    learned = 64 * 64 + 64 + 64 * 8 + 8
    assert verdict.found > 4 * 4 * learned  # weights, gradients and two moments


def test_what_is_not_known_keeps_no_limit() -> None:
    verdicts = check(parse("macs<1T, macs>1, memory<1TB, params<1K"), subject(AsksForNumbers(), torch.empty(2, 8)))
    assert [(each.found, each.holds) for each in verdicts] == [(None, False)] * 3 + [(128, True)]


def test_latency_is_the_predicted_time_of_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradus.analysis.budget.ceilings", {2: MACHINE}.__getitem__)
    model, x = nn.Linear(1000, 1000), torch.empty(8, 1000)
    found = inspect(model, x)
    (verdict,) = check(parse("latency<1us"), Subject(found, model, (x,), threads=2))
    assert verdict.found == seconds(found.trace, MACHINE) > 1e-5
    assert not verdict.holds
