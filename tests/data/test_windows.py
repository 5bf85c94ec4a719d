"""Windows kept as what they are cut from give the batches that all of them would."""

import numpy as np
import pytest
import torch

from gradus.data.batching import Loader, fits_in_memory, make_store
from gradus.data.preprocessing import Preprocessing
from gradus.data.raw import Examples, RawData, Windows
from gradus.data.splits import Split

CPU = torch.device("cpu")


@pytest.mark.parametrize("stride", [1, 3])
def test_in_memory_and_streamed_give_the_same_bits(stride: int) -> None:
    base = np.random.default_rng(0).normal(size=(300, 3)) * [1, 20, 1e-3] + [0, 1000, 5]
    windows = Windows(base, 7, 290 // stride, stride)
    examples = Examples((windows,), base[7:297:stride, :1][: 290 // stride].astype(np.float32))
    raw = RawData(kind="series", task="regression", train=examples, ordered=True)
    preprocessing = Preprocessing.fit(raw, Split(examples, np.arange(200 // stride)), target="standard")
    part = Split(examples, np.arange(200 // stride))
    loaders = [
        Loader(part, make_store(examples, preprocessing, stream=stream, device=CPU), batch_size=32, shuffle=True)
        for stream in (False, True)
    ]
    for one, other in zip(*(each.batches(3) for each in loaders), strict=True):
        assert torch.equal(one.inputs[0], other.inputs[0])
        assert torch.equal(one.target, other.target)
        whole = (windows[one.index.numpy()] - base[:206].mean(axis=0)) / base[:206].std(axis=0)
        assert np.abs(one.inputs[0].numpy() - whole).max() < 0.2  # windows in the middle count more often


def test_overlap_takes_no_memory() -> None:
    base = np.broadcast_to(np.zeros((1, 1), np.float32), (1 << 20, 1))
    assert fits_in_memory(Examples((Windows(base, 1 << 12),), np.zeros(1)))
