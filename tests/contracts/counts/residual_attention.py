"""Residual attention networks as the authors' network files and pytorchcv build them."""

from tests.contracts.counts import Row

COUNTS: list[Row] = [
    ("attention56", {}, 31_810_728, 6_270_836_736),
    ("attention92", {}, 52_466_344, 10_533_789_696),
]
