"""Races as a GIF and as the text of a page; as a browser plays it: `tests/end_to_end/test_race.py`."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from gradus.core.errors import InputError, ResourceError
from gradus.optim.race import Race, race, racers
from gradus.optim.surfaces import surfaces
from gradus.report.race import _HEIGHT, _WIDTH, _contours, _levels, _spread, reached, render, write_gif, write_page

SADDLE = surfaces.get("saddle")


@pytest.fixture(scope="module")
def found() -> Race:
    return race(SADDLE, racers("sgd:lr=0.5,momentum:lr=1.0,adam:lr=1.0,sgd:lr=5.0"), steps=120)


def renamed(found: Race, name: str) -> Race:
    """With the first racer called so: an option's comment, as in "sgd:lr=1 # ...", can say anything."""
    first, *others = found.results
    return replace(found, results=(replace(first, racer=replace(first.racer, name=name)), *others))


def test_the_animation_has_its_frames_and_holds_the_last(found: Race, tmp_path: Path) -> None:
    place = write_gif(found, tmp_path / "race.gif", frames=12)
    with Image.open(place) as image:
        pictures, durations = [], []
        for frame in ImageSequence.Iterator(image):
            pictures.append(np.asarray(frame.convert("RGB"), dtype=int))
            durations.append(frame.info["duration"])
        assert image.info["loop"] == 0
    assert len(pictures) == len(_spread(120, 12)) == 12
    assert durations[-1] > 10 * durations[0]
    # A trail is added to what was there: from the first to the last frame more is drawn over the level lines.
    coloured = [int((np.ptp(each, axis=2) > 60).sum()) for each in pictures]
    assert coloured[-1] > coloured[0] + 500
    assert place.stat().st_size < 1_000_000


def test_frames_go_from_the_start_to_the_end_ever_faster() -> None:
    steps = _spread(500, 90)
    assert (steps[0], steps[-1]) == (0, 500)
    assert (np.diff(np.diff(steps)) >= -1).all()
    assert _spread(3, 90) == [0, 1, 2, 3]


@pytest.mark.parametrize("name", surfaces.names())
def test_level_lines_lie_where_the_surface_has_their_values(name: str) -> None:
    surface = surfaces.get(name)
    *_, values, levels = _levels(surface)
    (left, right), (bottom, top) = surface.domain
    paths = _contours(surface)
    assert len(paths) == len(levels)
    assert sum(bool(path) for path in paths) > 8
    for path, level in zip(paths, levels, strict=True):
        pixels = np.array(re.findall(r"(-?[\d.]+),(-?[\d.]+)", path), dtype=float).reshape(-1, 2)
        x, y = left + pixels[:, 0] * (right - left) / _WIDTH, top - pixels[:, 1] * (top - bottom) / _HEIGHT
        at = surface.build(torch.from_numpy(np.stack([x, y], -1))).numpy()
        if len(at):  # a grid of 241 by 241 and pixels in tenths do not hold them exactly
            assert np.median(np.abs(at - level)) < 0.05 * (level - surface.lowest) + 1e-3 * (values.max() - level) / 100


def test_the_page_says_who_got_there_and_who_did_not(found: Race) -> None:
    names = [each.racer.name for each in found.results]
    assert names == ["adam:lr=1.0", "momentum:lr=1.0", "sgd:lr=0.5", "sgd:lr=5.0"]
    first, second, *others = (reached(found, each) for each in found.results)
    assert 0 < int(first) < int(second) < 120
    assert others == ["not in 120", "diverged"]
    page = render(found)
    for each in found.results:
        assert f"> {each.racer.name}</th>" in page
    assert "not in 120" in page
    assert "From (-1, 0.001) to a value below -0.25, in at most 120 steps" in page
    heads = re.findall(r'<g class="head" transform="translate\((-?[\d.]+),(-?[\d.]+)\)"', page)
    x, y = found.results[0].descent.points[-1].tolist()
    assert float(heads[-1][0]) == pytest.approx((x + 1.5) / 3 * _WIDTH, abs=0.06)
    assert float(heads[-1][1]) == pytest.approx((14 - y) / 28 * _HEIGHT, abs=0.06)


def test_the_page_is_one_file_that_loads_nothing_and_escapes_names(found: Race, tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script>"
    page = write_page(renamed(found, evil), tmp_path / "race.html").read_text()
    assert evil not in page
    assert page.count("<script") == 2  # the numbers, and ours
    assert not re.search(r"(src|href)=|url\(|@import|https?:", page)
    with pytest.raises(ResourceError, match="cannot be written"):
        write_page(found, tmp_path / "no" / "race.html")


def test_a_name_is_no_formula(found: Race, tmp_path: Path) -> None:
    assert write_gif(renamed(found, r"sgd:lr=1 # $\frac{$"), tmp_path / "race.gif", frames=2).is_file()


def test_a_long_race_makes_no_long_page() -> None:
    long = race(surfaces.get("bowl"), racers("sgd:lr=1e-3"), steps=4500)
    page = render(long)
    trail = re.search(r'class="trail" points="([^"]+)"', page)
    assert trail is not None
    assert len(trail[1].split()) == 4500 // 5 + 1
    assert len(page) < 150_000


def test_what_is_no_animation_is_refused(found: Race, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ends in .gif, got `.*race.png`"):
        write_gif(found, tmp_path / "race.png")
    with pytest.raises(ResourceError, match="cannot be written"):
        write_gif(found, tmp_path / "no" / "race.gif", frames=2)
