"""Fixes of how examples are split, and of labels that do not go with their inputs."""

import ast
import itertools
import re
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.batches import (
    held_out_inputs,
    training_inputs,
    training_targets,
)
from gradus.diagnosis.prescription.bindings import assigned_parts, binding, bindings
from gradus.diagnosis.prescription.edits import Edit, after, delete, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import SourceFile


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
    pairs = assigned_parts(labels)
    for target, value in pairs:
        name = ast.unparse(target)
        alone = _permuted_alone(file, name, value)
        cut = (
            isinstance(value, ast.Subscript) and ast.unparse(value.value) == name and isinstance(value.slice, ast.Slice)
        )
        if not (alone or cut) or not _is_label(case, file, name):
            continue
        partner = _partner(file, labels, name)
        if partner is not None:
            yield [replace(file, value, f"{name}[{partner}]")]
        elif alone and ast.unparse(labels.targets[0]) == name:
            yield [delete(file, labels)]


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
        for target, value in assigned_parts(statement):
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
    return (
        bool(depth)
        and bound is not None
        and any(_leads_to(file, each, name, depth - 1) for each in ast.walk(bound.value) if isinstance(each, ast.Name))
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
    """Where inputs alone were permuted, the labels are permuted with them, unless they are looked up by them."""
    train, target = training_inputs(case), training_targets(case)
    if train is None or target is None or not isinstance(target.base, ast.Name) or not isinstance(train.base, ast.Name):
        return
    file, x, y = train.file, train.base.id, target.base.id
    if any(_is_looked_up(node, y, x) for node in ast.walk(file.tree)):
        return
    for each in bindings(file, x):
        index = each.value.slice if isinstance(each.value, ast.Subscript) else None
        if not isinstance(index, ast.Name) or each.item is not None or ast.unparse(each.value.value) != x:  # type: ignore[attr-defined]
            continue
        taken = any(index.id in ast.unparse(other.value) for other in bindings(file, y))
        if _is_draw(file, index) and not taken:
            yield [after(file, each.statement, f"{y} = {y}[{index.id}]")]


def _is_looked_up(node: ast.AST, table: str, by: str) -> bool:
    """Whether it takes from a table where something says: `ratings[user, item]`."""
    if not isinstance(node, ast.Subscript) or ast.unparse(node.value) != table:
        return False
    return any(isinstance(each, ast.Name) and each.id == by for each in ast.walk(node.slice))


@fix("check-labels")
def split_together(case: Case) -> Iterator[Sequence[Edit]]:
    """One `train_test_split` for inputs and labels instead of one each."""
    calls = case.program.calls("sklearn.model_selection.train_test_split")
    for one, two in itertools.pairwise(calls):
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
