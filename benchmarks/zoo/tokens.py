"""Networks for rows, words, signals and points, and for images as tokens."""

from itertools import pairwise

from torch import nn

from benchmarks.zoo.layers import (
    Branches,
    Chomp,
    Halves,
    Mean,
    Moved,
    Patches,
    Positions,
    Recurrent,
    Residual,
    blocks,
    perceptron,
)


def vit(depth: int, width: int, heads: int, tokens: int = 196) -> nn.Module:
    """Dosovitskiy et al. (2020), without a class token."""
    head = (nn.LayerNorm(width), Mean(), nn.Linear(width, 1000))
    return nn.Sequential(Patches(width, 16), Positions(tokens, width), *blocks(depth, width, heads), *head)


def mixer(depth: int = 8, width: int = 512, tokens: int = 196) -> nn.Module:
    """Tolstikhin et al. (2021)."""
    layers: list[nn.Module] = [Patches(width, 16)]
    for _ in range(depth):
        layers.append(Residual(nn.LayerNorm(width), Moved(0, 2, 1), *perceptron(tokens, 256), Moved(0, 2, 1)))
        layers.append(Residual(nn.LayerNorm(width), *perceptron(width, 4 * width)))
    return nn.Sequential(*layers, nn.LayerNorm(width), Mean(), nn.Linear(width, 1000))


def encoder(depth: int, width: int, heads: int) -> nn.Module:
    """torch's own layers, which have a fast path (Vaswani et al. 2017)."""
    layer = nn.TransformerEncoderLayer(width, heads, 4 * width, batch_first=True)
    return nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)


def language_model(depth: int, width: int, heads: int, tokens: int, words: int) -> nn.Module:
    """Radford et al. (2019), small."""
    before = (nn.Embedding(words, width), Positions(tokens, width))
    return nn.Sequential(
        *before, *blocks(depth, width, heads, causal=True), nn.LayerNorm(width), nn.Linear(width, words)
    )


def temporal(width: int, depth: int) -> nn.Module:
    """Bai et al. (2018)."""
    layers: list[nn.Module] = [nn.Conv1d(1, width, 1)]
    for level in range(depth):
        body: list[nn.Module] = []
        for _ in range(2):
            pad = 2 * 2**level
            body += [nn.Conv1d(width, width, 3, padding=pad, dilation=2**level), Chomp(pad), nn.ReLU(inplace=True)]
        layers += [Residual(*body), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.Conv1d(width, 10, 1))


def wavenet(width: int, depth: int) -> nn.Module:
    """Oord et al. (2016), its residual path."""
    layers: list[nn.Module] = [nn.Conv1d(1, width, 1)]
    for level in range(depth):
        pad = 2**level
        filters = (nn.Conv1d(width, 2 * width, 2, padding=pad, dilation=pad), Chomp(pad), Halves())
        layers.append(Residual(*filters, nn.Conv1d(width, width, 1)))
    return nn.Sequential(*layers, nn.ReLU(inplace=True), nn.Conv1d(width, 256, 1))


def text_cnn(words: int = 20_000, width: int = 300) -> nn.Module:
    """Kim (2014)."""
    sizes = [nn.Sequential(nn.Conv1d(width, 100, size), nn.ReLU(), nn.AdaptiveMaxPool1d(1)) for size in (3, 4, 5)]
    embedding = nn.Embedding(words, width)
    return nn.Sequential(embedding, Moved(0, 2, 1), Branches(sizes), nn.Flatten(), nn.Linear(300, 2))


def points(width: int = 64) -> nn.Module:
    """Qi et al. (2016), without its transformations."""
    layers: list[nn.Module] = []
    inputs = 3
    for outputs in (width, width, width, 2 * width, 16 * width):
        layers += [nn.Conv1d(inputs, outputs, 1), nn.BatchNorm1d(outputs), nn.ReLU(inplace=True)]
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(inputs, 512), nn.ReLU(True),
                         nn.Linear(512, 40))  # fmt: skip


def mlp(*widths: int) -> nn.Module:
    """Layers of these widths, the input's first."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def tagger() -> nn.Module:
    """Words, read both ways (Huang et al. 2015)."""
    return nn.Sequential(nn.Embedding(20_000, 128), Recurrent(nn.LSTM, 128, 256, 1, both=True))
