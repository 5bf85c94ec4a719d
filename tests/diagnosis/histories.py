"""Invented histories: of each rule one that is ill, and its twin that differs only in what the rule looks at."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from gradus.diagnosis.history import History
from gradus.diagnosis.rules import RuleCard, Sighting, sightings
from gradus.diagnosis.signs import (
    Evaluation,
    Examination,
    InputSigns,
    LayerSigns,
    LossSigns,
    ModelFacts,
    NonFinite,
    Op,
    OptimizerFacts,
    ParameterSigns,
    PlayersSigns,
    RankSigns,
)

STEPS = 200
BATCH, CLASSES = 64, 10
EVEN = (7, 6, 7, 6, 7, 6, 7, 6, 6, 6)

Curve = Callable[[float], float]
"""A number as a function of the share of the run that is over."""
Fields = Mapping[str, Any] | Callable[[int], Mapping[str, Any]]
"""Fields to replace, if need be as a function of the step."""
NONE: Mapping[Any, Any] = MappingProxyType({})


def falling(start: float = 2.3, end: float = 0.1) -> Curve:
    """Exponentially, most of it in the first fifth."""
    return lambda part: end + (start - end) * math.exp(-8 * part)


def line(start: float, end: float) -> Curve:
    return lambda part: start + (end - start) * part


def stuck(gone: float = 0.08) -> Curve:
    """Hardly any loss gone: too little to have learned, too much to say that nothing was."""
    return line(2.3, 2.3 * (1 - gone))


# ---- parts ----------------------------------------------------------------------------------------------------------


def op(name: str, *shape: int, **facts: Any) -> Op:
    return Op(name, shape, **facts)


LOGITS = op("Addmm", BATCH, CLASSES)
CROSS_ENTROPY = (op("NllLoss"), op("LogSoftmax", BATCH, CLASSES, axis=1), LOGITS)
SQUARED = (op("MseLoss"), op("Addmm", BATCH, 1))

LAYER = LayerSigns(type="Linear", mean=0.0, std=1.0, peak=3.0, varied=1.0, units=32, activation="relu")
RECTIFIER = LayerSigns(type="ReLU", mean=0.4, std=0.6, peak=3.0, varied=0.6, units=32, activation="relu", dead=0.1)
LAYERS = {
    "net:0": LAYER, "net:1": RECTIFIER, "net:2": LAYER, "net:3": RECTIFIER, "net:4": LAYER, "net:5": RECTIFIER,
    "net:6": replace(LAYER, units=CLASSES, activation=""),
}  # fmt: skip

MATRIX = ParameterSigns(elements=1024, matrix=True, weight=0.1, gradient=0.01, update=2e-4, fan_in=64)
PARAMETERS = {f"net:{number}.weight": MATRIX for number in (0, 2, 4, 6)}

INPUT = InputSigns(
    shape=(BATCH, 64), mean=0.0, std=1.0, low=-3.0, high=3.0, varied=1.0, columns=64, constant=0.3, loud_constant=1.0,
    spread=2.0,
)  # fmt: skip
NET = ModelFacts(name="net", parameters=5000, normalizations=0, narrowest=32, linear_layers=4)
ADAM = OptimizerFacts(name="Adam", rate=1e-3, epsilon=1e-8)
SGD = OptimizerFacts(name="SGD", rate=0.1)
APART = PlayersSigns(spread=1.0, coverage=0.9, precision=0.8, told_apart=0.7, gap=0.5)


def every(layers: Mapping[str, LayerSigns], **changes: Any) -> dict[str, LayerSigns]:
    return {place: replace(each, **changes) for place, each in layers.items()}


def with_first(**changes: Any) -> dict[str, ParameterSigns]:
    """The first matrix changed."""
    return PARAMETERS | {"net:0.weight": replace(MATRIX, **changes)}


def with_layer(place: str, **changes: Any) -> dict[str, LayerSigns]:
    return LAYERS | {place: replace(LAYERS[place], **changes)}


def moving(ratio: float) -> dict[str, ParameterSigns]:
    """Matrices of which a step changes this share."""
    return {place: replace(each, update=each.weight * ratio) for place, each in PARAMETERS.items()}


def recurrent(ratio: float) -> dict[str, LayerSigns]:
    return LAYERS | {"net:rnn": replace(LAYER, type="RNN", activation="", earliest=ratio, latest=1.0)}


# ---- whole runs -----------------------------------------------------------------------------------------------------


def classifying(
    *,
    steps: int = STEPS,
    curve: Curve | None = None,
    right: Curve | None = None,
    loss: Fields = NONE,
    examination: Fields = NONE,
    scores: Sequence[float] = (),
    errors: Sequence[float] = (),
    evaluation: Mapping[str, Any] = NONE,
    loop: Mapping[str, Any] = NONE,
    net: Mapping[str, Any] = NONE,
    optimizer: OptimizerFacts = ADAM,
    spikes: Mapping[int, float] = NONE,
    **of_history: Any,
) -> History:
    """A healthy run that learns ten classes, but for what is asked for.

    Args:
        curve: the training loss.
        right: accuracy in training batches.
        loss, examination: fields of every examination's LossSigns and Examination, if need be by step.
        scores, errors: held-out accuracy and loss, at evenly spread evaluations.
        evaluation, loop, net, of_history: fields of every Evaluation, of LoopSigns, ModelFacts and History.
        spikes: losses of single steps.
    """
    curve = curve or falling()
    right = right or (lambda part: 0.95 - 0.85 * math.exp(-8 * part))
    history = History(step=steps, **of_history)
    history.loop.backwards = history.loop.steps = steps
    history.loop.optimizers_known = 1
    for name, value in loop.items():
        setattr(history.loop, name, value)
    history.models = {"net": replace(NET, **net)}
    history.optimizers = history.optimizers or {0: optimizer}
    looked_at = [*range(min(10, steps)), *range(16, steps, 16)]
    for step in range(steps):
        value = spikes.get(step, curve(step / steps))
        history.losses.append(value)
        history.rates.append(optimizer.rate)
        facts = LossSigns(
            value=value, kind="classes", classes=CLASSES, batch=BATCH, accuracy=right(step / steps), said=0.15,
            entropy=0.5, counts=EVEN, heads=(CROSS_ENTROPY,),
        )  # fmt: skip
        known = replace(facts, **(loss(step) if callable(loss) else loss))
        if known.kind == "values" and math.isnan(known.error):
            known = replace(known, error=value)
        if known.kind == "classes" and math.isnan(known.surprise):
            known = replace(known, surprise=known.value / known.terms)
        if known.accuracy is not None and step % 4 == 0:
            history.right.append((step, known.accuracy))
        if step in looked_at:
            signs = Examination(
                step=step, layers=LAYERS, parameters=PARAMETERS, inputs=(INPUT,), losses=(known,), rates=(1e-3,)
            )
            changes = examination(step) if callable(examination) else examination
            history.examinations.append(replace(signs, **changes))
    number = max(len(scores), len(errors))
    for at in range(number):
        told = Evaluation(
            step=round((at + 1) * steps / number), passes=4, examples=500, known=500,
            accuracy=scores[at] if scores else None, loss=errors[at] if errors else None,
        )  # fmt: skip
        history.evaluations.append(replace(told, **evaluation))
    return history


VALUES: Mapping[str, Any] = {
    "kind": "values", "classes": 0, "accuracy": None, "said": None, "entropy": None, "counts": (), "heads": (SQUARED,),
    "target_mean": 0.0, "target_std": 1.0, "target_low": -3.0, "target_high": 3.0, "output_std": 0.9,
    "output_varied": 0.9,
}  # fmt: skip


def fitting(*, loss: Fields = NONE, curve: Curve | None = None, **options: Any) -> History:
    """The same of a run that fits values by their squared error."""

    def comparing(step: int) -> Mapping[str, Any]:
        return {**VALUES, **(loss(step) if callable(loss) else loss)}

    return classifying(loss=comparing, curve=curve or falling(1.0, 0.02), **options)


def playing(players: PlayersSigns, **options: Any) -> History:
    """A generator against a discriminator."""
    return classifying(
        loss={"kind": "", "heads": (), "accuracy": None}, examination={"players": players}, adversarial=True,
        curve=line(0.7, 0.7), optimizers={0: ADAM, 1: ADAM}, **options,
    )  # fmt: skip


def memorizing(end: float) -> Curve:
    """Accuracy that stays at chance until the first of six evaluations, and then rises."""
    return lambda part: 0.1 + (end - 0.1) * min(1.0, max(0.0, 3 * (part - 0.2)))


def half_learning(**options: Any) -> History:
    """A run that gets somewhere, but by far not where it should."""
    return classifying(**({"right": line(0.1, 0.8)} | options))


def not_learning(**options: Any) -> History:
    """A run that gets nowhere, but has not had the time to be told so."""
    return classifying(**({"curve": stuck(), "right": line(0.1, 0.12)} | options))


def seen(history: History) -> dict[str, tuple[RuleCard, Sighting]]:
    """What rules see, by their ids."""
    return {card.name: (card, each) for card, each in sightings(history)}


# ---- one of each rule -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A history a rule must catch, and one it must pass."""

    faulty: History
    healthy: History


def _one_of(make: Callable[[bool], History]) -> Case:
    return Case(make(True), make(False))


def _signal() -> Iterator[tuple[str, Callable[[bool], History]]]:
    yield (
        "vanishing-gradient",
        lambda ill: classifying(examination={"parameters": with_first(gradient=1e-8 if ill else 3e-4)}),
    )
    yield (
        "exploding-gradient",
        lambda ill: half_learning(examination={"parameters": with_first(gradient=10.0 if ill else 0.1)}),
    )
    yield (
        "vanishing-signal",
        lambda ill: not_learning(examination={"layers": with_layer("net:4", varied=1e-5 if ill else 0.1)}),
    )
    yield (
        "exploding-signal",
        lambda ill: half_learning(examination={"layers": with_layer("net:4", std=1e4 if ill else 9.0)}),
    )
    yield (
        "dead-units",
        lambda ill: half_learning(examination={"layers": with_layer("net:3", dead=0.98 if ill else 0.3)}),
    )
    yield (
        "saturated-units",
        lambda ill: not_learning(
            examination={"layers": with_layer("net:3", type="Tanh", dead=None, saturated=0.8 if ill else 0.2)}
        ),
    )
    yield (
        "bad-initialization",
        lambda ill: half_learning(
            examination={"layers": with_layer("net:4", std=20.0), "parameters": with_first(weight=0.8 if ill else 0.1)}
        ),
    )
    yield "initial-loss", lambda ill: classifying(curve=line(25.0, 20.0 if ill else 0.5))
    yield (
        "symmetric-initialization",
        lambda ill: classifying(  # a branch that begins at zero is no longer alike
            examination=lambda step: {"parameters": with_first(identical=ill or step < 1)}
        ),
    )
    yield "missing-nonlinearity", lambda ill: half_learning(net={"nonlinear": not ill})
    yield (
        "vanishing-through-time",
        lambda ill: not_learning(examination={"layers": recurrent(1e-9 if ill else 1e-4)}, scores=(0.1, 0.1)),
    )
    yield "exploding-through-time", lambda ill: not_learning(examination={"layers": recurrent(1e6 if ill else 10.0)})


def _progress() -> Iterator[tuple[str, Callable[[bool], History]]]:
    yield "no-learning", lambda ill: not_learning(steps=400, curve=stuck(0.0 if ill else 0.08))
    yield (
        "divergence",
        lambda ill: classifying(  # the twin has a spike
            curve=line(2.3, 9.0) if ill else None, spikes={STEPS - 1: 60.0}, right=line(0.5, 0.5)
        ),
    )
    yield (
        "oscillation",
        lambda ill: classifying(  # the twin has the noise of small batches, from step to step
            steps=320, curve=lambda part: 2.0 + (1.5 if (int(320 * part) // (16 if ill else 1)) % 2 else -1.2)
        ),
    )
    yield (
        "plateau",
        lambda ill: classifying(curve=falling(2.3, 2.0), right=line(0.2, 0.2) if ill else line(0.9, 0.9), ended=True),
    )
    yield (
        "under-trained",
        lambda ill: classifying(steps=200, right=line(0.1, 0.5), curve=line(2.3, 1.6 if ill else 0.4), ended=True),
    )
    yield "constant-prediction", lambda ill: not_learning(loss={"said": 1.0 if ill else 0.4})
    yield "small-updates", lambda ill: not_learning(examination={"parameters": moving(1e-6 if ill else 1e-3)})
    yield "large-updates", lambda ill: not_learning(examination={"parameters": moving(2.0 if ill else 0.2)})
    yield (
        "optimizer-epsilon-too-large",
        lambda ill: not_learning(
            optimizer=replace(ADAM, epsilon=1e-2, drowned=0.99 if ill else 0.2),
            examination={"parameters": moving(4e-4)},
        ),
    )
    yield "summed-loss", lambda ill: classifying(  # the twin's rate was chosen for it
        loss={"summed": True}, curve=line(140.0, 300.0) if ill else falling(140.0, 6.0),
        right=line(0.1, 0.1) if ill else None, optimizer=SGD,
    )  # fmt: skip
    yield "curve-reading", lambda ill: classifying(
        curve=lambda part: 2.3 - 2.2 * part, ended=True,
        errors=[2.0, 1.2, 0.9, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0] if ill else [2.0, 1.2, 0.9, *[0.3] * 7],
    )  # fmt: skip


def _numbers() -> Iterator[tuple[str, Callable[[bool], History]]]:
    lost = NonFinite(step=50, where="net:6", source="forward", operation="Exp", infinite=True)
    large = {"kind": "", "accuracy": None, "heads": ((op("Exp", BATCH, 1), LOGITS),)}
    yield "non-finite", lambda ill: classifying(non_finite=lost if ill else None)
    yield (
        "non-finite-input",
        lambda ill: classifying(  # the twin's model fills them in
            non_finite=replace(lost, source="input", share=0.02) if ill else None,
            examination={"inputs": (replace(INPUT, non_finite=0.02),)},
        ),
    )
    yield (
        "unstable-loss",
        lambda ill: classifying(
            loss={
                "heads": ((op("NllLoss"), op("Log", BATCH, CLASSES), op("Softmax", BATCH, CLASSES, axis=1), LOGITS),),
                "zero_probability": ill,
            }
        ),
    )
    yield "overflow", lambda ill: classifying(non_finite=lost if ill else None, loss=large, curve=falling(1e30, 1e28))


def _outputs() -> Iterator[tuple[str, Callable[[bool], History]]]:
    def ending(ill: bool, *faulty: Op, healthy: Sequence[Op], **facts: Any) -> History:
        return classifying(loss={"heads": (faulty if ill else tuple(healthy),), **facts})

    nll, softmax = op("NllLoss"), op("Softmax", BATCH, CLASSES, axis=1)
    logs = op("LogSoftmax", BATCH, CLASSES, axis=1)
    yield "softmax-twice", lambda ill: ending(ill, nll, logs, softmax, LOGITS, healthy=(nll, logs, op("Div"), softmax))
    yield "softmax-wrong-axis", lambda ill: ending(ill, nll, replace(logs, axis=0), LOGITS, healthy=(nll, logs, LOGITS))
    yield "softmax-single-unit", lambda ill: ending(
        ill, nll, op("Softmax", BATCH, 1, axis=1), op("Addmm", BATCH, 1),
        healthy=(op("BinaryCrossEntropy"), op("Sigmoid", BATCH, 1), op("Addmm", BATCH, 1)),
    )  # fmt: skip
    yield "missing-log", lambda ill: ending(ill, nll, softmax, LOGITS, healthy=(nll, op("Log"), softmax, LOGITS))
    yield (
        "loss-output-mismatch",
        lambda ill: ending(ill, nll, LOGITS, healthy=(nll, op("Add"), logs, LOGITS), not_log=ill),
    )
    yield "output-range", lambda ill: fitting(
        loss={"heads": ((op("MseLoss"), op("Relu", BATCH, 1), op("Addmm", BATCH, 1)),),
              "target_mean": 0.0 if ill else 3.0, "target_low": -3.0 if ill else 0.0}
    )  # fmt: skip
    yield (
        "nonlinear-logits",
        lambda ill: ending(
            ill, nll, logs, op("Relu", BATCH, CLASSES), LOGITS, healthy=(nll, logs, LOGITS, op("Relu", BATCH, 32))
        ),
    )
    yield (
        "broadcast-loss",
        lambda ill: fitting(  # the twin's distances are between outputs
            loss={"heads": ((op("Pow"), op("Sub", BATCH, BATCH, data=ill), op("Addmm", BATCH, 1)),)}
        ),
    )
    yield "loss-sign", lambda ill: fitting(  # the log-likelihood of a density may be positive
        loss={"heads": ((op("Neg", negative=True), *(SQUARED if ill else (op("Sum"), op("Log"), LOGITS))),)},
        curve=line(1.5, -2.0),
    )  # fmt: skip


def _data() -> Iterator[tuple[str, Callable[[bool], History]]]:
    def taking(**changes: Any) -> History:
        return classifying(examination={"inputs": (replace(INPUT, **changes),)}, right=line(0.1, 0.8))

    yield "unscaled-inputs", lambda ill: taking(mean=100.0, std=70.0, low=0.0, high=255.0, normalized=not ill)
    yield (
        "unscaled-targets",
        lambda ill: fitting(
            loss={"target_mean": 500.0, "target_std": 100.0, "output_std": 0.5 if ill else 90.0, "output_varied": 90.0},
            curve=line(2e5, 4e3),
        ),
    )
    yield "feature-scale", lambda ill: taking(spread=1e5 if ill else 20.0)
    yield "constant-inputs", lambda ill: taking(constant=0.98 if ill else 0.35, varied=0.1)
    yield (
        "train-validation-mismatch",
        lambda ill: classifying(scores=[0.75] * 4, evaluation={"shift": 5.0 if ill else 0.1}),
    )
    yield "leakage", lambda ill: taking(tells_target=1.0 if ill else 0.9)
    yield (
        "labels-unrelated",
        lambda ill: classifying(scores=[0.1] * 6 if ill else [0.85] * 6, right=memorizing(0.9)),
    )
    yield (
        "noisy-labels",
        lambda ill: classifying(
            scores=[0.3, 0.8, 0.85, 0.85, 0.8, 0.8, 0.7, 0.7, 0.6, 0.6] if ill else [0.3, 0.8, *[0.85] * 8]
        ),
    )
    yield (
        "class-imbalance",
        lambda ill: classifying(
            loss={"classes": 2, "counts": (61, 3), "said": 1.0 if ill else 0.95},
            curve=falling(0.7, 0.18),
            right=line(0.95, 0.97),
        ),
    )
    yield (
        "unshuffled-data",
        lambda ill: classifying(
            loss=lambda step: (
                {"counts": tuple(BATCH * (each == step % CLASSES) for each in range(CLASSES))} if ill else {}
            )
        ),
    )
    yield "duplicate-augmentation", lambda ill: classifying(loop={"reseeded": 20 if ill else 1})


def _loop() -> Iterator[tuple[str, Callable[[bool], History]]]:
    def looping(**signs: Any) -> History:
        return classifying(loop=signs)

    yield "missing-zero-grad", lambda ill: looping(stale_steps=[1, 2, 3, 4] if ill else [], fresh_steps=0)
    yield (
        "missing-step",
        lambda ill: not_learning(loop={"steps": 0, "unstepped": 20 if ill else 0, "unused": 20 if ill else 0}),
    )
    yield "stale-optimizer", lambda ill: looping(idle_steps=20 if ill else 1)
    yield (
        "parameters-not-in-optimizer",
        lambda ill: looping(orphans=("net:2.weight",) if ill else (), orphan_share=0.4 if ill else 0.0),
    )
    yield "unregistered-parameters", lambda ill: looping(unregistered=("Linear",) if ill else ())
    yield "frozen-parameters", lambda ill: looping(frozen=0.7 if ill else 0.1, frozen_places=("net:0.weight",))
    yield "detached-graph", lambda ill: looping(unreached=("net:0.weight",) if ill else ())
    yield "training-in-eval-mode", lambda ill: looping(eval_steps=50 if ill else 0, was_training=True)
    yield "evaluation-in-train-mode", lambda ill: classifying(scores=[0.9] * 4, evaluation={"training": ill})
    yield "dropout-in-evaluation", lambda ill: classifying(scores=[0.9] * 4, evaluation={"dropped": ill})
    yield "batch-norm-drift", lambda ill: looping(drifting=("net:1",) if ill else ())
    yield "batch-norm-tiny-batch", lambda ill: looping(tiny_batch=2.0 if ill else 64.0, tiny_batch_place="net:1")
    yield "batch-mixing", lambda ill: looping(mixes=ill)


def _generalization() -> Iterator[tuple[str, Callable[[bool], History]]]:
    yield "generalization-gap", lambda ill: classifying(scores=[0.5 if ill else 0.9] * 6)
    yield (
        "validation-rising",
        lambda ill: classifying(  # the twin has one bad evaluation
            errors=[2.0, 0.9, 0.6, *([0.9, 1.2, 1.5] if ill else [0.6, 0.6, 1.5])]
        ),
    )
    yield "over-regularization", lambda ill: not_learning(net={"dropout": 0.95 if ill else 0.5})
    yield (
        "underfitting",
        lambda ill: classifying(
            curve=falling(2.3, 1.2), right=line(0.5, 0.5), net={"narrowest": 2 if ill else 32}, ended=True
        ),
    )


def _generative() -> Iterator[tuple[str, Callable[[bool], History]]]:
    yield "mode-collapse", lambda ill: playing(replace(APART, spread=0.01 if ill else 1.0))
    yield "oscillating-players", lambda ill: playing(replace(APART, spread=0.4, moved=0.5 if ill else 0.05), steps=500)
    yield (
        "discriminator-dominates",
        lambda ill: playing(replace(APART, told_apart=0.999, precision=0.0 if ill else 0.6)),
    )
    yield "generator-dominates", lambda ill: playing(replace(APART, told_apart=0.5, precision=0.05 if ill else 0.9))
    yield (
        "posterior-collapse",
        lambda ill: fitting(curve=falling(2.0, 1.0), examination={"latents": 0.0 if ill else 0.5}),
    )
    yield "checkerboard", lambda ill: classifying(net={"uneven": ("4",) if ill else ()})


def _parallel() -> Iterator[tuple[str, Callable[[bool], History]]]:
    def meeting(apart: float = 0.0, work: float = 0.01) -> History:
        signs = [RankSigns(step=at, apart=(0.0, apart), work=(0.01, work), whole=0.05) for at in range(8, STEPS, 8)]
        return classifying(ranks=signs)

    yield "desynchronised-rank", lambda ill: meeting(apart=1e-3 if ill else 1e-9)
    yield "straggler", lambda ill: meeting(work=0.03 if ill else 0.011)


CASES: Mapping[str, Case] = {
    identity: _one_of(make)
    for family in (_signal, _progress, _numbers, _outputs, _data, _loop, _generalization, _generative, _parallel)
    for identity, make in family()
}
