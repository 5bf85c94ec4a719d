"""A transformer that tells the next symbol: a decoder without an encoder.

Source: Vaswani et al. (2017), Attention is all you need, arXiv:1706.03762; as a language model, with norms first and
first weights as below: Radford et al. (2019), Language models are unsupervised multitask learners (GPT-2). New in it
against recurrent networks: every symbol sees every one before it at once, so that no step waits for another in
training; what it costs grows with the square of the length.
"""

from collections import OrderedDict
from math import sqrt

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.sequences import LastStep, symbols
from gradus.nn.blocks.residual import Residual
from gradus.nn.blocks.transformer import Positions, encoder_layer
from gradus.nn.dropout import Chance

# N examples, T symbols, V symbols of the vocabulary

_TEXT = tuple(chr(each) for each in range(32, 97))  # 65 symbols, as many as tiny Shakespeare has


class LanguageModel(nn.Module):
    """Layers over the symbols of a text, of which there can only be so many.

    Shapes: codes (N, T) to logits (N, T, V), or (N, V) of the last alone, T <= context.

    Args:
        body: the layers, from codes to logits.
        context: the most symbols that it knows the positions of.
    """

    def __init__(self, body: nn.Sequential, context: int) -> None:
        super().__init__()
        self.body = body
        self.context = context

    def forward(self, codes: Tensor) -> Tensor:
        if codes.shape[1] > self.context:
            rule = f"knows {self.context} positions of a text"
            raise InputError("model `char_transformer`", rule, codes.shape[1], "Give it the last of them.")
        logits: Tensor = self.body(codes)
        return logits


@models.register(
    source="Vaswani et al. (2017), Attention is all you need, arXiv:1706.03762; Radford et al. (2019), GPT-2",
    family="transformer",
    year=2017,
    input=(64,),
    outputs=65,
    vocabulary=_TEXT,
    every_step=True,
    tasks=("classification",),
    notes="Of its own size it is nanoGPT's small one for a CPU, but for biases, which GPT-2 has too. What attention "
    "weighs is not dropped, as GPT-2 does; dropout is after the embedding, the attention and the dense layers.",
)
def char_transformer(
    spec: DataSpec,
    *,
    depth: PositiveInt = 4,
    heads: PositiveInt = 4,
    width: PositiveInt = 128,
    ratio: PositiveInt = 4,
    tied: bool = False,
    dropout: Chance = 0.0,
) -> nn.Module:
    """Small transformer that reads text from the left and tells the next symbol.

    Takes codes (N, T) of a vocabulary of V symbols and gives the logits of the symbol after each, (N, T, V), where the
    data ask for every step, else of the one after the last, (N, V).

    Args:
        depth: layers, each of attention and two dense ones.
        width: numbers of a symbol, a multiple of `heads`.
        ratio: how many times as many numbers there are between the two dense layers.
        tied: the output layer has the weights of the embedding and no bias (Press, Wolf (2017), arXiv:1608.05859).
        dropout: share of the numbers after embedding, attention and dense layers that is left out in training.
    """
    owner = "model `char_transformer`"
    context, vocabulary = symbols(owner, spec)
    if width % heads:
        raise InputError(owner, f"`width` must be divisible by `heads` = {heads}", width)
    if tied and spec.outputs != vocabulary:
        rule = f"`tied` needs as many classes as symbols, {vocabulary}"
        raise InputError(owner, rule, spec.outputs, "Leave `tied` out.")
    embedding = nn.Embedding(vocabulary, width)
    layers: OrderedDict[str, nn.Module] = OrderedDict(embedding=embedding, positions=Positions(context, width))
    if dropout:
        layers["dropout"] = nn.Dropout(dropout)
    for number in range(1, depth + 1):
        layers[f"layer{number}"] = encoder_layer(width, heads, ratio * width, dropout=dropout, causal=True)
    layers["norm"] = nn.LayerNorm(width, eps=1e-6)
    if spec.steps is None:
        layers["last"] = LastStep()
    output = nn.Linear(width, spec.outputs, bias=not tied)
    layers["output"] = output
    body = nn.Sequential(layers)
    _first_weights(body, depth)
    if tied:
        output.weight = embedding.weight
    return LanguageModel(body, context)


@torch.no_grad()
def _first_weights(body: nn.Sequential, depth: int) -> None:
    """Normal of 0.02; of the layers that are added to the stream, 2 depth of them, as much less as their sum is more.

    Source: Radford et al. (2019), section 2.3.
    """
    for module in body.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
    for branch in (each.branch for each in body.modules() if isinstance(each, Residual)):
        last = [each for each in branch.modules() if isinstance(each, nn.Linear)][-1]
        last.weight.div_(sqrt(2 * depth))
