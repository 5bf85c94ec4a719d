"""A loss over steps is the mean over all of them."""

import torch
from torch.nn.functional import cross_entropy

from gradus.losses.every_step import EveryStep


def test_each_step_counts_as_an_example() -> None:
    generator = torch.Generator().manual_seed(0)
    output = torch.randn(3, 5, 4, generator=generator)
    target = torch.randint(4, (3, 5), generator=generator)
    each = [-output[n, t].log_softmax(0)[target[n, t]] for n in range(3) for t in range(5)]
    torch.testing.assert_close(EveryStep(cross_entropy)(output, target), torch.stack(each).mean())
