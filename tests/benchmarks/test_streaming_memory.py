"""A folder that is streamed takes no more memory for being larger."""

import pytest

from benchmarks.streaming_memory import measure


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_memory_does_not_grow_with_the_folder(workers: int) -> None:
    small, large = measure(100_000_000, workers=workers), measure(500_000_000, workers=workers)
    assert large.folder - small.folder == 400_000_000
    assert large.images > 4 * small.images
    for grown in (large.own - small.own, large.worker - small.worker):
        assert grown < 120_000_000
    assert large.own < 1_000_000_000
