"""Logarithms of quotients of exponentials, as differences that no exponent overflows."""

import ast

from gradus.diagnosis.prescription.bindings import binding
from gradus.diagnosis.prescription.edits import Edit, atom, imported, replace
from gradus.diagnosis.prescription.flow import operations
from gradus.diagnosis.prescription.program import Program
from gradus.diagnosis.prescription.values import Operation, Value

_PICKING = {"diagonal", "diag", "gather", "squeeze", "unsqueeze", "view", "reshape", "flatten"}
_TINY = 1e-30


def difference_of_logarithms(program: Program, logarithm: Operation) -> list[Edit]:
    """The logarithm of a quotient of exponentials as a difference; [] where it is not written in one place."""
    if logarithm.name != "log" or not logarithm.inputs:
        return []
    for made in operations(program, _without_margin(program, logarithm.inputs[0])):
        edits = _difference(program, logarithm, made)
        if edits:
            return edits
    return []


def _difference(program: Program, logarithm: Operation, quotient: Operation) -> list[Edit]:
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
        kernel = _without_margin(program, Value(file, node))
        if kernel.node is not node:
            return _logsumexp(program, logarithm, kernel.node) if kernel.file is file else ("", [])
        if made.name == "add" and made.value.file is file:
            terms = [_logsumexp(program, logarithm, each.node)[0] for each in made.inputs]
            name, more = imported(file, "torch.logaddexp")
            return (f"{name}({terms[0]}, {terms[1]})" if all(terms) else ""), more
    return _of_exponent(program, logarithm, node), []


# ---- margins --------------------------------------------------------------------------------------------------------


def has_margin(made: Operation) -> bool:
    """Whether a small positive number has been added already."""
    return made.name == "add" and any(_is_small(each.node) for each in made.inputs)


def _without_margin(program: Program, given: Value) -> Value:
    """`x` of `x + 1e-8`; anything else as it is."""
    for made in operations(program, given):
        if has_margin(made):
            return next((each for each in made.inputs if not _is_small(each.node)), given)
    return given


def _is_small(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float) and node.value > _TINY
    return "eps" in ast.unparse(node).lower()
