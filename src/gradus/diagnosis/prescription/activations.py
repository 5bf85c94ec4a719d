"""Fixes of activations: others in hidden layers, and gentler ones for slopes that make steps of them."""

import ast
import re
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.activation_names import chosen_by_name
from gradus.diagnosis.prescription.bindings import (
    binding,
    class_around,
)
from gradus.diagnosis.prescription.edits import Edit, imported, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.flow import below, training_losses
from gradus.diagnosis.prescription.initializing import kaiming
from gradus.diagnosis.prescription.layers import Activation, activations, applied, is_layer
from gradus.diagnosis.prescription.modules import stacked
from gradus.diagnosis.prescription.program import SourceFile
from gradus.diagnosis.prescription.roles import role
from gradus.diagnosis.prescription.written import Written, written

_STEEP = 3.0
"""A factor before a squashing activation from which on it is nearly a step."""
_THRESHOLD = re.compile(
    r"torch\.nn\.(?P<name>Threshold|Hardshrink|Softshrink"
    r"|(?P<function>functional\.)(?:threshold|hardshrink|softshrink)_?)"
)


@fix("swap-activation")
def rectify(case: Case) -> Iterator[Sequence[Edit]]:
    """ReLU for the sigmoids and tanhs between layers; with Kaiming initialization where these are many."""
    squashing = [each for each in activations(case.program) if each.squashing and is_hidden(case, each)]
    edits = [edit for each in squashing for edit in _as(each, "ReLU", "relu")]
    edits += [edit for file, node in case.program.nodes() for edit in chosen_by_name(case.program, file, node)]
    if edits:
        started = [] if "nn.init" in case.program.script.text else list(kaiming(case))
        yield [*edits, *started]


@fix("leaky")
def leak(case: Case) -> Iterator[Sequence[Edit]]:
    """LeakyReLU for ReLU, and for what lets nothing through up to a threshold."""
    edits = [
        edit
        for each in activations(case.program)
        if each.name == "relu" and (each.operand is None or is_hidden(case, each))
        for edit in _as(each, "LeakyReLU", "leaky_relu")
    ]
    edits += [edit for each in _thresholds(case) for edit in _without_threshold(each)]
    if edits:
        yield edits


def _thresholds(case: Case) -> Iterator[Activation]:
    """`nn.Threshold(2.0, 0.0)`, `F.hardshrink(self.fc(x), 0.5)` between layers."""
    for file, node in case.program.nodes():
        known = _THRESHOLD.fullmatch(file.qualified(node.func)) if isinstance(node, ast.Call) else None
        if known is None or not isinstance(node, ast.Call):
            continue
        operand = node.args[0] if known["function"] and node.args else None
        found = Activation(file, node, "threshold", operand)
        if (operand is not None and is_hidden(case, found)) or not known["function"]:
            yield found


def _without_threshold(old: Activation) -> Iterator[Edit]:
    operand = "" if old.operand is None else old.file.code(old.operand)
    name, more = imported(old.file, "torch.nn.LeakyReLU" if old.operand is None else "torch.nn.functional.leaky_relu")
    yield replace(old.file, old.node, f"{name}({operand})")
    yield from more


def _as(old: Activation, module: str, function: str) -> Iterator[Edit]:
    file, called = old.file, old.node.func
    if old.operand is None:
        name, more = imported(file, f"torch.nn.{module}")
        yield replace(file, called, name)
        yield from more
    elif isinstance(called, ast.Attribute) and not file.qualified(called) and function == "relu":
        yield Edit(file, file.span(called)[1] - len(called.attr), file.span(called)[1], "relu")
    else:
        by_torch = function == "relu" and not file.qualified(called).startswith("torch.nn")
        name, more = imported(file, "torch.relu" if by_torch else f"torch.nn.functional.{function}")
        if isinstance(called, ast.Attribute) and not file.qualified(called):
            yield replace(file, old.node, f"{name}({file.code(old.operand)})")
        else:
            yield replace(file, called, name)
        yield from more


def is_hidden(case: Case, found: Activation) -> bool:
    """Whether an activation lies between layers: it is no gate, no output, and no part of a loss or an evaluation."""
    return _module_is_hidden(case, found) if found.operand is None else _use_is_hidden(case, found)


def _module_is_hidden(case: Case, found: Activation) -> bool:
    file, node = found.file, found.node
    parent = file.parents.get(node)
    items: list[ast.expr] = []
    if isinstance(parent, ast.List | ast.Tuple):
        items = parent.elts
    elif isinstance(parent, ast.Call):
        items = parent.args
    if isinstance(parent, ast.Assign):
        name = ast.unparse(parent.targets[0])
        uses = [each for each in ast.walk(file.tree) if isinstance(each, ast.Call) and ast.unparse(each.func) == name]
        made = [Activation(file, each, found.name, each.args[0]) for each in uses if each.args]
        return bool(made) and all(_use_is_hidden(case, each) for each in made)
    if node in items and any(isinstance(each, ast.Call) for each in items[items.index(node) + 1 :]):
        return True
    # `layers += [...]` or `layers.append(...)`: hidden if more is added later, or in a loop
    statement = file.statement(node)
    name = added_to(statement)
    later = [
        each
        for each in ast.walk(file.scope(statement))
        if isinstance(each, ast.stmt) and each.lineno > statement.lineno and added_to(each) == name
    ]
    return bool(name) and (bool(later) or (bool(file.loops(node)) and items[-1:] == [node]))


def added_to(statement: ast.stmt) -> str:
    """The list that a statement begins or adds to."""
    if isinstance(statement, ast.AugAssign):
        return ast.unparse(statement.target)
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.List):
        return ast.unparse(statement.targets[0])
    call = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in {"append", "extend"}:
        return ast.unparse(call.func.value)
    return ""


def _use_is_hidden(case: Case, found: Activation) -> bool:
    file = found.file
    parent = file.parents.get(found.node)
    operand = found.operand
    if isinstance(parent, ast.Return) and not _between_blocks(case, found):
        return False
    if isinstance(parent, ast.Compare) or (isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult | ast.Sub)):
        return False
    inside = [each for each in ast.walk(operand) if isinstance(each, ast.Call)] if operand is not None else []
    layered = [each for each in inside if is_layer(file, each)]
    products = [each for each in ast.walk(operand or found.node) if isinstance(each, ast.BinOp)]
    # with weights, and not where data are made
    multiplied = [each for each in products if isinstance(each.op, ast.MatMult) and _is_learned(file, each)]
    if len(layered) + len(multiplied) > 1:  # of a recurrent cell
        return False
    if any(role(case.program, file, each.func) == "model" and not is_layer(file, each) for each in inside):
        return False
    made = binding(file, operand) if isinstance(operand, ast.Name) else None
    through = made is not None and isinstance(made.value, ast.Call) and is_layer(file, made.value)
    return bool(layered or multiplied or through)


def _between_blocks(case: Case, found: Activation) -> bool:
    """Whether a block ends with it that others like it follow, and layers the last of them."""
    if class_around(found.file, found.node) not in [each.owner for each in stacked(case.program)]:
        return False
    last = (each for loss in training_losses(case) for each in below(case.program, loss, layers=False))
    return all(each.value.node is not found.node for each in last)


def _is_learned(file: SourceFile, product: ast.BinOp) -> bool:
    """Whether a product is with weights, as all are in a program without layers."""
    by_hand = re.search(r"requires_grad|Parameter\(", file.text) or not re.search(r"(Linear|Conv\dd)\(", file.text)
    return "self." in ast.unparse(product) or bool(by_hand)


@fix("scale-inputs")
def gentle_slope(case: Case) -> Iterator[Sequence[Edit]]:
    """`torch.sigmoid(200 * layer(x))`: the factor becomes 1."""
    if case.cause not in {"saturated-units", "vanishing-gradient", "vanishing-signal"}:
        return
    edits = []
    for file, node in case.program.nodes():
        found = applied(file, node) if isinstance(node, ast.Call) else None
        if found is not None and found.squashing and isinstance(found.operand, ast.BinOp):
            factor = _steep(case, file, found.operand)
            if factor is not None:
                edits.append(factor.becomes(1.0))
    if edits:
        yield list({(each.file.path, each.start): each for each in edits}.values())


def _steep(case: Case, file: SourceFile, operand: ast.BinOp) -> Written | None:
    sides = (operand.left, operand.right) if isinstance(operand.op, ast.Mult) else (operand.right,)
    if not isinstance(operand.op, ast.Mult | ast.Div):
        return None
    for each in sides:
        place = written(case.program, file, each)
        if place is not None and place.value:
            value = abs(place.value) if isinstance(operand.op, ast.Mult) else 1 / abs(place.value)
            if value > _STEEP:
                return place
    return None
