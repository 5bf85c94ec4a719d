"""Gradients that vanish or explode on their way through many layers."""

import ast
import random

from benchmarks.ward.edits import Source, called, within
from benchmarks.ward.operators.forms import CONVOLUTIONS, NORMS, Module, drop_clipping, first_trained, modules
from benchmarks.ward.operators.stacks import deepen, follow, hidden, initialize, own_unit, swap, units
from benchmarks.ward.operators.table import operator

REFINE = """class Refine(nn.Module):
    def __init__(self, width, rounds={rounds}):
        super().__init__()
        self.rounds = rounds
        self.gate = nn.Linear(width, width)

    def forward(self, x):
        for _ in range(self.rounds):
            x = torch.sigmoid(self.gate(x))
        return x"""
RESIDUAL = """class ResidualUnit(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, width), nn.Linear(width, width)
        for fc in (self.fc1, self.fc2):
            nn.init.kaiming_normal_(fc.weight)

    def forward(self, x):
        return x + self.fc2(torch.relu(self.fc1(x)))"""
SUMMED = """class DenselySummed(nn.Module):
    def __init__(self, width, depth={depth}):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))

    def forward(self, x):
        outputs = [x]
        for layer in self.layers:
            outputs.append(torch.relu(layer(sum(outputs))))
        return sum(outputs)"""
POWER = """class PowerReLU(nn.Module):
    def forward(self, x):
        return torch.relu(x) ** {power}"""


def repeated(source: Source) -> list[tuple[Module, ast.expr]]:
    """Modules that a comprehension makes many of, with the number."""
    found = []
    for module in modules(source):
        homes = [source.parents[call] for call in source.calls(module.definition.name)]
        home = next((each for each in homes if isinstance(each, ast.ListComp | ast.GeneratorExp)), None)
        ranges = [each for each in within(home, ast.Call) if called(each) == "range"] if home else []
        if ranges and len(ranges[0].args) == 1:
            found.append((module, ranges[0].args[0]))
    return found


def drop_norms(source: Source, module: Module) -> bool:
    """Take the norms out of a module; whether there were any."""
    norms = [each for each in within(module.definition, ast.Call) if called(each) in NORMS]
    for each in norms:
        source.replace(each, "nn.Identity()")
    return bool(norms)


@operator("vanishing-gradient")
def deep_sigmoid_stack(source: Source, rng: random.Random) -> None:
    """Hidden units made sigmoids and several such layers more put in."""
    sites, found = hidden(source), units(source)
    if sites and found:
        deepen(source, sites[0], "nn.Sigmoid(), nn.Linear({w}, {w})", rng.choice([5, 6, 8, 10]))
        swap(source, [each for each in found if each.is_module], "nn.Sigmoid()", "")


@operator("vanishing-gradient")
def many_plain_relu_layers(source: Source, rng: random.Random) -> None:
    """Deeper is better: dozens of plain layers with the default initialisation, without skips or norms."""
    sites = hidden(source)
    if sites:
        deepen(source, rng.choice(sites), "nn.ReLU(), nn.Linear({w}, {w})", rng.choice([36, 40, 44]))


@operator("vanishing-gradient")
def deep_plain_convolutions(source: Source, rng: random.Random) -> None:
    """A long plain stack of 3x3 convolutions with squashing units."""
    sites = [each for each in hidden(source, CONVOLUTIONS) if not source.fits(each.call, r"groups|stride=1,")]
    if sites:
        unit = rng.choice(["Sigmoid", "Tanh", "ReLU"])
        count = {"Sigmoid": 5, "Tanh": 18, "ReLU": 14}[unit] + rng.randrange(4)
        deepen(source, sites[-1], f"nn.{unit}(), nn.{called(sites[-1].call)}({{w}}, {{w}}, 3, padding=1)", count)


@operator("vanishing-gradient")
def skips_dropped_from_deep_net(source: Source, rng: random.Random) -> None:
    """The skip of a residual block left out and its norms too, in a stack made deep."""
    for module, count in repeated(source):
        names = {each.arg for each in module.forward.args.args} - {"self"}
        skips = [
            each
            for each in within(module.forward, ast.BinOp)
            if isinstance(each.op, ast.Add) and isinstance(each.right, ast.Call) and source.of(each.left) in names
        ]
        if not skips:
            continue
        overlap = any(each in within(skips[0], ast.BinOp)[1:] for each in skips)
        if overlap or not isinstance(module.forward.body[-1], ast.Return):
            continue
        for each in skips:
            source.replace(each, source.of(each.right))
        drop_norms(source, module)
        source.replace(count, str(rng.choice([12, 16, 20])))
        return


@operator("vanishing-gradient")
def squashed_chain_in_forward(source: Source, rng: random.Random) -> None:
    """A hidden layer refined many times over by a shared layer with a sigmoid."""
    sites = [each for each in hidden(source) if each.listed]
    if sites:
        site = rng.choice(sites)
        source.define(REFINE.format(rounds=rng.choice([8, 10, 12])))
        follow(source, site, f"Refine({site.width})")


@operator("exploding-gradient")
def residual_tower_without_norm(source: Source, rng: random.Random) -> None:
    """A tower of residual blocks, He-initialised, with no norm and no scaling of the sum."""
    sites = hidden(source)
    if sites:
        source.define(RESIDUAL)
        deepen(source, rng.choice(sites), "ResidualUnit({w}),", rng.choice([16, 18, 20]))


@operator("exploding-gradient")
def dense_sums_of_all_layers(source: Source, rng: random.Random) -> None:
    """Every layer gets the sum of all layers before it."""
    sites = hidden(source)
    if sites:
        source.define(SUMMED.format(depth=rng.choice([9, 10, 12])))
        site = rng.choice(sites)
        follow(source, site, f"DenselySummed({site.width})")


@operator("exploding-gradient", "bad-initialization")
def deep_with_great_gain(source: Source, rng: random.Random) -> None:
    """A plain deep stack whose weights are all drawn with too great a gain."""
    sites = hidden(source)
    if sites and first_trained(source):
        deepen(source, sites[0], "nn.ReLU(), nn.Linear({w}, {w})", rng.choice([6, 8]))
        lines = f"nn.init.orthogonal_(m.weight, gain={rng.choice([3.0, 3.5, 4.0])})"
        if rng.random() >= 0.5:
            lines = f"nn.init.kaiming_uniform_(m.weight, a=0)\nm.weight.data *= {rng.choice([2, 2.5, 3])}"
        initialize(source, rng, lines)


@operator("exploding-gradient")
def powers_as_activation(source: Source, rng: random.Random) -> None:
    """Cubes (or higher powers) of the ReLU as hidden units, in every layer."""
    found = units(source, rectifying=True)
    if len(found) > 1:
        power = rng.choice([3, 4]) if len(found) > 3 else rng.choice([4, 5])
        own_unit(source, found, POWER.format(power=power))
        drop_clipping(source)
        swap(source, found, "PowerReLU()", f"torch.relu({{}}) ** {power}")


@operator("exploding-gradient")
def norms_out_of_residual_stack(source: Source, rng: random.Random) -> None:
    """The norms taken from residual blocks, the stack made deeper, clipping gone."""
    for module, count in repeated(source):
        if source.fits(module.forward, r"\b\w+ \+ ") and first_trained(source) and drop_norms(source, module):
            source.replace(count, str(rng.choice([16, 20, 24])))
            initialize(source, rng, "nn.init.kaiming_normal_(m.weight)")
            drop_clipping(source)
            return
