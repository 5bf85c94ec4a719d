"""What is frozen, and fixes that let it learn."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import Function, parameters, passed
from gradus.diagnosis.prescription.callables import reached
from gradus.diagnosis.prescription.edits import Edit, delete, replace, with_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import Found, Program, SourceFile

Freeze = tuple[SourceFile, str, ast.stmt]
"""A file, what is frozen as it is written there, and the statement that does it."""


def frozen_receivers(program: Program) -> list[Freeze]:
    """Every place that freezes a model or a part of it."""
    found: list[Freeze] = []
    for file, node in program.nodes():
        if isinstance(node, ast.Call):
            found += _by_call(program, file, node)
        elif isinstance(node, ast.Assign) and _is_false(node.value) and isinstance(node.targets[0], ast.Attribute):
            target = node.targets[0]
            if target.attr == "requires_grad":
                found += _by_assignment(file, node, target.value)
    return found


def _by_call(program: Program, file: SourceFile, call: ast.Call) -> Iterator[Freeze]:
    called = call.func
    if isinstance(called, ast.Attribute) and called.attr == "requires_grad_" and call.args and _is_false(call.args[0]):
        yield from _by_assignment(file, file.statement(call), called.value)
        return
    enters = reached(program, file, call)
    if enters is None or not isinstance(file.statement(call), ast.Expr):
        return
    home, function = enters
    for inner in ast.walk(function):
        if not isinstance(inner, ast.For) or not _freezes(home, function, inner, Found(file, call)):
            continue
        names = {each.id for each in ast.walk(inner.iter) if isinstance(each, ast.Name)}
        for name in parameters(function):
            given = passed(home, function, name, Found(file, call))
            if name in names and given is not None:
                yield file, ast.unparse(given), file.statement(call)


def _freezes(home: SourceFile, function: Function, loop: ast.For, call: Found) -> bool:
    """Whether a loop of a function sets `requires_grad` to a parameter that this call gives as False."""
    for node in ast.walk(loop):
        value: ast.expr | None = None
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).endswith(".requires_grad"):
            value = node.value
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".requires_grad_") and node.args:
            value = node.args[0]
        if isinstance(value, ast.Name):
            given = passed(home, function, value.id, call)
            return given is not None and _is_false(given)
    return False


def _by_assignment(file: SourceFile, statement: ast.stmt, frozen: ast.expr) -> Iterator[Freeze]:
    """Of `p.requires_grad = False` in a loop over `model.parameters()`, the model."""
    loops = file.loops(statement)
    for loop in loops:
        if isinstance(loop, ast.For) and ast.unparse(frozen) in {
            each.id for each in ast.walk(loop.target) if isinstance(each, ast.Name)
        }:
            for each in ast.walk(loop.iter):
                if isinstance(each, ast.Attribute) and each.attr in {"parameters", "named_parameters", "modules"}:
                    yield file, ast.unparse(each.value), loop
                    return
            yield file, ast.unparse(loop.iter), loop
            return
    yield file, ast.unparse(frozen), statement


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


@fix("unfreeze")
def let_it_learn(case: Case) -> Iterator[Sequence[Edit]]:
    """Take away what freezes: first of what was found frozen, then all of it."""
    loop = case.history.loop
    places = loop.frozen_places or loop.kept_places
    named = {part for place in places for part in place.partition(":")[2].split(".") if part}
    every = [(frozen, _unfrozen(file, statement)) for file, frozen, statement in frozen_receivers(case.program)]
    every += _made_frozen(case.program)
    fitting = [each for each in every if each[0].rpartition(".")[2] in named]
    for chosen in (fitting, every):
        if chosen:
            yield [*dict.fromkeys(edit for _, edit in chosen), *_optimizers_of_parts(case)]


def _made_frozen(program: Program) -> Iterator[tuple[str, Edit]]:
    """The names of tables and parameters that are frozen where they are made, each with what makes it learn."""
    for call in program.calls("*.Embedding.from_pretrained", "*.EmbeddingBag.from_pretrained"):
        given = call.argument(1, "freeze")
        if given is None:
            yield _target(call), with_argument(call.file, call.node, "freeze", "False")
        elif not _is_false(given):
            yield _target(call), replace(call.file, given, "False")
    for call in program.calls("torch.nn.Parameter", "torch.nn.parameter.Parameter"):
        given = call.argument(1, "requires_grad")
        if given is not None and _is_false(given):
            yield _target(call), replace(call.file, given, "True")


def _target(call: Found) -> str:
    return ast.unparse(call.statement.targets[0]) if isinstance(call.statement, ast.Assign) else ""


def _unfrozen(file: SourceFile, statement: ast.stmt) -> Edit:
    """Without the statement; of a loop that does other things as well, without the one in it that freezes."""
    if isinstance(statement, ast.For):
        inner = [each for each in ast.walk(statement) if isinstance(each, ast.stmt) and each is not statement]
        acts = [each for each in inner if not isinstance(each, ast.If | ast.For)]
        freezing = [each for each in acts if "requires_grad" in ast.unparse(each)]
        if len(acts) > len(freezing) and freezing:
            return delete(file, freezing[0])
    elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
        call = statement.value  # model = Net().requires_grad_(False)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "requires_grad_":
            return replace(file, call, file.code(call.func.value))
    return delete(file, statement)


def _optimizers_of_parts(case: Case) -> Iterator[Edit]:
    """An optimizer that holds only a head of the model holds all of it, now that all of it learns."""
    for made in case.program.calls("torch.optim.*"):
        argument = made.argument(0, "params")
        if isinstance(argument, ast.Call) and isinstance(argument.func, ast.Attribute):
            part = argument.func.value
            if argument.func.attr == "parameters" and isinstance(part, ast.Attribute) and not _is_self(part):
                yield replace(made.file, argument, f"{made.file.code(part.value)}.parameters()")


def _is_self(part: ast.Attribute) -> bool:
    return isinstance(part.value, ast.Name) and part.value.id == "self"


@fix("unfreeze")
def let_all_learn(case: Case) -> Iterator[Sequence[Edit]]:
    """`p.requires_grad = name.startswith("head")` in a loop over parameters: True for all."""
    edits = []
    for file, node in case.program.nodes():
        match node:
            case (
                ast.Assign(targets=[ast.Attribute(attr="requires_grad"), *_], value=value)
                | ast.Call(func=ast.Attribute(attr="requires_grad_"), args=[value, *_])
            ):
                if isinstance(value, ast.Call | ast.Compare | ast.BoolOp | ast.UnaryOp) and file.loops(node):
                    edits.append(replace(file, value, "True"))
    if edits:
        yield edits
