"""Fixes of batches whose examples are put in order without their labels."""

import ast
import re
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import binding
from gradus.diagnosis.prescription.edits import Edit, before
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import SourceFile
from gradus.diagnosis.prescription.readers import is_load


@fix("check-labels")
def sort_whole_examples(case: Case) -> Iterator[Sequence[Edit]]:
    """Where `sorted(x for x, _ in examples)` leaves the labels behind, `examples` are sorted first.

    The order may be needed, as for packed sequences; inputs that are in order already stay in it.
    """
    for file, node in case.program.nodes():
        operand = _sorted(node)
        part = _part(file, operand) if operand is not None else None
        if part is None or not isinstance(node, ast.Call):
            continue
        examples, key = part
        function = file.scope(node)
        if isinstance(function, ast.Lambda):  # no place for a statement
            continue
        whole = [operand for each in ast.walk(function) if (operand := _sorted(each)) is not None]
        if any(ast.unparse(each) == examples for each in whole):
            continue
        reading = (each for each in function.body if any(is_load(part, examples) for part in ast.walk(each)))
        first = next(reading, None)
        if first is not None:
            order = _order(file, node, f"example[{key!r}]")
            yield [before(file, first, f"{examples} = sorted({examples}, {order})")]


def _sorted(node: ast.AST) -> ast.expr | None:
    """What a call puts in order."""
    match node:
        case ast.Call(func=ast.Name(id="sorted"), args=[operand]):
            return operand
        case ast.Call(func=ast.Attribute(value=ast.Name() as operand, attr="sort"), args=[]):
            return operand
    return None


def _part(file: SourceFile, node: ast.expr) -> tuple[str, int | str] | None:
    """Of an expression for one part of every example, the name of the examples, and where in each it is."""
    match node:
        case ast.ListComp(elt=elt, generators=[one]) | ast.GeneratorExp(elt=elt, generators=[one]) if (
            isinstance(one.iter, ast.Name) and not one.ifs
        ):
            match elt, one.target:
                case ast.Name(id=name), ast.Tuple(elts=parts):
                    names = [ast.unparse(each) for each in parts]
                    return (one.iter.id, names.index(name)) if name in names else None
                case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=int() | str() as key)), ast.Name(
                    id=target
                ) if name == target:
                    return one.iter.id, key
        case ast.Call(func=ast.Name(id="list"), args=[inner]):
            return _part(file, inner)
        case ast.Name():
            bound = binding(file, node)
            match bound and bound.value:
                case ast.Call(func=ast.Name(id="zip"), args=[ast.Starred(value=ast.Name(id=examples))]) if (
                    bound is not None and bound.item is not None
                ):
                    return examples, bound.item
                case ast.ListComp() as made:
                    return _part(file, made)
    return None


def _order(file: SourceFile, call: ast.Call, part: str) -> str:
    """The order of whole examples by what a call sorts their parts by."""
    given = {each.arg: each.value for each in call.keywords}
    match given.get("key"):
        case None:
            key = part
        case ast.Lambda(args=ast.arguments(args=[ast.arg(arg=name)]), body=body):
            key = re.sub(rf"\b{name}\b", part, file.code(body))
        case function:
            key = f"{file.code(function)}({part})"
    reverse = f", reverse={file.code(given['reverse'])}" if "reverse" in given else ""
    return f"key=lambda example: {key}{reverse}"
