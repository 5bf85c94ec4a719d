"""Networks with a spatial transformer, by hand; (x, y, 1) times the rows of a map are multiply-adds too."""

from tests.contracts.counts import Row

SIDE, HALF = 42**2, 21**2
MAP = 3 * SIDE
# Localisation 20(25 + 1) + 20(20 * 25 + 1) + 20(20 * 100 + 1); network 32(81 + 1) + 32(32 * 49 + 1) + 10(32 * 100 + 1)
PLAIN = 2_624 + 50_208 + 32_010
PLAIN_MACS = SIDE * 32 * 81 + HALF * 32 * 32 * 49 + 32_000
FOUND = 520 + 10_020 + 40_020
FOUND_MACS = SIDE * 500 + HALF * 10_000 + 40_000
# Localisation 32(1764 + 1) + 2 * 32(32 + 1); network 256(1764 + 1) + 256(256 + 1) + 10(256 + 1)
DENSE = 451_840 + 65_792 + 2_570
DENSE_FOUND = 56_480 + 2 * 1_056
COUNTS: list[Row] = [
    ("st_cnn", {}, PLAIN + FOUND + 6 * 21, PLAIN_MACS + FOUND_MACS + 6 * 20 + 2 * MAP),
    ("st_cnn", {"transform": "projective"}, PLAIN + FOUND + 8 * 21, PLAIN_MACS + FOUND_MACS + 8 * 20 + 3 * MAP),
    ("st_cnn", {"transform": "none"}, PLAIN, PLAIN_MACS),
    ("st_fcn", {}, DENSE + DENSE_FOUND + 6 * 33, 256 * (SIDE + 256 + 10) + 32 * (SIDE + 64 + 6) + 2 * MAP),
    ("st_fcn", {"transform": "none"}, DENSE, 256 * (SIDE + 256 + 10)),
]
