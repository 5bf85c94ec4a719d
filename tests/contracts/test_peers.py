"""Networks that torchvision or timm has, too, compute the same from the same weights."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from benchmarks.peers import AbsentError, Twin, twins
from gradus.core.errors import InputError
from gradus.models import create_model, models
from gradus.models.pretrained import load_pretrained
from gradus.training.objective import output_of

HEAVY = 50e6
"""Parameters above which a comparison is left to `make test-all`."""


def randomised(model: nn.Module) -> nn.Module:
    """The network with statistics, scales and heads as after some training, not the zeros and ones of the first."""
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
            nn.init.uniform_(module.weight, 0.5, 1.5, generator=generator)
            nn.init.normal_(module.bias, 0, 0.1, generator=generator)
    for each in model.parameters():
        if each.dim() > 1 and not each.any():
            nn.init.normal_(each, 0, 0.1, generator=generator)
    return model.eval()


@pytest.mark.parametrize(
    "twin",
    [
        pytest.param(twin, id=f"{twin.name}-{twin.elsewhere}", marks=pytest.mark.slow if twin.heavy else ())
        for twin in twins()
    ],
)
def test_the_same_weights_give_the_same_outputs(
    twin: Twin, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    if twin.name not in models:
        pytest.skip(f"{twin.name} is not in the catalogue")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        try:
            theirs = randomised(twin.build())
        except AbsentError as error:
            pytest.skip(str(error))
        ours = create_model(twin.name, **twin.options).eval()
    assert twin.heavy or sum(each.numel() for each in theirs.parameters()) < HEAVY
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    assert load_pretrained(ours, tmp_path / "weights.pth").left == ()

    shape = (2, 3, *[twin.frames] * bool(twin.frames), twin.side, twin.side)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        given, expected = output_of(ours(x)), theirs(x)
    difference = ((given - expected).abs().max() / expected.abs().max()).item()
    assert difference <= 1e-4

    # A file without order is understood aright, or not at all.
    save_file(theirs.state_dict(), tmp_path / "weights.safetensors")
    state = {name: each.clone() for name, each in ours.state_dict().items()}
    for each in ours.parameters():
        nn.init.zeros_(each)
    try:
        load_pretrained(ours, tmp_path / "weights.safetensors")
        assert all(torch.equal(each, state[name]) for name, each in ours.state_dict().items())
        unordered = "safetensors too"
    except InputError as error:
        assert "is ambiguous" in str(error)  # noqa: PT017
        unordered = "with order alone"
    record_property("peer", f"{difference:.1e}  {twin.name} {twin.options or ''} = {twin.elsewhere}, {unordered}")
