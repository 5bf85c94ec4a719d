from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gradus.core.errors import InputError, ResourceError
from gradus.report.landscape import write_landscape
from gradus.training.landscape import Landscape

OFFSETS = tuple(np.linspace(-1, 1, 9).tolist())


def made(losses: torch.Tensor, *, other: bool = False) -> Landscape:
    return Landscape("validation", 10, OFFSETS, losses, other)


def bowl(centre: float) -> torch.Tensor:
    """Higher along the second direction."""
    at = torch.tensor(OFFSETS, dtype=torch.float64)
    return (at[:, None] - centre) ** 2 + 3 * (at[None, :]) ** 2


def test_lines_and_planes_are_drawn(tmp_path: Path) -> None:
    for name, losses in (("line.png", bowl(0)[:, 4]), ("plane.png", bowl(0)), ("plane.svg", bowl(0.5))):
        assert write_landscape(made(losses), tmp_path / name, "run").stat().st_size > 5000
    plane = np.asarray(Image.open(tmp_path / "plane.png").convert("L"))
    line = np.asarray(Image.open(tmp_path / "line.png").convert("L"))
    assert (plane < 200).sum() > (line < 200).sum()


@pytest.mark.parametrize("losses", [torch.ones(9, 9), bowl(0).masked_fill(bowl(0) > 2, torch.inf), bowl(0) / 0])
def test_flat_and_infinite_ones_too(losses: torch.Tensor, tmp_path: Path) -> None:
    assert write_landscape(made(losses), tmp_path / "plane.png").is_file()


def test_a_runs_name_is_no_formula(tmp_path: Path) -> None:
    assert write_landscape(made(bowl(0)), tmp_path / "plane.png", r"runs/$\frac{$").is_file()


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ends in .png, .svg or .pdf"):
        write_landscape(made(bowl(0)), tmp_path / "plane.html")
    with pytest.raises(ResourceError, match="cannot be written"):
        write_landscape(made(bowl(0)), tmp_path / "no" / "plane.png")
