"""What `auto` comes to."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from gradus.core.spec import DataSpec
from gradus.data.arrays import from_arrays
from gradus.models import create_model
from gradus.training import settings
from gradus.training.recipe import Training
from gradus.training.settings import choose_arithmetic, choose_stream, describe, multiplies_bf16

IMAGES = DataSpec(task="classification", inputs=((1, 28, 28),), outputs=10)
VECTORS = DataSpec(task="classification", inputs=((64,),), outputs=10)


def choose(model: nn.Module, spec: DataSpec = IMAGES, batch_size: int = 128, **given: Any) -> dict[str, Any]:
    chosen = choose_arithmetic(Training(device="cpu", **given), model, spec, batch_size)
    return {name: getattr(chosen, name) for name in ("precision", "memory_format", "threads")}


@pytest.fixture(autouse=True)
def _two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)


@pytest.mark.parametrize("in_hardware", [True, False])
def test_large_convolutions_run_channels_last_and_in_bf16_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, in_hardware: bool
) -> None:
    monkeypatch.setattr(settings, "multiplies_bf16", lambda: in_hardware)
    precision = "bf16" if in_hardware else "float32"
    large = {"precision": precision, "memory_format": "channels_last", "threads": 2}
    assert choose(create_model("small_cnn")) == large
    small = {"precision": "float32", "memory_format": "contiguous", "threads": 1}
    assert choose(create_model("small_cnn"), batch_size=1) == small
    assert choose(create_model("mlp", hidden=(2000,))) == small | {"threads": 2}
    assert choose(nn.Linear(64, 10), VECTORS) == small


def test_an_optimizer_that_compares_losses_gets_them_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "multiplies_bf16", lambda: True)
    given = Training(device="cpu"), create_model("small_cnn"), IMAGES, 128
    assert choose_arithmetic(*given).precision == "bf16"
    assert choose_arithmetic(*given, searches=True).precision == "float32"


def test_depthwise_convolutions_are_computed_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "multiplies_bf16", lambda: True)
    for groups, precision in ((16, "float32"), (8, "bf16")):
        network = nn.Sequential(nn.Conv2d(1, 16, 1), nn.Conv2d(16, 32, 9, groups=groups), nn.Flatten())
        chosen = choose(network, batch_size=10_000)
        assert (chosen["precision"], chosen["memory_format"]) == (precision, "channels_last")


def test_one_dimensional_convolutions_have_no_channels_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "multiplies_bf16", lambda: True)
    network = nn.Sequential(nn.Conv1d(1, 500, 9), nn.Flatten(), nn.Linear(28_000, 10))
    spec = DataSpec(task="classification", inputs=((1, 64),), outputs=10)
    assert choose(network, spec, 10_000) == {"precision": "bf16", "memory_format": "contiguous", "threads": 2}


def test_what_is_asked_for_stays() -> None:
    asked: dict[str, Any] = {"precision": "float32", "memory_format": "contiguous", "threads": 1}
    assert choose(create_model("small_cnn"), **asked) == asked
    elsewhere = choose_arithmetic(Training(device="cuda"), create_model("small_cnn"), IMAGES, 128)
    assert (elsewhere.precision, elsewhere.memory_format) == ("float32", "contiguous")


def test_the_processor_is_asked() -> None:
    assert multiplies_bf16() == any(torch.cpu.get_capabilities().get(f"{each}_bf16") for each in ("avx512", "amx"))


@pytest.mark.parametrize("fits", [True, False])
def test_what_does_not_fit_in_memory_is_streamed(monkeypatch: pytest.MonkeyPatch, fits: bool) -> None:
    small, large = np.zeros((4, 2)), np.zeros((6, 2))
    monkeypatch.setattr(settings, "fits_in_memory", lambda examples: fits or len(examples) == 4)
    data = from_arrays(small, [0, 1, 0, 1], test=(large, [0, 1, 0, 1, 0, 1]))
    assert choose_stream(Training(), data).stream is not fits
    assert choose_stream(Training(stream=fits), data).stream is fits


def test_it_is_said_in_a_line() -> None:
    plain = Training(device="cpu", threads=1, precision="float32", memory_format="contiguous", stream=False)
    assert describe(plain) == "cpu, 1 thread, float32, data in memory"
    other = {"threads": 2, "precision": "bf16", "memory_format": "channels_last", "stream": True, "compile": True}
    assert describe(plain.model_copy(update=other)) == "cpu, 2 threads, bf16, channels last, compiled, data streamed"
