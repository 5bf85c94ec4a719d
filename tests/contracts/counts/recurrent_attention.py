"""The recurrent attention model, by hand from section 4 of its paper."""

from tests.contracts.counts import Row

# Six glimpses of 64 numbers and a place to 128 each, both to 256, a core of 256 to 256; five places; classes.
# The places' layer has 514 parameters, the baseline 257, which training alone uses.
_MACS = 6 * (64 * 128 + 2 * 128 + 2 * 128 * 256 + 2 * 256 * 256) + 5 * 256 * 2 + 256 * 10
COUNTS: list[Row] = [
    ("recurrent_attention", {}, 209_677, _MACS),
    ("recurrent_attention", {"patch": 12, "scales": 3}, 256_781, _MACS + 6 * (432 - 64) * 128),
]
