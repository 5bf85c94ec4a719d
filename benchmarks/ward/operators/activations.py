"""Hidden units that are dead, that saturate, or that are no units at all."""

import ast
import random
import re
from itertools import pairwise

from benchmarks.ward.edits import Source, called
from benchmarks.ward.operators.forms import CELLS, by_name, first_trained, in_module, operand, recurrences
from benchmarks.ward.operators.stacks import (
    ACTIVATIONS,
    RECTIFIERS,
    initialize,
    own_unit,
    sequences,
    swap,
    units,
)
from benchmarks.ward.operators.table import operator

SHIFTED = """class ShiftedReLU(nn.Module):
    def __init__(self, margin={margin}):
        super().__init__()
        self.margin = margin

    def forward(self, x):
        return torch.relu(x - self.margin)"""
STEEP = """class Steep(nn.Module):
    def __init__(self, slope={slope}):
        super().__init__()
        self.slope = slope

    def forward(self, x):
        return torch.{function}(self.slope * x)"""
RESCALE = """class Rescale(nn.Module):
    def __init__(self, factor={factor}):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor"""


def all_relus(source: Source) -> bool:
    """Whether there are hidden units and all are ReLUs."""
    found = units(source)
    return bool(found) and all(each.is_relu for each in found)


@operator("dead-units")
def very_negative_biases(source: Source, rng: random.Random) -> None:
    """Biases started far below zero "for sparse activations"."""
    if all_relus(source) and not source.has("BatchNorm|LayerNorm|GroupNorm"):
        value = rng.choice([-5.0, -6.0, -8.0, -10.0, -15.0])
        initialize(source, rng, f"if m.bias is not None:\n    nn.init.constant_(m.bias, {value})")


@operator("dead-units")
def threshold_for_relu(source: Source, rng: random.Random) -> None:
    """A hard threshold for the ReLU, far above what reaches it."""
    found = [each for each in units(source, rectifying=True) if each.is_relu]
    limit = rng.choice([2.5, 3.0, 4.0, 5.0])
    if rng.random() < 0.5:
        swap(source, found, f"nn.Threshold({limit}, 0.0)", f"F.threshold({{}}, {limit}, 0.0)")
    else:
        swap(source, found, f"nn.Hardshrink({limit})", f"F.hardshrink({{}}, {limit})")


@operator("dead-units", "bad-initialization")
def negative_weights(source: Source, rng: random.Random) -> None:
    """All weights drawn below zero: after the first ReLU nothing gets through the next."""
    if len(units(source)) > 1 and all_relus(source) and not source.has("BatchNorm|LayerNorm"):
        draw = rng.choice([
            "nn.init.uniform_(m.weight, -0.3, 0.0)",
            "m.weight.data = -m.weight.data.abs()",
            "nn.init.normal_(m.weight, mean=-0.2, std=0.05)",
        ])  # fmt: skip
        initialize(source, rng, f"{draw}\nif m.bias is not None:\n    nn.init.zeros_(m.bias)")


@operator("dead-units")
def norm_shift_below_zero(source: Source, rng: random.Random) -> None:
    """The shift of the batch norms before ReLUs started far below zero."""
    model = first_trained(source)
    if model and source.has(r"BatchNorm[12]d\(") and any(each.is_relu for each in units(source)):
        source.before(
            model.statement,
            f"for m in {model.name}.modules():\n"
            "    if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)):\n"
            f"        nn.init.constant_(m.bias, {rng.choice([-4.0, -5.0, -6.0])})",
        )


@operator("saturated-units")
def steep_squashing(source: Source, rng: random.Random) -> None:
    """Very steep tanh or sigmoid units."""
    found = units(source)
    slope, function = rng.choice([20, 30, 50, 100]), rng.choice(["tanh", "sigmoid", "tanh"])
    own_unit(source, found, STEEP.format(slope=slope, function=function))
    swap(source, found, "Steep()", f"torch.{function}({slope} * ({{}}))")


@operator("saturated-units", "bad-initialization")
def wide_weights_before_tanh(source: Source, rng: random.Random) -> None:
    """Tanh units with weights so wide that all start in the flat parts."""
    found = units(source)
    if found and first_trained(source):
        std = rng.choice([2.0, 3.0, 4.0])
        swap(source, found, "nn.Tanh()", "torch.tanh({})")
        initialize(source, rng, f"nn.init.normal_(m.weight, std={std})")


@operator("saturated-units")
def large_biases_under_sigmoids(source: Source, rng: random.Random) -> None:
    """Sigmoid or tanh units whose biases start far out."""
    found = units(source)
    if found and first_trained(source):
        value = rng.choice([6.0, 8.0, 10.0, 12.0]) * rng.choice([1, 1, -1])
        unit = rng.choice(["Sigmoid", "Tanh"])
        swap(source, found, f"nn.{unit}()", f"torch.{unit.lower()}({{}})")
        initialize(source, rng, f"if m.bias is not None:\n    nn.init.constant_(m.bias, {value})")


@operator("saturated-units")
def pixels_as_bytes_into_tanh(source: Source, rng: random.Random) -> None:
    """The net rescales what comes in to hundreds before its squashing units."""
    for layers in sequences(source):
        inner = [each for each in units(source) if each.node in layers[:-1]]
        if called(layers[0]) == "Linear" and any(called(each) in ACTIVATIONS for each in layers[:-1]):
            factor = rng.choice([50.0, 100.0, 255.0])
            if inner:
                source.define(RESCALE.format(factor=factor))
                source.wrap(layers[0], "Rescale(), {}")
                swap(source, inner, f"nn.{rng.choice(['Tanh', 'Sigmoid'])}()", "")
            return


@operator("saturated-units", "bad-initialization")
def gates_wide_open_or_shut(source: Source, rng: random.Random) -> None:
    """Weights of a recurrent layer drawn so wide that every gate is at its end."""
    sites = recurrences(source, "GRU", "LSTM", *CELLS)
    if sites:
        site, std = rng.choice(sites), rng.choice([3.0, 4.0, 5.0])
        draw = f"normal_(p, std={std})" if rng.random() < 0.5 else f"uniform_(p, -{2 * std}, {2 * std})"
        source.after(site.statement, f"for p in {site.name}.parameters():\n    nn.init.{draw}")


@operator("saturated-units")
def attention_scores_blown_up(source: Source, rng: random.Random) -> None:
    """Scores many times larger before the softmax of an attention or a gate: it sits at its ends."""
    factor = rng.choice([30, 50, 64, 100])
    for call in source.calls("softmax"):
        home = source.function(call)
        if home is None or not re.search("forward|attend|pool|gate", home.name) or not in_module(source, call):
            continue
        scores = operand(source, call)
        if scores is None or source.fits(scores, r"^self\.\w+$"):
            continue
        if not isinstance(source.statement(call), ast.Return) or not source.fits(scores, "log"):
            source.wrap(scores, f"{factor} * {{}}" if by_name(source, call) else f"({factor} * {{}})")


@operator("missing-nonlinearity")
def activations_deleted(source: Source, rng: random.Random) -> None:
    """Layers put one after another with nothing between."""
    for layers in sequences(source):
        for before, each in pairwise(layers[:-1]):
            if called(each) in ACTIVATIONS:
                source.cut(before, each)


@operator("missing-nonlinearity")
def forward_without_activation(source: Source, rng: random.Random) -> None:
    """The activation calls of `forward` left out."""
    swap(source, [each for each in units(source) if not each.is_module], "", "{}")


@operator("missing-nonlinearity")
def identity_as_activation(source: Source, rng: random.Random) -> None:
    """`nn.Identity` (activation="linear" of other libraries) for the units."""
    swap(source, [each for each in units(source) if each.is_module], "nn.Identity()", "")
    for each in source.all(ast.Attribute):
        default = isinstance(source.parents[each], ast.arguments | ast.keyword)
        if default and each.attr in RECTIFIERS | {"Tanh"} and source.of(each.value) == "nn":
            source.replace(each, "nn.Identity")


@operator("missing-nonlinearity")
def slope_one_on_both_sides(source: Source, rng: random.Random) -> None:
    """Leaky units whose negative slope is 1: a straight line."""
    slope = rng.choice(["1.0", "negative_slope=1.0"])
    swap(source, units(source), f"nn.LeakyReLU({slope})", "F.leaky_relu({}, 1.0)")


@operator("missing-nonlinearity")
def activation_result_thrown_away(source: Source, rng: random.Random) -> None:
    """The unit is called but its result is not kept."""
    for unit in units(source):
        statement = source.parents[unit.node]
        if not unit.is_module and isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            function = source.of(unit.node.func) if unit.node.args else f"torch.{called(unit.node)}"
            source.replace(statement, f"{name} = {unit.inner}\n{' ' * statement.col_offset}{function}({name})")


@operator("missing-nonlinearity")
def dropout_where_units_were(source: Source, rng: random.Random) -> None:
    """Only norms and dropout between the layers: what stood for the units is none."""
    limit = rng.choice([100, 1000])
    unit = rng.choice([f"nn.Hardtanh(-{limit}, {limit})", "nn.Dropout(0.1)"])
    swap(source, [each for each in units(source) if each.is_module], unit, "")
