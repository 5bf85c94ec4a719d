"""Fixes of the learning rate: where it is written, and what it is to be."""

import ast
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gradus.diagnosis.prescription.bindings import function_around
from gradus.diagnosis.prescription.callables import reaching
from gradus.diagnosis.prescription.edits import Edit, after, delete, with_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import Found, SourceFile
from gradus.diagnosis.prescription.roles import role
from gradus.diagnosis.prescription.written import Written, number, option, written
from gradus.diagnosis.rules.common import update_ratio
from gradus.diagnosis.rules.rate import cut_off

_CUSTOMARY = {
    "SGD": 0.1,
    "Adagrad": 0.01,
    "Adadelta": 1.0,
    "Rprop": 0.01,
    "LBFGS": 1.0,
    "ASGD": 0.01,
    "Adafactor": 0.01,
}
_WITH_MOMENTUM = 0.02
_ADAPTIVE = 1e-3
"""What torch's documentation and the papers begin with."""
_PEAK = 10.0
"""How many times that a schedule may rise to, for a short time (Smith & Topin 2018)."""
_OF_THE_RATE = {
    "learning-rate-too-high", "large-updates", "divergence", "oscillation", "plateau", "non-finite", "summed-loss",
}  # fmt: skip
"""Causes for which several rates are tried; for others it is an aside."""
_DECAYED = 1e-3
"""Of the first rate, what no run is meant to end with."""
_GAMMA = {"ExponentialLR": 1, "StepLR": 2, "MultiStepLR": 2}
"""The place of the argument."""
_TIGHT = 0.01
_STEADY = 2e-3
"""Update over weight of a rate that trains well, about 1e-3 (Karpathy 2019)."""


@dataclass(frozen=True)
class Rate:
    """A place where a learning rate is given.

    Attributes:
        written: the number; None where a default holds.
        customary: what such an optimizer is usually given.
        call: of the optimizer or schedule; None of a step by hand.
    """

    written: Written | None
    customary: float
    call: Found | None = None

    def becomes(self, value: float) -> Edit | None:
        if self.written is not None:
            return self.written.becomes(float(value))
        return with_argument(self.call.file, self.call.node, "lr", f"{value:.3g}") if self.call is not None else None


@fix("lower-learning-rate", "range-test")
def lower(case: Case) -> Iterator[Sequence[Edit]]:
    """The customary rate where it is far lower, then rates about it; else a tenth, a third and a hundredth."""
    if case.cause in {"learning-rate-too-low", "small-updates", "under-trained"}:
        return
    for share in (1.0, 3.0, 0.2)[: 3 if case.cause in _OF_THE_RATE else 1]:
        yield from _changed(case, lambda rate, now, share=share: _lower(rate, now, share))  # type: ignore[misc]


def _lower(rate: Rate, now: float, share: float) -> float | None:
    if rate.customary * 3 <= now:
        return rate.customary * share
    return now * {1.0: 0.1, 3.0: 0.3, 0.2: 0.01}[share]


@fix("raise-learning-rate")
def release(case: Case) -> Iterator[Sequence[Edit]]:
    """What holds a good rate down: a schedule that decays too fast, as one does that steps at every batch, gradients
    that are clipped to nearly nothing.
    """
    if case.cause not in {"learning-rate-too-low", "small-updates", "under-trained"}:
        return
    if cut_off(case.history):
        for each in case.program.methods("step"):
            once_an_epoch = _behind_the_batches(case, each)
            if once_an_epoch:
                yield once_an_epoch
    used = case.history.rates
    if used.first and used.recent and 0 < used.recent[-1] < _DECAYED * used.first[0]:
        # the run ends at a tenth of the first rate
        slower = math.log(0.1) / math.log(used.recent[-1] / used.first[0])
        for call in case.program.calls("torch.optim.lr_scheduler.*"):
            gamma = written(case.program, call.file, call.argument(_GAMMA.get(class_of(call), -1), "gamma"))
            if gamma is not None and 0 < gamma.value < 1:
                yield [gamma.becomes(gamma.value**slower)]
    for most in _largest_norms(case):
        if most.value < _TIGHT:
            yield [most.becomes(1.0)]


def _behind_the_batches(case: Case, step: Found) -> Sequence[Edit]:
    """`scheduler.step()` taken out of the loop over batches, where that lies in another."""
    file, statement = step.file, step.file.statement(step.node)
    loops = file.loops(step.node)
    function = function_around(file, step.node)
    again = len(loops) > 1 or (
        function is not None and any(each.file.loops(each.node) for each in reaching(case.program, function))
    )
    if not loops or not again or role(case.program, file, step.receiver) != "scheduler":
        return []
    if loops[0].body[-1] is not statement:
        return [delete(file, statement), after(file, loops[0], file.code(statement))]
    start, loop_start = file.span(statement)[0], file.span(loops[0])[0]
    margins = [file.text[file.line_start(each) : each] for each in (start, loop_start)]
    if len(loops[0].body) < 2 or any(each.strip() for each in margins):
        return []
    return [Edit(file, file.line_start(start), start, margins[1])]


def _largest_norms(case: Case) -> Iterator[Written]:
    """What norms of gradients are clipped to."""
    for call in case.program.calls("torch.nn.utils.clip_grad_norm_"):
        most = written(case.program, call.file, call.argument(1, "max_norm"))
        if most is not None and most.value > 0:
            yield most


@fix("raise-learning-rate", "range-test")
def raise_(case: Case) -> Iterator[Sequence[Edit]]:
    """The customary rate where it is higher, then what would change weights by 0.2 % a step."""
    if case.cause not in {"learning-rate-too-low", "small-updates", "under-trained", "vanishing-gradient"}:
        return
    ratio = next((each for each in map(update_ratio, case.history.examinations) if each), None)
    for share in (1.0, 5.0, 0.0):
        yield from _changed(case, lambda rate, now, share=share: _higher(rate, now, share, ratio))  # type: ignore[misc]


def _higher(rate: Rate, now: float, share: float, ratio: float | None) -> float | None:
    if not share:  # by what was measured
        value = now * _STEADY / ratio if ratio else None
        return float(f"{value:.1g}") if value and now * 2 < value < rate.customary * 100 else None
    if rate.customary >= now * 3:
        return rate.customary * share
    return now * {1.0: 10, 5.0: 3}[share]


def lowered_to_customary(case: Case) -> Iterator[Edit]:
    """The rate set to the customary one, if it is higher."""
    for rate in rates(case):
        if rate.written is not None and rate.written.value > 1.5 * rate.customary:
            yield rate.written.becomes(rate.customary)


def _changed(case: Case, rule: Callable[[Rate, float], float | None]) -> Iterator[Sequence[Edit]]:
    edits = []
    for rate in rates(case):
        now = rate.written.value if rate.written is not None else _in_use(case)
        value = rule(rate, now) if now else None
        edit = rate.becomes(value) if value else None
        if edit is not None:
            edits.append(edit)
    if edits:
        yield list({(each.file.path, each.start): each for each in edits}.values())


def _in_use(case: Case) -> float | None:
    """The rate that the run was seen to use."""
    used = {each.rate for each in case.history.optimizers.values()}
    return used.pop() if len(used) == 1 else None


def rates(case: Case) -> list[Rate]:
    """Places of rates: peaks of schedules where there are such, else the optimizers', else those of steps by hand."""
    return list(_peaks(case)) or list(_of_optimizers(case)) or list(_by_hand(case))


def _of_optimizers(case: Case) -> Iterator[Rate]:
    for call in optimizer_calls(case):
        value = call.argument(1, "lr")
        place = option(case.program, call, 1, "lr")
        if place is None and (value is not None or any(each.arg is None for each in call.node.keywords)):
            used = _in_use(case)  # by a number that is computed, or read from a file
            if value is None or used is None:
                continue
            place = Written(call.file, value, used)
        yield Rate(place, customary(case, call), call)
        yield from _of_groups(case, call)
    yield from _set_later(case)


def _set_later(case: Case) -> Iterator[Rate]:
    """`group["lr"] = 0.5`."""
    calls = optimizer_calls(case)
    for file, node in case.program.nodes() if calls else ():
        match node:
            case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value="lr")) as target], value=value):
                loop = file.parents[node]
                of_groups = "param_groups" in ast.unparse(loop.iter if isinstance(loop, ast.For) else target)
                place = written(case.program, file, value) if of_groups else None
                if place is not None and place.value > 0:
                    yield Rate(place, customary(case, calls[0]), calls[0])


def _of_groups(case: Case, call: Found) -> Iterator[Rate]:
    """Rates of parameter groups."""
    groups = call.argument(0, "params")
    for each in ast.walk(groups) if isinstance(groups, ast.List) else ():
        if isinstance(each, ast.Dict):
            for key, value in zip(each.keys, each.values, strict=True):
                place = written(case.program, call.file, value)
                if isinstance(key, ast.Constant) and key.value == "lr" and place is not None:
                    yield Rate(place, customary(case, call), call)


def optimizer_calls(case: Case) -> list[Found]:
    """Calls that make optimizers; only those of the class that trained, where that is known."""
    found = [
        each
        for each in case.program.calls("torch.optim.*")
        if re.fullmatch(r"torch\.optim\.(\w+\.)?[A-Z]\w+", each.file.qualified(each.node.func))
        and "lr_scheduler" not in each.file.qualified(each.node.func)
        and "swa_utils" not in each.file.qualified(each.node.func)
    ] or [
        Found(file, node)
        for file, node in case.program.nodes()
        if isinstance(node, ast.Call)
        and any(each.arg == "lr" for each in node.keywords)
        and role(case.program, file, node) in {"optimizer", ""}
    ]
    used = {each.name for each in case.history.optimizers.values()}
    known = [each for each in found if class_of(each) in used]
    return known or found


def class_of(call: Found) -> str:
    """The class that a call makes, without its module."""
    called = call.node.func
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def customary(case: Case, call: Found) -> float:
    """What an optimizer of that class is usually given."""
    name = class_of(call)
    if name not in _CUSTOMARY and name != "SGD":
        return _ADAPTIVE
    if name != "SGD":
        return _CUSTOMARY[name]
    momentum = option(case.program, call, 2, "momentum")
    return _of_clipped(case, _WITH_MOMENTUM if momentum is not None and momentum.value > 0 else _CUSTOMARY[name])


def _of_clipped(case: Case, usual: float) -> float:
    """A rate that goes as far where gradients are clipped to less than 1, as those of language models are."""
    return usual / max(min([1.0, *(each.value for each in _largest_norms(case))]), _TIGHT)


def _peaks(case: Case) -> Iterator[Rate]:
    """Schedules that set a rate of their own."""
    calls = optimizer_calls(case)
    usual = customary(case, calls[0]) if calls else _ADAPTIVE
    for call in case.program.calls("torch.optim.lr_scheduler.OneCycleLR", "torch.optim.lr_scheduler.CyclicLR"):
        one = class_of(call) == "OneCycleLR"
        place = written(case.program, call.file, call.argument(1 if one else 2, "max_lr"))
        if place is not None:
            yield Rate(place, usual * _PEAK, call)


def _by_hand(case: Case) -> Iterator[Rate]:
    """`p -= lr * p.grad`, `p.sub_(lr * p.grad)`, `p.add_(p.grad, alpha=-lr)`, `p = p - lr * p.grad`."""
    for file, node in case.program.nodes():
        factor = _factor(file, node)
        place = written(case.program, file, factor)
        if place is not None and place.value > 0:
            yield Rate(place, _of_clipped(case, _CUSTOMARY["SGD"]))


def _factor(file: SourceFile, node: ast.AST) -> ast.expr | None:
    """What a gradient is multiplied with in a step by hand."""
    step: ast.expr | None = None
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Sub):
        step = node.value
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        step = node.right
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        if node.func.attr == "sub_":
            step = node.args[0]
        elif node.func.attr in {"add_", "_foreach_add_"}:
            step = node.args[-1]
            alpha = next((each.value for each in node.keywords if each.arg == "alpha"), None)
            if isinstance(alpha, ast.UnaryOp) and isinstance(alpha.op, ast.USub) and _is_gradient(step):
                return alpha.operand
            if isinstance(step, ast.BinOp) and isinstance(step.left, ast.UnaryOp):
                step = ast.BinOp(step.left.operand, step.op, step.right)
    if not isinstance(step, ast.BinOp) or not isinstance(step.op, ast.Mult):
        return None
    for factor, other in ((step.left, step.right), (step.right, step.left)):
        if _is_gradient(other) and not _is_gradient(factor):
            return factor
    return None


def _is_gradient(node: ast.expr) -> bool:
    """Whether it looks like `p.grad`, `grad_w`, `dW` or `grads[0]`."""
    text = ast.unparse(node)
    return bool(re.search(r"\.grad\b|(^|_)grads?(_|$|\[)|^gs?$|^g\[|^d[Wwb]\d?$", text)) and number(node) is None
