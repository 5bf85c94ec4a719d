"""Vision transformers as timm and torchvision build them; the small one by hand."""

from tests.contracts.counts import Row

# 65 tokens of 192: patches 192(48 + 1), token, positions, 6 layers, norm, output; a layer has two norms and
# 192(576 + 192 + 2 * 768) weights with 576 + 192 + 768 + 192 biases
LAYER = 4 * 192 + 192 * 2_304 + 1_728
COUNTS: list[Row] = [
    ("vit", {}, 9_408 + 192 + 12_480 + 6 * LAYER + 384 + 1_930, 589_824 + 6 * (65 * 442_368 + 2 * 65**2 * 192) + 1_920),
    ("vit_tiny", {}, 5_717_416, 1_253_683_200),
    ("vit_small", {}, 22_050_664, 4_598_882_304),
    ("vit_base", {}, 86_567_656, 17_563_828_224),
]
