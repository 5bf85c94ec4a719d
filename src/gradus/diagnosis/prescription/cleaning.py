"""Fixes of inputs that hold no information."""

import ast
import re
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.batches import training_inputs
from gradus.diagnosis.prescription.bindings import Function, binding, parameters
from gradus.diagnosis.prescription.edits import Edit, imported, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import SourceFile
from gradus.diagnosis.prescription.scaling import scale_arrays
from gradus.diagnosis.prescription.written import written

_WHOLE = r"^(int|np\.u?int\d*|numpy\.u?int\d*|torch\.(u?int\d*|long)|'u?int\d*')$"
_REAL = r"^(float|(np|numpy|torch)\.float\d*|'float\d*'|'f4')$"


@fix("drop-constants")
def keep_fractions(case: Case) -> Iterator[Sequence[Edit]]:
    """Inputs that were cut to whole numbers on the way keep their fractions."""
    for file, node in case.program.nodes():
        if not isinstance(node, ast.Call) or file.loops(node):
            continue
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr == "float" and isinstance(called.value, ast.Call):
            inner = called.value
            given = next((each for each in inner.keywords if each.arg == "dtype"), None)
            if given is not None and re.search(_WHOLE, file.qualified(given.value)):
                real, more = imported(file, "torch.float32")
                made = file.code(inner).replace(file.code(given), f"dtype={real}")
                yield [replace(file, node, made), *more]
            elif isinstance(inner.func, ast.Attribute) and inner.func.attr in {"long", "int", "byte", "round"}:
                yield [replace(file, inner, file.code(inner.func.value))]
        match node:
            case ast.Call(func=ast.Attribute(value=array, attr="astype"), args=[kind, *_]):
                if re.search(_WHOLE, ast.unparse(kind)) and _is_input(case, file, node):
                    yield [replace(file, node, file.code(array))]


@fix("drop-constants")
def stay_real(case: Case) -> Iterator[Sequence[Edit]]:
    """`x = rows[i].to(torch.int32)`, of which `x.to(torch.float32)` goes in, stays as it is."""
    for file, node in case.program.nodes():
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name() as named, attr="float" | "to" | "astype"), args=kinds):
                if not kinds or re.search(_REAL, ast.unparse(kinds[0])):
                    bound = binding(file, named)
                    whole = _cut(bound.value) if bound is not None and bound.item is None else None
                    if bound is not None and whole is not None:
                        yield [replace(file, bound.value, file.code(whole))]


def _cut(node: ast.expr) -> ast.expr | None:
    """What a call makes whole numbers of."""
    match node:
        case ast.Call(func=ast.Attribute(value=array, attr="long" | "int" | "byte" | "short")):
            return array
        case ast.Call(func=ast.Attribute(value=array, attr="to" | "astype" | "type"), args=[kind]):
            return array if re.search(_WHOLE, ast.unparse(kind)) else None
    return None


@fix("drop-constants")
def convert_before_dividing(case: Case) -> Iterator[Sequence[Edit]]:
    """`(x / 255).astype(np.uint8)` and `(x / 255).to(torch.uint8)`, which leave 0 and 1, become real numbers."""
    for file, node in case.program.nodes():
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.BinOp(op=ast.Div()), attr="astype" | "to" | "type" as called),
                args=[kind, *_],
            ) if re.search(_WHOLE, ast.unparse(kind)):
                real, more = imported(file, "numpy.float32" if called == "astype" else "torch.float32")
                yield [replace(file, kind, real), *more]


def _is_input(case: Case, file: SourceFile, node: ast.AST) -> bool:
    """Whether a statement binds the training array."""
    train = training_inputs(case)
    statement = file.statement(node)
    return (
        train is not None
        and isinstance(statement, ast.Assign)
        and any(ast.unparse(each) == ast.unparse(train.base) for each in statement.targets)
    )


@fix("drop-constants")
def divide_in_fractions(case: Case) -> Iterator[Sequence[Edit]]:
    """`x // 255` on the way to real numbers is `x / 255`."""
    for file, node in case.program.nodes():
        match node:
            case ast.BinOp(left=left, op=ast.FloorDiv(), right=right) if _becomes_real(file, node):
                if written(case.program, file, right) is not None:
                    yield [replace(file, node, f"{file.code(left)} / {file.code(right)}")]


def _becomes_real(file: SourceFile, node: ast.AST) -> bool:
    """Whether a call around it makes real numbers: `(...).float()`, `torch.tensor(..., dtype=torch.float32)`."""
    for each in file.above(node):
        if isinstance(each, ast.stmt):
            return False
        if isinstance(each, ast.Call):
            called = ast.unparse(each.func).rpartition(".")[2]
            kinds = [ast.unparse(one) for one in (*each.args, *(given.value for given in each.keywords))]
            if called in {"float", "double", "FloatTensor"} or any(re.search(_REAL, kind) for kind in kinds):
                return True
    return False


@fix("drop-constants")
def hold_fractions(case: Case) -> Iterator[Sequence[Edit]]:
    """A table that is made to hold whole numbers, `np.zeros((n, 8), dtype=int)`, holds real ones."""
    for call in case.program.calls("numpy.zeros", "numpy.empty", "numpy.ones", "torch.zeros", "torch.empty"):
        file, shape = call.file, call.argument(0, "shape")
        kind = call.argument(-1, "dtype")
        if kind is None or not re.search(_WHOLE, ast.unparse(kind)) or file.loops(call.node):
            continue
        if isinstance(shape, ast.Tuple) and len(shape.elts) > 1:
            real, more = imported(file, f"{file.qualified(call.node.func).partition('.')[0]}.float32")
            yield [replace(file, kind, real), *more]


@fix("drop-constants")
def take_by_the_index(case: Case) -> Iterator[Sequence[Edit]]:
    """`self.x[0]` in a dataset's `__getitem__(self, i)` is `self.x[i]`, where i chooses the label alone."""
    for file, node in case.program.nodes():
        if not isinstance(node, Function) or node.name != "__getitem__" or len(parameters(node)) != 2:
            continue
        index = parameters(node)[1]
        taken = [
            each.slice
            for each in ast.walk(node)
            if isinstance(each, ast.Subscript) and ast.unparse(each.value).startswith("self.")
        ]
        by_number = [each for each in taken if isinstance(each, ast.Constant) and isinstance(each.value, int)]
        if len(by_number) == 1 and any(ast.unparse(each) == index for each in taken):
            yield [replace(file, by_number[0], index)]


@fix("drop-constants")
def scale_what_varies(case: Case) -> Iterator[Sequence[Edit]]:
    """Scale the columns: constants become 0, and what varies little is seen."""
    yield from scale_arrays(case)
