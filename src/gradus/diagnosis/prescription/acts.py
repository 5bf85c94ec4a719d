"""What a program does to a value that it could do without: it gives one of the same kind, or changes it in place."""

import ast
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from gradus.diagnosis.prescription.batches import (
    compared,
    in_no_grad,
    model_calls,
    training_calls,
    training_inputs,
    training_targets,
)
from gradus.diagnosis.prescription.bindings import assigned_parts, binding, class_around, function_around, parameters
from gradus.diagnosis.prescription.edits import Edit, delete, replace
from gradus.diagnosis.prescription.fixes import Case
from gradus.diagnosis.prescription.program import Program, SourceFile
from gradus.diagnosis.prescription.rewriting import instead
from gradus.diagnosis.prescription.roles import is_label_name, is_module, role, training_steps
from gradus.diagnosis.prescription.written import written

_DRAWS = {"randperm", "permutation", "argsort", "randint", "multinomial", "choice", "sample"}
_OF_TENSORS = ("torch.", "numpy.", "random.", "pandas.")
_SAYS_EVALUATION = ("eval", "valid", "test", "score", "accuracy", "predict")
_MAKES = {"zeros", "ones", "eye", "full", "rand", "randn", "normal", "uniform", "arange", "linspace", "empty"}
_GIVES_A_FORM = {"view", "reshape", "flatten", "unsqueeze", "squeeze", "transpose", "permute", "float", "to", "long"}
_LOSS = r"loss|cost|objective|penalty"
_GENERATOR = r"(^|\.)(rng|random|generator|gen|g)$|Distribution|distributions"


@dataclass(frozen=True)
class Act:
    """Something done to a value.

    Attributes:
        node: the expression that gives the new value, or the statement that changes one in place.
        inner: what the value was before; None of a statement.
        does: the name of a function or method without a last underscore, or "times", "plus", "pick" of an index that
            is drawn or sorted, "first" of rows up to a number, "mask" of those that something holds of, "axis" of a
            new one, "overwrite" of a part, "scatter" of one that is drawn, "set lr" of an option, "skip" of what is
            left of a turn, "term" of a loss that is added to.
        place: "model" in what computes outputs, "input" to what that is given, "begin" where it is made, "loop" where
            training goes round, "output" to what a model gives there, "update" there without gradients, "example" where
            a dataset makes one, "held-out" where no gradients are, "once" elsewhere.
        by: of "times" and "plus", the number.
        of_labels: whether it is done to what outputs are compared with.
    """

    file: SourceFile
    node: ast.expr | ast.stmt
    inner: ast.expr | None
    does: str
    place: str
    by: float = math.nan
    of_labels: bool = False

    @property
    def changes_its_own(self) -> bool:
        """Whether a statement does nothing but this, to what it is called after: `x = x.clamp(0, 1)`, `x.log_()`."""
        if self.inner is None or isinstance(self.node, ast.stmt):
            return True
        statement = self.file.statement(self.node)
        pairs = assigned_parts(statement) if isinstance(statement, ast.Assign) else []
        mine = any(value is self.node and ast.unparse(to) == _from(self.file, self.inner) for to, value in pairs)
        return mine and all(_begins_with(value, ast.unparse(target)) for target, value in pairs)

    @property
    def renames(self) -> bool:
        """Whether it gives something that has a name another: `x_fit = x.clamp(0, 1)`."""
        return self.is_whole and isinstance(self.inner, ast.Name)

    @property
    def is_whole(self) -> bool:
        """Whether what it gives is kept as it is, by a name or for who calls: no part of a formula, nor all of one."""
        if isinstance(self.inner, ast.BinOp):
            return False
        parent = None if isinstance(self.node, ast.stmt) else self.file.parents[self.node]
        while isinstance(parent, ast.Tuple):
            parent = self.file.parents[parent]
        return parent is None or isinstance(parent, ast.Assign | ast.AnnAssign | ast.Return | ast.Call | ast.keyword)

    def undone(self) -> list[Edit]:
        """The program without it."""
        if self.changes_its_own:
            return [delete(self.file, self.file.statement(self.node))]
        assert self.inner is not None
        assert isinstance(self.node, ast.expr)
        if any(each is self.inner for each in ast.walk(self.node)):
            return instead(self.file, self.node, self.inner)
        return [replace(self.file, self.node, self.file.code(self.inner))]


def acts(case: Case) -> Iterator[Act]:
    """All of a program, in the order of the text."""
    program = case.program
    steps = training_steps(case)
    loops: set[ast.AST] = {loop for each in steps for loop in each.loops} | {each.around for each in steps}
    inner: set[ast.AST] = {loop for each in steps for loop in each.loops[:1]}
    labels = _labels(case)
    for file, node in program.nodes():
        for outer, operand, does, by in (*_of_expression(program, file, node), *_of_statement(program, file, node)):
            place = _place(program, file, node, loops, inner)
            if place == "model" and isinstance(operand, ast.Name) and operand.id in _given(file, node):
                place = "input"
            elif place == "loop" and operand is not None and _is_output(program, file, operand):
                place = "output"
            changed = _changed(outer, operand)
            of_labels = changed in labels or is_label_name(changed)
            yield Act(file, outer, operand, does, place, by, of_labels)


def _labels(case: Case) -> set[str]:
    """What outputs are compared with, by the names it has on its way from the data to the loss."""
    labels: set[str] = set()
    inputs: set[str] = set()
    for training in training_steps(case):
        pair = compared(case.program, training) or compared(case.program, training, outputs=2)
        labels |= _names(training.file, pair.target) if pair is not None else set()
        for call in training_calls(case.program, training):
            inputs |= {name for each in call.node.args for name in _names(call.file, each)}
    of_labels, of_inputs = training_targets(case), training_inputs(case)
    labels |= _names(of_labels.file, of_labels.node) if of_labels is not None else set()
    inputs |= _names(of_inputs.file, of_inputs.node) if of_inputs is not None else set()
    return labels - inputs  # of data that are made up the one may be computed from the other


def _names(file: SourceFile, node: ast.expr, depth: int = 4) -> set[str]:
    """The name that an expression is taken from, and those that this was bound to."""
    base = _base(node)
    bound = binding(file, base) if depth and isinstance(base, ast.Name | ast.Attribute) else None
    if bound is None or bound.item is not None or bound.looped:
        return {ast.unparse(base)}
    return {ast.unparse(base)} | _names(file, bound.value, depth - 1)


def _changed(outer: ast.expr | ast.stmt, inner: ast.expr | None) -> str:
    """The name of what is changed."""
    match outer:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=changed))):
            return ast.unparse(_base(changed))
        case ast.AugAssign(target=changed) | ast.Assign(targets=[changed, *_]):
            return ast.unparse(_base(changed))
    return ast.unparse(_base(inner)) if inner is not None else ""


def _given(file: SourceFile, node: ast.AST) -> list[str]:
    function = function_around(file, node)
    return parameters(function) if function is not None and function.name == "forward" else []


def _is_output(program: Program, file: SourceFile, node: ast.expr) -> bool:
    """Whether a model made it, here or where its name was bound."""
    bound = binding(file, node) if isinstance(node, ast.Name) else None
    made = node if bound is None or bound.looped else bound.value
    return bool(model_calls(program, file, made))


def _place(program: Program, file: SourceFile, node: ast.AST, loops: set[ast.AST], inner: set[ast.AST]) -> str:
    owner, function = class_around(file, node), function_around(file, node)
    if in_no_grad(file, node) and isinstance(node, ast.stmt) and any(each in inner for each in file.above(node)):
        return "update"
    if in_no_grad(file, node) or (function is not None and function.name.lower().startswith(_SAYS_EVALUATION)):
        return "held-out"
    if function is not None and function.name in {"__getitem__", "__call__"}:
        return "example"
    if owner is not None and function is not None and is_module(program, file, owner):
        return "begin" if function.name == "__init__" else "model"
    return "loop" if any(each in loops for each in file.above(node)) else "once"


Parts = tuple[ast.expr | ast.stmt, ast.expr | None, str, float]
"""Of an act, what changes, what it was before, what is done, and by how much."""


def _of_expression(program: Program, file: SourceFile, node: ast.AST) -> Iterator[Parts]:
    match node:
        case ast.Call(func=ast.Attribute(value=operand, attr=does)) if not file.qualified(node.func):
            # what stands alone is a statement; a generator's sample is no sample of rows
            if not isinstance(file.parents[node], ast.Expr) and not re.search(_GENERATOR, ast.unparse(operand)):
                yield node, operand, does.rstrip("_"), math.nan
        case ast.Attribute(value=operand, attr="T" | "mT" | "data" as does) if not file.qualified(node):
            yield node, operand, does, math.nan
        case ast.Call(func=called, args=[operand, *others]) if file.qualified(called).startswith(_OF_TENSORS):
            does = file.qualified(called).rpartition(".")[2].rstrip("_")
            if isinstance(file.parents[node], ast.Expr) or does in _MAKES:
                return
            whole = _made_of(operand)
            before = [each for each in others if isinstance(each, ast.Name)] if does == "where" else [whole]
            yield from ((node, each, does, math.nan) for each in before if each is not None)
        case ast.Subscript(value=operand, slice=index, ctx=ast.Load()):
            does = _picks(program, file, index)
            if does:
                yield node, operand, does, math.nan
        case ast.BinOp():
            factor, shift, operand = _affine(program, file, node)
            # a term of a sum is no change of a value
            if operand is not node and not isinstance(file.parents[node], ast.BinOp):
                yield node, operand, *(("times", factor) if factor != 1 else ("plus", shift))


def _made_of(operand: ast.expr) -> ast.expr | None:
    """What a function is given; of a list, what all that is in it is taken from: `y` of `[y[:5].roll(1, 0), y[5:]]`."""
    if isinstance(operand, ast.ListComp):
        over = operand.generators[0].iter
        return over if isinstance(over, ast.Name) else None
    if not isinstance(operand, ast.List | ast.Tuple):
        return operand
    bases = [_base(each) for each in operand.elts]
    alike = len({ast.unparse(each) for each in bases}) == 1
    return bases[0] if alike and isinstance(bases[0], ast.Name) else None


def _base(node: ast.expr) -> ast.expr:
    """What an expression is taken from, the innermost: `y` of `y[:5].roll(1, 0)`."""
    match node:
        case ast.Subscript(value=inner) | ast.Call(func=ast.Attribute(value=inner)):
            return _base(inner)
    return node


def _from(file: SourceFile, node: ast.expr) -> str:
    """What methods, indices and functions of tensors make an expression of; "" if one of them gives another form."""
    while True:
        match node:
            case ast.Call(func=called, args=[inner, *_]) if file.qualified(called).startswith(_OF_TENSORS):
                does = file.qualified(called).rpartition(".")[2]
            case ast.Call(func=ast.Attribute(value=inner, attr=does)):
                pass
            case ast.Subscript(value=inner):
                does = ""
            case _:
                return ast.unparse(node)
        if does.rstrip("_") in _GIVES_A_FORM:
            return ""
        node = inner


def _begins_with(value: ast.expr, target: str) -> bool:
    """Whether what is assigned to a name is made of what it stood for."""
    bases = {ast.unparse(_base(each)) for each in ast.walk(value) if isinstance(each, ast.expr)}
    return target in bases


def _affine(program: Program, file: SourceFile, node: ast.expr) -> tuple[float, float, ast.expr]:
    """Of `250 * y + 2000` the factor, what is added, and `y`."""
    if isinstance(node, ast.BinOp):
        for operand, other in ((node.left, node.right), (node.right, node.left)):
            by = written(program, file, other)
            if by is None or written(program, file, operand) is not None:
                continue
            match node.op:
                case ast.Mult():
                    first, then = by.value, 0.0
                case ast.Div() if operand is node.left and by.value:
                    first, then = 1 / by.value, 0.0
                case ast.Add() | ast.Sub():
                    first, then = 1.0, by.value
                case _:
                    continue
            factor, shift, inner = _affine(program, file, operand)
            return factor * first, shift + then, inner
    return 1.0, 0.0, node


def _of_statement(program: Program, file: SourceFile, node: ast.AST) -> Iterator[Parts]:
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=does) as called)):
            if does != "step" or role(program, file, called.value) == "scheduler":
                yield node, None, (file.qualified(called) or does).rpartition(".")[2].rstrip("_"), math.nan
        case ast.AugAssign(op=ast.Mult() | ast.Div() | ast.Add() | ast.Sub(), value=other) if (
            by := written(program, file, other)
        ) is not None:
            divides = isinstance(node.op, ast.Div)
            value = 1 / by.value if divides and by.value else by.value
            yield node, None, "times" if divides or isinstance(node.op, ast.Mult) else "plus", value
        case ast.AugAssign(target=ast.Name(id=name), op=ast.Add()) if re.search(_LOSS, name):
            yield node, None, "term", math.nan
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.BinOp(left=ast.Name(id=same), op=ast.Add())):
            if name == same and re.search(_LOSS, name):
                yield node, None, "term", math.nan
        case ast.Assign(targets=[ast.Subscript(value=ast.Name() | ast.Attribute(), slice=key)]):
            option = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
            yield node, None, f"set {option}" if option else _overwrites(file, key), math.nan
        case ast.If(body=[*_, ast.Continue() | ast.Break()], orelse=[]):
            if len(node.body) == 1:
                yield node, None, "skip", math.nan


def _overwrites(file: SourceFile, key: ast.expr) -> str:
    """What it is to overwrite a part: "scatter" where chance says which."""
    bound = binding(file, key) if isinstance(key, ast.Name) else None
    made = key if bound is None or bound.looped else bound.value
    drawn = any(re.search(r"rand|permutation|choice", ast.unparse(each.func)) for each in _calls(made))
    return "scatter" if drawn else "overwrite"


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    yield from (each for each in ast.walk(node) if isinstance(each, ast.Call))


def _picks(program: Program, file: SourceFile, index: ast.expr) -> str:
    """What an index does to rows: "pick" in an order or choice of its own, "first", "axis" or "mask"; "" of others."""
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    if any(isinstance(each, ast.Constant) and each.value is None for each in parts):
        return "axis"
    first = parts[0]
    match first:
        case ast.Slice(lower=None, upper=ast.expr() as end, step=None) if len(parts) == 1:
            return "first" if written(program, file, end) is not None else ""
        case ast.Compare():
            return "mask"
    bound = binding(file, first) if isinstance(first, ast.Name) else None
    made = bound.value if bound is not None and bound.item is None and not bound.looped else first
    return "pick" if any(ast.unparse(each.func).rpartition(".")[2] in _DRAWS for each in _calls(made)) else ""
