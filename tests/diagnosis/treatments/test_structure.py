"""Shortcuts, gates and dropout compute what they should, and help where they are meant to."""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gradus.diagnosis.treatments.treat import Patient, treat
from tests.diagnosis.treatments.patients import Training, digits, stack

SHAPE = (32, 16)


def treated(model: nn.Module, remedy: str, example: Tensor | None = None, **options: Any) -> nn.Module:
    treat(Patient(model, example=torch.randn(SHAPE) if example is None else example), remedy, **options)
    return model


def test_a_shortcut_goes_around_layer_and_activation_also_where_one_activation_serves_all() -> None:
    shared = nn.Tanh()
    model = nn.Sequential(nn.Linear(16, 16), shared, nn.Linear(16, 8), shared, nn.Linear(8, 8), shared, nn.Linear(8, 2))
    first, middle, last, head = (copy.deepcopy(model[number]) for number in (0, 2, 4, 6))
    x = torch.randn(SHAPE)
    y = x + first(x).tanh()
    z = middle(y).tanh()
    expected = head(z + last(z).tanh())
    treated(model, "add-residual")
    assert torch.allclose(model(x), expected)


def test_a_shortcut_goes_around_a_normalization_too() -> None:
    model = nn.Sequential(nn.Linear(16, 16), nn.LayerNorm(16), nn.ReLU(), nn.Linear(16, 2))
    layer, norm, head = (copy.deepcopy(model[number]) for number in (0, 1, 3))
    x = torch.randn(SHAPE)
    treated(model, "add-residual")
    assert torch.allclose(model(x), head(x + norm(layer(x)).relu()))


class Functional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(16, 16), nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.last(self.first(x).relu())
        return logits


def test_where_the_activation_is_a_function_the_shortcut_ends_before_it() -> None:
    model = Functional()
    x = torch.randn(SHAPE)
    expected = model.last((x + model.first(x)).relu())
    treated(model, "add-residual")
    assert torch.allclose(model(x), expected)


def test_swapped_activations_keep_the_shortcuts_that_end_there() -> None:
    model = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2))
    layer, head = copy.deepcopy(model[0]), copy.deepcopy(model[2])
    x = torch.randn(SHAPE)
    treated(model, "add-residual")
    treated(model, "leaky", slope=0.5, reset=False)
    assert torch.allclose(model(x), head(x + nn.functional.leaky_relu(layer(x), 0.5)))


class Recall(nn.Module):
    """Says which of four symbols came first, forty steps ago."""

    def __init__(self) -> None:
        super().__init__()
        self.recurrence = nn.RNN(4, 32, batch_first=True)
        self.head = nn.Linear(32, 4)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.recurrence(x)[0][:, -1])
        return logits


def recalled(model: Recall, make: Callable[..., torch.optim.Optimizer], remedy: str, **options: Any) -> float:
    """The share that it says right after 300 steps, with a treatment before them."""
    patient = Patient(model, make(model.parameters(), **options), example=torch.zeros(32, 40, 4))
    if remedy:
        treat(patient, remedy)
    right = 0.0
    for _ in range(300):
        first = torch.randint(4, (64,))
        x = 0.1 * torch.randn(64, 40, 4)
        x[:, 0] += 2 * torch.eye(4)[first]
        patient.optimizers[0].zero_grad()
        logits = model(x)
        cross_entropy(logits, first).backward()
        patient.optimizers[0].step()
        right = 0.9 * right + 0.1 * float((logits.argmax(1) == first).float().mean())
    return right


@pytest.mark.parametrize(("remedy", "least", "most"), [("", 0.0, 0.6), ("gated", 0.95, 1.0), ("initialize", 0.95, 1.0)])
def test_gates_or_an_orthogonal_recurrence_carry_over_forty_steps(remedy: str, least: float, most: float) -> None:
    torch.manual_seed(0)
    assert least <= recalled(Recall(), torch.optim.Adam, remedy, lr=3e-3) <= most


@pytest.mark.parametrize(("remedy", "least", "most"), [("", 0.0, 0.6), ("clip-gradient", 0.95, 1.0)])
def test_clipping_helps_where_the_gradient_explodes_through_time(remedy: str, least: float, most: float) -> None:
    torch.manual_seed(0)
    model = Recall()
    with torch.no_grad():
        model.get_parameter("recurrence.weight_hh_l0").copy_(1.5 * torch.linalg.qr(torch.randn(32, 32))[0])
    assert least <= recalled(model, torch.optim.SGD, remedy, lr=0.03, momentum=0.9) <= most


def test_dropout_acts_in_training_mode_alone_and_is_raised_where_there_is_some() -> None:
    model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 2))
    x = torch.randn(SHAPE)
    expected = model(x)
    treated(model, "dropout", p=0.4)
    assert not torch.equal(model.train()(x), model(x))
    assert torch.equal(model.eval()(x), expected)
    treated(model, "dropout", p=0.5)
    treated(model, "dropout", p=0.1)
    assert [each.p for each in model.modules() if isinstance(each, nn.Dropout)] == [0.5]


def test_less_dropout_and_decay_let_an_over_regularized_network_learn() -> None:
    reached = []
    for factor in (None, 0.0):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.9), nn.Linear(64, 10))
        training = Training(model, torch.optim.AdamW, lr=3e-3, weight_decay=50.0)
        if factor is not None:
            training.treat("regularize-less", factor=factor)
        training.train(150)
        reached.append(training.accuracy())
    assert reached[0] < 0.9 < 0.94 < reached[1]


@pytest.mark.parametrize(("remedy", "options"), [("dropout", {"p": 0.5}), ("weight-decay", {"strength": 3.0})])
def test_regularization_keeps_a_network_from_learning_wrong_labels(remedy: str, options: dict[str, Any]) -> None:
    plain, regularized = (_on_wrong_labels(each, options if each else {}) for each in ("", remedy))
    assert regularized.gap < 0.5 * plain.gap
    assert regularized.accuracy > plain.accuracy + 0.05


class Fit(NamedTuple):
    gap: float
    accuracy: float


def _on_wrong_labels(remedy: str, options: dict[str, Any]) -> Fit:
    """Train a wide network long on few examples of which a fifth are labelled at random."""
    inputs, classes = (each[:256].clone() for each in digits()[:2])
    generator = torch.Generator().manual_seed(1)
    wrong = torch.rand(256, generator=generator) < 0.2
    classes[wrong] = torch.randint(10, (int(wrong.sum()),), generator=generator)
    torch.manual_seed(0)
    training = Training(stack(width=128), torch.optim.AdamW, lr=1e-3, weight_decay=0.0)
    training.batches = ((inputs[rows], classes[rows]) for rows in iter(lambda: torch.randint(256, (64,)), None))
    if remedy:
        training.treat(remedy, **options)
    training.train(400)
    model = training.patient.model.eval()
    with torch.no_grad():
        held_out = cross_entropy(model(digits()[2]), digits()[3])
        return Fit(float(held_out - cross_entropy(model(inputs), classes)), training.accuracy())


def test_an_activation_between_linear_layers_makes_xor_possible() -> None:
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    target = torch.tensor([0, 1, 1, 0])
    right = []
    for treat_it in (False, True):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(2, 16), nn.Linear(16, 16), nn.Linear(16, 2))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
        if treat_it:
            assert treat(Patient(model, optimizer, example=x), "add-nonlinearity").places == ("0", "1")
        for _ in range(200):
            optimizer.zero_grad()
            cross_entropy(model(x), target).backward()
            optimizer.step()
        right.append(float((model(x).argmax(1) == target).float().mean()))
    assert right[0] < 1.0 == right[1]


def test_group_norm_mends_what_tiny_batches_spoil() -> None:
    reached = []
    for treat_it in (False, True):
        torch.manual_seed(0)
        layers: list[nn.Module] = []
        for _ in range(3):
            layers += [nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU()]
        training = Training(nn.Sequential(*layers, nn.Linear(64, 10)), lr=1e-3)
        training.batches = ((x[:2], y[:2]) for x, y in training._batches(0))
        if treat_it:
            training.treat("group-norm")
        training.train(600)
        reached.append(training.accuracy())
    assert reached[1] > reached[0] + 0.05
    assert reached[1] > 0.85
