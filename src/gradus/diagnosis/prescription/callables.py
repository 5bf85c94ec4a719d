"""Which function a call reaches under whichever name: aliased, handed over, chosen from a table, or gone over."""

import ast
from collections.abc import Iterator
from functools import lru_cache

from gradus.diagnosis.prescription.bindings import (
    Binding,
    Function,
    binding,
    bindings,
    class_around,
    definition,
    entered,
    method,
    methods_meant,
    returned,
)
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.written import made, number, sources, word

_DEEPEST = 8
_WRAPPERS = {"torch.compile", "torch.jit.script", "torch.vmap", "torch.func.vmap", "staticmethod"}
Callee = tuple[SourceFile, ast.AST]
"""A function, class or lambda of the program, or an expression that leads to an import."""


def reached(program: Program, file: SourceFile, call: ast.Call) -> tuple[SourceFile, Function] | None:
    """The program's own function that a call enters; None if the source leaves open which."""
    found = all_reached(program, file, call)
    return found[0] if len(found) == 1 else None


@lru_cache(maxsize=2**18)  # calls
def all_reached(program: Program, file: SourceFile, call: ast.Call) -> list[tuple[SourceFile, Function]]:
    """Every function of the program's own that a call may enter."""
    by_name = entered(program, file, call)
    if by_name is not None:
        return [by_name]
    found: dict[int, tuple[SourceFile, Function]] = {}
    for home, callee in callees(program, file, call.func):
        begin = method(callee, "__init__") if isinstance(callee, ast.ClassDef) else callee
        if isinstance(begin, Function):
            found[id(begin)] = (home, begin)
    return list(found.values())


def reaching(program: Program, function: Function) -> list[Found]:
    """Calls that enter a function; of a constructor, those of its class."""
    return _by_function(program).get(function, [])


@lru_cache(maxsize=16)
def _by_function(program: Program) -> dict[Function, list[Found]]:
    found: dict[Function, list[Found]] = {}
    for file, node in program.nodes(in_text=True):  # as in print(f"score: {main(0.1)}")
        if isinstance(node, ast.Call):
            for _, function in all_reached(program, file, node):
                found.setdefault(function, []).append(Found(file, node))
    return found


def full_name(program: Program, file: SourceFile, called: ast.expr) -> str:
    """The imported name that a callee stands for, such as `torch.tanh` of `self.act`; "" if it is none, or not one."""
    names = {home.qualified(each) for home, each in callees(program, file, called)}
    return names.pop() if len(names) == 1 else ""


def small_functions(program: Program, file: SourceFile, called: ast.expr) -> list[tuple[SourceFile, ast.Lambda]]:
    """The lambdas that a callee may stand for."""
    return [(home, each) for home, each in callees(program, file, called) if isinstance(each, ast.Lambda)]


def given_to_small(program: Program, file: SourceFile, node: ast.Name) -> list[tuple[SourceFile, ast.expr]] | None:
    """What calls give for the parameter of a lambda; None if a name is no such one."""
    for small in file.above(node):
        names = [each.arg for each in small.args.args] if isinstance(small, ast.Lambda) else []
        if node.id in names:
            place = names.index(node.id)
            return [
                (home, call.args[place])
                for home, call in program.nodes()
                if isinstance(call, ast.Call)
                and len(call.args) > place
                and any(each is small for _, each in small_functions(program, home, call.func))
            ]
    return None


def preset(program: Program, file: SourceFile, called: ast.expr, name: str, depth: int = 4) -> Iterator[Callee]:
    """What `partial` gives a callee for an argument."""
    for home, each in _from(program, file, called) if depth else ():
        if isinstance(each, ast.Call) and home.qualified(each.func) == "functools.partial":
            yield from ((home, given.value) for given in each.keywords if given.arg == name)
        elif isinstance(each, ast.Name | ast.Attribute | ast.Subscript):
            yield from preset(program, home, each, name, depth - 1)


@lru_cache(maxsize=2**18)  # calls
def callees(program: Program, file: SourceFile, called: ast.expr) -> list[Callee]:
    """What may be called by an expression, each once."""
    return list({id(each[1]): each for each in _callees(program, file, called, _DEEPEST)}.values())


def _callees(program: Program, file: SourceFile, node: ast.AST, depth: int) -> Iterator[Callee]:
    if not depth:
        return
    if isinstance(node, ast.Lambda | Function):
        yield file, node
        return
    found = list(_from(program, file, node)) if isinstance(node, ast.expr) else []
    for home, each in found:
        yield from _callees(program, home, each, depth - 1)
    if found:
        return
    own = definition(program, file, node.id) if isinstance(node, ast.Name) else None
    if own is not None:
        yield own
    elif isinstance(node, ast.expr) and file.qualified(node):
        yield file, node


def _from(program: Program, file: SourceFile, node: ast.expr) -> Iterator[Callee]:
    """The expressions that a callee comes from."""
    if isinstance(node, ast.Name):
        yield from _of_name(program, file, node)
    elif isinstance(node, ast.Subscript):
        yield from looked_up(program, file, node.value, node.slice)
    elif isinstance(node, ast.Call):
        yield from _of_call(program, file, node)
    elif isinstance(node, ast.Attribute):
        if file.qualified(node):
            return
        bound = binding(file, node)
        given = [*sources(program, file, node), *(taken_apart(program, bound) if bound is not None else ())]
        yield from given or _method(program, file, node)
    else:
        yield from sources(program, file, node)


def taken_apart(program: Program, bound: Binding) -> Iterator[tuple[SourceFile, ast.expr]]:
    """What a name stands for that is bound to an item of something: of the tuple that a function returns, as a rule."""
    enters = entered(program, bound.file, bound.value) if isinstance(bound.value, ast.Call) else None
    whole = [(enters[0], each) for each in returned(enters[1])] if enters is not None else [(bound.file, bound.value)]
    for home, each in whole if not bound.looped else ():
        place, parts = made(program, home, each)
        if bound.item is not None and isinstance(parts, ast.Tuple | ast.List) and bound.item < len(parts.elts):
            yield place, parts.elts[bound.item]


def _of_name(program: Program, file: SourceFile, node: ast.Name) -> Iterator[Callee]:
    for each in file.above(node):  # sum(term(out, y) for term in terms)
        for part in getattr(each, "generators", ()):
            names = part.target.elts if isinstance(part.target, ast.Tuple) else [part.target]
            texts = [ast.unparse(name) for name in names]
            if node.id in texts and not any(within is node for within in ast.walk(part.iter)):
                yield from _gone_over(program, file, part.iter, texts.index(node.id) if len(texts) > 1 else None)
                return
    bound = binding(file, node)
    if bound is None:
        yield from sources(program, file, node)
    elif bound.looped:
        yield from _gone_over(program, file, bound.value, bound.item)
    elif bound.item is None:
        branches = [bound]
        if isinstance(file.parents[bound.statement], ast.If):  # if args.loss == "nll": criterion = nll; else: ...
            scope = file.scope(bound.statement)
            branches = [each for each in bindings(file, node.id, scope) if file.scope(each.statement) is scope]
        yield from ((each.file, each.value) for each in branches if each.item is None)
    else:
        yield from taken_apart(program, bound)


def _gone_over(program: Program, file: SourceFile, over: ast.expr, item: int | None) -> Iterator[Callee]:
    """The items of what a loop goes over, or of each the one at a place."""
    if isinstance(over, ast.Call) and isinstance(over.func, ast.Attribute) and over.func.attr in {"values", "items"}:
        if item != 0:
            yield from looked_up(program, file, over.func.value, None)
        return
    if isinstance(over, ast.Call) and ast.unparse(over.func) in {"zip", "enumerate"} and over.args:
        place = item or 0 if ast.unparse(over.func) == "zip" else 0
        yield from _gone_over(program, file, over.args[min(place, len(over.args) - 1)], None)
        return
    home, table = made(program, file, over)
    for each in table.elts if isinstance(table, ast.List | ast.Tuple) else ():
        if item is None:
            yield home, each
        elif isinstance(each, ast.Tuple) and item < len(each.elts):
            yield home, each.elts[item]


def looked_up(program: Program, file: SourceFile, base: ast.expr, key: ast.expr | None) -> Iterator[Callee]:
    """What a table holds at a place: all where it is not known which."""
    home, table = made(program, file, base)
    if isinstance(table, ast.Call) and table.args and home.qualified(table.func).startswith("torch.nn.Module"):
        table = table.args[0]
    pairs: list[tuple[object, ast.expr]] = []
    if isinstance(table, ast.Dict):
        keys = [each.value if isinstance(each, ast.Constant) else None for each in table.keys]
        pairs = list(zip(keys, table.values, strict=True))
    elif isinstance(table, ast.Call) and ast.unparse(table.func) == "dict":
        pairs = [(each.arg, each.value) for each in table.keywords]
    if isinstance(table, ast.Dict | ast.Call):
        chosen = word(program, file, key) if key is not None else ""
        known = [value for name, value in pairs if name == chosen]
        yield from ((home, each) for each in known or [value for _, value in pairs])
        if not pairs and chosen:
            yield from _registered(program, chosen)
    elif isinstance(table, ast.List | ast.Tuple):
        place = number(key)
        yield from ((home, each) for each in (table.elts[place:][:1] if isinstance(place, int) else table.elts))


def _registered(program: Program, chosen: str) -> Iterator[Callee]:
    """`@register("focal")` above a function or class."""
    for file, node in program.nodes():
        for mark in getattr(node, "decorator_list", ()):
            if isinstance(mark, ast.Call) and any(
                isinstance(each, ast.Constant) and each.value == chosen for each in mark.args
            ):
                yield file, node


def _of_call(program: Program, file: SourceFile, call: ast.Call) -> Iterator[Callee]:
    """What `partial` and the like wrap, what a table is asked for, what a factory returns, an object that is called."""
    called, name = call.func, file.qualified(call.func) or ast.unparse(call.func)
    if name == "functools.partial" or name in _WRAPPERS:
        yield from ((file, each) for each in call.args if len(call.args) == 1)
    elif name == "getattr" and len(call.args) > 1 and (chosen := word(program, file, call.args[1])):
        yield file, ast.Attribute(value=call.args[0], attr=chosen, ctx=ast.Load())
    elif isinstance(called, ast.Attribute) and called.attr in {"get", "pop"} and call.args:
        yield from looked_up(program, file, called.value, call.args[0])
    elif isinstance(called, ast.Name):
        own = definition(program, file, called.id)
        if own is not None and isinstance(own[1], ast.ClassDef):
            itself = method(own[1], "__call__")
            yield from [(own[0], itself)] if itself is not None else []
        elif own is not None and isinstance(own[1], Function):
            yield from ((own[0], each) for each in returned(own[1]))
    else:
        enters = entered(program, file, call)
        yield from ((enters[0], each) for each in returned(enters[1])) if enters is not None else ()


def _method(program: Program, file: SourceFile, node: ast.Attribute) -> Iterator[Callee]:
    """A method: of a class itself, of one it derives from, or of those that derive from it."""
    owner = class_around(file, node)
    own = method(owner, node.attr) if owner is not None and ast.unparse(node.value) == "self" else None
    named = methods_meant(program, file, node)
    if own is not None:
        yield file, own
    elif ast.unparse(node.value) == "self" or len(named) == 1:
        yield from named
