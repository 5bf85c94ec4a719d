"""Predictions against hand calculation, with machines that are made up."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradus.analysis.ceilings import FRESH, Ceilings, Roof
from gradus.analysis.kernels import KINDS, demand
from gradus.analysis.roofline import Share, explain, predict, share, shares
from gradus.core.graph import trace
from tests.analysis.networks import AsksForNumbers, shared

US = 1e-6
CALL = 0.5 * US
MACHINE = Ceilings(
    processor="made up",
    threads=1,
    cache_bandwidth=100e9,
    memory_bandwidth=20e9,
    cache_bytes=10_000,
    fresh=4e9,
    call=CALL,
    roofs={
        **{kind: Roof(2 * US) for kind in KINDS},
        "view": Roof(1 * US),
        "matrix": Roof(5 * US, rate=100e9, bandwidth=10e9),
        "convolution": Roof(50 * US, rate=200e9, bandwidth=5e9),
        "depthwise": Roof(50 * US, bandwidth=5e9),
        "recurrent": Roof(10 * US, rate=10e9),
        "transcendental": Roof(3 * US, rate=1e9),
    },
)


def timings(model: nn.Module, *inputs: Tensor) -> list[tuple[str, Any, str]]:
    found = predict(trace(model, inputs), MACHINE)
    return [(each.operation.name, each.seconds, each.bound) for each in found]


def test_a_linear_layer_is_packed_and_multiplied() -> None:
    moved = 4 * (32 * 256 + 256 * 512 + 512 + 32 * 512)
    seconds = 5 * US + 2 * 32 * 256 * 512 / 100e9 + moved / 10e9
    assert timings(nn.Linear(256, 512), torch.empty(32, 256)) == [
        ("aten::t", 1 * US + CALL, "overhead"),
        ("aten::addmm", pytest.approx(seconds), "compute"),
    ]


def test_an_activation_is_bound_by_memory_or_in_the_cache_by_its_start() -> None:
    assert timings(nn.ReLU(), torch.empty(1000)) == [
        ("aten::relu", pytest.approx(2 * US + CALL + 8e3 / 100e9), "overhead")
    ]
    assert timings(nn.ReLU(), torch.empty(10**6)) == [
        ("aten::relu", pytest.approx(2 * US + CALL + 8e6 / 20e9), "memory")
    ]


def test_what_is_written_over_moves_once() -> None:
    assert timings(nn.ReLU(inplace=True), torch.empty(10**6)) == [
        ("aten::relu_", pytest.approx(2 * US + CALL + 4e6 / 20e9), "memory")
    ]


def test_functions_that_are_hard_to_compute_are_bound_by_it() -> None:
    assert timings(nn.GELU(), torch.empty(10**6)) == [("aten::gelu", pytest.approx(3 * US + CALL + 1e-3), "compute")]


def test_large_results_bring_in_new_pages() -> None:
    elements = FRESH // 4 + 1
    seconds = 2 * US + CALL + 8 * elements / 20e9 + 4 * elements / 4e9
    assert timings(nn.ReLU(), torch.empty(elements)) == [("aten::relu", pytest.approx(seconds), "memory")]


def test_fewer_multiply_adds_need_not_be_faster() -> None:
    x = torch.empty(1, 64, 56, 56)
    full, depthwise = (
        nn.Conv2d(64, 64, 3, padding=1, bias=False),
        nn.Conv2d(64, 64, 3, padding=1, groups=64, bias=False),
    )
    [(_, slow, bound)] = timings(full, x)
    [(_, quick, memory)] = timings(depthwise, x)
    image = 4 * 64 * 56 * 56
    assert slow == pytest.approx(
        50 * US + CALL + 2 * 64 * 64 * 9 * 56 * 56 / 200e9 + (2 * image + 4 * 9 * 64 * 64) / 5e9
    )
    assert quick == pytest.approx(50 * US + CALL + (2 * image + 4 * 9 * 64) / 5e9)
    assert (bound, memory) == ("compute", "memory")
    assert slow / quick < 5  # of 64 times fewer multiply-adds


def test_a_recurrent_layer_starts_at_every_step_and_reads_its_weights_again() -> None:
    found = predict(trace(nn.LSTM(64, 128), (torch.empty(20, 1, 64),)), MACHINE)
    [layer] = [each for each in found if each.operation.name == "aten::mkldnn_rnn_layer"]
    assert layer.seconds == pytest.approx(20 * 10 * US + 2 * 20 * 4 * 128 * (64 + 128) / 10e9)
    moved = demand(layer.operation).moved
    assert moved >= 4 * (4 * 128 * 64 + 20 * 4 * 128 * 128)
    assert moved == sum(each.bytes for each in (*layer.operation.inputs, *layer.operation.results)) + 19 * 4 * 512 * 128


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1800, 10)
        ),
        nn.Sequential(nn.Conv2d(3, 3, 3, groups=3), nn.Upsample(scale_factor=2), nn.Sigmoid(), nn.Softmax(1)),
    ],
)
def test_larger_batches_take_longer_and_a_slower_machine_too(model: nn.Module) -> None:
    def seconds(batch: int, machine: Ceilings) -> float:
        return share(predict(trace(model, (torch.empty(batch, 3, 32, 32),)), machine)).seconds

    batches = [seconds(batch, MACHINE) for batch in (1, 2, 3, 8, 32, 256)]
    assert batches == sorted(set(batches))
    slower = replace(
        MACHINE,
        memory_bandwidth=10e9,
        roofs={kind: Roof(2 * roof.start, roof.rate, roof.bandwidth) for kind, roof in MACHINE.roofs.items()},
    )
    assert seconds(8, slower) > seconds(8, MACHINE)


def test_each_call_has_the_time_of_all_within_it() -> None:
    model = nn.Sequential(nn.Linear(256, 256), nn.Sequential(nn.GELU(), nn.Linear(256, 8)))
    seen = trace(model, (torch.empty(64, 256),))
    found = predict(seen, MACHINE)
    calls = shares(seen, found)
    assert [each.place for each in seen.calls] == ["", "0", "1", "1.0", "1.1"]
    parts = [each.seconds for each in calls]
    assert parts[0] == pytest.approx(sum(each.seconds for each in found))
    assert parts[0] == pytest.approx(parts[1] + parts[2])
    assert parts[2] == pytest.approx(parts[3] + parts[4])
    assert (calls[1].bound, calls[3].bound) == ("compute", "compute")
    assert parts[3] == pytest.approx(3 * US + 2 * CALL + 64 * 256 / 1e9)  # the calls of "1" and "1.0"


def test_a_small_weight_that_is_used_again_is_in_the_cache() -> None:
    seen = trace(shared(), (torch.empty(4, 10),))
    first, second, third = (each.seconds for each in shares(seen, predict(seen, MACHINE))[1:])
    assert second == third == pytest.approx(1 * US + CALL + 5 * US + 2 * 4 * 100 / 100e9 + 4 * (40 + 40) / 10e9)
    assert first == pytest.approx(second + CALL + 4 * 100 / 10e9)  # the call of the model, and the weight
    seen = trace(nn.Sequential(*[nn.Linear(100, 100, bias=False)] * 2), (torch.empty(4, 100),))
    first, second = (each.seconds for each in shares(seen, predict(seen, MACHINE))[1:])
    assert first == pytest.approx(second + CALL)  # 40 kB, and the cache has 10


def test_a_pass_that_cannot_be_followed_counts_what_was_seen() -> None:
    seen = trace(AsksForNumbers(), (torch.empty(2, 8),))
    assert [each.operation.name for each in predict(seen, MACHINE)] == ["aten::t", "aten::mm", "aten::sum", "aten::gt"]


def test_why_fewer_multiply_adds_may_not_help() -> None:
    found = predict(trace(nn.Sequential(nn.GELU(), nn.ReLU()), (torch.empty(10**6),)), MACHINE)
    gelu, relu = 3 * US + 2 * CALL + 1e-3, 2 * US + CALL + 8e6 / 20e9
    compute = gelu / (gelu + relu)
    said = explain(found, MACHINE)
    assert said.startswith(f"Of 1.41 ms arithmetic bounds {compute:.0%}, memory {1 - compute:.0%}")
    assert "0 of 200 GFLOP/s" in said
    assert said.endswith(f"save at most {compute:.0%}.")
    assert explain([], MACHINE) == "Nothing is computed."


def test_shares_add_up() -> None:
    assert Share(1, 2, 3) + Share(1, 1, 1) == Share(2, 3, 4)
    assert (Share(1, 2, 3).seconds, Share(1, 2, 3).bound) == (6, "overhead")
