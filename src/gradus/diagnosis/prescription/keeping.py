"""Fixes of labels that are cut to the length of inputs of which some rows were taken out."""

import ast
from collections.abc import Iterator, Sequence
from typing import TypeGuard

from gradus.diagnosis.prescription.bindings import assigned_parts, class_around
from gradus.diagnosis.prescription.edits import Edit, before, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import SourceFile
from gradus.diagnosis.prescription.scaling import free_names

_NEAR = 8
"""Statements between the two."""
_BY_INDEX = {"drop_duplicates", "dropna", "sample", "sort_values", "nlargest", "nsmallest", "query"}
"""Methods of tables after which each row keeps its label in the index."""


@fix("check-labels")
def keep_the_same_rows(case: Case) -> Iterator[Sequence[Edit]]:
    """`x = np.unique(x, axis=0)` or `x = x[good]`, and `y = y[:len(x)]`: labels of the rows that were kept."""
    for file, node in case.program.nodes():
        if not isinstance(node, ast.Assign) or file.loops(node) or class_around(file, node) is not None:
            continue
        for array, kept in assigned_parts(node):
            cut = _cut_behind(file, node, ast.unparse(array))
            edits = _kept(file, node, array, kept, cut) if cut is not None else []
            if edits:
                yield edits


def _cut_behind(file: SourceFile, statement: ast.Assign, array: str) -> ast.Subscript | None:
    """`y[:n]` of a statement `y = y[:n]` soon after, or in the same, of another array."""
    for block in (value for _, value in ast.iter_fields(file.parents[statement]) if isinstance(value, list)):
        if statement not in block:
            continue
        place = block.index(statement)
        for each in block[place : place + _NEAR]:
            for target, value in assigned_parts(each) if isinstance(each, ast.Assign) else ():
                if _is_beginning_of(value, target) and ast.unparse(target) != array:
                    return value
    return None


def _is_beginning_of(value: ast.expr, target: ast.expr) -> TypeGuard[ast.Subscript]:
    """Whether it is `y[:n]` of that `y`, and n is no number that stands there."""
    match value:
        case ast.Subscript(value=whole, slice=ast.Slice(lower=None, upper=ast.expr() as end, step=None)):
            return not isinstance(end, ast.Constant) and ast.unparse(whole) == ast.unparse(target)
    return False


def _kept(file: SourceFile, statement: ast.Assign, array: ast.expr, kept: ast.expr, cut: ast.Subscript) -> list[Edit]:
    """The cut by the rows that `kept` leaves of the array; [] where what it leaves are no rows of it."""
    name, alone = ast.unparse(array), statement.targets[0] is array
    (rows,) = free_names(file, "kept")
    match kept:
        case ast.Call(func=called, args=[whole, *_]) if file.qualified(called) == "numpy.unique":
            if alone and ast.unparse(whole) == name:
                end = file.span(kept)[1] - 1
                return [
                    replace(file, array, f"{file.code(array)}, {rows}"),
                    Edit(file, end, end, ", return_index=True"),
                    replace(file, cut.slice, rows),
                ]
        case ast.Subscript(slice=ast.Slice() | ast.Tuple()):  # a stretch of rows, or columns
            return []
        case ast.Subscript(value=whole, slice=chosen) if ast.unparse(whole) == name:
            if isinstance(chosen, ast.Name):
                return [replace(file, cut.slice, chosen.id)]
            named = before(file, statement, f"{rows} = {file.code(chosen)}")
            return [named, replace(file, chosen, rows), replace(file, cut.slice, rows)]
        case ast.Call(func=ast.Attribute(value=whole, attr=called)) if called in _BY_INDEX:
            if ast.unparse(whole) == name:
                return [replace(file, cut, f"{file.code(cut.value)}.loc[{name}.index]")]
    return []
