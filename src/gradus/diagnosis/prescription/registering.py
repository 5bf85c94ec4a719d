"""Fixes of layers that a model does not know as its own."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import attributes_in, bindings, class_around, function_around, method
from gradus.diagnosis.prescription.edits import Edit, after, before, delete, imported, replace, without_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.rewriting import around
from gradus.diagnosis.prescription.roles import is_module, role

_PARAMETER = "torch.nn.Parameter"
_LISTS = ast.List | ast.ListComp | ast.GeneratorExp | ast.Tuple


@fix("register", "pass-training")
def keep_layers_in_modules(case: Case) -> Iterator[Sequence[Edit]]:
    """`nn.ModuleList` for lists and tuples of layers that are kept in a module, `nn.ModuleDict` for dicts."""
    edits: list[Edit] = []
    for file, node in case.program.nodes():
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        owner = class_around(file, node)
        if owner is None or not is_module(case.program, file, owner) or not ast.unparse(target).startswith("self."):
            continue
        container = _container(case.program, file, owner, target, node.value)
        if container:
            edits += _wrapped(file, node.value, container)
    if edits:
        yield edits


@fix("register")
def keep_tensors_as_parameters(case: Case) -> Iterator[Sequence[Edit]]:
    """`nn.Parameter(...)` for what a module keeps that requires gradients and is none, or is computed of one."""
    edits: list[Edit] = []
    for file, node in case.program.nodes():
        owner = class_around(file, node)
        if not isinstance(node, ast.Assign) or owner is None or not is_module(case.program, file, owner):
            continue
        target = ast.unparse(node.targets[0])
        if not target.startswith("self."):
            continue
        several = isinstance(node.value, ast.List | ast.ListComp)
        changed = [edit for each in (_elements(node.value) or [node.value]) for edit in _parameter(file, each)]
        turned = [each for each in ast.walk(owner) if isinstance(each, ast.stmt) and _turns_on(each, target)]
        if turned and not changed and not several:
            changed = [*around(file, node.value, _PARAMETER), *(delete(file, each) for each in turned)]
        edits += changed
        edits += _wrapped(file, node.value, "ParameterList") if changed and several else []
    if edits:
        yield edits


def _parameter(file: SourceFile, value: ast.expr) -> list[Edit]:
    """Edits that make a parameter of a tensor: `torch.zeros(n, requires_grad=True)`, `0.1 * nn.Parameter(x)`."""
    if isinstance(value, ast.BinOp):
        for side in (value.left, value.right):
            if isinstance(side, ast.Call) and _is_parameter(file, side) and side.args:
                return [*around(file, value, _PARAMETER), replace(file, side, file.code(side.args[0]))]
        return []
    if not isinstance(value, ast.Call) or file.qualified(value.func).startswith("torch.nn"):
        return []
    given = next((each for each in value.keywords if each.arg == "requires_grad"), None)
    if given is not None and isinstance(given.value, ast.Constant) and given.value.value is True:
        return [*around(file, value, _PARAMETER), without_argument(file, value, given)]
    match value:
        case ast.Call(func=ast.Attribute(value=inside, attr="requires_grad_"), args=[] | [ast.Constant(value=True)]):
            name, more = imported(file, _PARAMETER)
            return [replace(file, value, f"{name}({file.code(inside)})"), *more]
    return []


def _is_parameter(file: SourceFile, call: ast.Call) -> bool:
    return file.qualified(call.func) == _PARAMETER


def _turns_on(statement: ast.stmt, target: str) -> bool:
    """`self.w.requires_grad_()` or `self.w.requires_grad = True`."""
    return ast.unparse(statement) in {
        f"{target}.requires_grad_()", f"{target}.requires_grad_(True)", f"{target}.requires_grad = True",
    }  # fmt: skip


@fix("register")
def make_modules_of_classes(case: Case) -> Iterator[Sequence[Edit]]:
    """A class that makes layers and is called becomes a module: `class Head:` with `__call__`."""
    for file, node in case.program.nodes():
        if not isinstance(node, ast.ClassDef) or node.bases or node.keywords or node.decorator_list:
            continue
        begin, call = method(node, "__init__"), method(node, "__call__")
        kept = [each for each in ast.walk(begin) if isinstance(each, ast.Assign)] if begin is not None else []
        layers = [each for each in kept if _kind(case.program, file, each.value) == "module"]
        if begin is None or not layers or ".parameters()" in file.code(node):
            continue
        name, more = imported(file, "torch.nn.Module")
        start = file.text.index(node.name, file.span(node)[0]) + len(node.name)
        edits = [Edit(file, start, file.text.index(":", start), f"({name})"), *more]
        edits.append(before(file, begin.body[0], "super().__init__()"))
        if call is not None:
            at = file.text.index("__call__", file.span(call)[0])
            edits.append(Edit(file, at, at + len("__call__"), "forward"))
        yield edits


@fix("register")
def make_layers_once(case: Case) -> Iterator[Sequence[Edit]]:
    """A layer that is made anew in each pass is made in `__init__`, if it needs nothing from the pass."""
    for call in case.program.calls("torch.nn.Linear", "torch.nn.Conv*", "torch.nn.*Norm*", "torch.nn.Embedding"):
        file, owner = call.file, class_around(call.file, call.node)
        function = function_around(file, call.node)
        if owner is None or function is None or function.name == "__init__" or not is_module(case.program, file, owner):
            continue
        begin = method(owner, "__init__")
        names = {each.id for each in ast.walk(call.node) if isinstance(each, ast.Name)} - set(file.imports)
        if begin is None or names - {"self"} or "self.training" in ast.unparse(call.node):
            continue
        made = f"self.{_free_name(owner, call)}"
        yield [replace(file, call.node, made), after(file, begin.body[-1], f"{made} = {file.code(call.node)}")]


def _free_name(owner: ast.ClassDef, call: Found) -> str:
    taken = attributes_in(owner)
    base = call.file.qualified(call.node.func).rpartition(".")[2].lower()
    return next(each for each in (base, *(f"{base}{number}" for number in range(2, 1000))) if each not in taken)


def _container(program: Program, file: SourceFile, owner: ast.ClassDef, target: ast.expr, value: ast.expr) -> str:
    """The container of torch's that a plain value should be; "" if it is none of layers."""
    kinds = {_kind(program, file, each) for each in _elements(value)}
    if isinstance(value, ast.Name):
        kinds |= _kinds_of_name(program, file, value)
    if isinstance(value, _LISTS | ast.Dict | ast.DictComp) or _is_empty(value):
        kinds |= {_kind(program, file, each) for each in _put_in(owner, ast.unparse(target))}
    kinds -= {""}
    if kinds == {"parameter"} and not _is_dict(file, value):
        return "ParameterList"
    if kinds != {"module"}:
        return ""
    if not _is_dict(file, value):
        return "ModuleList"
    return "ModuleDict" if _keys_are_text(value) else ""


def _kinds_of_name(program: Program, file: SourceFile, name: ast.Name) -> set[str]:
    """Of a local list or dict that is kept afterwards."""
    scope = file.scope(name)
    kinds: set[str] = set()
    for each in bindings(file, name.id, scope):
        if isinstance(each.value, _LISTS | ast.Dict | ast.DictComp) or _is_empty(each.value):
            elements = [*_elements(each.value), *_put_in(scope, name.id)]
            kinds |= {_kind(program, file, element) for element in elements}
    return kinds


def _elements(value: ast.expr) -> list[ast.expr]:
    match value:
        case ast.List() | ast.Tuple():
            return value.elts
        case ast.ListComp() | ast.GeneratorExp():
            return [value.elt]
        case ast.Dict():
            return value.values
        case ast.DictComp():
            return [value.value]
        case ast.Call(func=ast.Name(id="list" | "tuple" | "dict"), args=[inner]):
            return _elements(inner)
        case ast.Call(func=ast.Name(id="dict"), keywords=keywords):
            return [each.value for each in keywords]
        case ast.BinOp(op=ast.Add()):
            return [*_elements(value.left), *_elements(value.right)]
        case ast.BinOp(op=ast.Mult()):
            return _elements(value.left)
    return []


def _put_in(scope: ast.AST, target: str) -> Iterator[ast.expr]:
    """What is appended to a list or put under a key."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            if ast.unparse(node.func.value) == target and node.func.attr in {"append", "insert", "extend"}:
                last = node.args[-1]
                yield from _elements(last) if node.func.attr == "extend" else [last]
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            if ast.unparse(node.targets[0].value) == target:
                yield node.value
        elif isinstance(node, ast.AugAssign) and ast.unparse(node.target) == target:
            yield from _elements(node.value)


def _is_empty(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value) in {"list()", "dict()"}


def _kind(program: Program, file: SourceFile, element: ast.expr) -> str:
    if isinstance(element, ast.Call) and _is_parameter(file, element):
        return "parameter"
    return "module" if role(program, file, element) == "model" and isinstance(element, ast.Call | ast.Name) else ""


def _is_dict(file: SourceFile, value: ast.expr) -> bool:
    if isinstance(value, ast.Name):
        return any(_is_dict(file, each.value) for each in bindings(file, value.id, file.scope(value)))
    return isinstance(value, ast.Dict | ast.DictComp) or (
        isinstance(value, ast.Call) and ast.unparse(value.func) == "dict"
    )


def _keys_are_text(value: ast.expr) -> bool:
    """ModuleDict takes text for keys only."""
    if isinstance(value, ast.Dict):
        return all(isinstance(each, ast.JoinedStr) or _is_text(each) for each in value.keys)
    return not isinstance(value, ast.DictComp) or not isinstance(value.key, ast.Constant | ast.Tuple)


def _is_text(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _wrapped(file: SourceFile, value: ast.expr, container: str) -> list[Edit]:
    if ast.unparse(value) in {"[]", "{}", "list()", "dict()", "()"}:
        name, more = imported(file, f"torch.nn.{container}")
        return [replace(file, value, f"{name}()"), *more]
    return around(file, value, f"torch.nn.{container}")
