"""Fixes of arithmetic that gives infinities and NaN: logarithms of 0, roots at 0, quotients by 0."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import binding
from gradus.diagnosis.prescription.edits import Edit, after, before, imported, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.flow import (
    LAYERS,
    SHAPING,
    below,
    leads_to_layers,
    nearest,
    operations,
    training_losses,
)
from gradus.diagnosis.prescription.program import Program, SourceFile
from gradus.diagnosis.prescription.quotients import difference_of_logarithms, has_margin
from gradus.diagnosis.prescription.rewriting import behind, bypass, nested, renamed, unique, without_leftovers
from gradus.diagnosis.prescription.values import Operation, Value

_LOGS = {"log", "log2", "log10"}
BOUNDED = {"clamp", "clamp_min", "softplus", "exp", "maximum", "logsumexp", "norm", "normalize", "constant", "log1p"}
"""What has a bound of its own, or cannot be 0 but by underflow."""
_TOTALS = {"sum", "std", "norm", "var", "amax", "count_nonzero"}
_CAN_BE_ZERO = _TOTALS | {"sub", "mul", "abs", "pow", "square", "sqrt", "prod", "mean"}
_SAME = frozenset({"float", "to", "contiguous", "double"})
_PARTS = {"chunk", "split", "unbind"}


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
        yield without_leftovers(nested(every))
    yield from _compared_as_they_are(case)
    if len(every) > 1:
        yield from every


def _compared_as_they_are(case: Case) -> Iterator[Sequence[Edit]]:
    """`mse_loss(o, y)` for `mse_loss(o.log(), y.log())`: no margin helps where both may be negative."""
    for loss in training_losses(case):
        for each in below(case.program, loss, layers=False):
            if len(each.inputs) < 2 or not (each.name == "sub" or each.name.endswith("_loss")):
                continue
            sides = [
                [made for made in operations(case.program, side) if made.name in _LOGS | {"sqrt"}]
                for side in each.inputs[:2]
            ]
            edits = [edit for side in sides for made in side for edit in bypass(case.program, made)]
            if all(sides) and edits:
                yield unique(edits)


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
    return []


def _log(program: Program, operation: Operation) -> list[Edit]:
    """`log_softmax`, `logsigmoid`, `logsumexp` where the logarithm is of what these are of; else of a bounded value."""
    file, given = operation.value.file, operation.inputs[0]
    if not leads_to_layers(program, given):
        call = operation.call.node if operation.call is not None else None
        tensors = call is not None and not file.qualified(call.func).startswith(("math.", "numpy."))
        # q * log(q), as in a divergence: where q is 0 it is no number
        uses = [each for each in ast.walk(file.statement(given.node)) if ast.unparse(each) == ast.unparse(given.node)]
        return behind(file, given.node, ".clamp(min=1e-7)") if tensors and len(uses) > 1 else []
    # before any margin: where exponentials overflow, infinity by infinity is no number, and a clamp brings none back
    difference = difference_of_logarithms(program, operation)
    if difference:
        return difference
    for made in nearest(program, given, _SAME):
        if made.name in BOUNDED:
            return []
        if made.name == "add":
            return [] if has_margin(made) and not _unbounded(program, made) else _bounded_term(program, made, given)
        if made.name == "relu" or made.name in LAYERS or made.name in _PARTS:
            return positive(made, given)
        fused = fused_log(program, operation, made)
        if fused:
            return fused
    return behind(file, given.node, ".clamp(min=1e-7)")


def fused_log(program: Program, operation: Operation, made: Operation) -> list[Edit]:
    """The logarithm of what `made` gives, in one stable function; [] if there is none."""
    node = operation.value.node
    if operation.name != "log" or not isinstance(node, ast.Call) or not _visible(operation, made):
        return []
    if made.name in {"softmax", "sigmoid"} and made.module is None:
        axis = made.argument(1, "dim")
        if made.name == "sigmoid":
            return _called(operation, "torch.nn.functional.logsigmoid", made.inputs[0])
        return _called(operation, "torch.log_softmax", made.inputs[0], f", dim={ast.unparse(axis) if axis else '1'}")
    if made.name == "sub" and _is_one(made.inputs[0]):
        for other in nearest(program, made.inputs[1], _SAME):
            if other.name == "sigmoid" and other.module is None and _visible(operation, other):
                return _called(operation, "torch.nn.functional.logsigmoid", other.inputs[0], negative=True)
    if made.name == "add" and any(_is_one(each) for each in made.inputs):
        for term in made.inputs:
            for other in nearest(program, term, _SAME):
                if other.name == "exp" and _visible(operation, other):
                    return _called(operation, "torch.nn.functional.softplus", other.inputs[0])
    if made.name == "sum":
        axis, kept = made.argument(1, "dim"), made.argument(2, "keepdim")
        for other in operations(program, made.inputs[0]):
            if other.name == "exp" and axis is not None and _visible(operation, other):
                keep = f", keepdim={ast.unparse(kept)}" if kept is not None else ""
                return _called(operation, "torch.logsumexp", other.inputs[0], f", dim={ast.unparse(axis)}{keep}")
    return []


def _called(
    operation: Operation, function: str, given: Value, arguments: str = "", *, negative: bool = False
) -> list[Edit]:
    """`function(given, arguments)` for an operation; what would have to be computed twice gets a name first."""
    file, node = operation.value.file, operation.value.node
    name, edits = imported(file, function)
    text = file.code(given.node)
    statement = file.statement(given.node)
    if statement is not file.statement(node) and any(isinstance(each, ast.Call) for each in ast.walk(given.node)):
        text = next(each for each in ("logits", "raw", "raw_output") if not _is_used(file, node, each))
        edits += [before(file, statement, f"{text} = {file.code(given.node)}"), replace(file, given.node, text)]
    atom = isinstance(given.node, ast.Name | ast.Call | ast.Attribute | ast.Subscript) or text.isidentifier()
    text = f"-{text if atom else f'({text})'}" if negative else text
    return [*edits, replace(file, node, f"{name}({text}{arguments})")]


def _is_used(file: SourceFile, node: ast.AST, name: str) -> bool:
    return any(isinstance(each, ast.Name) and each.id == name for each in ast.walk(file.scope(node)))


def _unbounded(program: Program, made: Operation) -> bool:
    """Whether a term of a sum may be any number."""
    return any(each.name in LAYERS for term in made.inputs for each in nearest(program, term))


def _bounded_term(program: Program, made: Operation, given: Value) -> list[Edit]:
    """`log(x.clamp(min=0) + 1)` for `log(x + 1)`; else a bound on the whole."""
    for term in made.inputs:
        if any(each.name in LAYERS for each in nearest(program, term)):
            return behind(term.file, term.node, ".clamp(min=0)")
    return behind(given.file, given.node, ".clamp(min=1e-7)")


def _visible(operation: Operation, made: Operation) -> bool:
    """Whether what an operation was made from can be named where the other stands."""
    one, other = operation.value, made.value
    return one.file is other.file and one.file.scope(one.node) is other.file.scope(other.node)


def positive(made: Operation, given: Value) -> list[Edit]:
    """`softplus(x) + 1e-3`: positive, and with a slope, where a rectifier gives 0 and a layer any number."""
    call, file, node = made.call, made.value.file, made.value.node
    if call is None:
        return []
    if (made.module is not None and made.module.element is not None) or made.name in _PARTS:
        if made.name == "relu":
            return renamed(call, "torch.nn.Softplus")
        return _after_binding(given)
    function, edits = imported(file, "torch.nn.functional.softplus")
    inner = made.inputs[0].node if made.name == "relu" else node
    whole = f"{function}({file.code(inner)}) + 1e-3"
    tight = not isinstance(file.parents[node], ast.Assign | ast.Return | ast.Call | ast.Tuple | ast.keyword)
    return [replace(file, node, f"({whole})" if tight else whole), *edits]


def _after_binding(given: Value) -> list[Edit]:
    """The same where a value has got a name: behind the statement that names it."""
    file, bound = given.file, binding(given.file, given.node)
    if bound is None or not isinstance(given.node, ast.Name) or bound.looped:
        return []
    function, edits = imported(file, "torch.nn.functional.softplus")
    name = given.node.id
    return [after(file, bound.statement, f"{name} = {function}({name}) + 1e-3"), *edits]


def _above_zero(program: Program, operation: Operation, given: Value) -> list[Edit]:
    """A small number under the root, whose slope at 0 is infinite."""
    if not leads_to_layers(program, given):
        return []
    for made in nearest(program, given, _SAME):
        if made.name == "relu":
            return positive(made, given)
        if made.name in BOUNDED - {"norm", "normalize"} or has_margin(made):
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
    bracketed = file.text[start - 1 : start] == "(" and file.text[end : end + 1] == ")"
    if bracketed and not isinstance(node, ast.Tuple) and not isinstance(parent, ast.Call):
        return [Edit(file, end, end, f" + {margin}")]
    return [Edit(file, start, start, "("), Edit(file, end, end, f" + {margin})")]


def _divisor(program: Program, given: Value) -> list[Edit]:
    """A small number added to a divisor that can be 0, a count of what a mask leaves included."""
    learned = leads_to_layers(program, given)
    for made in nearest(program, given, _SAME):
        if made.name in LAYERS | {"relu"} - {"unknown", "module"}:
            return positive(made, given) if learned else []
        if made.name in (_CAN_BE_ZERO if learned else _TOTALS):
            return _plus(given, "1e-8")
    return []


def _within_one(program: Program, given: Value) -> list[Edit]:
    if not leads_to_layers(program, given) or any(each.name == "clamp" for each in nearest(program, given)):
        return []
    return behind(given.file, given.node, ".clamp(-1 + 1e-6, 1 - 1e-6)")


def _is_one(value: Value) -> bool:
    return isinstance(value.node, ast.Constant) and value.node.value == 1


def _is_root(operation: Operation) -> bool:
    exponent = operation.inputs[1].node if len(operation.inputs) > 1 else None
    return isinstance(exponent, ast.Constant) and isinstance(exponent.value, float) and 0 < exponent.value < 1


def _may_be_negative(program: Program, given: Value) -> bool:
    """Whether rounding can bring it below 0: a difference."""
    return any(each.name == "sub" for each in nearest(program, given, {*SHAPING, "sum", "mean"}))
