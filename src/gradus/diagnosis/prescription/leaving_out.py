"""Fixes that leave something out: of what kind a cause is, the step of that kind that a program could do without.

Where the place of a cause is not known, what a program does beyond what others do is the likeliest to bring it about;
what is left of it without is tried, as in delta debugging (Zeller and Hildebrandt 2002).
"""

import math
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.acts import Act, acts
from gradus.diagnosis.prescription.edits import Edit
from gradus.diagnosis.prescription.fixes import Case, fix

_DATA = ("model", "loop", "once")
_CUTS = ("clamp", "clip", "round", "floor", "ceil", "sign", "trunc", "minimum", "maximum", "stack", "where", "expand",
    "full_like", "zeros_like", "ones_like", "overwrite", "fmod", "remainder", "long", "int")  # fmt: skip
_ORDERS = ("pick", "flip", "roll", "sort", "shuffle", "first", "flipud", "overwrite")
_SHAPES = ("unsqueeze", "reshape", "view", "axis", "squeeze", "flatten", "expand", "ravel")
_AXES = ("T", "t", "transpose", "permute", "swapaxes", "movedim", "roll", "flip", "cumsum", "sort")
_ROWS = ("first", "Subset", "sample", "mask", "pick", "skip", "overwrite")
_HOLDS_BACK = ("clip_grad_norm", "clip_grad_value", "clamp", "mul", "div", "skip", "step")
_STARTS = ("constant", "fill", "zeros", "ones", "normal", "uniform", "trunc_normal", "copy", "mul", "div", "eye")
_SINGULAR = ("log", "sqrt", "log10", "log2", "reciprocal", "exp", "pow", "acos", "asin", "atanh", "overwrite", "div")
_BENDS = ("relu", "sigmoid", "tanh", "softmax", "log_softmax", "clamp", "abs", "exp", "square", "round")

KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # cause: places, and what may be done there that brings it about, the likeliest first
    "constant-inputs": (_DATA, (*_CUTS, "shrinks")),
    "non-finite-input": (_DATA, _SINGULAR),
    "unscaled-inputs": (_DATA, ("enlarges", "shifts", "exp", "pow", "square")),
    "feature-scale": (_DATA, ("enlarges", "shrinks", "exp", "overwrite")),
    "unscaled-targets": (("loop", "once"), ("enlarges", "shifts", "exp")),
    "labels-unrelated": (("loop", "once"), _ORDERS),
    "noisy-labels": (("loop", "once"), ("overwrite", "where", "pick", "roll")),
    "class-imbalance": (("loop", "once"), _ROWS),
    "overfitting": (("loop", "once"), ("first", "Subset", "sample")),
    "unshuffled-data": (("loop", "once"), ("pick", "sort", "sort_values")),
    "leakage": (_DATA, ("overwrite", "cat", "hstack", "column_stack", "concatenate")),
    "batch-mixing": (_DATA, _AXES),
    "broadcast-loss": (_DATA, _SHAPES),
    "train-validation-mismatch": (("held-out",), ("enlarges", "shrinks", "shifts", "flip", "roll", "clamp", "round")),
    "detached-graph": (("model", "loop"), ("detach", "data", "round", "argmax", "clone")),
    "mode-collapse": (("loop", "model"), ("expand", "repeat", "round", "times", "zeros_like")),
    "learning-rate-too-low": (("loop",), (*_HOLDS_BACK, "set lr", "shrinks")),
    "under-trained": (("loop",), (*_HOLDS_BACK, "shrinks")),
    "learning-rate-too-high": (("loop", "model"), ("enlarges", "sum", "mul")),
    "summed-loss": (("loop",), ("enlarges", "sum")),
    "saturated-units": (("model", "once"), ("enlarges", "shifts")),
    "dead-units": (("model", "once"), ("shifts", "enlarges", "overwrite")),
    "vanishing-gradient": (("model", "loop"), ("shrinks", "sigmoid", "tanh", "clamp", "round")),
    "exploding-gradient": (("model", "loop"), ("enlarges", "exp", "square", "sum")),
    "vanishing-through-time": (("model",), ("shrinks", "sigmoid", "tanh", "detach")),
    "exploding-through-time": (("model",), ("enlarges",)),
    "bad-initialization": (("model", "once", "held-out", "begin"), (*_STARTS, "enlarges")),
    "symmetric-initialization": (("model", "once", "held-out", "begin"), (*_STARTS, "overwrite")),
    "over-regularization": (("model", "loop"), ("dropout", "feature_dropout", "alpha_dropout", "normalize", "shrinks")),
    "nonlinear-logits": (("model", "loop"), _BENDS),
    "output-range": (("model", "loop"), _BENDS),
    "overflow": (("model", "loop"), ("half", "exp", "enlarges", "to", "square")),
    "optimizer-epsilon-too-large": (("loop", "once"), ("set eps",)),
    "unstable-loss": (("model", "loop"), ("log", "sqrt", "enlarges", "acos", "reciprocal")),
}  # fmt: skip
_USUAL = {
    "loop": "shifts enlarges shrinks pow square pick argmax sum step clip_grad_norm detach squeeze cat",
    "model": "exp sum flatten relu cat squeeze axis stack transpose sigmoid tanh unsqueeze expand",
    "once": "first shrinks enlarges shifts stack normal exp zeros pick uniform overwrite axis unsqueeze T cat clamp "
    "view sqrt log eye ones pow square column_stack flatten zeros_like long",
    "held-out": "shrinks enlarges copy",
    "begin": "zeros normal enlarges",
}
"""What 3 % and more of the ward's healthy programs do somewhere."""
_MUCH = 3.0
"""From which factor, or its inverse, a number makes something larger or smaller; and what is added shifts it."""
_MOST = 4
_PLACES = ("loop", "model", "once", "held-out", "begin")
"""The likeliest first."""


@fix("leave-out")
def leave_out(case: Case) -> Iterator[Sequence[Edit]]:
    """The likeliest first: what a statement does to nothing but its own name, then by kind, then by how much."""
    places, kinds = KINDS.get(case.cause, ((), ()))
    found = [
        (each, kinds.index(kind))
        for each in acts(case)
        if each.place in places
        for kind in [_kind(each)]
        if kind in kinds
    ]
    found.sort(key=lambda each: (not each[0].changes_its_own, each[1], -_size(each[0])))
    for each, _ in found[:_MOST]:
        yield each.undone()


def odd_ones(case: Case) -> Iterator[tuple[str, Sequence[Edit]]]:
    """What hardly any program does, each with the cause that it is likeliest to be: where nothing else is known."""
    found = []
    for each in acts(case):
        kind = _kind(each)
        meant = [
            (kinds.index(kind), cause) for cause, (at, kinds) in KINDS.items() if each.place in at and kind in kinds
        ]
        if meant and kind not in _USUAL[each.place].split():
            found.append((not each.changes_its_own, _PLACES.index(each.place), min(meant)[1], each))
    found.sort(key=lambda one: one[:2])
    yield from ((cause, each.undone()) for *_, cause, each in found)


def _kind(act: Act) -> str:
    if act.does == "times" and act.by:
        return "enlarges" if abs(act.by) >= _MUCH else "shrinks" if abs(act.by) <= 1 / _MUCH else ""
    if act.does == "plus":
        return "shifts" if abs(act.by) >= _MUCH else ""
    return act.does


def _size(act: Act) -> float:
    return abs(math.log(abs(act.by))) if act.does == "times" and act.by else 0.0
