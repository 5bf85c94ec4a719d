"""Fixes of an optimizer that holds the parameters of a model as it was before."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gradus.diagnosis.prescription.bindings import (
    Function,
    binding,
    bindings,
    class_around,
    function_around,
    parameters,
    passed,
)
from gradus.diagnosis.prescription.callables import reached, reaching
from gradus.diagnosis.prescription.edits import Edit, after, before, delete, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.holding import held, optimizers, with_the_rest
from gradus.diagnosis.prescription.modules import find_module
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.roles import is_module, role, training_steps
from gradus.diagnosis.prescription.scaling import free_names

_BINDS_WEIGHTS = r"\.(weight|bias) = |\bParameter\(|\b_(modules|parameters)\b"


@dataclass(frozen=True)
class Kept:
    """A statement that binds an optimizer, made there or by a function, and the models it is of as written there."""

    file: SourceFile
    statement: ast.Assign
    models: tuple[str, ...]

    @property
    def name(self) -> str:
        return ast.unparse(self.statement.targets[0])


@fix("remake-optimizer")
def make_optimizer_last(case: Case) -> Iterator[Sequence[Edit]]:
    """Move the statement that makes the optimizer behind the one that makes the model anew, or has other layers."""
    for kept in _kept(case.program):
        file, statement = kept.file, kept.statement
        later = [each for model in kept.models for each in _made_anew(case.program, file, model, statement)]
        if not later:
            continue
        last = max(later, key=lambda each: each.lineno)
        moved, used = _followers(file, statement, last, kept.name)
        text = "\n".join(file.code(each) for each in moved)
        gone = [] if used else [delete(file, each) for each in moved]
        yield [*gone, after(file, last, text)]


@fix("remake-optimizer")
def hold_model_in_training(case: Case) -> Iterator[Sequence[Edit]]:
    """Give the optimizer the parameters of the model that runs in the loop, if it was made of another one's."""
    for training in training_steps(case):
        running = training.models(case.program)
        for made in optimizers(case.program):
            argument = made.argument(0, "params")
            if made.file is not training.file or argument is None or len(running) != 1:
                continue
            model = running[0]
            if model in held(made) or model.startswith("self"):
                continue
            file, statement = made.file, made.statement
            edit = replace(file, argument, f"{model}.parameters()")
            scope = file.scope(statement)
            bound = [each.statement for each in bindings(file, model, scope)]
            if not bound and model not in (parameters(scope) if isinstance(scope, Function) else []):
                continue
            if bound and bound[0].lineno > statement.lineno and isinstance(statement, ast.Assign):
                start = file.span(statement)[0]
                text = file.code(statement)
                text = text[: edit.start - start] + edit.text + text[edit.end - start :]
                yield [delete(file, statement), after(file, bound[-1], text)]
            else:
                yield [edit]


@fix("remake-optimizer")
def remake_for_what_is_trained(case: Case) -> Iterator[Sequence[Edit]]:
    """`train(copied, optimizer)`: the optimizer is made of what the call trains, if it was made of another model."""
    for training in training_steps(case):
        file, running, stepping = training.file, training.models(case.program), training.optimizers(case.program)
        function = function_around(file, training.backward.node)
        if function is None or len(running) != 1 or len(stepping) != 1:
            continue
        for call in reaching(case.program, function):
            model, optimizer = (passed(file, function, each, call) for each in (*running, *stepping))
            edit = _made_of(call, model, optimizer)
            if edit is not None:
                yield [edit]


def _made_of(call: Found, model: ast.expr | None, optimizer: ast.expr | None) -> Edit | None:
    """The statement that makes an optimizer once more before a call, with the parameters of the model."""
    bound = binding(call.file, optimizer) if optimizer is not None else None
    if model is None or bound is None or not isinstance(bound.value, ast.Call) or bound.looped:
        return None
    made, text = Found(bound.file, bound.value), ast.unparse(model)
    argument, parts = made.argument(0, "params"), held(made)
    itself = binding(call.file, model)
    same = {text, ast.unparse(itself.value) if itself is not None else text}
    if argument is None or not parts or any(each in same or each.startswith(f"{text}.") for each in parts):
        return None
    code = made.file.code(bound.statement).replace(made.file.code(argument), f"{text}.parameters()")
    return before(call.file, call.statement, code)


@fix("remake-optimizer")
def follow_model_made_elsewhere(case: Case) -> Iterator[Sequence[Edit]]:
    """Where another method makes the model anew, it makes the optimizer anew, too, or hands it the new parameters."""
    for kept in _kept(case.program):
        file, statement = kept.file, kept.statement
        owner = class_around(file, statement)
        if owner is None:
            continue
        home = file.scope(statement)
        local = {each.id for each in ast.walk(statement) if isinstance(each, ast.Name)}
        local &= set(parameters(home)) - {"self"} if isinstance(home, Function) else set()
        edits: list[Edit] = []
        for model in (each for each in kept.models if each.startswith("self.")):
            for again in ast.walk(owner):
                if not isinstance(again, ast.stmt) or file.scope(again) is home:
                    continue
                if _changes(case.program, file, again, model):
                    edits += [after(file, again, _handed(kept, again, model) if local else file.code(statement))]
        if edits:
            yield edits


@fix("remake-optimizer")
def follow_model_of_another(case: Case) -> Iterator[Sequence[Edit]]:
    """`session.net.grow(7)`: behind it, the optimizer of `session` is made as `session` itself makes it."""
    for kept in _kept(case.program):
        file, statement, owner = kept.file, kept.statement, class_around(kept.file, kept.statement)
        free = {each.id for each in ast.walk(statement) if isinstance(each, ast.Name)} - {"self"} - set(file.imports)
        if owner is None or free:
            continue
        for model in (each.removeprefix("self.") for each in kept.models if each.startswith("self.")):
            for again in [each for _, each in case.program.nodes() if isinstance(each, ast.Expr | ast.Assign)]:
                found = re.search(rf"\b([\w.]+)\.{re.escape(model)}\b", ast.unparse(again))
                outside = class_around(file, again) is not owner and again in file.parents
                if outside and found is not None and _changes(case.program, file, again, found[0]):
                    yield [after(file, again, re.sub(r"\bself\b", found[1], file.code(statement)))]


@fix("remake-optimizer")
def make_optimizer_before_training(case: Case) -> Iterator[Sequence[Edit]]:
    """Where it is not known what makes the model anew: the optimizer is made last of all before the loop."""
    loops = [(each.file, loop) for each in training_steps(case) for loop in each.loops[-1:]]
    for kept in _kept(case.program):
        file, statement = kept.file, kept.statement
        for loop in [loop for home, loop in loops if home is file and file.parents[loop] is file.parents[statement]]:
            moved, used = _followers(file, statement, loop, kept.name)
            if not used and _bound_anew(file, moved, loop, kept.models):
                text = "\n".join(file.code(each) for each in moved)
                yield [*(delete(file, each) for each in moved), before(file, loop, text)]


def _bound_anew(file: SourceFile, moved: Sequence[ast.stmt], loop: ast.stmt, models: Sequence[str]) -> bool:
    """Whether weights of the models are bound anew between the optimizer and the loop."""
    block = getattr(file.parents[loop], "body", [])
    between = [each for each in block if moved[0].lineno < each.lineno < loop.lineno and each not in moved]
    anew = [text for each in between if re.search(_BINDS_WEIGHTS, text := ast.unparse(each))]
    return any(re.search(rf"\b{re.escape(model)}\b", text) for text in anew for model in models)


def _handed(kept: Kept, again: ast.stmt, model: str) -> str:
    """The optimizer is given what is new: what was assigned, or what it does not hold of a model changed by a call."""
    if isinstance(again, ast.Assign):
        return f'{kept.name}.add_param_group({{"params": {ast.unparse(again.targets[0])}.parameters()}})'
    (taken,) = free_names(kept.file, "held")
    return with_the_rest(kept.name, model, taken)


def _kept(program: Program) -> list[Kept]:
    made = optimizers(program)
    found: list[Kept] = []
    for file, node in program.nodes():
        match node:
            case ast.Assign(targets=[ast.Name() | ast.Attribute()], value=ast.Call() as call):
                models = [model for each in made if each.node is call for model in held(each)]
                if not models and role(program, file, call) == "optimizer":
                    models = list(_held_by(program, file, call, made))
                found += [Kept(file, node, tuple(models))] if models else []
    return found


def _held_by(program: Program, file: SourceFile, call: ast.Call, made: Sequence[Found]) -> Iterator[str]:
    """Models of an optimizer that a function makes, as they are written where it is called."""
    enters = reached(program, file, call)
    if enters is None:
        return
    home, function = enters
    for model in [model for each in made if function in home.above(each.node) for model in held(each)]:
        base, dot, rest = model.partition(".")
        value = passed(home, function, base, Found(file, call))
        if base == "self" and isinstance(call.func, ast.Attribute):
            value = call.func.value
        if isinstance(value, ast.Name | ast.Attribute):
            yield f"{ast.unparse(value)}{dot}{rest}"


def _changes(program: Program, file: SourceFile, node: ast.AST, model: str) -> bool:
    """Whether a statement makes a model anew or gives it other layers, itself or in a function it calls."""
    if isinstance(node, ast.Assign) and any(_is_of(ast.unparse(each), model) for each in node.targets):
        return not _same_parameters(node, model) and not isinstance(node.value, ast.Constant)
    call = node.value if isinstance(node, ast.Expr | ast.Assign) else None
    return isinstance(call, ast.Call) and _changed_by(program, file, call, model)


def _is_of(text: str, model: str) -> bool:
    return text == model or text.startswith((f"{model}.", f"{model}["))


def _changed_by(program: Program, file: SourceFile, call: ast.Call, model: str, depth: int = 3) -> bool:
    """`model.grow()`, `swap_head(model)`, `setattr(model, "head", ...)`, `model.blocks.append(...)`."""
    called, arguments = call.func, [*call.args, *(each.value for each in call.keywords)]
    receiver = ast.unparse(called.value) if isinstance(called, ast.Attribute) else ""
    layer = any(find_module(program, file, each) is not None for each in arguments[-1:])
    if isinstance(called, ast.Name) and called.id == "setattr":
        return layer and _is_of(ast.unparse(arguments[0]), model)
    enters = reached(program, file, call)
    if enters is None or not depth:
        added = isinstance(called, ast.Attribute) and called.attr in {"append", "add_module", "register_module"}
        return added and layer and _is_of(receiver, model)
    home, function = enters
    given = {each: passed(home, function, each, Found(file, call)) for each in parameters(function)}
    names = [each for each, value in given.items() if value is not None and _is_of(ast.unparse(value), model)]
    owner = class_around(home, function)
    inside = owner is not None and is_module(program, home, owner) and receiver != "self"
    names += ["self"] if inside and _is_of(receiver, model) else []
    return function.name != "__init__" and any(
        _relayered(program, home, node, name, depth - 1) for name in names for node in ast.walk(function)
    )


def _relayered(program: Program, file: SourceFile, node: ast.AST, name: str, depth: int) -> bool:
    """Whether a node in a function gives a layer of the model that is called `name` there another value."""
    if isinstance(node, ast.Call):
        return _changed_by(program, file, node, name, depth)
    return (
        isinstance(node, ast.Assign)
        and any(ast.unparse(each).startswith((f"{name}.", f"{name}[")) for each in node.targets)
        and find_module(program, file, node.value) is not None
    )


def _made_anew(program: Program, file: SourceFile, model: str, optimizer: ast.stmt) -> list[ast.stmt]:
    """Statements behind the optimizer's, in the same function, that bind the model or one of its layers."""
    scope = file.scope(optimizer)
    found: list[ast.stmt] = []
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign | ast.Expr) and node.lineno > optimizer.lineno and file.scope(node) is scope:
            around = set(file.above(optimizer))
            inner = [each for each in file.loops(node) if each not in around]
            if _changes(program, file, node, model):
                # in a loop that trains, it is made anew each time; there the optimizer belongs, too
                found += [node] if not inner or _is_made(node) else []
    return found


def _same_parameters(node: ast.Assign, model: str) -> bool:
    """`model = model.to(device)` and the like keep them."""
    text = ast.unparse(node.value)
    return re.match(rf"{re.escape(model)}\.(to|cuda|cpu|train|eval)\(|torch\.compile\(", text) is not None


def _is_made(node: ast.Assign | ast.Expr) -> bool:
    return isinstance(node.value, ast.Call)


def _followers(file: SourceFile, made: ast.stmt, last: ast.stmt, optimizer: str) -> tuple[list[ast.stmt], bool]:
    """The statement and those before `last` that make something of the optimizer, and whether it was used before."""
    moved = [made]
    around = set(file.above(made))
    used = any(isinstance(each, ast.If) and each not in around for each in file.above(last))  # it may not come to it
    names = {optimizer}
    for each in ast.walk(file.scope(made)):
        if not isinstance(each, ast.stmt) or not made.lineno < each.lineno < last.lineno or isinstance(each, Function):
            continue
        mentions = {ast.unparse(node) for node in ast.walk(each) if isinstance(node, ast.Name | ast.Attribute)}
        if not mentions & names:
            continue
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Call):
            moved.append(each)
            names |= {ast.unparse(target) for target in each.targets}
        else:
            used = True
    return moved, used
