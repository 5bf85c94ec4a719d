"""MobileNet V1 as timm and pytorchcv build it."""

from tests.contracts.counts import Row

COUNTS: list[Row] = [
    ("mobilenet_v1", {}, 4_231_976, 568_740_352),
    ("mobilenet_v1_0.75", {}, 2_585_560, 325_400_448),
    ("mobilenet_v1_0.5", {}, 1_331_592, 149_497_088),
    ("mobilenet_v1_0.25", {}, 470_072, 41_030_272),
    ("mobilenet_v1_full", {}, 29_294_088, 4_867_293_184),
]
