"""Fixes of the loss: which one, averaged, and with which sign."""

import ast
import re
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.callables import preset
from gradus.diagnosis.prescription.edits import Edit, atom, replace, with_argument, without_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.flow import (
    SHAPING,
    below,
    nearest,
    operations,
    training_losses,
)
from gradus.diagnosis.prescription.modules import find_module
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.readers import Reading, readings
from gradus.diagnosis.prescription.rewriting import behind, bypass, instead, renamed, unique, without_brackets
from gradus.diagnosis.prescription.values import Operation, Value
from gradus.diagnosis.prescription.written import expression, number, written

_OF_NUMBERS = {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "bce_with_logits_loss", "bce_loss"}
_STRAIGHT = {*SHAPING, "add", "mul", "div", "neg", "mean", "sum"}
"""What a loss goes through on its way to be one number."""


def on_the_way(program: Program, value: Value) -> Iterator[Operation]:
    """Operations from what goes backward to the loss proper, that included."""
    stack = [value]
    seen: set[tuple[int, int | None]] = set()
    while stack:
        current = stack.pop()
        if (id(current.node), current.layers) in seen:
            continue
        seen.add((id(current.node), current.layers))
        for each in operations(program, current):
            yield each
            if each.name in _STRAIGHT:
                stack += reversed(each.inputs)


# ---- which loss -----------------------------------------------------------------------------------------------------


@fix("fit-loss")
def cross_entropy_of_raw_outputs(case: Case) -> Iterator[Sequence[Edit]]:
    """`cross_entropy` for `nll_loss`, where no logarithm of probabilities comes in."""
    edits: list[Edit] = []
    for file, node in case.program.nodes():
        if not isinstance(node, ast.Call):
            continue
        for each in operations(case.program, Value(file, node)):
            if each.name != "nll_loss" or each.call is None or not each.inputs:
                continue
            outputs = list(nearest(case.program, each.inputs[0]))
            if any(made.name in {"log_softmax", "log", "logsigmoid"} for made in outputs):
                continue
            name = "torch.nn.CrossEntropyLoss" if each.module is not None else "torch.nn.functional.cross_entropy"
            edits += renamed(each.call, name)
            for made in outputs:
                edits += _probabilities_by_softmax(case.program, made)
    if edits:
        yield unique(edits)


def _probabilities_by_softmax(program: Program, output: Operation) -> Iterator[Edit]:
    """Where `exp` was to give probabilities, `softmax` does."""
    for each in readings(program, output):
        if each.operation == "exp" and isinstance(each.taker, ast.Call):
            start, end = each.file.span(each.taker)
            yield Edit(each.file, start, end, f"{each.file.code(each.node)}.softmax(dim=1)")


@fix("fit-loss")
def rates_as_they_are(case: Case) -> Iterator[Sequence[Edit]]:
    """A Poisson loss that takes rates, where it took their logarithms; or its two terms by hand, of a rate."""
    for loss in training_losses(case):
        for each in on_the_way(case.program, loss):
            if each.name == "poisson_nll_loss" and each.call is not None:
                yield [with_argument(each.call.file, each.call.node, "log_input", "False")]
            elif each.name == "sub" and len(each.inputs) > 1:
                yield from _poisson(case.program, *each.inputs)


def _poisson(program: Program, exponential: Value, product: Value) -> Iterator[list[Edit]]:
    """`rate - y * log(rate)` for `exp(rate) - y * rate`."""
    for one in operations(program, exponential):
        for other in operations(program, product):
            if one.name != "exp" or other.name != "mul" or len(other.inputs) < 2:
                continue
            rate = ast.unparse(one.inputs[0].node)
            factors = [each for each in other.inputs if ast.unparse(each.node) == rate]
            if len(factors) == 1 and isinstance(one.value.node, ast.Call):
                file = factors[0].file
                logarithm = behind(file, factors[0].node, ".clamp(min=1e-8).log()")
                yield [*instead(one.value.file, one.value.node, one.inputs[0].node), *logarithm]


@fix("fit-loss")
def classes_not_numbers(case: Case) -> Iterator[Sequence[Edit]]:
    """An output unit for each class and cross-entropy, for the squared error, or yes or no, of class numbers."""
    known = [each for examination in case.history.examinations for each in examination.losses if each.target_whole]
    if not known or min(each.target_low for each in known) < 0 or all(each.two_values for each in known):
        return
    classes = int(max(each.target_high for each in known)) + 1
    for loss in training_losses(case):
        for each in on_the_way(case.program, loss):
            if each.name in _OF_NUMBERS and len(each.inputs) > 1 and classes > 2:
                yield from _as_classes(case.program, each, classes)


def _as_classes(program: Program, loss: Operation, classes: int) -> Iterator[list[Edit]]:
    below = nearest(program, loss.inputs[0], {*SHAPING, "sigmoid"})
    head = next((each for each in below if each.name == "linear" and each.call is not None), None)
    if head is None or head.call is None or loss.call is None:
        return
    width = written(program, head.call.file, head.call.argument(1, "out_features"))
    if width is None or width.value != 1:
        return
    edits = [width.becomes(classes)]
    for call in calls_like(program, loss):
        name = "torch.nn.CrossEntropyLoss" if loss.module is not None else "torch.nn.functional.cross_entropy"
        edits += renamed(call if loss.module is None else loss.call, name)
        output, target = call.argument(0, "input"), call.argument(1, "target")
        if output is None or target is None:
            return
        edits += _whole(program, Value(call.file, output))
        edits += _as_long(program, Value(call.file, target))
    squashed = [each for each in nearest(program, loss.inputs[0]) if each.name == "sigmoid" and each.module is not None]
    edits += _predictions(program, (squashed or [head])[0])
    yield unique(edits)


def calls_like(program: Program, loss: Operation) -> list[Found]:
    """The call of a loss, and others of the same criterion."""
    file, node = loss.value.file, loss.value.node
    assert isinstance(node, ast.Call)
    if loss.module is None:
        return [Found(file, node)]
    return [
        Found(each, call)
        for each, call in program.nodes()
        if isinstance(call, ast.Call)
        and not each.qualified(call.func)
        and (made := find_module(program, each, call.func)) is not None
        and made.node is loss.module.node
    ]


def _whole(program: Program, output: Value) -> list[Edit]:
    """The output with its axis of classes: what takes it away is left out."""
    edits: list[Edit] = []
    stack = [output]
    while stack:
        for each in operations(program, stack.pop()):
            if each.name in {"squeeze", "flatten", "view", "reshape", "index", "sigmoid"} and each.inputs:
                if each.name == "sigmoid" or (each.module is None and isinstance(each.value.node, ast.Call)):
                    edits += bypass(program, each)
                elif isinstance(each.value.node, ast.Subscript):
                    edits += instead(each.value.file, each.value.node, each.inputs[0].node)
                stack.append(each.inputs[0])
    return edits


def _as_long(program: Program, target: Value) -> list[Edit]:
    """Targets as class numbers (N,), of whole type."""
    node, file = target.node, target.file
    column = any(each.name in {"unsqueeze", "view", "reshape"} for each in below(program, target))
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr not in {"float", "unsqueeze", "view", "reshape", "to", "double", "type"}:
            break
        node = node.func.value
    text = f"{file.code(node)}{'.flatten()' if column else ''}.long()"
    return [replace(file, target.node, text)]


def _predictions(program: Program, output: Operation) -> Iterator[Edit]:
    """The class with the largest output, where a number was rounded or a probability compared with a half."""
    for each in readings(program, output):
        if each.operation == "sigmoid" and isinstance(each.taker, ast.Call):
            yield from _predictions(program, Operation("sigmoid", Value(each.file, each.taker)))
        elif each.operation in {"round", "rint", "clamp", "int", "long"} or _is_threshold(each.taker):
            yield _largest(each)


def _largest(reading: Reading) -> Edit:
    file, top = reading.file, reading.taker
    while True:
        parent = file.parents[top]
        call = file.parents.get(parent)
        if not (isinstance(parent, ast.Attribute) and isinstance(call, ast.Call) and call.func is parent):
            break
        if parent.attr not in {"round", "clamp", "int", "long", "squeeze", "view", "flatten", "reshape", "float"}:
            break
        top = call
    base: ast.expr = reading.node
    while isinstance(base, ast.Call) and isinstance(base.func, ast.Attribute):
        if base.func.attr not in {"squeeze", "view", "flatten", "reshape", "sigmoid"}:
            break
        base = base.args[0] if file.qualified(base.func) and base.args else base.func.value
    return replace(file, top, f"{file.code(base)}.argmax(dim=1)")


def _is_threshold(node: ast.AST) -> bool:
    """Whether it asks on which side of a number something is."""
    match node:
        case ast.Compare(ops=[ast.Gt() | ast.GtE() | ast.Lt() | ast.LtE()], comparators=[other]):
            return number(other) is not None
    return False


# ---- sign -----------------------------------------------------------------------------------------------------------


@fix("flip-sign")
def minimize(case: Case) -> Iterator[Sequence[Edit]]:
    """The minus sign before a loss is taken away; a likelihood or a return that has none gets one."""
    program = case.program
    for call in program.calls("torch.optim.*"):
        for each in call.node.keywords:
            if each.arg == "maximize" and ast.unparse(each.value) == "True":
                yield [without_argument(call.file, call.node, each)]
                return
    negated = False
    for loss in training_losses(case):
        for operation in on_the_way(program, loss):
            edits = _positive(program, operation)
            if edits:
                negated = True
                yield edits
    for file, node in program.nodes():
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) and ".grad" in ast.unparse(node.value):
            negated = True
            place = file.text.index("+=", file.span(node.target)[1])
            yield [Edit(file, place, place + 2, "-=")]
    if not negated:
        yield from _negative(case)


def _positive(program: Program, operation: Operation) -> list[Edit]:
    """`loss` for `-loss`, and for `-1 * loss`."""
    file, node = operation.value.file, operation.value.node
    if operation.name == "neg" and isinstance(node, ast.UnaryOp) and not isinstance(node.operand, ast.Constant):
        return without_brackets(file, node) or instead(file, node, node.operand)
    if operation.name == "neg" and isinstance(node, ast.Call):
        return bypass(program, operation)
    if operation.name == "mul" and isinstance(node, ast.BinOp):
        for sign, other in ((node.left, node.right), (node.right, node.left)):
            if ast.unparse(sign).strip("()") in {"-1", "-1.0"}:
                return instead(file, node, other)
    return []


def _negative(case: Case) -> Iterator[list[Edit]]:
    """A minus before what is to be maximized, and no known error: of several terms, the one with a log-probability."""
    for loss in training_losses(case):
        terms = [each for each in _terms(case.program, loss) if _is_likelihood(case.program, each)]
        if not terms and any(each.name.endswith("_loss") for each in on_the_way(case.program, loss)):
            continue
        for term in terms if 0 < len(terms) < 2 else [loss]:
            for made in operations(case.program, term):
                file, node = made.value.file, made.value.node
                start, end = file.span(node)
                if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Mult | ast.Div | ast.MatMult):
                    yield [Edit(file, start, start, "-("), Edit(file, end, end, ")")]
                else:
                    yield [Edit(file, start, start, "-")]


def _terms(program: Program, value: Value) -> Iterator[Value]:
    """What is added up to make a value."""
    for each in operations(program, value):
        if each.name in {"add", "sub"}:
            for term in each.inputs:
                yield from _terms(program, term)
        else:
            yield value


def _is_likelihood(program: Program, value: Value) -> bool:
    return any(each.name in {"log_prob", "log_softmax", "logsigmoid"} for each in below(program, value))


# ---- average --------------------------------------------------------------------------------------------------------


@fix("mean-loss")
def average(case: Case) -> Iterator[Sequence[Edit]]:
    """The mean over the batch for the sum: by its argument, by its name, or by the number of examples."""
    for loss in training_losses(case):
        for each in on_the_way(case.program, loss):
            call = each.call
            if call is None:
                continue
            summed = call.argument(-1, "reduction")
            if summed is not None and ast.unparse(summed) == "'sum'":
                if each.module is not None and len(calls_like(case.program, each)) > 1:
                    yield from _over_examples(each.value.file, each.value.node)
                keyword = next(keyword for keyword in call.node.keywords if keyword.arg == "reduction")
                yield [without_argument(call.file, call.node, keyword)]
            else:
                yield from _written_elsewhere(case.program, each)
            if each.name == "sum" and not _along(each):
                yield from _over_the_kept(case.program, each)
                yield renamed(call, "torch.mean")
                yield from _over_examples(each.value.file, each.value.node)
            if call.argument(-1, "size_average") is not None:
                yield [with_argument(call.file, call.node, "size_average", "True")]


def _over_the_kept(program: Program, total: Operation) -> Iterator[list[Edit]]:
    """`/ mask.sum()` behind the sum of what a mask has left: the mean of all would count the padding too."""
    file, node = total.value.file, total.value.node
    for each in nearest(program, total.inputs[0]) if total.inputs else ():
        given = each.inputs if each.name in {"mul", "where", "masked_fill"} else ()
        nodes = [one.node for one in given if one.file is file]
        for one in (one for one in nodes if file.scope(one) is file.scope(node)):
            inverted = isinstance(one, ast.UnaryOp) and isinstance(one.op, ast.Invert)
            mask = one.operand if isinstance(one, ast.UnaryOp) else one
            if inverted == (each.name == "masked_fill") and _is_mask(program, Value(file, mask)):
                end = file.span(node)[1]
                yield [Edit(file, end, end, f" / {atom(file, mask)}.sum().clamp(min=1)")]
                return


_MASKS = re.compile(r"mask|valid|observed|present|keep|alive", re.IGNORECASE)


def _is_mask(program: Program, value: Value) -> bool:
    """Whether a value says what counts: by its name, or because it is a comparison of data."""
    base = value.node
    while isinstance(base, ast.Call | ast.Subscript):  # mask[:, None].float()
        base = base.value if isinstance(base, ast.Subscript) else getattr(base.func, "value", base.func)
    named = isinstance(base, ast.Name | ast.Attribute) and bool(_MASKS.search(ast.unparse(base)))
    return named or any(isinstance(each.value.node, ast.Compare) for each in nearest(program, value))


def _written_elsewhere(program: Program, loss: Operation) -> Iterator[list[Edit]]:
    """`"mean"` for the "sum" of a reduction that comes from options, a default, or `partial`."""
    assert loss.call is not None
    given = expression(program, loss.call, -1, "reduction")
    called = loss.value.node.func if isinstance(loss.value.node, ast.Call) else None
    presets = preset(program, loss.value.file, called, "reduction") if called is not None and given is None else ()
    for file, value in [given] if given is not None else presets:
        if isinstance(value, ast.Constant) and value.value == "sum":
            yield [replace(file, value, '"mean"')]


def _along(operation: Operation) -> bool:
    """Whether a sum runs along one axis that is not the batch."""
    given = operation.argument(1, "dim")
    return given is not None and ast.unparse(given) not in {"0", "None"}


def _over_examples(file: SourceFile, node: ast.expr) -> Iterator[list[Edit]]:
    """`loss / len(targets)`."""
    if isinstance(node, ast.Call):
        names = [each for each in reversed(node.args) if isinstance(each, ast.Name)]
        if names:
            end = file.span(node)[1]
            yield [Edit(file, end, end, f" / len({names[0].id})")]
