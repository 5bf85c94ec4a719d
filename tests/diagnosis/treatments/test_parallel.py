"""Under DistributedDataParallel all ranks end with the same network, and training goes on."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import spawn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from gradus.core.errors import InputError
from gradus.diagnosis.treatments.treat import Patient, treat
from tests.diagnosis.treatments.patients import digits, stack

RANKS = 2


def _rank(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=RANKS)
    try:
        torch.save(_treated(rank), f"{folder}/{rank}.pt")
    finally:
        distributed.destroy_process_group()


def _treated(rank: int) -> dict[str, Any]:
    """Weights and rates after each treatment; each rank has half of the data, and starts with seeds of its own."""
    torch.manual_seed(rank)
    model = stack(nn.ReLU, 2)
    with torch.no_grad():
        model.get_parameter("0.bias")[:8] = -100.0
    parallel = DistributedDataParallel(model)
    optimizer = torch.optim.Adam(parallel.parameters(), lr=1e-3)
    inputs, classes = (each[rank::RANKS] for each in digits()[:2])

    def closure() -> Tensor:
        rows = torch.randint(len(inputs), (32,))
        optimizer.zero_grad()
        loss = cross_entropy(parallel(inputs[rows]), classes[rows])
        loss.backward()
        return loss

    def train(steps: int) -> None:
        for _ in range(steps):
            closure()
            optimizer.step()

    found: dict[str, Any] = {}
    train(3)
    # The first example of each rank differs: a unit dead here may be alive there.
    patient = Patient(parallel, optimizer, example=inputs[:1], closure=closure)
    for number, remedy in enumerate(("revive-units", "range-test", "initialize")):
        treatment = treat(patient, remedy, seed=rank)  # the first rank's numbers are everybody's
        found[remedy] = [dict(treatment.figures), _copy(model), optimizer.param_groups[0]["lr"]]
        train(2)
        found[f"{number} trained"] = _copy(model)
    with pytest.raises(InputError, match="wrap it anew"):
        treat(patient, "normalize-layers")
    treat(Patient(model, optimizer, example=inputs[:32]), "normalize-layers")
    parallel = DistributedDataParallel(model)
    train(3)
    found["re-wrapped"] = _copy(model)
    return found


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: each.detach().clone() for name, each in model.named_parameters()}


def test_all_ranks_stay_the_same(tmp_path: Path) -> None:
    spawn(_rank, (str(tmp_path),), nprocs=RANKS)
    one, other = (torch.load(tmp_path / f"{rank}.pt") for rank in range(RANKS))
    assert one.keys() == other.keys()
    for name in one:
        _assert_same(one[name], other[name], name)
    assert one["revive-units"][0]["count"] >= 8
    assert not torch.equal(one["revive-units"][1]["0.weight"], one["0 trained"]["0.weight"])
    assert "0.norm.weight" in one["re-wrapped"]


def _assert_same(one: Any, other: Any, name: str) -> None:
    if isinstance(one, Tensor):
        assert torch.equal(one, other), name
    elif isinstance(one, dict):
        for key in one:
            _assert_same(one[key], other[key], f"{name} {key}")
    elif isinstance(one, list):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            _assert_same(left, right, f"{name} {number}")
    else:
        assert one == other, name
