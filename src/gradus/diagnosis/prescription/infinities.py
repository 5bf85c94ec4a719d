"""Fixes of masks of -inf, where what they hide is multiplied by 0 or is all there is."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import binding
from gradus.diagnosis.prescription.edits import Edit, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import SourceFile
from gradus.diagnosis.prescription.rewriting import unique

_FILL = {"masked_fill", "masked_fill_", "where", "full", "full_like", "new_full", "fill_", "tensor", "as_tensor"}
_INFINITE = {"inf", "infinity", "+inf"}
_MET = {"LogSoftmax", "Logsumexp", "Softmax"}
"""What a number that is none was traced to, where a mask made it so."""


@fix("stable-loss")
def finite_mask(case: Case) -> Iterator[Sequence[Edit]]:
    """-1e9 for the -inf of a mask: a softmax makes 0 of it just the same, and 0 times it is 0."""
    first = case.history.non_finite
    losses = (loss for each in case.history.examinations for loss in each.losses)
    if first is None or not (first.operation in _MET or any(each.times_infinity for each in losses)):
        return
    edits: list[Edit] = []
    for file, node in case.program.nodes():
        for filled in _fillings(file, node):
            found = _low(file, filled)
            edits += [replace(*found, "-1e9")] if found is not None else []
    if edits:
        yield unique(edits)


def _fillings(file: SourceFile, node: ast.AST) -> list[ast.expr]:
    """What a tensor may be filled with: what `masked_fill` and the like are given, or what is put in some places."""
    if isinstance(node, ast.Call):
        name = file.qualified(node.func) or ast.unparse(node.func)
        given = [*node.args, *(each.value for each in node.keywords)]
        return given if name.rpartition(".")[2] in _FILL else []
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        return [node.value]
    return []


def _low(file: SourceFile, node: ast.expr) -> tuple[SourceFile, ast.expr] | None:
    """Where -inf is written; None if it is something else."""
    if _is_low(file, node):
        return file, node
    bound = binding(file, node) if isinstance(node, ast.Name | ast.Attribute) else None
    if bound is not None and bound.item is None and _is_low(bound.file, bound.value):
        return bound.file, bound.value
    return None


def _is_low(file: SourceFile, node: ast.expr) -> bool:
    """`float("-inf")`, `-float("inf")`, `-math.inf`."""
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Name() | ast.Attribute() as named):
            return file.qualified(named) in {"math.inf", "torch.inf", "numpy.inf"}
        case ast.UnaryOp(
            op=ast.USub(), operand=ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str(text))])
        ):
            return text.lower() in _INFINITE
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str(text))]):
            return text.lower() in {f"-{each}" for each in _INFINITE}
    return False
