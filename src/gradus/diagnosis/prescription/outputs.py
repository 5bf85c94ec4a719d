"""Fixes of the model's output: the activation between its last layer and the loss."""

import ast
from collections.abc import Collection, Iterator, Sequence
from functools import partial

from gradus.diagnosis.prescription.edits import Edit, atom, imported, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.flow import SHAPING, below, leads_to_layers, nearest, training_losses
from gradus.diagnosis.prescription.program import Program
from gradus.diagnosis.prescription.readers import Reading, readings
from gradus.diagnosis.prescription.rewriting import around, behind, bypass, renamed, unique
from gradus.diagnosis.prescription.values import Operation, Value
from gradus.diagnosis.signs import LossSigns

_SOFT = {"softmax", "sigmoid", "logsigmoid", "log_softmax", "softmin"}
_HARD = {
    "relu",
    "relu6",
    "tanh",
    "clamp",
    "clamp_min",
    "hardtanh",
    "gelu",
    "silu",
    "mish",
    "softplus",
    "hardswish",
    "elu",
    "celu",
    "selu",
    "hardsigmoid",
    "softsign",
    "erf",
    "atan",
    "arctan",
    "logsigmoid",
    "abs",
}
_BOUNDED = {
    "relu", "relu6", "clamp", "clamp_min", "softplus", "exp", "sigmoid", "hardsigmoid", "logsigmoid", "tanh", "softmax",
    "hardtanh", "softsign", "hardswish", "elu", "celu", "selu", "gelu", "silu", "mish", "erf", "atan", "arctan", "abs",
}  # fmt: skip
_ON_LOGITS = {"cross_entropy_loss", "bce_with_logits_loss", "log_softmax", "multilabel_soft_margin_loss"}
_ON_VALUES = {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "sub", "poisson_nll_loss", "gaussian_nll_loss"}
_ORDER_ALONE = {
    "argmax", "argsort", "topk", "sort", "argmin", "shape", "size", "device", "dtype", "ndim", "dim", "numel", "len",
    "backward", "requires_grad", "roc_auc_score", "average_precision_score", "roc_curve", "isfinite", "isnan",
}  # fmt: skip
_OF_LOGARITHMS = {"nll_loss", "kl_div_loss", "ctc_loss"}
_ROUGHLY = 0.01


def activations(
    case: Case, losses: Collection[str], kinds: Collection[str], through: Collection[str] = SHAPING
) -> Iterator[tuple[Operation, Operation]]:
    """Pairs of a loss of the training step and the activation right below it."""
    for loss in training_losses(case):
        for operation in below(case.program, loss, layers=False):
            if operation.name in losses:
                for each in operation.inputs[: 2 if operation.name in {"sub", "mse_loss", "l1_loss"} else 1]:
                    for activation in map(partial(_by_hand, case.program), nearest(case.program, each, through)):
                        if activation.name in kinds:
                            yield operation, activation


def _by_hand(program: Program, operation: Operation) -> Operation:
    """A softmax where it is written out, as an exponential over its sum; any other operation itself."""
    node = operation.value.node
    if isinstance(node, ast.BinOp) and _is_share(node):
        for each in nearest(program, operation.inputs[0]):
            if each.name == "exp" and each.inputs:
                return Operation("softmax", operation.value, each.inputs)
    return operation


def _is_share(node: ast.BinOp) -> bool:
    """`e / e.sum(1, keepdim=True)`, whether the sum is a method or a function."""
    match node:
        case ast.BinOp(op=ast.Div(), right=ast.Call(func=ast.Attribute(attr="sum", value=whole), args=args)):
            return ast.unparse(node.left) in {ast.unparse(each) for each in (whole, *args[:1])}
    return False


@fix("return-logits")
def take_activation_away(case: Case) -> Iterator[Sequence[Edit]]:
    """The last layer's outputs go to the loss as they are; what reads probabilities applies the activation itself."""
    hard = case.cause == "nonlinear-logits"
    kinds, through = (_HARD, SHAPING | {"dropout"}) if hard else (_SOFT, SHAPING)
    takers = _ON_LOGITS | {"softmax", "sigmoid"} if hard else _ON_LOGITS
    for loss, activation in activations(case, takers, kinds, through):
        if loss.name == "log_softmax" and activation.name == "log_softmax":
            continue
        nearer = _before(loss, activation)
        if nearer:
            yield nearer
            continue
        found = bypass(case.program, activation)
        if found:
            yield unique([*found, *_applied_where_read(case.program, activation)])
    if not hard:
        yield from _undone(case)
        yield from _logarithms(case, "softmax-twice", "cross_entropy_loss")


def _logarithms(case: Case, cause: str, loss: str) -> Iterator[list[Edit]]:
    """Of probabilities that were seen to reach the loss, wherever they are made, their logarithms."""
    if case.finding(cause) is not None:
        for each in training_losses(case):
            for operation in below(case.program, each, layers=False):
                if operation.name == loss and operation.inputs:
                    yield behind(operation.inputs[0].file, operation.inputs[0].node, ".clamp(min=1e-8).log()")


def _undone(case: Case) -> Iterator[Sequence[Edit]]:
    """The loss is given logarithms of the probabilities, whose softmax they are; or, of a sigmoid, its own loss."""
    for loss, activation in activations(case, _ON_LOGITS, _SOFT):
        given = loss.inputs[0]
        if activation.name == "softmax" and loss.name in {"cross_entropy_loss", "log_softmax"}:
            yield behind(given.file, given.node, ".clamp(min=1e-8).log()")
            continue
        binary = activation.name == "sigmoid" and loss.name == "bce_with_logits_loss"
        if binary and loss.call is not None and loss.argument(-1, "pos_weight") is None:
            own = "torch.nn.BCELoss" if loss.module is not None else "torch.nn.functional.binary_cross_entropy"
            yield renamed(loss.call, own)


def _before(loss: Operation, activation: Operation) -> list[Edit]:
    """`cross_entropy(logits, y)` for `cross_entropy(probs, y)`, where the line above is `probs = softmax(logits)`."""
    file, made = activation.value.file, activation.value.node
    statement = file.statement(made)
    if not isinstance(statement, ast.Assign) or statement.value is not made or not activation.inputs:
        return []
    name, inner = ast.unparse(statement.targets[0]), activation.inputs[0].node
    given = loss.inputs[0].node
    here = loss.value.file is file and file.scope(given) is file.scope(made)
    if here and isinstance(inner, ast.Name) and isinstance(given, ast.Name) and given.id == name != inner.id:
        return [replace(file, given, inner.id)]
    return []


def _applied_where_read(program: Program, activation: Operation) -> list[Edit]:
    """The activation around every use that is not the same without it; 0 for 0.5 where that is all there is to do."""
    if activation.name not in {"softmax", "sigmoid"}:
        return []
    uses: dict[ast.expr, list[Reading]] = {}
    for each in readings(program, activation):
        if not _same_without(each, activation.name):
            node = _whole(each.node) if activation.name == "softmax" else each.node
            uses.setdefault(node, []).append(each)
    edits: list[Edit] = []
    for node, some in uses.items():
        halves = [half_of(each) for each in some]
        if activation.name == "sigmoid" and all(halves):
            edits += [
                replace(each.file, half, "0") for each, half in zip(some, halves, strict=True) if half is not None
            ]
        elif activation.name == "sigmoid":
            edits += around(some[0].file, node, "torch.sigmoid")
        else:
            edits += around(some[0].file, node, "torch.softmax", f", dim={_axis(activation) or '1'}")
    return edits


def _whole(node: ast.expr) -> ast.expr:
    """All classes, where some are picked: what is left of them would not add up to 1."""
    while isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
        node = node.value
    return node


def _same_without(reading: Reading, activation: str) -> bool:
    """Whether a use goes by the order of outputs alone, or applies the activation once more."""
    name = reading.operation
    if name in _ORDER_ALONE | _ON_LOGITS | _SOFT or name.endswith("criterion") or "loss" in name:
        return True
    if name in {"max", "min"} and isinstance(reading.taker, ast.Call):
        return _index_alone(reading, reading.taker)
    return False


def _index_alone(reading: Reading, call: ast.Call) -> bool:
    """Whether of the largest value and its place only the place is used."""
    parent = reading.file.parents[call]
    if isinstance(parent, ast.Subscript):
        return isinstance(parent.slice, ast.Constant) and parent.slice.value == 1
    if isinstance(parent, ast.Attribute):
        return parent.attr == "indices"
    if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Tuple):
        first = parent.targets[0].elts[0]
        scope = reading.file.scope(parent)
        name = ast.unparse(first)
        return not any(
            isinstance(each, ast.Name) and each.id == name and isinstance(each.ctx, ast.Load)
            for each in ast.walk(scope)
        )
    return False


def half_of(reading: Reading) -> ast.expr | None:
    """The 0.5 that a value is compared with."""
    taker = reading.taker
    if isinstance(taker, ast.Compare) and taker.left is reading.last and len(taker.comparators) == 1:
        right = taker.comparators[0]
        if isinstance(right, ast.Constant) and right.value == 0.5:
            return right
    return None


def _axis(activation: Operation) -> str:
    given = activation.argument(1, "dim")
    return ast.unparse(given) if given is not None else ""


def with_dim(operation: Operation) -> Edit:
    """The call of a softmax, told to run over the second axis."""
    assert operation.call is not None
    file, call = operation.call.file, operation.call.node
    end = file.span(call)[1] - 1
    return Edit(file, end, end, f"{', ' if call.args or call.keywords else ''}dim=1")


@fix("add-log")
def logarithm_in_a_focal_loss(case: Case) -> Iterator[Sequence[Edit]]:
    """`p.clamp(min=1e-8).log()` for the `p` that is multiplied by a power of what is missing from it."""
    for file, node in case.program.nodes():
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and isinstance(node.right, ast.Name):
            name = node.right.id
            powers = (each for each in ast.walk(node.left) if _is_power(each))
            if any(isinstance(each, ast.Name) and each.id == name for power in powers for each in ast.walk(power)):
                yield behind(file, node.right, ".clamp(min=1e-8).log()")


def _is_power(node: ast.AST) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    return (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)) or (
        isinstance(called, ast.Attribute) and called.attr == "pow"
    )


@fix("add-log")
def logarithm_of_softmax(case: Case) -> Iterator[Sequence[Edit]]:
    """`log_softmax` for the softmax that a negative log likelihood is given; `exp` where probabilities are read."""
    through = {*SHAPING, "neg", "mean", "sum"}
    seen: set[int] = set()
    losses = list(training_losses(case))
    trained = {id(each.value.node) for loss in losses for each in below(case.program, loss)}
    for loss in losses:
        for operation in below(case.program, loss, layers=False):
            if operation.name in {"gather", "index"} and _made_elsewhere(case.program, operation):
                yield behind(operation.value.file, operation.value.node, ".log()")
                continue
            for given in _log_probabilities(case.program, operation):
                for each in map(partial(_by_hand, case.program), nearest(case.program, given, through)):
                    kinds = {"softmax", "sigmoid"} if operation.name == "nll_loss" else {"softmax"}
                    if each.name in kinds and id(each.value.node) not in seen:
                        seen.add(id(each.value.node))
                        if each.call is not None:
                            yield from _with_log(case.program, each, trained)
                        if operation.name in _OF_LOGARITHMS:
                            yield behind(given.file, given.node, ".clamp(min=1e-8).log()")
    yield from _logarithms(case, "missing-log", "nll_loss")


@fix("add-log")
def logarithms_of_yes_and_no(case: Case) -> Iterator[Sequence[Edit]]:
    """`logsigmoid` for the sigmoids that a loss by hand adds up, with its sign turned."""
    edits: list[Edit] = []
    for loss in training_losses(case):
        for each in below(case.program, loss, layers=False):
            if each.name in {"nll_loss", "log", "bce_loss"} or (each.name == "sub" and _is_one(each.inputs[0])):
                return
            if each.name == "sigmoid" and each.call is not None and each.module is None:
                named = each.call.file.qualified(each.call.node.func)
                edits += renamed(each.call, "torch.nn.functional.logsigmoid") if named else _of_method(each)
    if edits:
        yield unique(edits)


def _is_one(value: Value) -> bool:
    return isinstance(value.node, ast.Constant) and value.node.value == 1


def _of_method(sigmoid: Operation) -> list[Edit]:
    """`logsigmoid(x)` for `x.sigmoid()`."""
    file = sigmoid.value.file
    name, more = imported(file, "torch.nn.functional.logsigmoid")
    return [replace(file, sigmoid.value.node, f"{name}({file.code(sigmoid.inputs[0].node)})"), *more]


def _made_elsewhere(program: Program, picking: Operation) -> bool:
    """Whether probabilities are picked, one of each example, that another function made, perhaps for other uses too."""
    file = picking.value.file
    return any(
        each.name == "softmax"
        and each.call is not None
        and file.scope(each.call.node) is not file.scope(picking.value.node)
        for each in nearest(program, picking.inputs[0], SHAPING - {"index"})
    )


def _log_probabilities(program: Program, operation: Operation) -> Sequence[Value]:
    """What an operation takes for logarithms of probabilities: a product those it multiplies by data."""
    if operation.name in {*_OF_LOGARITHMS, "gather", "index", "neg"}:
        return operation.inputs[:1]
    if operation.name == "mul" and len(operation.inputs) > 1:
        computed = [each for each in operation.inputs if leads_to_layers(program, each)]
        return computed if len(computed) == 1 else []
    return []


def _with_log(program: Program, activation: Operation, trained: Collection[int]) -> Iterator[list[Edit]]:
    """The logarithm in place of an activation; `trained` are the ids of the nodes that lead to the loss."""
    assert activation.call is not None
    call = activation.call
    file = call.file
    if activation.module is not None:
        edits = renamed(call, "torch.nn.LogSoftmax")
    else:
        own = file.qualified(call.node.func)
        edits = renamed(call, f"{own.rpartition('.')[0]}.log_softmax" if own else "log_softmax")
    if activation.name == "sigmoid":
        edits = [*edits, with_dim(activation)]
    for each in readings(program, activation):
        if each.operation in _ORDER_ALONE | {"softmax"} or "loss" in each.operation:
            continue
        if each.operation.endswith("criterion") or (each.operation == "max" and _same_without(each, "softmax")):
            continue
        if id(each.taker) in trained:
            continue
        edits += behind(each.file, each.node, ".exp()")
    yield unique(edits)


@fix("linear-output", "scale-targets")
def mark_by_ones(case: Case) -> Iterator[Sequence[Edit]]:
    """`mse_loss(said, mask / 255)` where a sigmoid is compared with a mask of 0s and 255s."""
    signs = case.history.first.loss if case.history.first is not None else None
    if signs is None or not _marks(signs):
        return
    for loss, _ in activations(case, _ON_VALUES, {"sigmoid"}):
        targets = [each for each in loss.inputs[:2] if not leads_to_layers(case.program, each)]
        edits = [
            replace(each.file, each.node, f"{atom(each.file, each.node)} / {signs.target_high:g}")
            for each in targets
            if isinstance(each.node, ast.expr)
        ]
        if edits:
            yield unique(edits)


def _marks(signs: LossSigns) -> bool:
    """Whether targets are 0 or one larger number: then their variance is that of a yes or no."""
    mean, high = signs.target_mean, signs.target_high
    variance = mean * (high - mean)
    return signs.target_low == 0 and high > 1 and variance > 0 and abs(signs.target_std**2 / variance - 1) < _ROUGHLY


@fix("linear-output")
def leave_output_linear(case: Case) -> Iterator[Sequence[Edit]]:
    """The activation behind the last layer is taken away."""
    for _, activation in activations(case, _ON_VALUES, _BOUNDED):
        found = bypass(case.program, activation)
        if found:
            yield unique(found)
