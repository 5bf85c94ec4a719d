"""One sequence into another: an encoder, a decoder, and attention between them.

Source: Bahdanau, Cho, Bengio (2015), Neural machine translation by jointly learning to align and translate,
arXiv:1409.0473. New in it: the decoder looks, for each symbol it says, where in the source it needs to look, so that no
single vector has to hold all of it.

The decoder is given its own last saying, never the target: what it learns is then what it does when it is used, and a
model is a function of its inputs alone. What it is given is the mean of the symbols' embeddings, weighted by their
probabilities: gradients pass through that, which they do not through a choice.
"""

from typing import Annotated, Literal, NamedTuple

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.sequences import symbols
from gradus.nn.blocks.alignment import AdditiveAttention, DotAttention

# N examples, S steps read, T steps said, E numbers of a symbol, H units, V classes

_LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")


class Said(NamedTuple):
    """What a `Seq2Seq` gives.

    Attributes:
        output: (N, T, V), logits of the symbol of each step.
        attention: (N, T, S), the share of each step read in what each step said was made of; rows sum to 1.
    """

    output: Tensor
    attention: Tensor


class Decoder(nn.Module):
    """Says a symbol at each step, of what it looks at in a memory and of what it said.

        c_t = sum_s a_ts h_s,  a_t of s_(t-1) and all h_s
        s_t = GRU(s_(t-1), [y_(t-1); c_t]),  z_t = W_o [s_t; c_t; y_(t-1)] + b_o
        y_t = softmax(z_t) E

    Args:
        classes: V, symbols that may be said.
        embedding: E.
        hidden: H.
        attention: of queries and memories of H numbers.
    """

    def __init__(
        self, classes: int, *, embedding: int, hidden: int, attention: AdditiveAttention | DotAttention
    ) -> None:
        super().__init__()
        self.attention = attention
        self.start = nn.Parameter(torch.zeros(embedding))  # what was said before the first symbol
        self.said = nn.Embedding(classes, embedding)
        self.cell = nn.GRUCell(embedding + hidden, hidden)
        self.output = nn.Linear(2 * hidden + embedding, classes)

    def forward(self, memory_NSH: Tensor, state_NH: Tensor, steps: int) -> Said:
        keys = self.attention.keys(memory_NSH)
        said_NE = self.start.expand(len(memory_NSH), -1)
        logits: list[Tensor] = []
        weights: list[Tensor] = []
        for step in range(steps):
            if step:
                said_NE = logits[-1].softmax(-1) @ self.said.weight
            context_NH, weights_NS = self.attention(state_NH, keys, memory_NSH)
            state_NH = self.cell(torch.cat((said_NE, context_NH), -1), state_NH)
            logits.append(self.output(torch.cat((state_NH, context_NH, said_NE), -1)))
            weights.append(weights_NS)
        return Said(torch.stack(logits, 1), torch.stack(weights, 1))


class Seq2Seq(nn.Module):
    """Reads all codes, in both directions, then says as many symbols as are asked for.

        h = [GRU forwards; GRU backwards](codes),  s_0 = tanh(W h_1 + b), h_1 of the one that reads backwards  (A.2.2)

    Shapes: codes (N, S) to `Said`.

    Args:
        vocabulary: symbols that are read.
        steps: T.
        embedding: E.
        hidden: H, even.
        decoder: says them.
    """

    def __init__(self, vocabulary: int, steps: int, *, embedding: int, hidden: int, decoder: Decoder) -> None:
        super().__init__()
        self.steps = steps
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.encoder = nn.GRU(embedding, hidden // 2, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(hidden // 2, hidden)
        self.decoder = decoder

    def forward(self, codes: Tensor) -> Said:
        memory_NSH, ends = self.encoder(self.embedding(codes))
        said: Said = self.decoder(memory_NSH, torch.tanh(self.bridge(ends[1])), self.steps)
        return said

    def weights(self, codes: Tensor) -> Tensor:
        """What each step said is made of, (N, T, S)."""
        # Not by calling the module, whose hooks may be what asks.
        return self.forward(codes).attention


@models.register(
    source="Bahdanau, Cho, Bengio (2015), Neural machine translation by jointly learning to align and translate, "
    "arXiv:1409.0473; scores `dot` and `general`: Luong, Pham, Manning (2015), arXiv:1508.04025",
    family="seq2seq",
    year=2015,
    input=(10,),
    outputs=26,
    vocabulary=_LETTERS,
    every_step=True,
    tasks=("classification",),
    notes="As many symbols are said as the data ask for, and no end is. The output is linear in the state, the context "
    "and what was said, where the paper has a maxout layer; the scores of Luong et al. are of the state before a step, "
    "as Bahdanau et al. have it. The decoder is given what it said itself, in training too.",
)
def seq2seq(
    spec: DataSpec,
    *,
    hidden: Annotated[int, Field(ge=2, multiple_of=2)] = 64,
    embedding: PositiveInt = 24,
    score: Literal["additive", "dot", "general"] = "additive",
) -> nn.Module:
    """Encoder and decoder with soft attention: a sequence of symbols into another.

    Takes codes (N, S) and gives a named tuple: `output`, logits (N, T, V), and `attention` (N, T, S).

    Args:
        hidden: units of the decoder; half as many of the encoder in each direction.
        embedding: numbers a symbol is given.
        score: how a step read is scored by the decoder's state: by a layer between them, their product, or their
            product with a matrix between.
    """
    owner = "model `seq2seq`"
    _, vocabulary = symbols(owner, spec)
    if spec.steps is None:
        raise InputError(owner, "gives a class at every step", "one class", "Choose data such as `reversal`, or `gru`.")
    attention: AdditiveAttention | DotAttention
    if score == "additive":
        attention = AdditiveAttention(hidden, hidden, hidden)
    else:
        attention = DotAttention(hidden, hidden, matrix=score == "general")
    decoder = Decoder(spec.outputs, embedding=embedding, hidden=hidden, attention=attention)
    return Seq2Seq(vocabulary, spec.steps, embedding=embedding, hidden=hidden, decoder=decoder)
