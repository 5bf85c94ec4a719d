"""Many models of one kind, each trained on a training set of its own."""

# B models, M test points

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gradus.core.errors import InputError

Array = NDArray[Any]


class Source(Protocol):
    """Where training sets come from."""

    def draw(self, rng: np.random.Generator) -> tuple[Array, Array]:
        """A training set, x and y."""
        ...


@dataclass(frozen=True)
class Resampled:
    """Training sets drawn from one sample with replacement, as many as it has.

    They are more alike than samples from the source itself, so variance is only estimated.
    """

    x: Array
    y: Array

    def __post_init__(self) -> None:
        if not 0 < len(self.x) == len(self.y):
            raise InputError("Resampled", "needs as many targets as examples", (len(self.x), len(self.y)))

    def draw(self, rng: np.random.Generator) -> tuple[Array, Array]:
        index = rng.integers(len(self.x), size=len(self.x))
        return self.x[index], self.y[index]


@dataclass(frozen=True)
class Known:
    """Fresh training sets ``y = function(x) + noise``, of Gaussian noise with standard deviation `noise`.

    Attributes:
        inputs: x (N, ...) of every training set, or what draws them from a generator.
    """

    function: Callable[[Array], Array]
    noise: float
    inputs: Array | Callable[[np.random.Generator], Array]

    def __post_init__(self) -> None:
        if not 0 <= self.noise < np.inf:
            raise InputError("Known", "`noise` is a standard deviation, finite and not below 0", self.noise)

    def draw(self, rng: np.random.Generator) -> tuple[Array, Array]:
        x = self.inputs(rng) if callable(self.inputs) else self.inputs
        truth = np.asarray(self.function(x), np.float64)
        return x, truth + self.noise * rng.standard_normal(truth.shape)


def predictions(
    make_model: Callable[[], Any],
    source: Source,
    x_test: Array,
    *,
    fit: Callable[[Any, Array, Array], object] | None = None,
    classes: bool = False,
    models: int = 100,
    seed: int = 0,
) -> Array:
    """What each of `models`, trained on a set of its own, says of each test point, (B, M).

    `gradus.analysis.bias_variance.decompose` explains the arguments; where the models tell `classes`, a torch Module
    answers with logits.

    Raises:
        InputError: if a model cannot be trained without `fit`, or says more than one thing of a point.
    """
    rows = []
    rng = np.random.default_rng([seed, 0])
    with torch.random.fork_rng():
        for own in rng.integers(2**31, size=models):
            x, y = source.draw(rng)
            torch.manual_seed(int(own))
            model = make_model()
            if getattr(model, "random_state", 0) is None:
                model.set_params(random_state=int(own))
            if fit is not None:
                fit(model, x, y)
            elif isinstance(model, nn.Module) or not hasattr(model, "fit"):
                raise InputError("decompose", "needs `fit`, which trains the model", type(model).__name__)
            else:
                model.fit(x, y)
            said = np.asarray(_predict(model, x_test, classes=classes))
            if said.shape != (len(x_test),):
                raise InputError("decompose", f"a model must say one thing of each of {len(x_test)} points", said.shape)
            rows.append(said)
    return np.stack(rows)


def _predict(model: Any, x: Array, *, classes: bool) -> Array:
    if not isinstance(model, nn.Module):
        said: Array = model.predict(x)
        return said
    parameter = next(model.parameters(), None)
    given = torch.as_tensor(x, dtype=None if parameter is None else parameter.dtype)
    model.eval()
    with torch.no_grad():
        result = model(given)
    output: Tensor = result[0] if isinstance(result, tuple) else result
    if classes:
        return output.argmax(dim=1).numpy()
    return output.squeeze(1).double().numpy() if output.ndim == 2 else output.double().numpy()
