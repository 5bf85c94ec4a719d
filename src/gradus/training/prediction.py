"""What a trained network says of new examples."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gradus.training.objective import output_of
from gradus.training.run import Run

BATCH = 256


@dataclass(frozen=True)
class Prediction:
    """`value` is a class name, a number, or a list of numbers; `probabilities` are by class, empty for regression."""

    input: str
    value: str | float | list[float]
    probabilities: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        document: dict[str, Any] = {"input": self.input, "prediction": self.value}
        return document | ({"probabilities": self.probabilities} if self.probabilities else {})


def predict(
    run: Run, examples: Iterable[tuple[str, tuple[NDArray[Any], ...]]], *, trust: bool = False
) -> Iterator[Prediction]:
    """A prediction for each labelled example, preprocessed as in training.

    Args:
        run: a finished run.
        examples: pairs of a label and the inputs of one example in raw form.
        trust: allow the run's own code to be executed.
    """
    model = run.model(trust=trust)
    pending = iter(examples)
    while some := list(islice(pending, BATCH)):
        inputs = run.preprocessing.apply(
            [np.stack(each) for each in zip(*(example for _, example in some), strict=True)]
        )
        with torch.no_grad():
            output = output_of(model(*inputs)).float()
        values_of = run.preprocessing.restore(output).tolist()
        shares = output.softmax(dim=1).tolist() if run.spec.task == "classification" else [None] * len(some)
        for (label, _), values, share in zip(some, values_of, shares, strict=True):
            if share is None:
                yield Prediction(label, values[0] if len(values) == 1 else values, {})
            else:
                name = run.spec.classes[int(np.argmax(values))]
                yield Prediction(label, name, dict(zip(run.spec.classes, share, strict=True)))
