"""Fixes of a loss that does not suit its targets: by the one that does, or by targets that suit it."""

import ast
import itertools
from collections.abc import Iterator, Mapping, Sequence

from gradus.diagnosis.prescription.edits import Edit, atom, imported, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.flow import AVERAGING, below, leads_to_layers, nearest, operations, training_losses
from gradus.diagnosis.prescription.losses import calls_like
from gradus.diagnosis.prescription.program import Found, Program
from gradus.diagnosis.prescription.readers import readings
from gradus.diagnosis.prescription.rewriting import bypass, renamed, unique
from gradus.diagnosis.prescription.softmaxes import sigmoid_instead
from gradus.diagnosis.prescription.values import Operation, Value

_RULE = "loss-output-mismatch"
_TO_BINARY = {"CrossEntropyLoss": "BCEWithLogitsLoss", "cross_entropy": "binary_cross_entropy_with_logits"}
_TO_CLASSES = {"BCEWithLogitsLoss": "CrossEntropyLoss", "binary_cross_entropy_with_logits": "cross_entropy",
    "BCELoss": "CrossEntropyLoss", "binary_cross_entropy": "cross_entropy"}  # fmt: skip
_OF_RAW = {"NLLLoss": "CrossEntropyLoss", "nll_loss": "cross_entropy"}
_OF_SIGNS = {"soft_margin_loss": (1, "target"), "hinge_embedding_loss": (1, "target"),
    "margin_ranking_loss": (2, "target"), "cosine_embedding_loss": (2, "target")}  # fmt: skip
_ENDS = {(-1.0, 1.0), (0.0, 255.0)}
"""Least and largest label, of which what lies between may be meant as a share."""
_OF_CLASSES_ALONE = {"label_smoothing", "ignore_index", "weight"}


def _read(case: Case, reading: str) -> bool:
    """Whether the rule said so."""
    finding = case.finding(_RULE)
    return finding is not None and reading in finding.evidence


@fix("fit-loss")
def yes_or_no_of_each_class(case: Case) -> Iterator[Sequence[Edit]]:
    """A sigmoid of each class for the softmax over all, where examples belong to several; also where it predicts."""
    if not _read(case, "several classes as one"):
        return
    for loss in _losses(case, {"cross_entropy_loss"}):
        yield unique([*_other_loss(case.program, loss, _TO_BINARY), *_sigmoid_in_predictions(case.program, loss)])
    for loss in _losses(case, {"bce_loss"}):
        for made in nearest(case.program, loss.inputs[0]):
            if made.name == "softmax" and made.call is not None:
                yield sigmoid_instead(made)
    yield from _by_hand(case)
    yield from _mentioned(case.program, _TO_BINARY)


def _sigmoid_in_predictions(program: Program, loss: Operation) -> Iterator[Edit]:
    """Where a softmax was to give the probabilities that are compared with a half."""
    for made in nearest(program, loss.inputs[0]):
        for each in readings(program, made):
            if isinstance(each.taker, ast.Call):
                for softmax in operations(program, Value(each.file, each.taker)):
                    if softmax.name == "softmax" and softmax.call is not None:
                        yield from sigmoid_instead(softmax)


def _by_hand(case: Case) -> Iterator[list[Edit]]:
    """`binary_cross_entropy_with_logits(logits, y)` for `-(y * log_softmax(logits, dim=1)).sum(dim=1)`."""
    for loss in _losses(case, {"neg"}):
        for product in nearest(case.program, loss.inputs[0], AVERAGING):
            if product.name != "mul" or len(product.inputs) != 2:
                continue
            for given, target in itertools.permutations(product.inputs):
                for made in nearest(case.program, given, set()):
                    here = made.value.file is loss.value.file is target.file
                    if made.name == "log_softmax" and made.module is None and here:
                        file = target.file
                        name, more = imported(file, "torch.nn.functional.binary_cross_entropy_with_logits")
                        logits, labels = file.code(made.inputs[0].node), file.code(target.node)
                        yield [replace(file, loss.value.node, f"{name}({logits}, {labels})"), *more]


@fix("fit-loss")
def one_of_the_classes(case: Case) -> Iterator[Sequence[Edit]]:
    """The softmax over all classes for the sigmoid of each, where every example belongs to one."""
    if not _read(case, "one class as several"):
        return
    for loss in _losses(case, {"bce_with_logits_loss"}):
        yield _other_loss(case.program, loss, _TO_CLASSES)
    for loss in _losses(case, {"bce_loss"}):
        for made in nearest(case.program, loss.inputs[0]):
            if made.name == "sigmoid":
                yield unique([*_other_loss(case.program, loss, _TO_CLASSES), *bypass(case.program, made)])
    yield from _mentioned(case.program, _TO_CLASSES)


@fix("fit-loss")
def labels_of_zero_and_one(case: Case) -> Iterator[Sequence[Edit]]:
    """`(y + 1) / 2` for labels of -1 and 1, `y - 1` for those of 1 and 2, `y / 255` for masks of 8 bits."""
    finding = case.finding(_RULE)
    if finding is None or not _read(case, "labels out of range"):
        return
    low, high = finding.evidence["low"], finding.evidence["high"]
    if not finding.evidence.get("two values") and (low, high) not in _ENDS:
        return
    for loss in _losses(case, {"bce_with_logits_loss", "bce_loss"}):
        edits = []
        for call in calls_like(case.program, loss):
            target = call.argument(1, "target")
            if target is not None:
                edits.append(replace(call.file, target, _from_zero_to_one(atom(call.file, target), low, high)))
        if edits:
            yield unique(edits)


@fix("fit-loss")
def labels_with_signs(case: Case) -> Iterator[Sequence[Edit]]:
    """`2 * y - 1` for labels of 0 and 1 where a loss takes -1 and 1, be it a hinge by hand."""
    if not _read(case, "labels without signs"):
        return
    for loss in _losses(case, set(_OF_SIGNS)):
        edits = []
        for call in calls_like(case.program, loss):
            target = call.argument(*_OF_SIGNS[loss.name])
            if target is not None:
                edits.append(replace(call.file, target, f"2 * {atom(call.file, target)} - 1"))
        if edits:
            yield unique(edits)
    for bend in _losses(case, {"relu", "clamp", "clamp_min", "softplus", "logsigmoid", "exp", "sigmoid"}):
        for product in nearest(case.program, bend.inputs[0], {"neg"}):
            shifted = product.inputs if product.name in {"sub", "add"} else (product.value,)
            for each in (made for given in shifted for made in nearest(case.program, given, {"neg"})):
                labels = [factor for factor in each.inputs if not leads_to_layers(case.program, factor)]
                if each.name == "mul" and len(each.inputs) == 2 and len(labels) == 1:
                    node = _without_sign(labels[0].node)
                    yield [replace(labels[0].file, node, f"(2 * {atom(labels[0].file, node)} - 1)")]


def _without_sign(node: ast.expr) -> ast.expr:
    """`y` of `-y`."""
    return node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else node


@fix("fit-loss")
def errors_for_a_cosine(case: Case) -> Iterator[Sequence[Edit]]:
    """`mse_loss(said, y)` for `1 - cosine_similarity(said, y, dim=0)`, and for other losses of directions."""
    if not _read(case, "size left open"):
        return
    for loss in _losses(case, {"sub", "neg", "add", "mse_loss", "cosine_embedding_loss"}):
        file, given = loss.value.file, loss.inputs
        if loss.name in {"sub", "neg", "add"}:
            cosines = [
                made
                for value in given
                for made in nearest(case.program, value, {*AVERAGING, "neg"})
                if made.name == "cosine_similarity"
            ]
            given = cosines[0].inputs if len(cosines) == 1 else ()
        elif loss.name == "mse_loss":
            given = tuple(
                made.inputs[0] for value in given for made in nearest(case.program, value) if made.name == "normalize"
            )
        if len(given) > 1 and all(each.file is file for each in given[:2]):
            name, more = imported(file, "torch.nn.functional.mse_loss")
            said, target = (file.code(each.node) for each in given[:2])
            yield [replace(file, loss.value.node, f"{name}({said}, {target})"), *more]


def _from_zero_to_one(text: str, low: float, high: float) -> str:
    """`(y + 1) / 2` of numbers from -1 to 1."""
    shifted = f"{text} {'-' if low > 0 else '+'} {abs(low):g}" if low else text
    if high - low == 1:
        return shifted
    return f"({shifted}) / {high - low:g}" if low else f"{shifted} / {high - low:g}"


@fix("fit-loss")
def raw_outputs_wherever_chosen(case: Case) -> Iterator[Sequence[Edit]]:
    """`CrossEntropyLoss` for `NLLLoss` in a table of losses, or where a function chooses one."""
    if _read(case, "raw outputs as log-probabilities"):
        yield from _mentioned(case.program, _OF_RAW)


def _losses(case: Case, names: set[str]) -> Iterator[Operation]:
    """Operations of these names between the last layers and what goes backward, each once."""
    seen: set[int] = set()
    for value in training_losses(case):
        for each in below(case.program, value, layers=False):
            if each.name in names and each.inputs and id(each.value.node) not in seen:
                seen.add(id(each.value.node))
                yield each


def _other_loss(program: Program, loss: Operation, names: Mapping[str, str]) -> list[Edit]:
    """The loss of the other name, without arguments that only this one takes."""
    assert loss.call is not None, "a loss is called"
    made = loss.call
    old = made.file.qualified(made.node.func)
    name = names.get(old.rpartition(".")[2], "")
    if not name:
        return []
    return [*renamed(made, f"{old.rpartition('.')[0]}.{name}"), *_without_own(made)]


def _without_own(call: Found) -> list[Edit]:
    """Taken away: what says how classes are weighed and smoothed."""
    given = [*call.node.args, *call.node.keywords]
    own = [each for each in call.node.keywords if each.arg in _OF_CLASSES_ALONE]
    edits = []
    for each in own:
        start, end = call.file.span(each)
        at = given.index(each)
        first = call.file.span(given[at - 1])[1] if at else start
        last = call.file.span(given[1])[0] if not at and len(given) > 1 else end
        edits.append(Edit(call.file, first, last, ""))
    return edits


def _mentioned(program: Program, names: Mapping[str, str]) -> Iterator[list[Edit]]:
    """Another loss where the one is mentioned, if that is in one place."""
    places = [
        (file, node)
        for file, node in program.nodes()
        if isinstance(node, ast.Attribute) and node.attr in names and file.qualified(node).startswith("torch.nn.")
    ]
    if len(places) == 1:
        file, node = places[0]
        end = file.span(node)[1]
        yield [Edit(file, end - len(node.attr), end, names[node.attr])]
