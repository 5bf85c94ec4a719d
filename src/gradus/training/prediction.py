"""What a trained network says of new examples."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gradus.training.combining import combine_classes, combine_values
from gradus.training.objective import output_of
from gradus.training.run import Run

BATCH = 256


@dataclass(frozen=True)
class Prediction:
    """What a network says of one example.

    Attributes:
        value: a class name or a number; or a list of them, for each step or target.
        probabilities: by class, of the last step where there are several; empty for regression.
    """

    input: str
    value: str | float | list[float] | list[str]
    probabilities: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        document: dict[str, Any] = {"input": self.input, "prediction": self.value}
        return document | ({"probabilities": self.probabilities} if self.probabilities else {})


def predict(
    run: Run, examples: Iterable[tuple[str, tuple[NDArray[Any], ...]]], *, trust: bool = False
) -> Iterator[Prediction]:
    """A prediction for each labelled example, preprocessed as in training.

    Args:
        run: a finished run, of one network or of an ensemble.
        examples: pairs of a label and the inputs of one example in raw form.
        trust: allow the run's own code to be executed.
    """
    ensemble = run.recipe.ensemble
    networks = [(each, each.model(trust=trust)) for each in (run.members if ensemble is not None else [run])]
    pending = iter(examples)
    while some := list(islice(pending, BATCH)):
        rows = [np.stack(each) for each in zip(*(example for _, example in some), strict=True)]
        with torch.no_grad():
            outputs = [output_of(model(*each.preprocessing.apply(rows))).float() for each, model in networks]
        if run.spec.task == "regression":
            restored = [each.preprocessing.restore(out) for (each, _), out in zip(networks, outputs, strict=True)]
            values = combine_values(torch.stack(restored))
            for (label, _), numbers in zip(some, values.tolist(), strict=True):
                yield Prediction(label, numbers[0] if len(numbers) == 1 else numbers, {})
            continue
        shares = combine_classes(torch.stack(outputs), "mean" if ensemble is None else ensemble.combine)
        said = shares.argmax(-1).reshape(len(some), -1)
        last = shares if run.spec.steps is None else shares[:, -1]
        for (label, _), codes, share in zip(some, said.tolist(), last.tolist(), strict=True):
            names = [run.spec.classes[code] for code in codes]
            value = names[0] if run.spec.steps is None else names
            yield Prediction(label, value, dict(zip(run.spec.classes, share, strict=True)))
