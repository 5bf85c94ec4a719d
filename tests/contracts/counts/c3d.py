"""C3D, by hand."""

from tests.contracts.counts import Row

# 27 a b + b for each of 3-64, 64-128, 128-256-256, 256-512-512, 512-512-512; then 8,192-4,096-4,096-487 with biases.
COUNTS: list[Row] = [("c3d", {}, 79_991_015, 38_548_959_232)]
