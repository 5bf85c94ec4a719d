"""Which modules count as models, by how they are called."""

import pytest
import torch
from torch import nn

from gradus.diagnosis.history import History
from gradus.diagnosis.hooks import Hooks
from gradus.diagnosis.places import Places
from gradus.diagnosis.roots import Roots


def roots_of(history: History, *, everything: bool = True, wrapper: nn.Module | None = None) -> tuple[Roots, Hooks]:
    hooks = Hooks(lambda module, args: None, lambda module, args, kwargs, result: None)
    return Roots(hooks, Places(), history, everything=everything, wrapper=wrapper), hooks


def test_none_is_looked_for_once_none_has_turned_up_for_three_steps() -> None:
    history, model = History(), nn.Linear(2, 2)
    roots, hooks = roots_of(history)
    roots.hook_everywhere()
    try:
        history.step = 2
        roots.settle()
        assert hooks.everywhere
        roots.add(model)  # which is new, and may not be the last
        history.step = 4
        roots.settle()
        assert hooks.everywhere
        history.step = 5
        roots.settle()
        assert not hooks.everywhere
        assert len(model._forward_hooks) == 1
    finally:
        hooks.release()
    assert not model._forward_hooks


def test_only_what_the_program_calls_itself_is_a_model() -> None:
    history = History()
    roots, _ = roots_of(history)
    model, inner = nn.Sequential(nn.Linear(2, 2)), nn.Linear(2, 2)
    assert roots.enter(model)
    assert roots.recognize(model)
    assert not roots.enter(model[0])
    assert not roots.is_stranger(model[0])
    assert not roots.leave(model[0])
    assert not roots.enter(inner)
    assert roots.is_stranger(inner)
    assert not roots.leave(inner)
    assert roots.leave(model)
    assert list(roots) == [model]
    assert inner not in roots


def test_strangers_are_those_of_a_model_that_is_watched() -> None:
    roots, _ = roots_of(History(), everything=False)
    other, inner = nn.Sequential(nn.Linear(2, 2)), nn.Linear(2, 2)
    assert roots.enter(other)
    assert not roots.recognize(other)
    assert not roots.enter(inner)
    assert not roots.is_stranger(inner)


@pytest.mark.parametrize("odd", [nn.ReLU(), nn.Linear(2, 2, device="meta")])
def test_what_has_no_numbers_is_no_model(odd: nn.Module) -> None:
    roots, _ = roots_of(History())
    assert not roots.recognize(odd)


def test_a_wrapper_hands_on_and_is_no_model() -> None:
    wrapper = nn.Sequential(nn.Linear(2, 2))
    roots, _ = roots_of(History(), wrapper=wrapper)
    assert not roots.enter(wrapper)
    assert roots.enter(wrapper[0])
    assert roots.recognize(wrapper[0])
    assert roots.leave(wrapper[0])
    assert not roots.leave(wrapper)
    assert list(roots) == [wrapper[0]]


def test_a_model_that_is_gone_is_forgotten() -> None:
    roots, hooks = roots_of(History())
    roots.add(nn.Linear(2, 2))
    assert list(roots) == []
    kept = nn.Linear(2, 2)
    roots.add(kept)
    roots.hook()
    hooks.release()
    assert list(roots) == [kept]
    assert torch.equal(kept(torch.zeros(1, 2)), kept.bias[None])
