"""Fixes of how parameters begin: calls that fill them, tensors made by hand, and what is put in where neither is."""

import ast
import math
import re
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import binding, bindings, class_around, method
from gradus.diagnosis.prescription.edits import Edit, after, delete, imported, replace
from gradus.diagnosis.prescription.fillings import DRAWN, SAME, SCALED, TIMES, Filling, fillings, identities, multiplied
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.layers import is_layer, rectified
from gradus.diagnosis.prescription.normalizing import Branch, residual_branches
from gradus.diagnosis.prescription.program import Found, SourceFile
from gradus.diagnosis.prescription.rates import lowered_to_customary
from gradus.diagnosis.prescription.rawtensors import made_by_hand
from gradus.diagnosis.prescription.rewriting import unique
from gradus.diagnosis.prescription.roles import role
from gradus.diagnosis.prescription.written import Written, number, option, written

_THROUGH_TIME = {"vanishing-through-time", "exploding-through-time"}
_DEEP = 6
"""Matrices from which on torch's own initialization fades in rectified networks."""
_FLAT = 4.0
"""Bias from which on the slope of a sigmoid is below 0.02."""
_SIDE = 2.0
"""Bias at which it is 0.1, and a deep stack of gates still begins by passing its input on (Srivastava et al. 2015)."""


@fix("initialize")
def initialize(case: Case) -> Iterator[Sequence[Edit]]:
    """Weights that the program draws itself: Kaiming for rectifiers, Xavier for tanh and sigmoid; no two units alike.

    Where it draws none and rectified layers are many, Kaiming is put in. A rate far above the customary one, which such
    weights may have asked for, is then lowered (measured: neither alone trains a network that began exploding).
    """
    edits = started(case)
    if not edits and case.cause in {"vanishing-gradient", "vanishing-signal", "dead-units"}:
        edits = list(kaiming(case)) if rectified(case) else []
    if edits:
        yield edits
        if case.cause not in {"symmetric-initialization", "vanishing-through-time"}:
            rate = list(lowered_to_customary(case))
            if rate:
                yield [*edits, *rate]


def started(case: Case) -> list[Edit]:
    """Proper draws for all the weights that the program fills otherwise.

    Only for those that carry a state on where it is through time that signals grow or fade, or where such a matrix
    begins as a multiple of the identity.
    """
    scaled_identities = [] if case.cause == "symmetric-initialization" else list(identities(case))
    through_time = case.cause in _THROUGH_TIME or bool(scaled_identities)
    found = [each for each in fillings(case) if each.role != "bias" and _improper(case, each)]
    found = [each for each in found if each.recurrent or not through_time]
    edits = [edit for each in found for edit in _proper(case, each)] + list(made_by_hand(case))
    edits += [replace(file, product, file.code(eye)) for file, product, eye in scaled_identities]
    if case.cause != "symmetric-initialization":
        scaled = [each for each in multiplied(case) if not through_time or "weight_hh" in ast.unparse(each[1].target)]
        edits += [delete(file, statement) for file, statement in scaled]
    if case.cause in {"bad-initialization", "initial-loss"}:
        edits += _tied(case)
    return edits


@fix("initialize")
def silent_branches(case: Case) -> Iterator[Sequence[Edit]]:
    """The last layer of each residual branch begins at 0, so that a deep stack begins as the identity.

    Source: Zhang, Dauphin, Ma (2019), Fixup initialization; Goyal et al. (2017), section 5.1.
    """
    if not case.cause.startswith("exploding") and case.cause != "bad-initialization":
        return
    if any(facts.normalizations for facts in case.history.models.values()):
        return
    edits: list[Edit] = []
    for branch in residual_branches(case.program):
        file, layer = branch.file, _ends_with(branch)
        owner = class_around(file, branch.added)
        begin = method(owner, "__init__") if owner is not None else None
        if layer and begin is not None:
            init, more = imported(file, "torch.nn.init")
            edits += [after(file, begin.body[-1], f"{init}.zeros_({layer}.weight)"), *more]
    if edits:
        yield edits


def _ends_with(branch: Branch) -> str:
    """The last layer of a branch, as it goes by in the class: `self.fc2`, `self.body[-1]`; "" if it is none."""
    file, name = branch.file, ast.unparse(branch.call.func)
    if is_layer(file, branch.call):
        return name if name.startswith("self.") else ""
    made = bindings(file, name)
    whole = made[-1].value if made else None
    if isinstance(whole, ast.Call) and file.qualified(whole.func) == "torch.nn.Sequential" and whole.args:
        last = whole.args[-1]
        return f"{name}[-1]" if isinstance(last, ast.Call) and is_layer(file, last) else ""
    return ""


@fix("initialize")
def unsaturate_biases(case: Case) -> Iterator[Sequence[Edit]]:
    """Biases that begin so far from 0 that what they go into is flat keep their side, and leave it a slope."""
    if case.cause not in {"saturated-units", "bad-initialization"}:
        return
    starts = [_constant(case, each) for each in fillings(case) if each.role == "bias"]
    starts += [place for target, place in _vectors(case) if f"sigmoid({target})" in place.file.text]
    edits = [each.becomes(math.copysign(_SIDE, each.value)) for each in starts if each and abs(each.value) > _FLAT]
    if edits:
        yield unique(edits)


@fix("reset-biases")
def reset_biases(case: Case) -> Iterator[Sequence[Edit]]:
    """Biases that begin far from 0 begin at 0."""
    edits = [each for filling in fillings(case) if filling.role == "bias" for each in _at_zero(case, filling)]
    edits += [*_thresholds(case), *_shifted(case)]
    if edits:
        yield edits


# ---- what is wrong, and what is right -------------------------------------------------------------------------------


def _improper(case: Case, filling: Filling) -> bool:
    guards = " ".join(ast.unparse(each.test) for each in filling.file.above(filling.call) if isinstance(each, ast.If))
    if ("Norm" in guards and not re.search(r"Linear|Conv", guards)) or re.search(r"norm|bn\d", filling.target):
        return False
    if case.cause == "symmetric-initialization":
        return filling.how in SAME
    if filling.how in TIMES:
        factor = number(filling.call.args[0]) if filling.call.args else None
        return factor is not None and filling.role == "weight"
    if filling.how in SCALED:
        place = option(case.program, Found(filling.file, filling.call), -1, "gain")
        low, high = (0.9, 1.1) if filling.recurrent else (0.5, 2.5)
        return place is not None and not low <= place.value <= high
    return filling.how in DRAWN | SAME


def _proper(case: Case, filling: Filling) -> Iterator[Edit]:
    file = filling.file
    if filling.how in TIMES:
        yield delete(file, filling.statement)
        return
    init, more = imported(file, "torch.nn.init")
    text = _call(case, filling, init)
    if filling.role == "any":
        text = f"if {filling.target}.dim() > 1:\n{_margin(file, filling.statement)}    {text}"
    if filling.role == "any" and not isinstance(filling.statement, ast.Expr):
        return
    yield replace(file, filling.statement if _alone(filling) else filling.call, text)
    yield from more


def _call(case: Case, filling: Filling, init: str) -> str:
    if _is_embedding(filling):
        return f"{init}.normal_({filling.target}, std=0.1)"
    if filling.recurrent:
        return f"{init}.orthogonal_({filling.target})"
    if rectified(case):
        return f"{init}.kaiming_normal_({filling.target})"
    return f"{init}.xavier_uniform_({filling.target})"


def _alone(filling: Filling) -> bool:
    """Whether the statement does nothing else."""
    value = filling.statement.value if isinstance(filling.statement, ast.Expr) else None
    return value is filling.call or isinstance(filling.statement, ast.Assign)


def _is_embedding(filling: Filling) -> bool:
    file = filling.file
    base = filling.target.rpartition(".")[0]
    for each in file.above(filling.call):
        if isinstance(each, ast.If) and "Embedding" in ast.unparse(each.test):
            return not re.search(r"Linear|Conv", ast.unparse(each.test))
        if isinstance(each, ast.For) and ast.unparse(each.target) == base:
            items = each.iter.elts if isinstance(each.iter, ast.Tuple | ast.List) else []
            return bool(items) and all(_made_as(file, item) == "torch.nn.Embedding" for item in items)
    found = bindings(file, base)
    return (
        bool(found)
        and isinstance(found[0].value, ast.Call)
        and _qualified(file, found[0].value) == "torch.nn.Embedding"
    )


def _made_as(file: SourceFile, node: ast.expr) -> str:
    bound = binding(file, node)
    return _qualified(file, bound.value) if bound is not None and isinstance(bound.value, ast.Call) else ""


def _qualified(file: SourceFile, call: ast.Call) -> str:
    return file.qualified(call.func)


def _margin(file: SourceFile, statement: ast.stmt) -> str:
    return " " * statement.col_offset


# ---- tables that are output layers too ------------------------------------------------------------------------------


def _tied(case: Case) -> Iterator[Edit]:
    """A table whose weights are the output layer's as well begins as one of that width does, not at torch's N(0, 1)."""
    filled = {each.target for each in fillings(case)}
    for call in case.program.calls("torch.nn.Embedding"):
        file, statement, width = call.file, call.statement, call.argument(1, "embedding_dim")
        if width is None or not isinstance(statement, ast.Assign) or statement.value is not call.node:
            continue
        table = f"{ast.unparse(statement.targets[0])}.weight"
        if table not in filled and any(_is_output(file, each) for each in ast.walk(file.tree) if _text(each) == table):
            init, more = imported(file, "torch.nn.init")
            size = file.code(width) if isinstance(width, ast.Name | ast.Constant | ast.Attribute) else ""
            yield after(file, statement, f"{init}.normal_({table}, std={size or f'({file.code(width)})'} ** -0.5)")
            yield from more


def _text(node: ast.AST) -> str:
    return ast.unparse(node) if isinstance(node, ast.Attribute) else ""


def _is_output(file: SourceFile, table: ast.AST) -> bool:
    """`self.head.weight = table`, `F.linear(x, table)`, `x @ table.T`."""
    parent = file.parents.get(table)
    if isinstance(parent, ast.Assign):
        return parent.value is table and ast.unparse(parent.targets[0]).endswith(".weight")
    if isinstance(parent, ast.Call):
        return file.qualified(parent.func) == "torch.nn.functional.linear" and table in parent.args[1:2]
    return isinstance(parent, ast.Attribute) and parent.attr in {"T", "mT", "t"}


# ---- biases ---------------------------------------------------------------------------------------------------------


def _at_zero(case: Case, filling: Filling) -> Iterator[Edit]:
    file = filling.file
    if filling.how in {"zeros_", "zero_", "zeros_like"}:
        return
    found = _constant(case, filling)
    if found is not None:
        if found.value:
            yield found.becomes(0.0)
        return
    init, more = imported(file, "torch.nn.init")
    if _alone(filling):
        yield replace(file, filling.statement, f"{init}.zeros_({filling.target})")
        yield from more


def _constant(case: Case, filling: Filling) -> Written | None:
    """Where the one value is written that a bias is filled with."""
    if filling.how not in {"constant_", "fill_", "full_like"}:
        return None
    place, call = 0 if filling.how == "fill_" else 1, filling.call
    value = call.args[place] if len(call.args) > place else next((each.value for each in call.keywords), None)
    return written(case.program, filling.file, value)


def _thresholds(case: Case) -> list[Edit]:
    """Vectors of a large constant that are added to or taken from what a layer gives."""
    return [
        place.becomes(0.0)
        for target, place in _vectors(case)
        if abs(place.value) >= 1 and _is_added(place.file, target)
    ]


def _vectors(case: Case) -> Iterator[tuple[str, Written]]:
    """Parameters that are made as vectors of one number, with where it is written."""
    for file, node in case.program.nodes():
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        if file.qualified(node.value.func) != "torch.nn.Parameter" or not node.value.args:
            continue
        made = node.value.args[0]
        if not isinstance(made, ast.Call) or file.qualified(made.func) != "torch.full" or len(made.args) < 2:
            continue
        place = written(case.program, file, made.args[1])
        if place is not None:
            yield ast.unparse(node.targets[0]), place


def _shifted(case: Case) -> Iterator[Edit]:
    """`layer.bias -= 6.0` and `layer.bias.sub_(6.0)`, also of its data: biases begin at 0."""
    for file, node in case.program.nodes():
        match node:
            case ast.AugAssign(target=shifted, op=ast.Add() | ast.Sub(), value=by):
                pass
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=shifted, attr="add_" | "sub_"), args=[by])):
                pass
            case _:
                continue
        target, place = ast.unparse(shifted).removesuffix(".data"), written(case.program, file, by)
        if target.endswith(".bias") and place is not None and place.value:
            init, more = imported(file, "torch.nn.init")
            yield replace(file, node, f"{init}.zeros_({target})")
            yield from more


def _is_added(file: SourceFile, target: str) -> bool:
    return any(
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Add | ast.Sub)
        and target in {ast.unparse(node.left), ast.unparse(node.right)}
        for node in ast.walk(file.tree)
    )


# ---- where there is none --------------------------------------------------------------------------------------------


def kaiming(case: Case) -> Iterator[Edit]:
    """Kaiming initialization behind where a deep model is made; nothing where layers are few."""
    first = case.history.first
    matrices = sum(each.matrix and not each.embedding for each in first.parameters.values()) if first else 0
    if matrices < _DEEP:
        return
    for file, node in case.program.nodes():
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        target = node.targets[0]
        if not isinstance(target, ast.Name) or isinstance(file.scope(node), ast.ClassDef):
            continue
        if role(case.program, file, node.value) == "model" and not _is_part(file, node):
            linear, more = imported(file, "torch.nn.Linear")
            init, _ = imported(file, "torch.nn.init")
            lines = f"for module in {target.id}.modules():\n    if isinstance(module, {linear}):\n"
            yield after(file, node, f"{lines}        {init}.kaiming_normal_(module.weight)")
            yield from more
            return


def _is_part(file: SourceFile, node: ast.Assign) -> bool:
    """Whether what is made goes into a larger model: a layer, or a statement of a function that builds one."""
    assert isinstance(node.value, ast.Call)
    name = file.qualified(node.value.func)
    return bool(re.fullmatch(r"torch\.nn\.\w+", name)) and name != "torch.nn.Sequential"
