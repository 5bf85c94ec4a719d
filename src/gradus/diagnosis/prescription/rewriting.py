"""Taking an operation out of a program, or putting one around an expression."""

import ast
import re

from gradus.diagnosis.prescription.edits import Edit, delete, imported, replace
from gradus.diagnosis.prescription.flow import Operation
from gradus.diagnosis.prescription.modules import Module
from gradus.diagnosis.prescription.program import Found, Program, SourceFile

_ATOMS = (ast.Name, ast.Call, ast.Attribute, ast.Subscript, ast.Constant, ast.Tuple, ast.List)
_LOOSE = (ast.Assign, ast.AnnAssign, ast.Return, ast.Call, ast.keyword, ast.Tuple, ast.NamedExpr)


def bypass(program: Program, operation: Operation) -> list[Edit]:
    """What passes through the operation goes past it; [] if it cannot be taken out."""
    module, file = operation.module, operation.value.file
    if module is not None and module.element is not None:
        return without_element(module)
    call = operation.value.node
    if not isinstance(call, ast.Call) or not operation.inputs:
        return []
    inner = operation.inputs[0].node
    statement = file.statement(call)
    if isinstance(statement, ast.Assign) and statement.value is call and len(statement.targets) == 1:
        if ast.unparse(statement.targets[0]) == ast.unparse(inner):
            return [delete(file, statement), *_unused(program, operation)]
    return [*instead(file, call, inner), *_unused(program, operation)]


def instead(file: SourceFile, outer: ast.expr, inner: ast.expr) -> list[Edit]:
    """`inner` in place of `outer`, as two cuts, so that `inner` itself may be edited."""
    start, end = file.span(outer)
    first, last = file.span(inner)
    tight = not isinstance(inner, _ATOMS) and not isinstance(file.parents[outer], _LOOSE)
    left, right = ("(", ")") if tight else ("", "")
    return [Edit(file, start, first, left), Edit(file, last, end, right)]


def _unused(program: Program, operation: Operation) -> list[Edit]:
    """Take away `self.softmax = nn.Softmax()` whose one use is gone."""
    module, call = operation.module, operation.value.node
    if module is None or not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name | ast.Attribute):
        return []
    name = ast.unparse(call.func)
    last = name.rpartition(".")[2]
    made = module.file.statement(module.node)
    if not isinstance(made, ast.Assign) or made.value is not module.node or len(made.targets) != 1:
        return []
    uses = sum(
        (isinstance(node, ast.Attribute) and node.attr == last) or (isinstance(node, ast.Name) and node.id == last)
        for _, node in program.nodes()
    )
    return [delete(module.file, made)] if uses == 2 else []


def without_element(module: Module) -> list[Edit]:
    """A sequence without one of its layers."""
    file, element = module.file, module.element
    if isinstance(element, ast.stmt):
        return [delete(file, element)] if not isinstance(element, ast.AugAssign) else []
    assert element is not None
    start, end = file.span(element)
    behind = re.match(r"\s*,[ \t]*", file.text[end:])
    before = re.search(r",\s*$", file.text[:start])
    line_start = file.text.rfind("\n", 0, start) + 1
    if behind is not None:
        end += behind.end()
        alone = not file.text[line_start:start].strip()
        rest = re.match(r"[ \t]*(#[^\n]*)?\n", file.text[end:])
        if alone and rest is not None:
            return [Edit(file, line_start, end + rest.end(), "")]
        if not alone and rest is not None and before is not None:
            return [Edit(file, before.start(), end - behind.end(), "")]
        return [Edit(file, start, end, "")]
    return [Edit(file, before.start() if before is not None else start, end, "")]


def around(file: SourceFile, node: ast.expr, function: str, arguments: str = "") -> list[Edit]:
    """`function(node, arguments)`; a function by its full name, imported where it must be."""
    name, more = imported(file, function)
    start, end = file.span(node)
    return [Edit(file, start, start, f"{name}("), Edit(file, end, end, f"{arguments})"), *more]


def behind(file: SourceFile, node: ast.expr, text: str) -> list[Edit]:
    """`node.method()`: `text` behind an expression, in brackets if it needs them."""
    start, end = file.span(node)
    if isinstance(node, _ATOMS) or (file.text[start - 1 : start] == "(" and file.text[end : end + 1] == ")"
                                    and not isinstance(file.parents[node], ast.Call)):  # fmt: skip
        place = end if isinstance(node, _ATOMS) else end + 1
        return [Edit(file, place, place, text)]
    return [Edit(file, start, start, "("), Edit(file, end, end, f"){text}")]


def renamed(call: Found, function: str) -> list[Edit]:
    """Another function or class is called, with the same arguments."""
    file, called = call.file, call.node.func
    if isinstance(called, ast.Attribute) and file.qualified(called):
        start, end = file.span(called)
        old = file.qualified(called)
        if old.rpartition(".")[0] == function.rpartition(".")[0]:
            return [Edit(file, end - len(called.attr), end, function.rpartition(".")[2])]
        name, more = imported(file, function)
        return [Edit(file, start, end, name), *more]
    if isinstance(called, ast.Attribute):  # a method: its name alone
        end = file.span(called)[1]
        return [Edit(file, end - len(called.attr), end, function.rpartition(".")[2])]
    name, more = imported(file, function)
    return [replace(file, called, name), *more]


def unique(edits: list[Edit]) -> list[Edit]:
    """Each edit once."""
    return list(dict.fromkeys(edits))
