import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gradus.nn.blocks.dense import DenseBlock


def seeded(recompute: bool = False, dtype: torch.dtype = torch.float64, **options: Any) -> DenseBlock:
    torch.manual_seed(0)
    block = DenseBlock(6, 3, 4, recompute=recompute, **options)
    for each in block.parameters():
        nn.init.normal_(each)
    return block.to(dtype)


def images(dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(5, 6, 7, 8, dtype=dtype, generator=torch.Generator().manual_seed(1))


def step(block: nn.Module, x: Tensor) -> list[Tensor]:
    """What the block gives in training, and every gradient and statistic after it."""
    torch.manual_seed(2)
    x = x.clone().requires_grad_()
    y = block(x)
    (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).reshape(y.shape)).sum().backward()
    assert x.grad is not None
    gradients = [each.grad for each in block.parameters() if each.grad is not None]
    return [y.detach(), x.grad, *gradients, *block.buffers()]


def test_each_layer_reads_all_maps_before_it() -> None:
    block, x = seeded(), images()
    maps = [x]
    layers: list[Any] = list(block.layers)
    for layer in layers:
        y = torch.cat(maps, 1)
        for unit in layer.children():
            y = functional.batch_norm(y, None, None, unit.norm.weight, unit.norm.bias, training=True)
            y = functional.conv2d(y.relu(), unit.conv.weight, padding=unit.conv.padding)
        maps.append(y)
    assert [layer[0].conv.weight.shape for layer in layers] == [(16, inputs, 1, 1) for inputs in (6, 10, 14)]
    assert torch.allclose(block(x), torch.cat(maps, 1))


@pytest.mark.parametrize("options", [{}, {"bottleneck": False}, {"dropout": 0.4}], ids=str)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_recomputed_a_step_is_the_same(options: dict[str, Any], layout: torch.memory_format) -> None:
    x = images().contiguous(memory_format=layout)
    expected, found = step(seeded(**options), x), step(seeded(recompute=True, **options), x)
    assert len(found) == 2 + len([*seeded(**options).parameters(), *seeded(**options).buffers()])
    assert all(torch.allclose(each, other, rtol=1e-12, atol=1e-12) for each, other in zip(expected, found, strict=True))


def test_recomputed_a_step_is_the_same_where_statistics_are_kept() -> None:
    plain = seeded()
    for each in plain.modules():
        if isinstance(each, nn.BatchNorm2d):
            each.eval()
    again = copy.deepcopy(plain)
    again.recompute = True
    expected, found = step(plain, images()), step(again, images())
    assert all(torch.allclose(each, other) for each, other in zip(expected, found, strict=True))


def test_recomputed_a_step_is_the_same_in_mixed_precision() -> None:
    x = images(torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        expected, found = step(seeded(dtype=x.dtype), x), step(seeded(recompute=True, dtype=x.dtype), x)
    assert [each.dtype for each in found] == [each.dtype for each in expected]
    for each, other in zip(expected, found, strict=True):
        assert functional.cosine_similarity(each.double().flatten(), other.double().flatten(), 0) > 0.999


def test_recomputing_stores_a_fraction() -> None:
    def stored(recompute: bool) -> int:
        kept: dict[int, int] = {}

        def keep(x: Tensor) -> Tensor:
            kept[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
            return x

        block = DenseBlock(64, 16, 4, recompute=recompute)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
            y = block(torch.zeros(2, 64, 32, 32))
        del y
        return sum(kept.values()) - sum(each.nbytes for each in block.parameters())

    assert stored(recompute=True) < stored(recompute=False) / 5


def test_recomputed_gradients_have_no_gradients() -> None:
    x = images().requires_grad_()
    (first,) = torch.autograd.grad(seeded(recompute=True)(x).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_compilers_follow_it_in_training() -> None:
    torch._dynamo.reset()
    block = seeded(recompute=True)
    compiled: Any = torch.compile(seeded(recompute=True), backend="aot_eager", fullgraph=True)
    for each, other in zip(step(block, images()), step(compiled, images()), strict=True):
        assert torch.allclose(each, other)
