"""Batch normalization's statistics against those of the whole set in one piece."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradus.core.batch import Batch
from gradus.core.errors import InputError
from gradus.nn.statistics import recompute_statistics

UNEVEN = [1, 7, 2, 20, 10]


def whole(seed: int = 0) -> Tensor:
    """40 examples whose mean drifts, so that batches differ."""
    x = torch.randn(40, 3, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return x + torch.linspace(-2, 2, 40, dtype=torch.float64)[:, None, None, None]


def network() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            *(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5)),
            *(nn.Conv2d(4, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Flatten(), nn.Linear(20, 6), nn.BatchNorm1d(6)),
        ).double()


def off(layer: Any, x: Tensor) -> float:
    """How far a layer's statistics are from those of its input."""
    x = x.detach()
    axes = [axis for axis in range(x.dim()) if axis != 1]
    variance, mean = torch.var_mean(x, dim=axes, correction=0)
    return max(float((layer.running_mean - mean).abs().max()), float((layer.running_var / variance - 1).abs().max()))


@pytest.mark.parametrize("sizes", [[40], UNEVEN])
def test_every_layer_has_the_statistics_of_what_it_sees_in_evaluation(sizes: list[int]) -> None:
    net, x = network(), whole()
    assert recompute_statistics(net, list(x.split(sizes))) == 3
    net.eval()
    for at in (1, 5, 9):
        assert off(net[at], net[:at](x)) < 1e-12


def test_the_variance_between_batches_is_added_to_that_within() -> None:
    net, x = network(), whole()
    recompute_statistics(net, x.split(4))
    batches = net[0](x).detach().unflatten(0, (10, 4))
    within, means = torch.var_mean(batches, dim=(1, 3, 4), correction=0)
    between = means.var(dim=0, correction=0)
    torch.testing.assert_close(net[1].running_var, within.mean(dim=0) + between, rtol=1e-12, atol=0)
    assert (between > 0.01 * within.mean(dim=0)).all()


def test_one_pass_is_exact_for_the_first_layer_and_close_for_later_ones() -> None:
    net, x = network(), whole()
    recompute_statistics(net, x.split([2, 8, 30]), method="one_pass")
    net.eval()
    assert off(net[1], net[0](x)) < 1e-12
    assert 1e-3 < off(net[5], net[:5](x)) < 1
    # In one batch both are the same thing, but for the eps that the variance of one layer leaves to the next.
    exact, once = network(), network()
    recompute_statistics(exact, [x])
    recompute_statistics(once, [x], method="one_pass")
    for a, b in zip(exact.buffers(), once.buffers(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_all_dimensions(kind: int) -> None:
    conv: Any = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[kind - 1](2, 3, 2)
    norm: Any = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[kind - 1](3)
    net = nn.Sequential(conv, norm).double()
    x = 1e4 + torch.randn(9, 2, *[4] * kind, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    recompute_statistics(net, list(x.split(2)))
    assert off(norm, conv(x)) < 1e-10


def test_a_layer_that_is_called_twice_counts_both() -> None:
    class Twins(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

        def forward(self, x: Tensor) -> Any:
            return self.norm(self.conv(x)) - self.norm(self.conv(3 * x))

    net, x = Twins().double(), whole()
    recompute_statistics(net, x.split(9))
    assert off(net.norm, net.conv(torch.cat([x, 3 * x]))) < 1e-12


@pytest.mark.parametrize("method", ["exact", "one_pass"])
def test_nothing_else_changes(method: Any) -> None:
    net, x = network(), whole().split(8)
    net.train()
    net[5].eval()
    net(x[0]).sum().backward()
    modes = [each.training for each in net.modules()]
    gradients = [None if each.grad is None else each.grad.clone() for each in net.parameters()]
    weights, state = [each.clone() for each in net.parameters()], torch.get_rng_state()
    recompute_statistics(net, x, method=method)
    assert [each.training for each in net.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(weights, net.parameters(), strict=True))
    for before, each in zip(gradients, net.parameters(), strict=True):
        assert before is not None
        assert each.grad is not None
        assert torch.equal(before, each.grad)
    norms: list[Any] = [net[at] for at in (1, 5, 9)]
    assert [(each.momentum, each.track_running_stats) for each in norms] == [(0.1, True)] * 3
    assert [int(each.num_batches_tracked) for each in norms] == [1, 0, 1]
    assert not any(each._forward_pre_hooks for each in norms)


def test_batches_may_come_in_any_usual_form() -> None:
    x, labels = whole(), torch.zeros(40)
    results = []
    for batches in ([x], [(x, labels)], [[x, labels]], [Batch((x,), labels, labels.long())]):
        net = network()
        recompute_statistics(net, batches)
        results.append(net.state_dict())
    assert all(torch.equal(each[name], results[0][name]) for each in results for name in each)


def test_what_cannot_be_done_is_said() -> None:
    def once() -> Iterator[Tensor]:
        yield whole()

    assert recompute_statistics(nn.Linear(2, 2), []) == 0
    with pytest.raises(InputError, match="recompute_statistics: needs at least one batch"):
        recompute_statistics(network(), [])
    with pytest.raises(InputError, match="must be able to go through the batches several times"):
        recompute_statistics(network(), once())
    assert recompute_statistics(network(), once(), method="one_pass") == 3
    for method in ("exact", "one_pass"):
        with pytest.raises(InputError, match="recompute_statistics: needs at least one example"):
            recompute_statistics(network().train(method == "exact"), [whole()[:0]], method=method)
    with pytest.raises(InputError, match="`method` must be `exact` or `one_pass`, got `approximate`"):
        recompute_statistics(network(), [whole()], method="approximate")  # type: ignore[arg-type]


def test_a_batch_without_examples_changes_nothing() -> None:
    plain, padded = network(), network()
    recompute_statistics(plain, [whole()])
    recompute_statistics(padded, [whole(), whole()[:0]])
    assert all(torch.equal(each, padded.state_dict()[name]) for name, each in plain.state_dict().items())


def test_a_layer_may_be_called_by_keyword() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(3)

        def forward(self, x: Tensor) -> Any:
            return self.norm(input=x)

    for method in ("exact", "one_pass"):
        net = Named().double()
        assert recompute_statistics(net, whole().split(7), method=method) == 1
        assert off(net.norm, whole()) < 1e-12
