"""VGG networks as torchvision builds them."""

from tests.contracts.counts import Row

NORM = {"batch_norm": True}
COUNTS: list[Row] = [
    ("vgg11", {}, 132_863_336, 7_609_090_048),
    ("vgg11", NORM, 132_868_840, 7_609_090_048),
    ("vgg13", {}, 133_047_848, 11_308_466_176),
    ("vgg13", NORM, 133_053_736, 11_308_466_176),
    ("vgg16", {}, 138_357_544, 15_470_264_320),
    ("vgg16", NORM, 138_365_992, 15_470_264_320),
    ("vgg19", {}, 143_667_240, 19_632_062_464),
    ("vgg19", NORM, 143_678_248, 19_632_062_464),
]
