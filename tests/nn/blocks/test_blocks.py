"""All blocks have one home, a page that names them, and the costs that their docstrings say."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from gradus.analysis.inspect import inspect
from gradus.nn import blocks

H, W, M, N, K = 14, 10, 32, 64, 3
"""Height, width, inputs, outputs, side of a kernel."""

PAGE = Path(__file__).parents[3] / "docs" / "blocks.md"


def test_the_page_names_every_block_and_no_other() -> None:
    cells = re.findall(r"^\| (`.*?) \|", PAGE.read_text(), re.MULTILINE)
    named = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(named) == sorted(blocks.__all__)


def test_every_block_documents_itself() -> None:
    for name in blocks.__all__:
        assert (getattr(blocks, name).__doc__ or "").strip().splitlines()[0]


@pytest.mark.parametrize(
    ("block", "macs"),
    [
        (blocks.conv_norm(M, N, K), H * W * N * K**2 * M),
        (blocks.conv_norm(M, N, K, groups=4), H * W * N * K**2 * M // 4),
        (blocks.conv_norm(M, M, K, groups=M), H * W * K**2 * M),
        (blocks.conv_norm(M, N, 1), H * W * N * M),
        (blocks.fire(M, N), H * W * (N // 8) * (M + N // 2 + 9 * N // 2)),
        (blocks.SqueezeExcitation(M, 4, bias=False), 2 * M**2 // 4),
        (blocks.PixelShuffleUpsampling(M, 3, 2), H * W * K**2 * M * 3 * 2**2),
    ],
    ids=["full", "grouped", "depthwise", "pointwise", "fire", "squeeze-excitation", "pixel shuffle"],
)
def test_costs_are_those_of_the_formulas(block: nn.Module, macs: int) -> None:
    assert inspect(block, (M, H, W)).macs == macs


def test_self_attention_costs_what_its_formula_says() -> None:
    tokens, width = 17, 24
    found = inspect(blocks.SelfAttention(width, 3), torch.empty(1, tokens, width))
    assert found.macs == 4 * width**2 * tokens + 2 * width * tokens**2
    assert found.parameters == 4 * width * (width + 1)
