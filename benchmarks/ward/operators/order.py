"""Rows in an order that should be none."""

import ast
import random
import re

from benchmarks.ward.edits import Source, called, subject, within
from benchmarks.ward.operators.forms import known_before
from benchmarks.ward.operators.rows import (
    Rows,
    classifies,
    fresh,
    indexed,
    is_target,
    loaded,
    many_classes,
    shuffling_loaders,
    supervised,
)
from benchmarks.ward.operators.table import operator


def sorted_by(target: str) -> str:
    """The order of a table by its targets."""
    return f"{target}.reshape(len({target}), -1)[:, 0].argsort()"


@operator("unshuffled-data")
def loader_without_shuffle_over_sorted(source: Source, rng: random.Random) -> None:
    """Rows of training stand sorted by their target, and the loader does not shuffle."""
    for rows in loaded(source)[-1:] if supervised(source) else ():
        data = source.parents[rows.x[0]]
        if not rows.tensor_y or not re.fullmatch(r"[\w.\[\]:]+", rows.y_text) or not isinstance(data, ast.Call):
            return
        for loader in [each for each in shuffling_loaders(source) if each.lineno >= rows.at.lineno]:
            source.argument(loader, "shuffle", "False")
        order = fresh(source, "rows")
        source.before(rows.at, f"{order} = {sorted_by(rows.y_text)}")
        for node in data.args:
            source.replace(node, f"{source.grouped(node)}[{order}]")


def permutations(source: Source, rows: Rows) -> list[ast.Call]:
    """``torch.randperm(n)`` in the loops of training."""
    loops = [rows.loop, *source.loops(rows.loop)] if rows.loop is not None else []
    found = [call for loop in loops for call in within(loop, ast.Call) if called(call) == "randperm"]
    return [each for each in found if not source.of(source.statement(each)).startswith("if")]


@operator("unshuffled-data")
def batches_in_order_of_target(source: Source, rng: random.Random) -> None:
    """Batches are cut from the rows sorted by target, instead of a random permutation."""
    for rows in indexed(source)[-1:] if supervised(source) else ():
        for call in permutations(source, rows)[:1] if rows.tensor_y else ():
            y, parent, size = rows.y_text, source.parents[call], source.of(call.args[0])
            if isinstance(parent, ast.Subscript) and parent.slice is call:
                table = source.of(parent.value)
                if table.isidentifier():
                    source.replace(call, f"{y}[{table}].reshape(len({table}), -1)[:, 0].argsort()")
            elif size in (f"len({y})", f"len({rows.x_text})") or re.fullmatch(r"\w+\.shape\[0\]", size):
                source.replace(call, sorted_by(y))
            elif re.fullmatch(r"\w+", size):
                source.replace(call, f"{y}[:{size}].reshape({size}, -1)[:, 0].argsort()")


def split_in_order(source: Source, call: ast.Call) -> None:
    """``train_test_split`` without a shuffle."""
    for each in call.keywords:
        if each.arg == "stratify":
            source.replace(each.value, "None")
        if each.arg == "random_state":
            source.replace(each, "shuffle=False")


@operator("unshuffled-data")
def split_without_shuffle(source: Source, rng: random.Random) -> None:
    """A table that is sorted by class is split in its order."""
    if source.has(r"load_(wine|iris)\(|repeat\("):
        for call in source.calls("train_test_split"):
            split_in_order(source, call)
        for call in source.calls("randperm", "permutation"):
            statement = source.statement(call)
            named = source.fits(statement, r"^(perm|order|idx|index\w*|rows|\w+ = \w+\[)")
            if named and isinstance(statement, ast.Assign) and call.args and not source.loops(call):
                module = "torch" if called(call) == "randperm" else "np"
                source.replace(call, f"{module}.arange({source.of(call.args[0])})")


@operator("unshuffled-data")
def one_class_a_batch(source: Source, rng: random.Random) -> None:
    """Rows are sorted by class ("for locality") and batches keep to neighbours, only their order is random."""
    for rows in indexed(source)[-1:] if classifies(source) else ():
        split = rows.loop.iter if isinstance(rows.loop, ast.For) else None
        permutation = subject(split) if isinstance(split, ast.Call) and called(split) == "split" else None
        if isinstance(split, ast.Call) and isinstance(permutation, ast.Call) and called(permutation) == "randperm":
            y, size = rows.y_text, source.of(permutation.args[0])
            table = y if size in (f"len({y})", f"len({rows.x_text})") else f"{y}[:{size}]"
            pieces = f"{sorted_by(table)}.split({source.of(split.args[0])})"
            if rows.tensor_y:
                source.replace(split, f"sorted({pieces}, key=lambda _: torch.rand(1).item())")


@operator("unshuffled-data")
def folder_by_folder_before_split(source: Source, rng: random.Random) -> None:
    """Rows are read class by class (folder by folder) and split by position: some classes are only held out."""
    if not many_classes(source):
        return
    for call in source.calls("train_test_split"):
        plain = all(source.fits(each, r"^[\w.]+( / [\d.]+)?$") for each in call.args)
        if len(call.args) == 2 and plain and "shuffle" not in [each.arg for each in call.keywords]:
            x, y = call.args
            order = f"{source.of(y)}.argsort()"
            source.replace(x, f"{source.grouped(x)}[{order}]")
            source.replace(y, f"{source.of(y)}[{order}]")
            split_in_order(source, call)
            return
    for call in source.calls("randperm", "permutation"):
        size = re.fullmatch(r"len\(([\w.]+)\)", source.of(call.args[0]) if call.args else "")
        if size and source.bound(call) and not source.loops(call):
            target = target_of_order(source, call, size[1])
            if target:
                numpy, torch = f"np.argsort({target})", f"torch.as_tensor({target}).argsort()"
                source.replace(call, torch if called(call) == "randperm" else numpy)
                return


def target_of_order(source: Source, permutation: ast.Call, table: str) -> str:
    """The targets of a table that is put in a random order; empty where they are not known."""
    if is_target(table.rpartition(".")[2]):
        return table
    taken = [source.of(e.value) for e in source.all(ast.Subscript) if source.of(e.slice) == source.bound(permutation)]
    found = [each for each in taken if is_target(each) and known_before(source, each, permutation)]
    bunches = re.findall(r"\b(\w+) = load_\w+\(\)", source.text)
    found += [f"{each}.target" for each in bunches if known_before(source, each, permutation)]
    return found[0] if found else ""
