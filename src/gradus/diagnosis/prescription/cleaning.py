"""Fixes of inputs that hold no information."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.batches import (
    training_inputs,
)
from gradus.diagnosis.prescription.edits import Edit, imported, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import SourceFile
from gradus.diagnosis.prescription.scaling import scale_arrays

_WHOLE = {"torch.int", "torch.int8", "torch.int16", "torch.int32", "torch.int64", "torch.long", "torch.uint8"}


@fix("drop-constants")
def keep_fractions(case: Case) -> Iterator[Sequence[Edit]]:
    """Inputs that were cut to whole numbers on the way keep their fractions."""
    train = training_inputs(case)
    if train is None:
        return
    for file, node in case.program.nodes():
        if not isinstance(node, ast.Call) or file.loops(node):
            continue
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr == "float" and isinstance(called.value, ast.Call):
            inner = called.value
            given = next((each for each in inner.keywords if each.arg == "dtype"), None)
            if given is not None and file.qualified(given.value) in _WHOLE:
                real, more = imported(file, "torch.float32")
                made = file.code(inner).replace(file.code(given), f"dtype={real}")
                yield [replace(file, node, made), *more]
            elif isinstance(inner.func, ast.Attribute) and inner.func.attr in {"long", "int", "byte", "round"}:
                yield [replace(file, inner, file.code(inner.func.value))]
        if isinstance(called, ast.Attribute) and called.attr == "astype" and node.args:
            kind = ast.unparse(node.args[0])
            if kind in {"int", "np.int32", "np.int64", "np.uint8", "'int'", "'uint8'"} and _is_input(case, file, node):
                yield [replace(file, node, file.code(called.value))]


def _is_input(case: Case, file: SourceFile, node: ast.AST) -> bool:
    """Whether a statement binds the training array."""
    train = training_inputs(case)
    statement = file.statement(node)
    return (
        train is not None
        and isinstance(statement, ast.Assign)
        and any(ast.unparse(each) == ast.unparse(train.base) for each in statement.targets)
    )


@fix("drop-constants")
def scale_what_varies(case: Case) -> Iterator[Sequence[Edit]]:
    """Scale the columns: constants become 0, and what varies little is seen."""
    yield from scale_arrays(case)
