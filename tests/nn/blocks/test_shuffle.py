import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gradus.analysis.inspect import inspect
from gradus.nn.blocks.shuffle import SplitUnit, shuffle_unit

# N examples, C channels, H height, W width


def numbers(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def macs(module: nn.Module, channels: int) -> int:
    return inspect(module.to("meta"), torch.empty(1, channels, 14, 14, device="meta")).macs


def kernels(module: nn.Module) -> list[Tensor]:
    return [each.weight for each in module.modules() if isinstance(each, nn.Conv2d)]


def normalized(x: Tensor) -> Tensor:
    """What a batch normalization that has seen nothing makes of x in evaluation."""
    return functional.batch_norm(x, torch.zeros(x.shape[1]), torch.ones(x.shape[1]))


def transposed(x_NCHW: Tensor, groups: int) -> Tensor:
    count, channels, height, width = x_NCHW.shape
    apart = x_NCHW.reshape(count, groups, channels // groups, height, width)
    return apart.transpose(1, 2).reshape(x_NCHW.shape)


def test_costs_as_the_formula_says() -> None:
    assert macs(shuffle_unit(96, 96, groups=3), 96) == 14 * 14 * 24 * (2 * 96 // 3 + 9)
    assert macs(SplitUnit(96, 96), 96) == 14 * 14 * 48 * (2 * 48 + 9)


def test_a_shuffled_unit_is_the_papers() -> None:
    """Figure 2 (c), with the shuffle before the depthwise convolution, whose kernels are then in the other order."""
    unit, x = shuffle_unit(12, 48, groups=3, stride=2).eval(), numbers(2, 12, 8, 8)
    reduce, depthwise, expand = kernels(unit)
    moved = transposed(depthwise.transpose(0, 1), 3).transpose(0, 1)
    y = transposed(normalized(functional.conv2d(x, reduce, groups=3)).relu(), 3)
    y = normalized(functional.conv2d(y, moved, stride=2, padding=1, groups=12))
    y = normalized(functional.conv2d(y, expand, groups=3))
    expected = torch.cat((functional.avg_pool2d(x, 3, 2, 1), y.relu()), dim=1)
    torch.testing.assert_close(unit(x), expected)


def test_at_equal_shapes_the_input_is_added() -> None:
    unit, x = shuffle_unit(16, 16, groups=2).eval(), numbers(2, 16, 6, 6)
    with torch.no_grad():
        kernels(unit)[-1].zero_()
    assert torch.equal(unit(x), x.relu())


def test_each_group_hears_of_all_others() -> None:
    unit = shuffle_unit(48, 48, groups=3).eval()
    x = numbers(4, 48, 8, 8).requires_grad_()
    unit(x)[:, :16].sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum(dim=(0, 2, 3)).all()


@pytest.mark.parametrize(("inputs", "outputs", "stride"), [(12, 12, 1), (12, 24, 1), (12, 24, 2)])
def test_a_split_unit_is_concatenation_and_shuffle(inputs: int, outputs: int, stride: int) -> None:
    unit, x = SplitUnit(inputs, outputs, stride=stride).eval(), numbers(2, inputs, 8, 8)
    shortcut = unit.shortcut
    kept = x[:, : inputs // 2] if shortcut is None else shortcut(x)
    changed = unit.branch(x[:, inputs // 2 :] if shortcut is None else x)
    assert (shortcut is None) == (inputs == outputs)
    assert unit(x).shape == (2, outputs, 8 // stride, 8 // stride)
    assert torch.equal(unit(x), transposed(torch.cat((kept, changed), dim=1), 2))
