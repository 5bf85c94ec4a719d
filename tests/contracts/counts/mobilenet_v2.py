"""MobileNet V2 as torchvision and timm build it."""

from tests.contracts.counts import Row

COUNTS: list[Row] = [
    ("mobilenet_v2", {}, 3_504_872, 300_774_272),
    ("mobilenet_v2_0.35", {}, 1_677_128, 59_285_808),
    ("mobilenet_v2_0.5", {}, 1_968_680, 97_131_840),
    ("mobilenet_v2_0.75", {}, 2_636_424, 209_069_792),
    ("mobilenet_v2_1.3", {}, 5_386_792, 509_374_560),
    ("mobilenet_v2_1.4", {}, 6_108_776, 582_195_824),
]
