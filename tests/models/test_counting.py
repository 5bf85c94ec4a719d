import pytest
import torch
from torch import Tensor, nn

from gradus.core.spec import DataSpec
from gradus.models.counting import multiply_adds, parameters


def spec(*shapes: tuple[int, ...], dtypes: tuple[str, ...] = ()) -> DataSpec:
    return DataSpec(task="classification", inputs=shapes, input_dtypes=dtypes, outputs=2)


def test_shared_parameters_count_once_and_frozen_ones_count() -> None:
    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    second.weight = first.weight
    first.bias.requires_grad_(False)
    assert parameters(nn.Sequential(first, second, nn.BatchNorm1d(4))) == 16 + 4 + 4 + 8


@pytest.mark.parametrize(
    ("model", "shape", "expected"),
    [
        (nn.Conv2d(3, 8, 5, padding=2), (3, 10, 10), 8 * 3 * 25 * 100),
        (nn.Conv2d(6, 6, 3, groups=6, stride=2), (6, 9, 9), 6 * 9 * 16),
        (nn.ConvTranspose2d(4, 2, 2, stride=2), (4, 5, 5), 4 * 2 * 4 * 25),
        (nn.Linear(7, 3), (5, 7), 7 * 3 * 5),
        (nn.Sequential(nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout()), (2, 8, 8), 0),
    ],
    ids=["convolution", "depthwise", "transposed", "linear", "the rest"],
)
def test_multiply_adds_are_those_of_the_formula(model: nn.Module, shape: tuple[int, ...], expected: int) -> None:
    assert multiply_adds(model, spec(shape)) == expected


def test_several_inputs_come_in_their_types() -> None:
    class Lookup(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(5, 3)
            self.layer = nn.Linear(4, 2)

        def forward(self, x: Tensor, code: Tensor) -> Tensor:
            result: Tensor = self.layer(torch.cat([x, self.table(code)], dim=1))
            return result

    assert multiply_adds(Lookup(), spec((1,), (), dtypes=("float32", "int64"))) == 8


def test_evaluation_mode_is_what_counts() -> None:
    class Auxiliary(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + (super().forward(x) if self.training else 0)

    assert multiply_adds(Auxiliary(3, 2), spec((3,))) == 6


def test_counting_changes_nothing() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten(), nn.Linear(144, 2))
    model[4].requires_grad_(False)
    before = {name: each.clone() for name, each in model.state_dict().items()}
    identities = [id(each) for each in model.parameters()]
    state = torch.get_rng_state()
    multiply_adds(model, spec((1, 8, 8)))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(each.training for each in model.modules())
    assert [id(each) for each in model.parameters()] == identities
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())


def test_nothing_is_computed() -> None:
    devices = []

    class Spy(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            devices.append(x.device.type)
            return x

    multiply_adds(nn.Sequential(nn.Linear(2, 2), Spy()), spec((2,)))
    assert devices == ["meta"]
    with torch.device("meta"):
        enormous = nn.Linear(2**20, 2**20)  # four terabytes, if it had numbers
    assert multiply_adds(enormous, spec((2**20,))) == 2**40
