"""Numbers that are no numbers."""

from collections.abc import Iterator

from gradus.core.text import Message
from gradus.diagnosis.rules import Sighting, rules
from gradus.diagnosis.rules.common import losses
from gradus.diagnosis.signs import History

_RISKY = ("Log", "Sqrt", "Div", "Pow", "Rsqrt", "Reciprocal", "Mul", "Log2", "Log10")


@rules.register(
    "non-finite",
    source="IEEE 754: from then on every weight it touches is lost",
    not_fooled_by="gradients that overflow under a GradScaler, which skips that step",
    severity="critical",
    says=Message(
        en="Numbers became NaN or infinite at step {step:.0f}; whatever they touch is lost.",
        zh="从第 {step:.0f} 步起出现 NaN 或无穷大；它们碰到的一切都失效了。",
    ),
)
def non_finite(history: History) -> Iterator[Sighting]:
    """A loss or gradient is not finite."""
    found = history.non_finite
    if found is not None:
        yield Sighting(where=found.where, since=found.step, confidence=1.0, evidence={"step": found.step})


@rules.register(
    "non-finite-input",
    source="one NaN in a batch makes every gradient NaN",
    not_fooled_by="missing values that the model itself fills in: its loss stays finite",
    severity="critical",
    says=Message(
        en="The data hold values that are NaN or infinite ({share:.2%} of the first such batch).",
        zh="数据中含有 NaN 或无穷大（在最早出现的批次中占 {share:.2%}）。",
    ),
)
def non_finite_input(history: History) -> Iterator[Sighting]:
    """The first thing that is not finite is an input or a target."""
    found = history.non_finite
    if found is not None and found.source in ("input", "target"):
        yield Sighting(since=found.step, confidence=0.98, evidence={"share": found.share})


@rules.register(
    "unstable-loss",
    source="log(softmax(x)) rounds to log(0) from a difference of 104 in float32 on; sqrt has an infinite slope at 0",
    not_fooled_by="the same formula with an epsilon, or whose argument never comes near zero",
    severity="critical",
    says=Message(
        en="The loss is computed in an unstable way: an argument reached a place (0 under a logarithm, root or "
        "division) "
        "where the result or its gradient is not finite.",
        zh="损失的计算方式不稳定：自变量到达了结果或梯度不再有限的位置（对数、平方根或除法中的 0）。",
    ),
)
def unstable_loss(history: History) -> Iterator[Sighting]:
    """The model's output is finite and the loss, or its gradient, is not; or a probability is 0 under a logarithm."""
    found = history.non_finite
    heads = [op.name for each in losses(history)[-3:] for head in each.heads for op in head]
    unknown = [
        op.name
        for examination in history.examinations[-3:]
        for each in examination.losses
        for head in each.heads
        for op in head
    ]
    risky = any(name in _RISKY[:6] for name in heads + unknown)
    zero = any(each.zero_probability for examination in history.examinations for each in examination.losses)
    if found is not None and found.source in ("loss", "gradient") and (found.operation in _RISKY or risky):
        if found.operation != "Exp" and not found.operation.startswith("Exp"):
            yield Sighting(since=found.step, confidence=0.9, evidence={"step": found.step})
    elif found is None and zero and history.losses.count and history.losses.recent[-1] != history.losses.recent[-1]:
        yield Sighting(since=history.step, confidence=0.8, evidence={"step": history.step})


@rules.register(
    "overflow",
    source="float32 ends at 3.4e38, which exp reaches at 88.7; float16 ends at 65,504",
    not_fooled_by="losses that are merely large",
    severity="critical",
    says=Message(
        en="A number grew beyond what its type can hold.",
        zh="有数值超出了其类型所能表示的范围。",
    ),
)
def overflow(history: History) -> Iterator[Sighting]:
    """The first thing that is not finite is an infinity that an operation made of finite numbers."""
    found = history.non_finite
    if found is None or found.source in ("input", "target", "weight", "gradient"):
        return
    exponential = found.operation.startswith("Exp")
    early = found.step <= 3
    if exponential or (found.infinite and found.source == "forward" and early):
        yield Sighting(where=found.where, since=found.step, confidence=0.9 if exponential else 0.6)
