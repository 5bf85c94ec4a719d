"""Fixes that leave something out: of what kind a cause is, the step of that kind that a program could do without.

Where the place of a cause is not known, what a program does beyond what others do is the likeliest to bring it about;
what is left of it without is tried, as in delta debugging (Zeller and Hildebrandt 2002).
"""

import math
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.acts import Act, acts
from gradus.diagnosis.prescription.edits import Edit
from gradus.diagnosis.prescription.fixes import Case, fix

_DATA = ("input", "loop", "once", "example")
_OUT = ("model", "output")
_WITHIN = ("model", "input", "loop", "output")
_BEFORE = ("loop", "once")
_FIRST = ("model", "once", "held-out", "begin")
_CUTS = ("clamp", "clip", "round", "floor", "ceil", "sign", "trunc", "minimum", "maximum", "stack", "where", "expand",
    "expand_as", "full_like", "zeros_like", "ones_like", "overwrite", "fmod", "remainder", "long", "int")  # fmt: skip
_ORDERS = ("pick", "flip", "roll", "sort", "shuffle", "first", "flipud", "overwrite")
_SHAPES = ("unsqueeze", "reshape", "view", "axis", "squeeze", "flatten", "expand", "ravel")
_AXES = ("T", "t", "transpose", "permute", "swapaxes", "movedim", "roll", "flip", "cumsum", "sort")
_ROWS = ("first", "Subset", "sample", "mask", "pick", "skip", "overwrite")
_HOLDS_BACK = ("clip_grad_norm", "clip_grad_value", "skip", "step")
_COARSENS = ("adaptive_avg_pool2d", "avg_pool2d", "max_pool2d", "avg_pool1d", "interpolate", "round", "floor", "first")
_STARTS = ("constant", "fill", "zeros", "ones", "normal", "uniform", "trunc_normal", "copy", "mul", "div", "eye")
_SHRINKS = ("shrinks", "mul", "sub", "div", "clamp", "copy", "lerp", "dropout", "feature_dropout", "normalize", "term")
_SINGULAR = ("log", "sqrt", "log10", "log2", "reciprocal", "exp", "pow", "acos", "asin", "atanh", "overwrite", "div")
_BENDS = ("relu", "sigmoid", "tanh", "softmax", "log_softmax", "clamp", "abs", "exp", "square", "round")

KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # cause: places, and what may be done there that brings it about, the likeliest first
    "constant-inputs": (_DATA, (*_CUTS, "shrinks")),
    "non-finite-input": (_DATA, _SINGULAR),
    "unscaled-inputs": (_DATA, ("enlarges", "shifts", "exp", "pow", "square")),
    "feature-scale": (_DATA, ("enlarges", "shrinks", "exp", "overwrite")),
    "unscaled-targets": (_BEFORE, ("enlarges", "shifts", "exp")),
    "labels-unrelated": (_BEFORE, _ORDERS),
    "noisy-labels": (_BEFORE, ("scatter", "where", "overwrite", "pick", "roll", "cat")),
    "class-imbalance": (_BEFORE, _ROWS),
    "overfitting": (_BEFORE, ("first", "Subset", "sample")),
    "unshuffled-data": (_BEFORE, ("pick", "sort", "sort_values")),
    "leakage": (_DATA, ("overwrite", "cat", "hstack", "column_stack", "concatenate")),
    "saturated-units": (("model", "once"), ("enlarges", "shifts")),
    "nonlinear-logits": (_OUT, _BENDS),
    "batch-mixing": (("input", "loop", "once", *_OUT), _AXES),
    "broadcast-loss": ((*_DATA, *_OUT), _SHAPES),
    "train-validation-mismatch": (("held-out",), ("enlarges", "shrinks", "shifts", "flip", "roll", "clamp", "round")),
    "detached-graph": (_WITHIN, ("detach", "data", "round", "argmax", "clone")),
    "mode-collapse": (_WITHIN, ("expand", "repeat", "round", "zeros_like", "term")),
    "learning-rate-too-low": (("loop",), (*_HOLDS_BACK, "set lr", "shrinks")),
    "under-trained": (("loop",), (*_HOLDS_BACK, "shrinks")),
    "learning-rate-too-high": (_WITHIN, ("enlarges", "sum", "mul")),
    "summed-loss": (("loop",), ("enlarges", "sum")),
    "dead-units": (("model", "once"), ("shifts", "enlarges", "overwrite")),
    "vanishing-gradient": (_WITHIN, ("shrinks", "sigmoid", "tanh", "clamp", "round")),
    "exploding-gradient": (_WITHIN, ("enlarges", "exp", "square", "sum")),
    "vanishing-through-time": (("model", "input"), ("shrinks", "sigmoid", "tanh", "detach")),
    "exploding-through-time": (("model", "input"), ("enlarges",)),
    "bad-initialization": (_FIRST, (*_STARTS, "enlarges")),
    "symmetric-initialization": (_FIRST, (*_STARTS, "overwrite")),
    "underfitting": (("input", "loop", "once"), _COARSENS),
    "over-regularization": ((*_WITHIN, "update"), _SHRINKS),
    "output-range": (_OUT, _BENDS),
    "overflow": (_WITHIN, ("half", "exp", "enlarges", "to", "square")),
    "optimizer-epsilon-too-large": (_BEFORE, ("set eps",)),
    "unstable-loss": (_WITHIN, ("log", "sqrt", "enlarges", "acos", "reciprocal")),
}  # fmt: skip
_OF_LABELS = {"noisy-labels", "unscaled-targets"}
_OF_INPUTS = {"constant-inputs", "unscaled-inputs", "feature-scale", "leakage", "batch-mixing"}
_USUAL = {
    "update": "mul copy lerp term",
    "loop": "term shifts enlarges shrinks pow square pick argmax sum step clip_grad_norm detach squeeze",
    "model": "exp sum flatten relu cat squeeze axis stack transpose sigmoid tanh unsqueeze expand",
    "once": "term first shuffle shrinks enlarges shifts stack normal exp zeros pick uniform overwrite axis unsqueeze T "
    "cat clamp view sqrt log eye ones pow square column_stack flatten zeros_like long",
    "output": "argmax detach squeeze flatten",
    "held-out": "shrinks enlarges copy",
    "begin": "zeros normal enlarges",
}
"""What 3 % and more of the ward's healthy programs do somewhere."""
_MUCH = 3.0
"""From which factor, or its inverse, a number makes something larger or smaller; and what is added shifts it."""
_FORMS = {*_SHAPES, *_AXES} - {"roll", "flip", "sort", "cumsum"} | {"argmax"}
"""Without these most programs do not run."""
_MOST = 4
_PLACES = ("update", "loop", "output", "input", "model", "once", "example", "held-out", "begin")
"""The likeliest first."""


@fix("leave-out")
def leave_out(case: Case) -> Iterator[Sequence[Edit]]:
    """The likeliest first: what a statement does to nothing but its own name, then by kind, then by how much."""
    places, kinds = KINDS.get(case.cause, ((), ()))
    found = []
    for each in acts(case):
        kind = _kind(each)
        # parts of a formula by which data are made up are what is to be learned
        if (
            each.place in places
            and kind in kinds
            and _suits(each, case.cause)
            and (each.place != "once" or each.is_whole)
        ):
            found.append((each, kinds.index(kind)))
    found.sort(key=lambda each: (not each[0].changes_its_own, each[1], -_size(each[0])))
    for each, _ in found[:_MOST]:
        yield each.undone()


def odd_ones(case: Case) -> Iterator[tuple[str, Sequence[Edit]]]:
    """What hardly any program does, each with the cause that it is likeliest to be: where nothing else is known."""
    found = []
    for each in acts(case):
        kind = _kind(each)
        meant = [
            (kinds.index(kind), number, cause)
            for number, (cause, (at, kinds)) in enumerate(KINDS.items())
            if each.place in at and kind in kinds and _suits(each, cause)
        ]
        if meant and kind not in _USUAL.get(each.place, "").split() and kind not in _FORMS and _beyond_the_data(each):
            found.append((not each.changes_its_own, not each.renames, _PLACES.index(each.place), min(meant)[2], each))
    found.sort(key=lambda one: one[:3])
    yield from ((cause, each.undone()) for *_, cause, each in found)


def _suits(act: Act, cause: str) -> bool:
    """Whether it is done to inputs or to labels, where a cause is of one of them."""
    return cause not in (_OF_INPUTS if act.of_labels else _OF_LABELS)


def _beyond_the_data(act: Act) -> bool:
    """Whether it lies where a network is trained, or gives something that is there another name."""
    return act.place != "once" or act.changes_its_own or act.renames


def _kind(act: Act) -> str:
    if act.does == "times" and act.by:
        return "enlarges" if abs(act.by) >= _MUCH else "shrinks" if abs(act.by) <= 1 / _MUCH else ""
    if act.does == "plus":
        return "shifts" if abs(act.by) >= _MUCH else ""
    return act.does


def _size(act: Act) -> float:
    return abs(math.log(abs(act.by))) if act.does == "times" and act.by else 0.0
