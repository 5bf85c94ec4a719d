"""How weights begin."""

import math
from collections.abc import Iterator, Sequence

from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.rules import Sighting, rules
from gradus.diagnosis.rules.common import (
    LONG_PLATEAU,
    WEIGHTED,
    explains_nothing,
    improvement,
    learned,
    losses,
    settled,
    struggling,
    thriving,
)
from gradus.diagnosis.rules.signal import last_over_first
from gradus.diagnosis.signs import Examination, Op, layer_of

_TOO_LARGE, _TOO_SMALL = 3.0, 0.3
_FAINT = 0.02
_FACTORS = 8


@rules.register(
    "initial-loss",
    source="Karpathy (2019): a network that knows nothing says 1/K, so its cross-entropy is ln K; flagged above 3 ln "
    "K, "
    "and above 100 times the targets' mean square",
    not_fooled_by="a sum over the batch; squared errors with weights, as in a likelihood; fine-tuning, which starts "
    "lower; a scale that is unlearned in a few steps",
    says=Message(
        en="The first loss is {loss:.3g}, {times:.3g} times that of knowing nothing (every class equally likely; the "
        "value "
        "0): the network starts sure of wrong answers.",
        zh="最初的损失为 {loss:.3g}，是一无所知（各类同样可能；或答 0）时的 {times:.3g} 倍："
        "网络一开始就确信错误的答案。",
    ),
)
def initial_loss(history: History) -> Iterator[Sighting]:
    """A loss begins far above that of knowing nothing, and is still there after twenty steps."""
    first = history.first
    if first is None or first.step or first.loss is None or first.loss.not_log or not settled(history):
        return
    loss = first.loss
    if len({_compares(head) for head in loss.heads}) > 1:
        return  # of several losses together none tells what to expect
    if loss.kind == "classes":
        value, now = loss.surprise, losses(history)[-1].surprise
        expected, times = math.log(max(2, loss.classes)), 3.0
    elif loss.kind == "values":
        value, now = loss.error, losses(history)[-1].error
        expected, times = loss.target_square, 100.0
    else:
        return
    if math.isfinite(value) and value > times * expected > 0 and not now <= times * expected:
        yield Sighting(evidence={"loss": value, "times": value / expected}, worse=value)


def _compares(head: Sequence[Op]) -> str:
    return next((op.name for op in head if op.name.endswith("Loss") or "Entropy" in op.name), "")


@rules.register(
    "bad-initialization",
    source="He et al. (2015), Glorot & Bengio (2010): weight deviation times sqrt(fan_in) lies between 0.5 and 1.5",
    not_fooled_by="0.02 for embeddings and transformers, which normalize; an output layer that begins at zero",
    says=Message(
        en="The weights begin {how:.2g} times as large as keeps signals steady (deviation times the root of the inputs "
        "is "
        "{scale:.2g}, where about 1 is right).",
        zh="初始权重是保持信号稳定所需大小的 {how:.2g} 倍（标准差乘以输入数的平方根为 {scale:.2g}，约为 1 才合适）。",
    ),
)
def bad_initialization(history: History) -> Iterator[Sighting]:
    """Weights begin so large or small that signals explode, saturate or vanish at the very first step."""
    first = history.first
    if first is None or first.step:
        return
    # That a program changes weights by itself is known once the first step is over.
    known = next((each.parameters for each in history.examinations[:2] if each.parameters and each.step < 2), {})
    matrices = [
        (each.weight * math.sqrt(each.fan_in), place, each.fan_in)
        for place, each in known.items()
        if each.matrix
        and not each.embedding
        and each.elements >= 8
        and "weight_hh" not in place
        and each.weight > 0
        and not each.constant  # as scales and deviations begin, which are no weights
    ]
    if not matrices or not settled(history) or thriving(history):
        return
    normalized = any(facts.normalizations for facts in history.models.values())
    scales = [each for each in matrices if each[2] >= 8]
    hidden = [each for each in matrices[:-1] if not _is_output(first, each[1])]
    largest, smallest = max(scales, default=(0.0, "", 0)), min(hidden or matrices)
    if largest[0] > _TOO_LARGE and _hurts(history, first):
        yield Sighting(where=layer_of(largest[1]), confidence=0.85, evidence={"scale": largest[0], "how": largest[0]})
    elif smallest[0] < _TOO_SMALL and not normalized and (_fades(history, first) or _is_faint(history, first)):
        yield Sighting(
            where=layer_of(smallest[1]), confidence=0.85, evidence={"scale": smallest[0], "how": smallest[0]}
        )


def _is_output(examination: Examination, parameter: str) -> bool:
    layer = examination.layers.get(layer_of(parameter))
    return layer is not None and layer.output


def _hurts(history: History, first: Examination) -> bool:
    loss = first.loss
    growth = last_over_first(first, 1)
    sure = any(True for _ in initial_loss(history))
    far = loss is not None and loss.kind == "values" and loss.output_std > 5 * max(loss.target_std, 1e-12)
    hidden = list(first.layers.values())[:-1]
    flat = any((each.saturated or 0) > 0.5 for each in hidden)
    scales = [each.weight * math.sqrt(each.fan_in) for each in first.parameters.values() if each.matrix]
    # One factor after the other, and nothing that normalizes.
    bare = not any(facts.normalizations for facts in history.models.values())
    grows = bare and sum(each > _TOO_LARGE for each in scales) >= 2
    return sure or far or flat or grows or (growth is not None and growth[1] > 10)


def _fades(history: History, first: Examination) -> bool:
    varied = last_over_first(first, 2)
    return varied is not None and varied[1] < 0.02 and not learned(history)


def _is_faint(history: History, first: Examination) -> bool:
    """Whether hardly anything of the inputs comes through what may be one hidden layer, and the run made nothing of it.

    Until late that may be a plateau, on which the loss lies as long as outputs are nearly the same for all inputs.
    """
    early = not history.ended and history.step < LONG_PLATEAU
    if early or any(each.embedding for each in first.parameters.values()):
        return False
    hidden = [each.varied for each in first.layers.values() if each.finite and not each.output]
    given = [each.varied for each in first.inputs if each.varied > 0]
    faint = bool(hidden and given) and hidden[-1] < _FAINT * min(given)
    return faint and (improvement(history) < 0.15 or explains_nothing(history))


@rules.register(
    "symmetric-initialization",
    source="units that begin alike receive the same gradient and stay alike (Goodfellow et al. 2016, 8.4)",
    not_fooled_by="a last layer or a residual branch that begins at zero: it is no longer alike after one step",
    structural=True,
    says=Message(
        en="All units of the layer are the same and stay the same: they began with equal weights, so they learn as "
        "one.",
        zh="该层的所有单元都相同并一直相同：它们以相等的权重开始，因此只能像一个单元那样学习。",
    ),
)
def symmetric_initialization(history: History) -> Iterator[Sighting]:
    """A matrix that takes part in learning still has equal rows after several steps; or most had before the first."""
    early = [each for each in history.examinations if 2 <= each.step < 12][:2]
    if len(early) < 2:
        return
    same = [
        place
        for place, each in early[0].parameters.items()
        if each.identical and each.gradient is not None and _still(early[1], place)
    ]
    same = same or _parted_by_noise(history)
    if same:
        yield Sighting(where=layer_of(same[0]), confidence=0.97, evidence={"layers": len(same)})


def _parted_by_noise(history: History) -> list[str]:
    """Hidden layers, half of them or more, whose units began alike, of a run that is not nearly perfect.

    What parts them is no more than that each is dropped at other times, or weighed otherwise by the next layer.
    """
    first = history.first
    if first is None or first.step or history.step < 50 or thriving(history):
        return []
    hidden = [
        (place, each)
        for place, each in first.parameters.items()
        if each.matrix and (layer := first.layers.get(layer_of(place))) and layer.type in WEIGHTED and not layer.output
    ]
    alike = [place for place, each in hidden if each.alike and each.weight > 0 and each.gradient is not None]
    return alike if 2 * len(alike) >= max(1, len(hidden)) else []


def _still(examination: Examination, place: str) -> bool:
    return place in examination.parameters and examination.parameters[place].identical


@rules.register(
    "missing-nonlinearity",
    source="a product of matrices is a matrix: stacked linear layers can do no more than one",
    not_fooled_by="a bottleneck, which makes a product of low rank; a few factors of many inputs; principal "
    "components; linear systems, as long as they learn; models whose graph cannot be read to its end; linear data",
    structural=True,
    says=Message(
        en="Nothing between the layers is non-linear: the {layers:.0f} linear layers of the model can do no more than "
        "one.",
        zh="各层之间没有任何非线性：模型的 {layers:.0f} 个线性层并不比一个强。",
    ),
)
def missing_nonlinearity(history: History) -> Iterator[Sighting]:
    """Several linear layers and nothing else."""
    if not settled(history) or thriving(history):
        return
    first = history.first
    outputs = first.loss.classes if first is not None and first.loss is not None else 1
    width = math.prod(first.inputs[0].shape[1:]) if first is not None and first.inputs else 0
    for name, facts in history.models.items():
        factors = facts.narrowest < _FACTORS and width > 4 * facts.narrowest
        # A product of two matrices that can do less than one does what it is for.
        factors |= facts.linear_layers == 2 and facts.narrowest < min(width, _width_out(first, name))
        factors |= not struggling(history) and _moves_a_state(first, name)
        if not facts.nonlinear and facts.narrowest >= max(2, outputs) and not factors:
            yield Sighting(where=f"{name}:", confidence=0.9, evidence={"layers": facts.linear_layers})


def _moves_a_state(first: Examination | None, model: str) -> bool:
    """Whether a layer runs again and again: of a linear system, which has a state of its own."""
    return first is not None and any(
        each.calls > 3 and each.type in WEIGHTED
        for place, each in first.layers.items()
        if place.startswith(f"{model}:")
    )


def _width_out(first: Examination | None, model: str) -> int:
    """Numbers that a model's last layer gives for each example, or each place of it."""
    widths = [each.units for place, each in first.layers.items() if place.startswith(f"{model}:")] if first else []
    return widths[-1] if widths else 0
