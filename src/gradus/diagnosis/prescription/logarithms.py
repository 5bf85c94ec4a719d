"""Fixes of logarithms of data of which some are 0."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import function_around
from gradus.diagnosis.prescription.edits import Edit, atom, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.flow import LAYERS, below, nearest
from gradus.diagnosis.prescription.numbers import BOUNDED
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.quotients import has_margin
from gradus.diagnosis.prescription.rewriting import behind, renamed
from gradus.diagnosis.prescription.values import Value

_LOGS = ("log", "log2", "log10")


@fix("clean-data")
def log_of_one_more(case: Case) -> Iterator[Sequence[Edit]]:
    """The logarithm of one more than counts, of which some are 0, where the data are prepared: `log1p(counts)`."""
    first = case.history.non_finite
    if first is None or not first.infinite:
        return
    edits: list[Edit] = []
    for call in _logarithms(case.program):
        if not _while_training(call):
            edits += _of_one_more(call)
    if edits:
        yield edits


@fix("clean-data")
def log_of_data_with_a_bound(case: Case) -> Iterator[Sequence[Edit]]:
    """A bound for data of which some are 0, where the training step or the model takes their logarithm."""
    first = case.history.non_finite
    if first is None or not first.infinite:
        return
    edits: list[Edit] = []
    for call in _logarithms(case.program):
        given = _under(call)
        tensors = not call.file.qualified(call.node.func).startswith("numpy.")
        if given is not None and tensors and _while_training(call) and _is_bare_data(case.program, call.file, given):
            edits += behind(call.file, given, ".clamp(min=1e-6)")
    if edits:
        yield edits


def _logarithms(program: Program) -> list[Found]:
    names = [f"{library}.{log}" for library in ("numpy", "torch") for log in _LOGS]
    return [*program.calls(*names), *program.methods(*_LOGS)]


def _while_training(call: Found) -> bool:
    function = function_around(call.file, call.node)
    return bool(call.file.loops(call.node)) or (function is not None and function.name == "forward")


def _is_bare_data(program: Program, file: SourceFile, given: ast.expr) -> bool:
    """Whether no layer has computed it, though it may be divided by what is learned, and nothing keeps it above 0."""
    value = Value(file, given)
    if any(each.name in LAYERS - {"parameter"} for each in below(program, value)):
        return False
    return not any(each.name in BOUNDED or has_margin(each) for each in nearest(program, value))


def _under(call: Found) -> ast.expr | None:
    """What a logarithm is taken of; None of `logger.log(line)`."""
    if call.file.qualified(call.node.func):
        return call.node.args[0] if call.node.args else None
    return None if call.node.args else call.receiver


def _of_one_more(call: Found) -> list[Edit]:
    """`np.log1p(x)`, `x.log1p()`; of the other bases, which have no such function, `np.log10(x + 1)`."""
    file, name, given = call.file, call.file.qualified(call.node.func), _under(call)
    if given is None:
        return []
    if name.endswith(".log") or (not name and ast.unparse(call.node.func).endswith(".log")):
        return renamed(call, f"{name or 'log'}1p")
    more = f"{atom(file, given)} + 1"
    bracketed = bool(name) or not isinstance(given, ast.Name | ast.Call | ast.Attribute | ast.Subscript)
    return [replace(file, given, more if bracketed else f"({more})")]
