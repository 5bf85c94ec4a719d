"""The optimizer: which it is, what it holds, and its settings other than the rate."""

from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Generator
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from gradus.core.errors import InputError
from gradus.core.text import Message
from gradus.diagnosis.treatments.patient import Patient
from gradus.diagnosis.treatments.schedules import OF_SCHEDULES, every, scale_rates
from gradus.diagnosis.treatments.table import Done, treatments

Positive = Annotated[float, Field(gt=0)]
_KINDS: dict[str, Any] = {
    "adamw": torch.optim.AdamW, "adam": torch.optim.Adam, "sgd": torch.optim.SGD, "rmsprop": torch.optim.RMSprop,
}  # fmt: skip
_SETTING = Message(en="Set {name} to {value:g} (was {old:g}).", zh="把 {name} 设为 {value:g}（原为 {old:g}）。")
_CLIP = Message(
    en="The gradient's norm is clipped to {norm:g} before every step.", zh="每步之前把梯度范数裁剪到 {norm:g}。"
)
_SWITCH = Message(
    en="Put {new} with rate {rate:.3g} in the place of {old}; the loop must step the new one, `patient.optimizers`.",
    zh="用 {new}（学习率 {rate:.3g}）替换 {old}；训练循环须使用新的优化器 `patient.optimizers`。",
)
_HOLD = Message(en="The optimizer now holds {count} more parameters.", zh="优化器新增持有 {count} 个参数。")
_UNFREEZE = Message(en="{count} frozen parameters learn again.", zh="{count} 个被冻结的参数恢复学习。")


@treatments.register("default-epsilon", changes="optimizer", source="Kingma & Ba (2015), arXiv:1412.6980, section 2.1")
def default_epsilon(patient: Patient, generator: Generator, *, eps: Positive = 1e-8) -> Done:
    """Set `eps` of all groups."""
    return _set(patient, "eps", eps)


@treatments.register("weight-decay", changes="optimizer", source="Loshchilov & Hutter (2019), arXiv:1711.05101, eq. 1")
def weight_decay(patient: Patient, generator: Generator, *, strength: Annotated[float, Field(ge=0)] = 1e-2) -> Done:
    """Set `weight_decay` of all groups that have any; of all, where none has."""
    return _set(patient, "weight_decay", strength)


@treatments.register("clip-gradient", changes="optimizer", source="Pascanu et al. (2013), arXiv:1211.5063, algorithm 1")
def clip_gradient(patient: Patient, generator: Generator, *, norm: Positive = 1.0) -> Done:
    """Before every step, scale the gradient of each optimizer's parameters down to this norm."""
    if not patient.optimizers:
        raise InputError("patient", "has no optimizer")
    for optimizer in patient.optimizers:
        optimizer.register_step_pre_hook(Clipping(norm))
    return Done(_CLIP, tuple(f"optimizer {number}" for number in range(len(patient.optimizers))), {"norm": norm})


class Clipping:
    """A hook: the gradient is clipped before the step, after whatever unscales or averages it."""

    def __init__(self, norm: float) -> None:
        self.norm = norm

    def __call__(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        parameters = [each for group in optimizer.param_groups for each in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, self.norm)


@treatments.register("switch-optimizer", changes="optimizer", source="Kingma & Ba (2015), arXiv:1412.6980, algorithm 1")
def switch_optimizer(
    patient: Patient,
    generator: Generator,
    *,
    to: Literal["adamw", "adam", "sgd", "rmsprop"] = "adamw",
    lr: Positive = 1e-3,
) -> Done:
    """Put another optimizer in the place of the only one: same groups, rates in proportion, schedules go on.

    The first group's rate becomes `lr`. Its state starts empty; what the old one was set to beyond rate and weight
    decay is left behind. `patient.optimizers` has the new one.
    """
    old = patient.optimizer
    rate = float(old.param_groups[0].get("lr", lr))
    if not rate:
        raise InputError("optimizer", "must have a rate above 0, to which the others keep their proportion", rate)
    kept = ("params", "weight_decay")
    new = _KINDS[to]([{name: group[name] for name in kept if name in group} for group in old.param_groups])
    if patient.schedulers:
        LambdaLR(new, lambda step: 1.0)  # marks `step`, by which torch's schedules tell that it is called before theirs
        new._opt_called = getattr(old, "_opt_called", False)
    for group, before in zip(new.param_groups, old.param_groups, strict=True):
        group |= {name: float(before[name]) for name in OF_SCHEDULES if name in before}
        group.setdefault("lr", rate)
    new._optimizer_step_pre_hooks.update(old._optimizer_step_pre_hooks)
    new._optimizer_step_post_hooks.update(old._optimizer_step_post_hooks)
    for scheduler in every(patient.schedulers):
        own = vars(scheduler)
        own["optimizer"] = new
        if "use_beta1" in own:
            own["use_beta1"] = "betas" in new.defaults
    patient.optimizers[:] = [new]
    scale_rates(patient, lr / rate)
    figures = {"new": type(new).__name__, "old": type(old).__name__, "rate": lr}
    return Done(_SWITCH, ("optimizer 0",), figures)


@treatments.register("hold-all", changes="optimizer", source="torch.optim, `Optimizer.add_param_group`")
def hold_all(patient: Patient, generator: Generator) -> Done:
    """Put the parameters that learn and that no optimizer holds into the first group of the first one."""
    added = _hold(patient)
    if not added:
        raise InputError("optimizer", "holds every parameter that learns")
    return Done(_HOLD, added, {"count": len(added)})


@treatments.register("unfreeze", changes="optimizer", source="Yosinski et al. (2014), arXiv:1411.1792, section 4")
def unfreeze(patient: Patient, generator: Generator) -> Done:
    """Let all parameters learn, held by the optimizer."""
    frozen = [name for name, each in patient.network.named_parameters() if not each.requires_grad]
    if not frozen:
        raise InputError("model", "has no frozen parameter")
    for name in frozen:
        patient.network.get_parameter(name).requires_grad_(True)
    _hold(patient)
    return Done(_UNFREEZE, tuple(frozen), {"count": len(frozen)})


def _hold(patient: Patient) -> tuple[str, ...]:
    if not patient.optimizers:
        raise InputError("patient", "has no optimizer")
    held = {id(each) for group in patient.groups for each in group["params"]}
    free = {
        name: each for name, each in patient.network.named_parameters() if each.requires_grad and id(each) not in held
    }
    patient.optimizers[0].param_groups[0]["params"].extend(free.values())
    return tuple(free)


def _set(patient: Patient, name: str, value: float) -> Done:
    groups = [(number, group) for number, group in enumerate(patient.groups) if name in group]
    if not groups:
        raise InputError("optimizer", f"has no `{name}`")
    some = [each for each in groups if each[1][name]] or groups
    old = float(some[0][1][name])
    if all(group[name] == value for _, group in some):
        raise InputError("optimizer", f"has `{name}` at {value:g} already")
    for _, group in some:
        group[name] = value
    return Done(_SETTING, tuple(f"group {number}" for number, _ in some), {"name": name, "value": value, "old": old})
