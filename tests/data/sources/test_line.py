"""Points on a line lie on it."""

from typing import Any

import numpy as np
import pytest

from gradus.core.errors import InputError
from gradus.data.sources import open_data


def test_three_points_of_y_equal_to_two_x() -> None:
    data = open_data("line", {})
    assert data.task == "regression"
    assert data.train.inputs[0][:].tolist() == [[1], [2], [3]]
    assert data.train.target.tolist() == [[2], [4], [6]]


def test_slope_and_intercept_may_be_chosen() -> None:
    data = open_data("line", {"points": 5, "slope": -0.5, "intercept": 3})
    assert np.array_equal(data.train.target[:, 0], [2.5, 2, 1.5, 1, 0.5])


@pytest.mark.parametrize("options", [{"points": 0}, {"points": 2.5}, {"slope": "steep"}, {"slope": float("nan")}])
def test_options_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        open_data("line", options)
