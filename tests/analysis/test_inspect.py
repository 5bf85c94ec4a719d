"""Counts against hand counts, papers and torch (the acceptance cases of analyzers.md, by their numbers)."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from gradus.analysis.inspect import inspect
from gradus.analysis.training_memory import training_memory
from gradus.core.errors import InputError
from gradus.core.graph import Value, trace
from tests.analysis.networks import (
    AsksForNumbers,
    Attends,
    Calls,
    CellLoop,
    HalvesUntilSmall,
    VisionTransformer,
    attend,
    resnet50,
    shared,
)

Q, KV = (2, 8, 64, 32), (2, 2, 64, 32)
Conv2d, Conv1d, Conv3d, Transposed = nn.Conv2d, nn.Conv1d, nn.Conv3d, nn.ConvTranspose2d

CASES: dict[str, tuple[Callable[[], nn.Module], list[tuple[int, ...]], int, int]] = {
    "1 stem": (lambda: Conv2d(3, 64, 7, 2, 3, bias=False), [(1, 3, 224, 224)], 9_408, 118_013_952),
    "2 convolution": (lambda: Conv2d(64, 128, 3, padding=1), [(1, 64, 56, 56)], 73_856, 231_211_008),
    "3 grouped": (lambda: Conv2d(32, 64, 3, padding=1, groups=4, bias=False), [(1, 32, 28, 28)], 4_608, 3_612_672),
    "4 dilated depthwise": (
        lambda: Conv2d(32, 32, 3, padding=2, dilation=2, groups=32, bias=False), [(1, 32, 28, 28)], 288, 225_792),
    "5 pointwise": (lambda: Conv2d(32, 64, 1, bias=False), [(1, 32, 28, 28)], 2_048, 1_605_632),
    "6 wide": (lambda: Conv2d(512, 512, 3, padding=1, bias=False), [(1, 512, 14, 14)], 2_359_296, 462_422_016),
    "7 separable": (
        lambda: nn.Sequential(Conv2d(512, 512, 3, padding=1, groups=512, bias=False), Conv2d(512, 512, 1, bias=False)),
        [(1, 512, 14, 14)], 266_752, 52_283_392),
    "8 separable": (
        lambda: nn.Sequential(Conv2d(256, 256, 3, padding=1, groups=256, bias=False), Conv2d(256, 256, 1, bias=False)),
        [(1, 256, 28, 28)], 67_840, 53_186_560),
    "9 transposed": (lambda: Transposed(32, 16, 4, 2, 1, bias=False), [(1, 32, 14, 14)], 8_192, 1_605_632),
    "10 transposed, grouped": (
        lambda: Transposed(32, 16, 4, 2, 1, groups=4, bias=False), [(1, 32, 14, 14)], 2_048, 401_408),
    "11 without a batch": (lambda: Conv1d(32, 32, 3, 2, 4, bias=False), [(32, 128)], 3_072, 205_824),
    "12 volumes": (lambda: Conv3d(3, 64, 3, padding=1, bias=False), [(1, 3, 16, 112, 112)], 5_184, 1_040_449_536),
    "13 sequences": (lambda: nn.Linear(64, 128, bias=False), [(4, 10, 64)], 8_192, 327_680),
    "14 LSTM": (lambda: nn.LSTM(64, 128, 2), [(20, 4, 64)], 231_424, 18_350_080),
    "15 both ways": (lambda: nn.LSTM(64, 128, 2, bidirectional=True), [(20, 4, 64)], 593_920, 47_185_920),
    "16 GRU": (lambda: nn.GRU(64, 128, 2), [(20, 4, 64)], 173_568, 13_762_560),
    "17 cells": (CellLoop, [(20, 4, 64)], 99_328, 7_864_320),
    "18 attention, weights wanted": (partial(Attends, need_weights=True), [(2, 50, 256)], 263_168, 28_774_400),
    "18 attention": (partial(Attends, need_weights=False), [(2, 50, 256)], 263_168, 28_774_400),
    "19 scaled dot product": (lambda: Calls(attend), [Q, Q, Q], 0, 4_194_304),
    "19 grouped queries": (lambda: Calls(partial(attend, enable_gqa=True)), [Q, KV, KV], 0, 4_194_304),
    "20 causal": (lambda: Calls(partial(attend, is_causal=True)), [Q, Q, Q], 0, 4_194_304),
    "21 encoder layer": (
        lambda: nn.TransformerEncoderLayer(256, 8, 1024, batch_first=True), [(2, 50, 256)], 789_760, 81_203_200),
    "22 a parameter itself": (lambda: Calls(torch.matmul, (64, 128)), [(4, 32, 64)], 8_192, 1_048_576),
    "23 a function": (
        lambda: Calls(partial(F.conv2d, padding=1), (16, 3, 3, 3)), [(1, 3, 32, 32)], 432, 442_368),
    "24 einsum": (
        lambda: Calls(partial(torch.einsum, "blhd,hde->blhe"), (8, 32, 64)), [(2, 16, 8, 32)], 16_384, 524_288),
    "25 weight norm": (lambda: weight_norm(nn.Linear(64, 64, bias=False)), [(2, 64)], 4_160, 8_192),
    "26 shared": (shared, [(2, 10)], 100, 600),
    "27 a loop on shapes": (HalvesUntilSmall, [(1, 8, 32, 32)], 576, 774_144),
    "29 ResNet-50": (resnet50, [(1, 3, 224, 224)], 25_557_032, 4_089_184_256),
    "30 ViT-B/16": (VisionTransformer, [(1, 3, 224, 224)], 86_567_656, 17_563_828_224),
    "bilinear": (lambda: nn.Bilinear(5, 7, 3), [(4, 5), (4, 7)], 108, 4 * 3 * 5 * 7),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_parameters_and_multiply_adds(case: str) -> None:
    build, shapes, parameters, macs = CASES[case]
    found = inspect(build(), *(torch.empty(shape) for shape in shapes))
    assert (found.parameters, found.macs) == (parameters, macs)
    assert sum(each.own for each in found.layers) == found.layers[0].parameters == parameters
    assert (found.uncounted, found.unresolved) == ({}, [])


def test_28_looking_up_is_no_arithmetic() -> None:
    found = inspect(nn.Embedding(1000, 64), torch.zeros(2, 5, dtype=torch.int64))
    assert (found.parameters, found.macs, found.cost.elementwise) == (64_000, 0, 0)


def test_32_what_depends_on_numbers_is_said() -> None:
    found = inspect(AsksForNumbers(), torch.empty(2, 8))
    assert found.macs == 128  # of what was seen
    assert found.unresolved == ["the model: aten._local_scalar_dense.default depends on numbers, not on shapes"]
    assert found.saved_bytes is None


def test_46_what_autograd_keeps_of_resnet50() -> None:
    model, x = resnet50(), torch.empty(2, 3, 224, 224)
    seen = trace(model, (x,), training=True)

    def mebibytes(values: list[Value]) -> float:
        return sum(each.storage_bytes for each in values) / 2**20

    own = [each for each in seen.saved if each.storage not in seen.state]
    assert (len(own), round(mebibytes(own), 4)) == (212, 164.0620)
    assert inspect(model, x).saved_bytes == sum(each.storage_bytes for each in own)
    # The reference leaves out the tensors that are parameters, but neither buffers nor a view of the last weight.
    parameters = dict(model.named_parameters())
    unnamed = [each for each in seen.saved if each.name not in parameters]
    assert (len(unnamed), round(mebibytes(unnamed), 4)) == (319, 172.0771)
    # With all of them: the weights of 53 convolutions, 53 norms and one layer, and the statistics of the norms.
    channels = 26_560
    state = 4 * (25_557_032 - channels - 1000 + 2 * channels)
    assert (len(seen.saved), mebibytes(seen.saved)) == (212 + 53 + 3 * 53 + 1, mebibytes(own) + state / 2**20)


def kept_by_autograd(model: nn.Module, x: Tensor) -> int:
    """Really run: bytes of the storages that autograd keeps, without those of parameters and buffers."""
    state = {each.untyped_storage().data_ptr() for each in (*model.parameters(), *model.buffers())}
    kept: dict[int, int] = {}
    alive: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        alive.append(tensor)
        if storage.data_ptr() not in state:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model.train()(x)
    return sum(kept.values())


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (lambda: nn.Sequential(Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)), (2, 3, 16, 16)),
        (lambda: nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4), nn.LogSoftmax(1)), (5, 8)),
        (lambda: nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True), (2, 5, 16)),
        (lambda: nn.Sequential(nn.Linear(8, 8), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.LayerNorm(8)), (5, 8)),
    ],
)
def test_what_autograd_keeps_is_what_it_keeps_in_a_real_run(
    build: Callable[[], nn.Module], shape: tuple[int, ...]
) -> None:
    x = torch.randn(shape)
    assert inspect(build(), x).saved_bytes == kept_by_autograd(build(), x)


def test_evaluation_mode_is_what_counts() -> None:
    class Auxiliary(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + (super().forward(x) if self.training else 0)

    assert inspect(Auxiliary(3, 2), (3,)).macs == 6


def test_a_caller_in_inference_mode_gets_the_same_figures() -> None:
    model, x = nn.Sequential(nn.Linear(8, 8), nn.ReLU()), torch.empty(1, 8)
    with torch.inference_mode():
        assert inspect(model, (8,)).saved_bytes == inspect(model, x).saved_bytes == 4 * (8 + 8)
        assert inspect(model, torch.empty(1, 8)).saved_bytes is None  # autograd refuses what is made in this mode


def test_what_an_lstm_keeps_is_mostly_the_workspace_of_its_kernel() -> None:
    model, x = nn.LSTM(64, 128, 2), torch.randn(40, 8, 64)
    assert inspect(model, x).saved_bytes == pytest.approx(kept_by_autograd(model, x), rel=0.02)


def test_each_module_and_what_is_within_it() -> None:
    found = inspect(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Sequential(nn.Linear(5, 4))), (6,))
    told = [(each.name, each.depth, each.inputs, each.outputs, each.parameters, each.own, each.cost.macs)
            for each in found.layers]  # fmt: skip
    assert told == [
        ("", 0, ((1, 6),), ((1, 4),), 59, 0, 50),
        ("0", 1, ((1, 6),), ((1, 5),), 35, 35, 30),
        ("1", 1, ((1, 5),), ((1, 5),), 0, 0, 0),
        ("2", 1, ((1, 5),), ((1, 4),), 24, 0, 20),
        ("2.0", 2, ((1, 5),), ((1, 4),), 24, 24, 20),
    ]
    assert found.layers[2].cost.elementwise == 5
    assert found.layers[2].cost.read == found.layers[2].cost.written == 5 * 4


def test_a_module_that_is_called_again_costs_again_and_has_its_parameters_once() -> None:
    found = inspect(shared(), (10,))
    assert [each.parameters for each in found.layers] == [100, 100, 0, 0]
    assert [each.cost.macs for each in found.layers] == [300, 100, 100, 100]


def test_parameters_of_a_module_that_is_not_called_belong_to_the_one_around_it() -> None:
    found = inspect(Attends(need_weights=False), torch.empty(2, 50, 256))
    attention = found.layers[1]
    assert (attention.name, attention.parameters, attention.own) == ("attention", 263_168, 263_168)


class KeepsMoreInTraining(nn.Module):
    """A second head, for training only."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 16), nn.Tanh())
        self.head, self.second = nn.Linear(16, 4), nn.Sequential(nn.Linear(16, 4), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x)
        y: Tensor = self.head(x)
        return y + self.second(x) if self.training else y


def test_what_autograd_keeps_belongs_to_the_call_that_kept_it_first() -> None:
    found = inspect(KeepsMoreInTraining(), torch.empty(5, 8))
    # Linear layers keep what they get, Tanh and Sigmoid what they return; 4 bytes a number.
    assert found.saved is not None
    assert dict(zip([each.name for each in found.layers], found.saved, strict=True)) == {
        "": 4 * 5 * (8 + 16 + 4), "body": 4 * 5 * (8 + 16), "body.0": 4 * 5 * 8, "body.1": 4 * 5 * 16, "head": 0,
    }  # fmt: skip


def test_frozen_and_tied_parameters() -> None:
    model = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False), nn.BatchNorm1d(4))
    model[1].weight = model[0].weight
    model[2].requires_grad_(False)
    found = inspect(model, torch.empty(3, 4))
    assert (found.parameters, found.trainable, found.buffers) == (24, 16, 9)


def test_the_model_comes_out_as_it_went_in() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout())
    model[2].eval()
    before = {name: each.clone() for name, each in model.state_dict().items()}
    state = torch.get_rng_state()
    inspect(model, torch.empty(3, 4))
    assert [each.training for each in model] == [True, True, False]
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(each._forward_hooks or each._forward_pre_hooks for each in model.modules())
    assert all(each.grad is None for each in model.parameters())


def test_a_module_that_is_in_a_model_twice_keeps_its_weights() -> None:
    model = shared()
    weight = model[0].weight
    inspect(model, (10,))
    training_memory(model, torch.empty(2, 10))
    assert all(each.weight is weight for each in model)


def test_a_model_on_the_meta_device_and_a_large_one() -> None:
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(100_000, 200_000), nn.ReLU(), nn.Linear(200_000, 100_000))
    assert inspect(model, (100_000,)).macs == 2 * 100_000 * 200_000


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        (nn.Sequential(nn.Linear(3, 4), nn.Linear(5, 2)), (3,), r"^1 \(Linear\): cannot run given \(1, 4\): "),
        (nn.Conv2d(3, 4, 3), (1, 8, 8), r"^Conv2d \(Conv2d\): cannot run given \(1, 1, 8, 8\): .*to have 3 channels"),
        (nn.Linear(3, 4), (0,), r"^input: must be a shape of positive whole numbers, got \[0\]$"),
        (nn.Identity(), (10**9, 10**9), r"^input: must be of a size that torch can count, got \(1, 10{9}, 10{9}\)$"),
        (nn.Identity(), (10**30,), r"^input: must be of a size that torch can count"),
        (F.relu, (3,), r"^model: must be a torch.nn.Module, got `function`$"),
    ],
)
def test_what_cannot_be_inspected(model: nn.Module, given: tuple[int, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        inspect(model, given)


def test_views_move_nothing() -> None:
    cost = inspect(nn.Flatten(), (2, 3)).cost
    assert (cost.read, cost.written) == (0, 0)
