"""Layers and activations in a program: where they are made, and which layer an activation follows."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from gradus.diagnosis.prescription.bindings import Binding, bindings
from gradus.diagnosis.prescription.fixes import Case
from gradus.diagnosis.prescription.program import Program, SourceFile

LAYERS = r"torch\.nn\.(Linear|Conv[123]d)"
_SQUASHING = {"sigmoid", "tanh", "hardtanh", "hardsigmoid", "softsign"}
_RECTIFYING = {
    "relu", "relu6", "leakyrelu", "leaky_relu", "elu", "gelu", "silu", "selu", "celu", "prelu", "rrelu", "softplus",
    "mish", "hardswish",
}  # fmt: skip
_ACTIVATIONS = _SQUASHING | _RECTIFYING
_TENSOR_METHODS = {"relu", "relu_", "sigmoid", "tanh", "sigmoid_", "tanh_"}


@dataclass(frozen=True)
class Activation:
    """A use of an activation: a module that is made, or a function or method that is called.

    Attributes:
        name: in small letters: "relu", "sigmoid".
        operand: what it is applied to; None of a module.
    """

    file: SourceFile
    node: ast.Call
    name: str
    operand: ast.expr | None

    @property
    def squashing(self) -> bool:
        return self.name in _SQUASHING


@dataclass(frozen=True)
class Layer:
    """A linear or convolutional layer before an activation.

    Attributes:
        node: the call that makes it.
        item: the item of a list, or argument of Sequential, that it is; None where it has a name of its own.
        following: the activation.
    """

    file: SourceFile
    node: ast.Call
    item: ast.expr | None
    following: Activation

    @property
    def kind(self) -> str:
        """`Linear`, `Conv2d`..."""
        return self.file.qualified(self.node.func).rpartition(".")[2]

    @property
    def width(self) -> str:
        """Its outputs, as written."""
        named = next((each.value for each in self.node.keywords if each.arg in {"out_features", "out_channels"}), None)
        value = named or (self.node.args[1] if len(self.node.args) > 1 else None)
        return self.file.code(value) if value is not None else ""


def activations(program: Program) -> Iterator[Activation]:
    """All of them, in the order in which files are read."""
    for file, node in program.nodes():
        if isinstance(node, ast.Call):
            found = activation(file, node)
            if found is not None:
                yield found


def activation(file: SourceFile, node: ast.AST) -> Activation | None:
    """The activation that a call makes or applies."""
    if not isinstance(node, ast.Call):
        return None
    name = file.qualified(node.func)
    last = name.rpartition(".")[2].lower().rstrip("_")
    if re.fullmatch(r"torch\.nn\.[A-Z]\w+", name):
        return Activation(file, node, last, None) if last in _ACTIVATIONS else None
    if re.match(r"torch\.(nn\.functional\.|special\.)?[a-z]\w*$", name):
        return Activation(file, node, last, node.args[0]) if last in _ACTIVATIONS and node.args else None
    if isinstance(node.func, ast.Attribute) and not name and node.func.attr in _TENSOR_METHODS and not node.args:
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "self":
            return None
        return Activation(file, node, node.func.attr.rstrip("_"), node.func.value)
    return None


def rectified(case: Case) -> bool:
    """Whether most activations rectify, by the run or else by the source."""
    first = case.history.first
    ran = Counter(each.activation for each in first.layers.values() if each.activation) if first else Counter()
    known = ran or Counter(each.name for each in activations(case.program))
    squashing = sum(count for name, count in known.items() if name in _SQUASHING)
    return squashing * 2 < sum(known.values()) or not known


def hidden_layers(program: Program) -> list[Layer]:
    """Layers that an activation follows, where that can be seen; each once, in the order of the text."""
    found = []
    for file, node in program.nodes():
        if isinstance(node, ast.Call) and re.fullmatch(LAYERS, file.qualified(node.func)):
            layer = _in_list(file, node) or _appended(file, node) or _named(file, node)
            if layer is not None:
                found.append(layer)
    return sorted(found, key=lambda each: (str(each.file.path), each.node.lineno, each.node.col_offset))


def applied(file: SourceFile, node: ast.Call) -> Activation | None:
    """The activation of what an expression calls: of `self.act(x)`, the module it is."""
    found = activation(file, node)
    if found is not None and found.operand is not None:
        return found
    if isinstance(node.func, ast.Name | ast.Attribute) and node.args and not file.qualified(node.func):
        made = bindings(file, ast.unparse(node.func))
        module = activation(file, made[-1].value) if made and made[-1].item is None else None
        if module is not None and module.operand is None:
            return Activation(file, node, module.name, node.args[0])
        alias = file.qualified(made[-1].value).rpartition(".")[2].lower() if made and made[-1].item is None else ""
        if alias in _ACTIVATIONS:
            return Activation(file, node, alias, node.args[0])
    return None


def following(file: SourceFile, use: ast.expr) -> Activation | None:
    """The activation that the value of an expression goes into, in the same statement or the next."""
    node: ast.AST = use
    while True:
        parent = file.parents.get(node)
        if isinstance(parent, ast.Call):
            found = applied(file, parent)
            if found is not None and found.operand in {node, getattr(node, "value", None)}:
                return found
            if node not in parent.args[:1] and not isinstance(node, ast.Attribute):
                return None
        elif isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Add):
            pass
        elif isinstance(parent, ast.Attribute) and parent.attr not in _TENSOR_METHODS:
            return None
        elif not isinstance(parent, ast.Attribute):
            break
        node = parent
    statement = file.statement(use)
    if not isinstance(statement, ast.Assign) or statement.value is not node or len(statement.targets) != 1:
        return None
    behind = _next(file, statement)
    for each in ast.walk(behind) if behind is not None else ():
        found = applied(file, each) if isinstance(each, ast.Call) else None
        if found is not None and ast.unparse(found.operand or each) == ast.unparse(statement.targets[0]):
            return found
    return None


def _in_list(file: SourceFile, node: ast.Call) -> Layer | None:
    """`nn.Sequential(nn.Linear(a, b), nn.ReLU())`, `[nn.Linear(a, b), nn.ReLU()]`, also of a layer with a name."""
    for item in (node, *_uses(file, node)):
        parent = file.parents.get(item)
        items: list[ast.expr] = []
        if isinstance(parent, ast.List | ast.Tuple):
            items = parent.elts
        elif isinstance(parent, ast.Call) and file.qualified(parent.func) == "torch.nn.Sequential":
            items = parent.args
        if item in items and items.index(item) + 1 < len(items):
            found = activation(file, items[items.index(item) + 1])
            if found is not None and found.operand is None:
                return Layer(file, node, item, found)
    return None


def _uses(file: SourceFile, node: ast.Call) -> list[ast.expr]:
    """Where the name that a layer was given is an item."""
    statement = file.statement(node)
    name = _target(statement, node)
    if not name or "." in name:
        return []
    return [
        each
        for each in ast.walk(file.scope(statement))
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load) and each.id == name
    ]


def _target(statement: ast.stmt, node: ast.expr) -> str:
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return ""
    target, value = statement.targets[0], statement.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and node in value.elts:
        return ast.unparse(target.elts[value.elts.index(node)])
    return ast.unparse(target) if value is node else ""


def _appended(file: SourceFile, node: ast.Call) -> Layer | None:
    """`layers.append(nn.Linear(a, b))`, and the activation by the next statement."""
    statement = file.statement(node)
    for item in (node, *_uses(file, node)):
        statement = file.statement(item)
        call = statement.value if isinstance(statement, ast.Expr) else None
        if not isinstance(call, ast.Call) or call.args != [item] or not _is_append(call):
            continue
        behind = _next(file, statement)
        other = behind.value if isinstance(behind, ast.Expr) else None
        if isinstance(other, ast.Call) and _is_append(other) and ast.unparse(other.func) == ast.unparse(call.func):
            found = activation(file, other.args[0]) if other.args else None
            if found is not None and found.operand is None:
                return Layer(file, node, item, found)
    return None


def _is_append(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "append"


def _named(file: SourceFile, node: ast.Call) -> Layer | None:
    """`self.fc = nn.Linear(a, b)` or a list of such, and `torch.relu(self.fc(x))` elsewhere."""
    holder: ast.AST = node
    for each in file.above(node):
        if isinstance(each, ast.stmt) or (isinstance(each, ast.Tuple) and isinstance(file.parents[each], ast.Assign)):
            break  # self.a, self.b = nn.Linear(2, 8), nn.Linear(8, 1)
        holder = each
    statement = file.statement(node)
    name = _target(statement, holder) if isinstance(holder, ast.expr) else ""
    if not name:
        return None
    for use in _calls_of(file, name, alone=holder is node):
        found = following(file, use)
        if found is not None:
            return Layer(file, node, None, found)
    return None


def _calls_of(file: SourceFile, name: str, *, alone: bool) -> Iterator[ast.Call]:
    """Calls of a layer, or of each of a list of layers."""
    names = {name}
    if not alone:
        loops = [each for each in ast.walk(file.tree) if isinstance(each, ast.For) and name == ast.unparse(each.iter)]
        names = {ast.unparse(each.target) for each in loops}
    for each in ast.walk(file.tree):
        if isinstance(each, ast.Call) and ast.unparse(each.func) in names:
            yield each


def _next(file: SourceFile, statement: ast.stmt) -> ast.stmt | None:
    for _, block in ast.iter_fields(file.parents[statement]):
        if isinstance(block, list) and statement in block:
            rest = block[block.index(statement) + 1 :]
            return rest[0] if rest and isinstance(rest[0], ast.stmt) else None
    return None


def _gone_over(bound: Binding) -> ast.expr:
    """The list that a loop's variable comes from: of `enumerate(layers)`, of `zip(layers, norms)`, of `layers[1:]`."""
    goes_over, item = bound.value, bound.item
    if isinstance(goes_over, ast.Call) and isinstance(goes_over.func, ast.Name) and goes_over.args:
        place = (item or 0) if goes_over.func.id == "zip" else 0
        goes_over = goes_over.args[min(place, len(goes_over.args) - 1)]
    return goes_over.value if isinstance(goes_over, ast.Subscript) else goes_over


def is_layer(file: SourceFile, call: ast.Call) -> bool:
    """Whether a call makes a linear or convolutional layer, or applies one."""
    if re.fullmatch(LAYERS, file.qualified(call.func)):
        return True
    if not isinstance(call.func, ast.Name | ast.Attribute):
        return False
    text = ast.unparse(call.func)
    made = bindings(file, text)
    if made and made[-1].looped:  # for layer in self.layers
        made = bindings(file, ast.unparse(_gone_over(made[-1])))
    if not made or made[-1].item is not None:
        return False
    return bool(
        re.match(r"(\w+\.)*(ModuleList\(.*)?(nn\.)?(Linear|Conv[123]d)\(", file.code(made[-1].value), re.DOTALL)
    )
