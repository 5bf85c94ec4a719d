"""SE-ResNets as pytorchcv and timm build them, and with CBAM by hand."""

from tests.contracts.counts import Row

COUNTS: list[Row] = [
    ("se_resnet18", {}, 11_778_592, 1_814_160_384),
    ("se_resnet34", {}, 21_958_868, 3_663_918_592),
    ("se_resnet50", {}, 28_088_024, 3_860_488_192),
    ("se_resnet50", {"bias": False}, 28_071_976, 3_860_488_192),
    ("se_resnet50", {"stride_in": "3x3"}, 28_088_024, 4_091_699_200),
    ("se_resnet101", {}, 49_326_872, 7_574_937_600),
    ("se_resnet152", {}, 66_821_848, 11_288_993_792),
    ("senet154", {}, 115_088_984, 20_688_363_520),
    # 7 x 7 kernels of two channels and a normalization in each of 8 blocks; channels are weighed by mean and maximum,
    # 2 * 2 * 2(64^2 + 128^2 + 256^2 + 512^2) / 16, and 2 * 98 at each of 56^2 + 28^2 + 14^2 + 7^2 places
    ("se_resnet18", {"attention": "cbam"}, 11_778_592 + 8 * 100, 1_814_073_344 + 174_080 + 816_340),
]
