"""Fixes of held-out data that a fit, a flag or a collation of their own treats otherwise than training data."""

import ast
import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from gradus.diagnosis.prescription.bindings import Function, binding, definition
from gradus.diagnosis.prescription.edits import Edit, before, delete, instead, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.loaders import training_loaders
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.standardizing import each_example_by_itself
from gradus.diagnosis.prescription.transforms import by_chance

_HELD_OUT = r"(^|_)(val|valid|validation|test|dev|eval|held_?out|unseen|new)(_|\d|$)"
_SHORT = r"[xy]?_?(te|va|val|test|valid)"
_ALIKE = 0.5


@fix("same-transform")
def use_what_was_fitted(case: Case) -> Iterator[Sequence[Edit]]:
    """`vocabulary = build(train)` is used for held-out data in place of `build(test)`."""
    for file, node in case.program.nodes():
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call) or file.loops(node):
            continue
        fitted, fit = node.targets[0], node.value
        data = _names(fit.args)
        if not isinstance(fitted, ast.Name) or not data or _held_out(data) or not _applied(file, fitted.id, data):
            continue
        for other in ast.walk(file.tree):
            if (
                isinstance(other, ast.Call)
                and other.lineno > (node.end_lineno or node.lineno)
                and ast.unparse(other.func) == ast.unparse(fit.func)
                and _held_out(_names(other.args))
                and not data & _names(other.args)
                and file.scope(node) in file.above(other)
                and not _binds(file.statement(other), fitted.id)
            ):
                yield [replace(file, other, fitted.id)]


def _binds(statement: ast.stmt, name: str) -> bool:
    return isinstance(statement, ast.Assign) and name in {ast.unparse(each) for each in statement.targets}


def _names(nodes: Sequence[ast.AST]) -> set[str]:
    return {each.id for node in nodes for each in ast.walk(node) if isinstance(each, ast.Name)}


def _held_out(names: set[str]) -> bool:
    return any(re.search(_HELD_OUT, each.lower()) for each in names)


def _applied(file: SourceFile, fitted: str, data: set[str]) -> bool:
    """Whether a call has both what was fitted and the data: `encode(train, vocabulary)`, `scaler(x_train)`."""
    together = (_names([each]) for each in ast.walk(file.tree) if isinstance(each, ast.Call))
    return any(fitted in names and names & data for names in together)


@fix("same-transform")
def prepare_by_the_same_function(case: Case) -> Iterator[Sequence[Edit]]:
    """`load_field(test_images)` becomes `load_lab(test_images)`, where `load_lab` makes the training examples."""
    calls = [each for each in _of_own_functions(case.program) if not each[0].file.loops(each[0].node)]
    trained, evaluated = _datasets(case)
    held_out = [each for each in calls if each[0].node in evaluated or _is_of_held_out(each[0])]
    training = [each for each in calls if each[0].node in trained or each not in held_out]
    for other, theirs in held_out:
        for call, ours in training:
            if (
                call.file is other.file
                and ours is not theirs
                and type(ours) is type(theirs)
                and call.file.scope(call.node) is other.file.scope(other.node)
                and _shape(call.node) == _shape(other.node)
                and (_are_alike(ours, theirs) or (call.node in trained and other.node in evaluated))
                and not by_chance([ours])
            ):
                yield [replace(other.file, other.node.func, call.file.code(call.node.func))]
                break


def _datasets(case: Case) -> tuple[list[ast.expr], list[ast.expr]]:
    """What makes the datasets of loaders that training goes over, and of all others, if the former are known."""
    train = [each.node for each in training_loaders(case)]
    made: tuple[list[ast.expr], list[ast.expr]] = [], []
    for loader in case.program.calls("torch.utils.data.DataLoader") if train else ():
        given = loader.argument(0, "dataset")
        bound = binding(loader.file, given) if given is not None else None
        value = bound.value if bound is not None and bound.item is None else given
        if value is not None:
            made[loader.node not in train].append(value)
    return made


def _of_own_functions(program: Program) -> Iterator[tuple[Found, Function | ast.ClassDef]]:
    """Calls of the program's own functions and datasets, with what they call."""
    for file, node in program.nodes():
        called = node.func if isinstance(node, ast.Call) else None
        own = definition(program, file, called.id) if isinstance(called, ast.Name) else None
        if own is not None and isinstance(node, ast.Call) and (isinstance(own[1], Function) or _is_dataset(own[1])):
            yield Found(file, node), own[1]


def _is_of_held_out(call: Found) -> bool:
    """Whether what it is given or what is called says so: `load(x_test)`, `Rows(xte)`, `EvalRows(x)`."""
    names = _names([*call.node.args, *(each.value for each in call.node.keywords)])
    called = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", ast.unparse(call.node.func))
    return _held_out({*names, called}) or any(re.fullmatch(_SHORT, each.lower()) for each in names)


def _shape(call: ast.Call) -> tuple[int, frozenset[str | None]]:
    return len(call.args), frozenset(each.arg for each in call.keywords)


def _are_alike(one: ast.AST, other: ast.AST) -> bool:
    """Whether more than half of their text is shared: functions of one purpose, written twice."""
    return SequenceMatcher(None, ast.unparse(one), ast.unparse(other), autojunk=False).ratio() > _ALIKE


@fix("same-transform")
def prepare_whatever_the_flag(case: Case) -> Iterator[Sequence[Edit]]:
    """What a dataset does to examples `if self.train` and by no chance, it does to all."""
    for file, function in _of_datasets(case.program):
        for node in ast.walk(function):
            if isinstance(node, ast.If) and re.search(r"train", ast.unparse(node.test)):
                edits = _otherwise_alike(file, node) if node.orelse else _moved_out(file, node)
                if edits:
                    yield edits


def _of_datasets(program: Program) -> Iterator[tuple[SourceFile, Function]]:
    for file, node in program.nodes():
        if isinstance(node, ast.ClassDef) and _is_dataset(node):
            yield from ((file, each) for each in node.body if isinstance(each, Function))


def _is_dataset(node: ast.ClassDef) -> bool:
    return any(ast.unparse(each).endswith("Dataset") for each in node.bases)


def _otherwise_alike(file: SourceFile, node: ast.If) -> list[Edit]:
    """The other branch does what the first does."""
    one, other = node.body, node.orelse
    if len(one) != len(other) or by_chance(one) or ast.unparse(node.body[0]) == ast.unparse(node.orelse[0]):
        return []
    return [replace(file, theirs, file.code(mine)) for mine, theirs in zip(one, other, strict=True)]


def _moved_out(file: SourceFile, node: ast.If) -> list[Edit]:
    """Its first statements, as far as chance plays no part in them, come before it."""
    number = next((at for at, each in enumerate(node.body) if by_chance([each])), len(node.body))
    sure = node.body[:number]
    if not sure or not all(isinstance(each, ast.Assign | ast.AugAssign) for each in sure):
        return []
    text = "\n".join(file.code(each) for each in sure)
    if number == len(node.body):
        return [instead(file, node, text)]
    return [before(file, node, text), *(delete(file, each) for each in sure)]


@fix("same-transform")
def collate_as_training(case: Case) -> Iterator[Sequence[Edit]]:
    """Held-out batches are put together by the function that puts training batches together."""
    train = training_loaders(case)
    given = next((found for each in train if (found := each.argument(-1, "collate_fn")) is not None), None)
    if given is None:
        return
    for other in case.program.calls("torch.utils.data.DataLoader"):
        theirs = other.argument(-1, "collate_fn")
        if theirs is not None and all(other.node is not each.node for each in train):
            text = train[0].file.code(given)
            if other.file.code(theirs) != text:
                yield [replace(other.file, theirs, text)]


@fix("same-transform")
def prepare_within_the_model(case: Case) -> Iterator[Sequence[Edit]]:
    """The model itself scales each example, where it is not known what makes held-out ones of another scale."""
    finding = case.finding("train-validation-mismatch")
    if finding is not None and "scaled otherwise" in finding.evidence:
        yield each_example_by_itself(case)
