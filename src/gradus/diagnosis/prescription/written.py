"""Where a number is written: the literal behind an expression such as `args.lr` or `CONFIG["lr"]`."""

import ast
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gradus.diagnosis.prescription.bindings import (
    Function,
    binding,
    bindings,
    callers,
    class_around,
    default_of,
    definition,
    entered,
    parameters,
    passed,
    returned,
)
from gradus.diagnosis.prescription.edits import Edit, replace
from gradus.diagnosis.prescription.program import Found, Program, SourceFile

_DEPTH = 8
_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
}


@dataclass(frozen=True)
class Written:
    """A number in the source: a literal, or arithmetic of literals such as `10**-3`."""

    file: SourceFile
    node: ast.expr
    value: float

    def becomes(self, value: float) -> Edit:
        """The same with another value."""
        return replace(self.file, self.node, text_of(value))


def text_of(value: float) -> str:
    """As people write it: three digits at most, and none to spare; a float stays one."""
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return text if isinstance(value, int) or re.search(r"[.e]", text) else f"{text}.0"


def number(node: ast.AST | None) -> float | None:
    """The value of a literal or of arithmetic of literals; None of anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, int | float) and not isinstance(node.value, bool) else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = number(node.operand)
        return value if value is None or isinstance(node.op, ast.UAdd) else -value
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        left, right = number(node.left), number(node.right)
        if left is None or right is None or (isinstance(node.op, ast.Pow) and abs(right) > 64):
            return None
        try:
            value = _ARITHMETIC[type(node.op)](left, right)
        except (ArithmeticError, ValueError):
            return None
        return value if isinstance(value, int | float) else None
    return None


def written(program: Program, file: SourceFile, node: ast.expr | None, depth: int = _DEPTH) -> Written | None:
    """Where the value of an expression is written as a number; None if that is nowhere, or in several places.

    It is followed through names, attributes, arguments of functions and their defaults, options of an argument parser,
    dictionaries, and fields of classes.
    """
    if node is None or not depth:
        return None
    value = number(node)
    if value is not None:
        # In an f-string it cannot be changed: Python 3.11 does not tell its place.
        return None if any(isinstance(each, ast.JoinedStr) for each in file.above(node)) else Written(file, node, value)
    found = dict.fromkeys(
        (each.file.path, each.node.lineno, each.node.col_offset, each)
        for home, source in sources(program, file, node)
        if (each := written(program, home, source, depth - 1)) is not None
    )
    places = {each[:3]: each[3] for each in found}
    return next(iter(places.values())) if len(places) == 1 else None


def entry(program: Program, file: SourceFile, base: ast.expr, key: str) -> Written | None:
    """Where what a dictionary holds under a key is written as a number."""
    found = [written(program, home, each) for home, each in _entries(program, file, base, key)]
    return found[0] if len(found) == 1 else None


def option(program: Program, call: Found, position: int, name: str) -> Written | None:
    """Where what a call is given for an argument is written as a number, be it by `**options`."""
    found = [written(program, *source) for source in _given_to(program, call, position, name)]
    return found[0] if len(found) == 1 else None


def expression(program: Program, call: Found, position: int, name: str) -> tuple[SourceFile, ast.expr] | None:
    """What a call is given for an argument, where it is written out: through names, too, and `**options`."""
    sources = list(_given_to(program, call, position, name))
    return made(program, *sources[0]) if sources else None


def _given_to(program: Program, call: Found, position: int, name: str) -> Iterator[tuple[SourceFile, ast.expr]]:
    given = call.argument(position, name)
    if given is not None:
        yield call.file, given
        return
    for each in call.node.keywords:
        if each.arg is None:
            yield from _entries(program, call.file, each.value, name)


def word(program: Program, file: SourceFile, node: ast.expr, depth: int = _DEPTH) -> str:
    """The text that an expression such as `cfg.loss` stands for; "" if it is none, or not one."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    found = {word(program, *each, depth - 1) for each in sources(program, file, node)} if depth else set()
    return found.pop() if len(found) == 1 else ""


def sources(program: Program, file: SourceFile, node: ast.expr) -> Iterator[tuple[SourceFile, ast.expr]]:
    """The expressions that the value of one comes from."""
    if isinstance(node, ast.Call):
        yield from _of_call(program, file, node)
    elif isinstance(node, ast.IfExp):
        yield from ((file, each) for each in (node.body, node.orelse))
    elif isinstance(node, ast.BoolOp):
        yield from ((file, each) for each in node.values)
    elif isinstance(node, ast.Subscript):
        yield from _entries(program, file, node.value, _key(node.slice))
        home, table = made(program, file, node.value)
        at = number(node.slice)
        if isinstance(table, ast.List | ast.Tuple) and isinstance(at, int) and -len(table.elts) <= at < len(table.elts):
            yield home, table.elts[at]
    elif isinstance(node, ast.Name):
        yield from _of_name(program, file, node)
    elif isinstance(node, ast.Attribute):
        bound = binding(file, node)
        if bound is not None and bound.item is None and not bound.looped:
            yield bound.file, bound.value
        elif bound is None:
            yield from _fields(program, file, node.value, node.attr)


def _of_call(program: Program, file: SourceFile, call: ast.Call) -> Iterator[tuple[SourceFile, ast.expr]]:
    """What a conversion is of, what a dictionary is asked for, a field's default, what a function returns."""
    called = call.func
    if isinstance(called, ast.Name) and called.id in {"float", "int", "round"} and len(call.args) == 1:
        yield file, call.args[0]
    elif isinstance(called, ast.Name) and called.id == "getattr" and len(call.args) > 1:
        yield from _fields(program, file, call.args[0], _key(call.args[1]))
    elif isinstance(called, ast.Attribute) and called.attr == "get" and call.args:
        entries = list(_entries(program, file, called.value, _key(call.args[0])))
        yield from entries or [(file, each) for each in call.args[1:2]]
    elif file.qualified(called) in {"dataclasses.field", "pydantic.Field", "typer.Option"}:
        default = Found(file, call).argument(0, "default")
        factory = Found(file, call).argument(-1, "default_factory")
        if default is None and factory is not None:
            default = factory.body if isinstance(factory, ast.Lambda) else ast.Call(factory, args=[], keywords=[])
        yield from [] if default is None else [(file, default)]
    else:
        yield from _returns(program, file, call)


def _returns(program: Program, file: SourceFile, call: ast.Call) -> Iterator[tuple[SourceFile, ast.expr]]:
    """What the program's own function returns, if that is written in one place."""
    enters = entered(program, file, call)
    if enters is not None:
        results = returned(enters[1])
        yield from ((enters[0], each) for each in results if len(results) == 1)


def _of_name(program: Program, file: SourceFile, node: ast.Name) -> Iterator[tuple[SourceFile, ast.expr]]:
    bound = binding(file, node)
    if bound is not None:
        if bound.item is None and not bound.looped:
            yield bound.file, bound.value
        return
    for function in (each for each in file.above(node) if isinstance(each, Function)):
        if node.id in parameters(function):
            yield from _given(program, file, function, node.id)
            return
    module = file.imports.get(node.id, "")
    for other in program.files:  # from config import LR
        if module and module == f"{other.path.stem}.{node.id}":
            yield from ((each.file, each.value) for each in bindings(other, node.id)[-1:] if each.item is None)


def _given(program: Program, file: SourceFile, function: Function, name: str) -> Iterator[tuple[SourceFile, ast.expr]]:
    """What calls pass for a parameter; its default where some pass nothing."""
    calls = callers(program, file, function)
    given = [(each.file, passed(file, function, name, each)) for each in calls]
    yield from ((home, value) for home, value in given if value is not None)
    if not given or any(value is None for _, value in given):
        default = default_of(function, name)
        if default is not None:
            yield file, default
        else:  # @click.option("--lr", default=0.1)
            decorators = [Found(file, each) for each in function.decorator_list if isinstance(each, ast.Call)]
            yield from _defaults(decorators, name)


def _key(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _entries(program: Program, file: SourceFile, base: ast.expr, key: str) -> Iterator[tuple[SourceFile, ast.expr]]:
    """What a dictionary holds under a key, as it was written down."""
    if not key:
        return
    for function in (each for each in file.above(base) if isinstance(each, Function)):
        rest = function.args.kwarg
        if rest is not None and ast.unparse(base) == rest.arg:  # **options
            calls = callers(program, file, function)
            yield from ((one.file, each.value) for one in calls for each in one.node.keywords if each.arg == key)
            return
    written_later = [
        statement.value
        for statement in ast.walk(file.tree)
        if isinstance(statement, ast.Assign)
        and len(statement.targets) == 1
        and isinstance(target := statement.targets[0], ast.Subscript)
        and ast.unparse(target.value) == ast.unparse(base)
        and _key(target.slice) == key
    ]
    if written_later:
        yield from ((file, each) for each in written_later)
        return
    home, value = made(program, file, base)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "vars" and value.args:
        yield from _fields(program, home, value.args[0], key)
    elif isinstance(value, ast.Dict):
        items = list(zip(value.keys, value.values, strict=True))
        own = [item for name, item in items if name is not None and _key(name) == key]
        yield from ((home, each) for each in own)
        for name, item in items:
            if name is None and not own:  # {**others}
                yield from _entries(program, home, item, key)
    elif isinstance(value, ast.Call):
        yield from ((home, each.value) for each in value.keywords if each.arg == key)


def _fields(program: Program, file: SourceFile, base: ast.expr, name: str) -> Iterator[tuple[SourceFile, ast.expr]]:
    """What an object has as an attribute: an option of a parser, an argument of its constructor, or a class's own."""
    home, value = made(program, file, base)
    called = value.func if isinstance(value, ast.Call) else value
    if isinstance(called, ast.Attribute) and called.attr in {"parse_args", "parse_known_args"}:
        yield from _options(program, name)
        return
    owner = definition(program, home, called.id) if isinstance(called, ast.Name) else None
    if isinstance(value, ast.Call):
        fields = [
            ast.unparse(each.target)
            for each in getattr(owner and owner[1], "body", ())
            if isinstance(each, ast.AnnAssign)
        ]
        given = Found(home, value).argument(fields.index(name) if name in fields else -1, name)
        if given is not None:
            yield home, given
            return
    if owner is None and isinstance(base, ast.Name) and base.id in {"self", "cls"}:
        around = class_around(file, base)
        owner = (file, around) if around is not None else None
    if owner is not None and isinstance(owner[1], ast.ClassDef):
        for each in owner[1].body:
            if isinstance(each, ast.Assign | ast.AnnAssign) and each.value is not None:
                targets = each.targets if isinstance(each, ast.Assign) else [each.target]
                if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                    yield owner[0], each.value
        if value is not base:  # what its constructor gives it
            own = bindings(owner[0], f"self.{name}", owner[1])[:1]
            yield from ((owner[0], each.value) for each in own if each.item is None)
    elif owner is None:
        yield from _options_of_parameter(program, file, base, name)


def _options_of_parameter(
    program: Program, file: SourceFile, base: ast.expr, name: str
) -> Iterator[tuple[SourceFile, ast.expr]]:
    """Of `args.lr` in a function that is handed `args`: through what it is handed, or the option of that name."""
    if not isinstance(base, ast.Name):
        return
    for function in (each for each in file.above(base) if isinstance(each, Function)):
        if base.id in parameters(function):
            given = list(_given(program, file, function, base.id))
            for home, value in given:
                yield from _fields(program, home, value, name)
            if not given:
                yield from _options(program, name)
            return


def _options(program: Program, name: str) -> Iterator[tuple[SourceFile, ast.expr]]:
    """Defaults of an option of the program's argument parser."""
    yield from _defaults(program.methods("add_argument"), name)


def _defaults(options: Sequence[Found], name: str) -> Iterator[tuple[SourceFile, ast.expr]]:
    for each in options:
        names = {str(flag).lstrip("-").replace("-", "_") for flag in map(_key, each.node.args) if flag}
        dest = each.argument(-1, "dest")
        default = each.argument(-1, "default")
        if default is not None and name in ({_key(dest)} if dest is not None else names):
            yield each.file, default


def made(program: Program, file: SourceFile, node: ast.expr, depth: int = 4) -> tuple[SourceFile, ast.expr]:
    """The expression that another stands for: through names, functions that return it, entries and fields."""
    if not depth:
        return file, node
    origins: list[tuple[SourceFile, ast.expr]] = []
    bound = binding(file, node)
    if bound is not None:
        # `args, _ = parser.parse_known_args()` counts as the whole
        origins = [(bound.file, bound.value)] if not bound.looped and bound.item in {None, 0} else []
    elif isinstance(node, ast.Name):
        for function in (each for each in file.above(node) if isinstance(each, Function)):
            if node.id in parameters(function):
                origins = list(_given(program, file, function, node.id))
                break
    elif isinstance(node, ast.Call):
        origins = list(_of_call(program, file, node))
    elif isinstance(node, ast.Attribute):
        origins = list(_fields(program, file, node.value, node.attr))
    elif isinstance(node, ast.Subscript):
        origins = list(_entries(program, file, node.value, _key(node.slice)))
    return made(program, *origins[0], depth - 1) if len(origins) == 1 else (file, node)
