"""The handwritten digits that scikit-learn carries."""

import numpy as np

from gradus.data.arrays import from_arrays
from gradus.data.raw import RawData
from gradus.data.sources import sources


@sources.register(
    source="Alpaydin, Kaynak (1998), Optical Recognition of Handwritten Digits, UCI; the test part of it, as "
    "distributed with scikit-learn",
    notes="The 17 grey levels 0 to 16 are spread over 0 to 255, as image files have them.",
)
def digits() -> RawData:
    """1,797 handwritten digits, grey, 8 x 8, ten classes, no download."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return from_arrays(np.round(bunch.images * (255 / 16)).astype(np.uint8), bunch.target, kind="digits")
