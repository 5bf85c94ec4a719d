"""From a value forward to what reads it in the end: through names, returns, functions, and modules."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeGuard

from gradus.diagnosis.prescription.bindings import (
    Function,
    binding,
    class_around,
    function_around,
    method,
    parameters,
)
from gradus.diagnosis.prescription.callables import full_name, reached, reaching, small_functions
from gradus.diagnosis.prescription.flow import calls_of
from gradus.diagnosis.prescription.modules import find_module
from gradus.diagnosis.prescription.program import Program, SourceFile
from gradus.diagnosis.prescription.values import Operation, spelled

_PASSING = {
    "view", "reshape", "flatten", "squeeze", "unsqueeze", "contiguous", "cpu", "cuda", "to", "float", "double", "clone",
    "detach", "cat", "stack", "concat", "transpose", "permute", "ravel", "asarray", "array", "concatenate", "vstack",
    "hstack",
}  # fmt: skip
_CONVERTING = {"numpy", "tolist", "item"}
_MOST = 200


@dataclass(frozen=True)
class Reading:
    """A use of a value.

    Attributes:
        node: the expression that stands for it, the last that is a tensor.
        taker: what it is part of.
        last: the expression in `taker`; other than `node` where it has been made an array in between.
        called: what the taker calls, where that is torch's under another name: `crit = nn.CrossEntropyLoss()`.
    """

    file: SourceFile
    node: ast.expr
    taker: ast.AST
    last: ast.expr
    called: str = ""

    @property
    def operation(self) -> str:
        """What takes it, as `flow` spells it: `argmax`, `compare`, `sub`; "" if it has no name."""
        if self.called:
            return spelled(self.called)
        if isinstance(self.taker, ast.Call):
            called = self.taker.func
            return spelled(called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", ""))
        if isinstance(self.taker, ast.Attribute):
            return self.taker.attr
        return type(self.taker).__name__.lower()


def readings(program: Program, operation: Operation) -> list[Reading]:
    """Every use of what an operation gives."""
    module, search = operation.module, _Search(program)
    if module is None:
        return list(search.uses(operation.value.file, operation.value.node, operation.value.node))
    found: list[Reading] = []
    for file, node in program.nodes():
        called = None
        if isinstance(node, ast.Call) and not file.qualified(node.func):
            called = find_module(program, file, node.func)
        if called is not None and module.node in {called.node, *(each.node for each in called.layers[-1:])}:
            assert isinstance(node, ast.Call)
            found += search.uses(file, node, node)
    return found


def is_load(node: ast.AST, name: str) -> TypeGuard[ast.Name | ast.Attribute]:
    """Whether a node reads what `name`, perhaps `self.x`, stands for."""
    return isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load) and ast.unparse(node) == name


class _Search:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._seen: set[int] = set()

    def uses(self, file: SourceFile, node: ast.expr, tensor: ast.expr) -> Iterator[Reading]:
        """Readings of what an expression gives."""
        if id(node) in self._seen or len(self._seen) > _MOST:
            return
        if any(isinstance(each, ast.JoinedStr) for each in file.above(node)):
            return  # Python 3.11 does not tell places in f-strings
        self._seen.add(id(node))
        parent: ast.AST = file.parents[node]
        if isinstance(parent, ast.keyword):
            parent = file.parents[parent]
        if isinstance(parent, ast.Assign | ast.AnnAssign | ast.NamedExpr) and parent.value is node:
            targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
            for target in targets:
                yield from self._loads(file, target, parent, node, tensor)
        elif isinstance(parent, ast.Return):
            yield from self._returned(file, parent)
        elif isinstance(parent, ast.Tuple | ast.ListComp | ast.GeneratorExp | ast.Starred | ast.IfExp) or (
            isinstance(parent, ast.Subscript) and parent.value is node
        ):
            whole: ast.expr = parent if isinstance(parent, ast.Subscript) and node is tensor else tensor
            yield from self.uses(file, parent, whole)
        elif isinstance(parent, ast.Attribute):
            yield from self._method(file, node, parent, tensor)
        elif isinstance(parent, ast.Call):
            yield from self._argument(file, node, parent, tensor)
        elif not isinstance(parent, ast.Expr):
            yield Reading(file, tensor, parent, node)

    def _loads(
        self, file: SourceFile, target: ast.expr, statement: ast.AST, value: ast.expr, tensor: ast.expr
    ) -> Iterator[Reading]:
        if isinstance(target, ast.Tuple):
            for part in target.elts:  # which of several things it is, is not followed
                yield from self._loads(file, part, statement, value, tensor)
            return
        if not isinstance(target, ast.Name | ast.Attribute):
            return
        text = ast.unparse(target)
        scope: ast.AST = file.scope(statement)
        if isinstance(target, ast.Attribute):
            scope = class_around(file, statement) or scope
        for each in ast.walk(scope):
            if is_load(each, text):
                bound = binding(file, each)
                if bound is not None and bound.statement is statement:
                    yield from self.uses(file, each, tensor if tensor is not value else each)

    def _returned(self, file: SourceFile, statement: ast.Return) -> Iterator[Reading]:
        function = function_around(file, statement)
        if function is None:
            return
        owner = file.scope(function)
        if function.name == "forward" and isinstance(owner, ast.ClassDef):
            calls = calls_of(self._program, owner)
        else:
            calls = reaching(self._program, function)
        for each in calls:
            yield from self.uses(each.file, each.node, each.node)

    def _method(self, file: SourceFile, node: ast.expr, parent: ast.Attribute, tensor: ast.expr) -> Iterator[Reading]:
        call = file.parents[parent]
        if not (isinstance(call, ast.Call) and call.func is parent):
            if parent.attr in {"data", "T", "mT"}:
                yield from self.uses(file, parent, parent if node is tensor else tensor)
            else:
                yield Reading(file, tensor, parent, node)
        elif parent.attr in _PASSING:
            yield from self.uses(file, call, call if node is tensor else tensor)
        elif parent.attr in _CONVERTING:
            yield from self.uses(file, call, tensor)
        else:
            yield Reading(file, tensor, call, node)

    def _argument(self, file: SourceFile, node: ast.expr, call: ast.Call, tensor: ast.expr) -> Iterator[Reading]:
        called = call.func
        enters = reached(self._program, file, call) if not file.qualified(called) else None
        if enters is not None and enters[1].name != "__init__":
            home, function = enters
            name = next((each.arg for each in call.keywords if each.value is node), None)
            names = [each for each in parameters(function) if each not in {"self", "cls"}]
            if name is None and node in call.args and call.args.index(node) < len(names):
                name = names[call.args.index(node)]
            for each in ast.walk(function):
                if is_load(each, name or "") and binding(home, each) is None:
                    yield from self.uses(home, each, each)
            return
        comparing = self._comparing(file, called)
        if comparing is not None:
            home, forward = comparing
            names = [each for each in parameters(forward) if each != "self"]
            if node in call.args and call.args.index(node) < len(names):
                for each in ast.walk(forward):
                    if is_load(each, names[call.args.index(node)]):
                        yield from self.uses(home, each, each)
            return
        small = small_functions(self._program, file, called)
        for home, each in small:
            if node in call.args and call.args.index(node) < len(each.args.args):
                name = each.args.args[call.args.index(node)].arg
                for load in (inner for inner in ast.walk(each.body) if is_load(inner, name)):
                    yield from self.uses(home, load, load)
        if small:
            return
        attribute = called.attr if isinstance(called, ast.Attribute) else ""
        if attribute == "append" and isinstance(called, ast.Attribute):
            target = ast.unparse(called.value)
            for each in ast.walk(file.scope(call)):
                if is_load(each, target) and file.parents[each] is not called:
                    yield from self.uses(file, each, tensor)
        elif attribute in _PASSING or getattr(called, "id", "") in {"list", "tuple", "float"}:
            yield from self.uses(file, call, call if node is tensor and file.qualified(called) else tensor)
        elif attribute or isinstance(called, ast.Name):
            yield Reading(file, tensor, call, node, self._torchs(file, called))
        else:
            yield Reading(file, tensor, call, node)

    def _comparing(self, file: SourceFile, called: ast.expr) -> tuple[SourceFile, Function] | None:
        """The forward of a loss that is a class of the program: it is given two things or more, and has no layers."""
        module = find_module(self._program, file, called) if not file.qualified(called) else None
        if module is None or module.owner is None or module.home is None:
            return None
        forward, begin = method(module.owner, "forward"), method(module.owner, "__init__")
        layered = begin is not None and re.search(r"(Linear|Conv\dd|Embedding|Parameter)\(", ast.unparse(begin))
        return (module.home, forward) if forward is not None and len(parameters(forward)) > 2 and not layered else None

    def _torchs(self, file: SourceFile, called: ast.expr) -> str:
        """The name of torch's module or function that another name stands for."""
        module = find_module(self._program, file, called) if not file.qualified(called) else None
        full = module.name if module is not None else full_name(self._program, file, called)
        return full.rpartition(".")[2] if full.startswith("torch.nn.") else ""
