"""A transformer's layers: Vaswani et al. (2017), arXiv:1706.03762; norms come first, as in arXiv:2010.11929."""

# N examples, T tokens, W width, H heads, D width of a head

from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from gradus.nn.blocks.residual import Residual


class SelfAttention(nn.Module):
    """Every token takes of all tokens what it looks for:  softmax(q k' / sqrt(D)) v  in each head   (section 3.2).

    Shapes: (N, T, W) to the same.

    Args:
        width: W, a multiple of `heads`.
        causal: a token takes of itself and of those before it, and of none after it.
    Cost: 4 W^2 T + 2 W T^2 multiply-adds, causal or not; 4 W (W + 1) parameters.
    """

    def __init__(self, width: int, heads: int, *, causal: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.causal = causal
        self.qkv = nn.Linear(width, 3 * width)  # rows of queries, then of keys, then of values
        self.output = nn.Linear(width, width)

    def weights(self, x: Tensor) -> Tensor:
        """softmax(q k' / sqrt(D)), (N, H, T, T): a row for each token, of what it takes of every token.

        `forward` does not keep them: its kernels find y without ever having all of them.
        """
        q_NHTD, k_NHTD, _ = self._heads(x)
        logits_NHTT = q_NHTD @ k_NHTD.mT / sqrt(q_NHTD.shape[-1])
        if self.causal:
            later_TT = torch.ones(logits_NHTT.shape[-2:], dtype=torch.bool, device=x.device).triu(1)
            logits_NHTT = logits_NHTT.masked_fill(later_TT, float("-inf"))
        weights_NHTT: Tensor = logits_NHTT.softmax(-1)
        return weights_NHTT

    def _heads(self, x: Tensor) -> Tensor:
        """Queries, keys and values, (3, N, H, T, D)."""
        found: Tensor = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return found

    def forward(self, x: Tensor) -> Tensor:
        q_NHTD, k_NHTD, v_NHTD = self._heads(x)
        y_NHTD = scaled_dot_product_attention(q_NHTD, k_NHTD, v_NHTD, is_causal=self.causal)
        y: Tensor = self.output(y_NHTD.transpose(1, 2).flatten(2))
        return y


class Positions(nn.Module):
    """Adds a learned vector to each token, by which the network knows where it is: (N, T, width) to the same.

    Args:
        tokens: the most of them; where there are fewer, they are the first.
    """

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(0.02 * torch.randn(1, tokens, width))

    def forward(self, x: Tensor) -> Tensor:
        whole = x.shape[1] == self.vectors.shape[1]
        return x + (self.vectors if whole else self.vectors[:, : x.shape[1]])


def encoder_layer(width: int, heads: int, hidden: int, *, dropout: float = 0.0, causal: bool = False) -> nn.Sequential:
    """Attention, then two dense layers of each token; both after a normalization and added to what they are given.

        x = x + attention(norm(x))
        x = x + W2 gelu(W1 norm(x) + b1) + b2       (arXiv:2010.11929, eq. 2 and 3)

    Shapes: (N, T, width) to the same.

    Args:
        hidden: numbers between the two dense layers.
        dropout: share of what attention and the dense layers give that is left out in training.
        causal: tokens take nothing of those after them, so that it is the layer of a decoder without an encoder.
    """

    def dropped(*layers: nn.Module) -> list[nn.Module]:
        return [*layers, nn.Dropout(dropout)] if dropout else [*layers]

    attention = dropped(nn.LayerNorm(width, eps=1e-6), SelfAttention(width, heads, causal=causal))
    first = dropped(nn.LayerNorm(width, eps=1e-6), nn.Linear(width, hidden), nn.GELU())
    second = dropped(nn.Linear(hidden, width))
    return nn.Sequential(Residual(nn.Sequential(*attention)), Residual(nn.Sequential(*first, *second)))


@torch.no_grad()
def xavier_uniform(model: nn.Module) -> None:
    """Weights of linear layers from a uniform distribution of variance 2 / (inputs + outputs), their biases 0.

    Queries, keys and values count as a layer each. Source: Glorot, Bengio (2010), AISTATS, equation 16.
    """
    packed = {each.qkv for each in model.modules() if isinstance(each, SelfAttention)}
    for module in model.modules():
        if isinstance(module, nn.Linear):
            for weight in module.weight.chunk(3) if module in packed else [module.weight]:
                nn.init.xavier_uniform_(weight)
            nn.init.zeros_(module.bias)
