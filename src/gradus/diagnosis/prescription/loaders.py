"""The calls that make what a training loop goes over."""

import ast

from gradus.diagnosis.prescription.bindings import Function, binding, dictionary, function_around, passed, returned
from gradus.diagnosis.prescription.callables import reached, reaching
from gradus.diagnosis.prescription.fixes import Case
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.roles import TrainingStep, training_steps


def training_loaders(case: Case) -> list[Found]:
    """Calls that make what the training loops go over."""
    return [loader for training in training_steps(case) for loader in _loaders(case.program, training)]


def _loaders(program: Program, training: TrainingStep) -> list[Found]:
    for loop in training.loops:
        if isinstance(loop, ast.For):
            found = loaders_of(program, training.file, loop.iter)
            if found:
                return found
    return []


def loaders_of(program: Program, file: SourceFile, node: ast.expr, depth: int = 8) -> list[Found]:
    """Calls that make the loader an expression stands for; of a parameter, as the first call gives it."""
    if not depth:
        return []
    if isinstance(node, ast.Call):
        if file.qualified(node.func).endswith("DataLoader"):
            return [Found(file, node)]
        enters = reached(program, file, node)
        if enters is not None and enters[1].name != "__init__":
            within = [
                found for each in returned(enters[1])[-1:] for found in loaders_of(program, enters[0], each, depth - 1)
            ]
            if within:
                return within
        return [found for each in node.args for found in loaders_of(program, file, each, depth - 1)]
    if isinstance(node, ast.Subscript):
        kept = dictionary(program, file, node.value)
        wanted = ast.unparse(node.slice)
        if kept is not None:
            for key, value in zip(kept[1].keys, kept[1].values, strict=True):
                if isinstance(key, ast.Constant) and (repr(key.value) == wanted or key.value == "train"):
                    return loaders_of(program, kept[0], value, depth - 1)
        return []
    bound = binding(file, node)
    if bound is None:
        function = function_around(file, node)
        return _passed_in(program, file, node, function, depth) if function is not None else []
    if bound.item is not None and isinstance(bound.value, ast.Call):
        enters = reached(program, file, bound.value)
        result = returned(enters[1])[-1] if enters is not None and returned(enters[1]) else None
        if enters is not None and isinstance(result, ast.Tuple):
            return loaders_of(program, enters[0], result.elts[bound.item], depth - 1)
        return []
    return loaders_of(program, bound.file, bound.value, depth - 1)


def _passed_in(program: Program, file: SourceFile, node: ast.expr, function: Function, depth: int) -> list[Found]:
    name = ast.unparse(node)
    for call in reaching(program, function):
        given = passed(file, function, name, call)
        found = loaders_of(program, call.file, given, depth - 1) if given is not None else []
        if found:
            return found
    return []
