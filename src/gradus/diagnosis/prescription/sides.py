"""Whether something in a program is for training or for held-out examples, by what is written around it."""

import ast
import re

from gradus.diagnosis.prescription.program import SourceFile

TRAINING, HELD_OUT = "training", "held out"
_WORD = r"(^|[^a-z0-9]){}([^a-z]|$)"
_TRAINS = re.compile(_WORD.format("(train|training|tr|fit)"))
_ELSE = re.compile(_WORD.format("(val|valid|validation|test|testing|dev|eval|evaluation|held_?out|te|va)"))


def side(file: SourceFile, node: ast.expr) -> str:
    """`TRAINING` or `HELD_OUT`: by its arguments, its key in a dict, its name, the branch, the function; "" if none."""
    found = _by_arguments(node)
    inner: ast.AST = node
    for above in file.above(node):
        if found or isinstance(inner, ast.FunctionDef):
            break
        found, inner = _by_place(file, above, inner), above
    return found


def _said(text: str) -> str:
    """What words say, if they do not say both."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text).lower()
    trains, other = _TRAINS.search(text), _ELSE.search(text)
    return "" if bool(trains) == bool(other) else TRAINING if trains else HELD_OUT


def _by_arguments(node: ast.expr) -> str:
    """`Rows("train")`, `Rows(train=True)`, `Rows(x_train)`, `TestRows()`."""
    if not isinstance(node, ast.Call):
        return ""
    for each in node.keywords:
        if each.arg in {"train", "training", "is_train"} and isinstance(each.value, ast.Constant):
            return TRAINING if each.value.value else HELD_OUT
    given = [*node.args, *(each.value for each in node.keywords)]
    words = [
        str(each.value) if isinstance(each, ast.Constant) else each.id
        for value in given
        for each in ast.walk(value)
        if isinstance(each, ast.Name | ast.Constant)
    ]
    return _said(" ".join(words)) or _said(ast.unparse(node.func))


def _by_place(file: SourceFile, above: ast.AST, inner: ast.AST) -> str:
    match above:
        case ast.Assign(targets=[target]):
            return _said(ast.unparse(target))
        case ast.AnnAssign(target=target):
            return _said(ast.unparse(target))
        case ast.Dict(keys=keys, values=values) if inner in values:
            key = keys[values.index(inner)]
            return _said(str(key.value)) if isinstance(key, ast.Constant) else ""
        case ast.keyword(arg=str(name)):
            return _said(name)
        case ast.Call():
            return _by_arguments(above)
        case ast.IfExp(test=test, body=body) if inner is not test:
            return _by_branch(test, first=inner is body)
        case ast.If(test=test, body=body) if inner is not test:
            return _by_branch(test, first=inner in body)
        case ast.FunctionDef(name=name, body=body):
            return _said(name) or _behind_a_branch(body, inner)
    return ""


def _by_branch(test: ast.expr, *, first: bool) -> str:
    said = _said(ast.unparse(test))
    negated = re.search(r"\bnot\b|!=", ast.unparse(test)) is not None
    other = HELD_OUT if said == TRAINING else TRAINING
    return said if not said or first != negated else other


def _behind_a_branch(body: list[ast.stmt], inner: ast.AST) -> str:
    """Of `if train: return ...`, what follows."""
    for each in body:
        if each is inner:
            return ""
        if isinstance(each, ast.If) and isinstance(each.body[-1], ast.Return):
            found = _by_branch(each.test, first=False)
            if found:
                return found
    return ""
