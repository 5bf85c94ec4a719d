"""ShuffleNet V1 as pytorchcv builds it, V2 as torchvision does."""

from tests.contracts.counts import Row

COUNTS: list[Row] = [
    ("shufflenet_v1", {}, 1_865_728, 137_460_672),
    ("shufflenet_v1_g3", {}, 1_865_728, 137_460_672),
    ("shufflenet_v1_g1", {}, 1_531_936, 143_078_976),
    ("shufflenet_v1_g2", {}, 1_733_848, 140_836_512),
    ("shufflenet_v1_g4", {}, 1_968_344, 134_339_776),
    ("shufflenet_v1_g8", {}, 2_434_768, 138_365_952),
    ("shufflenet_v1_g1", {"width": 0.75}, 975_214, 82_542_672),
    ("shufflenet_v1_g1", {"width": 0.5}, 534_484, 38_517_408),
    ("shufflenet_v1_g1", {"width": 0.25}, 209_746, 11_003_184),
    ("shufflenet_v1", {"width": 0.75}, 1_238_266, 79_740_144),
    ("shufflenet_v1", {"width": 0.5}, 718_324, 37_589_856),
    ("shufflenet_v1", {"width": 0.25}, 305_902, 11_009_808),
    ("shufflenet_v1", {"width": 2.0}, 5_450_776, 524_045_184),
    ("shufflenet_v2", {}, 2_278_604, 144_907_992),
    ("shufflenet_v2_0.5", {}, 1_366_792, 40_476_448),
    ("shufflenet_v2_1.5", {}, 3_503_624, 295_759_392),
    ("shufflenet_v2_2.0", {}, 7_393_996, 583_253_464),
]
