"""Predicted peaks against those of real steps, as torch's own allocator reports them to its profiler."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.checkpoint import checkpoint

from gradus.analysis.training_memory import OPTIMIZERS, training_memory
from gradus.core.errors import InputError
from gradus.core.workspaces import lstm_workspace
from tests.analysis.networks import AsksForNumbers, Calls, resnet50


@dataclass
class Held:
    tensor: Tensor


class Last(nn.Module):
    """What a recurrent layer gives at each step."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(x)[0]
        return out


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(256, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))


def transformer() -> nn.Module:
    return nn.Sequential(*[nn.TransformerEncoderLayer(128, 4, 256, batch_first=True) for _ in range(4)])


def decoder() -> nn.Module:
    """Its maps are larger than all else, and its kernels reorder them."""
    return nn.Sequential(
        nn.Conv2d(3, 20, 3, padding=1), nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(20, 16, 5, 2, 2),
        nn.GroupNorm(4, 16), nn.SiLU(), nn.Upsample(scale_factor=2), nn.Conv2d(16, 3, 3, padding=1),
    )  # fmt: skip


def generator() -> nn.Module:
    return nn.Sequential(
        nn.ConvTranspose2d(64, 64, 4), nn.BatchNorm2d(64), nn.ReLU(inplace=True),
        nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.BatchNorm2d(32), nn.ReLU(inplace=True),
        nn.ConvTranspose2d(32, 3, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "perceptron": (perceptron, (64, 256)),
    "convolutional": (convolutional, (16, 3, 64, 64)),
    "ResNet-50": (resnet50, (2, 3, 96, 96)),
    "transformer": (transformer, (8, 64, 128)),
    "decoder": (decoder, (4, 3, 48, 48)),
    "generator": (generator, (16, 64, 4, 4)),
    "LSTM": (lambda: Last(nn.LSTM(64, 128, 2, batch_first=True)), (16, 50, 64)),
    "GRU": (lambda: Last(nn.GRU(64, 128, batch_first=True)), (16, 20, 64)),
}


def measured(model: nn.Module, x: Tensor, optimizer: str, precision: str) -> int:
    """Bytes alive at once in the second of two real steps: what is there when it begins, and what is made in it."""
    parameters = list(model.parameters())
    updater = OPTIMIZERS[optimizer](parameters)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            outputs = model(x)
            loss = outputs.float().square().mean()
        loss.backward()
        del outputs, loss
        updater.step()

    step()
    updater.zero_grad()  # of what was there before, the profiler does not see the end
    state = [each for values in updater.state.values() for each in values.values() if isinstance(each, Tensor)]
    now = peak = sum(each.untyped_storage().nbytes() for each in (*parameters, *model.buffers(), *state, x))
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step()
    events = profiler.profiler.kineto_results.events()
    for event in sorted((each for each in events if each.name() == "[memory]"), key=lambda each: each.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    return peak


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])  # without state, and with most
@pytest.mark.parametrize("name", NETWORKS)
def test_the_peak_is_within_five_percent_of_a_real_step(name: str, optimizer: str) -> None:
    build, shape = NETWORKS[name]
    model, x = build(), torch.randn(shape)
    found = training_memory(model, x, optimizer=optimizer)
    assert found.peak == pytest.approx(measured(model, x, optimizer, "float32"), rel=0.05)


@pytest.mark.parametrize("name", ["perceptron", "ResNet-50", "transformer", "decoder", "generator"])
def test_the_peak_in_mixed_precision(name: str) -> None:
    build, shape = NETWORKS[name]
    model, x = build(), torch.randn(shape)
    found = training_memory(model, x, precision="bf16")
    # Without tiles for bfloat16 a processor lays some convolutions out anew, in memory that is not a tensor's.
    tiles = torch.cpu._is_amx_tile_supported()
    assert found.peak == pytest.approx(measured(model, x, "adamw", "bf16"), rel=0.05 if tiles else 0.1)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer(optimizer: str) -> None:
    model, x = perceptron(), torch.randn(64, 256)
    found = training_memory(model, x, optimizer=optimizer)
    assert found.peak == pytest.approx(measured(model, x, optimizer, "float32"), rel=0.05)


class Checkpointed(nn.Module):
    """Calls its layers again in the backward pass, instead of keeping what is within them."""

    def __init__(self, *, reentrant: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(64, 512), nn.GELU(), nn.Linear(512, 64)) for _ in range(6))
        self.reentrant = reentrant

    def forward(self, x: Tensor) -> Tensor:
        x = self.layers[0](x)
        for each in self.layers[1:]:
            x = x + checkpoint(each, x, use_reentrant=self.reentrant)
        return x


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoints(reentrant: bool) -> None:
    model, x = Checkpointed(reentrant=reentrant), torch.randn(256, 64)
    found = training_memory(model, x)
    assert all(each.grad is None for each in model.parameters())
    assert found.peak == pytest.approx(measured(model, x, "adamw", "float32"), rel=0.05)


def test_its_parts() -> None:
    found = training_memory(nn.Linear(100, 10), torch.empty(5, 100), optimizer="adam")
    weights = 4 * 1010
    assert (found.parameters, found.buffers, found.inputs) == (weights, 0, 4 * 500)
    assert (found.gradients, found.optimizer_state) == (
        weights,
        2 * weights + 2 * 4,
    )  # and a step count for each tensor
    assert found.during == "update"
    assert found.peak >= found.parameters + found.gradients + found.optimizer_state
    assert training_memory(nn.Linear(100, 10), torch.empty(5, 100), optimizer="sgd").optimizer_state == 0


def test_frozen_and_tied_parameters_have_one_gradient_or_none() -> None:
    model = nn.Sequential(nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False))
    model[1].weight = model[0].weight
    model[2].requires_grad_(False)
    found = training_memory(model, torch.empty(2, 8), optimizer="momentum")
    assert (found.parameters, found.gradients, found.optimizer_state) == (2 * 256, 256, 256)
    model.requires_grad_(False)
    assert training_memory(model, torch.empty(2, 8)).gradients == 0


def test_activations_grow_with_the_batch_and_the_rest_does_not() -> None:
    one, two = (training_memory(convolutional(), torch.empty(n, 3, 32, 32)) for n in (4, 8))
    assert two.activations == pytest.approx(2 * one.activations, rel=0.01)
    assert two.optimizer_state == one.optimizer_state


@pytest.mark.parametrize(("steps", "batch", "inputs", "width"), [(50, 16, 64, 128), (200, 8, 64, 17), (9, 3, 300, 256)])
def test_what_an_lstm_keeps(steps: int, batch: int, inputs: int, width: int) -> None:
    zeros = partial(torch.zeros, dtype=torch.float32)
    state = zeros(batch, width), zeros(batch, width)
    weights = zeros(4 * width, inputs), zeros(4 * width, width), zeros(4 * width), zeros(4 * width)
    x = zeros(steps, batch, inputs)
    settings: tuple[Any, ...] = (False, [], 2, width, 1, True, False, False, True)
    workspace = torch.ops.aten.mkldnn_rnn_layer(x, *weights, *state, *settings)[3]
    assert 4 * lstm_workspace(steps, batch, inputs, width) == pytest.approx(
        workspace.untyped_storage().nbytes(), rel=0.02
    )


class Counting(nn.Module):
    """Keeps a tensor that is no buffer, and writes into it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = torch.zeros(())

    def forward(self, x: Tensor) -> Tensor:
        self.calls.add_(1)
        return x


def test_the_model_comes_out_as_it_went_in() -> None:
    model = nn.Sequential(convolutional(), Counting()).eval()
    before = {name: each.clone() for name, each in model.state_dict().items()}
    training_memory(model, torch.empty(2, 3, 16, 16))
    assert not any(each.training for each in model.modules())
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())
    assert all(each.grad is None for each in model.parameters())
    assert model[1].calls == 0


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_a_model_without_memory_takes_what_it_would_on_a_processor(precision: str) -> None:
    def build() -> nn.Module:
        model = nn.Sequential(nn.LSTM(16, 16), Calls(lambda out: out[0]), nn.Linear(16, 16), nn.Linear(16, 16))
        model[3].weight = model[2].weight
        model[3].bias.requires_grad_(False)
        return model

    with torch.device("meta"):
        without, x = build(), torch.empty(20, 4, 16)
    found = training_memory(without, x, precision=precision)
    assert found == training_memory(build(), torch.empty(20, 4, 16), precision=precision)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_a_caller_without_gradients_gets_the_same_figures(mode: Callable[[], Any]) -> None:
    model, x = nn.Sequential(nn.Linear(8, 8), nn.ReLU()), torch.empty(3, 8)
    with mode():
        found = training_memory(model, x)
    assert found == training_memory(model, x)
    assert found.gradients == 4 * (8 * 8 + 8)


def test_what_is_trained_may_come_in_a_dataclass() -> None:
    plain, held = (nn.Sequential(nn.Linear(8, 4), *more) for more in ([], [Calls(Held)]))
    x = torch.empty(3, 8)
    assert training_memory(held, x) == training_memory(plain, x)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (nn.Linear(8, 2), {"optimizer": "lion"}, r"^optimizer: must be one of sgd, .*, got `lion`"),
        (nn.Linear(8, 2), {"optimizer": torch.optim.LBFGS},
         r"^optimizer: must update once for each backward pass, without a closure, got `LBFGS`"),
        (nn.Linear(8, 2), {"precision": "int8"}, r"^precision: must be one of float32, bf16, got `int8`"),
        (nn.Linear(9, 2), {}, r"^Linear \(Linear\): cannot run given \(3, 8\)"),
        (AsksForNumbers(), {}, r"^model: takes an amount of memory that depends on its numbers"),
        (Calls(lambda x: None), {}, r"^model: must give tensors, to be trained, got `NoneType`"),
    ],
)  # fmt: skip
def test_what_cannot_be_predicted(model: nn.Module, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        training_memory(model, torch.empty(3, 8), **options)
