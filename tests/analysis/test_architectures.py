"""Whole networks against their published parameters and against multiply-adds by hand."""

import os
import subprocess
import sys
from collections.abc import Callable
from textwrap import dedent

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gradus.analysis.inspect import inspect
from tests.analysis.architectures import convnext_tiny, swin_tiny

IMAGE = (1, 3, 224, 224)


def swin_tiny_macs() -> int:
    total = 56 * 56 * 96 * (3 * 4 * 4)
    for stage, depth in enumerate((2, 2, 6, 2)):
        places, width = (56 >> stage) ** 2, 96 << stage
        projections, attention, mlp = 4 * width, 2 * 49, 2 * 4 * width  # for each place and channel
        total += depth * places * width * (projections + attention + mlp)
        if stage < 3:
            total += places // 4 * (4 * width) * (2 * width)
    return total + 768 * 1000


def convnext_tiny_macs() -> int:
    total = 56 * 56 * 96 * (3 * 4 * 4)
    for stage, depth in enumerate((3, 3, 9, 3)):
        places, width = (56 >> stage) ** 2, 96 << stage
        total += depth * places * width * (7 * 7 + 2 * 4 * width)
        if stage < 3:
            total += places // 4 * (4 * width) * (2 * width)
    return total + 768 * 1000


@pytest.mark.parametrize(
    ("build", "parameters", "macs"),
    [(swin_tiny, 28_288_354, swin_tiny_macs()), (convnext_tiny, 28_589_128, convnext_tiny_macs())],
)
def test_networks_of_images(build: Callable[[], nn.Module], parameters: int, macs: int) -> None:
    with torch.device("meta"):
        model, x = build(), torch.empty(IMAGE)
    found = inspect(model, x)
    assert (found.parameters, found.macs) == (parameters, macs)
    assert (found.uncounted, found.unresolved) == ({}, [])
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        out = model(x)
    assert counter.get_total_flops() == 2 * macs
    assert found.layers[0].outputs == (tuple(out.shape),) == ((1, 1000),)


def layer(tokens: int, width: int, inner: int) -> int:
    """Of a transformer of the first kind: four projections, attention of all to all, and two layers."""
    return tokens * (4 * width * width + 2 * width * inner) + 2 * tokens * tokens * width


def llama_macs(tokens: int) -> int:
    width, inner, vocabulary = 4096, 11008, 32000
    gated = tokens * (4 * width * width + 3 * width * inner) + 2 * tokens * tokens * width
    return 32 * gated + tokens * width * vocabulary


LANGUAGE: dict[str, tuple[str, int, int, int]] = {
    "Bert": ("BertModel", 128, 109_482_240, 12 * layer(128, 768, 3072) + 768 * 768),
    "GPT2": ("GPT2LMHeadModel", 1024, 124_439_808, 12 * layer(1024, 768, 3072) + 1024 * 768 * 50257),
    "Llama": ("LlamaForCausalLM", 2048, 6_738_415_616, 14_630_806_093_824),
}


@pytest.mark.parametrize(
    ("name", "attention"),
    [("Bert", "sdpa"), ("Bert", "eager"), ("GPT2", "sdpa"), ("GPT2", "eager"), ("Llama", "eager")],
)
def test_networks_of_language(name: str, attention: str) -> None:
    transformers = pytest.importorskip("transformers")
    model_type, tokens, parameters, macs = LANGUAGE[name]
    config = getattr(transformers, f"{name}Config")()
    config._attn_implementation = attention
    with torch.device("meta"):
        model = getattr(transformers, model_type)(config)
    found = inspect(model, input_ids=torch.zeros(1, tokens, dtype=torch.int64))
    assert (found.parameters, found.macs) == (parameters, macs)
    assert (1, tokens, config.hidden_size if name == "Bert" else config.vocab_size) in found.layers[0].outputs
    assert (found.uncounted, found.unresolved) == ({}, [])


def test_the_published_multiply_adds_of_llama_are_those_by_hand() -> None:
    assert llama_macs(2048) == LANGUAGE["Llama"][3]


LLAMA = """
    import resource, sys, time
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    from gradus.analysis.inspect import inspect

    with torch.device("meta"):
        model = LlamaForCausalLM(LlamaConfig())
    inspect(torch.nn.Linear(1, 1), (1,))  # what torch and we load at the first use is not the network's
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    found = inspect(model, input_ids=torch.zeros(1, 2048, dtype=torch.int64))
    print(f"Llama-2-7B: {time.perf_counter() - begun:.2f} s", file=sys.stderr)
    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(found.parameters, found.macs, 1024 * kibibytes)
"""


def test_llama_with_fused_attention_takes_no_memory() -> None:
    pytest.importorskip("transformers")
    command, environment = [sys.executable, "-c", dedent(LLAMA)], os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    print(done.stderr)
    parameters, macs, extra = map(int, done.stdout.split())
    assert (parameters, macs) == (6_738_415_616, 14_630_806_093_824)
    assert extra < 10**9
