"""Fixes of what is read of a recurrent layer: all its states instead of the last."""

import ast
import re
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import binding, bindings
from gradus.diagnosis.prescription.edits import Edit, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import Found, SourceFile

_RECURRENT = r"torch\.nn\.(RNN|GRU|LSTM)"
_LAST = {"{}[:, -1]": 1, "{}[:, -1, :]": 1, "{}[:, -1, ...]": 1, "{}[-1]": 0, "{}[-1, :]": 0, "{}[-1, :, :]": 0}
"""How the last state is taken from all of them, with the axis of time."""
_FINAL = ("{}[-1]", "{}[0]", "{}.squeeze(0)", "{}.squeeze()", "{}[-1, :, :]", "{}[-1, :]")
"""How it is taken from what the layer gives beside them."""


@fix("pool-over-time")
def pool(case: Case) -> Iterator[Sequence[Edit]]:
    """`states[:, -1]`, or `h[-1]` of `_, h = self.rnn(x)`: the largest value of each unit over all steps."""
    edits = [edit for file, node in case.program.nodes() for edit in _pooled(file, node)]
    if edits:
        yield edits


def _pooled(file: SourceFile, node: ast.AST) -> Iterator[Edit]:
    if isinstance(node, ast.Subscript):
        states = _states(file, node.value)
        if states is not None and _LAST.get(_form(node, node.value)) == _axis(states):
            yield replace(file, node, f"{file.code(node.value)}.amax({_axis(states)})")
    elif isinstance(node, ast.Assign) and len(node.targets) == 1:
        yield from _instead_of_final(file, node)


def _states(file: SourceFile, node: ast.expr) -> Found | None:
    """The recurrent layer whose states at all steps an expression is."""
    if isinstance(node, ast.Subscript) and ast.unparse(node.slice) == "0":  # self.rnn(x)[0]
        return _layer(file, node.value)
    bound = binding(file, node)
    if bound is None or bound.looped or bound.file is not file:
        return None
    if bound.item is None:
        return _states(file, bound.value) if isinstance(bound.value, ast.Subscript) else None
    return _layer(file, bound.value) if bound.item == 0 else None


def _layer(file: SourceFile, node: ast.expr) -> Found | None:
    """Where the recurrent layer is made that an expression calls."""
    made = bindings(file, ast.unparse(node.func)) if isinstance(node, ast.Call) else []
    value = made[-1].value if made and made[-1].item is None else None
    if isinstance(value, ast.Call) and re.fullmatch(_RECURRENT, file.qualified(value.func)):
        return Found(file, value)
    return None


def _axis(layer: Found) -> int:
    first = layer.argument(4, "batch_first")
    return int(isinstance(first, ast.Constant) and first.value is True)


def _form(node: ast.expr, inner: ast.expr) -> str:
    return ast.unparse(node).replace(ast.unparse(inner), "{}", 1)


def _instead_of_final(file: SourceFile, node: ast.Assign) -> Iterator[Edit]:
    """`_, h = self.rnn(x)` or `_, (h, c) = self.lstm(x)`, of which `h` is used in no other way."""
    target, layer = node.targets[0], _layer(file, node.value)
    if layer is None or not isinstance(target, ast.Tuple) or len(target.elts) != 2:
        return
    states, final = target.elts
    if isinstance(final, ast.Tuple):
        final = final.elts[0]
    if not isinstance(states, ast.Name) or not isinstance(final, ast.Name) or final.id == "_":
        return
    uses = [
        each
        for each in ast.walk(file.scope(node))
        if isinstance(each, ast.Name) and each.id == final.id and isinstance(each.ctx, ast.Load)
    ]
    read = [whole for each in uses if (whole := _read(file, each)) is not None]
    if not read or len(read) != len(uses) or layer.argument(6, "bidirectional") is not None:
        return
    name = states.id if states.id.strip("_") else "states"
    if name != states.id:
        yield replace(file, states, name)
    for each in read:
        yield replace(file, each, f"{name}.amax({_axis(layer)})")


def _read(file: SourceFile, use: ast.Name) -> ast.expr | None:
    """The expression that takes the state of the last layer from `h`."""
    above = file.parents.get(use)
    whole = file.parents.get(above) if isinstance(above, ast.Attribute) else above
    if not isinstance(whole, ast.Subscript | ast.Call):
        return None
    return whole if _form(whole, use) in _FINAL else None
