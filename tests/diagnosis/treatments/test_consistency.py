"""What hangs on the parameters stays in step: groups, moments, schedules, averages, names."""

import copy
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, OneCycleLR, StepLR
from torch.optim.swa_utils import AveragedModel

from gradus.core.errors import InputError
from gradus.diagnosis.treatments.treat import Patient, treat
from tests.diagnosis.treatments.patients import Training, stack, two_groups


def adam(training: Training, name: str) -> dict[str, Any]:
    state: dict[str, Any] = training.patient.optimizers[0].state[training.patient.model.get_parameter(name)]
    return state


def test_what_stays_keeps_its_moments_and_what_is_new_joins_its_kind() -> None:
    training = Training(stack(nn.Sigmoid), torch.optim.AdamW, groups=two_groups)
    training.train(4)
    before = copy.deepcopy(adam(training, "0.weight"))
    training.treat("normalize-layers")
    assert all(torch.equal(value, before[name]) for name, value in adam(training, "0.weight").items())
    matrices, vectors = training.patient.groups
    model = training.patient.model
    new = [model.get_parameter(f"{place}.norm.{name}") for place in (0, 2, 4) for name in ("weight", "bias")]
    assert all(any(each is one for one in vectors["params"]) for each in new)
    assert len(matrices["params"]) == 4


def test_without_biases_a_new_vector_still_joins_the_vectors() -> None:
    model = nn.Sequential(nn.Linear(64, 8, bias=False), nn.ReLU(), nn.Linear(8, 10))
    training = Training(model, torch.optim.AdamW, groups=two_groups)
    training.treat("normalize-layers")
    assert [len(each["params"]) for each in training.patient.groups] == [2, 3]


def test_what_is_beside_a_frozen_layer_is_not_trained_either() -> None:
    model = stack()
    model[0].requires_grad_(False)
    training = Training(model, groups=lambda model: [each for each in model.parameters() if each.requires_grad])
    assert "0" not in training.treat("normalize-layers").places


def test_revived_units_alone_lose_their_moments() -> None:
    model = stack(depth=1, bias=3.0)
    with torch.no_grad():
        model.get_parameter("0.bias")[:5] = -100.0
    training = Training(model, average=True, lr=1e-3)
    training.train(5)
    before = copy.deepcopy(adam(training, "0.weight"))
    now = model.get_parameter("0.weight")
    weight = now.detach().clone()
    averaged = training.patient.averages[0].module.get_parameter("0.weight").detach().clone()
    treatment = training.treat("revive-units")
    assert (treatment.places, treatment.figures["count"]) == (("0",), 5)
    assert not torch.equal(now[:5], weight[:5])
    assert torch.equal(now[5:], weight[5:])
    for name in ("exp_avg", "exp_avg_sq"):
        assert not adam(training, "0.weight")[name][:5].any()
        assert torch.equal(adam(training, "0.weight")[name][5:], before[name][5:])
    after = training.patient.averages[0].module.get_parameter("0.weight")
    assert torch.equal(after[:5], now[:5])
    assert torch.equal(after[5:], averaged[5:])


def test_what_is_drawn_anew_begins_at_step_zero() -> None:
    training = Training(stack(), average=True)
    training.train(5)
    training.treat("initialize")
    assert not training.patient.optimizers[0].state.get(training.patient.model.get_parameter("0.weight"))
    model, average = training.patient.bodies
    assert all(map(torch.equal, model.parameters(), average.parameters()))


def test_what_is_gone_leaves_with_its_state() -> None:
    recurrent = nn.RNN(8, 6, batch_first=True)
    model = nn.Sequential(nn.Unflatten(1, (8, 8)), recurrent, Last(), nn.Linear(6, 10))
    training = Training(model)
    training.train(2)
    gone = list(recurrent.parameters())
    training.treat("gated")
    (group,) = training.patient.groups
    assert not any(each is old for each in group["params"] for old in gone)
    assert not any(each is old for each in training.patient.optimizers[0].state for old in gone)
    assert {id(each) for each in group["params"]} == {id(each) for each in model.parameters()}


class Last(nn.Module):
    def forward(self, states: tuple[Tensor, Tensor]) -> Tensor:
        return states[0][:, -1]


def test_group_norm_goes_on_with_scale_and_shift_and_what_is_known_of_them() -> None:
    model = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))
    training = Training(model)
    training.train(4)
    scale = model[1].weight
    training.treat("group-norm")
    assert isinstance(model[1], nn.GroupNorm)
    assert model[1].weight is scale
    assert adam(training, "1.weight")["step"] == 4


def test_two_optimizers_each_get_what_is_beside_their_own() -> None:
    model = nn.ModuleDict({"first": stack(nn.Sigmoid), "second": stack(nn.Sigmoid)})
    both = nn.Sequential(model["first"], nn.Linear(10, 64), model["second"])
    one = torch.optim.SGD(both[0].parameters(), lr=0.1)
    other = torch.optim.SGD([*both[1].parameters(), *both[2].parameters()], lr=0.1)
    treat(Patient(both, [one, other], example=torch.zeros(32, 64)), "normalize-layers")
    held = [{id(each) for each in optimizer.param_groups[0]["params"]} for optimizer in (one, other)]
    assert held[0] == {id(each) for each in both[0].parameters()}
    assert held[1] == {id(each) for part in (both[1], both[2]) for each in part.parameters()}


@pytest.mark.parametrize(
    "make",
    [
        lambda optimizer: StepLR(optimizer, 3),
        lambda optimizer: LambdaLR(optimizer, lambda step: 1 / (1 + step)),
        lambda optimizer: OneCycleLR(optimizer, 0.5, total_steps=40),
        lambda optimizer: CosineAnnealingLR(optimizer, 40, eta_min=0.01),
    ],
    ids=["step", "lambda", "one cycle", "cosine"],
)
def test_a_schedule_goes_on_at_the_new_rate(make: Any) -> None:
    treated, twin = (Training(stack(), partial(torch.optim.SGD, momentum=0.9), lr=0.1, schedule=make) for _ in range(2))
    for each in (treated, twin):
        each.train(4)
    treated.treat("lower-learning-rate", factor=0.5)
    for _ in range(12):
        for each in (treated, twin):
            each.train(1)
        assert treated.patient.groups[0]["lr"] == pytest.approx(twin.patient.groups[0]["lr"] / 2)


def test_a_schedule_goes_on_with_another_optimizer() -> None:
    def one_cycle(optimizer: torch.optim.Optimizer) -> OneCycleLR:
        return OneCycleLR(optimizer, 0.5, total_steps=40)

    treated, twin = (
        Training(stack(), partial(torch.optim.SGD, momentum=0.9), lr=0.1, schedule=one_cycle) for _ in range(2)
    )
    for each in (treated, twin):
        each.train(4)
    share = 1e-3 / treated.patient.groups[0]["lr"]
    treated.treat("switch-optimizer", to="adamw", lr=1e-3)
    for _ in range(12):
        for each in (treated, twin):
            each.train(1)
        assert treated.patient.groups[0]["lr"] == pytest.approx(twin.patient.groups[0]["lr"] * share)
        assert treated.patient.groups[0]["betas"][0] == pytest.approx(twin.patient.groups[0]["momentum"])


def test_names_indices_and_what_is_shared_stay() -> None:
    shared = nn.Sigmoid()
    hidden = [nn.Linear(16, 16), shared, nn.Linear(16, 16), shared]
    model = nn.Sequential(nn.Linear(64, 16), shared, *hidden, nn.Linear(16, 10))
    names = set(model.state_dict())
    treat(Patient(model, example=torch.zeros(32, 64)), "normalize-layers")
    assert names < set(model.state_dict())
    assert isinstance(model[2], nn.Linear)
    treat(Patient(model, example=torch.zeros(32, 64)), "swap-activation")
    assert isinstance(model[1], nn.ReLU)
    assert model[1] is model[3] is model[5]
    with pytest.raises(InputError, match="has a normalization beside each"):
        treat(Patient(model, example=torch.zeros(32, 64)), "normalize-layers")


class Tied(nn.Module):
    """An autoencoder whose decoder is the encoder's matrix, transposed."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.act, self.decoder = nn.Linear(64, 64), nn.Sigmoid(), nn.Linear(64, 64)
        self.decoder.weight = self.encoder.weight

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.decoder(self.act(self.encoder(x)))
        return result


@pytest.mark.parametrize("remedy", ["initialize", "normalize-layers", "swap-activation", "add-residual"])
def test_tied_weights_stay_tied_and_held_once(remedy: str) -> None:
    model = Tied()
    optimizer = torch.optim.Adam(model.parameters())
    average = AveragedModel(model)
    decoder, encoder = (average.module.get_submodule(each) for each in ("decoder", "encoder"))
    treat(Patient(model, optimizer, averages=average, example=torch.zeros(32, 64)), remedy)
    assert model.decoder.weight is model.encoder.weight
    assert decoder.weight is encoder.weight
    held = [id(each) for each in optimizer.param_groups[0]["params"]]
    assert sorted(held) == sorted({id(each) for each in model.parameters()})


def test_modes_types_and_what_is_added_are_those_around_it() -> None:
    model = stack(nn.Sigmoid).double().eval()
    treat(Patient(model, example=torch.zeros(32, 64, dtype=torch.float64)), "normalize-layers")
    assert not any(each.training for each in model.modules())
    assert all(each.dtype == torch.float64 for each in model.parameters())
    assert all(each.requires_grad for each in model.parameters())


def test_a_treated_network_can_be_copied_and_saved(tmp_path: Any) -> None:
    model = stack(nn.Sigmoid)
    patient = Patient(model, example=torch.zeros(32, 64))
    for each in ("normalize-layers", "add-residual", "dropout"):
        treat(patient, each)
    model.eval()
    x = torch.randn(8, 64)
    twin = copy.deepcopy(model)
    torch.save(model, tmp_path / "model.pt")
    loaded = torch.load(tmp_path / "model.pt", weights_only=False)
    assert torch.equal(twin(x), model(x))
    assert torch.equal(loaded(x), model(x))
