"""Fixes of pipelines: the steps that training examples go through, and those of held-out examples."""

import ast
import re
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import Function, definition, parameters
from gradus.diagnosis.prescription.edits import Edit, before, delete, instead
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import Program, SourceFile
from gradus.diagnosis.prescription.sides import HELD_OUT, TRAINING, side
from gradus.diagnosis.prescription.transforms import by_chance, transform

_COMPOSES = re.compile(r"compose|chain|pipeline|sequential|steps|transforms", re.IGNORECASE)
_MAKES = re.compile(r"transform|prepro|pipeline|augment|compose|prepare|steps", re.IGNORECASE)


@fix("same-transform")
def steps_of_training(case: Case) -> Iterator[Sequence[Edit]]:
    """`Compose([ToTensor()])` gets `Normalize(mean, std)`, which training has and in which chance plays no part."""
    program = case.program
    found = [
        (file, node, steps, side(file, node))
        for file, node in program.nodes()
        if isinstance(node, ast.expr) and (steps := _steps(node)) and all(transform(program, file, x) for x in steps)
    ]
    for file, ours, steps, trains in found:
        for home, theirs, others, holds in found:
            if home is file and (trains, holds) == (TRAINING, HELD_OUT) and _shape(ours) == _shape(theirs):
                wanted = _merged(program, file, steps, others)
                if wanted != [file.code(each) for each in others]:
                    start, end = file.span(others[0])[0], file.span(others[-1])[1]
                    yield [Edit(file, start, end, ", ".join(wanted))]


def _steps(node: ast.expr) -> list[ast.expr]:
    """Those of `Compose([a, b])`, of `Chain(a, b)`, of `[a, b]`."""
    match node:
        case ast.Call(func=called, args=[ast.List() | ast.Tuple() as inner]) if _COMPOSES.search(ast.unparse(called)):
            return inner.elts
        case ast.Call(func=called, args=items, keywords=[]) if _COMPOSES.search(ast.unparse(called)):
            return items
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return items if all(isinstance(each, ast.Call | ast.Name | ast.Attribute) for each in items) else []
    return []


def _shape(node: ast.expr) -> str:
    return ast.unparse(node.func) if isinstance(node, ast.Call) else type(node).__name__


def _merged(program: Program, file: SourceFile, ours: Sequence[ast.expr], theirs: Sequence[ast.expr]) -> list[str]:
    """The sure steps of training among the others, each behind the one that it follows in training."""
    texts, names = [file.code(each) for each in theirs], [_name(each) for each in theirs]
    place = 0
    for each in ours:
        if _name(each) in names:
            place = names.index(_name(each))
            if not _by_chance(program, file, each):
                texts[place] = file.code(each)
            place += 1
        elif not _by_chance(program, file, each):
            texts.insert(place, file.code(each))
            names.insert(place, _name(each))
            place += 1
    return texts


def _name(step: ast.expr) -> str:
    return ast.unparse(step.func if isinstance(step, ast.Call) else step)


def _by_chance(program: Program, file: SourceFile, step: ast.AST) -> bool:
    """Whether chance plays a part in a step, or in what it names."""
    names = [each.id for each in ast.walk(step) if isinstance(each, ast.Name)]
    own = [found[1] for each in names if (found := definition(program, file, each)) is not None]
    return by_chance([step, *own])


@fix("same-transform")
def steps_whatever_the_flag(case: Case) -> Iterator[Sequence[Edit]]:
    """`if train: steps.append(Normalize())` in what makes transforms: for all."""
    for file, function in case.program.nodes():
        if not isinstance(function, Function) or not _MAKES.search(function.name):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.If) and not node.orelse and _is_flag(function, node.test):
                sure = [each for each in node.body if not _by_chance(case.program, file, each)]
                if sure and all(isinstance(each, ast.Assign | ast.AugAssign | ast.Expr) for each in sure):
                    text = "\n".join(file.code(each) for each in sure)
                    if len(sure) == len(node.body):
                        yield [instead(file, node, text)]
                    else:
                        yield [before(file, node, text), *(delete(file, each) for each in sure)]


def _is_flag(function: Function, test: ast.expr) -> bool:
    """Whether it asks for training, of an argument: `train`, `split == "train"`, `self.training`."""
    names = {each.id for each in ast.walk(test) if isinstance(each, ast.Name)}
    asked = re.search(r"train", ast.unparse(test)) and not re.search(r"\bnot\b|!=", ast.unparse(test))
    return bool(asked) and bool(names & set(parameters(function)))
