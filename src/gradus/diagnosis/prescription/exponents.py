"""Fixes of exponentials that overflow."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import bindings
from gradus.diagnosis.prescription.edits import Edit, imported, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.flow import below, leads_to_layers, nearest, training_losses
from gradus.diagnosis.prescription.losses import on_the_way
from gradus.diagnosis.prescription.numbers import fused_log
from gradus.diagnosis.prescription.program import Program, SourceFile
from gradus.diagnosis.prescription.quotients import difference_of_logarithms
from gradus.diagnosis.prescription.rewriting import behind, bypass, nested, unique, without_leftovers
from gradus.diagnosis.prescription.values import Operation, Value

_BOUNDED = {"clamp", "log_softmax", "logsigmoid", "tanh", "sigmoid", "neg"}


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
                edits = _softmax(quotient, each, sums[0]) or _less_largest(
                    each, ast.unparse(axis) if axis is not None else "-1"
                )
                if edits:
                    yield edits


def _softmax(quotient: Operation, exponential: Operation, total: Operation) -> list[Edit]:
    """`softmax(x, dim)` where the whole of it stands in one expression, or the exponential has a name there."""
    file, node, made = quotient.value.file, quotient.value.node, exponential.value
    axis, part, given = total.argument(1, "dim"), quotient.inputs[0].node, exponential.inputs[0].node
    if axis is None or made.file is not file:
        return []
    if made.node is not part:
        summed = total.inputs[0].node if total.inputs else part
        named = isinstance(part, ast.Name) and isinstance(summed, ast.Name) and part.id == summed.id
        if not named or file.scope(made.node) is not file.scope(node) or _bound_since(file, given, made.node, node):
            return []
    name, more = imported(file, "torch.softmax")
    edits = [replace(file, node, f"{name}({file.code(given)}, dim={ast.unparse(axis)})"), *more]
    return edits if made.node is part else without_leftovers(edits)


def _bound_since(file: SourceFile, given: ast.expr, since: ast.expr, until: ast.expr) -> bool:
    """Whether a name in an expression may stand for something else by then."""
    names = [each.id for each in ast.walk(given) if isinstance(each, ast.Name)]
    lines = [one.statement.lineno for each in names for one in bindings(file, each, file.scope(since))]
    return any(file.statement(since).lineno <= each < until.lineno for each in lines)


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
def logarithm_of_the_quotient(case: Case) -> Iterator[Sequence[Edit]]:
    """`x[y] - x.logsumexp(1)` for `log(e[y] / e.sum(1))` of `e = exp(x)`: wherever it is written, all at once."""
    program = case.program
    edits: list[Edit] = []
    for loss in training_losses(case):
        for each in below(program, loss):
            if each.name == "log" and each.inputs:
                edits += difference_of_logarithms(program, each)
    if edits:
        yield without_leftovers(unique(edits))


@fix("bound-exponent")
def with_its_logarithm(case: Case) -> Iterator[Sequence[Edit]]:
    """`logsumexp` and `softplus` for logarithms of exponentials: all at once, then one by one."""
    found: dict[tuple[int, int], list[Edit]] = {}
    for loss in training_losses(case):
        for each in below(case.program, loss):
            if each.name in {"log", "log1p"} and each.inputs:
                for made in nearest(case.program, each.inputs[0], {"float", "to"}):
                    edits = fused_log(case.program, each, made) if made.name in {"sum", "add"} else []
                    if edits:
                        found[id(each.value.file), id(each.value.node)] = edits
    every = list(found.values())
    if len(every) > 1:
        yield nested(every)
    yield from every


@fix("bound-exponent")
def loss_itself(case: Case) -> Iterator[Sequence[Edit]]:
    """A loss for its exponential, which is least where that is and whose slope does not grow with it."""
    program = case.program
    edits: list[Edit] = []
    for loss in training_losses(case):
        for each in on_the_way(program, loss):
            if each.name in {"exp", "exp2", "expm1"} and each.inputs and _is_a_loss(program, each.inputs[0]):
                edits += bypass(program, each)
    if edits:
        yield unique(edits)


def _is_a_loss(program: Program, value: Value) -> bool:
    """Whether a value is one of torch's losses, or one number made of many."""
    return any(
        each.name.endswith("_loss") or (each.name in {"mean", "sum"} and each.argument(1, "dim") is None)
        for each in on_the_way(program, value)
    )


@fix("bound-exponent")
def bounded(case: Case) -> Iterator[Sequence[Edit]]:
    """A clamp on what goes into `exp`: at 20, or else at 60, where `float32` has room left for sums."""
    program = case.program
    bare: list[Value] = []
    seen: set[int] = set()
    for loss in training_losses(case):
        for each in below(program, loss):
            if each.name not in {"exp", "exp2", "expm1", "cosh", "sinh"} or not each.inputs:
                continue
            given = each.inputs[0]
            if id(each.value.node) in seen or not leads_to_layers(program, given):
                continue
            seen.add(id(each.value.node))
            if not any(made.name in _BOUNDED for made in nearest(program, given)):
                bare.append(given)
    for most in (20, 60) if bare else ():
        yield unique(edit for each in bare for edit in behind(each.file, each.node, f".clamp(max={most})"))


@fix("bound-exponent")
def wider_numbers(case: Case) -> Iterator[Sequence[Edit]]:
    """`float32` for `float16`; in `autocast`, which does not take that, `bfloat16`, whose range is the same."""
    edits: list[Edit] = []
    for file, node in case.program.nodes():
        if isinstance(node, ast.Attribute) and file.qualified(node) in {"torch.float16", "torch.half"}:
            calls = [each for each in file.above(node) if isinstance(each, ast.Call)]
            mixed = bool(calls) and file.qualified(calls[0].func).endswith("autocast")
            end = file.span(node)[1]
            edits.append(Edit(file, end - len(node.attr), end, "bfloat16" if mixed else "float32"))
    for call in case.program.methods("half"):
        if not call.node.args:
            end = call.file.span(call.node.func)[1]
            edits.append(Edit(call.file, end - len("half"), end, "float"))
    if edits:
        yield edits
