"""Which library the arrays of a program are of."""

import ast

from gradus.diagnosis.prescription.bindings import binding, function_around, parameters, passed, returned
from gradus.diagnosis.prescription.callables import reached, reaching
from gradus.diagnosis.prescription.program import Program, SourceFile

_TORCH_ONLY = {
    "float", "double", "to", "unsqueeze", "permute", "view", "expand", "contiguous", "unfold", "repeat_interleave",
}  # fmt: skip
_NUMPY_ONLY = {"astype", "to_numpy", "numpy", "toarray"}

_OF_TABLES = {
    "copy", "reset_index", "set_index", "drop", "dropna", "drop_duplicates", "sample", "sort_values", "query", "assign",
    "merge", "join", "head", "rename", "loc", "iloc", "astype",
}  # fmt: skip
"""Methods of tables that give tables."""


def is_table(program: Program, file: SourceFile, node: ast.expr, depth: int = 8) -> bool:
    """Whether it is a table of pandas, through names, functions of the program and methods."""
    if not depth:
        return False
    match node:
        case ast.Name() | ast.Attribute(value=ast.Name()) if (bound := binding(file, node)) is not None:
            split = bound.value if bound.item is not None and isinstance(bound.value, ast.Call) else None
            if split is not None and file.qualified(split.func).endswith("train_test_split"):
                return is_table(program, bound.file, split.args[0], depth - 1)
            return bound.item is None and not bound.looped and is_table(program, bound.file, bound.value, depth - 1)
        case ast.Subscript() | ast.Attribute(attr="loc" | "iloc"):
            return is_table(program, file, node.value, depth - 1)
        case ast.Call(func=called):
            name, enters = file.qualified(called), reached(program, file, node)
            if not name and enters is not None:
                return any(is_table(program, enters[0], each, depth - 1) for each in returned(enters[1]))
            if not name and isinstance(called, ast.Attribute) and called.attr in _OF_TABLES:
                return is_table(program, file, called.value, depth - 1)
            return name.startswith("pandas.")
    return False


def library_of(program: Program, file: SourceFile, value: ast.expr) -> str:
    """Whichever of torch and NumPy an array is of."""
    return made_by(program, file, value) or ("torch" if "torch" in file.imports.values() else "numpy")


def made_by(program: Program, file: SourceFile, node: ast.expr, item: int | None = None, depth: int = 12) -> str:
    """The same; "" where it is not known."""
    if not depth:
        return ""
    match node:
        case ast.Name() | ast.Attribute():
            return _named(program, file, node, item, depth - 1)
        case ast.Subscript() | ast.Starred():
            return made_by(program, file, node.value, None, depth - 1)
        case ast.UnaryOp():
            return made_by(program, file, node.operand, None, depth - 1)
        case ast.IfExp():
            return made_by(program, file, node.body, item, depth - 1)
        case ast.Tuple(elts=parts) if item is not None and item < len(parts):
            return made_by(program, file, parts[item], None, depth - 1)
        case ast.ListComp() | ast.GeneratorExp():
            return made_by(program, file, node.elt, None, depth - 1)
        case ast.BinOp():
            sides = [made_by(program, file, each, None, depth - 1) for each in (node.left, node.right)]
            return max(sides)  # torch, numpy, ""
        case ast.Call():
            return _made_by_call(program, file, node, item, depth - 1)
    return ""


def _named(program: Program, file: SourceFile, node: ast.Name | ast.Attribute, item: int | None, depth: int) -> str:
    bound = binding(file, node)
    if bound is not None:
        return made_by(program, bound.file, bound.value, bound.item if item is None else item, depth)
    if isinstance(node, ast.Attribute):
        return made_by(program, file, node.value, None, depth) if node.attr in {"T", "mT"} else ""
    function = function_around(file, node)
    if function is None or node.id not in parameters(function):
        return ""
    given = [(each.file, passed(file, function, node.id, each)) for each in reaching(program, function)]
    found = [made_by(program, home, each, item, depth) for home, each in given if each is not None]
    return next((each for each in found if each), "")


def _made_by_call(program: Program, file: SourceFile, call: ast.Call, item: int | None, depth: int) -> str:
    name = file.qualified(call.func)
    library = name.partition(".")[0]
    if library in {"torch", "numpy"}:
        return library
    if name.endswith("train_test_split") and item is not None and item // 2 < len(call.args):
        return made_by(program, file, call.args[item // 2], None, depth)
    enters = reached(program, file, call) if not name else None
    if enters is not None:
        found = [made_by(program, enters[0], each, item, depth) for each in returned(enters[1])]
        return next((each for each in found if each), "")
    if name or not isinstance(call.func, ast.Attribute):
        return "numpy" if library in {"sklearn", "scipy", "pandas"} else ""
    if call.func.attr in _TORCH_ONLY:
        return "torch"
    if call.func.attr in _NUMPY_ONLY or call.func.attr in {"transform", "fit_transform"}:
        return "numpy"
    return made_by(program, file, call.func.value, None, depth)
