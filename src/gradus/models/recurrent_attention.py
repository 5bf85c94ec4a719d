"""A network that looks at an image through a small window, and decides where to look next.

Source: Mnih, Heess, Graves, Kavukcuoglu (2014), Recurrent models of visual attention, arXiv:1406.6247 (NIPS). New in
it: what an image costs is chosen, whatever its size, and what is not looked at is not computed. Where to look is drawn,
which has no derivative; the objective `reinforce` teaches it.

The paper names the widths of the layers but no counts. Its glimpse network adds two linear layers of 256 units, what it
saw and where: 209,677 parameters for one scale of 8 x 8. As one layer of both joined they have one bias vector less
(209,421), and give the same functions.
"""

# N examples, T glimpses, M paths

from math import log
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import relu

from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.inputs import image
from gradus.nn.blocks.glimpse import GlimpseSensor, frames

Core = Literal["rnn", "lstm"]


class Gaze(NamedTuple):
    """What a network that looks around gives.

    Attributes:
        output: raw logits, after the last glimpse.
        locations: (N, T, 2), where it looked, x before y, from -1 to 1 between the edges; of many paths, the first one.
        log_probs: (N, T - 1), of each place but the first, which the network does not choose; None in evaluation mode.
        baselines: (N, T - 1), the reward expected when each was chosen; None in evaluation mode.
    """

    output: Tensor
    locations: Tensor
    log_probs: Tensor | None = None
    baselines: Tensor | None = None


class GlimpseNetwork(nn.Module):
    """What was seen, and where, in one vector:  relu(W_s relu(W_g glimpse) + W_w relu(W_l location)), with biases.

    Shapes: (N, K, C, P, P) and (N, 2) to (N, width).

    Args:
        numbers: of a glimpse, K C P P.
        hidden: units of each of the two first layers.
        width: units of the second.
    """

    def __init__(self, numbers: int, hidden: int, width: int) -> None:
        super().__init__()
        self.seen = nn.Linear(numbers, hidden)
        self.place = nn.Linear(2, hidden)
        self.what = nn.Linear(hidden, width)
        self.where = nn.Linear(hidden, width)

    def forward(self, glimpse: Tensor, location: Tensor) -> Tensor:
        return relu(self.what(relu(self.seen(glimpse.flatten(1)))) + self.where(relu(self.place(location))))


class RecurrentAttention(nn.Module):
    """Glimpse after glimpse changes a state, of which the next place is drawn, and at last the class.

        h_t = core(g_t, h_{t-1}),  l_{t+1} ~ N(tanh(W h_t + b), std^2),  output = V h_T + c

    A place beyond the edges is taken to the edge; its density is that of the place drawn. Only the classification
    teaches core and glimpse network; the places' layer is taught by its `log_probs` alone, and `baseline` by its own
    error (section 3.2).

    In evaluation mode nothing is random: the first path goes by the means, from the middle, the other `samples` - 1 by
    deviates that are drawn once and for all, the same for each image. The output is then the logarithm of the mean
    probability over the paths.

    Shapes: (N, C, H, W) to a `Gaze`.
    """

    def __init__(
        self,
        sensor: GlimpseSensor,
        glimpse: GlimpseNetwork,
        core: nn.RNNCell | nn.LSTMCell,
        classes: int,
        *,
        glimpses: int,
        std: float,
        samples: int,
    ) -> None:
        super().__init__()
        self.sensor, self.glimpse, self.core = sensor, glimpse, core
        self.location = nn.Linear(core.hidden_size, 2)
        self.baseline = nn.Linear(core.hidden_size, 1)
        self.output = nn.Linear(core.hidden_size, classes)
        self.glimpses, self.std, self.samples = glimpses, std, samples
        # Numbers rather than a buffer, which a model made without storage would have to be given.
        drawn = np.random.default_rng(0).standard_normal((samples, glimpses, 2))
        drawn[0] = 0
        self._deviates: list[Any] = drawn.tolist()

    def extra_repr(self) -> str:
        return f"glimpses={self.glimpses}, std={self.std}, samples={self.samples}"

    def forward(self, x: Tensor) -> Gaze:
        if self.training:
            return self._look(x, x.new_empty(len(x), self.glimpses, 2).normal_())
        # Made there at once, torch.compile could not follow a model without storage.
        deviates = torch.tensor(self._deviates, dtype=x.dtype).to(x.device)
        gaze = self._look(x.repeat(self.samples, 1, 1, 1), deviates.repeat_interleave(len(x), 0))
        output = gaze.output
        if self.samples > 1:
            output = output.log_softmax(-1).unflatten(0, (self.samples, len(x))).logsumexp(0) - log(self.samples)
        return Gaze(output, gaze.locations[: len(x)])

    def frames(self, x: Tensor) -> Tensor:
        """The corners of the windows it looks through, (N, T, K, 4, 2)."""
        size = (x.shape[-2], x.shape[-1])
        return frames(self.forward(x).locations, size, patch=self.sensor.patch, scales=self.sensor.scales)

    def _look(self, x: Tensor, deviates: Tensor) -> Gaze:
        """A path for each image, by the deviates (N, T, 2) of its places."""
        # 2 Phi(z) - 1 of a normal number z is uniform from -1 to 1.
        locations, log_probs, baselines = [deviates[:, 0].mul(0.5**0.5).erf()], [], []
        state = None
        for t in range(self.glimpses):
            seen = self.glimpse(self.sensor(x, locations[t]), locations[t])
            state = self.core(seen, state)
            h = state[0] if isinstance(state, tuple) else state
            if t + 1 < self.glimpses:
                # The choice of places and the baseline learn of the state, and do not change it.
                mean = self.location(h.detach()).tanh()
                place = (mean + self.std * deviates[:, t + 1]).detach()
                locations.append(place.clamp(-1, 1))
                if self.training:
                    log_probs.append(_log_density(place, mean, self.std))
                    baselines.append(self.baseline(h.detach()).squeeze(1))
        if not self.training:
            return Gaze(self.output(h), torch.stack(locations, 1))
        none = x.new_empty(len(x), 0)  # of a single glimpse
        chosen = (torch.stack(each, 1) if each else none for each in (log_probs, baselines))
        return Gaze(self.output(h), torch.stack(locations, 1), *chosen)


@models.register(
    aliases=("ram",),
    source="Mnih, Heess, Graves, Kavukcuoglu (2014), Recurrent models of visual attention, arXiv:1406.6247",
    family="recurrent_attention",
    year=2014,
    input=(1, 28, 28),
    outputs=10,
    tasks=("classification",),
    notes="To be trained by the objective `reinforce`. The glimpse network has two linear layers of 256 units that are "
    "added, each with a bias, as the paper has it: 209,677 parameters; joined into one they would be 209,421. The "
    "paper does not say how the first place is chosen.",
    headline="MNIST test error 1.07 % of 6 or 7 glimpses; translated, of 60 x 60 pixels, 1.20 %",
)
def recurrent_attention(
    spec: DataSpec,
    *,
    glimpses: Annotated[int, Field(ge=1, le=64)] = 6,
    patch: PositiveInt = 8,
    scales: Annotated[int, Field(ge=1, le=8)] = 1,
    std: Annotated[float, Field(gt=0)] = 0.17,
    core: Core = "rnn",
    hidden: PositiveInt = 256,
    glimpse_hidden: PositiveInt = 128,
    samples: PositiveInt = 1,
) -> nn.Module:
    """Recurrent attention model: looks at an image through a small window, again and again, and chooses where.

    Args:
        glimpses: how often it looks.
        patch: pixels a side that a glimpse has.
        scales: windows of a glimpse, each twice as wide as the one before and shrunk to `patch` pixels.
        std: of the places drawn, where 2 is the side of the image.
        core: of ReLU units, as in the paper for still images, or an LSTM, as there for moving ones.
        hidden: units of the core, and of what it is given.
        glimpse_hidden: units of what was seen and where, each for itself.
        samples: paths that a prediction is the mean of: the first goes by the means of the places.
    """
    channels, _, _ = image("model `recurrent_attention`", spec)
    numbers = scales * channels * patch**2
    recurrence = nn.LSTMCell(hidden, hidden) if core == "lstm" else nn.RNNCell(hidden, hidden, nonlinearity="relu")
    return RecurrentAttention(
        GlimpseSensor(patch, scales),
        GlimpseNetwork(numbers, glimpse_hidden, hidden),
        recurrence,
        spec.outputs,
        glimpses=glimpses,
        std=std,
        samples=samples,
    )


def _log_density(place: Tensor, mean: Tensor, std: float) -> Tensor:
    """log N(place; mean, std^2 I), (N, 2) to (N,), in single precision or better."""
    mean = mean.to(torch.promote_types(mean.dtype, torch.float32))
    normal = torch.distributions.Normal(mean, std, validate_args=False)
    density: Tensor = normal.log_prob(place.to(mean.dtype))
    return density.sum(1)
