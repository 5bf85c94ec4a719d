"""The latency benchmark: its networks can be followed, and its figures are what they are called."""

import pytest
import torch
from scipy.stats import spearmanr

from benchmarks.latency import Row, correlation, patiently, report
from benchmarks.zoo import ZOO
from gradus.analysis.timing import Measured
from gradus.core.errors import ResourceError
from gradus.core.graph import trace


@pytest.mark.parametrize("name", ZOO)
def test_every_network_can_be_followed(name: str) -> None:
    with torch.device("meta"):
        model, x = ZOO[name].build(), torch.empty(ZOO[name].shape, dtype=torch.int64 if ZOO[name].words else None)
    assert trace(model, (x,)).unresolved == ""


def row(name: str, predicted: float, measured: float) -> Row:
    return Row(name, predicted, "compute", Measured(measured, 0.9 * measured, 1.1 * measured, 5, 1, ()))


NAMES = list(ZOO)[:6]
ROWS = [row(*each) for each in zip(NAMES, (1.0, 2.0, 8.0, 4.0, 5.0, 6.0), (1.0, 4.0, 4.5, 5.0, 3.0, 9.0), strict=True)]


def test_rank_correlation_is_spearmans() -> None:
    predicted, measured = [each.predicted for each in ROWS], [each.measured.seconds for each in ROWS]
    assert correlation(ROWS) == pytest.approx(spearmanr(predicted, measured).statistic)


def test_the_report_tells_ratios_and_the_worst() -> None:
    lines = report(ROWS).splitlines()
    assert lines[2].split("|")[2:5] == [" " * 6 + "1000.00 ", "  1000.00 [900.00, 1100.00] ", "  1.00 "]
    assert f"farthest off: {NAMES[1]} 0.50" in lines[-1]
    assert "all: 6 networks" in lines[-3]


def test_waiting_for_a_quiet_machine() -> None:
    tries: list[int] = []

    def attempt() -> str:
        tries.append(1)
        if len(tries) < 2:
            raise ResourceError("timing", "is loaded")
        return "done"

    assert patiently(attempt, patience=60) == "done"
    tries.clear()
    with pytest.raises(ResourceError):
        patiently(attempt, patience=-1)
