"""Fixes of labels that are cut to the length of inputs of which some rows were taken out."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import class_around
from gradus.diagnosis.prescription.edits import Edit, before, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import SourceFile

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
        for array, kept in assigned(node):
            cut = _cut_behind(file, node, ast.unparse(array))
            edits = _kept(file, node, array, kept, cut) if cut is not None else []
            if edits:
                yield edits


def assigned(node: ast.Assign) -> list[tuple[ast.expr, ast.expr]]:
    """Targets with their values; `a, b = c, d` has two."""
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return list(zip(target.elts, value.elts, strict=False))
    return [(target, value)]


def _cut_behind(file: SourceFile, statement: ast.Assign, array: str) -> ast.Subscript | None:
    """`y[:n]` of a statement `y = y[:n]` soon after, or in the same, of another array."""
    for block in (value for _, value in ast.iter_fields(file.parents[statement]) if isinstance(value, list)):
        if statement not in block:
            continue
        place = block.index(statement)
        for each in block[place : place + _NEAR]:
            for target, value in assigned(each) if isinstance(each, ast.Assign) else ():
                begins = isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Slice)
                if begins and ast.unparse(target) != array and _is_beginning_of(value, target):
                    assert isinstance(value, ast.Subscript)
                    return value
    return None


def _is_beginning_of(value: ast.expr, target: ast.expr) -> bool:
    return (
        isinstance(value, ast.Subscript)
        and isinstance(value.slice, ast.Slice)
        and value.slice.lower is None
        and value.slice.step is None
        and value.slice.upper is not None
        and not isinstance(value.slice.upper, ast.Constant)
        and ast.unparse(value.value) == ast.unparse(target)
    )


def _kept(file: SourceFile, statement: ast.Assign, array: ast.expr, kept: ast.expr, cut: ast.Subscript) -> list[Edit]:
    name = ast.unparse(array)
    alone = statement.targets[0] is array
    rows = _free(file)
    if (
        isinstance(kept, ast.Call)
        and file.qualified(kept.func) == "numpy.unique"
        and alone
        and _of(kept.args[:1], name)
    ):
        end = file.span(kept)[1] - 1
        return [
            replace(file, array, f"{file.code(array)}, {rows}"),
            Edit(file, end, end, ", return_index=True"),
            replace(file, cut.slice, rows),
        ]
    if isinstance(kept, ast.Subscript) and _of([kept.value], name) and not isinstance(kept.slice, ast.Slice):
        if isinstance(kept.slice, ast.Name):
            return [replace(file, cut.slice, kept.slice.id)]
        if isinstance(kept.slice, ast.Tuple):  # columns
            return []
        named = before(file, statement, f"{rows} = {file.code(kept.slice)}")
        return [named, replace(file, kept.slice, rows), replace(file, cut.slice, rows)]
    called = kept.func if isinstance(kept, ast.Call) else None
    if isinstance(called, ast.Attribute) and called.attr in _BY_INDEX and _of([called.value], name):
        return [replace(file, cut, f"{file.code(cut.value)}.loc[{name}.index]")]
    return []


def _of(given: Sequence[ast.expr], name: str) -> bool:
    return [ast.unparse(each) for each in given] == [name]


def _free(file: SourceFile) -> str:
    used = {each.id for each in ast.walk(file.tree) if isinstance(each, ast.Name)}
    return next(each for each in ("kept", "kept_rows", "first_rows", "rows_kept") if each not in used)
