"""Training as something a test can assert."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from torch import nn

from gradus.diagnosis.causes import rank
from gradus.diagnosis.watch import Watch, check_arguments
from gradus.integrations.attending import FailOn, Unhealthy, grave

T = TypeVar("T")


def assert_healthy(
    train: Callable[..., T],
    *args: Any,
    models: Sequence[nn.Module] | None = None,
    silence: Sequence[str] = (),
    allow: Sequence[str] = (),
    fail_on: FailOn = "warning",
    **kwargs: Any,
) -> T:
    """Run ``train(*args, **kwargs)`` under the doctor, and return what it returns.

    Args:
        train: trains a network, by whatever loop.
        models: watch these; None for every model that trains meanwhile.
        silence: ids of rules that are not asked.
        allow: ids of findings that may be there.
        fail_on: how grave a finding must be to count, "warning" or "critical".
    Raises:
        Unhealthy: an AssertionError that says what was found.
        AssertionError: if nothing was trained.
        InputError: if `silence` or `allow` names no rule.
    Example:
        >>> import torch
        >>> def train(steps):
        ...     net = torch.nn.Linear(2, 1)
        ...     sgd = torch.optim.SGD(net.parameters(), lr=0.1)
        ...     for _ in range(steps):
        ...         sgd.zero_grad()
        ...         (net(torch.randn(8, 2)) - 1).square().mean().backward()
        ...         _ = sgd.step()
        ...     return net
        >>> assert_healthy(train, 12)
        Linear(in_features=2, out_features=1, bias=True)
    """
    check_arguments(0.5, silence)
    check_arguments(0.5, allow)
    named = None if models is None else {f"{type(each).__name__}{n or ''}": each for n, each in enumerate(models)}
    with Watch(named, None, budget=0.05, silence=silence, quiet=True) as doctor:
        result = train(*args, **kwargs)
    if not doctor.history.loop.backwards:
        name = getattr(train, "__name__", repr(train))
        raise AssertionError(f"{name} trained nothing: there was no backward pass" + " of `models`" * bool(models))
    found = [each for each in grave(doctor.findings, fail_on) if each.symptom not in allow]
    if found:
        raise Unhealthy(found, rank(doctor.history, found))
    return result
