"""Fixes of exponentials that overflow."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import binding
from gradus.diagnosis.prescription.edits import Edit, atom, imported, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.flow import below, leads_to_layers, nearest, operations, training_losses
from gradus.diagnosis.prescription.numbers import fused_log, without_margin
from gradus.diagnosis.prescription.program import Program
from gradus.diagnosis.prescription.rewriting import behind, nested, unique, without_leftovers
from gradus.diagnosis.prescription.values import Operation, Value

_PICKING = {"diagonal", "diag", "gather", "squeeze", "unsqueeze", "view", "reshape", "flatten"}
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
                edits = _softmax(quotient, each, axis) or _less_largest(
                    each, ast.unparse(axis) if axis is not None else "-1"
                )
                if edits:
                    yield edits


def _softmax(quotient: Operation, exponential: Operation, axis: ast.expr | None) -> list[Edit]:
    """`softmax(x, dim)` where the whole of it stands in one expression."""
    file, node = quotient.value.file, quotient.value.node
    if axis is None or exponential.value.node is not quotient.inputs[0].node or exponential.value.file is not file:
        return []
    name, more = imported(file, "torch.softmax")
    return [replace(file, node, f"{name}({file.code(exponential.inputs[0].node)}, dim={ast.unparse(axis)})"), *more]


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


@fix("bound-exponent", "stable-loss")
def logarithm_of_the_quotient(case: Case) -> Iterator[Sequence[Edit]]:
    """`x[y] - x.logsumexp(1)` for `log(e[y] / e.sum(1))` of `e = exp(x)`: wherever it is written, all at once.

    Where exponentials overflow, infinity by infinity is no number, and no margin or clamp brings one back.
    """
    program = case.program
    edits: list[Edit] = []
    for loss in training_losses(case):
        for each in below(program, loss):
            if each.name == "log" and each.inputs:
                for made in operations(program, without_margin(program, each.inputs[0])):
                    edits += _difference(program, each, made)
    if edits:
        yield without_leftovers(unique(edits))


def _difference(program: Program, logarithm: Operation, quotient: Operation) -> list[Edit]:
    """The logarithm of a quotient of exponentials as a difference; [] where it is not written in one place."""
    file, node = logarithm.value.file, logarithm.value.node
    if quotient.name != "div" or file.scope(quotient.value.node) is not file.scope(node):
        return []
    part, total = (each.node for each in quotient.inputs[:2])
    above, (whole, more) = _of_exponent(program, logarithm, part), _logsumexp(program, logarithm, total)
    return [replace(file, node, f"({above} - {whole})"), *more] if above and whole else []


def _of_exponent(program: Program, logarithm: Operation, node: ast.expr) -> str:
    """What picks numbers of `exp(x)`, picking them of x: `e.diagonal()`, `e[rows, y]`, a name of it; "" of others."""
    file, inner = logarithm.value.file, None
    for made in operations(program, Value(file, node)):
        visible = made.value.file is file and file.scope(made.value.node) is file.scope(logarithm.value.node)
        if made.name == "exp" and visible:
            return atom(file, made.inputs[0].node)
        if isinstance(node, ast.Call) and made.name in _PICKING and made.inputs:
            inner = made.inputs[0].node
    if isinstance(node, ast.Subscript):
        inner = node.value
    bound = binding(file, node) if isinstance(node, ast.Name) else None
    if bound is not None and bound.item is None and bound.file is file and not bound.looped:
        return _of_exponent(program, logarithm, bound.value)
    text = _of_exponent(program, logarithm, inner) if inner is not None else ""
    if inner is None or not text:
        return ""
    start, (first, last) = file.span(node)[0], file.span(inner)
    return f"{file.code(node)[: first - start]}{text}{file.code(node)[last - start :]}"


def _logsumexp(program: Program, logarithm: Operation, node: ast.expr) -> tuple[str, list[Edit]]:
    """`x.logsumexp(1)` of `exp(x).sum(1)`, `logaddexp` of two such terms, and imports that are needed."""
    file = logarithm.value.file
    for made in operations(program, Value(file, node)):
        axis, kept = made.argument(1, "dim"), made.argument(2, "keepdim")
        if made.name == "sum" and axis is not None and made.value.file is file:
            given = _of_exponent(program, logarithm, made.inputs[0].node)
            keep = f", keepdim={file.code(kept)}" if kept is not None else ""
            return (f"{given}.logsumexp({file.code(axis)}{keep})" if given else ""), []
        kernel = without_margin(program, Value(file, node))
        if kernel.node is not node:
            return _logsumexp(program, logarithm, kernel.node) if kernel.file is file else ("", [])
        if made.name == "add" and made.value.file is file:
            terms = [_logsumexp(program, logarithm, each.node)[0] for each in made.inputs]
            name, more = imported(file, "torch.logaddexp")
            return (f"{name}({terms[0]}, {terms[1]})" if all(terms) else ""), more
    return _of_exponent(program, logarithm, node), []


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
