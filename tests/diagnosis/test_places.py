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


@pytest.mark.parametrize(
    ("layer", "share"),
    [
        (nn.Dropout2d(0.5), 0.5),
        (nn.MultiheadAttention(4, 2, dropout=0.4), 0.4),
        (nn.GRU(4, 4, num_layers=2, dropout=0.3), 0.3),
        (nn.GRU(4, 4), 0.0),
        (nn.Linear(4, 4), 0.0),
    ],
)
def test_what_layers_drop_is_told_of_those_that_do_it_themselves_too(layer: nn.Module, share: float) -> None:
    assert facts_of(nn.Sequential(layer, nn.Dropout(0.0)), "net").dropout == share
