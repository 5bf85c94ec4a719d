"""Activations that a program chooses by a class, a function or a word: `ACT = nn.Sigmoid`, `activation="tanh"`."""

import ast
import re
from collections.abc import Iterator

from gradus.diagnosis.prescription.bindings import Function
from gradus.diagnosis.prescription.edits import Edit, imported, replace
from gradus.diagnosis.prescription.program import Program, SourceFile

_CLASS = re.compile(r"torch\.nn\.(Sigmoid|Tanh|Hardtanh|Hardsigmoid|Softsign)")
_FUNCTION = re.compile(r"torch\.(nn\.functional\.)?(sigmoid|tanh|hardtanh|softsign)")
_ELSEWHERE = re.compile(r"out|final|last|head|gate|recur|cell|state|rnn|bound|squash")
"""Names of what is not between layers."""
_MEANT = re.compile(r"act(ivation)?(_?(fn|func|function|layer|name|cls|type))?s?$|non_?lin(earity)?$|^phi$|^sigma$")

_NOTHING = {"none", "identity", "linear", "id", "no", ""}


def chosen_by_name(program: Program, file: SourceFile, node: ast.AST) -> Iterator[Edit]:
    """ReLU for a squashing activation that is given a name by which the program then makes or calls it."""
    if isinstance(node, ast.Attribute | ast.Name):
        qualified = file.qualified(node)
        new = "torch.nn.ReLU" if _CLASS.fullmatch(qualified) else "torch.relu" if _FUNCTION.fullmatch(qualified) else ""
        name = _given_to(file, node) if new else ""
        if name and not _ELSEWHERE.search(name.lower()):
            text, more = imported(file, new)
            yield replace(file, node, text)
            yield from more
    elif isinstance(node, ast.Constant) and str(node.value).lower() in {"sigmoid", "tanh"}:
        word = _word(program, str(node.value)) if _MEANT.search(_given_to(file, node).lower()) else ""
        if word:
            yield replace(file, node, f'"{word}"' if file.code(node)[0] == '"' else f"'{word}'")


def none_by_name(program: Program, file: SourceFile, node: ast.AST) -> Iterator[Edit]:
    """ReLU for what does nothing and is named an activation: `act = "none"`, `ACT = nn.Identity`, `lambda x: x`."""
    if not isinstance(node, ast.Constant | ast.Attribute | ast.Name | ast.Lambda):
        return
    name = _given_to(file, node).lower()
    if not _MEANT.search(name) or _ELSEWHERE.search(name):
        return
    if isinstance(node, ast.Constant) and str(node.value).lower() in _NOTHING:
        word = _word(program, str(node.value) or "none")
        if word:
            yield replace(file, node, f'"{word}"' if file.code(node)[0] == '"' else f"'{word}'")
    elif file.qualified(node) == "torch.nn.Identity" or _is_itself(node):
        text, more = imported(file, "torch.relu" if isinstance(node, ast.Lambda) else "torch.nn.ReLU")
        yield replace(file, node, text)
        yield from more


def _is_itself(node: ast.expr) -> bool:
    """`lambda x: x`."""
    given = [each.arg for each in node.args.args] if isinstance(node, ast.Lambda) else []
    return isinstance(node, ast.Lambda) and len(given) == 1 and ast.unparse(node.body) == given[0]


def _given_to(file: SourceFile, node: ast.expr) -> str:
    """The name, option, parameter or key that a value is given to; "" for any other use."""
    parent = file.parents.get(node)
    if isinstance(parent, ast.Assign | ast.AnnAssign) and parent.value is node:
        target = parent.targets[0] if isinstance(parent, ast.Assign) else parent.target
        return ast.unparse(target).rpartition(".")[2]
    if isinstance(parent, ast.keyword):
        call = file.parents[parent]
        if not isinstance(call, ast.Call) or file.qualified(call.func).startswith("torch"):
            return ""
        if parent.arg != "default":
            return parent.arg or ""
        flag = call.args[0] if call.args else None  # of an argument parser
        return str(flag.value).lstrip("-") if isinstance(flag, ast.Constant) else ""
    if isinstance(parent, ast.Dict) and isinstance(node, ast.Constant) and node in parent.values:
        key = parent.keys[parent.values.index(node)]
        return str(key.value) if isinstance(key, ast.Constant) else ""
    if isinstance(parent, ast.arguments):
        function = file.parents[parent]
        if isinstance(function, Function):
            return _parameter(function.args, node)
    return ""


def _parameter(arguments: ast.arguments, default: ast.expr) -> str:
    by_place = [*arguments.posonlyargs, *arguments.args]
    pairs = [
        *zip(by_place[len(by_place) - len(arguments.defaults) :], arguments.defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return next((each.arg for each, value in pairs if value is default), "")


def _word(program: Program, old: str) -> str:
    """How the program calls ReLU, where it looks activations up by a word; "" if it does not know it."""
    for file, node in program.nodes():
        match node:
            case ast.Constant(value=str(known)) if known.lower() == "relu":
                if isinstance(file.parents.get(node), ast.Dict | ast.Compare):
                    return known
            case ast.Call(func=ast.Name(id="getattr"), args=[home, *_]):
                if re.fullmatch(r"torch(\.nn(\.functional)?)?", file.qualified(home)):
                    return "ReLU" if old[0].isupper() else "relu"
    return ""
