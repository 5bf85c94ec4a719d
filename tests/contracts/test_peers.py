"""Networks that torchvision or timm has, too, compute the same from the same weights."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from gradus.core.errors import InputError
from gradus.models import create_model, models
from gradus.models.pretrained import load_pretrained
from gradus.training.objective import output_of
from tests.peers import peer

HEAVY = 50e6
"""Parameters above which a comparison is left to `make test-all`."""


@dataclass(frozen=True)
class Twin:
    """A network of ours and the same elsewhere.

    Attributes:
        elsewhere: library and name.
        options: of ours.
        theirs: arguments of the other.
        side: of the images compared on.
        frames: of the clips, where it takes these.
        padded: the other's first pooling, which rounds up as Caffe's does, is to pad as the paper's stem is read.
        heavy: of more than 50 million parameters.
    """

    name: str
    elsewhere: str
    options: dict[str, Any] = field(default_factory=dict)
    theirs: dict[str, Any] = field(default_factory=dict)
    side: int = 64
    frames: int = 0
    padded: bool = False
    heavy: bool = False

    def build(self) -> nn.Module:
        library, _, name = self.elsewhere.partition(":")
        if library == "timm":
            made: nn.Module = peer("timm").create_model(name, pretrained=False, **self.theirs)
        else:
            made = getattr(peer(library), name)(weights=None, **self.theirs)
        if self.padded:
            made.pool0 = nn.MaxPool2d(3, 2, 1)
        return made


def twins() -> Iterator[Twin]:
    vision, video, timm = "torchvision.models:", "torchvision.models.video:", "timm:"
    for depth in (18, 34, 50, 101, 152):
        for library in (vision, timm):
            yield Twin(f"resnet{depth}", f"{library}resnet{depth}", heavy=depth == 152)
    for depth in (50, 101, 152):  # the shallower ones of timm activate before the gate
        options = {"stride_in": "1x1"}
        yield Twin(f"se_resnet{depth}", f"{timm}legacy_seresnet{depth}", options, padded=True, heavy=depth == 152)
    yield Twin("se_resnet50", f"{timm}seresnet50", {"stride_in": "3x3"})
    yield Twin("senet154", f"{timm}legacy_senet154", heavy=True)
    yield Twin("alexnet_owt", f"{vision}alexnet", side=224, heavy=True)
    for depth in (11, 13, 16, 19):
        yield Twin(f"vgg{depth}", f"{vision}vgg{depth}", side=224, heavy=True)
        yield Twin(f"vgg{depth}", f"{vision}vgg{depth}_bn", {"batch_norm": True}, side=224, heavy=True)
    for auxiliary in (False, True):
        form = {"batch_norm": True, "kernel": 3, "auxiliary": auxiliary}
        yield Twin("googlenet", f"{vision}googlenet", form, {"aux_logits": auxiliary, "init_weights": False})
    for depth in (121, 169, 201, 161):
        yield Twin(f"densenet{depth}", f"{vision}densenet{depth}")
    yield Twin("mobilenet_v1", f"{timm}mobilenetv1_100", {"activation": "relu6"})
    yield Twin("mobilenet_v2", f"{vision}mobilenet_v2")
    for width in (0.5, 1.0, 1.5, 2.0):
        name = f"shufflenet_v2_x{width}".replace(".", "_")
        yield Twin("shufflenet_v2", f"{vision}{name}", {"width": width})
    for version in ("1_0", "1_1"):
        yield Twin(f"squeezenet{version}", f"{vision}squeezenet{version}")
    for size in ("tiny", "small", "base"):
        yield Twin(f"vit_{size}", f"{timm}vit_{size}_patch16_224", side=224, heavy=size == "base")
    yield Twin("vit_base", f"{vision}vit_b_16", side=224, heavy=True)
    for name in ("r3d_18", "mc3_18", "r2plus1d_18"):
        yield Twin(name, f"{video}{name}", frames=8)


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
        theirs = randomised(twin.build())
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
