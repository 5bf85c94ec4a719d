"""DenseNets as torchvision builds them for photographs and pytorchcv for small images.

Those without compression are sums by hand: pytorchcv compresses them.
"""

from tests.contracts.counts import Row

COUNTS: list[Row] = [
    ("densenet121", {}, 7_978_856, 2_834_161_664),
    ("densenet169", {}, 14_149_480, 3_359_843_328),
    ("densenet201", {}, 20_013_928, 4_291_365_888),
    ("densenet161", {}, 28_681_000, 7_727_907_072),
    ("densenet_40_12", {}, 1_019_722, 264_812_928),
    ("densenet_100_12", {}, 6_979_642, 1_769_516_448),
    ("densenet_100_24", {}, 27_249_082, 6_889_347_744),
    ("densenet_bc_100_12", {}, 769_162, 287_929_692),
    ("densenet_bc_250_24", {}, 15_324_406, 5_418_785_724),
    ("densenet_bc_190_40", {}, 25_624_430, 9_301_945_740),
]
