"""The numbers that a program is set by: rates, sizes, how long its loops are."""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.ward.edits import Source, called, keyword


@dataclass(frozen=True)
class Number:
    """A number as it stands in a program."""

    node: ast.Constant
    value: int | float


def is_number(node: ast.AST | None) -> bool:
    """Whether a node is a number."""
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


def numbers(source: Source, expression: ast.expr | None) -> list[Number]:
    """The numbers that stand behind an expression: its own, those given to a name, an argument, a setting."""
    found = {id(each): each for each in _constants(source, expression, 0)}.values()
    return [Number(each, each.value) for each in found if isinstance(each.value, int | float)]


def _constants(source: Source, expression: ast.expr | None, depth: int) -> list[ast.Constant]:
    if depth > 3 or expression is None:
        return []
    if isinstance(expression, ast.Constant):
        return _those([expression])
    if isinstance(expression, ast.Name):
        return _of_name(source, expression, depth)
    if isinstance(expression, ast.Attribute):
        return _of_setting(source, expression.attr)
    if isinstance(expression, ast.Subscript) and isinstance(expression.slice, ast.Constant):
        entries = [pair for each in source.all(ast.Dict) for pair in zip(each.keys, each.values, strict=True)]
        key = expression.slice.value
        return _those(value for name, value in entries if isinstance(name, ast.Constant) and name.value == key)
    return []


def _those(nodes: Iterable[ast.AST | None]) -> list[ast.Constant]:
    return [each for each in nodes if isinstance(each, ast.Constant) and is_number(each)]


def _of_name(source: Source, name: ast.Name, depth: int) -> list[ast.Constant]:
    home = source.function(name)
    if home is not None and name.id in [each.arg for each in home.args.args]:
        return _of_parameter(source, home, name.id, depth)
    for scope in (home, None):
        bindings = [b for b in source.bindings() if source.function(b[2]) is scope]
        found = _those(value for aim, value, _ in bindings if isinstance(aim, ast.Name) and aim.id == name.id)
        if found:
            return found
    return []


def _of_parameter(source: Source, function: ast.FunctionDef, name: str, depth: int) -> list[ast.Constant]:
    """What a function is called with, or else its default."""
    names = [each.arg for each in function.args.args]
    place = names.index(name)
    found: list[ast.Constant] = []
    for call in source.calls(function.name):
        at = place - (names[0] == "self")
        by_place = call.args[at] if at < len(call.args) else None
        found += _constants(source, keyword(call, name) or by_place, depth + 1)
    late = len(names) - len(function.args.defaults)
    return found or _those(function.args.defaults[place - late : place - late + 1] if place >= late else [])


def _of_setting(source: Source, name: str) -> list[ast.Constant]:
    """What ``args.name`` or ``config.name`` is: an argument of the command line, a field, or one given by name."""
    options = [
        call
        for call in source.calls("add_argument")
        if call.args and source.of(call.args[-1]).strip("\"'-").replace("-", "_") == name
    ]
    found = _those(keyword(call, "default") for call in options)
    if not found:
        fields = [each for each in source.all(ast.AnnAssign) if source.of(each.target) == name]
        found = _those([*(each.value for each in fields), *(keyword(each, name) for each in source.all(ast.Call))])
    return found


def written(value: float) -> str:
    """A number as people write it."""
    text = f"{value:.2g}"
    return f"{value:.1f}" if "e+" in text or value >= 10 else text


def rounds(source: Source, loop: ast.AST) -> list[Number]:
    """The numbers that say how long a loop over a range is."""
    if not isinstance(loop, ast.For) or called(loop.iter) not in ("range", "trange"):
        return []
    arguments = loop.iter.args if isinstance(loop.iter, ast.Call) else []
    stop = arguments[1] if len(arguments) > 1 else arguments[0] if arguments else None
    if isinstance(stop, ast.BinOp) and isinstance(stop.op, ast.Add):
        stop = stop.left
    return numbers(source, stop)


def epochs_times(source: Source, factor: float) -> bool:
    """Train for more or fewer epochs; whether that could be done."""
    loops = [
        each
        for each in source.all(ast.For)
        if re.fullmatch(r"epoch|ep|e|epoch_idx", source.of(each.target))
        or (source.of(each.target) == "_" and source.fits(each.iter, "epoch"))
    ]
    loops = [each for each in loops if called(each.iter) == "range" and source.fits(each, "backward|train")]
    if len(loops) != 1 or source.has(r"T_max|OneCycle|total_steps|epoch_loss\[|milestones"):
        return False
    found = rounds(source, loops[0])
    for each in found:
        source.replace(each.node, str(max(2, int(each.value * factor))))
    return bool(found)
