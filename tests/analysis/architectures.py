"""Full-size networks of images, written from their papers."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WINDOW = 7


class WindowAttention(nn.Module):
    """Attention within windows of 7 x 7, of a grid that may be shifted by 3, with biases by relative position."""

    relative: Tensor

    def __init__(self, width: int, heads: int, shift: int) -> None:
        super().__init__()
        self.heads, self.shift = heads, shift
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.bias = nn.Parameter(torch.zeros((2 * WINDOW - 1) ** 2, heads))
        row = torch.arange(WINDOW).repeat_interleave(WINDOW)
        column = torch.arange(WINDOW).repeat(WINDOW)
        down, right = (each[:, None] - each + WINDOW - 1 for each in (row, column))
        self.register_buffer("relative", down * (2 * WINDOW - 1) + right)

    def forward(self, x: Tensor) -> Tensor:
        shift = self.shift if x.shape[1] > WINDOW else 0
        x = windows(x.roll((-shift, -shift), (1, 2)))  # B, rows, columns, 49, C
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).movedim((-3, -2), (0, -3))
        bias = self.bias[self.relative].movedim(-1, 0)
        if shift:
            bias = bias + apart(x.shape[1], x.shape[2], shift)[:, :, None]
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        y = self.out(y.transpose(-3, -2).flatten(-2)).unflatten(3, (WINDOW, WINDOW))
        image: Tensor = y.transpose(2, 3).flatten(3, 4).flatten(1, 2)
        return image.roll((shift, shift), (1, 2))


def windows(x: Tensor) -> Tensor:
    """(B, H, W, C) to (B, H / 7, W / 7, 49, C)."""
    tiled: Tensor = x.unflatten(2, (-1, WINDOW)).unflatten(1, (-1, WINDOW)).transpose(2, 3).flatten(3, 4)
    return tiled


def apart(rows: int, columns: int, shift: int) -> Tensor:
    """A mask between places of a window that were on different sides of the image before the shift."""
    region = torch.zeros(1, rows * WINDOW, columns * WINDOW, 1)
    parts = (slice(0, -WINDOW), slice(-WINDOW, -shift), slice(-shift, None))
    for number in range(9):
        region[:, parts[number // 3], parts[number % 3]] = number
    regions = windows(region).squeeze(-1)[0]
    return torch.where(regions[..., None] == regions[..., None, :], 0.0, -100.0)


class SwinBlock(nn.Module):
    def __init__(self, width: int, heads: int, shift: int) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(width), WindowAttention(width, heads, shift))
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(x)
        y: Tensor = x + self.mlp(x)
        return y


class Merging(nn.Module):
    """Four neighbours become one, of twice the width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.reduction = nn.LayerNorm(4 * width), nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        corners = [x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        y: Tensor = self.reduction(self.norm(torch.cat(corners, -1)))
        return y


class ChannelsLast(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.movedim(1, -1)


class ChannelsFirst(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.movedim(-1, 1)


class MeanOverImage(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean((1, 2))


def swin_tiny() -> nn.Module:
    """Liu et al. (2021), Swin Transformer: Hierarchical Vision Transformer using Shifted Windows."""
    layers: list[nn.Module] = [nn.Conv2d(3, 96, 4, 4), ChannelsLast(), nn.LayerNorm(96)]
    for stage, depth in enumerate((2, 2, 6, 2)):
        width = 96 * 2**stage
        layers += [SwinBlock(width, width // 32, each % 2 * (WINDOW // 2)) for each in range(depth)]
        layers += [Merging(width)] if stage < 3 else []
    return nn.Sequential(*layers, nn.LayerNorm(768), MeanOverImage(), nn.Linear(768, 1000))


class ConvNextBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 7, padding=3, groups=width), ChannelsLast(), nn.LayerNorm(width),
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width),
        )  # fmt: skip
        self.scale = nn.Parameter(torch.full((width,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + (self.scale * self.body(x)).movedim(-1, 1)
        return y


def convnext_tiny() -> nn.Module:
    """Liu et al. (2022), A ConvNet for the 2020s."""

    def normalized(width: int) -> list[nn.Module]:
        return [ChannelsLast(), nn.LayerNorm(width), ChannelsFirst()]

    layers = [nn.Conv2d(3, 96, 4, 4), *normalized(96)]
    for stage, depth in enumerate((3, 3, 9, 3)):
        width = 96 * 2**stage
        layers += [ConvNextBlock(width) for _ in range(depth)]
        layers += [*normalized(width), nn.Conv2d(width, 2 * width, 2, 2)] if stage < 3 else []
    return nn.Sequential(*layers, ChannelsLast(), MeanOverImage(), nn.LayerNorm(768), nn.Linear(768, 1000))
