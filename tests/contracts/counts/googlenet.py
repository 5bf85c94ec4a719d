"""GoogLeNet by hand from table 1, and as torchvision builds it."""

from tests.contracts.counts import Row

TORCHVISION = {"batch_norm": True, "kernel": 3}
COUNTS: list[Row] = [
    # the classifiers half-way have 3,188,840 and 3,190,888
    ("googlenet", {}, 6_998_552 + 3_188_840 + 3_190_888, 1_582_671_872),
    ("googlenet", {"auxiliary": False}, 6_998_552, 1_582_671_872),
    ("googlenet", TORCHVISION, 13_004_888, 1_498_376_192),
    ("googlenet", TORCHVISION | {"auxiliary": False}, 6_624_904, 1_498_376_192),
]
