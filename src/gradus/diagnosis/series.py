"""A number per step, in little room."""

import itertools
import math
from collections import deque
from collections.abc import Sequence

_BINS = 512
_RECENT = 64


class Series:
    """A number per step: the latest ones as they are, all of them as at most 512 bins, so that memory never grows."""

    def __init__(self) -> None:
        self.count = 0
        self.recent: deque[float] = deque(maxlen=_RECENT)
        self.first: list[float] = []
        self._width = 1
        self._sums: list[float] = []
        self._open_sum, self._open_count = 0.0, 0

    def append(self, value: float) -> None:
        """The value of one more step."""
        self.extend((value,))

    def extend(self, values: Sequence[float]) -> None:
        """Those of more steps, in order."""
        self.count += len(values)
        self.recent.extend(values)
        if not math.isfinite(sum(values)):
            values = [each for each in values if math.isfinite(each)]
        if len(self.first) < _RECENT:
            self.first.extend(values[: _RECENT - len(self.first)])
        at = 0
        while at < len(values):
            part = values[at : at + self._width - self._open_count]
            at += len(part)
            self._open_sum += sum(part)
            self._open_count += len(part)
            if self._open_count == self._width:
                self._close_bin()

    def _close_bin(self) -> None:
        self._sums.append(self._open_sum / self._width)
        self._open_sum, self._open_count = 0.0, 0
        if len(self._sums) == _BINS:
            self._sums = [(a + b) / 2 for a, b in zip(self._sums[::2], self._sums[1::2], strict=True)]
            self._width *= 2

    @property
    def bins(self) -> list[float]:
        """Means of equally long stretches, from the first step to the last but one whole stretch."""
        return self._sums

    def start(self, number: int = 10) -> float:
        """Mean of the first `number` values; NaN if there are none."""
        return _mean(self.first[:number])

    def end(self, number: int = 10) -> float:
        """Mean of the latest `number` values; NaN if one of them is not finite, or there are none."""
        return _mean(list(self.recent)[-number:])

    def quarters(self) -> list[float]:
        """Means of the four quarters; empty while there are fewer than eight values."""
        values = self._sums
        if len(values) < 8:
            return []
        cut = [round(len(values) * part / 4) for part in range(5)]
        return [_mean(values[a:b]) for a, b in itertools.pairwise(cut)]

    def __len__(self) -> int:
        return self.count


def _mean(values: list[float]) -> float:
    if not values or not all(map(math.isfinite, values)):
        return math.nan
    try:
        return math.fsum(values) / len(values)
    except OverflowError:  # the sum is too large for a number, which the mean may not be
        return math.fsum(value / len(values) for value in values)
