from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from gradus.analysis.effective_field import effective_field
from gradus.analysis.receptive_field import receptive_fields
from gradus.core.errors import InputError, ResourceError
from gradus.core.graph import trace
from gradus.report.field import write_field

MODEL = nn.Sequential(nn.Conv2d(3, 4, 5, padding=2), nn.Conv2d(4, 4, 5, padding=2))


def test_influence_glows_within_the_box(tmp_path: Path) -> None:
    theoretical = receptive_fields(trace(MODEL, [torch.empty(1, 3, 40, 60)])).layers[0]
    field = effective_field(MODEL, (3, 40, 60))
    place = write_field(field, theoretical, tmp_path / "field.png", np.full((40, 60, 3), 0.5))
    with Image.open(place) as drawn:
        pixels = np.asarray(drawn.convert("RGB"), dtype=float)
    coloured = pixels.max(2) - pixels.min(2) > 40  # the glow, on grey
    rows, columns = coloured.any(1).nonzero()[0], coloured.any(0).nonzero()[0]
    side = pixels.shape[1] / 60  # of a position of the input
    assert 3 * side < np.ptp(columns) < 10 * side
    assert abs((columns[0] + columns[-1]) / 2 - 30.5 * side) < side
    assert np.ptp(rows) < 10 * side


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    field = effective_field(MODEL, (3, 20, 20))
    with pytest.raises(InputError, match=r"^field: must be a file that ends in \.png, \.svg or \.pdf"):
        write_field(field, (), tmp_path / "field.gif")
    with pytest.raises(InputError, match=r"^field: can be drawn of images only"):
        write_field(effective_field(nn.Conv1d(3, 4, 5), (3, 20)), (), tmp_path / "field.png")
    with pytest.raises(ResourceError, match="cannot be written"):
        write_field(field, (), tmp_path / "absent" / "field.png")
