"""Fixes of a graph that is cut between layers and loss."""

import ast
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from gradus.diagnosis.prescription.bindings import Function, attributes_in, binding, class_around
from gradus.diagnosis.prescription.callables import reached
from gradus.diagnosis.prescription.edits import Edit, delete, imported, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.flow import LAYERS, below, leads_to_layers, nearest, training_losses
from gradus.diagnosis.prescription.modes import without_gradients
from gradus.diagnosis.prescription.program import Program, SourceFile
from gradus.diagnosis.prescription.readers import is_load
from gradus.diagnosis.prescription.roles import is_module, training_steps
from gradus.diagnosis.prescription.roundtrip import FROM_NUMPY, TO_NUMPY, in_torch_alone, round_trip
from gradus.diagnosis.prescription.values import Operation, Value

_ASIDE = {"sample", "generate", "predict", "evaluate", "validate", "test", "accuracy", "update_target", "ema_update"}
"""Names of functions that want no gradients."""
_AS_NUMBERS = {"float", "double", "int", "long", "to", "type"}


@fix("keep-graph")
def keep_the_loss(case: Case) -> Iterator[Sequence[Edit]]:
    """The loss as it was computed, not one made anew from its number."""
    edits: list[Edit] = []
    for call in case.program.calls("torch.tensor", "torch.as_tensor", "torch.autograd.Variable", "torch.FloatTensor"):
        first = call.node.args[0] if call.node.args else None
        named = next((each for each in call.node.keywords if each.arg == "requires_grad"), None)
        known = isinstance(first, ast.Name | ast.Attribute | ast.Call) and named is not None
        if first is not None and known and _is_inside_of(case, call.file, call.node):
            collected = _collected(call.file, first)
            if collected:
                stack, more = imported(call.file, "torch.stack")
                edits += [replace(call.file, call.node, f"{stack}({call.file.code(first)})"), *more, *collected]
            else:
                edits += [
                    replace(call.file, call.node, in_torch_alone(call.file, first)),
                    *_made_number(call.file, first),
                ]
    for call in case.program.methods("requires_grad_"):
        if isinstance(call.statement, ast.Expr) and _is_inside_of(case, call.file, call.node) and not call.node.args:
            edits += [delete(call.file, call.statement)]
    if edits:
        yield edits


@fix("keep-graph")
def probabilities_not_decisions(case: Case) -> Iterator[Sequence[Edit]]:
    """`torch.sigmoid(x)` for `(torch.sigmoid(x) > 0.5).float()`, which has no slope, on the way to the loss."""
    edits: dict[int, Edit] = {}
    for file, region in _regions(case):
        for node in ast.walk(region):
            decided = _decided(file, node)
            if decided is not None and id(node) not in edits:
                value = Value(file, decided)
                names = {each.name for each in nearest(case.program, value)}
                text = file.code(decided)
                if names & LAYERS:
                    sigmoid, more = imported(file, "torch.sigmoid")
                    edits |= {id(each): each for each in more}
                    text = f"{sigmoid}({text})"
                if names & {"sigmoid", "softmax", *LAYERS}:
                    edits[id(node)] = replace(file, node, text)
    if edits:
        yield list(edits.values())


def _decided(file: SourceFile, node: ast.AST) -> ast.expr | None:
    """What a yes or no, as 1 or 0, is said of: `x` of `(x > 0.5).float()`, of `x.round()` and of `torch.round(x)`."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Compare(left=left, comparators=[ast.Constant()]), attr=kind)):
            return left if kind in _AS_NUMBERS else None
        case ast.Call(func=ast.Attribute(value=operand, attr="round"), args=[]):
            return operand
        case ast.Call(args=[operand]) if file.qualified(node.func) == "torch.round":
            return operand
    return None


@fix("keep-graph")
def let_gradients_through(case: Case) -> Iterator[Sequence[Edit]]:
    """Take away one by one what cuts the graph on the way to the loss, then all of it; first what cuts off layers."""
    way = {id(each.value.node): each for loss in training_losses(case) for each in below(case.program, loss)}
    needed: list[list[Edit]] = []
    others: list[list[Edit]] = []
    for file, region in _regions(case):
        for edits in (*_blocks(file, region), *round_trip(file, region), *_calls(file, region)):
            touched = _touched(file, region, edits, way)
            (needed if any(_is_computed(case.program, each) for each in touched) else others).append(edits)
    every = [*needed, *others]
    yield from every
    if len(every) > 1:
        yield [each for edits in every for each in edits]


def _touched(
    file: SourceFile, region: ast.AST, edits: Sequence[Edit], way: Mapping[int, Operation]
) -> Iterator[Operation]:
    """Operations that edits lie in or have within them; what decorates a function is said of all of it."""
    above = isinstance(region, Function) and edits[0].end <= file.span(region)[0]
    for node in ast.walk(region):
        if id(node) in way:
            start, end = file.span(node)
            if above or any(each.start < end and start < each.end for each in edits):
                yield way[id(node)]


def _is_computed(program: Program, made: Operation) -> bool:
    """Whether layers made a value, or what is cut off there."""
    values = made.inputs[:1] if made.name in TO_NUMPY else (made.value,)
    return any(leads_to_layers(program, each) for each in values)


def _made_number(file: SourceFile, name: ast.expr) -> list[Edit]:
    """What a name was bound to, without what makes a number of it."""
    bound = binding(file, name)
    if bound is None or bound.looped or bound.item is not None:
        return []
    text = in_torch_alone(file, bound.value)
    return [replace(file, bound.value, text)] if text != file.code(bound.value) else []


def _collected(file: SourceFile, name: ast.expr) -> list[Edit]:
    """Edits that make what is put into a list single tensors, where it was numbers."""
    bound = binding(file, name)
    if bound is None or not isinstance(bound.value, ast.List | ast.ListComp):
        return []
    elements = [bound.value.elt] if isinstance(bound.value, ast.ListComp) else bound.value.elts
    appended = [
        node.args[0]
        for node in ast.walk(file.scope(name))
        if isinstance(node, ast.Call)
        and len(node.args) == 1
        and ast.unparse(node.func) == f"{ast.unparse(name)}.append"
    ]
    edits: list[Edit] = []
    for each in [*elements, *appended]:
        match each:
            case (
                ast.Call(func=ast.Attribute(value=inner, attr="item"), args=[])
                | ast.Call(func=ast.Name(id="float"), args=[inner])
            ):
                whole = f"({file.code(inner)})" if isinstance(inner, ast.BinOp | ast.UnaryOp) else file.code(inner)
                edits.append(replace(file, each, f"{whole}.squeeze()"))
    return edits


def _is_inside_of(case: Case, file: SourceFile, node: ast.AST) -> bool:
    return any(file is home and any(each is node for each in ast.walk(region)) for home, region in _regions(case))


def _regions(case: Case) -> list[tuple[SourceFile, ast.AST]]:
    """Code on the way to the loss: the training loop up to the backward pass, what it calls, and modules' methods.

    What uses the module named in the finding, behind which the graph ends, comes first.
    """
    program = case.program
    found: dict[int, tuple[SourceFile, ast.AST]] = {}
    for file, node in program.nodes():
        if isinstance(node, Function) and node.name not in _ASIDE and node.name != "__init__":
            owner = class_around(file, node)
            if owner is not None and is_module(program, file, owner) and not _trains(node):
                found[id(node)] = (file, node)
    for training in training_steps(case):
        for statement in _before_backward(program, training.file, training.backward.node, training.around):
            found[id(statement)] = (training.file, statement)
            _enter(program, training.file, statement, found)
    finding = case.finding("detached-graph")
    path = [each for each in finding.where.split(".") if not each.isdigit()] if finding is not None else []
    last = path[-1] if path else ""
    return sorted(found.values(), key=lambda each: last not in attributes_in(each[1]))


def _enter(program: Program, file: SourceFile, node: ast.AST, found: dict[int, tuple[SourceFile, ast.AST]]) -> None:
    """Add the functions that are called there, and those that these call."""
    for each in ast.walk(node):
        enters = reached(program, file, each) if isinstance(each, ast.Call) else None
        if enters is None or id(enters[1]) in found or enters[1].name == "__init__" or _trains(enters[1]):
            continue
        found[id(enters[1])] = enters
        _enter(program, *enters, found)


def _trains(function: ast.AST) -> bool:
    return "backward" in attributes_in(function)


def _before_backward(program: Program, file: SourceFile, backward: ast.AST, around: ast.AST) -> list[ast.stmt]:
    """Statements of the loop that lead to the loss: those whose names it needs, directly or not."""
    body = [each for each in getattr(around, "body", []) if each.lineno <= backward.lineno]  # type: ignore[attr-defined]
    needed = {each.id for each in ast.walk(file.statement(backward)) if isinstance(each, ast.Name)}
    found: list[ast.stmt] = []
    for statement in reversed(body):
        stored = {
            each.id for each in ast.walk(statement) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
        }
        if stored & needed or any(each is backward for each in ast.walk(statement)):
            needed |= {each.id for each in ast.walk(statement) if isinstance(each, ast.Name)}
            found.append(statement)
    return found[::-1]


# ---- what cuts ------------------------------------------------------------------------------------------------------


def _blocks(file: SourceFile, region: ast.AST) -> Iterator[list[Edit]]:
    """`with torch.no_grad():` around layers, and the decorator."""
    for node in ast.walk(region):
        if isinstance(node, ast.With) and without_gradients(file, node) and _computes(node):
            yield [unwrapped(file, node)]
    if isinstance(region, Function):
        for mark in region.decorator_list:
            call = mark.func if isinstance(mark, ast.Call) else mark
            if file.qualified(call) in {"torch.no_grad", "torch.inference_mode"}:
                start, end = file.span(mark)
                line = file.text.rfind("\n", 0, start) + 1
                yield [Edit(file, line, file.text.find("\n", end) + 1, "")]


def _computes(block: ast.With) -> bool:
    """Whether it binds or returns something rather than changes it in place, as an average of weights does."""
    return any(
        isinstance(each, ast.Return)
        or (isinstance(each, ast.Assign) and not isinstance(each.targets[0], ast.Subscript))
        for each in block.body
    )


def unwrapped(file: SourceFile, block: ast.With | ast.If) -> Edit:
    """What stands in a block, without what is around it."""
    start, end = file.span(block)
    margin = file.text[file.text.rfind("\n", 0, start) + 1 : start]
    first, last = block.body[0], block.body[-1]
    if first.lineno == block.lineno:
        return Edit(file, start, end, file.text[file.span(first)[0] : file.span(last)[1]])
    begin = file.text.rfind("\n", 0, file.span(first)[0]) + 1
    body = textwrap.dedent(file.text[begin:end])
    lines = body.splitlines()
    return Edit(file, start, end, "\n".join([lines[0], *(f"{margin}{each}" if each else "" for each in lines[1:])]))


def _calls(file: SourceFile, region: ast.AST) -> Iterator[list[Edit]]:
    """`.detach()`, `.data` and `.item()`, each by itself."""
    for node in ast.walk(region):
        cut = _cut(node)
        if cut is None or _through_numpy(file, node) or _is_guarded(file, region, node):
            continue
        statement = file.statement(node)
        itself = isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == ast.unparse(cut)
        if itself and getattr(statement, "value", None) is node:
            holder = file.parents[statement]
            alone = isinstance(holder, ast.If) and holder.body == [statement] and not holder.orelse
            yield [delete(file, holder if alone and isinstance(holder, ast.stmt) else statement)]
            continue
        if isinstance(statement, ast.Expr) and statement.value is node:
            yield [delete(file, statement)]
        else:
            yield [replace(file, node, file.code(cut))]


def _cut(node: ast.AST) -> ast.expr | None:
    """What is cut off from the graph there."""
    match node:
        case ast.Call(func=ast.Attribute(value=inner, attr="detach" | "detach_" | "item"), args=[]):
            return inner
        case ast.Attribute(value=inner, attr="data", ctx=ast.Load()):
            return inner
    return None


def _through_numpy(file: SourceFile, node: ast.AST) -> bool:
    """Whether it is a part of a way through NumPy and back, which is put right as a whole."""
    above = list(file.above(node))
    if isinstance(above[0], ast.Attribute) and above[0].attr in {"numpy", "cpu"}:
        return True
    return any(isinstance(each, ast.Call) and file.qualified(each.func) in FROM_NUMPY for each in above)


def _is_guarded(file: SourceFile, region: ast.AST, node: ast.AST) -> bool:
    """Where it belongs: `x + (q - x).detach()` lets gradients pass; totals and reports need none."""
    cut, statement = _cut(node), file.statement(node)
    if isinstance(cut, ast.BinOp) and isinstance(cut.op, ast.Sub):
        return True
    is_number = ast.unparse(node).endswith(".item()")  # a list of numbers is mended as a whole, by `keep_the_loss`
    if not is_number and _is_handed_on(file, region, _grown(statement)):
        return False
    needed = "backward" in ast.unparse(statement) or "detach_" in ast.unparse(node)
    return isinstance(statement, ast.AugAssign) or (isinstance(statement, ast.Expr) and not needed)


def _grown(statement: ast.stmt) -> str:
    """The name of the list or sum that a statement adds to."""
    match statement:
        case ast.AugAssign(target=ast.Name(id=name)):
            return name
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append" | "extend" | "insert"))):
            return name
    return ""


def _is_handed_on(file: SourceFile, region: ast.AST, name: str) -> bool:
    """Whether a function computes with what it has gathered under a name, or returns it."""
    used = (each for each in ast.walk(region) if is_load(each, name) and _grown(file.statement(each)) != name)
    return isinstance(region, Function) and any(
        isinstance(above, ast.Return) or (isinstance(above, ast.Call) and _in_torch(file.qualified(above.func)))
        for each in used
        for above in file.above(each)
    )


def _in_torch(name: str) -> bool:
    return name.startswith("torch.") and name not in FROM_NUMPY
