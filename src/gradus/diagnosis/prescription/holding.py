"""Fixes of what an optimizer holds."""

import ast
from collections.abc import Collection, Iterator, Sequence

from gradus.diagnosis.prescription.bindings import bindings, class_around, returned
from gradus.diagnosis.prescription.callables import reached
from gradus.diagnosis.prescription.edits import Edit, after, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.roles import TrainingStep, is_module, role, training_steps, visible
from gradus.diagnosis.prescription.scaling import free_names


def optimizers(program: Program) -> list[Found]:
    """Calls that make an optimizer."""
    known = program.calls("torch.optim.*", "transformers.*", "apex.optimizers.*", "bitsandbytes.optim.*")
    found = [each for each in known if role(program, each.file, each.node) == "optimizer"]
    calls = [(file, node) for file, node in program.nodes() if isinstance(node, ast.Call)]
    return found + [Found(file, node) for file, node in calls if _is_chosen(program, file, node)]


def _is_chosen(program: Program, file: SourceFile, node: ast.Call) -> bool:
    """`optimizer = OPTIMIZERS[name](model.parameters())`: a class that is looked up, or filled in before."""
    match node:
        case ast.Call(func=called, args=[_, *_]) if not file.qualified(called) and reached(program, file, node) is None:
            holder = file.parents[node]
            name = holder.targets[0] if isinstance(holder, ast.Assign) and len(holder.targets) == 1 else None
            given = bool(_named_in(file, node.args[0]))
            return given and name is not None and role(program, file, name) == "optimizer"
    return False


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


@fix("hold-all")
def hold_all_parameters(case: Case) -> Iterator[Sequence[Edit]]:
    """Give the optimizer the whole model, and every model that runs in the loop; groups are left as they are."""
    every = optimizers(case.program)
    taken = {each for other in every for each in held(other)}
    for training in training_steps(case):
        running = _running(case.program, training)
        for made in every:
            argument, text = made.argument(0, "params"), None
            known = _known(case.program, made, running, training)
            grouped = argument is not None and _grouped(case.program, made.file, argument)
            if argument is not None and not grouped:
                text = _wider(made.file, argument, held(made), known, taken)
            missing = [each for each in known if grouped and held(made) and not _is_taken(each, taken)]
            whole = _whole(case.program, made)
            if argument is not None and text is not None:
                yield [replace(made.file, argument, text)]
            elif missing:
                yield _with_the_rest(made, *missing)
            elif whole and all(_whole(case.program, each) != whole for each in every if each is not made):
                yield _with_the_rest(made, whole)


def _known(program: Program, made: Found, running: list[str], training: TrainingStep) -> list[str]:
    """Models of the loop as they are written where an optimizer is made; a model that makes its own is `self`."""
    owner = class_around(made.file, made.node)
    elsewhere = owner is not class_around(training.file, training.backward.node)
    if owner is not None and elsewhere and is_module(program, made.file, owner):
        return ["self"]
    known = [each for each in running if made.file is training.file and _reaches(program, made, each, training)]
    return [_as_written(made, each) for each in known]


def _as_written(made: Found, model: str) -> str:
    """Of `self.model` the name that it has where an optimizer is made of what goes by that name."""
    named = [each.value for each in bindings(made.file, model, made.file.scope(made.node))]
    alike = [ast.unparse(each) for each in named if isinstance(each, ast.Name)]
    return alike[-1] if alike and any(f"{part}.".startswith(f"{alike[-1]}.") for part in held(made)) else model


def _is_taken(model: str, taken: Collection[str]) -> bool:
    """Whether an optimizer has parameters of a model, be it of some of its parts."""
    return model == "self" or any(f"{each}.".startswith((f"{model}.", f"{model}[")) for each in taken)


def _with_the_rest(made: Found, *models: str) -> list[Edit]:
    """What an optimizer leaves out of models becomes a group of its own for each."""
    file, statement = made.file, made.statement
    if not isinstance(statement, ast.Assign | ast.Return) or statement.value is not made.node:
        return []
    optimizer = ast.unparse(statement.targets[0]) if isinstance(statement, ast.Assign) else "optimizer"
    (taken,) = free_names(file, "held")
    rate = "" if made.argument(1, "lr") is not None else f', "lr": {optimizer}.param_groups[0]["lr"]'
    rest = "\n".join(with_the_rest(optimizer, each, taken, rate) for each in models)
    if isinstance(statement, ast.Assign):
        return [after(file, statement, rest)]
    start, value = file.span(statement)[0], file.span(made.node)[0]
    return [Edit(file, start, value, f"{optimizer} = "), after(file, statement, f"{rest}\nreturn {optimizer}")]


def with_the_rest(optimizer: str, model: str, taken: str, rate: str = "") -> str:
    """Statements that hand an optimizer what it does not hold of a model."""
    return (
        f'{taken} = {{id(p) for group in {optimizer}.param_groups for p in group["params"]}}\n'
        f'{optimizer}.add_param_group({{"params": [p for p in {model}.parameters() if id(p) not in {taken}]{rate}}})'
    )


def _grouped(program: Program, file: SourceFile, argument: ast.expr, depth: int = 4) -> bool:
    """Whether parameters come in groups that are made elsewhere: what they have in common stands there."""
    if isinstance(argument, ast.Name):
        found = [(file, each.value) for each in bindings(file, argument.id)]
        found += [(file, each) for each in _put_into(file, argument.id)]
    else:
        enters = reached(program, file, argument) if isinstance(argument, ast.Call) else None
        found = [(enters[0], each) for each in returned(enters[1])] if enters is not None else []
    return any(
        any(isinstance(each, ast.Dict) for each in ast.walk(value))
        or (bool(depth) and _grouped(program, home, value, depth - 1))
        for home, value in found
    )


def _put_into(file: SourceFile, name: str) -> list[ast.expr]:
    """What is appended to a list, or added to it, where it is bound to a name."""
    found: list[ast.expr] = []
    for node in ast.walk(file.tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr="append" | "extend" | "insert"), args=args):
                found += args[-1:] if owner == name else []
            case ast.AugAssign(target=ast.Name(id=owner), value=value):
                found += [value] if owner == name else []
    return found


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
    grouped = isinstance(argument, ast.List) and any(isinstance(each, ast.Dict) for each in argument.elts)
    if not parts and running:  # what was picked of which model is not known
        every = [f"{each}.parameters()" for each in running]
        return every[0] if len(every) == 1 else f"[{', '.join(f'*{each}' for each in every)}]"
    for model in running:
        if any(each.startswith((f"{model}.", f"{model}[")) for each in parts) and model not in parts:
            return f"{model}.parameters()" if not grouped else None
    missing = [each for each in running if each not in taken and each != "self"]
    if not missing:
        # all of the model is named, and only some of it taken
        whole = isinstance(argument, ast.Call) and ast.unparse(argument).endswith(".parameters()")
        return f"{parts[0]}.parameters()" if len(parts) == 1 and not whole and not grouped else None
    added = [f"*{each}.parameters()" for each in missing]
    code = file.code(argument)
    if isinstance(argument, ast.List) and grouped:
        groups = "".join(f', {{"params": {each}.parameters()}}' for each in missing)
        return f"{code[:-1].rstrip().rstrip(',')}{groups}]"
    if isinstance(argument, ast.List):
        return f"{code[:-1].rstrip().rstrip(',')}, {', '.join(added)}]"
    return f"[*{code if not isinstance(argument, ast.BinOp) else f'({code})'}, {', '.join(added)}]"
