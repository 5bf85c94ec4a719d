"""Temporal convolutional networks: the convolutional rival of recurrent ones.

Source: Bai, Kolter, Koltun (2018), An empirical evaluation of generic convolutional and recurrent networks for sequence
modeling, arXiv:1803.01271. New in it: nothing but the choice of parts, causal dilated convolutions with residuals; it
reads all steps at once, and its memory is as long as it is built, no longer.
"""

from itertools import pairwise
from typing import Annotated

from pydantic import Field, PositiveInt
from torch import Tensor, nn

from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.sequences import FromLast, check_forecast, entrance
from gradus.nn.blocks.temporal import steps_seen, temporal_block
from gradus.nn.dropout import Chance

# N examples, T steps, W channels


class TCN(nn.Module):
    """Temporal blocks over a sequence, and what is to be said of it.

    Args:
        embedding: (N, T) codes or (N, T, F) numbers to (N, T, F).
        levels: (N, F, T) to (N, W, T).
        output: (N, T, W) or (N, W) to what is asked for.
        context: how many steps it sees.
        every_step: say it at every step, not only at the last.
    """

    def __init__(
        self, embedding: nn.Module, levels: nn.Module, output: nn.Module, *, context: int, every_step: bool
    ) -> None:
        super().__init__()
        self.embedding, self.levels, self.output = embedding, levels, output
        self.context, self.every_step = context, every_step

    def forward(self, window: Tensor) -> Tensor:
        x_NWT = self.levels(self.embedding(window).mT)
        output: Tensor = self.output(x_NWT.mT if self.every_step else x_NWT[..., -1])
        return output


@models.register(
    source="Bai, Kolter, Koltun (2018), An empirical evaluation of generic convolutional and recurrent networks for "
    "sequence modeling, arXiv:1803.01271",
    family="tcn",
    year=2018,
    input=(24, 7),
    outputs=1,
    notes="It sees 1 + 2 (kernel - 1)(2^levels - 1) steps, 253 as it is, and nothing further back. First weights are "
    "torch's.",
)
def tcn(
    spec: DataSpec,
    *,
    hidden: PositiveInt = 32,
    levels: Annotated[int, Field(ge=1, le=16)] = 6,
    kernel: Annotated[int, Field(ge=2)] = 3,
    dropout: Chance = 0.0,
    embedding: PositiveInt = 24,
    horizon: PositiveInt | None = None,
) -> nn.Module:
    """Temporal convolutional network: causal convolutions, twice as far apart from block to block.

    Takes windows (N, T, F) of a series, or codes (N, T) of a vocabulary; gives a row for each, or for each of its steps
    where the data ask for that.

    Args:
        hidden: channels of each block.
        levels: blocks, of dilations 1, 2, 4, ...
        dropout: the chance that a channel is left out, at every step of a sequence.
        embedding: numbers a symbol of text is given.
        horizon: forecast changes from the last values, so many steps ahead, as in the recipe's [data]; by default the
            values themselves.
    """
    owner = "model `tcn`"
    entering, features = entrance(owner, spec, embedding)
    if horizon is not None:
        check_forecast(owner, spec, horizon)
    widths = [features, *[hidden] * levels]
    blocks = [
        temporal_block(inputs, outputs, kernel, 2**level, dropout=dropout)
        for level, (inputs, outputs) in enumerate(pairwise(widths))
    ]
    model = TCN(
        entering,
        nn.Sequential(*blocks),
        nn.Linear(hidden, spec.outputs),
        context=steps_seen(kernel, levels),
        every_step=spec.steps is not None,
    )
    return model if horizon is None else FromLast(model, horizon)
