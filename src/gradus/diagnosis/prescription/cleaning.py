"""Fixes of inputs that are no numbers, or hold no information."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.batches import (
    held_out_inputs,
    training_inputs,
)
from gradus.diagnosis.prescription.bindings import (
    Function,
    binding,
)
from gradus.diagnosis.prescription.edits import Edit, after, imported, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import SourceFile
from gradus.diagnosis.prescription.scaling import scale_arrays

_LOGS = {"torch.log": "torch.log1p", "numpy.log": "numpy.log1p"}


@fix("clean-data")
def log_of_one_more(case: Case) -> Iterator[Sequence[Edit]]:
    """`log1p` for counts, of which some are 0, where the data are prepared."""
    first = case.history.non_finite
    if first is None or not first.infinite:
        return
    edits: list[Edit] = []
    for call in case.program.calls(*_LOGS):
        function = next((each for each in call.file.above(call.node) if isinstance(each, Function)), None)
        if call.file.loops(call.node) or (function is not None and function.name == "forward"):
            continue
        name, more = imported(call.file, _LOGS[call.file.qualified(call.node.func)])
        edits += [replace(call.file, call.node.func, name), *more]
    if edits:
        yield edits


@fix("clean-data")
def replace_missing_numbers(case: Case) -> Iterator[Sequence[Edit]]:
    """`nan_to_num` behind the statement that prepares the array last: of scaled data 0 is the mean."""
    train = training_inputs(case)
    bound = train.bound if train is not None else None
    if train is None or bound is None:
        return
    edits: list[Edit] = []
    sources = {ast.unparse(each.base): each for each in (train, *held_out_inputs(case))}
    for name, each in sources.items():
        place = each.bound
        if place is not None and each.file is train.file:
            cleaner, more = imported(each.file, f"{_library(each.file, place.value)}.nan_to_num")
            edits += [after(each.file, place.statement, f"{name} = {cleaner}({name}, nan=0.0, posinf=0.0, neginf=0.0)")]
            edits += more
    yield edits


def _library(file: SourceFile, value: ast.expr) -> str:
    """Whichever of torch and NumPy made a value."""
    for each in ast.walk(value):
        name = file.qualified(each) if isinstance(each, ast.Attribute | ast.Name) else ""
        if name.startswith(("torch.", "numpy.")):
            return name.partition(".")[0]
        found = binding(file, each) if isinstance(each, ast.Name) else None
        if found is not None and found.value is not value:
            return _library(file, found.value)
    return "numpy" if "numpy" in file.imports.values() and "torch" not in file.imports.values() else "torch"


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
