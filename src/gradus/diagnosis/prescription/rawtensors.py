"""Weights that are tensors made by hand: `torch.randn(n_in, n_out) * scale`."""

import ast
import re
from collections.abc import Iterator

from gradus.diagnosis.prescription.bindings import Function, binding, bindings
from gradus.diagnosis.prescription.callables import reaching
from gradus.diagnosis.prescription.edits import Edit, imported, replace
from gradus.diagnosis.prescription.fixes import Case
from gradus.diagnosis.prescription.layers import rectified
from gradus.diagnosis.prescription.program import SourceFile

_MAKERS = {"torch.randn", "torch.rand", "torch.zeros", "torch.ones", "torch.full", "torch.empty"}
_PRODUCTS = {"torch.matmul", "torch.mm", "torch.bmm"}


def made_by_hand(case: Case) -> Iterator[Edit]:
    """Draws each by its number of inputs: deviation sqrt(2 / n) before rectifiers, sqrt(1 / n) otherwise.

    What carries a state from step to step takes the latter: half of it is rectified away only if it has no mean.
    """
    symmetric = case.cause == "symmetric-initialization"
    for file, node in case.program.nodes():
        if not isinstance(node, ast.Call) or file.qualified(node.func) not in _MAKERS:
            continue
        same = file.qualified(node.func) in {"torch.zeros", "torch.ones", "torch.full"}
        sizes = _sizes(node)
        if len(sizes) not in {2, 4} or same != symmetric or not _learned(case, file, node):
            continue
        whole = _with_scale(file, node)
        fan = _fan_in(file, whole, sizes)
        yield from _drawn(case, file, node, whole, fan)


def _drawn(case: Case, file: SourceFile, node: ast.Call, whole: ast.expr, fan: str) -> Iterator[Edit]:
    gain = 2 if rectified(case) and not _carries_state(file, _name_of(file, whole)) else 1
    root = f"({gain} / {fan}) ** 0.5"
    scale = _named_scale(file, whole)
    if scale is not None:
        yield replace(file, scale, root)
        return
    randn, more = imported(file, "torch.randn")
    arguments = node.args[:1] if file.qualified(node.func) == "torch.full" else node.args
    parts = [file.code(each) for each in arguments]
    parts += [f"{each.arg}={file.code(each.value)}" for each in node.keywords if each.arg == "generator"]
    made = f"{randn}({', '.join(parts)}) * {root}"
    if any(each.arg == "requires_grad" for each in node.keywords):
        made = f"({made}).requires_grad_()"
    elif isinstance(file.parents.get(whole), ast.Attribute):
        made = made if _in_parentheses(file, whole) else f"({made})"
    yield replace(file, whole, made)
    yield from more


def _in_parentheses(file: SourceFile, node: ast.expr) -> bool:
    start, end = file.span(node)
    return file.text[:start].rstrip().endswith("(") and file.text[end:].lstrip().startswith(").")


def _sizes(node: ast.Call) -> list[ast.expr]:
    if node.args and isinstance(node.args[0], ast.Tuple | ast.List):
        return list(node.args[0].elts)
    return list(node.args)


def _with_scale(file: SourceFile, node: ast.expr) -> ast.expr:
    """The product that a drawn tensor is part of."""
    while isinstance(parent := file.parents.get(node), ast.BinOp) and isinstance(
        parent.op, ast.Mult | ast.Div | ast.Sub
    ):
        node = parent
    return node


def _named_scale(file: SourceFile, whole: ast.expr) -> ast.expr | None:
    """What a scale is bound to, in the same function, where it is a name of its own."""
    if not isinstance(whole, ast.BinOp) or not isinstance(whole.op, ast.Mult) or not isinstance(whole.right, ast.Name):
        return None
    bound = binding(file, whole.right)
    if bound is None or bound.item is not None or isinstance(bound.value, ast.Constant):
        return None
    return bound.value if file.scope(bound.statement) is file.scope(whole) else None


def _fan_in(file: SourceFile, whole: ast.expr, sizes: list[ast.expr]) -> str:
    """Inputs of a unit, as an expression: the first size of `x @ w`, the second of `F.linear(x, w)` or `x @ w.T`."""
    texts = [file.code(each) for each in sizes]
    texts = [each if each.isidentifier() or each.isdigit() else f"({each})" for each in texts]
    if len(sizes) == 4:
        return "(" + " * ".join(texts[1:]) + ")"
    name = _name_of(file, whole)
    turned = name and re.search(
        rf"linear\([^,()]+, *{re.escape(name)}\b|\b{re.escape(name)}\.(T|t\(\))|(^|[^\w.]){re.escape(name)} @",
        file.text,
    )
    return texts[1] if turned else texts[0]


def _carries_state(file: SourceFile, name: str) -> bool:
    """Whether a matrix multiplies in a loop what the loop computes with it: `h = act(x @ u + h @ w)`."""
    return any(
        isinstance(node, ast.Assign) and bool(file.loops(node)) and _multiplies(node.value, node.targets[0], name)
        for node in ast.walk(file.tree)
    )


def _multiplies(value: ast.expr, state: ast.expr, matrix: str) -> bool:
    for each in ast.walk(value):
        parts = [each.left, each.right] if isinstance(each, ast.BinOp) and isinstance(each.op, ast.MatMult) else []
        parts = each.args if isinstance(each, ast.Call) else parts
        texts = [ast.unparse(part).removesuffix(".T").removesuffix(".t()") for part in parts]
        if matrix in texts and ast.unparse(state) in texts:
            return True
    return False


def _name_of(file: SourceFile, node: ast.AST) -> str:
    statement = file.statement(node)
    return ast.unparse(statement.targets[0]) if isinstance(statement, ast.Assign) else ""


def _learned(case: Case, file: SourceFile, node: ast.Call) -> bool:
    """Whether a tensor learns where it is made, or wherever the function that makes it is called."""
    statement = file.statement(node)
    function = file.scope(statement)
    if not isinstance(statement, ast.Return) or not isinstance(function, Function):
        return _learns(file, node)
    calls = reaching(case.program, function)
    return _learns(file, node) or (bool(calls) and all(_learns(each.file, each.node) for each in calls))


def _learns(file: SourceFile, node: ast.Call) -> bool:
    """Whether a tensor is made to have a gradient."""
    if any(each.arg == "requires_grad" for each in node.keywords):
        return True
    statement = file.statement(node)
    for each in file.above(node):
        if each is statement:
            break
        if isinstance(each, ast.Call) and (
            file.qualified(each.func) == "torch.nn.Parameter"
            or (isinstance(each.func, ast.Attribute) and each.func.attr == "requires_grad_")
        ):
            return True
    name = _name_of(file, node)
    return bool(name) and _turned_on(file, name)


def _turned_on(file: SourceFile, name: str) -> bool:
    """`w.requires_grad_()`, `w.requires_grad = True`, or the same of each of a list that holds `w`."""
    loops = {
        ast.unparse(each.target)
        for each in ast.walk(file.tree)
        if isinstance(each, ast.For | ast.comprehension)
        and isinstance(each.target, ast.Name)
        and name in _items(file, each.iter)
    }
    for node in ast.walk(file.tree):
        turned: ast.expr | None = None
        if isinstance(node, ast.Attribute) and node.attr in {"requires_grad_", "requires_grad"}:
            turned = node.value
        elif isinstance(node, ast.Call) and file.qualified(node.func) == "torch.nn.Parameter" and node.args:
            turned = node.args[0]
        if turned is not None and ast.unparse(turned) in {name, *loops}:
            return True
    return False


def _items(file: SourceFile, node: ast.expr) -> set[str]:
    if isinstance(node, ast.Name):
        found = bindings(file, node.id)
        node = found[-1].value if found and found[-1].item is None else node
    return {ast.unparse(each) for each in node.elts} if isinstance(node, ast.List | ast.Tuple) else set()
