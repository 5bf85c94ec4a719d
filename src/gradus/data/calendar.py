"""Dates as numbers a network can use: how far along, and where in the year, the week and the day.

A cycle is given as a sine and a cosine, so that its end lies beside its beginning. Nothing here is fitted to data.
"""

import numpy as np
from numpy.typing import NDArray

_PARTS = ("days", "year sine", "year cosine", "week sine", "week cosine", "day sine", "day cosine")
_DAY = np.timedelta64(1, "D")
_DAYS_A_YEAR = 365.2425


def calendar_names(name: str) -> tuple[str, ...]:
    """The names of a date column's features."""
    return tuple(f"{name}: {part}" for part in _PARTS)


def calendar_of(feature: str) -> str:
    """The date column that a feature was made of."""
    return feature.rpartition(": ")[0]


def calendar_features(dates: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """(N, 7): days since 1970, then sine and cosine of the time of year, of the week (from Monday) and of day.

    A missing date, NaT, is NaN in all of them.
    """
    missing = np.isnat(dates)
    some = np.where(missing, np.datetime64("1970-01-01"), dates)
    days = (some - np.datetime64("1970-01-01")) / _DAY
    in_year = (some - some.astype("datetime64[Y]")) / _DAY / _DAYS_A_YEAR
    in_week = (days + 3) % 7 / 7  # the first of January 1970 was a Thursday
    in_day = days % 1
    turns = 2 * np.pi * np.stack([in_year, in_week, in_day], axis=1)
    features = np.empty((len(dates), len(_PARTS)))
    features[:, 0] = days
    features[:, 1::2], features[:, 2::2] = np.sin(turns), np.cos(turns)
    features[missing] = np.nan
    return features
