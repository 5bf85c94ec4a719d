"""SqueezeNet as torchvision and pytorchcv build it."""

from tests.contracts.counts import Row

COUNTS: list[Row] = [
    ("squeezenet1_0", {}, 1_248_424, 818_924_576),
    ("squeezenet1_0", {"bypass": "simple"}, 1_248_424, 818_924_576),
    ("squeezenet1_1", {}, 1_235_496, 349_151_936),
    ("squeezenet1_1", {"bypass": "simple"}, 1_235_496, 349_151_936),
]
