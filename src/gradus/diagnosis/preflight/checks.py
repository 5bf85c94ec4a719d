"""The checks: which findings of the doctor's rules and of our own trials each is about, and its figures."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from gradus.core.findings import Finding
from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.preflight.trials import Trials
from gradus.diagnosis.preflight.verdicts import fit_figures
from gradus.diagnosis.rules.common import knowing_nothing, update_ratio
from gradus.diagnosis.rules.signal import last_over_first

Status = Literal["passed", "failed", "skipped"]
Figures = dict[str, float]

CONSTANT = "constant-prediction"
SILENT = (
    "curve-reading", "generalization-gap", "validation-rising", "underfitting", "under-trained",
    "over-regularization", "plateau", "noisy-labels", "labels-unrelated", "mode-collapse", "posterior-collapse",
    "oscillating-players", "discriminator-dominates", "generator-dominates",
)  # fmt: skip
"""Rules about what comes of training: nothing can be said of that before."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a check came out. `message` says what is wrong, or why it was skipped."""

    name: str
    status: Status
    figures: Mapping[str, float] = field(default_factory=dict)
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Check:
    """A row: what it asks, the symptoms that answer no, and its figures; None of what could not be seen."""

    name: str
    asks: Message
    symptoms: tuple[str, ...]
    figures: Callable[[History, Trials], Figures | None]


def check_all(history: History, trials: Trials, findings: Sequence[Finding]) -> list[Result]:
    """Every check of the table."""
    results = []
    for check in CHECKS:
        against = [each for each in findings if each.symptom in check.symptoms]
        figures = check.figures(history, trials)
        if against:
            figures = {**(figures or {}), **against[0].evidence}
            results.append(Result(name=check.name, status="failed", figures=figures, message=against[0].message))
        elif check.name == "one-batch" and trials.fits_without_inputs:
            results.append(Result(name=check.name, status="skipped", figures=figures or {}, message=_WITHOUT.say()))
        elif figures is None:
            reason = trials.reason if check.name in _BY_TRIAL and trials.reason else _UNSEEN.say()
            results.append(Result(name=check.name, status="skipped", message=reason))
        elif check.name == "memory" and trials.memory is not None and trials.memory.needed > trials.memory.available:
            results.append(Result(name=check.name, status="failed", figures=figures, message=_NO_ROOM.say(**figures)))
        else:
            results.append(Result(name=check.name, status="passed", figures=figures, message=check.asks.say()))
    return results


_UNSEEN = Message(en="there was nothing to see it by", zh="没有可供判断的数据")
_WITHOUT = Message(
    en="this batch is fitted without its inputs, too: it tells nothing of what the network makes of them",
    zh="去掉输入也能拟合这个批次，无法说明网络是否利用了输入",
)
_NO_ROOM = Message(
    en="a step needs {needed:.3g} bytes, and the machine has {available:.3g}",
    zh="一步需要 {needed:.3g} 字节，而机器只有 {available:.3g}",
)


def _inputs(history: History, _: Trials) -> Figures | None:
    first = history.first
    if first is None or not first.inputs:
        return None
    signs = first.inputs[0]
    names = ("low", "high", "mean", "std", "constant", "spread", "repeated_rows")
    return {name: float(getattr(signs, name)) for name in names}


def _targets(history: History, _: Trials) -> Figures | None:
    loss = history.first.loss if history.first is not None else None
    if loss is None or not loss.kind:
        return None
    if loss.kind == "values":
        return {"low": loss.target_low, "high": loss.target_high, "mean": loss.target_mean, "std": loss.target_std}
    return {"classes": loss.classes, "commonest": max(loss.counts, default=0) / max(1, sum(loss.counts))}


def _output(history: History, _: Trials) -> Figures | None:
    loss = history.first.loss if history.first is not None else None
    return {"ways": len(loss.heads), "batch": loss.batch} if loss is not None and loss.heads else None


def _initial(history: History, _: Trials) -> Figures | None:
    loss = history.first.loss if history.first is not None else None
    if loss is None or not math.isfinite(loss.value):
        return None
    expected = knowing_nothing(history)
    return {"loss": loss.value, **({"expected": expected} if math.isfinite(expected) else {})}


def _one_batch(_: History, trials: Trials) -> Figures | None:
    return fit_figures(trials)


def _reach(history: History, _: Trials) -> Figures | None:
    if history.first is None or not history.first.parameters:
        return None
    with_gradient = [each.gradient is not None for each in history.first.parameters.values()]
    return {"parameters": len(with_gradient), "reached": sum(with_gradient)}


def _loop(history: History, _: Trials) -> Figures | None:
    loop = history.loop
    return {"backwards": loop.backwards, "steps": loop.steps} if loop.backwards or loop.no_graph else None


def _apart(history: History, _: Trials) -> Figures | None:
    if not history.loop.backwards:
        return None
    tiny = history.loop.tiny_batch
    return {} if tiny is None else {"batch_norm": tiny}


def _signal(history: History, _: Trials) -> Figures | None:
    first = history.first
    if first is None or not first.layers:
        return None
    forward = last_over_first(first, 1)
    dead = [each.dead for each in first.layers.values() if each.dead is not None]
    saturated = [each.saturated for each in first.layers.values() if each.saturated is not None]
    return {
        **({"forward": forward[1]} if forward is not None else {}),
        **({"dead": max(dead)} if dead else {}),
        **({"saturated": max(saturated)} if saturated else {}),
    }


def _rate(history: History, trials: Trials) -> Figures | None:
    figures = {}
    if trials.rates is not None:
        figures = {"rate": trials.rate, "suggested": trials.rates.suggested}
        figures |= {"diverged": trials.rates.diverged} if trials.rates.diverged is not None else {}
    ratio = update_ratio(history.first) if history.first is not None else None
    if ratio is not None:
        figures["update"] = ratio
    return figures or None


def _numbers(history: History, _: Trials) -> Figures | None:
    return {"steps": history.earlier + history.step} if history.losses.count else None


def _memory(_: History, trials: Trials) -> Figures | None:
    found = trials.memory
    return None if found is None else {"needed": found.needed, "available": found.available, "kept": found.kept}


_BY_TRIAL = ("one-batch", "memory", "rate")

CHECKS: tuple[Check, ...] = (
    Check(
        "inputs",
        Message(en="inputs are finite, vary and are scaled", zh="输入有限、有变化且已缩放"),
        ("non-finite-input", "unscaled-inputs", "feature-scale", "constant-inputs", "leakage",
         "duplicate-augmentation", "train-validation-mismatch"),
        _inputs,
    ),
    Check(
        "targets",
        Message(en="targets are scaled and mixed", zh="目标已缩放且已打乱"),
        ("unscaled-targets", "class-imbalance", "unshuffled-data"),
        _targets,
    ),
    Check(
        "output",
        Message(en="outputs, targets and loss fit together", zh="输出、目标与损失相匹配"),
        ("softmax-twice", "softmax-wrong-axis", "softmax-single-unit", "missing-log", "loss-output-mismatch",
         "output-range", "nonlinear-logits", "broadcast-loss"),
        _output,
    ),
    Check(
        "initial-loss",
        Message(en="the first loss is that of knowing nothing", zh="最初的损失与一无所知时相当"),
        ("initial-loss", "loss-sign", "summed-loss"),
        _initial,
    ),
    Check(
        "one-batch",
        Message(
            en="one batch is fitted, and less well without its inputs", zh="能拟合一个批次，去掉输入后则拟合得差"
        ),
        ("no-learning", CONSTANT),
        _one_batch,
    ),
    Check(
        "gradient-reach",
        Message(en="the gradient reaches every parameter", zh="梯度到达每个参数"),
        ("detached-graph", "parameters-not-in-optimizer", "unregistered-parameters", "frozen-parameters",
         "stale-optimizer"),
        _reach,
    ),
    Check(
        "loop",
        Message(en="gradients are cleared, steps taken, modes set", zh="梯度清零、参数更新、模式设置均正常"),
        ("missing-zero-grad", "missing-step", "training-in-eval-mode", "evaluation-in-train-mode",
         "dropout-in-evaluation", "batch-norm-drift", "desynchronised-rank", "straggler"),
        _loop,
    ),
    Check(
        "batch",
        Message(
            en="examples do not mix, and batch norm has enough of them", zh="样本互不混合，批归一化有足够的样本"
        ),
        ("batch-mixing", "batch-norm-tiny-batch"),
        _apart,
    ),
    Check(
        "signal",
        Message(en="signals and gradients pass through the layers", zh="信号与梯度能通过各层"),
        ("bad-initialization", "symmetric-initialization", "missing-nonlinearity", "vanishing-gradient",
         "exploding-gradient", "vanishing-signal", "exploding-signal", "dead-units", "saturated-units",
         "vanishing-through-time", "exploding-through-time", "checkerboard"),
        _signal,
    ),
    Check(
        "rate",
        Message(en="the learning rate is of the right size", zh="学习率大小合适"),
        ("learning-rate-too-high", "learning-rate-too-low", "large-updates", "small-updates", "divergence",
         "oscillation", "optimizer-epsilon-too-large"),
        _rate,
    ),
    Check(
        "numbers",
        Message(en="all numbers are finite", zh="所有数值有限"),
        ("non-finite", "unstable-loss", "overflow"),
        _numbers,
    ),
    Check("memory", Message(en="a step fits into memory", zh="内存足够一步所需"), (), _memory),
)  # fmt: skip
