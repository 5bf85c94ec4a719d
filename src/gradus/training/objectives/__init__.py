"""Ways to learn, by name: what a recipe's [objective] makes of its model, criterion and optimizer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from gradus.core.cards import Card, Registry
from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.core.usercode import UserCode
from gradus.training.objective import Objective
from gradus.training.parts import call
from gradus.training.recipe import Part


@dataclass(frozen=True, eq=False, kw_only=True)
class Parts:
    """What an objective is made of.

    Attributes:
        criterion: gives the loss, or the residuals where `optimizer` wants those.
        closure: the optimizer's step evaluates the loss itself.
        penalties: what is added to the loss, whatever the batch.
        spec: the data as the model sees them.
    """

    model: nn.Module
    criterion: Callable[[Tensor, Tensor], Tensor]
    optimizer: Optimizer
    closure: bool = False
    scheduler: LRScheduler | None = None
    penalties: Sequence[Callable[[], Tensor]] = ()
    spec: DataSpec


@dataclass(frozen=True, kw_only=True)
class ObjectiveCard(Card):
    """One way to learn. `build` takes Parts and the options, and returns an Objective.

    Attributes:
        surrogate: only the gradient of its loss means something, not the loss.
    """

    surrogate: bool = False


objectives: Registry[ObjectiveCard] = Registry("objective", "gradus.training.objectives", ObjectiveCard)


def build_objective(section: Part, parts: Parts) -> Objective:
    """The objective that a recipe's [objective] names.

    Raises:
        InputError: for an unknown name or option, or parts that it cannot train.
    """
    if section.module is None:
        card = objectives.get(section.name or "", "objective")
        named: Objective = card.build(parts, **card.validate(section.options))
        return named
    owner = f"objective {section.module}"
    make = partial(UserCode.parse(section.module, Path(), "objective.module").load(), parts)
    made: Objective = call(make, section.options, owner)
    for name in ("phases", "modules", "compute", "state_dict", "load_state_dict"):
        if not hasattr(made, name):
            raise InputError(owner, "must make an Objective, which docs/objective.md describes", f"no `{name}`")
    if "model" not in made.modules():
        raise InputError(owner, "must name the network to judge and keep `model`", list(made.modules()))
    return made
