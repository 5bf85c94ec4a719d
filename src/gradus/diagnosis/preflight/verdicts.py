"""What the trials show, as findings."""

from collections.abc import Collection, Iterator

from gradus.core.findings import Finding
from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.preflight.trials import Trials
from gradus.diagnosis.remedies import remedies_for
from gradus.diagnosis.rules.signal import VANISHED, first_over_last

_FINDINGS: dict[str, Message] = {
    "learning-rate-too-high": Message(
        en="The learning rate, {rate:.2g}, is {times:.2g} times what a range test suggests: from {diverged:.2g} the "
        "loss on one batch diverges.",
        zh="学习率 {rate:.2g} 是范围测试建议值的 {times:.2g} 倍：从 {diverged:.2g} 起单个批次的损失就发散。",
    ),
    "learning-rate-too-low": Message(
        en="The learning rate, {rate:.2g}, is {times:.2g} times what a range test suggests, {suggested:.2g}: steps are "
        "too small to get anywhere.",
        zh="学习率 {rate:.2g} 是范围测试建议值 {suggested:.2g} 的 {times:.2g} 倍：步子太小，难有进展。",
    ),
}
_CANNOT_FIT = Message(
    en="One batch cannot be fitted: {steps:.0f} steps of Adam bring its loss from {loss:.3g} to {fitted:.3g}, and to "
    "{without_inputs:.3g} without its inputs: the network makes nothing of them.",
    zh="无法拟合一个批次：Adam 训练 {steps:.0f} 步使损失从 {loss:.3g} 降到 {fitted:.3g}，"
    "去掉输入则为 {without_inputs:.3g}：网络没有利用输入。",
)
_TOO_HIGH, _TOO_LOW = 10.0, 1 / 300
"""Times the rate that a range test suggests. Healthy programs of the ward lie between 0.013 and 9."""
_ALIKE = 0.001
"""By what share fits with and without inputs differ if inputs do nothing."""


def own_findings(history: History, trials: Trials, found: Collection[str]) -> list[Finding]:
    """What the trials show. Where a rule has found something, that is why: then nothing is added."""
    if found:
        return []
    return [*_of_the_rate(trials), *_of_one_batch(history, trials)]


def _of_the_rate(trials: Trials) -> Iterator[Finding]:
    rates = trials.rates
    if rates is None or not rates.suggested > 0 or min(rates.losses) < 0:
        return
    figures = {"rate": trials.rate, "suggested": rates.suggested, "times": trials.rate / rates.suggested}
    if rates.diverged is not None and trials.rate >= rates.diverged and figures["times"] >= _TOO_HIGH:
        yield _finding("learning-rate-too-high", {**figures, "diverged": rates.diverged}, 0.8)
    elif figures["times"] <= _TOO_LOW:
        yield _finding("learning-rate-too-low", figures, 0.7)


def _of_one_batch(history: History, trials: Trials) -> Iterator[Finding]:
    if trials.ignores_inputs(_ALIKE):
        figures = fit_figures(trials) or {}
        yield _finding(_in_the_way(history), figures, 0.7, _CANNOT_FIT)


def _in_the_way(history: History) -> str:
    """What the first step shows that would keep a network from learning; "no-learning" if it shows nothing."""
    first = history.first
    layers = list(first.layers.values()) if first is not None else []
    ratio = first_over_last(first, first) if first is not None else None
    if max((each.dead or 0.0 for each in layers), default=0.0) > 0.65:
        return "dead-units"
    if ratio is not None and ratio[1] < VANISHED:
        return "vanishing-gradient"
    if max((each.saturated or 0.0 for each in layers[:-1]), default=0.0) > 0.5:
        return "saturated-units"
    return "no-learning"


def _finding(symptom: str, figures: dict[str, float], confidence: float, says: Message | None = None) -> Finding:
    return Finding(
        symptom=symptom,
        where="",
        since_step=0,
        said_at_step=0,
        severity="warning",
        confidence=confidence,
        evidence=figures,
        message=(says or _FINDINGS[symptom]).say(**figures),
        remedies=remedies_for(symptom),
    )


def fit_figures(trials: Trials) -> dict[str, float] | None:
    """How one batch was fitted, and how without its inputs; None if it was not tried."""
    if trials.fit is None:
        return None
    figures = {"loss": trials.fit.start, "fitted": trials.fit.best, "steps": trials.fit.steps}
    return figures | ({"without_inputs": trials.zeroed.best} if trials.zeroed is not None else {})
