"""Networks side by side."""

import pytest
import torch
from torch import nn

from gradus.analysis.comparison import cells, compare, document
from gradus.analysis.inspect import inspect
from tests.analysis.networks import AsksForNumbers

DENSE = nn.Conv2d(256, 256, 3, padding=1, bias=False)
SEPARABLE = nn.Sequential(nn.Conv2d(256, 256, 3, padding=1, groups=256, bias=False), nn.Conv2d(256, 256, 1, bias=False))


def test_ratios_are_to_the_first() -> None:
    dense, separable = inspect(DENSE, (256, 28, 28)), inspect(SEPARABLE, (256, 28, 28))
    rows = {each.name: each for each in compare(separable, dense, separable)}
    assert rows["macs"].amounts == (53_186_560, 462_422_016, 53_186_560)
    assert rows["macs"].ratios == pytest.approx((1, 2304 / 265, 1))  # case 8 of the trial: 8.6943
    assert rows["params"].ratios[1] == 589_824 / 67_840
    assert rows["field"].amounts == (3, 3, 3)
    assert rows["elementwise"].ratios == (None, None, None)  # none has any


def test_what_is_not_known_has_no_ratio() -> None:
    known, unknown = inspect(nn.Linear(8, 8), torch.empty(2, 8)), inspect(AsksForNumbers(), torch.empty(2, 8))
    rows = {each.name: each for each in compare(known, unknown)}
    assert (rows["macs"].amounts, rows["macs"].ratios) == ((128, None), (1, None))
    assert rows["params"].ratios == (1, 128 / 72)
    first = {each.name: each.ratios for each in compare(unknown, known)}
    assert first["saved"] == (None, None)


def test_as_people_and_as_programs_read_it() -> None:
    names, founds = ["dense", "separable"], [inspect(DENSE, (256, 28, 28)), inspect(SEPARABLE, (256, 28, 28))]
    table = cells(names, founds)
    assert table[0] == ["", "dense", "separable", "ratio"]
    assert ["multiply-adds", "462 M", "53.2 M", "0.115x"] in table
    assert ["element-wise operations", "0", "0", "-"] in table
    told = document(names, founds)
    assert [(each["model"], each["input"]) for each in told] == [(name, [[1, 256, 28, 28]]) for name in names]
    assert told[1]["figures"]["macs"] == 53_186_560
    assert told[1]["ratios"]["macs"] == pytest.approx(265 / 2304)
    assert told[0]["ratios"]["macs"] == 1
