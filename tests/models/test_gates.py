"""Gates of the layers of a network, as the layers themselves hand them back."""

import torch
from torch import nn

from gradus.core.spec import DataSpec
from gradus.models import create_model
from gradus.models.gates import gates

SPEC = DataSpec(task="regression", inputs=((9, 3),), outputs=2)


def test_gates_are_those_of_each_layer_by_name() -> None:
    torch.manual_seed(0)
    model, x = create_model("lstm", spec=SPEC, hidden=4, layers=2, dropout=0.5), torch.randn(5, 9, 3)
    found = gates(model, x)
    assert sorted(found) == [
        f"recurrence.{way}.{gate}" for way in ("l0", "l1") for gate in ("forget", "input", "output")
    ]
    assert model.training
    recurrence = model.eval().get_submodule("recurrence")
    *_, expected = recurrence(x, return_gates=True)
    for place, each in found.items():
        _, way, name = place.split(".")
        assert torch.equal(each, expected[way][name])
        assert each.shape == (5, 9, 4)


def test_a_gru_keeps_by_its_update_gate() -> None:
    """Where it is 1 the state does not change."""
    model = create_model("gru", spec=SPEC, hidden=4)
    assert sorted(gates(model, torch.zeros(2, 9, 3))) == ["recurrence.l0.reset", "recurrence.l0.update"]


def test_other_networks_have_none() -> None:
    assert gates(create_model("rnn", spec=SPEC), torch.zeros(2, 9, 3)) == {}
    assert gates(nn.Linear(3, 2), torch.zeros(2, 9, 3)) == {}
