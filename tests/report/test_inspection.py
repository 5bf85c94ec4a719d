"""The page of an inspection, as text; as a browser shows it: `tests/end_to_end/test_inspect.py`."""

from pathlib import Path

import pytest
import torch
from torch import nn

from gradus.analysis.inspect import inspect
from gradus.core.errors import ResourceError
from gradus.report.inspection import _MEASURES, _chart, render, write_inspection
from tests.analysis.networks import AsksForNumbers, resnet50


def test_blocks_are_as_wide_as_their_share_and_lie_below_their_module() -> None:
    # 6 * 10, then 10 * 10 and 10 * 4 multiply-adds: 200, of which the inner two are within "1".
    inner = nn.Sequential(nn.Linear(10, 10, bias=False), nn.ReLU(), nn.Linear(10, 4, bias=False))
    found = inspect(nn.Sequential(nn.Linear(6, 10, bias=False), inner), (6,))
    chart = _chart(found, _MEASURES[0])
    told = [(each["name"], each["depth"], each["start"], each["width"]) for each in chart["blocks"]]
    assert told == [
        ("Sequential", 0, "0.00", 100), ("0", 1, "0.00", 30), ("1", 1, "30.00", 70), ("1.0", 2, "30.00", 50),
        ("1.2", 2, "80.00", pytest.approx(20)),
    ]  # fmt: skip
    assert chart["said"] == "200; most in 1 (70.0 %), 0 (30.0 %)"
    assert chart["levels"] == 3


def test_what_there_is_none_of_has_no_chart() -> None:
    page = render(inspect(nn.ReLU(), (3,)))
    assert "Multiply-adds by depth" not in page
    assert "Memory traffic by depth" in page


def test_notes_and_figures_that_are_not_known_are_told() -> None:
    page = render(inspect(AsksForNumbers(), torch.empty(2, 8)))
    assert "not followed to its end: the model: " in page
    assert "<dt>multiply-adds</dt><dd>?</dd>" in page


def test_text_from_outside_is_escaped() -> None:
    evil = type("<script>alert(1)</script>", (nn.Sequential,), {})(nn.Linear(2, 2))
    evil.add_module("<img src=x>", nn.ReLU())
    page = render(inspect(evil, (2,)), title='"><script>alert(2)</script>')
    assert "<script>alert" not in page
    assert "<img" not in page
    assert page.count("<script>") == 1


def test_it_is_written_as_one_file(tmp_path: Path) -> None:
    place = write_inspection(inspect(resnet50(), (3, 224, 224)), tmp_path / "page.html", "ResNet-50")
    page = place.read_text()
    assert "<title>ResNet-50 · gradus</title>" in page
    assert "http" not in page.replace("http-equiv", "")
    assert place.stat().st_size < 300_000
    with pytest.raises(ResourceError, match="cannot be written"):
        write_inspection(inspect(nn.ReLU(), (2,)), tmp_path / "no" / "page.html")
