"""The digits are scikit-learn's."""

import numpy as np
from sklearn.datasets import load_digits

from gradus.data.sources import open_data


def test_digits_are_those_of_scikit_learn() -> None:
    data = open_data("digits", {})
    assert (data.kind, data.task, data.test) == ("digits", "classification", None)
    assert (len(data.train), data.spec.inputs, data.classes) == (1797, ((1, 8, 8),), tuple("0123456789"))
    images = data.train.inputs[0][:]
    assert images.dtype == np.uint8
    # Grey levels 0 to 16 become 0 to 255.
    assert np.array_equal(np.round(images[:, 0].astype(int) * 16 / 255), load_digits().images)
    assert (images.min(), images.max()) == (0, 255)
    assert np.array_equal(data.train.target, load_digits().target)
