"""Fixes of what an optimizer holds."""

import ast
import re
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import (
    Function,
    binding,
    bindings,
    callers,
    class_around,
    function_around,
    parameters,
    passed,
)
from gradus.diagnosis.prescription.edits import Edit, after, before, delete, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.roles import TrainingStep, is_module, role, training_steps, visible
from gradus.diagnosis.prescription.scaling import free_names


@fix("remake-optimizer")
def make_optimizer_last(case: Case) -> Iterator[Sequence[Edit]]:
    """Move the statement that makes the optimizer behind the one that makes the model anew, or has other layers."""
    for made in _optimizers(case.program):
        file, statement = made.file, made.statement
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            continue
        optimizer = ast.unparse(statement.targets[0])
        later = [each for model in held(made) for each in _made_anew(file, model, statement)]
        if not later:
            continue
        last = max(later, key=lambda each: each.lineno)
        moved, used = _followers(file, statement, last, optimizer)
        text = "\n".join(file.code(each) for each in moved)
        gone = [] if used else [delete(file, each) for each in moved]
        yield [*gone, after(file, last, text)]


@fix("remake-optimizer")
def hold_model_in_training(case: Case) -> Iterator[Sequence[Edit]]:
    """Give the optimizer the parameters of the model that runs in the loop, if it was made of another one's."""
    for training in training_steps(case):
        running = training.models(case.program)
        for made in _optimizers(case.program):
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
        for call in callers(case.program, file, function):
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
    for made in _optimizers(case.program):
        file, statement = made.file, made.statement
        owner = class_around(file, statement)
        if not isinstance(statement, ast.Assign) or owner is None:
            continue
        home, optimizer = file.scope(statement), ast.unparse(statement.targets[0])
        edits: list[Edit] = []
        for model in (each for each in held(made) if each.startswith("self.")):
            for bound in bindings(file, model, owner):
                again = bound.statement
                if file.scope(again) is home or not isinstance(again, ast.Assign) or _same_parameters(again, model):
                    continue
                local = {each.id for each in ast.walk(statement) if isinstance(each, ast.Name)}
                local &= set(parameters(home)) - {"self"} if isinstance(home, Function) else set()
                handed = f'{optimizer}.add_param_group({{"params": {model}.parameters()}})'
                edits.append(after(file, again, handed if local else file.code(statement)))
        if edits:
            yield edits


def _optimizers(program: Program) -> list[Found]:
    """Calls that make an optimizer."""
    return [
        each
        for each in program.calls("torch.optim.*", "transformers.*", "apex.optimizers.*", "bitsandbytes.optim.*")
        if role(program, each.file, each.node) == "optimizer"
    ]


def held(made: Found) -> list[str]:
    """What an optimizer is given the parameters of, as it is written: `model`, `self.encoder`, `model.head`."""
    argument = made.argument(0, "params")
    if argument is None:
        return []
    return list(dict.fromkeys(_named_in(made.file, argument)))


def _named_in(file: SourceFile, node: ast.expr, depth: int = 3) -> list[str]:
    """Those in an expression; if there are none, those in what its names were bound to."""
    named = [each for each in ast.walk(node) if isinstance(each, ast.Name | ast.Attribute)] if depth else []
    return _parameters_of(node) or [
        found
        for each in named
        for bound in bindings(file, ast.unparse(each), file.scope(node) if isinstance(each, ast.Name) else None)
        if not bound.looped
        for found in _named_in(file, bound.value, depth - 1)
    ]


def _parameters_of(node: ast.expr) -> list[str]:
    return [
        ast.unparse(each.func.value)
        for each in ast.walk(node)
        if isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr in {"parameters", "named_parameters"}
    ]


def _made_anew(file: SourceFile, model: str, optimizer: ast.stmt) -> list[ast.stmt]:
    """Statements behind the optimizer's, in the same function, that bind the model or one of its layers."""
    scope = file.scope(optimizer)
    found: list[ast.stmt] = []
    for node in ast.walk(scope):
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(
            text == model or text.startswith((f"{model}.", f"{model}["))
            for each in targets
            for text in [ast.unparse(each)]
        ) and isinstance(node, ast.Assign):
            around = set(file.above(optimizer))
            inner = [each for each in file.loops(node) if each not in around]
            if node.lineno > optimizer.lineno and file.scope(node) is scope and not _same_parameters(node, model):
                # in a loop that trains, it is made anew each time; there the optimizer belongs, too
                found += [node] if not inner or _is_made(node) else []
    return found


def _same_parameters(node: ast.Assign, model: str) -> bool:
    """`model = model.to(device)` and the like keep them."""
    text = ast.unparse(node.value)
    return re.match(rf"{re.escape(model)}\.(to|cuda|cpu|train|eval)\(|torch\.compile\(", text) is not None


def _is_made(node: ast.Assign) -> bool:
    return isinstance(node.value, ast.Call)


def _followers(file: SourceFile, made: ast.stmt, last: ast.stmt, optimizer: str) -> tuple[list[ast.stmt], bool]:
    """The statement and those before `last` that make something of the optimizer, and whether it was used before."""
    moved, used = [made], False
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


@fix("hold-all")
def hold_all_parameters(case: Case) -> Iterator[Sequence[Edit]]:
    """Give the optimizer the whole model, and every model that runs in the loop; groups are left as they are."""
    every = _optimizers(case.program)
    taken = {each for other in every for each in held(other)}
    for training in training_steps(case):
        running = _running(case.program, training)
        for made in every:
            argument, text = made.argument(0, "params"), None
            if argument is not None and made.file is training.file and not _grouped(made.file, argument):
                known = [each for each in running if _reaches(case.program, made, each, training)]
                text = _wider(training.file, argument, held(made), known, taken)
            whole = _whole(case.program, made)
            if argument is not None and text is not None:
                yield [replace(made.file, argument, text)]
            elif whole and all(_whole(case.program, each) != whole for each in every if each is not made):
                yield _with_the_rest(made, whole)


def _with_the_rest(made: Found, whole: str) -> list[Edit]:
    """What an optimizer leaves out of a model becomes a group of its own."""
    file, statement = made.file, made.statement
    if not isinstance(statement, ast.Assign | ast.Return) or statement.value is not made.node:
        return []
    optimizer = ast.unparse(statement.targets[0]) if isinstance(statement, ast.Assign) else "optimizer"
    (taken,) = free_names(file, "held")
    rest = (
        f'{taken} = {{id(p) for group in {optimizer}.param_groups for p in group["params"]}}\n'
        f'{optimizer}.add_param_group({{"params": [p for p in {whole}.parameters() if id(p) not in {taken}]}})'
    )
    if isinstance(statement, ast.Assign):
        return [after(file, statement, rest)]
    start, value = file.span(statement)[0], file.span(made.node)[0]
    return [Edit(file, start, value, f"{optimizer} = "), after(file, statement, f"{rest}\nreturn {optimizer}")]


def _grouped(file: SourceFile, argument: ast.expr) -> bool:
    """Whether parameters come in groups that are bound to a name: what they have in common stands there."""
    found = [each.value for each in bindings(file, ast.unparse(argument))] if isinstance(argument, ast.Name) else []
    return any(isinstance(each, ast.Dict) for value in found for each in ast.walk(value))


def _whole(program: Program, made: Found) -> str:
    """The one model that an optimizer is made of parts of, as it is written there; "" if it holds all or several."""
    argument, parts = made.argument(0, "params"), held(made)
    models = visible(program, made.file, made.node, "model")
    owner = class_around(made.file, made.node)
    if owner is not None and is_module(program, made.file, owner):
        models = ["self"]
    # of parameters that a loop picked nothing is known but which model there is
    found = [each for each in models if all(f"{part}.".startswith((f"{each}.", f"{each}[")) for part in parts)]
    plain = argument is not None and ast.unparse(argument) in {f"{each}.parameters()" for each in found}
    return found[0] if len(found) == 1 and not plain else ""


def _reaches(program: Program, made: Found, model: str, training: TrainingStep) -> bool:
    """Whether what runs in the loop has that name where the optimizer is made as well."""
    file, backward = made.file, training.backward.node
    if model.partition(".")[0] == "self":
        return class_around(file, made.node) is class_around(file, backward)
    return file.scope(made.node) is file.scope(backward) or model in visible(program, file, made.node, "model")


def _running(program: Program, training: TrainingStep) -> list[str]:
    """Models that run in the loop and are known where it stands; not losses without parameters."""
    found = list(dict.fromkeys([*training.models(program), *training.models_of_calls(program)]))
    known = visible(program, training.file, training.backward.node, "model")
    return [each for each in found if each in known or each.partition(".")[0] == "self"] or found


def _wider(file: SourceFile, argument: ast.expr, parts: list[str], running: list[str], taken: set[str]) -> str | None:
    """Another text for the parameters; None if nothing is missing."""
    for model in running:
        if any(each.startswith((f"{model}.", f"{model}[")) for each in parts) and model not in parts:
            return f"{model}.parameters()"
    missing = [each for each in running if each not in taken and each != "self"]
    if not missing:
        # all of the model is named, and only some of it taken
        whole = isinstance(argument, ast.Call) and ast.unparse(argument).endswith(".parameters()")
        return f"{parts[0]}.parameters()" if len(parts) == 1 and not whole else None
    added = [f"*{each}.parameters()" for each in missing]
    code = file.code(argument)
    if isinstance(argument, ast.List) and any(isinstance(each, ast.Dict) for each in argument.elts):
        groups = "".join(f', {{"params": {each}.parameters()}}' for each in missing)
        return f"{code[:-1].rstrip().rstrip(',')}{groups}]"
    if isinstance(argument, ast.List):
        return f"{code[:-1].rstrip().rstrip(',')}, {', '.join(added)}]"
    return f"[*{code if not isinstance(argument, ast.BinOp) else f'({code})'}, {', '.join(added)}]"
