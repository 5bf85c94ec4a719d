"""Momentum with the rate inside the velocity, and Nesterov's with the gradient at the look-ahead point.

torch keeps a velocity of gradients, v = mu v + g, and multiplies it by the rate of the moment; here it is a velocity of
the parameters, v = mu v - lr g, as in Sutskever et al. (2013) and in Keras. The two differ only when the rate changes.
"""

from typing import Any, Self

import torch
from torch import optim
from torch.optim.optimizer import ParamsT

from gradus.core.errors import InputError
from gradus.optim import optimizers
from gradus.optim.flat import Flat
from gradus.optim.foreach import Closure, ForeachOptimizer, Tensors, fusible
from gradus.optim.hyper import Decay, Momentum, Parameters, Rate


class MomentumSGD(ForeachOptimizer):
    """v = mu v - lr g; p += v. With `nesterov`, p += mu v - lr g: the parameters are then the look-ahead points."""

    def __init__(
        self,
        parameters: ParamsT,
        *,
        lr: Rate = 1e-2,
        momentum: Momentum = 0.9,
        nesterov: bool = False,
        weight_decay: Decay = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            parameters, lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay, maximize=maximize
        )

    def _kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("velocity",)

    def _advance(self, group: dict[str, Any], points: Tensors, gradients: Tensors, kept: dict[str, Tensors]) -> None:
        velocities = kept["velocity"]
        torch._foreach_mul_(velocities, group["momentum"])
        torch._foreach_add_(velocities, gradients, alpha=-group["lr"])
        if group["nesterov"]:
            torch._foreach_add_(points, velocities, alpha=group["momentum"])
            torch._foreach_add_(points, gradients, alpha=-group["lr"])
        else:
            torch._foreach_add_(points, velocities)


class Nesterov(ForeachOptimizer):
    """v = mu v - lr g(x + mu v); x += v: the gradient is computed after the velocity has been applied.

    The parameters are x, whenever they are looked at; `step` moves them to the look-ahead point x + mu v, has the
    closure compute the gradient there, and moves them on. torch's SGD with `nesterov` goes through the same look-ahead
    points and keeps only these: `from_sgd` and `to_sgd` turn one into the other.

    Sutskever et al. (2013), equations 3 and 4.
    """

    def __init__(
        self,
        parameters: ParamsT,
        *,
        lr: Rate = 1e-2,
        momentum: Momentum = 0.9,
        weight_decay: Decay = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(parameters, lr=lr, momentum=momentum, weight_decay=weight_decay, maximize=maximize)

    @classmethod
    @torch.no_grad()
    def from_sgd(cls, sgd: optim.SGD) -> Self:
        """Go on in place of torch's; the parameters are moved back from the look-ahead point, p, to x = p - mu v."""
        groups = []
        for group in sgd.param_groups:
            if not group["nesterov"] or group["dampening"]:
                raise InputError("Nesterov.from_sgd", "needs an SGD with `nesterov` and no dampening")
            groups.append({name: group[name] for name in ("params", "lr", "momentum", "weight_decay", "maximize")})
        own = cls(groups)
        for group in own.param_groups:
            for point in group["params"]:
                buffer = sgd.state.get(point, {}).get("momentum_buffer")
                if buffer is not None:
                    own.state[point]["velocity"] = velocity = buffer * -group["lr"]
                    point.sub_(velocity, alpha=group["momentum"])
        return own

    @torch.no_grad()
    def to_sgd(self) -> optim.SGD:
        """torch's SGD, which goes on from here; the parameters are moved to the look-ahead point."""
        names = ("params", "lr", "momentum", "weight_decay", "maximize")
        sgd = optim.SGD([{name: group[name] for name in names} | {"nesterov": True} for group in self.param_groups])
        for group in self.param_groups:
            for point in group["params"]:
                velocity = self.state.get(point, {}).get("velocity")
                if velocity is not None:
                    sgd.state[point]["momentum_buffer"] = velocity / -group["lr"]
                    point.add_(velocity, alpha=group["momentum"])
        return sgd

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> Any:
        if closure is None:
            raise InputError(self._owner, "`step` must be given a closure: it says where the gradient is computed")
        self._move(1.0)
        try:
            with torch.enable_grad():
                loss = closure()
        except BaseException:
            self._move(-1.0)
            raise
        self._move(-1.0, idle=True)
        self._step()
        return loss

    def _move(self, sign: float, *, idle: bool = False) -> None:
        """From x to the look-ahead point, or back; all parameters, or those that got no gradient."""
        for group in self.param_groups:
            moving = [
                each
                for each in group["params"]
                if "velocity" in self.state.get(each, {}) and not (idle and each.grad is not None)
            ]
            if moving:
                velocities = [self.state[each]["velocity"] for each in moving]
                torch._foreach_add_(moving, velocities, alpha=sign * group["momentum"])

    def _kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("velocity",)

    def _advance(self, group: dict[str, Any], points: Tensors, gradients: Tensors, kept: dict[str, Tensors]) -> None:
        torch._foreach_mul_(kept["velocity"], group["momentum"])
        torch._foreach_add_(kept["velocity"], gradients, alpha=-group["lr"])
        torch._foreach_add_(points, gradients, alpha=-group["lr"])  # x + mu v is where they are: x + v is left


@optimizers.register(
    source="Robbins, Monro (1951); Polyak (1964); Nesterov (1983); Sutskever et al. (2013), equations 1 to 4",
    formula="v = momentum v + g; p -= lr v; with `nesterov` p -= lr (g + momentum v)",
    elsewhere={
        "paper": {"lr_in_velocity": True},
        "torch": {"lr": 1e-3},
        "keras": {"lr_in_velocity": True},
        "optax": {},
    },
    notes="With `lr_in_velocity` v = momentum v - lr g and p += v, which differs only when the rate changes.",
)
def sgd(
    parameters: Parameters,
    *,
    lr: Rate = 1e-2,
    momentum: Momentum = 0.0,
    nesterov: bool = False,
    weight_decay: Decay = 0.0,
    lr_in_velocity: bool = False,
    flat: bool = False,
) -> optim.Optimizer:
    """Stochastic gradient descent, with momentum where asked for."""
    if nesterov and momentum == 0:
        raise InputError(
            "optimizer `sgd`", "`nesterov` is a kind of momentum", repair="Set momentum, for instance 0.9."
        )
    parameters = list(parameters)
    if lr_in_velocity and momentum:
        if flat:
            rule = "has no `flat` form with `lr_in_velocity`"
            raise InputError("optimizer `sgd`", rule, repair="Leave one of them out.")
        return MomentumSGD(parameters, lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)
    made = optim.SGD(
        parameters, lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay, fused=fusible(parameters)
    )
    return Flat(made) if flat else made


@optimizers.register(
    source="Nesterov (1983); Sutskever et al. (2013), equations 3 and 4",
    formula="v = momentum v - lr g(p + momentum v); p += v",
    closure=True,
    notes="`sgd` with `nesterov` goes through the points p + momentum v and keeps those; here p is kept.",
)
def nesterov(
    parameters: Parameters, *, lr: Rate = 1e-2, momentum: Momentum = 0.9, weight_decay: Decay = 0.0
) -> optim.Optimizer:
    """Nesterov's momentum in its first form: the gradient is that at the point the velocity leads to."""
    return Nesterov(list(parameters), lr=lr, momentum=momentum, weight_decay=weight_decay)
