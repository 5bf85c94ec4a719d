"""A way through NumPy and back, computed in torch alone."""

import ast
import re
from collections.abc import Iterator, Sequence

import torch

from gradus.diagnosis.prescription.edits import Edit, delete, imported, is_atom, replace
from gradus.diagnosis.prescription.program import SourceFile

_IN_TORCH = {
    "mean", "sum", "exp", "log", "tanh", "abs", "sqrt", "stack", "maximum", "minimum", "square", "sin", "cos", "where",
    "clip", "matmul", "dot", "log1p", "expm1", "sign", "power", "einsum", "cumsum", "arctan2", "angle", "real", "imag",
}  # fmt: skip
_RENAMED = {"concatenate": "cat", "power": "pow", "max": "amax", "amax": "amax", "min": "amin", "amin": "amin"}
_BOUNDS = {"numpy.maximum": "min", "numpy.minimum": "max"}
_ARRAYS = {"numpy.array", "numpy.asarray"}
_ALIKE = ("fft.", "linalg.")
"""Modules of NumPy that torch has under the same name, with the same functions."""
_OF_PARTS = {"maximum": "amax", "minimum": "amin", "add": "sum", "multiply": "prod"}
"""What `reduceat` of a function makes of each part."""
_CONVERTED = {"float32": "float", "float": "double", "float64": "double"}
FROM_NUMPY = {"torch.from_numpy", "torch.tensor", "torch.as_tensor", "torch.FloatTensor"}
TO_NUMPY = {"detach", "cpu", "numpy", "tolist", "item"}


def round_trip(file: SourceFile, region: ast.AST) -> Iterator[list[Edit]]:
    """Through NumPy and back: the same computed in torch."""
    edits: list[Edit] = []
    for node in ast.walk(region):
        if not isinstance(node, ast.Call):
            continue
        name = file.qualified(node.func)
        away = bool(node.args) and re.search(r"\.(numpy|item|tolist)\(\)", ast.unparse(node.args[0]))
        if name in FROM_NUMPY and away:
            edits.append(replace(file, node, in_torch_alone(file, node.args[0])))
    edits = [each for each in edits if not _is_numpy(file, each)]  # which takes no tensor that has a gradient
    if edits:
        yield edits
        return
    yield from _round_trip_by_names(file, region)


def _round_trip_by_names(file: SourceFile, region: ast.AST) -> Iterator[list[Edit]]:
    """`h = h.detach().numpy()` in one statement and `torch.from_numpy(h)` in another.

    A copy that is kept, as in `self.seen = h.detach().numpy()`, stays one: what it was made of takes its place.
    """
    away = [
        node
        for node in ast.walk(region)
        if isinstance(node, ast.Assign) and re.search(r"\.numpy\(\)", ast.unparse(node.value))
    ]
    names = {ast.unparse(each.targets[0]) for each in away}
    if not away:
        return
    kept = _kept(file, region, away)
    if kept:
        yield kept
        return
    edits: list[Edit] = [replace(file, each.value, in_torch_alone(file, each.value)) for each in away]
    for node in ast.walk(region):
        back = isinstance(node, ast.Call) and file.qualified(node.func) in FROM_NUMPY
        value = node.value if isinstance(node, ast.Assign) and node not in away else node if back else None
        if isinstance(value, ast.expr) and _read(value) & names:
            names |= {ast.unparse(each) for each in getattr(node, "targets", [])}
            new = in_torch_alone(file, value)
            inside = any(isinstance(each, ast.Assign) and each.value is value for each in [file.parents[value]])
            if isinstance(node, ast.Assign) and new == ast.unparse(node.targets[0]):
                edits.append(delete(file, node))
            elif new != file.code(value) and (isinstance(node, ast.Assign) or not inside):
                edits.append(replace(file, value, new))
    if not any(_is_numpy(file, each) for each in edits):
        yield edits


def _kept(file: SourceFile, region: ast.AST, away: Sequence[ast.Assign]) -> list[Edit]:
    """The tensor itself where an attribute that keeps it as numbers is turned back."""
    sources = {
        ast.unparse(each.targets[0]): text
        for each in away
        if isinstance(each.targets[0], ast.Attribute) and (text := in_torch_alone(file, each.value)).isidentifier()
    }
    return [
        replace(file, node, sources[ast.unparse(node.args[0])])
        for node in ast.walk(region)
        if isinstance(node, ast.Call)
        and file.qualified(node.func) in FROM_NUMPY
        and node.args
        and ast.unparse(node.args[0]) in sources
    ]


def _read(value: ast.expr) -> set[str]:
    """Names and attributes in an expression."""
    return {ast.unparse(each) for each in ast.walk(value) if isinstance(each, ast.Name | ast.Attribute)}


def _is_numpy(file: SourceFile, edit: Edit) -> bool:
    """Whether NumPy's functions are left in a text: those that torch has no name for."""
    names = [name for name, meant in file.imports.items() if meant == "numpy"]
    return any(re.search(rf"\b{name}\.", edit.text) for name in names)


def in_torch_alone(file: SourceFile, node: ast.expr) -> str:
    """An expression in torch alone: without what leads to NumPy and back, and with torch's functions for NumPy's."""
    edits: list[tuple[int, int, str]] = []
    base = file.span(node)[0]

    def walk(part: ast.AST) -> None:
        if isinstance(part, ast.Call):
            name = file.qualified(part.func)
            called = part.func
            if isinstance(called, ast.Attribute) and not name and called.attr in TO_NUMPY and not part.args:
                edits.append((file.span(called.value)[1] - base, file.span(part)[1] - base, ""))
            elif isinstance(called, ast.Attribute) and called.attr == "astype" and _type(file, part):
                edits.append((file.span(called.value)[1] - base, file.span(part)[1] - base, f".{_type(file, part)}()"))
                walk(called.value)
                return
            elif name in FROM_NUMPY and part.args:
                edits.append((file.span(part)[0] - base, file.span(part.args[0])[0] - base, ""))
                edits.append((file.span(part.args[0])[1] - base, file.span(part)[1] - base, ""))
                walk(part.args[0])
                return
            elif isinstance(called, ast.Name) and called.id == "float" and len(part.args) == 1:
                edits.append((file.span(part)[0] - base, file.span(part.args[0])[0] - base, ""))
                edits.append((file.span(part.args[0])[1] - base, file.span(part)[1] - base, ""))
            elif _reduced(name) and len(part.args) == 2 and not part.keywords and all(map(is_atom, part.args)):
                (first, last), (start, end) = (file.span(each) for each in part.args)
                stack, _ = imported(file, "torch.stack")
                opening = f"{stack}([part.{_reduced(name)}(0) for part in "
                edits.append((file.span(part)[0] - base, first - base, opening))
                edits.append((last - base, start - base, ".tensor_split(list("))
                edits.append((end - base, file.span(part)[1] - base, "[1:]))])"))
                walk(part.args[0])
                return
            elif name in _ARRAYS and len(part.args) == 1 and not part.keywords and (made := _made(part.args[0])):
                torch_name, _ = imported(file, f"torch.{made}")
                edits.append((file.span(called)[0] - base, file.span(called)[1] - base, torch_name))
            elif name in _BOUNDS and len(part.args) == 2 and isinstance(part.args[1], ast.Constant):
                clamp, _ = imported(file, "torch.clamp")  # torch.maximum is of tensors alone
                (start, end), bound = file.span(called), file.span(part.args[1])[0]
                edits.append((start - base, end - base, clamp))
                edits.append((bound - base, bound - base, f"{_BOUNDS[name]}="))
            elif name.startswith("numpy.") and _has_torch(short := name.removeprefix("numpy.")):
                torch_name, _ = imported(file, f"torch.{_RENAMED.get(short, short)}")
                start, end = file.span(called)
                edits.append((start - base, end - base, torch_name))
        elif isinstance(part, ast.Attribute) and part.attr == "data" and isinstance(part.ctx, ast.Load):
            edits.append((file.span(part.value)[1] - base, file.span(part)[1] - base, ""))
        for each in ast.iter_child_nodes(part):
            walk(each)

    walk(node)
    text = file.code(node)
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _has_torch(name: str) -> bool:
    """Whether a function of NumPy is one of torch, perhaps under another name."""
    return name in _IN_TORCH or name in _RENAMED or (name.startswith(_ALIKE) and _found_in_torch(name))


def _found_in_torch(name: str) -> bool:
    home, _, function = name.partition(".")
    return hasattr(getattr(torch, home), function)


def _reduced(name: str) -> str:
    """What `numpy.maximum.reduceat` makes of each part, as torch calls it; "" of any other function."""
    match name.split("."):
        case ["numpy", function, "reduceat"]:
            return _OF_PARTS.get(function, "")
    return ""


def _made(listed: ast.expr) -> str:
    """What makes of a list in torch what `numpy.array` made of it: of numbers, of tensors; "" of what is no list."""
    elements = listed.elts if isinstance(listed, ast.List) else [listed.elt] if isinstance(listed, ast.ListComp) else []
    if elements and not any(isinstance(each, ast.Name) for one in elements for each in ast.walk(one)):
        return "tensor"
    return "stack" if elements and not any(isinstance(each, ast.Constant | ast.List) for each in elements) else ""


def _type(file: SourceFile, call: ast.Call) -> str:
    """The method of a tensor that converts to the same type as `array.astype(...)`; "" if there is none."""
    given = call.args[0] if len(call.args) == 1 else None
    if given is None:
        return ""
    text = given.value if isinstance(given, ast.Constant) else file.qualified(given) or ast.unparse(given)
    return _CONVERTED.get(str(text).removeprefix("numpy."), "")
