"""What is said of a model before it runs."""

import pytest
from torch import nn

from gradus.diagnosis.places import facts_of


class Heads(nn.Module):
    """A mean and a variance, of one unit each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Linear(6, width)
        self.mean, self.log_variance = nn.Linear(width, 1), nn.Linear(width, 1)


@pytest.mark.parametrize(
    ("model", "narrowest"),
    [
        (nn.Sequential(nn.Linear(8, 2), nn.ReLU(), nn.Linear(2, 8)), 2),
        (Heads(40), 40),
        (nn.Linear(8, 2), 0),  # its output is the answer
        (nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Linear(3 * 26 * 26, 10)), 3),
        (nn.Sequential(nn.Linear(4, 7 * 7 * 8), nn.Unflatten(1, (8, 7, 7)), nn.ConvTranspose2d(8, 1, 4)), 392),
        (nn.Sequential(nn.Linear(9, 5), nn.GRU(5, 3), nn.Linear(3, 7)), 3),
        (nn.Sequential(nn.Embedding(9, 2), nn.LSTM(2, 6), nn.Linear(6, 2)), 6),
    ],
)
def test_the_narrowest_layer_is_one_that_others_build_on(model: nn.Module, narrowest: int) -> None:
    assert facts_of(model, "net").narrowest == narrowest


def test_channels_of_batch_norms_are_told_and_of_no_other_norm() -> None:
    model = nn.Sequential(nn.BatchNorm2d(4), nn.Sequential(nn.BatchNorm1d(6), nn.GroupNorm(2, 8)), nn.LayerNorm(3))
    assert facts_of(model, "net").batch_norms == (4, 6)
