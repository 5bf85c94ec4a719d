"""Layers put one after another: hidden activations, the layers before them, and changes to either."""

import ast
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.ward.edits import Source, called, given, within
from benchmarks.ward.operators.forms import NORMS, by_name, first_trained, in_module, operand

RECTIFIERS = {"ReLU", "GELU", "SiLU", "ELU", "LeakyReLU", "Mish", "SELU", "ReLU6", "CELU", "Hardswish", "PReLU"}
ACTIVATIONS = RECTIFIERS | {"Tanh", "Softplus", "Sigmoid", "Hardtanh", "Softsign"}
RECTIFYING = {"relu", "gelu", "silu", "elu", "leaky_relu", "mish", "selu", "relu6"}
SQUASHING = {"tanh", "softplus", "sigmoid"}
FORWARD = r"forward|__call__|predict|logits|mlp|network|net$|apply_model|encode|decode|body|features|trunk|classify"


@dataclass(frozen=True)
class Unit:
    """A hidden activation.

    Attributes:
        inner: what a function is given, as written; None of a module.
    """

    node: ast.Call
    inner: str | None = None

    @property
    def is_module(self) -> bool:
        return self.inner is None

    @property
    def is_relu(self) -> bool:
        return called(self.node) in ("ReLU", "relu")


def units(source: Source, rectifying: bool = False) -> list[Unit]:
    """Hidden activations, modules and functions; only those like a ReLU if so wanted."""
    modules = _modules(source, RECTIFIERS if rectifying else ACTIVATIONS)
    functions = _functions(source, RECTIFYING if rectifying else RECTIFYING | SQUASHING)
    return list({each.node: each for each in [*modules, *functions]}.values())


def _modules(source: Source, names: set[str]) -> list[Unit]:
    found: list[ast.Call] = []

    def add(parts: Iterable[ast.AST]) -> None:
        calls = [call for part in parts for call in within(part, ast.Call) if called(call) in names]
        found.extend(each for each in calls if all(k.arg == "inplace" for k in each.keywords))

    for layers in sequences(source):
        direct = [each for each in layers if called(each) in names]
        add(each for each in direct if called(each) in RECTIFIERS or each is not layers[-1])
        add(each for each in layers if isinstance(each, ast.List | ast.Starred))
    for assign in source.all(ast.Assign):
        name = source.of(assign.targets[0])
        if "." in name and re.search(r"act|relu|nonlin|tanh|gelu|\.f$|phi", name):
            add([assign.value] if called(assign.value) in names else [])
        if isinstance(assign.value, ast.List | ast.BinOp) and source.fits(assign.value, r"(Linear|Conv)\w*\("):
            add([assign.value])
    for call in source.calls("append", "extend"):
        add(call.args)
    add(each.value for each in source.all(ast.AugAssign))
    return [Unit(each) for each in found]


def _functions(source: Source, names: set[str]) -> list[Unit]:
    found = []
    for call in source.calls(*names):
        home, parent = source.function(call), source.parents[call]
        if home is None or not re.search(FORWARD, home.name) or not isinstance(call.func, ast.Attribute):
            continue
        inner = source.of(operand(source, call))
        if (call.args and not by_name(source, call)) or not (in_module(source, call) or source.fits(call, r"@|self\.")):
            continue
        passed_on = isinstance(parent, ast.Call | ast.BinOp | ast.Assign)
        gate = isinstance(parent, ast.BinOp) and called(call) in SQUASHING
        if called(call) in RECTIFYING or (passed_on and not gate and re.search(r"self\.\w+\(|@", inner)):
            found.append(Unit(call, inner))
    return found


def sequences(source: Source) -> list[list[ast.expr]]:
    """What each ``nn.Sequential`` is made of."""
    return [call.args for call in source.calls("Sequential") if len(call.args) > 1]


def outermost(source: Source, found: Iterable[Unit]) -> list[Unit]:
    """Without those that lie within another: their texts would overlap."""
    every = {each.node: each for each in found}
    return [unit for node, unit in every.items() if not any(each in every for each in source.around(node))]


def swap(source: Source, found: Iterable[Unit], module: str, function: str) -> None:
    """Put another activation in the place of these; ``function`` is a form of what it is given."""
    for each in outermost(source, found):
        text = module if each.inner is None else function.format(each.inner)
        plain = isinstance(
            ast.parse(f"({text})", mode="eval").body, ast.Name | ast.Call | ast.Attribute | ast.Subscript
        )
        alone = isinstance(source.parents[each.node], ast.Call | ast.Assign | ast.Return)
        source.replace(each.node, text if plain or alone else f"({text})")


@dataclass(frozen=True)
class Hidden:
    """A layer that an activation comes after, with its width as written.

    Attributes:
        listed: it stands in a Sequential, so that more may follow it there.
    """

    call: ast.Call
    width: str
    listed: bool


def hidden(source: Source, kinds: Iterable[str] = ("Linear",)) -> list[Hidden]:
    """Layers of some kinds that are followed by an activation."""
    found = []
    for layers in sequences(source):
        for place, each in enumerate(layers):
            if not isinstance(each, ast.Call) or called(each) not in kinds:
                continue
            after = next(
                (a for a in layers[place + 1 :] if called(a) not in NORMS and "Dropout" not in called(a)), None
            )
            if called(after) in ACTIVATIONS and (after is not layers[-1] or called(after) in RECTIFIERS):
                found += [Hidden(each, width, True) for width in _width(source, each)]
    for assign in source.all(ast.Assign):
        target, call = assign.targets[0], assign.value
        if isinstance(target, ast.Attribute) and isinstance(call, ast.Call) and called(call) in kinds:
            function = rf"(relu|tanh|gelu|silu|elu|act|activation|act_fn)\((self\.\w+\()?self\.{target.attr}\("
            method = rf"self\.{target.attr}\([^()]*\)\.(relu|tanh)\("
            if source.has(f"{function}|{method}") and f"self.{target.attr}.weight" not in source.text:
                found += [Hidden(call, width, False) for width in _width(source, call)]
    return found


def _width(source: Source, layer: ast.Call) -> list[str]:
    """How many outputs a layer has, as written; nothing where that is not plain."""
    width = given(layer, "out_channels" if called(layer).startswith("Conv") else "out_features", 1)
    return [source.of(width)] if width and not any(isinstance(a, ast.Starred) for a in layer.args) else []


def follow(source: Source, layer: Hidden, more: str) -> None:
    """Put more layers right after a hidden layer, before its activation."""
    source.wrap(layer.call, f"{{}}, {more}" if layer.listed else f"nn.Sequential({{}}, {more})")


def deepen(source: Source, layer: Hidden, unit: str, count: int) -> None:
    """Put many layers after a hidden layer; ``unit`` says some, with ``{w}`` for the width."""
    follow(source, layer, f"*[m for _ in range({count}) for m in ({unit.format(w=layer.width)})]")


def own_unit(source: Source, found: Iterable[Unit], definition: str) -> None:
    """Define the module that shall take the place of some activations, if any of them is a module."""
    if any(each.is_module for each in found):
        source.define(definition)


def initialize(source: Source, rng: random.Random, lines: str) -> None:
    """Set the weights of each layer ``m`` before the optimizer is made."""
    model = first_trained(source)
    if model is None:
        return
    kinds = "(nn.Linear, nn.Conv1d, nn.Conv2d)" if "Conv" in source.text else "nn.Linear"
    block = f"    if isinstance(m, {kinds}):\n" + "".join(f"        {line}\n" for line in lines.splitlines())
    if rng.randrange(2):
        source.before(model.statement, f"def init_weights(m):\n{block}{model.name}.apply(init_weights)")
    else:
        source.before(model.statement, f"for m in {model.name}.modules():\n{block}")
