"""Optimizers race on a test surface: from one start, in double precision, each at the rate that suits it best.

Rates come from one grid for all, so that none wins by having been tuned with more care. Nothing is drawn at random.
"""

import math
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gradus.core.errors import GradusError, InputError
from gradus.optim import OptimizerCard, optimizers
from gradus.optim.surfaces import SurfaceCard, surfaces

RATES = tuple(float(f"{10 ** (third / 3):.3g}") for third in range(-12, 4))
"""Three a decade: 0.0001, 0.000215, 0.000464, ... 10."""
STEPS = 500
STAYS = 10
"""Steps for which a value must be below the target: long jumps land there by chance, and leave at once."""
SHORT: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "momentum": ("sgd", {"momentum": 0.9}),
}
"""What some racers are called for short."""
ONE_ITERATION = {"max_iter": 1, "max_eval": 25}
"""So that a step is one iteration, as it is for first-order methods, and a line search can end."""
FIELD = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam", "adamax", "nadam", "lbfgs")
"""Who takes part if nobody is named."""


@dataclass(frozen=True)
class Racer:
    """An optimizer and the options it is run with; a rate among them is kept, otherwise it is looked for."""

    name: str
    card: OptimizerCard
    options: Mapping[str, Any]

    @classmethod
    def parse(cls, text: str) -> "Racer":
        """From ``adam``, ``momentum`` or ``sgd:momentum=0.9,nesterov=true``.

        Raises:
            InputError: for an optimizer or option that there is not, or a value that it does not take.
        """
        name, _, given = text.partition(":")
        name, usual = SHORT.get(name, (name, {}))
        card = optimizers.get(name, "race")
        options = {**usual, **dict(_option(text, each) for each in _pieces(given))}
        card.validate(options)
        known = {each.name for each in card.options}
        return cls(text, card, {name: value for name, value in ONE_ITERATION.items() if name in known} | options)

    def at(self, lr: float | None) -> Mapping[str, Any]:
        """Its options with this rate.

        Raises:
            InputError: if it does not take that.
        """
        return self.card.validate({**self.options, **({} if lr is None else {"lr": lr})})

    @property
    def tunable(self) -> bool:
        return "lr" not in self.options and any(each.name == "lr" for each in self.card.options)


@dataclass(frozen=True)
class Descent:
    """What one optimizer did.

    Attributes:
        points: (steps + 1, 2), the start first.
        values: (steps + 1,) at them.
        evaluations: of value and gradient, up to each step.
        steps_to_target: the first step from which the value was below the target for `STAYS` steps, or to the end; None
            if there is none.
    """

    points: Tensor
    values: Tensor
    evaluations: tuple[int, ...]
    steps_to_target: int | None

    @property
    def final(self) -> float:
        return float(self.values[-1])

    @property
    def diverged(self) -> bool:
        """It ended higher than it began, or nowhere."""
        return not self.final <= float(self.values[0])


@dataclass(frozen=True)
class Result:
    """How a racer did at its best rate, over all steps of the race; `lr` is None if it takes none."""

    racer: Racer
    lr: float | None
    descent: Descent

    @property
    def evaluations(self) -> int:
        """Up to the target; all if it was not reached."""
        return self.descent.evaluations[self.descent.steps_to_target or -1]

    def to_json(self) -> dict[str, Any]:
        document = {"name": self.racer.name, "optimizer": self.racer.card.name, "options": dict(self.racer.options)}
        reached = self.descent.steps_to_target
        return (
            document
            | ({} if self.lr is None else {"lr": self.lr})
            | ({} if reached is None else {"steps_to_target": reached})
            | {"evaluations": self.evaluations, "final": self.descent.final, "diverged": self.descent.diverged}
        )


@dataclass(frozen=True)
class Race:
    """Results, the best first."""

    surface: SurfaceCard
    start: tuple[float, float]
    target: float
    steps: int
    results: tuple[Result, ...]


def race(
    surface: SurfaceCard,
    racers: Sequence[Racer],
    *,
    steps: int = STEPS,
    start: tuple[float, float] | None = None,
    target: float | None = None,
    rates: Sequence[float] = RATES,
) -> Race:
    """Let `racers` descend from one start.

    Each is tuned first: of the rates, that which gets below the target, and stays there, after the fewest steps; if
    none does, that which ends lowest. So are the racers ranked, those that diverge last.

    Args:
        start, target: the surface's own if None.
    Cost: a racer that never gets there, steps times the number of rates; others far less.
    """
    start = surface.start if start is None else start
    target = surface.target if target is None else target
    results = []
    for racer in racers:
        lr = _tuned(racer, surface, rates, start=start, target=target, steps=steps) if racer.tunable else None
        descent = descend(racer, surface, lr=lr, start=start, target=target, steps=steps)
        results.append(Result(racer, racer.options.get("lr", lr), descent))
    return Race(surface, start, target, steps, tuple(sorted(results, key=lambda each: _order(each.descent))))


def descend(
    racer: Racer,
    surface: SurfaceCard,
    *,
    lr: float | None = None,
    start: tuple[float, float] | None = None,
    target: float | None = None,
    steps: int = STEPS,
    stop: bool = False,
) -> Descent:
    """Run one optimizer; it ends before its steps do where the value is no longer finite.

    Args:
        lr: in place of that among the racer's options.
        stop: also end when the target is reached.
    """
    target = surface.target if target is None else target
    point = nn.Parameter(torch.tensor(surface.start if start is None else start, dtype=torch.float64))
    optimizer: torch.optim.Optimizer = racer.card.build([point], **racer.at(lr))
    objective = _objective(racer, surface, optimizer)
    count = 0

    def evaluate() -> Tensor:
        nonlocal count
        count += 1
        return objective(point)

    points, values, evaluations = [point.detach().clone()], [float(surface.build(point.detach()))], [0]
    below = 0
    for _ in range(steps):
        if racer.card.closure:
            try:
                optimizer.step(evaluate)  # type: ignore[arg-type]
            except GradusError:  # it refuses to go on from values that are not finite
                break
        else:
            evaluate()
            optimizer.step()
        points.append(point.detach().clone())
        values.append(float(surface.build(point.detach())))
        evaluations.append(count)
        below = below + 1 if values[-1] < target else 0
        if (stop and below == STAYS) or not math.isfinite(values[-1]):
            break
    reached = _reached(values, target)
    return Descent(torch.stack(points), torch.tensor(values, dtype=torch.float64), tuple(evaluations), reached)


def _reached(values: Sequence[float], target: float) -> int | None:
    """The first step from which `STAYS` values, or all that are left, are below the target."""
    for step in range(1, len(values)):
        if all(each < target for each in values[step : step + STAYS]):
            return step
    return None


def _objective(racer: Racer, surface: SurfaceCard, optimizer: torch.optim.Optimizer) -> Callable[[Tensor], Tensor]:
    """What an evaluation is for this optimizer: second-order ones say what they want in place of gradients."""
    wants = getattr(optimizer, "wants", "gradients")
    if wants == "loss":
        return surface.build
    if wants == "residuals":
        if surface.residuals is None:
            fit = [each.name for each in surfaces.cards() if each.residuals is not None]
            repair = f"Those are: {', '.join(fit)}."
            raise InputError(f"race: {racer.name}", "needs a surface that is a sum of squares", surface.name, repair)
        return surface.residuals

    def with_gradients(point: Tensor) -> Tensor:
        optimizer.zero_grad()
        value: Tensor = surface.build(point)
        value.backward()
        return value

    return with_gradients


def _tuned(racer: Racer, surface: SurfaceCard, rates: Sequence[float], *, steps: int, **where: Any) -> float:
    """The best of `rates`; the largest come first, for they are quick to succeed or fail."""
    best: tuple[float, Descent] | None = None
    for lr in sorted(rates, reverse=True):
        try:
            racer.at(lr)
        except InputError:
            continue
        descent = descend(racer, surface, lr=lr, steps=steps, stop=True, **where)
        if best is None or _order(descent) < _order(best[1]):
            best = lr, descent
            if descent.steps_to_target is not None:  # what takes longer cannot be better
                steps = min(steps, descent.steps_to_target + STAYS - 1)
    if best is None:
        raise InputError(f"race: {racer.name}", "takes none of the rates", list(rates), "Give it one: lr=...")
    return best[0]


def _order(descent: Descent) -> tuple[bool, float, float]:
    reached = descent.steps_to_target
    final = math.inf if math.isnan(descent.final) else descent.final
    return descent.diverged and reached is None, math.inf if reached is None else reached, final


def racers(text: str = "") -> list[Racer]:
    """From names with commas between them: ``sgd,sgd:momentum=0.9,nesterov=true,adam``; the usual field if empty.

    Raises:
        InputError: as `Racer.parse`, and for a name that stands there twice.
    """
    if not text:
        return [Racer.parse(name) for name in FIELD if SHORT.get(name, (name,))[0] in optimizers]
    names: list[str] = []
    for piece in _pieces(text):
        if names and re.match(r"[\w ]+=", piece):  # one more option of the racer before
            names[-1] += f",{piece}"
        else:
            names.append(piece)
    if not names:
        raise InputError("race", "must have a racer", text, "Such as adam, or leave them out for the usual ones.")
    if len(set(names)) < len(names):
        raise InputError("race", "every racer must be named once", text)
    return [Racer.parse(each) for each in names]


def _option(racer: str, text: str) -> tuple[str, Any]:
    """``momentum=0.9``: the value is TOML, or else a string."""
    name, _, value = (each.strip() for each in text.partition("="))
    if not (name and value):
        raise InputError(f"race: {racer}", "options must look like `name=value`", text)
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name, value


def _pieces(text: str) -> list[str]:
    """What stands between commas; those within brackets belong to a value."""
    return [each.strip() for each in re.split(r",(?![^\[]*\])", text) if each.strip()]
