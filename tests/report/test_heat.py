"""Maps of layers by steps: the shade of a number, the words beside it, and what is left out."""

import math
import re

import pytest

from gradus.report.heat import KINDS, MOST_COLUMNS, MOST_ROWS, SHADES, Scale, _shortened, heat_maps

GRADIENT, DEAD = KINDS[0], KINDS[2]


@pytest.mark.parametrize(
    ("values", "low", "high", "marks"),
    [
        ([2e-3, 0.5], -3, 0, ["1e-3", "1e-2", "1e-1", "1e0"]),
        ([0.01], -2, -1, ["1e-2", "1e-1"]),
        ([0.0, math.nan, math.inf], 0, 1, ["1e0", "1e1"]),
        ([1e-30, 1e20], -30, 22, ["1e-30", "1e-17", "1e-4", "1e9", "1e22"]),
    ],
)
def test_a_logarithmic_scale_has_its_numbers_between_marked_powers(
    values: list[float], low: int, high: int, marks: list[str]
) -> None:
    scale = Scale.of(GRADIENT, values)
    assert (scale.low, scale.high) == (low, high)
    assert [text for _, text in scale.marks()] == marks
    for place, text in scale.marks():
        assert place == pytest.approx((math.log10(float(text)) - low) / (high - low))


def test_shades_are_even_steps_of_their_scale() -> None:
    nine = Scale.of(GRADIENT, [1e-9, 1e0])
    assert [nine.shade(10 ** (power + 0.5)) for power in range(-9, 0)] == [str(each) for each in range(SHADES)]
    shares = Scale.of(DEAD, [])
    assert [shares.shade((each + 0.5) / SHADES) for each in range(SHADES)] == [str(each) for each in range(SHADES)]
    assert (shares.shade(0.0), shares.shade(1.0)) == ("0", "8")
    assert [nine.shade(each) for each in (0.0, math.nan, math.inf, 1e5, 1e-20)] == ["zero", "bad", "bad", "8", "0"]


def test_rows_columns_and_words_are_those_of_the_signs() -> None:
    signs = {
        40: {"b": {"gradient": 1e-7}, "late": {"gradient": math.nan, "dead": 0.25}},
        2: {"b": {"gradient": 0.0}, "": {"gradient": 0.5}},
        10: {"b": {"gradient": 0.02}},
    }
    gradient, dead = heat_maps(signs)
    assert (gradient["names"], gradient["steps"]) == (["b", "(the network)", "late"], [2, 10, 40])
    assert gradient["cells"] == [["0", "0.02", "1.00e-07"], ["0.5", "", ""], ["", "", "not finite"]]
    assert gradient["said"].endswith(
        "Smallest 1.00e-07 in b at step 40, largest 0.5 in the network at step 2. "
        "Zero 1 time, first in b at step 2. Not finite 1 time, first in late at step 40."
    )
    width, height = gradient["cell"]
    drawn = {
        (int(x) // width, (int(y) - gradient["head"]) // height): shade
        for shade, path in gradient["paths"].items()
        for x, y in re.findall(r"M(\d+) (\d+)", path)
    }
    # From 1e-7 to 1e1: every power of the seven is 9/8 shades.
    assert drawn == {(0, 0): "zero", (1, 0): "5", (2, 0): "0", (0, 1): "7", (2, 2): "bad"}
    assert gradient["holes"]
    assert (dead["names"], dead["cells"], dead["steps"]) == (["late"], [["", "", "25.0 %"]], [2, 10, 40])
    assert "25.0 % everywhere." in dead["said"]
    assert heat_maps({}) == heat_maps({3: {}}) == []


def test_what_is_too_much_is_spread_out_and_said_but_extremes_are_of_all() -> None:
    signs = {step: {f"l{layer}": {"update": 1e-3} for layer in range(300)} for step in range(100)}
    signs[98]["l298"]["update"] = 7.0  # neither is shown
    (shown,) = heat_maps(signs)
    assert len(shown["names"]) == len(shown["cells"]) == MOST_ROWS
    assert {len(row) for row in shown["cells"]} == {len(shown["steps"])} == {MOST_COLUMNS}
    assert (shown["names"][0], shown["names"][-1], shown["steps"][0], shown["steps"][-1]) == ("l0", "l299", 0, 99)
    assert 98 not in shown["steps"]
    assert "largest 7 in l298 at step 98." in shown["said"]
    assert "Shown are 120 of 300 layers, evenly spread. Shown are 60 of 100 examined steps" in shown["said"]
    # The words along the top do not run into each other.
    for (x, word), (following, _) in zip(shown["ticks"], shown["ticks"][1:], strict=False):
        assert x + 6.7 * len(word) < following
    assert shown["width"] >= shown["ticks"][-1][0] + 6.7 * len(shown["ticks"][-1][1])


def test_long_names_keep_their_numbers_and_their_end() -> None:
    assert _shortened("features.0.conv") == "features.0.conv"
    assert _shortened("encoder.layers.11.self_attention.projection") == "e.l.11.s.projection"
    assert _shortened("a" * 40) == "…" + "a" * 21
