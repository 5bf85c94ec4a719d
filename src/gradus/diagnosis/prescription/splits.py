"""Fixes of what is done to one part of the data and not to another: transforms, splits, labels."""

import ast
import re
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.batches import (
    Source,
    held_out_calls,
    held_out_inputs,
    in_no_grad,
    model_calls,
    training_inputs,
    training_targets,
)
from gradus.diagnosis.prescription.bindings import Binding, binding, bindings
from gradus.diagnosis.prescription.edits import Edit, after, before, delete, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.roles import training_steps
from gradus.diagnosis.prescription.scaling import free_names

_OWN = r"\.(mean|std|var|min|max|median)\("


# ---- the same transform ---------------------------------------------------------------------------------------------


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
    names = _counterparts(file, train.base.id, other.base.id)
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


def _counterparts(file: SourceFile, train: str, other: str) -> dict[str, str]:
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
        name = ast.unparse(call.node.func.value)
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
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) + len(node.keywords) > 1
    ]
    for one in calls:
        for other in calls:
            if one.node is other.node or ast.unparse(one.node.func) != ast.unparse(other.node.func):
                continue
            if one.node.lineno > other.node.lineno or not _feeds(case, one, other):
                continue
            for mine, theirs in _paired(one.node, other.node):
                if _is_transform(case.program, one.file, mine) and ast.unparse(mine) != ast.unparse(theirs):
                    yield [replace(other.file, theirs, one.file.code(mine))]


def _paired(one: ast.Call, other: ast.Call) -> Iterator[tuple[ast.expr, ast.expr]]:
    yield from zip(one.args, other.args, strict=False)
    named = {each.arg: each.value for each in other.keywords}
    for each in one.keywords:
        if each.arg in named:
            yield each.value, named[each.arg]


def _feeds(case: Case, one: Found, other: Found) -> bool:
    """Whether the first call makes training data and the second does not."""
    train = training_inputs(case)
    codes = {ast.unparse(each) for each in ast.walk(one.node)}
    others = {ast.unparse(each) for each in ast.walk(other.node)}
    return train is not None and ast.unparse(train.node) in codes and ast.unparse(train.node) not in others


def _is_transform(program: Program, file: SourceFile, node: ast.expr) -> bool:
    """Whether it is a function rather than data: one of the program's own, a lambda, a composition."""
    if isinstance(node, ast.Lambda):
        return True
    if not isinstance(node, ast.Name):
        return isinstance(node, ast.Call) and "transforms" in file.qualified(node.func)
    own = any(isinstance(each, ast.FunctionDef) and each.name == node.id for each in ast.walk(file.tree))
    bound = binding(file, node)
    return own or (bound is not None and isinstance(bound.value, ast.Lambda | ast.Call) and "ransform" in node.id)


@fix("same-transform")
def prepare_in_evaluation(case: Case) -> Iterator[Sequence[Edit]]:
    """Held-out batches go through the statement that prepares training batches in the loop."""
    for training in training_steps(case):
        for call in model_calls(case.program, training.file, training.around):
            if not call.node.args or in_no_grad(call.file, call.node):
                continue
            wrapped = call.node.args[0]
            for other in held_out_calls(case.program):
                plain = other.node.args[0] if other.node.args else None
                if isinstance(wrapped, ast.Call | ast.BinOp) and isinstance(plain, ast.Name):
                    names = [each.id for each in ast.walk(wrapped) if isinstance(each, ast.Name) and _looped(call.file, each)]
                    if len(set(names)) == 1:
                        text = _renamed(call.file.code(wrapped), {names[0]: plain.id})
                        yield [replace(other.file, plain, text)]
                elif isinstance(wrapped, ast.Name) and isinstance(plain, ast.Name):
                    yield from _prepared(call, other, wrapped, plain)


def _looped(file: SourceFile, name: ast.Name) -> bool:
    bound = binding(file, name)
    return bound is not None and bound.looped


def _prepared(call: Found, other: Found, wrapped: ast.Name, plain: ast.Name) -> Iterator[Sequence[Edit]]:
    bound, theirs = binding(call.file, wrapped), binding(other.file, plain)
    if bound is None or bound.looped or bound.item is not None or not call.file.loops(bound.statement):
        return
    inner = {each.id for each in ast.walk(bound.value) if isinstance(each, ast.Name)}
    if wrapped.id in inner and theirs is not None and theirs.looped:
        code = _renamed(call.file.code(bound.value), {wrapped.id: plain.id})
        yield [before(other.file, other.statement, f"{plain.id} = {code}")]


# ---- the split ------------------------------------------------------------------------------------------------------


@fix("split-again")
def end_where_held_out_begins(case: Case) -> Iterator[Sequence[Edit]]:
    """`x[:b]` for training and `x[a:b]` held out: training ends at a, and so do its labels."""
    train = training_inputs(case)
    if train is None or not isinstance(train.node, ast.Subscript) or not isinstance(train.node.slice, ast.Slice):
        return
    upper = train.node.slice.upper
    statement = train.file.statement(train.node)
    for other in held_out_inputs(case):
        rows = other.node.slice if isinstance(other.node, ast.Subscript) else None
        if not isinstance(rows, ast.Slice) or rows.lower is None or ast.unparse(train.base) != ast.unparse(other.base):
            continue
        start = train.file.code(rows.lower)
        if upper is not None and ast.unparse(upper) == start:
            return  # they do not overlap
        slices = [
            each.slice
            for each in ast.walk(statement)
            if isinstance(each, ast.Subscript)
            and isinstance(each.slice, ast.Slice)
            and ast.unparse(each.slice) == ast.unparse(train.node.slice)
        ]
        lower = train.node.slice.lower
        text = f"{train.file.code(lower) if lower is not None else ''}:{start}"
        yield [replace(train.file, each, text) for each in slices]
        return


@fix("split-again")
def train_on_the_training_part(case: Case) -> Iterator[Sequence[Edit]]:
    """Where data are split and the training part is never used, use it in place of all of them."""
    program = case.program
    for call in program.calls("torch.utils.data.random_split", "sklearn.model_selection.train_test_split"):
        statement = call.statement
        targets = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if not isinstance(targets, ast.Tuple):
            continue
        names = [ast.unparse(each) for each in targets.elts]
        step = 1 if call.file.qualified(call.node.func).endswith("random_split") else 2
        edits: list[Edit] = []
        for number, whole in enumerate(call.node.args[: len(names) // 2 if step == 2 else 1]):
            part = names[number * 2 if step == 2 else 0]
            loads = [each for each in ast.walk(call.file.tree) if isinstance(each, ast.Name) and each.id == part]
            if any(isinstance(each.ctx, ast.Load) for each in loads):
                break
            edits += [
                replace(call.file, each, part)
                for each in ast.walk(call.file.tree)
                if isinstance(each, ast.Name)
                and isinstance(each.ctx, ast.Load)
                and each.id == ast.unparse(whole)
                and each.lineno > (statement.end_lineno or 0)
                and any(isinstance(up, ast.Call) and "Data" in ast.unparse(up.func) for up in call.file.above(each))
            ]
        if edits:
            yield edits


# ---- labels ---------------------------------------------------------------------------------------------------------

_DRAWS = ("numpy.random.permutation", "torch.randperm", "torch.randint", "numpy.random.randint", "random.sample")


@fix("check-labels")
def same_rows_for_labels(case: Case) -> Iterator[Sequence[Edit]]:
    """Labels by the very rows that inputs are taken by."""
    program = case.program
    for file, node in program.nodes():
        if isinstance(node, ast.Tuple) and len(node.elts) == 2:
            yield from _by_one_index(file, node)
    for file, node in program.nodes():
        if isinstance(node, ast.Assign):
            yield from _taken_alike(case, file, node)


def _by_one_index(file: SourceFile, pair: ast.Tuple) -> Iterator[Sequence[Edit]]:
    """`x[rows], y[torch.randint(...)]`: two draws."""
    one, two = pair.elts
    if not isinstance(one, ast.Subscript) or not isinstance(two, ast.Subscript):
        return
    if ast.unparse(one.slice) != ast.unparse(two.slice) and (_is_draw(file, two.slice) or _is_draw(file, one.slice)):
        if isinstance(one.slice, ast.Name):
            yield [replace(file, two.slice, file.code(one.slice))]
        elif isinstance(two.slice, ast.Name):
            yield [replace(file, one.slice, file.code(two.slice))]


def _is_draw(file: SourceFile, node: ast.expr) -> bool:
    if isinstance(node, ast.Name):
        bound = binding(file, node)
        return bound is not None and not bound.looped and _is_draw(file, bound.value)
    return isinstance(node, ast.Call) and (
        file.qualified(node.func) in _DRAWS or ast.unparse(node.func).endswith((".permutation", ".integers", ".choice"))
    )


def _taken_alike(case: Case, file: SourceFile, labels: ast.Assign) -> Iterator[Sequence[Edit]]:
    """`x = x[rows]`, and labels that are permuted by themselves or merely cut: they become `y[rows]`."""
    pairs = _single(labels)
    for target, value in pairs:
        name = ast.unparse(target)
        alone = _permuted_alone(file, name, value)
        cut = isinstance(value, ast.Subscript) and ast.unparse(value.value) == name and isinstance(value.slice, ast.Slice)
        if not (alone or cut) or not _is_label(case, file, name):
            continue
        partner = _partner(file, labels, name)
        if partner is not None:
            yield [replace(file, value, f"{name}[{partner}]")]
        elif alone and ast.unparse(labels.targets[0]) == name:
            yield [delete(file, labels)]


def _single(node: ast.Assign) -> list[tuple[ast.expr, ast.expr]]:
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return list(zip(target.elts, value.elts, strict=False))
    return [(target, value)]


def _permuted_alone(file: SourceFile, name: str, value: ast.expr) -> bool:
    """`permutation(y)`, or `y[torch.randperm(len(y))]`."""
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).endswith(("permutation", "sorted", ".sort")) and name in {
            ast.unparse(each) for each in value.args
        }
    return isinstance(value, ast.Subscript) and ast.unparse(value.value) == name and _is_draw(file, value.slice)


def _partner(file: SourceFile, labels: ast.Assign, name: str) -> str | None:
    """The index that another array of the same block was taken by, near the labels: `rows` of `x = x[rows]`."""
    block = next(
        (value for _, value in ast.iter_fields(file.parents[labels]) if isinstance(value, list) and labels in value), []
    )
    place = block.index(labels) if labels in block else 0
    for statement in [*reversed(block[max(0, place - 6) : place]), labels]:
        if not isinstance(statement, ast.Assign):
            continue
        for target, value in _single(statement):
            if (
                isinstance(value, ast.Subscript)
                and isinstance(value.slice, ast.Name)
                and ast.unparse(value.value) == ast.unparse(target) != name
            ):
                return value.slice.id
    return None


def _is_label(case: Case, file: SourceFile, name: str) -> bool:
    """Whether training targets come from it, or its name says so."""
    target = training_targets(case)
    if target is not None and target.file is file and _leads_to(file, target.base, name):
        return True
    return re.search(r"(^|_)(y|label|labels|target|targets)(_|$)", name.lower()) is not None


def _leads_to(file: SourceFile, node: ast.expr, name: str, depth: int = 4) -> bool:
    if ast.unparse(node) == name:
        return True
    bound = binding(file, node)
    return bool(depth) and bound is not None and any(
        _leads_to(file, each, name, depth - 1) for each in ast.walk(bound.value) if isinstance(each, ast.Name)
    )


@fix("check-labels")
def shuffle_in_place_together(case: Case) -> Iterator[Sequence[Edit]]:
    """Labels copied from a table before it is shuffled are copied after it; labels shuffled alone are not."""
    for call in [*case.program.methods("shuffle"), *case.program.calls("numpy.random.shuffle", "random.shuffle")]:
        file, statement = call.file, call.statement
        if not call.node.args or not isinstance(statement, ast.Expr):
            continue
        shuffled = ast.unparse(call.node.args[0])
        scope = file.scope(statement)
        copies = [
            node
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign)
            and node.lineno < statement.lineno
            and file.parents[node] is file.parents[statement]
            and shuffled in {each.id for each in ast.walk(node.value) if isinstance(each, ast.Name)}
            and ast.unparse(node.targets[0]) != shuffled
            and _is_label(case, file, ast.unparse(node.targets[0]))
        ]
        if copies:
            last = copies[-1]
            yield [delete(file, last), after(file, statement, file.code(last))]
        elif _is_label(case, file, shuffled):
            yield [delete(file, statement)]


@fix("check-labels")
def take_labels_along(case: Case) -> Iterator[Sequence[Edit]]:
    """Where inputs alone were permuted, the labels are permuted with them."""
    train, target = training_inputs(case), training_targets(case)
    if train is None or target is None or not isinstance(target.base, ast.Name) or not isinstance(train.base, ast.Name):
        return
    file, x, y = train.file, train.base.id, target.base.id
    for each in bindings(file, x):
        index = each.value.slice if isinstance(each.value, ast.Subscript) else None
        if not isinstance(index, ast.Name) or each.item is not None or ast.unparse(each.value.value) != x:  # type: ignore[attr-defined]
            continue
        taken = any(index.id in ast.unparse(other.value) for other in bindings(file, y))
        if _is_draw(file, index) and not taken:
            yield [after(file, each.statement, f"{y} = {y}[{index.id}]")]


@fix("check-labels")
def split_together(case: Case) -> Iterator[Sequence[Edit]]:
    """One `train_test_split` for inputs and labels instead of one each."""
    calls = case.program.calls("sklearn.model_selection.train_test_split")
    for one, two in zip(calls, calls[1:], strict=False):
        first, second = one.statement, two.statement
        if one.file is not two.file or len(one.node.args) != 1 or len(two.node.args) != 1:
            continue
        if isinstance(first, ast.Assign) and isinstance(second, ast.Assign):
            file = one.file
            targets = f"{file.code(first.targets[0])}, {file.code(second.targets[0])}"
            end = file.span(one.node.args[0])[1]
            yield [
                replace(file, first.targets[0], targets),
                Edit(file, end, end, f", {file.code(two.node.args[0])}"),
                delete(file, second),
            ]

