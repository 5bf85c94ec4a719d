"""Fixes of arithmetic that gives infinities and NaN: logarithms of 0, roots at 0, exponentials without bound."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.edits import Edit, imported, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.flow import (
    SHAPING,
    Operation,
    Value,
    below,
    leads_to_layers,
    nearest,
    operations,
    training_losses,
)
from gradus.diagnosis.prescription.program import Program
from gradus.diagnosis.prescription.rewriting import behind, renamed, unique

_LOGS = {"log", "log2", "log10"}
_SAFE = {"clamp", "clamp_min", "softplus", "exp", "maximum", "logsumexp", "norm", "normalize", "constant", "log1p"}
"""What has a bound of its own, or cannot be 0 but by underflow."""
_TINY = 1e-30


@fix("stable-loss")
def away_from_singularities(case: Case) -> Iterator[Sequence[Edit]]:
    """Each logarithm, root and quotient on the way to the loss in its stable form; all at once, then one by one."""
    program = case.program
    found: dict[tuple[int, int], list[Edit]] = {}
    for loss in training_losses(case):
        for each in below(program, loss):
            node, file = each.value.node, each.value.file
            edits = _stable(program, each) if (id(file), id(node)) not in found else []
            if edits:
                found[id(file), id(node)] = edits
    every = list(found.values())
    if every:
        yield unique([edit for each in every for edit in each])
    if len(every) > 1:
        yield from every


def _stable(program: Program, operation: Operation) -> list[Edit]:
    """The edits that keep an operation away from where it or its slope is infinite."""
    name = operation.name
    if not operation.inputs:
        return []
    if name in _LOGS:
        return _log(program, operation)
    if name == "pow" and _is_root(operation):
        return _above_zero(program, operation, operation.inputs[0])
    if name in {"sqrt", "rsqrt"}:
        return _above_zero(program, operation, operation.inputs[0])
    if name == "div" and len(operation.inputs) > 1:
        return _divisor(program, operation.inputs[1])
    if name in {"reciprocal", "log_"}:
        return _divisor(program, operation.inputs[0])
    if name in {"acos", "asin", "arccos", "arcsin", "atanh", "arctanh"}:
        return _within_one(program, operation.inputs[0])
    if name == "bce_loss":
        return []
    return []


def _log(program: Program, operation: Operation) -> list[Edit]:
    """`log_softmax`, `logsigmoid`, `logsumexp` where the logarithm is of what these are of; else of a clamped value."""
    file, node, given = operation.value.file, operation.value.node, operation.inputs[0]
    if operation.name != "log" or not isinstance(node, ast.Call) or not _depends(program, given):
        return []
    for made in nearest(program, given, {"float", "to", "contiguous"}):
        if made.name in {"softmax", "sigmoid"} and made.module is None and _visible(operation, made):
            inner = made.inputs[0]
            text = made.value.file.code(inner.node)
            if made.name == "sigmoid":
                function, more = imported(file, "torch.nn.functional.logsigmoid")
                return [replace(file, node, f"{function}({text})"), *more]
            function, more = imported(file, "torch.log_softmax")
            axis = made.argument(1, "dim")
            return [replace(file, node, f"{function}({text}, dim={ast.unparse(axis) if axis else '1'})"), *more]
        if made.name == "sub" and len(made.inputs) > 1 and _is_one(made.inputs[0]):
            for other in nearest(program, made.inputs[1], {"float", "to"}):
                if other.name == "sigmoid" and other.module is None and _visible(operation, other):
                    function, more = imported(file, "torch.nn.functional.logsigmoid")
                    text = other.value.file.code(other.inputs[0].node)
                    text = f"({text})" if not isinstance(other.inputs[0].node, ast.Name | ast.Call) else text
                    return [replace(file, node, f"{function}(-{text})"), *more]
        if made.name == "sum" and made.inputs and _visible(operation, made):
            for other in operations(program, made.inputs[0]):
                axis = made.argument(1, "dim")
                if other.name == "exp" and axis is not None and isinstance(made.value.node, ast.Call):
                    function, more = imported(file, "torch.logsumexp")
                    text = other.value.file.code(other.inputs[0].node)
                    kept = made.argument(2, "keepdim")
                    keep = f", keepdim={ast.unparse(kept)}" if kept is not None else ""
                    return [replace(file, node, f"{function}({text}, dim={ast.unparse(axis)}{keep})"), *more]
        if made.name == "relu":
            return _softplus(made)
        if made.name in _SAFE or _has_margin(made):
            return []
    return behind(file, given.node, ".clamp(min=1e-7)")


def _visible(operation: Operation, made: Operation) -> bool:
    """Whether what an operation was made from can be named where the other stands."""
    one, other = operation.value, made.value
    return one.file is other.file and one.file.scope(one.node) is other.file.scope(other.node)


def _softplus(relu: Operation) -> list[Edit]:
    """`softplus(x) + 1e-3`: positive, and with a slope, where a rectifier gives 0."""
    call = relu.call
    if call is None:
        return []
    if relu.module is not None:
        return renamed(call, "torch.nn.Softplus")
    file, node = relu.value.file, relu.value.node
    function, more = imported(file, "torch.nn.functional.softplus")
    inner = file.code(relu.inputs[0].node)
    whole = f"{function}({inner}) + 1e-3"
    tight = not isinstance(file.parents[node], ast.Assign | ast.Return | ast.Call | ast.Tuple | ast.keyword)
    return [replace(file, node, f"({whole})" if tight else whole), *more]


def _above_zero(program: Program, operation: Operation, given: Value) -> list[Edit]:
    """A small number under the root, whose slope at 0 is infinite."""
    if not _depends(program, given):
        return []
    for made in nearest(program, given, {"float", "to", "contiguous"}):
        if made.name == "relu":
            return _softplus(made)
        if made.name in _SAFE - {"norm", "normalize"} or _has_margin(made):
            return []
    if _may_be_negative(program, given):
        return behind(given.file, given.node, ".clamp(min=1e-8)")
    return _plus(given, "1e-8")


def _plus(given: Value, margin: str) -> list[Edit]:
    file, node = given.file, given.node
    start, end = file.span(node)
    parent = file.parents[node]
    inside = isinstance(parent, ast.Call) and node in parent.args
    if inside and not isinstance(node, ast.IfExp | ast.Lambda):
        return [Edit(file, end, end, f" + {margin}")]
    if file.text[start - 1 : start] == "(" and file.text[end : end + 1] == ")" and not isinstance(node, ast.Tuple):
        if not isinstance(parent, ast.Call):
            return [Edit(file, end, end, f" + {margin}")]
    return [Edit(file, start, start, "("), Edit(file, end, end, f" + {margin})")]


def _divisor(program: Program, given: Value) -> list[Edit]:
    """A small number added to a divisor that can be 0."""
    if not _depends(program, given):
        return []
    for made in nearest(program, given, {"float", "to", "contiguous"}):
        if made.name == "relu":
            return _softplus(made)
        if made.name in {"sum", "std", "norm", "sub", "mul", "abs", "var", "pow", "square", "sqrt", "prod", "mean"}:
            return _plus(given, "1e-8")
    return []


def _within_one(program: Program, given: Value) -> list[Edit]:
    if not _depends(program, given) or any(each.name == "clamp" for each in nearest(program, given)):
        return []
    return behind(given.file, given.node, ".clamp(-1 + 1e-6, 1 - 1e-6)")


def _depends(program: Program, given: Value) -> bool:
    """Whether the gradient goes through."""
    return leads_to_layers(program, given)


def _is_one(value: Value) -> bool:
    return isinstance(value.node, ast.Constant) and value.node.value == 1


def _is_root(operation: Operation) -> bool:
    exponent = operation.inputs[1].node if len(operation.inputs) > 1 else None
    return isinstance(exponent, ast.Constant) and isinstance(exponent.value, float) and 0 < exponent.value < 1


def _has_margin(made: Operation) -> bool:
    """Whether a small positive number has been added already."""
    return made.name == "add" and any(_is_small(each.node) for each in made.inputs)


def _is_small(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float) and node.value > _TINY
    return "eps" in ast.unparse(node).lower()


def _may_be_negative(program: Program, given: Value) -> bool:
    """Whether rounding can bring it below 0: a difference."""
    return any(each.name in {"sub"} for each in nearest(program, given, {*SHAPING, "sum", "mean"}))


# ---- exponentials ---------------------------------------------------------------------------------------------------


@fix("bound-exponent")
def less_the_largest(case: Case) -> Iterator[Sequence[Edit]]:
    """`exp(x - x.amax(...))` where the sum of it is divided by: the same weights, whatever the size of x."""
    program = case.program
    seen: set[int] = set()
    for loss in training_losses(case):
        for quotient in below(program, loss):
            if quotient.name != "div" or len(quotient.inputs) < 2:
                continue
            exps = [each for each in nearest(program, quotient.inputs[0], set()) if each.name == "exp"]
            sums = [each for each in nearest(program, quotient.inputs[1], {"unsqueeze"}) if each.name == "sum"]
            for each in exps:
                if id(each.value.node) in seen or not sums:
                    continue
                seen.add(id(each.value.node))
                axis = sums[0].argument(1, "dim")
                edits = _less_largest(each, ast.unparse(axis) if axis is not None else "-1")
                if edits:
                    yield edits


def _less_largest(exponential: Operation, axis: str) -> list[Edit]:
    given = exponential.inputs[0]
    file, node = given.file, given.node
    text = file.code(node)
    if not isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        return []
    largest = f"{text} - {text}.amax({axis}, keepdim=True)"
    call = exponential.value.node
    assert isinstance(call, ast.Call)
    method = not (call.args and call.args[0] is node)
    return [replace(file, node, f"({largest})" if method else largest)]


@fix("bound-exponent")
def bounded(case: Case) -> Iterator[Sequence[Edit]]:
    """A clamp on what goes into `exp`; `softplus` and `logsumexp` where these are meant."""
    program = case.program
    edits: list[Edit] = []
    seen: set[int] = set()
    for loss in training_losses(case):
        for each in below(program, loss):
            if each.name not in {"exp", "exp2", "expm1", "cosh", "sinh"} or not each.inputs:
                continue
            given = each.inputs[0]
            if id(each.value.node) in seen or not leads_to_layers(program, given):
                continue
            seen.add(id(each.value.node))
            if not any(made.name in {"clamp", "log_softmax", "tanh", "sigmoid", "neg"}
                       for made in nearest(program, given)):  # fmt: skip
                edits += behind(given.file, given.node, ".clamp(max=20)")
    if edits:
        yield unique(edits)


@fix("bound-exponent")
def wider_numbers(case: Case) -> Iterator[Sequence[Edit]]:
    """`bfloat16`, which has the range of `float32`, for `float16`."""
    edits: list[Edit] = []
    for file, node in case.program.nodes():
        if isinstance(node, ast.Attribute) and file.qualified(node) in {"torch.float16", "torch.half"}:
            edits.append(Edit(file, file.span(node)[1] - len(node.attr), file.span(node)[1], "bfloat16"))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "half":
            if not node.args and not file.qualified(node.func):
                end = file.span(node.func)[1]
                edits.append(Edit(file, end - len("half"), end, "bfloat16"))
    if edits:
        yield edits


