"""Where values come from: what names are bound to, which function a call enters, and who calls a function."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from gradus.diagnosis.prescription.program import Found, Program, Scope, SourceFile

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Binding:
    """A name or attribute is given a value.

    Attributes:
        value: the expression; of a loop, what it goes over.
        item: which item of the value, where a tuple is taken apart; None for the whole.
    """

    file: SourceFile
    statement: ast.stmt
    value: ast.expr
    item: int | None = None

    @property
    def looped(self) -> bool:
        return isinstance(self.statement, ast.For | ast.AsyncFor)


def bindings(file: SourceFile, target: str, within: ast.AST | None = None) -> list[Binding]:
    """Every statement that binds `target`, written as `x` or `self.x`, in the order of the text."""
    found = _by_target(file).get(target, [])
    return [each for each in found if within is None or any(above is within for above in file.above(each.statement))]


@lru_cache(maxsize=4096)  # files: many more than a program has
def _by_target(file: SourceFile) -> dict[str, list[Binding]]:
    """All bindings of a file; fixes ask for them again and again."""
    found: dict[str, list[Binding]] = {}
    for node in ast.walk(file.tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                pairs = [(each, value) for each in targets]
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                pairs = [(target, value)]
            case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
                pairs = [(target, value)]
            case _:
                continue
        for target, value in pairs:
            for text, bound in _bound(file, node, target, value):
                found.setdefault(text, []).append(bound)
    for each in found.values():
        each.sort(key=lambda bound: (bound.statement.lineno, bound.statement.col_offset))
    return found


def _bound(file: SourceFile, statement: ast.stmt, to: ast.expr, value: ast.expr) -> Iterator[tuple[str, Binding]]:
    """What a target binds, with its text; a tuple binds each of its parts."""
    if not isinstance(to, ast.Tuple | ast.List):
        yield ast.unparse(to), Binding(file, statement, value)
        return
    looped = isinstance(statement, ast.For | ast.AsyncFor)
    apart = value.elts if isinstance(value, ast.Tuple | ast.List) and not looped else []
    for number, each in enumerate(to.elts):
        if len(apart) == len(to.elts):
            yield from _bound(file, statement, each, apart[number])
        elif isinstance(each, ast.Tuple):  # for i, (x, y) in enumerate(loader)
            yield from _bound(file, statement, each, value)
        else:
            yield ast.unparse(each), Binding(file, statement, value, number)


def assigned_parts(node: ast.Assign) -> list[tuple[ast.expr, ast.expr]]:
    """Targets with their values; `a, b = c, d` has two."""
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return list(zip(target.elts, value.elts, strict=False))
    return [(target, value)]


def binding(file: SourceFile, node: ast.expr) -> Binding | None:
    """What a name or attribute was last bound to where it is used; None for a parameter, or if it is not known.

    An attribute of `self` is looked up in its class.
    """
    if not isinstance(node, ast.Name | ast.Attribute):
        return None
    target = ast.unparse(node)
    for scope in _scopes(file, node, target):
        if isinstance(scope, Function) and target in parameters(scope):
            before = [each for each in _within(file, target, scope) if _earlier(file, each, node)]
            return before[-1] if before else None
        found = _within(file, target, scope)
        if found:
            earlier = [each for each in found if _earlier(file, each, node)]
            return (earlier or found)[-1]
    return None


def _scopes(file: SourceFile, node: ast.expr, target: str) -> Iterator[Scope]:
    for each in file.above(node):
        of_self = isinstance(each, ast.ClassDef) and target.startswith("self.")
        if of_self or isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            yield each  # type: ignore[misc]


def _within(file: SourceFile, target: str, scope: Scope) -> list[Binding]:
    """Bindings of the scope itself; attributes also those of functions in it."""
    found = bindings(file, target, scope)
    return [each for each in found if "." in target or file.scope(each.statement) is scope]


def _earlier(file: SourceFile, one: Binding, node: ast.expr) -> bool:
    if file.scope(one.statement) is not file.scope(node):
        return True  # a function runs after what is around it was bound
    if one.looped:
        return any(each is one.statement for each in file.above(node))
    end = one.statement.end_lineno or one.statement.lineno
    return end < node.lineno or (end == node.lineno and file.statement(node) is not one.statement)


# ---- functions ------------------------------------------------------------------------------------------------------


def parameters(function: Function) -> list[str]:
    """Names of its parameters, in order."""
    arguments = function.args
    return [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def definition(program: Program, file: SourceFile, name: str) -> tuple[SourceFile, Function | ast.ClassDef] | None:
    """The function or class of the program that a name at the top level of a file stands for."""
    imported = file.imports.get(name, name).rpartition(".")[2]
    for each in (file, *program.files) if name in file.imports else (file,):
        for node in _defined(each).get(name if each is file else imported, []):
            if not isinstance(each.scope(node), ast.ClassDef):
                return each, node
    return None


@lru_cache(maxsize=4096)  # files: many more than a program has
def _defined(file: SourceFile) -> dict[str, list[Function | ast.ClassDef]]:
    """All functions, methods and classes of a file, by name."""
    found: dict[str, list[Function | ast.ClassDef]] = {}
    for node in ast.walk(file.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.setdefault(node.name, []).append(node)
    return found


def methods_named(program: Program, name: str) -> list[tuple[SourceFile, Function]]:
    """Methods of that name in any class of the program."""
    return [
        (each, node)
        for each in program.files
        for node in _defined(each).get(name, [])
        if not isinstance(node, ast.ClassDef) and isinstance(each.scope(node), ast.ClassDef)
    ]


def methods_meant(program: Program, file: SourceFile, called: ast.Attribute) -> list[tuple[SourceFile, Function]]:
    """Methods that an attribute may be by its name; none where `super()` passes over the one of the class itself."""
    owner = class_around(file, called) if ast.unparse(called.value) == "super()" else None
    passes_over = owner is not None and method(owner, called.attr) is not None
    return methods_named(program, called.attr) if not passes_over else []


def attributes_in(node: ast.AST) -> set[str]:
    """The names of all attributes that are read or set below a node."""
    return {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}


def class_around(file: SourceFile, node: ast.AST) -> ast.ClassDef | None:
    """The class that a node lies in."""
    return next((each for each in file.above(node) if isinstance(each, ast.ClassDef)), None)


def function_around(file: SourceFile, node: ast.AST) -> Function | None:
    """The innermost function that a node lies in."""
    return next((each for each in file.above(node) if isinstance(each, Function)), None)


def method(owner: ast.ClassDef, name: str) -> Function | None:
    """A method that a class defines itself."""
    for each in owner.body:
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name == name:
            return each
    return None


def entered(program: Program, file: SourceFile, call: ast.Call) -> tuple[SourceFile, Function] | None:
    """The program's own function that a call enters: a function, a method of `self`, or the one of that name.

    By the name that is written alone, which is all there is below `callables`: above it, take `callables.reached`.
    """
    called = call.func
    if isinstance(called, ast.Name):
        found = definition(program, file, called.id)
        if found is None:
            return None
        home, node = found
        if isinstance(node, ast.ClassDef):
            begin = method(node, "__init__")
            return (home, begin) if begin is not None else None
        return home, node
    if not isinstance(called, ast.Attribute) or file.qualified(called):
        return None
    owner = class_around(file, call)
    if owner is not None and ast.unparse(called.value) == "self":
        own = method(owner, called.attr)
        return (file, own) if own is not None else None
    named = methods_meant(program, file, called)
    return named[0] if len(named) == 1 else None


def callers(program: Program, file: SourceFile, function: Function) -> list[Found]:
    """Calls that enter a function; of a constructor, those of its class.

    By the name that is written alone, as in `entered`: above `callables`, take `callables.reaching`.
    """
    owner = file.scope(function)
    name = owner.name if function.name == "__init__" and isinstance(owner, ast.ClassDef) else function.name
    return [
        each
        for each in _by_callee(program).get(name, [])
        if (enters := entered(program, each.file, each.node)) is not None and enters[1] is function
    ]


@lru_cache(maxsize=16)
def _by_callee(program: Program) -> dict[str, list[Found]]:
    """All calls, by the last name of what is called."""
    found: dict[str, list[Found]] = {}
    for file, node in program.nodes(in_text=True):  # as in print(f"score: {main(0.1)}")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            found.setdefault(name, []).append(Found(file, node))
    return found


def passed(file: SourceFile, function: Function, name: str, call: Found) -> ast.expr | None:
    """The argument that a call gives for a parameter; None where it takes the default."""
    names = parameters(function)
    if name not in names:
        return None
    bound = isinstance(file.scope(function), ast.ClassDef) and names[0] in {"self", "cls"}
    return call.argument(names.index(name) - bound, name)


def default_of(function: Function, name: str) -> ast.expr | None:
    """The default of a parameter."""
    arguments = function.args
    by_place = [*arguments.posonlyargs, *arguments.args]
    with_default = by_place[len(by_place) - len(arguments.defaults) :]
    for each, value in [
        *zip(with_default, arguments.defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]:
        if each.arg == name:
            return value
    return None


def returned(function: Function) -> list[ast.expr]:
    """What it returns or yields, in the order of the text."""
    found = [
        each.value for each in ast.walk(function) if isinstance(each, ast.Return | ast.Yield) and each.value is not None
    ]
    return sorted(found, key=lambda each: each.lineno)


def dictionary(
    program: Program, file: SourceFile, node: ast.expr, depth: int = 6
) -> tuple[SourceFile, ast.Dict] | None:
    """The dict, as it is written out, that an expression stands for: through names, arguments and returns."""
    if isinstance(node, ast.Dict) or not depth:
        return (file, node) if isinstance(node, ast.Dict) else None
    sources: list[tuple[SourceFile, ast.expr]] = []
    if isinstance(node, ast.Call):
        enters = entered(program, file, node)
        sources = [(enters[0], each) for each in returned(enters[1])[-1:]] if enters is not None else []
    elif isinstance(node, ast.Name | ast.Attribute):
        bound = binding(file, node)
        if bound is not None:
            sources = [(bound.file, bound.value)] if bound.item is None and not bound.looped else []
        elif isinstance(node, ast.Name):
            function = function_around(file, node)
            if function is not None:
                given = (
                    (each.file, passed(file, function, node.id, each)) for each in callers(program, file, function)
                )
                sources = [(home, value) for home, value in given if value is not None]
    found = (dictionary(program, home, value, depth - 1) for home, value in sources)
    return next((each for each in found if each is not None), None)
