from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from gradus.analysis.curve import Curve
from gradus.core.errors import InputError, ResourceError
from gradus.report.activation import REACH, sketch, write_activation


def test_a_sketch_puts_each_value_in_its_row() -> None:
    lines = [line[7:] for line in sketch(Curve(torch.relu)).splitlines()[:-1]]
    heights = np.linspace(REACH, 0, len(lines))
    for column, z in enumerate(np.linspace(-REACH, REACH, 65)):
        (row,) = [n for n, line in enumerate(lines) if line.ljust(65)[column] == "o"]
        assert abs(heights[row] - max(0, z)) <= REACH / (len(lines) - 1) / 2 + 1e-9
    slopes = [n for n, line in enumerate(lines) if "." in line]
    assert [round(float(heights[n]), 2) for n in slopes] == [1.0]  # where it is 0 the values lie over it


@pytest.mark.parametrize("function", [lambda z: 0 * z, lambda z: 1e6 * z, torch.sign])
def test_flat_steep_and_broken_curves_are_sketched(function: nn.Module) -> None:
    assert sketch(Curve(function)).count("o") >= 65


def test_a_figure_has_both_curves_and_a_gap_at_a_jump(tmp_path: Path) -> None:
    with Image.open(write_activation(Curve(torch.sign), "sign", tmp_path / "sign.png")) as drawn:
        pixels = np.asarray(drawn.convert("RGB"), dtype=int)
    blue = (pixels[..., 2] - pixels[..., 0] > 100).any(0)
    middle = np.flatnonzero(blue).mean().astype(int)
    assert blue.sum() > 300
    assert (pixels[..., 0] - pixels[..., 2] > 100).any()  # the derivative
    column = pixels[:, middle - 1 : middle + 2]
    assert not (column[..., 2] - column[..., 0] > 100).any()


def test_a_name_is_no_formula(tmp_path: Path) -> None:
    assert write_activation(Curve(torch.relu), r"a$\frac{$.py:f", tmp_path / "relu.png").is_file()


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^--figure: must be a file that ends in \.png, \.svg or \.pdf"):
        write_activation(Curve(torch.relu), "relu", tmp_path / "relu.gif")
    with pytest.raises(ResourceError, match="cannot be written"):
        write_activation(Curve(torch.relu), "relu", tmp_path / "absent" / "relu.png")
