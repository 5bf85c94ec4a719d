"""Numbers from tensors, against closed forms and NumPy."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from gradus.diagnosis import measure


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# ---- samples --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (0,), (7,), (4096,), (4097,), (300, 301)])
def test_a_sample_is_small_even_and_looks_the_same(shape: tuple[int, ...]) -> None:
    tensor = normal(*shape)
    part = measure.sample(tensor)
    assert part.dim() == 1
    assert part.numel() == min(tensor.numel(), part.numel()) <= measure.MOST
    assert part.numel() > measure.MOST / 2 or part.numel() == tensor.numel()
    assert torch.isin(part, tensor).all()
    assert torch.equal(part, measure.sample(tensor.requires_grad_()))
    assert not measure.sample(tensor).requires_grad


@pytest.mark.parametrize("side", [8, 10, 16, 28])
def test_a_sample_of_pictures_meets_all_their_pixels(side: int) -> None:
    pictures = normal(1000, side, side)
    pictures[:, :, 0] = pictures[:, 0] = 0.0  # as edges are
    assert float(measure.sample(pictures).std()) == pytest.approx(float(pictures.std()), rel=0.05)


@pytest.mark.parametrize("shape", [(64, 3, 32, 32), (5, 100, 64), (4096, 2)])
def test_every_column_has_its_share_of_a_sample(shape: tuple[int, ...]) -> None:
    columns = torch.arange(shape[-1]).expand(shape)
    shares = torch.bincount(measure.sample(columns), minlength=shape[-1]) / measure.sample(columns).numel()
    assert (shares * shape[-1] - 1).abs().max() < 0.1


def test_a_sample_of_what_is_not_dense_or_real() -> None:
    values = normal(3, 5)
    sparse = torch.sparse_coo_tensor(torch.tensor([[1, 4, 7]]), values, (9, 5), check_invariants=True)
    assert torch.equal(measure.sample(sparse), values.flatten())
    numbers = torch.complex(normal(6), normal(6, seed=1))
    assert math.isclose(float(measure.sample(numbers).norm()), float(numbers.abs().square().sum().sqrt()), rel_tol=1e-6)
    assert torch.equal(measure.sample(values.t()).sort().values, values.flatten().sort().values)


def test_half_precision_is_read_in_full() -> None:
    small = torch.full((100,), 1e-4, dtype=torch.float16)
    assert float(measure.sample(small).square().mean().sqrt()) == pytest.approx(1e-4, rel=1e-3)  # 1e-8 is 0 in float16


def test_units_of_a_layer_stay_apart() -> None:
    """Each unit gives its own number everywhere, so every column of the sample is constant."""
    for shape, axis in [((9,), -1), ((200, 10), -1), ((20, 7, 12), -1), ((20, 12, 30, 31), 1), ((3, 2000), -1)]:
        output = torch.empty(shape)
        units = shape[axis] if len(shape) > 1 else 1
        output.movedim(axis, -1)[:] = torch.arange(units) if len(shape) > 1 else 5
        sample = measure.by_unit(output, axis)
        assert sample.dim() == 3
        assert sample.numel() <= max(measure.MOST, 16 * 1024)
        assert torch.equal(sample, sample[:1, :1].expand_as(sample))
        assert len(set(sample[0, 0].tolist())) == sample.shape[-1] == min(units, 1000)


# ---- activations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("activation", "limit"), [("sigmoid", 4.0), ("tanh", 2.5)])
def test_saturation_of_normal_values_is_the_tail_of_the_normal_distribution(activation: str, limit: float) -> None:
    values = 2 * normal(200, 100, 3)
    tail = math.erfc(limit / 2 / math.sqrt(2))
    before = measure.saturation(values, activation, before=True)
    assert before.shape == (3,)
    np.testing.assert_allclose(before.numpy(), tail, atol=4 * math.sqrt(tail / 20_000))
    function = torch.sigmoid if activation == "sigmoid" else torch.tanh
    after = measure.saturation(function(values), activation, before=False)
    np.testing.assert_allclose(after.numpy(), before.numpy(), atol=1e-3)


def test_a_unit_is_silent_only_if_it_never_speaks() -> None:
    values = torch.tensor([[[0.0, -1.0, 0.0, 0.0]], [[0.0, -2.0, 0.1, float("nan")]]])
    assert measure.silent(values).tolist() == [True, True, False, False]


# ---- matrices -------------------------------------------------------------------------------------------------------


INITIALIZERS: dict[str, Callable[[Tensor], object]] = {
    "torch": lambda weight: nn.init.kaiming_uniform_(weight, a=math.sqrt(5)),
    "kaiming": nn.init.kaiming_normal_,
    "xavier": nn.init.xavier_uniform_,
    "orthogonal": nn.init.orthogonal_,
    "normal": lambda weight: nn.init.normal_(weight, 0, 0.02),
    "truncated": lambda weight: nn.init.trunc_normal_(weight, 0, 0.02, -0.04, 0.04),
}


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize("shape", [(4, 16), (8, 8), (10, 64), (64, 64), (32, 3, 3, 3), (64, 32, 3, 3), (500, 300)])
def test_a_fresh_matrix_looks_initialized(name: str, shape: tuple[int, ...]) -> None:
    looks = 0
    for seed in range(20):
        torch.manual_seed(seed)
        weight = torch.empty(shape)
        INITIALIZERS[name](weight)
        looks += measure.looks_initialized(weight)
    assert looks >= 19


def trained(seed: int, adaptive: bool) -> list[Tensor]:
    images, classes = load_digits(return_X_y=True)
    x, y = torch.tensor(images / 16, dtype=torch.float32), torch.tensor(classes)
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer: torch.optim.Optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    if adaptive:
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(8):
        for some in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            functional.cross_entropy(model(x[some]), y[some]).backward()
            optimizer.step()
    assert float((model(x).argmax(1) == y).float().mean()) > 0.95
    return [each.detach() for each in model.parameters() if each.dim() > 1]


def test_a_trained_matrix_does_not() -> None:
    matrices = [each for seed in range(3) for adaptive in (False, True) for each in trained(seed, adaptive)]
    assert sum(map(measure.looks_initialized, matrices)) == 0


@pytest.mark.parametrize(
    "weight",
    [
        torch.zeros(20, 20),
        torch.ones(20, 20),
        torch.eye(20),
        torch.full((20, 20), math.nan),
        normal(3, 3),
        normal(0, 9),
    ],
    ids=["zeros", "ones", "eye", "nan", "tiny", "empty"],
)
def test_what_cannot_be_told_does_not_look_initialized(weight: Tensor) -> None:
    assert not measure.looks_initialized(weight)


def test_identical_rows() -> None:
    assert measure.identical_rows(torch.full((3, 4), 0.5))
    assert measure.identical_rows(normal(1, 4).expand(3, 4))
    assert not measure.identical_rows(normal(3, 4))
    assert not measure.identical_rows(normal(1, 4))  # a single unit has no twin
    assert measure.identical_rows(torch.empty(3, 0))


def test_rows_are_identical_up_to_rounding_if_gradients_are() -> None:
    alike, unlike = normal(1, 4).expand(3, 4), normal(3, 4)
    rounded = alike * (1 + 1e-6 * unlike)
    assert measure.identical_rows(rounded, rounded)
    assert measure.identical_rows(alike, unlike)
    assert not measure.identical_rows(rounded)
    assert not measure.identical_rows(rounded, unlike)  # as after a first small step from one number, all the same
    assert not measure.identical_rows(unlike, rounded)
    assert not measure.identical_rows(rounded, torch.zeros(3, 4))
    assert not measure.identical_rows(torch.full((3, 4), math.nan), torch.full((3, 4), math.nan))


def test_rows_of_a_few_blocks_are_identical() -> None:
    gates = normal(3, 4)
    assert measure.identical_rows(gates.repeat_interleave(40, dim=0))
    assert not measure.identical_rows(gates.repeat_interleave(4, dim=0))  # as what is to be shuffled into pixels
    assert not measure.identical_rows(torch.cat([gates[:1].expand(20, 4), normal(60, 4)]))


# ---- finiteness and structures --------------------------------------------------------------------------------------


NAN = torch.tensor([1.0, math.nan])


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (torch.tensor([1, 2]), True),
        (torch.empty(0), True),
        (NAN, False),
        (NAN.bfloat16(), False),
        (torch.tensor([math.inf, -math.inf]), False),
        (torch.full((9,), 3e38), True),  # the sum overflows
        (torch.full((9,), 6e4, dtype=torch.float16), True),
        (torch.complex(torch.ones(2), NAN), False),
        (torch.complex(torch.ones(2), torch.ones(2)), True),
        (torch.sparse_coo_tensor(torch.tensor([[0, 3]]), NAN, (9,), check_invariants=True), False),
        (torch.sparse_coo_tensor(torch.tensor([[0, 3]]), torch.ones(2), (9,), check_invariants=True), True),
    ],
)
def test_finite(tensor: Tensor, expected: bool) -> None:
    assert measure.finite(tensor) is expected


@dataclass
class Output:
    loss: Tensor
    logits: Tensor


def test_the_first_tensor_is_what_holds_the_examples() -> None:
    scalar, answer, logits = torch.tensor(0.5), torch.arange(3), normal(3, 4)
    for result in (
        logits, (logits, scalar), [logits], (answer, logits), {"loss": scalar, "logits": logits},
        Output(scalar, logits), {"deep": [(answer,), {"er": logits}]}, (None, logits, "text"),
    ):  # fmt: skip
        assert measure.first_tensor(result) is logits
    assert measure.first_tensor((answer, scalar)) is scalar
    assert measure.first_tensor(answer) is answer
    assert measure.first_tensor(Output) is None
    assert measure.first_tensor({}) is measure.first_tensor(3) is None


def test_figures_come_over_together() -> None:
    tensors = [torch.tensor(0.5, requires_grad=True), torch.tensor([3]), torch.tensor(2.0, dtype=torch.float64)]
    assert measure.figures(tensors) == [0.5, 3.0, 2.0]
    assert measure.figures([]) == []


def test_distances_are_those_of_numpy() -> None:
    points = normal(6, 3)
    expected = np.linalg.norm(points.numpy()[:, None] - points.numpy(), axis=-1)
    np.testing.assert_allclose(measure.pairwise(points).numpy(), expected, atol=1e-5)


def test_positions_count_as_far_as_they_differ() -> None:
    gen = torch.Generator().manual_seed(0)
    noise = torch.randn(2, 64, 10, 10, generator=gen)
    light = torch.randn(2, 64, 1, 1, generator=gen)
    assert measure.independent(noise) > 100
    assert measure.independent(light.expand(-1, -1, 10, 10)) < 2.5
    assert 2 < measure.independent(noise + light) < 8
    assert measure.independent(torch.randn(3, 5)) == 3
    assert measure.independent(light[:1].expand(-1, -1, 10, 10)) == 100  # of one example nothing can be told
    assert measure.independent(torch.ones(2, 4, 3)) == 6
    assert measure.independent(light.expand(-1, -1, 10, 10).repeat(4, 1, 1, 1)) == 800


@pytest.mark.parametrize("momentum", [0.1, 0.5])
def test_the_numbers_of_one_example_are_as_alike_as_its_mean_lies_apart(momentum: float) -> None:
    """Its mean of 3 lies 2 from the mean of 1 before it, with a variance of 4: half of what varies is the example's."""
    inputs = torch.tensor([2.0, 4.0] * 8).expand(1, 3, 16)
    mean = torch.full((3,), (1 - momentum) * 1.0 + momentum * 3.0)
    assert measure.independent_of_one(inputs, mean, torch.full((3,), 4.0), momentum) == pytest.approx(2.0)
    assert measure.independent_of_one(inputs, torch.full((3,), 3.0), torch.full((3,), 4.0), momentum) == 16
