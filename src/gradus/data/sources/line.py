"""Points on a straight line: the smallest thing there is to learn."""

from typing import Annotated

import numpy as np
from pydantic import Field

from gradus.data.arrays import from_arrays
from gradus.data.raw import RawData
from gradus.data.sources import sources


@sources.register(source="the textbook's linear-regression walk-through")
def line(*, points: Annotated[int, Field(ge=1)] = 3, slope: float = 2.0, intercept: float = 0.0) -> RawData:
    """Points (x, slope x + intercept) for x = 1, 2, ..., without noise."""
    x = np.arange(1, points + 1, dtype=np.float32)[:, None]
    return from_arrays(x, slope * x + intercept, task="regression", kind="line")
