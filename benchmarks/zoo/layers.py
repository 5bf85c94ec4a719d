"""Layers that networks of the zoo share."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Residual(nn.Module):
    """What the body makes of x, plus x, or plus what the shortcut makes of x."""

    def __init__(self, *body: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.body, self.shortcut = nn.Sequential(*body), shortcut

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return y + (x if self.shortcut is None else self.shortcut(x))


class Branches(nn.ModuleList):
    """What each branch makes of x, along the channels."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self], 1)


class Gate(nn.Sequential):
    """x, times what the layers make of it."""

    def forward(self, x: Tensor) -> Tensor:
        gate = x
        for layer in self:
            gate = layer(gate)
        return x * gate


class Moved(nn.Module):
    """x with its axes in another order."""

    def __init__(self, *order: int) -> None:
        super().__init__()
        self.order = order

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.order)


class Attention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017)."""

    def __init__(self, width: int, heads: int, *, causal: bool = False) -> None:
        super().__init__()
        self.project, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.heads, self.causal = heads, causal

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.project(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        out: Tensor = self.out(y.transpose(1, 2).flatten(2))
        return out


class Positions(nn.Module):
    """Learned positions, added."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(tokens, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.table


class Recurrent(nn.Module):
    """Reads a sequence, and answers at every step."""

    def __init__(
        self, kind: type[nn.LSTM] | type[nn.GRU], inputs: int, width: int, layers: int, *, both: bool = False
    ) -> None:
        super().__init__()
        self.recurrence = kind(inputs, width, layers, batch_first=True, bidirectional=both)
        self.head = nn.Linear(width * (1 + both), 10)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.recurrence(x)[0])
        return out


class Chomp(nn.Module):
    """Without the last steps, so that a padded convolution sees no future."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps

    def forward(self, x: Tensor) -> Tensor:
        return x[..., : -self.steps]


class Halves(nn.Module):
    """Half of the channels, gated by the other half: tanh(a) sigmoid(b)."""

    def forward(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, 1)
        return a.tanh() * b.sigmoid()


class Patches(nn.Module):
    """An image (N, 3, H, W) as tokens (N, T, C)."""

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.projection = nn.Conv2d(3, width, size, size)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.projection(x)
        return y.flatten(2).transpose(1, 2)


class Mean(nn.Module):
    """Over the tokens."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(1)


def conv(
    inputs: int, outputs: int, size: int = 3, stride: int = 1, *, groups: int = 1, act: type[nn.Module] | None = nn.ReLU
) -> nn.Sequential:
    """Convolution, batch normalization, activation."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([act()] if act else []))


def classifier(width: int) -> list[nn.Module]:
    """The mean over all pixels, and a linear layer."""
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 1000)]


def perceptron(width: int, hidden: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    """Of two layers."""
    return nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width)


def blocks(depth: int, width: int, heads: int, *, causal: bool = False) -> list[nn.Module]:
    """Transformer layers that normalize first."""
    made: list[nn.Module] = []
    for _ in range(depth):
        made.append(Residual(nn.LayerNorm(width), Attention(width, heads, causal=causal)))
        made.append(Residual(nn.LayerNorm(width), *perceptron(width, 4 * width)))
    return made
