import copy
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import prune
from torch.utils._python_dispatch import TorchDispatchMode

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


def same(expected: list[Tensor], found: list[Tensor]) -> bool:
    return all(torch.allclose(a, b, rtol=1e-10, atol=1e-10) for a, b in zip(expected, found, strict=True))


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
    assert same(expected, found)


def test_recomputed_a_step_is_the_same_where_statistics_are_kept() -> None:
    plain = seeded()
    for each in plain.modules():
        if isinstance(each, nn.BatchNorm2d):
            each.eval()
    again = copy.deepcopy(plain)
    again.recompute = True
    assert same(step(plain, images()), step(again, images()))


def test_recomputed_a_step_is_the_same_where_there_are_no_statistics() -> None:
    plain = seeded()
    for each in plain.modules():
        if isinstance(each, nn.BatchNorm2d):
            each.running_mean = each.running_var = each.num_batches_tracked = None
            each.eval()
    again = copy.deepcopy(plain)
    again.recompute = True
    assert same(step(plain, images()), step(again, images()))


def test_recomputed_a_step_is_the_same_if_evaluation_comes_before_the_backward_pass() -> None:
    def both(block: DenseBlock) -> list[Tensor]:
        x = images().requires_grad_()
        y = block(x)
        block.eval()
        return list(torch.autograd.grad(y.square().sum(), [x, *block.parameters()]))

    assert same(both(seeded()), both(seeded(recompute=True)))


def leaky(block: Any) -> None:
    block.layers[1].conv1.activation = nn.LeakyReLU(0.3)


def other_norm(block: Any) -> None:
    block.layers[1].conv1.norm = nn.GroupNorm(2, 10).double()


def wrapped(block: Any) -> None:
    block.layers[1].conv1.conv = nn.Sequential(block.layers[1].conv1.conv, nn.Tanh())


def biased(block: Any) -> None:
    block.layers[1].conv1.conv.bias = nn.Parameter(torch.ones(16, dtype=torch.float64))


def unscaled(block: Any) -> None:
    block.layers[1].conv1.norm = nn.BatchNorm2d(10, affine=False).double()


def pruned(block: Any) -> None:
    prune.l1_unstructured(block.layers[1].conv1.conv, "weight", 0.5)


def longer_unit(block: Any) -> None:
    block.layers[1].conv1.extend([nn.Dropout(0.0), nn.Tanh()])


def shorter_unit(block: Any) -> None:
    block.layers[1].conv1 = nn.Sequential(nn.BatchNorm2d(10), nn.ReLU()).double()
    block.layers[1].conv2 = nn.Sequential(nn.BatchNorm2d(10), nn.ReLU(), nn.Conv2d(10, 4, 1, bias=False)).double()


def scaled(block: Any) -> None:
    class Halved(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            for each in self:
                x = each(x)
            return x / 2

    block.layers[1].conv1 = Halved(OrderedDict(block.layers[1].conv1.named_children()))


def longer_layer(block: Any) -> None:
    block.layers[1].append(nn.Tanh())


@pytest.mark.parametrize(
    "change", [leaky, other_norm, wrapped, biased, unscaled, scaled, pruned, longer_unit, shorter_unit, longer_layer]
)
def test_layers_changed_since_are_not_recomputed_as_they_were(change: Callable[[DenseBlock], None]) -> None:
    plain, again = seeded(), seeded(recompute=True)
    change(plain)
    change(again)
    again.load_state_dict(plain.state_dict())
    assert same(step(plain, images()), step(again, images()))


def test_hooks_see_what_convolutions_gave() -> None:
    block: Any = seeded(recompute=True, dropout=0.4)
    seen: list[Tensor] = []
    block.layers[0].conv1.conv.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    block(images())
    assert seen[0].all()


def test_recomputed_a_step_is_the_same_in_mixed_precision() -> None:
    x = images(torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        expected, found = step(seeded(dtype=x.dtype), x), step(seeded(recompute=True, dtype=x.dtype), x)
    assert [each.dtype for each in found] == [each.dtype for each in expected]
    for each, other in zip(expected, found, strict=True):
        assert functional.cosine_similarity(each.double().flatten(), other.double().flatten(), 0) > 0.999


def test_recomputed_convolutions_are_as_precise_as_those_before() -> None:
    seen: list[torch.dtype] = []

    class Note(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func is torch.ops.aten.convolution_backward.default:
                seen.extend(each.dtype for each in args[:3])
            return func(*args, **(kwargs or {}))

    with torch.autocast("cpu", torch.bfloat16):
        loss = seeded(recompute=True, dtype=torch.float32)(images(torch.float32)).sum()
    with Note():  # type: ignore[no-untyped-call]
        loss.backward()
    assert seen == [torch.bfloat16] * 18


def test_the_gradient_it_is_given_stays_as_it_is() -> None:
    y = seeded(recompute=True)(images())
    given = torch.ones_like(y)
    y.backward(given)
    assert torch.equal(given, torch.ones_like(y))


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
    (first,) = torch.autograd.grad(seeded(recompute=True).eval()(x).square().sum(), x, create_graph=True)
    first.sum().backward()  # in evaluation nothing is recomputed
    assert x.grad is not None


def test_compilers_follow_it_in_training() -> None:
    torch._dynamo.reset()
    block = seeded(recompute=True)
    compiled: Any = torch.compile(seeded(recompute=True), backend="aot_eager", fullgraph=True)
    assert same(step(block, images()), step(compiled, images()))
