"""A recipe's learning rate, where it leaves that to a range test."""

from itertools import count

import torch

from gradus.core.errors import InputError
from gradus.data.batching import Loader
from gradus.optim import optimizers
from gradus.optim.range_test import RangeTest, range_test
from gradus.training.objective import Objective
from gradus.training.recipe import Part, Training
from gradus.training.trainer import Trainer

STEPS = 100
AUTO = "auto"


def wants_rate(section: Part) -> bool:
    """Whether an optimizer's rate is to be found."""
    if section.options.get("lr") != AUTO:
        return False
    if section.module is not None:
        raise InputError("optimizer.lr", "is found for optimizers of the catalogue alone", AUTO, "Give a number.")
    return "lr" in {each.name for each in optimizers.get(section.name or "", "optimizer").options}


def without_rate(section: Part) -> Part:
    """`section` with the rate its optimizer has by default."""
    return Part(name=section.name, **{name: value for name, value in section.options.items() if name != "lr"})


def with_rate(section: Part, found: RangeTest) -> Part:
    """`section` with the rate that was found, to two digits: more of them say nothing."""
    return Part(name=section.name, **{**section.options, "lr": float(f"{found.suggested:.2g}")})


def try_rates(
    objective: Objective, loader: Loader, settings: Training, *, seed: int, device: torch.device
) -> RangeTest:
    """A range test with the batches, the precision and the clipping of training; nothing of it is left.

    Raises:
        InputError: for an optimizer of curvature, which evaluates a batch several times and goes by more than a rate.
    """
    if len(objective.phases) != 1:
        rule = "is for objectives of one phase"
        raise InputError("range test", rule, [each.name for each in objective.phases], "Set `lr` yourself.")
    (phase,) = objective.phases
    model = objective.modules()["model"]
    if isinstance(phase.optimizer, torch.optim.LBFGS) or hasattr(phase.optimizer, "wants"):
        name = type(phase.optimizer).__name__
        repair = "Leave `lr` at its default."
        raise InputError("range test", "is for optimizers that take one gradient a step", name, repair)
    trainer = Trainer(objective, loader, settings.model_copy(update={"ema": None}), seed=seed, device=device)
    model.train()
    batches = (batch for epoch in count() for batch in loader.batches(epoch))
    return range_test(model, phase.optimizer, lambda: trainer.compute_gradients(phase, next(batches)), steps=STEPS)
