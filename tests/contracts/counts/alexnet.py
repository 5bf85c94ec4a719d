"""AlexNet by hand and as Caffe builds it, the single column as pytorchcv and torchvision do."""

from tests.contracts.counts import Row

COUNTS: list[Row] = [
    ("alexnet", {}, 60_965_224, 724_406_816),
    ("alexnet", {"columns": 1}, 62_378_344, 1_135_256_096),
    ("alexnet_owt", {}, 61_100_840, 714_188_480),
]
