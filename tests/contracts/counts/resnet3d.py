"""ResNets for videos as torchvision builds them."""

from tests.contracts.counts import Row

COUNTS: list[Row] = [
    ("r3d_18", {}, 33_371_472, 40_696_553_472),
    ("mc3_18", {}, 11_695_440, 43_342_635_008),
    ("r2plus1d_18", {}, 31_505_325, 40_519_080_960),
]
