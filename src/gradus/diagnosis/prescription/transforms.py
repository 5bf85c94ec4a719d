"""Fixes of a transform that held-out data go through otherwise than training data."""

import ast
import re
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.batches import (
    Source,
    held_out_calls,
    held_out_inputs,
    training_calls,
    training_inputs,
)
from gradus.diagnosis.prescription.bindings import (
    Binding,
    Function,
    binding,
    bindings,
    class_around,
    definition,
    method,
    parameters,
)
from gradus.diagnosis.prescription.callables import reached
from gradus.diagnosis.prescription.edits import Edit, after, before, delete, replace, with_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.roles import training_steps
from gradus.diagnosis.prescription.scaling import free_names
from gradus.diagnosis.prescription.sides import HELD_OUT, TRAINING, side

_PREPARES = r"transform|normali[sz]|standardi[sz]|scale|preproc|^(mean|std|mu|sigma)$"
_CHANCE = r"rand|noise|normal\(|bernoulli|uniform|jitter|dropout|choice|shuffle"
_OWN = r"\.(mean|std|var|min|max|median)\("


@fix("same-transform")
def transform_as_training(case: Case) -> Iterator[Sequence[Edit]]:
    """Make held-out arrays as the training array is made, with the names of the other."""
    train = training_inputs(case)
    if train is None or not isinstance(train.base, ast.Name):
        return
    for other in held_out_inputs(case):
        if isinstance(other.base, ast.Name) and other.base.id != train.base.id and other.file is train.file:
            yield from _alike(train, other)


def _alike(train: Source, other: Source) -> Iterator[Sequence[Edit]]:
    file = train.file
    assert isinstance(train.base, ast.Name)
    assert isinstance(other.base, ast.Name)
    names = counterparts(file, train.base.id, other.base.id)
    ours, theirs = _history(file, train.base.id), _history(file, other.base.id)
    for mine in ours:
        wanted = _renamed(file.code(mine.value), names)
        match = next((each for each in theirs if _is_alike(file, mine, each)), None)
        if re.search(rf"\b{train.base.id}{_OWN}", file.code(mine.value)):
            yield from _with_own_figures(file, mine, match, train.base.id, other.base.id)
        elif wanted == file.code(mine.value) or any(_same(file.code(each.value), wanted) for each in theirs):
            continue
        elif match is not None:
            yield [replace(file, match.value, _on_the_fitted(wanted))]
        elif mine.item is None and theirs:
            place = max((theirs[-1].statement, mine.statement), key=lambda each: each.lineno)
            yield [after(file, place, f"{other.base.id} = {_on_the_fitted(wanted)}")]


def _history(file: SourceFile, name: str) -> list[Binding]:
    """What is done to an array, in order; the first is what it comes from."""
    return [each for each in bindings(file, name) if not each.looped]


def counterparts(file: SourceFile, train: str, other: str) -> dict[str, str]:
    """Names of the training split, each with the one that the held-out split has in its place.

    `x_train` and `x_test` differ in a word, which names of labels and tables share.
    """
    one, two = re.split(r"(?<=_)|(?=_)", train), re.split(r"(?<=_)|(?=_)", other)
    pairs = {train: other}
    if len(one) == len(two):
        words = {a: b for a, b in zip(one, two, strict=True) if a != b}
        used = {each.id for each in ast.walk(file.tree) if isinstance(each, ast.Name)}
        for name in used:
            parts = re.split(r"(?<=_)|(?=_)", name)
            changed = "".join(words.get(each, each) for each in parts)
            if changed != name and changed in used:
                pairs[name] = changed
    return pairs


def _renamed(code: str, names: dict[str, str]) -> str:
    return re.sub(r"\b[A-Za-z_]\w*\b", lambda found: names.get(found[0], found[0]), code)


def _on_the_fitted(code: str) -> str:
    """What was fitted to training data is only applied to others."""
    return code.replace(".fit_transform(", ".transform(")


def _same(one: str, other: str) -> bool:
    return _normal(one) == _normal(other) or _normal(one) == _normal(_on_the_fitted(other))


def _normal(code: str) -> str:
    return ast.unparse(ast.parse(code))


def _is_alike(file: SourceFile, mine: Binding, theirs: Binding) -> bool:
    """Whether two statements do the same step for their arrays: both make it of itself, and end in the same call."""
    if mine.item is not None or theirs.item is not None:
        return False
    one, two = file.code(mine.value), file.code(theirs.value)
    if isinstance(mine.value, ast.Subscript) != isinstance(theirs.value, ast.Subscript):
        return False
    shared = len(set(re.findall(r"[A-Za-z_]\w*|/|\*", one)) & set(re.findall(r"[A-Za-z_]\w*|/|\*", two)))
    return shared >= 1 and not isinstance(mine.value, ast.Subscript)


def _with_own_figures(
    file: SourceFile, mine: Binding, match: Binding | None, train: str, other: str
) -> Iterator[Sequence[Edit]]:
    """`x = (x - x.mean()) / x.std()`: the figures get names, for both to use."""
    figures = [
        each
        for each in ast.walk(mine.value)
        if isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and re.fullmatch(rf"{train}{_OWN}.*", ast.unparse(each))
    ]
    if not figures or match is None or not isinstance(mine.statement, ast.Assign):
        return
    given = dict.fromkeys(file.code(each) for each in figures)
    names = free_names(file, *(text.split(".")[1].partition("(")[0] for text in given))
    code = file.code(mine.value)
    for text, name in zip(given, names, strict=True):
        code = code.replace(text, name)
    yield [
        before(file, mine.statement, f"{', '.join(names)} = {', '.join(given)}"),
        replace(file, mine.value, code),
        replace(file, match.value, _renamed(code, {train: other})),
    ]


@fix("same-transform")
def transform_by_the_fitted(case: Case) -> Iterator[Sequence[Edit]]:
    """`scaler.transform` for held-out data rather than fitting once more."""
    fitted: set[str] = set()
    edits: list[Edit] = []
    for call in case.program.methods("fit", "fit_transform"):
        assert isinstance(call.node.func, ast.Attribute)
        name = ast.unparse(call.receiver)
        if name in fitted and call.node.func.attr == "fit_transform" and not call.file.loops(call.node):
            end = call.file.span(call.node.func)[1]
            edits.append(Edit(call.file, end - len("fit_transform"), end, "transform"))
        fitted.add(name)
    if edits:
        yield edits


@fix("same-transform")
def fit_once(case: Case) -> Iterator[Sequence[Edit]]:
    """Take away the statement that fits a vocabulary or a scale to held-out data under the same name."""
    for file, node in case.program.nodes():
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call) or file.loops(node):
            continue
        target = ast.unparse(node.targets[0])
        earlier = [
            each
            for each in bindings(file, target, file.scope(node))
            if each.statement.lineno < node.lineno
            and isinstance(each.value, ast.Call)
            and ast.unparse(each.value.func) == ast.unparse(node.value.func)
        ]
        mentions = {each.id for each in ast.walk(node.value) if isinstance(each, ast.Name)}
        if earlier and _is_held_out_name(mentions) and target not in mentions:
            yield [delete(file, node)]


def _is_held_out_name(names: set[str]) -> bool:
    return any(re.search(r"(^|_)(val|valid|validation|test|dev|eval|held_?out)", each.lower()) for each in names)


@fix("same-transform")
def same_arguments(case: Case) -> Iterator[Sequence[Edit]]:
    """Give the held-out dataset the transform of the training dataset, where both are made by the same call."""
    calls = [
        Found(file, node)
        for file, node in case.program.nodes()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and (node.args or node.keywords)
    ]
    for one in calls:
        for other in calls:
            if one.node.lineno < other.node.lineno and ast.unparse(one.node.func) == ast.unparse(other.node.func):
                edits = list(_given_alike(case.program, one, other)) if _feeds(case, one, other) else []
                if edits:
                    yield edits


def _given_alike(program: Program, one: Found, other: Found) -> Iterator[Edit]:
    """What `other` is to be given as `one` is: what it is given otherwise, or not at all unless by chance."""
    theirs = _arguments(program, other)
    for name, mine in _arguments(program, one).items():
        made = transform(program, one.file, mine)
        if made is None and not re.search(_PREPARES, name):
            continue
        text = one.file.code(mine)
        if name in theirs:
            if ast.unparse(mine) != ast.unparse(theirs[name]):
                yield replace(other.file, theirs[name], text)
        elif not by_chance([made or mine]):
            if name.isidentifier():
                yield with_argument(other.file, other.node, name, text)
            elif other.node.args:
                end = other.file.span(other.node.args[-1])[1]
                yield Edit(other.file, end, end, f", {text}")


def by_chance(statements: Sequence[ast.AST]) -> bool:
    """Whether chance plays a part in what they do."""
    return any(re.search(_CHANCE, ast.unparse(each).lower()) for each in statements)


def _arguments(program: Program, call: Found) -> dict[str, ast.expr]:
    """By the names of parameters, or by place where they are not known."""
    enters = reached(program, call.file, call.node)
    names = [each for each in parameters(enters[1]) if each != "self"] if enters is not None else []
    places = [*names, *map(str, range(len(names), len(call.node.args)))]
    given = dict(zip(places, call.node.args, strict=False))
    return given | {each.arg: each.value for each in call.node.keywords if each.arg is not None}


def _feeds(case: Case, one: Found, other: Found) -> bool:
    """Whether the first call makes training data and the second does not."""
    if side(one.file, one.node) == TRAINING and side(other.file, other.node) == HELD_OUT:
        return True
    train = training_inputs(case)
    codes = {ast.unparse(each) for each in ast.walk(one.node)}
    others = {ast.unparse(each) for each in ast.walk(other.node)}
    return train is not None and ast.unparse(train.node) in codes and ast.unparse(train.node) not in others


def transform(program: Program, file: SourceFile, node: ast.expr) -> ast.AST | None:
    """What a function is made by: a definition, a lambda, a composition; None of data."""
    bound = binding(file, node)
    made = bound.value if bound is not None and bound.item is None else node
    if isinstance(made, ast.Lambda):
        return made
    own = made.func if isinstance(made, ast.Call) else made
    found = definition(program, file, own.id) if isinstance(own, ast.Name) else None
    if found is not None and isinstance(found[1], ast.ClassDef) == isinstance(made, ast.Call):
        return found[1] if isinstance(found[1], Function) or method(found[1], "__call__") is not None else None
    composed = isinstance(made, ast.Call) and re.search("transforms|partial$", file.qualified(made.func))
    named = isinstance(made, ast.Call) and isinstance(node, ast.Name) and "ransform" in node.id
    return made if composed or named else None


@fix("same-transform")
def prepare_in_evaluation(case: Case) -> Iterator[Sequence[Edit]]:
    """Held-out batches go through the statement or the function that prepares training batches."""
    program = case.program
    calls = [each for training in training_steps(case) for each in training_calls(program, training) if each.node.args]
    for call in calls:
        wrapped = call.node.args[0]
        for other in held_out_calls(program):
            plain = other.node.args[0] if other.node.args else None
            if isinstance(wrapped, ast.Call | ast.BinOp) and isinstance(plain, ast.Name):
                names = [
                    each.id for each in ast.walk(wrapped) if isinstance(each, ast.Name) and _looped(call.file, each)
                ]
                if len(set(names)) == 1:
                    text = _renamed(call.file.code(wrapped), {names[0]: plain.id})
                    yield [replace(other.file, plain, text)]
            elif isinstance(wrapped, ast.Name) and isinstance(plain, ast.Name):
                yield from _prepared(call, other, wrapped, plain)
            if plain is not None:
                yield from _by_function(program, call, other, wrapped, plain)


def _looped(file: SourceFile, name: ast.Name) -> bool:
    bound = binding(file, name)
    return bound is not None and bound.looped


def _prepared(call: Found, other: Found, wrapped: ast.Name, plain: ast.Name) -> Iterator[Sequence[Edit]]:
    bound, theirs = binding(call.file, wrapped), binding(other.file, plain)
    if bound is None or bound.looped or bound.item is not None or by_chance([bound.value]):
        return
    inner = {each.id for each in ast.walk(bound.value) if isinstance(each, ast.Name)}
    in_both_loops = bool(call.file.loops(bound.statement)) and theirs is not None and theirs.looped
    by_itself = isinstance(bound.value, ast.Call) and _known(call, other, bound.value.func) and len(inner) == 2
    if wrapped.id in inner and (in_both_loops or (theirs is None and by_itself)):
        code = _renamed(call.file.code(bound.value), {wrapped.id: plain.id})
        yield [before(other.file, other.statement, f"{plain.id} = {code}")]


def _by_function(
    program: Program, call: Found, other: Found, wrapped: ast.expr, plain: ast.expr
) -> Iterator[Sequence[Edit]]:
    """`x, y = self.prepare(batch)` for `x, y = batch`, and `net(scale(rows.x))` for `net(rows.x)`."""
    ours, theirs = _origin(call.file, wrapped), _origin(other.file, plain)
    if not isinstance(ours, ast.Call) or len(ours.args) != 1 or ours.keywords or type(ours.args[0]) is not type(theirs):
        return
    enters = reached(program, call.file, ours)
    if enters is None or enters[1].name == "__init__" or by_chance([enters[1]]) or not _known(call, other, ours.func):
        return
    bare = ours.args[0]
    if isinstance(bare, ast.Name) or (isinstance(bare, ast.Attribute) and bare.attr == getattr(theirs, "attr", "")):
        yield [replace(other.file, theirs, f"{call.file.code(ours.func)}({other.file.code(theirs)})")]


def _origin(file: SourceFile, node: ast.expr) -> ast.expr:
    """What an array was bound to, whole or a part of it: of `inputs[rows]`, what `inputs` is."""
    while isinstance(node, ast.Subscript):
        node = node.value
    bound = binding(file, node)
    return node if bound is None or bound.looped else bound.value


def _known(call: Found, other: Found, called: ast.expr) -> bool:
    """Whether what one place calls can be called from the other by the same name."""
    root = ast.unparse(called).partition(".")[0]
    if root == "self":
        return class_around(call.file, call.node) is class_around(other.file, other.node)
    return call.file is other.file and isinstance(called, ast.Name)
