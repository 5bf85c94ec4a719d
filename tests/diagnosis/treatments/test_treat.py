"""What every treatment promises: it can be undone exactly, and if it fails nothing has happened."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import gradus
from gradus.core.errors import InputError
from gradus.core.text import set_language
from gradus.diagnosis.remedies import CARDS
from gradus.diagnosis.treatments.table import TreatmentCard, treatments
from gradus.diagnosis.treatments.treat import Patient, treat
from gradus.optim.flat import Flat
from tests.diagnosis.treatments.patients import Training, stack, two_groups, warming_up

EVERY = pytest.mark.parametrize("card", treatments.cards(), ids=treatments.names())
OPTIONS: dict[str, dict[str, Any]] = {"schedule": {"total": 50, "warmup": 5}}


class Ward(nn.Module):
    """Something to do for every treatment: dead units, sigmoids, a recurrence, batch norm, dropout, frozen layers."""

    def __init__(self) -> None:
        super().__init__()
        self.frozen = nn.Linear(64, 64).requires_grad_(False)
        self.body = nn.Sequential(
            nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32), nn.Sigmoid(),
            nn.Linear(32, 16), nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2),
        )  # fmt: skip
        self.recurrence = nn.RNN(8, 12, batch_first=True)
        self.head = nn.Linear(12, 10)
        with torch.no_grad():
            self.body[0].bias[:4] = -100.0  # type: ignore[operator]

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.recurrence(self.body(self.frozen(x)).unflatten(1, (4, 8)))
        logits: Tensor = self.head(states[:, -1])
        return logits


def ward(schedule: bool = True) -> Training:
    torch.manual_seed(0)
    training = Training(
        Ward(),
        torch.optim.AdamW,
        groups=lambda model: two_groups(model)[:2],
        schedule=warming_up if schedule else None,
        average=True,
        eps=1e-3,
    )
    # One parameter that nobody holds, so that there is something to hold.
    group = training.patient.optimizers[0].param_groups[1]["params"]
    group[:] = [each for each in group if each is not training.patient.model.get_parameter("head.bias")]
    return training


def state(training: Training) -> list[Any]:
    patient = training.patient
    bodies: list[nn.Module] = [patient.model, *patient.averages]
    return [
        [(name, each.clone()) for body in bodies for name, each in body.state_dict().items()],
        [each.grad if each.grad is None else each.grad.clone() for each in patient.model.parameters()],
        [each.requires_grad for each in patient.model.parameters()],
        [(module.training, getattr(module, "p", None)) for module in patient.model.modules()],
        [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in patient.model.modules()],
        [copy.deepcopy(each.state_dict()) for each in patient.optimizers],
        [copy.deepcopy(each.state_dict()) for each in patient.schedulers],
    ]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@pytest.fixture(autouse=True)
def _language_as_it_was() -> Iterator[None]:
    yield
    set_language(None)


@EVERY
def test_is_a_remedy_that_documents_itself(card: TreatmentCard) -> None:
    assert card.name in CARDS
    assert card.summary.endswith((".", ":"))


@EVERY
def test_undone_the_run_goes_on_bit_for_bit_as_if_untreated(card: TreatmentCard) -> None:
    treated, twin = (ward(schedule=card.name != "schedule") for _ in range(2))
    for each in (treated, twin):
        torch.manual_seed(1)
        each.train(6)
    before = state(treated)
    random = torch.get_rng_state()
    closure = treated.patient.closure
    treated.patient.closure = lambda: _on_one_batch(treated)
    optimizers = list(treated.patient.optimizers)
    done = treated.treat(card.name, **OPTIONS.get(card.name, {}))
    treated.patient.closure = closure
    assert torch.equal(torch.get_rng_state(), random)
    assert done.places
    said = {}
    for language in ("en", "zh"):
        set_language(language)
        said[language] = done.text
    assert said["en"] != said["zh"]
    assert not same(state(treated), before) or card.name == "clip-gradient"  # a hook alone
    batches, treated.batches = treated.batches, treated._batches(9)
    treated.train(3)
    done.undo()
    assert treated.patient.optimizers == optimizers
    assert same(state(treated), before)
    treated.batches = batches
    for each in (treated, twin):
        torch.manual_seed(2)
        each.train(6)
    assert same(state(treated), state(twin))


def _on_one_batch(training: Training) -> Tensor:
    """The closure on batches of its own, so that the order of training's goes on."""
    batches, training.batches = training.batches, training._batches(7)
    try:
        return training.closure()
    finally:
        training.batches = batches


@EVERY
def test_treated_the_run_goes_on(card: TreatmentCard) -> None:
    training = ward(schedule=card.name != "schedule")
    training.train(3)
    training.treat(card.name, **OPTIONS.get(card.name, {}))
    patient = training.patient
    held = [id(each) for group in patient.groups for each in group["params"]]
    own = {id(each): name for name, each in patient.model.named_parameters()}
    assert len(held) == len(set(held))
    assert set(held) <= own.keys()
    unheld = {own[each] for each in own.keys() - set(held)} - {"frozen.weight", "frozen.bias", "head.bias"}
    assert not unheld
    before = {name: each.detach().clone() for name, each in patient.model.named_parameters()}
    training.train(8)
    still = [name for name, each in patient.model.named_parameters() if torch.equal(each, before[name])]
    assert set(still) <= {"frozen.weight", "frozen.bias", "head.bias"}
    assert all(each.isfinite().all() for each in patient.model.parameters())
    (average,) = patient.averages
    assert average.module.state_dict().keys() == patient.model.state_dict().keys()


def test_what_fails_halfway_has_changed_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: Any) -> None:
        raise RuntimeError("out of memory")

    training = ward()
    training.train(2)
    before = state(training)
    monkeypatch.setattr("gradus.diagnosis.treatments.treat.make_consistent", fails)
    with pytest.raises(RuntimeError, match="out of memory"):
        training.treat("normalize-layers")
    assert same(state(training), before)


@pytest.mark.parametrize(
    ("remedy", "options", "says"),
    [
        ("shuffle", {}, "is done in the program or to the data"),
        ("normalise-layers", {}, "Did you mean `normalize-layers`"),
        ("normalize-layers", {"kind": "batch"}, "unknown option `kind`"),
        ("normalize-layers", {"norm": "instance"}, "`norm`"),
        ("lower-learning-rate", {"factor": 2.0}, "`factor`"),
        ("schedule", {}, "`total` must be given"),
    ],
)
def test_refuses_what_it_does_not_know(remedy: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        treat(Patient(stack()), remedy, **options)


class Functional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(64, 32), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.last(self.first(x).sigmoid())
        return logits


def compiled() -> nn.Module:
    model = stack(nn.Sigmoid)
    model.compile()
    return model


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (Functional(), "cannot be swapped from outside"),
        (torch.jit.script(stack(nn.Sigmoid)), "must not be scripted"),
        (torch.compile(stack(nn.Sigmoid)), "must not be compiled"),
        (compiled(), "must not be compiled"),
        (nn.Sequential(nn.LazyLinear(4), nn.Sigmoid(), nn.Linear(4, 2)), "lazy"),
        (nn.DataParallel(stack(nn.Sigmoid)), "must not be within DataParallel"),
        (stack(nn.ReLU), "has no sigmoid or tanh after a hidden layer"),
        (nn.Sequential(nn.Linear(64, 4), shared := nn.Sigmoid(), nn.Linear(4, 2), shared), "is used elsewhere, too"),
    ],
    ids=["functional", "scripted", "wrapped", "compiled", "lazy", "parallel", "none", "shared"],
)
def test_refuses_what_cannot_be_done_and_leaves_it_alone(model: nn.Module, says: str) -> None:
    before = repr(model)
    with pytest.raises(InputError, match=says) as caught:
        treat(Patient(model, example=torch.zeros(4, 64)), "swap-activation")
    assert "\n" not in str(caught.value)
    assert repr(model) == before


def test_an_optimizer_with_one_tensor_for_all_takes_no_new_parameters() -> None:
    model = stack()
    patient = Patient(model, Flat(torch.optim.Adam(model.parameters())), example=torch.zeros(32, 64))
    with pytest.raises(InputError, match="keeps all parameters in one tensor"):
        treat(patient, "normalize-layers")
    treat(patient, "initialize")


def test_a_compiled_network_may_have_its_weights_and_rates_treated() -> None:
    model = torch.compile(stack(bias=-10.0))
    assert isinstance(model, nn.Module)
    patient = Patient(model, torch.optim.SGD(model.parameters(), lr=1.0), example=torch.zeros(4, 64))
    treat(patient, "reset-biases")
    treat(patient, "lower-learning-rate")
    assert not any(each.any() for each in model.parameters() if each.dim() == 1)
    assert patient.groups[0]["lr"] == pytest.approx(0.1)


def test_is_public() -> None:
    assert gradus.treat is treat
    assert gradus.Patient is Patient


def test_the_page_lists_every_treatment_and_option() -> None:
    page = (Path(__file__).parents[3] / "docs" / "treatments.md").read_text(encoding="utf-8")
    for card in treatments.cards():
        assert f"`{card.name}`" in page
        assert all(f"`{option.name}`" in page for option in card.options)
