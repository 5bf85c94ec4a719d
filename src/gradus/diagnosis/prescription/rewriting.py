"""Taking an operation out of a program, or putting one around an expression."""

import ast
import re
from collections.abc import Iterable, Sequence

from gradus.diagnosis.prescription.bindings import Function
from gradus.diagnosis.prescription.edits import Edit, after, delete, imported, replace
from gradus.diagnosis.prescription.modules import Module, find_module
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.readers import is_load
from gradus.diagnosis.prescription.values import Operation, is_method

_ATOMS = (ast.Name, ast.Call, ast.Attribute, ast.Subscript, ast.Constant, ast.Tuple, ast.List)
_LOOSE = (ast.Assign, ast.AnnAssign, ast.Return, ast.Call, ast.keyword, ast.Tuple, ast.NamedExpr)


def bypass(program: Program, operation: Operation) -> list[Edit]:
    """What passes through the operation goes past it; [] if it cannot be taken out."""
    module, file = operation.module, operation.value.file
    if module is not None and module.element is not None:
        return without_element(program, module)
    call = operation.value.node
    if not isinstance(call, ast.Call) or not operation.inputs or operation.call is None:
        return []
    inner = operation.inputs[0].node
    if _repeats(file, call):
        return _not_in_last_turn(file, call, inner)
    statement: ast.stmt = file.statement(call)
    if isinstance(statement, ast.Assign) and statement.value is call and len(statement.targets) == 1:
        target = ast.unparse(statement.targets[0])
        if target == ast.unparse(inner):
            parent = file.parents[statement]
            if isinstance(parent, ast.If) and parent.body == [statement] and not parent.orelse:
                statement = parent
            return [delete(file, statement), *_unused(program, operation)]
        uses = [each for each in ast.walk(file.scope(statement)) if is_load(each, target)]
        if len(uses) == 1 and isinstance(inner, ast.Name):
            return [delete(file, statement), replace(file, uses[0], inner.id), *_unused(program, operation)]
    return [*instead(file, call, inner), *_unused(program, operation)]


def _repeats(file: SourceFile, node: ast.AST) -> bool:
    """Whether a node lies in a loop over layers: one that calls what it goes over, or an item by its number."""
    for loop in file.loops(node):
        targets = {each.id for each in ast.walk(getattr(loop, "target", loop)) if isinstance(each, ast.Name)}
        for each in ast.walk(loop):
            called = each.func if isinstance(each, ast.Call) else None
            number = called.slice if isinstance(called, ast.Subscript) else None
            if isinstance(loop, ast.For) and any(
                isinstance(name, ast.Name) and name.id in targets for name in (called, number)
            ):
                return True
    return False


def _not_in_last_turn(file: SourceFile, outer: ast.Call, inner: ast.expr) -> list[Edit]:
    """The last layer by itself, behind a loop over those before it."""
    loop = file.loops(outer)[0]
    if not isinstance(loop, ast.For) or not isinstance(loop.iter, ast.Name | ast.Attribute) or loop.orelse:
        return []
    if not isinstance(loop.target, ast.Name) or any(not isinstance(each, ast.Assign) for each in loop.body):
        return []
    layers = file.code(loop.iter)
    lines = []
    for each in loop.body:
        text = file.code(each)
        if each is file.statement(outer):
            if isinstance(each, ast.Assign) and each.value is outer and file.code(each.targets[0]) == file.code(inner):
                continue
            text = text.replace(file.code(outer), file.code(inner))
        lines.append(re.sub(rf"\b{loop.target.id}\b", f"{layers}[-1]", text))
    end = file.span(loop.iter)[1]
    return [Edit(file, end, end, "[:-1]"), after(file, loop, "\n".join(lines))]


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


def without_brackets(file: SourceFile, node: ast.UnaryOp) -> list[Edit]:
    """`loss` for `(-loss)`, where it stands in brackets that it needs no more; [] where it does not.

    As two cuts, so that `loss` itself may be edited.
    """
    start, end = file.span(node)
    needless = isinstance(file.parents[node], ast.Attribute) and isinstance(node.operand, _ATOMS)
    if needless and file.text[start - 1] == "(" and file.text[end] == ")":
        first, last = file.span(node.operand)
        return [Edit(file, start - 1, first, ""), Edit(file, last, end + 1, "")]
    return []


def without_element(program: Program, module: Module) -> list[Edit]:
    """A sequence without one of its layers; without the last, where a loop adds them."""
    file, element = module.file, module.element
    if module.repeated:
        return _without_last(program, module)
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


def _without_last(program: Program, module: Module) -> list[Edit]:
    """`nn.Sequential(*layers[:-1])`."""
    for call in program.calls("torch.nn.Sequential"):
        made = find_module(program, call.file, call.node)
        given = call.node.args[-1] if call.node.args else None
        if made is None or not made.layers or made.layers[-1].element is not module.element:
            continue
        if isinstance(given, ast.Starred) and isinstance(given.value, ast.Name | ast.Attribute):
            end = call.file.span(given)[1]
            return [Edit(call.file, end, end, "[:-1]")]
    return []


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
    if isinstance(called, ast.Attribute) and is_method(call):  # its name alone
        end = file.span(called)[1]
        return [Edit(file, end - len(called.attr), end, function.rpartition(".")[2])]
    name, more = imported(file, function if "." in function else f"torch.{function}")
    return [replace(file, called, name), *more]


def without_leftovers(edits: list[Edit]) -> list[Edit]:
    """The same, and without assignments to names that nothing reads any more."""
    files = {each.file for each in edits}
    gone = [
        delete(file, node)
        for file in files
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Assign)
        and len(node.targets) == 1
        and isinstance(node.targets[0], ast.Name)
        and isinstance(file.scope(node), Function)
        and _all_replaced(file, node, node.targets[0].id, edits)
    ]
    return [*edits, *gone]


def _all_replaced(file: SourceFile, statement: ast.Assign, name: str, edits: list[Edit]) -> bool:
    """Whether every use of a name lies in text that is replaced, and its own statement in none."""
    loads = [each for each in ast.walk(file.scope(statement)) if is_load(each, name)]
    if any(isinstance(above, ast.JoinedStr) for each in loads for above in file.above(each)):
        return False  # Python 3.11 does not tell places in f-strings
    uses = [file.span(each) for each in loads]
    texts = [(each.start, each.end) for each in edits if each.file is file and each.start < each.end]
    inside = [any(start <= use[0] and use[1] <= end for start, end in texts) for use in uses]
    touched = any(start < file.span(statement)[1] and file.span(statement)[0] < end for start, end in texts)
    kept = any(re.search(rf"\b{name}\b", each.text) for each in edits)
    return bool(uses) and all(inside) and not touched and not kept


def unique(edits: Iterable[Edit]) -> list[Edit]:
    """Each replacement and each import once; what is only put in stays as often as it is asked for."""
    kept: list[Edit] = []
    for each in edits:
        again = each in kept and (each.start < each.end or each.text.strip().startswith(("import ", "from ")))
        if not again:
            kept.append(each)
    return kept


def nested(groups: Iterable[Sequence[Edit]]) -> list[Edit]:
    """Edits of expressions that may lie in each other, the outer ones first: brackets close the other way round.

    What lies in text that an outer one replaces is left out.
    """
    taken: list[Sequence[Edit]] = []
    for group in groups:
        if not any(_within(each, other) for each in group for one in taken for other in one):
            taken.append(group)
    opening = [each for group in taken for each in group if not _closes(each)]
    closing = [each for group in reversed(taken) for each in group if _closes(each)]
    return unique([*opening, *closing])


def _within(edit: Edit, other: Edit) -> bool:
    return edit.file is other.file and other.start < other.end and other.start <= edit.start and edit.end <= other.end


def _closes(edit: Edit) -> bool:
    return edit.start == edit.end and not edit.text.endswith("(")
