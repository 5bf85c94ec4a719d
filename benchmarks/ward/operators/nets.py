"""Mistakes of depth, scale, activations, initialisation, recurrence, capacity and regularisation."""

import ast
import random
import re

from benchmarks.ward.edits import Source, called
from benchmarks.ward.operators.table import operator

ACTS = {
    "ReLU",
    "GELU",
    "SiLU",
    "ELU",
    "LeakyReLU",
    "Tanh",
    "Softplus",
    "Sigmoid",
    "Mish",
    "SELU",
    "Hardtanh",
    "Softsign",
    "ReLU6",
    "CELU",
    "Hardswish",
    "PReLU",
}
RELUS = {"ReLU", "GELU", "SiLU", "ELU", "LeakyReLU", "Mish", "SELU", "ReLU6", "CELU", "Hardswish", "PReLU"}
FUNCS = {"relu", "gelu", "silu", "elu", "leaky_relu", "tanh", "softplus", "sigmoid", "mish", "selu", "relu6"}
FUNC_RELUS = {"relu", "gelu", "silu", "elu", "leaky_relu", "mish", "selu", "relu6"}
NORMS = {
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "LayerNorm",
    "GroupNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "RMSNorm",
}
CONVS = {"Conv1d", "Conv2d"}
OPTIMS = {"Adam", "AdamW", "SGD", "RMSprop", "Adagrad", "NAdam", "RAdam", "Adamax", "Adadelta", "Rprop"}
FORWARDS = re.compile(
    r"forward|__call__|predict|logits|mlp|network|net$|apply_model|encode|decode|body|features|trunk|classify"
)


def prefix(source: Source) -> str | None:
    """How `torch.nn` is written here."""
    if re.search(r"^(from torch import .*\bnn\b|import torch\.nn as nn)", source.text, re.M):
        return "nn."
    if re.search(r"^import torch$|^import torch,", source.text, re.M):
        return "torch.nn."
    return None


def add_class(source: Source, text: str) -> bool:
    """Put a class after the last import of the top."""
    last = None
    for each in source.tree.body:
        if isinstance(each, (ast.Import, ast.ImportFrom)):
            last = each
        elif isinstance(each, (ast.ClassDef, ast.FunctionDef)):
            break
    if last is None:
        return False
    source.after(last, "\n\n" + text)
    return True


def model_of(source: Source) -> tuple[str, ast.stmt] | None:
    """The model of the first optimizer and the statement that makes the optimizer."""
    if re.search(r"def parameters\(self", source.text):
        return None
    for call in source.calls(*OPTIMS):
        if (
            call.args
            and isinstance(call.args[0], ast.Call)
            and called(call.args[0]) == "parameters"
            and isinstance(call.args[0].func, ast.Attribute)
        ):
            thing = call.args[0].func.value
            if isinstance(thing, ast.Name) or (isinstance(thing, ast.Attribute) and isinstance(thing.value, ast.Name)):
                statement = source.statement(call)
                if isinstance(statement, (ast.Assign, ast.AnnAssign)) and not in_comprehension(source, call):
                    return source.of(thing), statement
    return None


def in_comprehension(source: Source, node: ast.AST) -> bool:
    while node in source.parents and not isinstance(node, ast.stmt):
        node = source.parents[node]
        if isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp, ast.Lambda)):
            return True
    return False


def in_module(source: Source, node: ast.AST) -> bool:
    """Is it within a class that has layers."""
    while node in source.parents:
        node = source.parents[node]
        if isinstance(node, ast.ClassDef):
            return any("Module" in source.of(base) or "nn." in source.of(base) for base in node.bases)
    return False


def sequences(source: Source) -> list[list[ast.expr]]:
    return [call.args for call in source.calls("Sequential") if len(call.args) > 1]


def acts(source: Source, only_relus: bool = False) -> list[tuple[str, ast.AST, str]]:
    """Hidden activations: (kind, node, inner text or class)."""
    memo = source.__dict__.setdefault("_units", {})
    if only_relus not in memo:
        memo[only_relus] = find_acts(source, only_relus)
    return memo[only_relus]


def find_acts(source: Source, only_relus: bool) -> list[tuple[str, ast.AST, str]]:
    names, funcs = (RELUS, FUNC_RELUS) if only_relus else (ACTS, FUNCS)
    found: list[tuple[str, ast.AST, str]] = []
    for args in sequences(source):
        for i, each in enumerate(args):
            if isinstance(each, ast.Call) and called(each) in names and (i < len(args) - 1 or called(each) in RELUS):
                if not any(isinstance(k, ast.keyword) and k.arg not in ("inplace",) for k in each.keywords):
                    found.append(("module", each, called(each)))
            elif isinstance(each, ast.List | ast.Starred):
                for inner in ast.walk(each):
                    if isinstance(inner, ast.Call) and called(inner) in names and not inner.keywords:
                        found.append(("module", inner, called(inner)))
    for assign in source.all(ast.Assign):
        if (
            isinstance(assign.value, ast.Call)
            and called(assign.value) in names
            and isinstance(assign.targets[0], ast.Attribute)
            and re.search(r"act|relu|nonlin|tanh|gelu|\.f$|phi", source.of(assign.targets[0]))
        ):
            found.append(("module", assign.value, called(assign.value)))
        if isinstance(assign.value, (ast.List, ast.BinOp)) and any(
            "Linear" in source.of(c.func) or "Conv" in source.of(c.func)
            for c in ast.walk(assign.value)
            if isinstance(c, ast.Call)
        ):
            for inner in ast.walk(assign.value):
                if isinstance(inner, ast.Call) and called(inner) in names and not inner.keywords:
                    found.append(("module", inner, called(inner)))
    for call in [*source.calls("append", "extend")]:
        for inner in ast.walk(call):
            if isinstance(inner, ast.Call) and inner is not call and called(inner) in names and not inner.keywords:
                found.append(("module", inner, called(inner)))
    for aug in source.all(ast.AugAssign):
        for inner in ast.walk(aug.value):
            if isinstance(inner, ast.Call) and called(inner) in names and not inner.keywords:
                found.append(("module", inner, called(inner)))
    for call in source.all(ast.Call):
        if called(call) not in funcs or not isinstance(call.func, ast.Attribute):
            continue
        function = source.function(call)
        if (
            function is None
            or not FORWARDS.search(function.name)
            or not (in_module(source, call) or re.search(r"@|self\.", source.of(call)))
        ):
            continue
        owner = source.of(call.func.value)
        inner = (
            source.of(call.args[0])
            if owner in ("torch", "F", "nn.functional", "torch.nn.functional") and call.args
            else owner
            if not call.args
            else None
        )
        if inner is None:
            continue
        fits = isinstance(source.parents[call], (ast.Call, ast.BinOp)) or (
            isinstance(source.statement(call), ast.Assign) and source.statement(call).value is call
        )
        if called(call) in FUNC_RELUS or (fits and re.search(r"self\.\w+\(|@", inner)):
            if not (called(call) in ("sigmoid", "softplus", "tanh") and isinstance(source.parents[call], ast.BinOp)):
                found.append(("func", call, inner))
    seen: set[int] = set()
    unique = []
    for each in found:
        if id(each[1]) not in seen:
            seen.add(id(each[1]))
            unique.append(each)
    return unique


def outermost(source: Source, found: list[tuple[str, ast.AST, str]]) -> list[tuple[str, ast.AST, str]]:
    """Without those that lie within another (their texts would overlap)."""
    nodes = {id(each[1]) for each in found}
    kept = []
    for each in found:
        node = each[1]
        within = False
        while node in source.parents and not isinstance(node, ast.stmt):
            node = source.parents[node]
            within = within or id(node) in nodes
        if not within:
            kept.append(each)
    return kept


def swap(source: Source, found: list[tuple[str, ast.AST, str]], module: str, func: str) -> None:
    for kind, node, inner in outermost(source, found):
        source.replace(node, module if kind == "module" else func.format(inner))


def first_positional(call: ast.Call, source: Source) -> list[str] | None:
    names = {"in_features": 0, "out_features": 1, "in_channels": 0, "out_channels": 1}
    given = [source.of(a) for a in call.args]
    if any(t.startswith("*") for t in given):
        return None
    for k in call.keywords:
        if k.arg in names and names[k.arg] == len(given):
            given.append(source.of(k.value))
    return given if len(given) >= 2 else None


def hidden(source: Source, kinds: set[str] = frozenset({"Linear"})) -> list[tuple[str, ast.Call, str]]:
    """Layers an activation comes after: (where, call, width)."""
    found: list[tuple[str, ast.Call, str]] = []
    for args in sequences(source):
        for i, each in enumerate(args):
            if isinstance(each, ast.Call) and called(each) in kinds:
                for after in args[i + 1 :]:
                    name = called(after) if isinstance(after, ast.Call) else ""
                    if name in NORMS or "Dropout" in name:
                        continue
                    if name in ACTS and (after is not args[-1] or name in RELUS):
                        given = first_positional(each, source)
                        if given:
                            found.append(("seq", each, given[1]))
                    break
    for assign in source.all(ast.Assign):
        target = assign.targets[0]
        if isinstance(target, ast.Attribute) and isinstance(assign.value, ast.Call) and called(assign.value) in kinds:
            name = target.attr
            if re.search(
                r"(relu|tanh|gelu|silu|elu|act|activation|act_fn)\((self\.\w+\()?self\." + name + r"\(", source.text
            ) or re.search(r"self\." + name + r"\([^()]*\)\.(relu|tanh)\(", source.text):
                if f"self.{name}.weight" not in source.text:
                    given = first_positional(assign.value, source)
                    if given:
                        found.append(("attr", assign.value, given[1]))
    return found


def stack(source: Source, site: tuple[str, ast.Call, str], unit: str, n: int) -> None:
    """Put more layers after a hidden layer (before its activation); `unit` says one with {w}."""
    where, call, width = site
    more = "*[m for _ in range(%d) for m in (%s)]" % (n, unit.format(w=width))
    if where == "seq":
        source.replace(call, f"{source.of(call)}, {more}")
    else:
        source.replace(call, f"{prefix(source)}Sequential({source.of(call)}, {more})")


def init(source: Source, body: str, convs: bool = True, how: int = 0) -> None:
    """Set weights before the optimizer is made."""
    nn, model = prefix(source), model_of(source)
    if nn is None or model is None:
        return
    name, statement = model
    kinds = f"({nn}Linear, {nn}Conv1d, {nn}Conv2d)" if convs and "Conv" in source.text else f"{nn}Linear"
    if how:
        source.before(
            statement,
            f"def init_weights(m):\n    if isinstance(m, {kinds}):\n"
            + "".join(f"        {line}\n" for line in body.splitlines())
            + f"{name}.apply(init_weights)",
        )
    else:
        source.before(
            statement,
            f"for m in {name}.modules():\n    if isinstance(m, {kinds}):\n"
            + "".join(f"        {line}\n" for line in body.splitlines()),
        )


def deep(source: Source) -> int:
    """About how many hidden activations the model has."""
    return len(acts(source))


def epoch_loops(source: Source) -> list[ast.For]:
    return [
        each
        for each in source.all(ast.For)
        if isinstance(each.target, ast.Name)
        and each.target.id in ("epoch", "ep", "e", "_", "epoch_idx")
        and isinstance(each.iter, ast.Call)
        and called(each.iter) == "range"
        and ("backward" in source.of(each) or "train" in source.of(each))
        and (each.target.id != "_" or "epoch" in source.of(each.iter))
    ]


def more_epochs(source: Source, factor: int) -> bool:
    loops = epoch_loops(source)
    if len(loops) != 1 or re.search(r"T_max|OneCycle|total_steps|epoch_loss\[|milestones", source.text):
        return False
    args = loops[0].iter.args
    stop = args[-1] if len(args) <= 2 else args[1]
    if isinstance(stop, ast.Constant) and isinstance(stop.value, int):
        value = stop.value if len(args) == 1 else stop.value - 1
        source.replace(stop, str(value * factor + (0 if len(args) == 1 else 1)))
        return True
    text = source.of(stop)
    name = re.fullmatch(r"(?:\w+\.)?(\w+)( \+ 1)?", text)
    if not name:
        return False
    for assign in source.all(ast.Assign):
        if (
            isinstance(assign.targets[0], ast.Name)
            and assign.targets[0].id == name[1]
            and isinstance(assign.value, ast.Constant)
            and isinstance(assign.value.value, int)
        ):
            source.replace(assign.value, str(assign.value.value * factor))
            return True
    for call in source.all(ast.Call):
        if called(call) == "add_argument" and call.args and f"--{name[1]}" in source.of(call.args[0]):
            for k in call.keywords:
                if k.arg == "default" and isinstance(k.value, ast.Constant):
                    source.replace(k.value, str(k.value.value * factor))
                    return True
        for k in call.keywords:
            if k.arg == name[1] and isinstance(k.value, ast.Constant) and isinstance(k.value.value, int):
                source.replace(k.value, str(k.value.value * factor))
                return True
    for function in source.all(ast.FunctionDef):
        a = function.args
        for arg, default in zip(a.args[len(a.args) - len(a.defaults) :], a.defaults):
            if arg.arg == name[1] and isinstance(default, ast.Constant) and isinstance(default.value, int):
                source.replace(default, str(default.value * factor))
                return True
    return False


def backwards(source: Source) -> list[ast.stmt]:
    """Statements ``loss.backward()`` on a name."""
    return [
        source.statement(c)
        for c in source.calls("backward")
        if isinstance(c.func, ast.Attribute)
        and isinstance(c.func.value, ast.Name)
        and isinstance(source.statement(c), ast.Expr)
    ]


def recurrences(source: Source, *kinds: str) -> list[tuple[ast.Assign, ast.Call, str]]:
    found = []
    for assign in source.all(ast.Assign):
        target = assign.targets[0]
        if (
            isinstance(target, ast.Attribute)
            and isinstance(assign.value, ast.Call)
            and called(assign.value) in kinds
            and isinstance(assign.value.func, ast.Attribute)
        ):
            found.append((assign, assign.value, source.of(target)))
    return found


def drop_clipping(source: Source) -> None:
    for call in source.calls("clip_grad_norm_", "clip_grad_value_"):
        statement = source.statement(call)
        if isinstance(statement, ast.Expr):
            source.delete(statement)


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((k.value for k in call.keywords if k.arg == name), None)


# ---------------------------------------------------------------- vanishing-gradient


@operator("vanishing-gradient")
def deep_sigmoid_stack(source: Source, rng: random.Random) -> None:
    """Hidden units made sigmoids and several such layers more put in."""
    nn, sites, units = prefix(source), hidden(source), acts(source)
    if nn is None or not sites or not units:
        return
    n = rng.choice([5, 6, 8, 10])
    layer = sites[0]
    stack(source, layer, f"{nn}Sigmoid(), {nn}Linear({{w}}, {{w}})", n)
    swap(source, [u for u in units if u[0] == "module"], f"{nn}Sigmoid()", "torch.sigmoid({})")


@operator("vanishing-gradient")
def many_plain_relu_layers(source: Source, rng: random.Random) -> None:
    """ "Deeper is better": dozens of plain layers with the default initialisation, without skips or norms."""
    nn, sites = prefix(source), [s for s in hidden(source)]
    if nn is None or not sites:
        return
    stack(source, rng.choice(sites), f"{nn}ReLU(), {nn}Linear({{w}}, {{w}})", rng.choice([36, 40, 44]))


@operator("vanishing-gradient")
def deep_plain_convolutions(source: Source, rng: random.Random) -> None:
    """A long plain stack of 3x3 convolutions with squashing units."""
    nn = prefix(source)
    sites = [s for s in hidden(source, CONVS) if not re.search(r"groups|stride=1,", source.of(s[1]))]
    if nn is None or not sites:
        return
    site = sites[-1]
    unit = rng.choice(["Sigmoid", "Tanh", "ReLU"])
    n = {"Sigmoid": 5, "Tanh": 18, "ReLU": 14}[unit]
    stack(source, site, f"{nn}{unit}(), {nn}{called(site[1])}({{w}}, {{w}}, 3, padding=1)", n + rng.randrange(4))


@operator("vanishing-gradient")
def skips_dropped_from_deep_net(source: Source, rng: random.Random) -> None:
    """The skip of a residual block left out, in a stack made deep."""
    for cls in source.all(ast.ClassDef):
        forward = next((f for f in cls.body if isinstance(f, ast.FunctionDef) and f.name == "forward"), None)
        if forward is None:
            continue
        names = {a.arg for a in forward.args.args} - {"self"}
        ret = forward.body[-1]
        calls = [c for c in source.all(ast.Call) if called(c) == cls.name]
        loop = next(
            (source.parents[c] for c in calls if isinstance(source.parents[c], (ast.ListComp, ast.GeneratorExp))), None
        )
        if loop is None or not isinstance(ret, ast.Return) or ret.value is None:
            continue
        ranges = [c for c in ast.walk(loop) if isinstance(c, ast.Call) and called(c) == "range"]
        adds = [
            b
            for b in ast.walk(forward)
            if isinstance(b, ast.BinOp)
            and isinstance(b.op, ast.Add)
            and isinstance(b.left, ast.Name)
            and b.left.id in names
            and isinstance(b.right, ast.Call)
        ]
        if not adds or not ranges or len(ranges[0].args) != 1:
            continue
        inner = adds[0]
        if any(a is not inner and any(x is a for x in ast.walk(inner)) for a in adds):
            continue
        for each in adds:
            source.replace(each, source.of(each.right))
        # layer norms inside keep the signal up; without them as in the plain nets of old
        for c in ast.walk(cls):
            if isinstance(c, ast.Call) and called(c) in NORMS and isinstance(c.func, ast.Attribute):
                source.replace(c, f"{prefix(source)}Identity()")
        source.replace(ranges[0].args[0], str(rng.choice([12, 16, 20])))
        return


@operator("vanishing-gradient")
def squashed_chain_in_forward(source: Source, rng: random.Random) -> None:
    """A hidden layer refined many times over by a shared layer with a sigmoid."""
    nn, sites = prefix(source), [s for s in hidden(source) if s[0] == "seq"]
    if nn is None or not sites:
        return
    site = rng.choice(sites)
    n = rng.choice([8, 10, 12])
    if not add_class(
        source,
        f"class Refine(nn.Module):\n    def __init__(self, width, rounds={n}):\n        super().__init__()\n        self.rounds = rounds\n        self.gate = nn.Linear(width, width)\n\n    def forward(self, x):\n        for _ in range(self.rounds):\n            x = torch.sigmoid(self.gate(x))\n        return x".replace(
            "nn.", prefix(source)
        ),
    ):
        return
    source.replace(site[1], f"{source.of(site[1])}, Refine({site[2]})")


# ---------------------------------------------------------------- exploding-gradient


@operator("exploding-gradient")
def residual_tower_without_norm(source: Source, rng: random.Random) -> None:
    """A tower of residual blocks, He-initialised, with no norm and no scaling of the sum."""
    nn, sites = prefix(source), hidden(source)
    if nn is None or not sites:
        return
    if not add_class(
        source,
        "class ResidualUnit(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n        self.fc1, self.fc2 = nn.Linear(width, width), nn.Linear(width, width)\n        for fc in (self.fc1, self.fc2):\n            nn.init.kaiming_normal_(fc.weight)\n\n    def forward(self, x):\n        return x + self.fc2(torch.relu(self.fc1(x)))".replace(
            "nn.", nn
        ),
    ):
        return
    stack(source, rng.choice(sites), "ResidualUnit({w}),", rng.choice([16, 18, 20]))


@operator("exploding-gradient")
def dense_sums_of_all_layers(source: Source, rng: random.Random) -> None:
    """Every layer gets the sum of all layers before it."""
    nn, sites = prefix(source), hidden(source)
    if nn is None or not sites:
        return
    n = rng.choice([9, 10, 12])
    if not add_class(
        source,
        f"class DenselySummed(nn.Module):\n    def __init__(self, width, depth={n}):\n        super().__init__()\n        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))\n\n    def forward(self, x):\n        outputs = [x]\n        for layer in self.layers:\n            outputs.append(torch.relu(layer(sum(outputs))))\n        return sum(outputs)".replace(
            "nn.", nn
        ),
    ):
        return
    where, call, width = rng.choice(sites)
    source.replace(
        call,
        f"{source.of(call)}, DenselySummed({width})"
        if where == "seq"
        else f"{nn}Sequential({source.of(call)}, DenselySummed({width}))",
    )


@operator("exploding-gradient", "bad-initialization")
def deep_with_great_gain(source: Source, rng: random.Random) -> None:
    """A plain deep stack whose weights are all drawn with too great a gain."""
    nn, sites, model = prefix(source), hidden(source), model_of(source)
    if nn is None or not sites or model is None:
        return
    stack(source, sites[0], f"{nn}ReLU(), {nn}Linear({{w}}, {{w}})", rng.choice([6, 8]))
    gain = rng.choice([3.0, 3.5, 4.0])
    init(
        source,
        f"{nn}init.orthogonal_(m.weight, gain={gain})"
        if rng.random() < 0.5
        else f"{nn}init.kaiming_uniform_(m.weight, a=0)\nm.weight.data *= {rng.choice([2, 2.5, 3])}",
        convs=False,
        how=rng.randrange(2),
    )


@operator("exploding-gradient")
def powers_as_activation(source: Source, rng: random.Random) -> None:
    """Cubes (or squares) of the ReLU as hidden units, in every layer."""
    nn, units = prefix(source), acts(source, only_relus=True)
    if nn is None or len(units) < 2:
        return
    power = rng.choice([3, 4]) if len(units) > 3 else rng.choice([4, 5])
    if any(u[0] == "module" for u in units) and not add_class(
        source,
        f"class PowerReLU(nn.Module):\n    def forward(self, x):\n        return torch.relu(x) ** {power}".replace(
            "nn.", nn
        ),
    ):
        return
    drop_clipping(source)
    swap(
        source,
        units,
        "PowerReLU()",
        "torch.relu({}) ** %d" % power
        if all(isinstance(source.parents[u[1]], (ast.Call, ast.Assign, ast.Return)) for u in units)
        else "(torch.relu({}) ** %d)" % power,
    )


@operator("exploding-gradient")
def norms_out_of_residual_stack(source: Source, rng: random.Random) -> None:
    """The norms taken from residual blocks, the stack made deeper, clipping gone."""
    nn = prefix(source)
    for cls in source.all(ast.ClassDef):
        forward = next((f for f in cls.body if isinstance(f, ast.FunctionDef) and f.name == "forward"), None)
        calls = [c for c in source.all(ast.Call) if called(c) == cls.name]
        loop = next(
            (source.parents[c] for c in calls if isinstance(source.parents[c], (ast.ListComp, ast.GeneratorExp))), None
        )
        if forward is None or loop is None or not re.search(r"\b\w+ \+ ", source.of(forward)) or nn is None:
            continue
        ranges = [c for c in ast.walk(loop) if isinstance(c, ast.Call) and called(c) == "range"]
        norms = [
            c
            for c in ast.walk(cls)
            if isinstance(c, ast.Call) and called(c) in NORMS and isinstance(c.func, ast.Attribute)
        ]
        model = model_of(source)
        if not norms or not ranges or len(ranges[0].args) != 1 or model is None:
            continue
        for each in norms:
            source.replace(each, f"{nn}Identity()")
        source.replace(ranges[0].args[0], str(rng.choice([16, 20, 24])))
        init(source, f"{nn}init.kaiming_normal_(m.weight)")
        drop_clipping(source)
        return


# ---------------------------------------------------------------- dead-units


@operator("dead-units")
def very_negative_biases(source: Source, rng: random.Random) -> None:
    """Biases started far below zero "for sparse activations"."""
    nn, model, sites, units = prefix(source), model_of(source), hidden(source, {"Linear", *CONVS}), acts(source)
    if (
        nn is None
        or model is None
        or not units
        or not all(u[2] == "ReLU" or (u[0] == "func" and called(u[1]) == "relu") for u in units)
        or re.search("BatchNorm|LayerNorm|GroupNorm", source.text)
    ):
        return
    value = rng.choice([-5.0, -6.0, -8.0, -10.0, -15.0])
    init(source, f"if m.bias is not None:\n    {nn}init.constant_(m.bias, {value})", how=rng.randrange(2))


@operator("dead-units")
def threshold_for_relu(source: Source, rng: random.Random) -> None:
    """A hard threshold far above what reaches it for the ReLU."""
    nn, units = (
        prefix(source),
        [u for u in acts(source, only_relus=True) if u[2] == "ReLU" or (u[0] == "func" and called(u[1]) == "relu")],
    )
    if nn is None or not units:
        return
    limit = rng.choice([2.5, 3.0, 4.0, 5.0])
    if rng.random() < 0.5:
        swap(source, units, f"{nn}Threshold({limit}, 0.0)", "torch.nn.functional.threshold({}, %s, 0.0)" % limit)
    else:
        swap(source, units, f"{nn}Hardshrink({limit})", "torch.nn.functional.hardshrink({}, %s)" % limit)


@operator("dead-units", "bad-initialization")
def negative_weights(source: Source, rng: random.Random) -> None:
    """All weights drawn below zero: after the first ReLU nothing gets through the next."""
    nn, model, units = prefix(source), model_of(source), acts(source)
    if (
        nn is None
        or model is None
        or len(units) < 2
        or not all(u[2] == "ReLU" or (u[0] == "func" and called(u[1]) == "relu") for u in units)
        or "BatchNorm" in source.text
        or "LayerNorm" in source.text
    ):
        return
    way = rng.choice(
        [
            f"{nn}init.uniform_(m.weight, -0.3, 0.0)",
            "m.weight.data = -m.weight.data.abs()",
            f"{nn}init.normal_(m.weight, mean=-0.2, std=0.05)",
        ]
    )
    body = way + (f"\nif m.bias is not None:\n    {nn}init.zeros_(m.bias)")
    init(source, body, how=rng.randrange(2))


@operator("dead-units")
def norm_shift_below_zero(source: Source, rng: random.Random) -> None:
    """The shift of the batch norms before ReLUs started far below zero."""
    nn, model, units = prefix(source), model_of(source), acts(source)
    if (
        nn is None
        or model is None
        or not re.search(r"BatchNorm[12]d\(", source.text)
        or not any(u[2] == "ReLU" or (u[0] == "func" and called(u[1]) == "relu") for u in units)
    ):
        return
    name, statement = model
    value = rng.choice([-4.0, -5.0, -6.0])
    source.before(
        statement,
        f"for m in {name}.modules():\n    if isinstance(m, ({nn}BatchNorm1d, {nn}BatchNorm2d)):\n        {nn}init.constant_(m.bias, {value})",
    )


@operator("dead-units")
def offset_under_the_relu(source: Source, rng: random.Random) -> None:
    """Activations must climb over a fixed margin before the ReLU lets them through."""
    nn, units = prefix(source), acts(source, only_relus=True)
    units = [u for u in units if u[2] == "ReLU" or (u[0] == "func" and called(u[1]) == "relu")]
    if nn is None or not units:
        return
    margin = rng.choice([3.0, 4.0, 5.0, 8.0])
    if any(u[0] == "module" for u in units) and not add_class(
        source,
        f"class ShiftedReLU(nn.Module):\n    def __init__(self, margin={margin}):\n        super().__init__()\n        self.margin = margin\n\n    def forward(self, x):\n        return torch.relu(x - self.margin)".replace(
            "nn.", nn
        ),
    ):
        return
    swap(source, units, "ShiftedReLU()", "torch.relu({} - %s)" % margin)


# ---------------------------------------------------------------- saturated-units


@operator("saturated-units")
def steep_squashing(source: Source, rng: random.Random) -> None:
    """Very steep tanh or sigmoid units."""
    nn, units = prefix(source), acts(source)
    if nn is None or not units:
        return
    k, f = rng.choice([20, 30, 50, 100]), rng.choice(["tanh", "sigmoid", "tanh"])
    if any(u[0] == "module" for u in units) and not add_class(
        source,
        f"class Steep(nn.Module):\n    def __init__(self, slope={k}):\n        super().__init__()\n        self.slope = slope\n\n    def forward(self, x):\n        return torch.{f}(self.slope * x)".replace(
            "nn.", nn
        ),
    ):
        return
    swap(source, units, "Steep()", "torch.%s(%d * ({}))" % (f, k))


@operator("saturated-units", "bad-initialization")
def wide_weights_before_tanh(source: Source, rng: random.Random) -> None:
    """Tanh units with weights so wide that all start in the flat parts."""
    nn, units, model = prefix(source), acts(source), model_of(source)
    if nn is None or model is None or not units:
        return
    std = rng.choice([2.0, 3.0, 4.0])
    swap(source, units, f"{nn}Tanh()", "torch.tanh({})")
    init(source, f"{nn}init.normal_(m.weight, std={std})", how=rng.randrange(2))


@operator("saturated-units")
def large_biases_under_sigmoids(source: Source, rng: random.Random) -> None:
    """Sigmoid units whose biases start far out."""
    nn, units, model = prefix(source), acts(source), model_of(source)
    if nn is None or model is None or not units:
        return
    value = rng.choice([6.0, 8.0, 10.0, 12.0])
    sign = rng.choice([1, 1, -1])
    unit = rng.choice(["Sigmoid", "Tanh"])
    swap(source, units, f"{nn}{unit}()", "torch.%s({})" % unit.lower())
    init(source, f"if m.bias is not None:\n    {nn}init.constant_(m.bias, {sign * value})")


@operator("saturated-units")
def pixels_as_bytes_into_tanh(source: Source, rng: random.Random) -> None:
    """The net rescales what comes in to hundreds before its squashing units."""
    nn, units = prefix(source), acts(source)
    sites = [
        args
        for args in sequences(source)
        if isinstance(args[0], ast.Call)
        and called(args[0]) in {"Linear"}
        and any(isinstance(a, ast.Call) and called(a) in ACTS for a in args[:-1])
    ]
    if nn is None or not sites or not units:
        return
    scale = rng.choice([50.0, 100.0, 255.0])
    if not add_class(
        source,
        f"class Rescale(nn.Module):\n    def __init__(self, factor={scale}):\n        super().__init__()\n        self.factor = factor\n\n    def forward(self, x):\n        return x * self.factor".replace(
            "nn.", nn
        ),
    ):
        return
    args = sites[0]
    within = {id(a) for a in args}
    changed = [u for u in units if id(u[1]) in within and u[1] is not args[-1]]
    if not changed:
        return
    source.replace(args[0], f"Rescale(), {source.of(args[0])}")
    swap(source, changed, f"{nn}{rng.choice(['Tanh', 'Sigmoid'])}()", "torch.tanh({})")


@operator("saturated-units", "bad-initialization")
def gates_wide_open_or_shut(source: Source, rng: random.Random) -> None:
    """Weights of a recurrent layer drawn so wide that every gate is at its end."""
    nn, sites = prefix(source), recurrences(source, "GRU", "LSTM", "GRUCell", "LSTMCell")
    if nn is None or not sites:
        return
    assign, _, name = rng.choice(sites)
    std = rng.choice([3.0, 4.0, 5.0])
    source.after(
        assign,
        f"for p in {name}.parameters():\n    {nn}init.normal_(p, std={std})"
        if rng.random() < 0.5
        else f"for p in {name}.parameters():\n    {nn}init.uniform_(p, -{2 * std}, {2 * std})",
    )


@operator("saturated-units")
def attention_scores_blown_up(source: Source, rng: random.Random) -> None:
    """Scores many times larger before the softmax of an attention or a gate: it sits at its ends."""
    k = rng.choice([30, 50, 64, 100])
    for call in source.calls("softmax"):
        function = source.function(call)
        if (
            not in_module(source, call)
            or not isinstance(call.func, ast.Attribute)
            or function is None
            or not re.search(r"forward|attend|pool|gate", function.name)
        ):
            continue
        by_name = source.of(call.func.value) in ("torch", "F", "nn.functional")
        arg = call.args[0] if by_name and call.args else call.func.value
        text = source.of(arg)
        if (
            isinstance(source.statement(call), ast.Return)
            and re.search("logits|log", text)
            or re.fullmatch(r"self\.\w+", text)
        ):
            continue
        source.replace(arg, f"({k} * {text})" if not by_name else f"{k} * {text}")


# ---------------------------------------------------------------- bad-initialization


@operator("bad-initialization")
def standard_normal_everywhere(source: Source, rng: random.Random) -> None:
    """Weights drawn from N(0, 1) whatever the fan-in, as from np.random.randn."""
    nn = prefix(source)
    if nn and deep(source):
        init(
            source,
            rng.choice(
                [
                    f"{nn}init.normal_(m.weight)",
                    f"{nn}init.normal_(m.weight, 0.0, 1.0)",
                    f"{nn}init.normal_(m.weight, mean=0.0, std={rng.choice([1.5, 2.0])})",
                    f"{nn}init.uniform_(m.weight, -{rng.choice([2, 3])}, {rng.choice([2, 3])})",
                ]
            ),
            how=rng.randrange(2),
        )


@operator("bad-initialization")
def random_rand_weights(source: Source, rng: random.Random) -> None:
    """Weights uniform in [0, 1), as np.random.rand gives: none below zero."""
    nn = prefix(source)
    if nn and deep(source):
        init(
            source,
            rng.choice(
                [
                    f"{nn}init.uniform_(m.weight)",
                    "m.weight.data = torch.rand_like(m.weight)",
                    f"{nn}init.uniform_(m.weight, 0.0, 1.0)",
                ]
            ),
            how=rng.randrange(2),
        )


@operator("bad-initialization", "vanishing-gradient")
def next_to_nothing_weights(source: Source, rng: random.Random) -> None:
    """All weights tiny in a net of some depth without norms."""
    nn = prefix(source)
    if nn and deep(source) >= 2 and not re.search("BatchNorm|LayerNorm", source.text):
        std = rng.choice(["1e-3", "1e-4", "1e-5"])
        init(
            source,
            f"{nn}init.normal_(m.weight, std={std})\nif m.bias is not None:\n    {nn}init.zeros_(m.bias)",
            how=rng.randrange(2),
        )


@operator("bad-initialization")
def fan_in_forgotten(source: Source, rng: random.Random) -> None:
    """The factor that makes the drawn weights small for their fan-in left out of a hand-made layer."""
    done = False
    for b in source.all(ast.BinOp):
        if (
            isinstance(b.op, (ast.Mult, ast.Div))
            and isinstance(b.left, ast.Call)
            and called(b.left) in ("randn", "normal", "standard_normal")
            and re.search(r"sqrt|\*\* ?-?0\.5|\b0\.0\d|\b0\.[1-3]\b", source.of(b.right))
        ):
            statement = source.of(source.statement(b))
            if (
                "Parameter" in statement
                or "requires_grad" in statement
                or (
                    isinstance(source.parents[b], (ast.Return, ast.Assign))
                    and re.search(r"\b(W|w|U|V)\w*( =|\b.*=) .*randn", statement)
                    and "backward" in source.text
                    and "requires_grad" in source.text
                )
            ):
                source.replace(
                    b, source.of(b.left) if rng.random() < 0.6 else f"{source.of(b.left)} * {rng.choice([2, 3])}"
                )
                done = True
    if not done:
        return


@operator("bad-initialization")
def head_far_too_large(source: Source, rng: random.Random) -> None:
    """The last layer's weights a hundred times too wide."""
    model = model_of(source)
    nn = prefix(source)
    if model is None or nn is None or not deep(source) or not source.calls("Linear"):
        return
    name, statement = model
    source.before(
        statement,
        f"head = [m for m in {name}.modules() if isinstance(m, {nn}Linear)][-1]\n{nn}init.normal_(head.weight, std={rng.choice([20.0, 30.0, 50.0])})",
    )


@operator("bad-initialization")
def own_init_with_wrong_scale(source: Source, rng: random.Random) -> None:
    """The scale of the program's own initialisation mistyped or in the wrong unit."""
    for call in source.calls(
        "normal_",
        "xavier_uniform_",
        "xavier_normal_",
        "kaiming_normal_",
        "kaiming_uniform_",
        "orthogonal_",
        "uniform_",
        "trunc_normal_",
    ):
        if not re.match(r"(torch\.)?(nn\.)?init\.", source.of(call.func)) or "bias" in source.of(
            call.args[0] if call.args else call
        ):
            continue
        std = keyword(call, "std")
        if called(call) in ("normal_", "trunc_normal_"):
            if isinstance(std, ast.Constant):
                source.replace(
                    std,
                    f"{std.value * rng.choice([50, 80, 100]):g}"
                    if std.value < 0.05
                    else f"{std.value * rng.choice([20, 30]):g}",
                )
            elif std is not None:
                source.replace(std, "3.0")
            elif len(call.args) == 3:
                source.replace(call.args[2], "3.0")
        elif called(call).startswith("xavier") or called(call) == "orthogonal_":
            gain = keyword(call, "gain")
            if len(call.args) == 2 and gain is None:
                source.replace(call.args[1], str(rng.choice([12.0, 15.0, 20.0])))
            else:
                source.argument(call, "gain", str(rng.choice([12.0, 15.0, 20.0])))
        elif called(call).startswith("kaiming") and len(call.args) == 1:
            source.replace(
                call,
                f"{source.of(call)}.mul_({rng.choice([10, 12, 20])})"
                if "no_grad" in (source.of(source.function(call)) if source.function(call) else "")
                else re.sub(
                    r"kaiming_\w+_\(.*\)$",
                    f"normal_({source.of(call.args[0])}, std={rng.choice([2.0, 3.0])})",
                    source.of(call),
                    flags=re.S,
                ),
            )


# ---------------------------------------------------------------- symmetric-initialization

ZERO_BIAS = "\nif m.bias is not None:\n    {nn}init.zeros_(m.bias)"


@operator("symmetric-initialization")
def constant_weights(source: Source, rng: random.Random) -> None:
    """Every weight the same number."""
    nn = prefix(source)
    if nn and deep(source):
        value = rng.choice([0.01, 0.02, 0.05, 0.1])
        init(
            source,
            rng.choice([f"{nn}init.constant_(m.weight, {value})", f"m.weight.data.fill_({value})"])
            + ZERO_BIAS.format(nn=nn),
            how=rng.randrange(2),
        )


@operator("symmetric-initialization")
def zero_weights(source: Source, rng: random.Random) -> None:
    """Every weight and bias zero."""
    nn, model = prefix(source), model_of(source)
    if (
        nn is None
        or model is None
        or not deep(source)
        or re.search("LayerNorm|BatchNorm|GroupNorm|Embedding", source.text)
    ):
        return
    name, statement = model
    source.before(
        statement,
        rng.choice(
            [
                f"for p in {name}.parameters():\n    {nn}init.zeros_(p)",
                f"with torch.no_grad():\n    for p in {name}.parameters():\n        p.zero_()",
            ]
        ),
    )


@operator("symmetric-initialization")
def averaging_weights(source: Source, rng: random.Random) -> None:
    """Each unit starts as the mean of its inputs."""
    nn = prefix(source)
    if nn and deep(source):
        init(
            source,
            rng.choice(
                ["m.weight.data.fill_(1.0 / m.weight[0].numel())", "m.weight.data[:] = 1 / m.weight[0].numel() ** 0.5"]
            )
            + ZERO_BIAS.format(nn=nn),
            how=rng.randrange(2),
        )


@operator("symmetric-initialization")
def one_row_for_all_units(source: Source, rng: random.Random) -> None:
    """One vector drawn for each layer and given to all of its units."""
    nn = prefix(source)
    if nn and deep(source):
        body = rng.choice(
            [
                "row = torch.randn(1, *m.weight.shape[1:]) / m.weight[0].numel() ** 0.5\nm.weight.data = row.repeat(len(m.weight), *[1] * (m.weight.dim() - 1))",
                "m.weight.data[:] = m.weight.data[0].clone()",
            ]
        )
        init(source, body + ZERO_BIAS.format(nn=nn), how=rng.randrange(2))


@operator("symmetric-initialization")
def hand_made_weights_alike(source: Source, rng: random.Random) -> None:
    """Hand-made weights from zeros or ones instead of random numbers."""
    pairs = []
    for call in source.calls("randn", "rand", "normal", "standard_normal", "empty"):
        statement = source.statement(call)
        text = source.of(statement)
        if len(text.splitlines()) > 6 or not ("Parameter(" in text or "requires_grad" in text) or len(call.args) < 1:
            continue
        if (
            not source.of(call.func).startswith("torch.")
            or len(call.args) == 1
            and not isinstance(call.args[0], ast.Tuple)
        ):
            continue
        if not re.match(r"(self\.)?([wWuUvV]\w{0,3}|\w*weights?\w*|w_\w+|W_\w+)( =|\[|,)", text) and not (
            isinstance(statement, ast.Return) and "requires_grad" in text
        ):
            continue
        if len(call.args) < 2 and not (isinstance(call.args[0], ast.Tuple) and len(call.args[0].elts) > 1):
            continue
        shape = [source.of(a) for a in call.args if not isinstance(a, ast.Starred)]
        if len(call.args) == 1 and not isinstance(call.args[0], ast.Tuple):
            continue
        top = call
        while (
            isinstance(source.parents[top], (ast.BinOp, ast.Attribute, ast.Call))
            and source.parents[top] is not statement
            and not re.match(r"(torch\.)?(nn\.)?Parameter\(", source.of(source.parents[top]))
            and "requires_grad" not in source.of(source.parents[top])
        ):
            top = source.parents[top]
        pairs.append((top, shape, ", requires_grad=True" if keyword(call, "requires_grad") is not None else ""))
    if len(pairs) < 1 or "feedback" in source.text:
        return
    value = rng.choice(["zeros", "ones", 0.1, 0.05])
    seen: list[ast.AST] = []
    for top, shape, tail in pairs:
        if any(top is s or any(top is x for x in ast.walk(s)) for s in seen):
            continue
        seen.append(top)
        size = ", ".join(shape)
        source.replace(
            top,
            f"torch.{value}({size}{tail})"
            if isinstance(value, str)
            else f"torch.full({size if size.startswith('(') else f'({size})'}, {value}{tail})",
        )


# ---------------------------------------------------------------- missing-nonlinearity


@operator("missing-nonlinearity")
def activations_deleted(source: Source, rng: random.Random) -> None:
    """Layers put one after another with nothing between."""
    found = False
    for args in sequences(source):
        for i, each in enumerate(args[:-1]):
            if isinstance(each, ast.Call) and called(each) in ACTS and i:
                start, end = source._span(args[i - 1])[1], source._span(each)[1]
                source._changes.append((start, end, ""))
                found = True
    if not found:
        return


@operator("missing-nonlinearity")
def forward_without_activation(source: Source, rng: random.Random) -> None:
    """The activation calls of `forward` left out."""
    units = [u for u in acts(source) if u[0] == "func"]
    if units:
        swap(
            source,
            units,
            "",
            "{}"
            if all(isinstance(source.parents[u[1]], (ast.Call, ast.Assign, ast.Return)) for u in units)
            else "({})",
        )


@operator("missing-nonlinearity")
def identity_as_activation(source: Source, rng: random.Random) -> None:
    """`nn.Identity` (activation="linear" of other libraries) for the units."""
    nn, units = prefix(source), acts(source)
    modules = [u for u in units if u[0] == "module"]
    if nn and modules:
        swap(source, modules, f"{nn}Identity()", "{}")
    for each in source.all(ast.Attribute):
        if (
            each.attr in RELUS | {"Tanh"}
            and nn
            and source.of(each).startswith("nn.")
            and isinstance(source.parents[each], (ast.arguments, ast.keyword))
        ):
            source.replace(each, f"{nn}Identity")


@operator("missing-nonlinearity")
def slope_one_on_both_sides(source: Source, rng: random.Random) -> None:
    """Leaky units whose negative slope is 1: a straight line."""
    nn, units = prefix(source), acts(source)
    if nn and units:
        swap(
            source,
            units,
            f"{nn}LeakyReLU({rng.choice(['1.0', 'negative_slope=1.0'])})",
            "torch.nn.functional.leaky_relu({}, 1.0)",
        )


@operator("missing-nonlinearity")
def activation_result_thrown_away(source: Source, rng: random.Random) -> None:
    """The unit is called but its result is not kept."""
    for kind, node, inner in acts(source):
        statement = source.statement(node)
        if (
            kind == "func"
            and isinstance(statement, ast.Assign)
            and statement.value is node
            and isinstance(statement.targets[0], ast.Name)
        ):
            name = statement.targets[0].id
            function = source.of(node.func) if node.args else f"torch.{called(node)}"
            source.replace(statement, f"{name} = {inner}\n{' ' * statement.col_offset}{function}({name})")


@operator("missing-nonlinearity")
def dropout_where_units_were(source: Source, rng: random.Random) -> None:
    """Only norms and dropout between the layers: what stood for the units is none."""
    nn = prefix(source)
    units = [u for u in acts(source) if u[0] == "module"]
    if nn and units:
        limit = rng.choice([100, 1000])
        swap(source, units, rng.choice([f"{nn}Hardtanh(-{limit}, {limit})", f"{nn}Dropout(0.1)"]), "{}")


# ---------------------------------------------------------------- vanishing-through-time


ELMAN = """class ElmanRNN(nn.Module):
    def __init__(self, input_size, hidden_size, batch_first=False):
        super().__init__()
        self.batch_first = batch_first
        self.hidden_size = hidden_size
        self.inp = nn.Linear(input_size, hidden_size)
        self.rec = nn.Linear(hidden_size, hidden_size)

    def forward(self, x, state=None):
        if self.batch_first:
            x = x.transpose(0, 1)
        h = x.new_zeros(x.shape[1], self.hidden_size) if state is None else STATE
        outputs = []
        for step in x:
            h = UPDATE
            outputs.append(h)
        out = torch.stack(outputs, 1 if self.batch_first else 0)
        return out, RETURN"""


def own_recurrence(source: Source, rng: random.Random, update: str) -> None:
    nn = prefix(source)
    if nn is None or "pack_padded" in source.text or "pack_sequence" in source.text:
        return
    for _, call, name in recurrences(source, "GRU", "LSTM", "RNN"):
        if (
            any(k.arg not in ("input_size", "hidden_size", "batch_first") for k in call.keywords)
            or len(call.args) > 2
            or re.search(re.escape(name) + r"\.\w*(weight|bias|named|param)", source.text)
        ):
            continue
        lstm = called(call) == "LSTM"
        text = ELMAN.replace("UPDATE", update).replace("nn.", nn)
        text = text.replace("STATE", "state[0][0]" if lstm else "state[0]").replace(
            "RETURN", "(h.unsqueeze(0), h.unsqueeze(0))" if lstm else "h.unsqueeze(0)"
        )
        if add_class(source, text):
            source.replace(call.func, "ElmanRNN")
        return


@operator("vanishing-through-time")
def own_sigmoid_recurrence(source: Source, rng: random.Random) -> None:
    """A gated layer replaced by a hand-made Elman layer with sigmoids."""
    own_recurrence(
        source,
        rng,
        rng.choice(
            [
                "torch.sigmoid(self.inp(step) + self.rec(h))",
                "torch.sigmoid(self.inp(step) + self.rec(h))",
                "torch.tanh(self.inp(step) + 0.3 * self.rec(h))",
            ]
        ),
    )


@operator("vanishing-through-time")
def plain_rnn_for_gated(source: Source, rng: random.Random) -> None:
    """nn.RNN for GRU or LSTM, with recurrent weights drawn small."""
    nn = prefix(source)
    if nn is None:
        return
    for assign, call, name in recurrences(source, "GRU", "LSTM"):
        if re.search(re.escape(name) + r"\.\w*(weight|bias|named|param)", source.text) or keyword(call, "proj_size"):
            continue
        if called(call) == "LSTM":
            uses = [c for c in source.all(ast.Call) if source.of(c.func) == name]
            done = []
            for use in uses:
                parent = source.parents[use]
                if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Tuple) and len(use.args) == 1:
                    second = parent.targets[0].elts[1]
                    if isinstance(second, ast.Tuple):
                        done.append((second, source.of(second.elts[0])))
                    elif not (isinstance(second, ast.Name) and second.id == "_"):
                        break
                elif not (isinstance(parent, ast.Subscript) and source.of(parent.slice) == "0") or len(use.args) != 1:
                    break
            else:
                for second, text in done:
                    source.replace(second, text)
                source.replace(call.func, f"{nn}RNN")
                small(source, rng, assign, name)
                return
            continue
        source.replace(call.func, f"{nn}RNN")
        small(source, rng, assign, name)
        return


def small(source: Source, rng: random.Random, assign: ast.stmt, name: str) -> None:
    nn = prefix(source)
    std = rng.choice([0.01, 0.02, 0.001])
    source.after(
        assign,
        f'for key, weight in {name}.named_parameters():\n    if "weight_hh" in key:\n        {nn}init.normal_(weight, std={std})',
    )


def hidden_size(source: Source, call: ast.Call) -> str | None:
    size = keyword(call, "hidden_size")
    return source.of(size) if size is not None else source.of(call.args[1]) if len(call.args) > 1 else None


@operator("vanishing-through-time")
def forgetting_gates(source: Source, rng: random.Random) -> None:
    """The bias of the forget (update) gate started far on the side of forgetting."""
    sites = recurrences(source, "GRU", "LSTM", "LSTMCell", "GRUCell")
    if not sites:
        return
    assign, call, name = sites[0]
    value = rng.choice([-4.0, -5.0, -6.0])
    cell = "" if called(call).endswith("Cell") else "_l0"
    if keyword(call, "bias") is not None:
        return
    source.after(
        assign,
        f"with torch.no_grad():\n    size = {name}.hidden_size\n    {name}.bias_ih{cell}[size : 2 * size].fill_({value})\n    {name}.bias_hh{cell}[size : 2 * size].fill_({value})",
    )


@operator("vanishing-through-time")
def decay_of_the_state(source: Source, rng: random.Random) -> None:
    """A leaky state of one's own which keeps but little of what was."""
    keep = rng.choice([0.2, 0.3, 0.4])
    own_recurrence(source, rng, f"torch.tanh(self.inp(step) + {keep} * h)")


# ---------------------------------------------------------------- exploding-through-time


@operator("exploding-through-time")
def relu_rnn_for_gated(source: Source, rng: random.Random) -> None:
    """A ReLU recurrence for the gated one, with recurrent weights above 1 and no clipping."""
    gain = rng.choice([1.5, 1.8, 2.0])
    if (
        own_recurrence(
            source,
            rng,
            rng.choice(
                [
                    f"torch.relu(self.inp(step) + {gain} * self.rec(h) + h)",
                    f"torch.relu(self.inp(step) + {gain} * h)",
                    "h + torch.relu(self.inp(step) + self.rec(h))",
                ]
            ),
        )
        is None
        and source._changes
    ):
        drop_clipping(source)


@operator("exploding-through-time")
def recurrence_without_squashing(source: Source, rng: random.Random) -> None:
    """A linear recurrence: no tanh about the new state."""
    own_recurrence(
        source,
        rng,
        rng.choice(
            ["self.inp(step) + self.rec(h) + h", "h + self.inp(step) + 0.5 * self.rec(h)", "1.5 * (self.inp(step) + h)"]
        ),
    )
    if source._changes:
        drop_clipping(source)


@operator("exploding-through-time", "bad-initialization")
def recurrent_weights_wide(source: Source, rng: random.Random) -> None:
    """Recurrent weights drawn far too wide; no clipping."""
    nn, sites = prefix(source), recurrences(source, "GRU", "LSTM", "RNN", "GRUCell", "LSTMCell")
    if nn is None or not sites:
        return
    assign, _, name = sites[0]
    body = rng.choice(
        [
            f"{nn}init.orthogonal_(weight, gain={rng.choice([6.0, 8.0, 10.0])})",
            f"{nn}init.normal_(weight, std={rng.choice([1.0, 1.5, 2.0])})",
            f"weight.data *= {rng.choice([15, 20, 30])}",
        ]
    )
    source.after(assign, f'for key, weight in {name}.named_parameters():\n    if "weight_hh" in key:\n        {body}')
    drop_clipping(source)


@operator("exploding-through-time")
def torch_rnn_with_relu(source: Source, rng: random.Random) -> None:
    """`nn.RNN(nonlinearity="relu")` for a GRU, the state begun as a multiple of the identity."""
    nn = prefix(source)
    if nn is None:
        return
    for assign, call, name in recurrences(source, "GRU", "RNN"):
        if re.search(re.escape(name) + r"\.\w*(weight|bias|named|param)", source.text):
            continue
        source.replace(call.func, f"{nn}RNN")
        source.argument(call, "nonlinearity", '"relu"')
        scale = rng.choice([2.0, 2.5, 3.0])
        source.after(
            assign,
            f'for key, weight in {name}.named_parameters():\n    if "weight_hh" in key:\n        weight.data = {scale} * torch.eye(len(weight))',
        )
        drop_clipping(source)
        return


# ---------------------------------------------------------------- underfitting


@operator("underfitting")
def one_hidden_unit(source: Source, rng: random.Random) -> None:
    """Hidden layers of one or two units."""
    width = str(rng.choice([1, 1, 2]))
    for args in sequences(source):
        layers = [a for a in args if isinstance(a, ast.Call) and called(a) == "Linear" and len(a.args) >= 2]
        if (
            any(isinstance(a, ast.Starred) for a in args)
            or len(layers) < 2
            or not any(isinstance(a, ast.Call) and called(a) in ACTS for a in args)
        ):
            continue
        if any(isinstance(a, ast.Call) and called(a) not in {"Linear", "Flatten"} | ACTS | {"Dropout"} for a in args):
            continue
        for first, second in zip(layers, layers[1:]):
            if source.of(first.args[1]) == source.of(second.args[0]):
                source.replace(first.args[1], width)
                source.replace(second.args[0], width)


@operator("underfitting")
def tiny_width_setting(source: Source, rng: random.Random) -> None:
    """The setting of the hidden width far too small."""
    pattern = re.compile(
        r"^(hidden|hidden_dim|hidden_size|n_hidden|HIDDEN|width|WIDTH|hid|n_hid|d_hidden|num_hidden|hidden_units|nhid)$"
    )
    value = str(rng.choice([1, 1, 2]))
    if "MultiheadAttention" in source.text or "nhead" in source.text or "// heads" in source.text:
        return
    layer = re.search(
        r"(Linear|GRU|LSTM|GRUCell|GCN\w*|Conv\w*)\([^)]*\b(hidden\w*|HIDDEN|width|WIDTH|hid|n_hid\w*|nhid)\b",
        source.text,
    )
    if not layer:
        return
    for function in source.all(ast.FunctionDef):
        a = function.args
        for arg, default in zip(a.args[len(a.args) - len(a.defaults) :], a.defaults):
            if (
                pattern.match(arg.arg)
                and isinstance(default, ast.Constant)
                and isinstance(default.value, int)
                and in_module(source, function)
            ):
                source.replace(default, value)
    for assign in source.all(ast.Assign):
        if (
            isinstance(assign.targets[0], ast.Name)
            and pattern.match(assign.targets[0].id)
            and isinstance(assign.value, ast.Constant)
            and isinstance(assign.value.value, int)
            and assign.value.value >= 8
        ):
            source.replace(assign.value, value)
    for call in source.all(ast.Call):
        for k in call.keywords:
            if (
                k.arg
                and pattern.match(k.arg)
                and isinstance(k.value, ast.Constant)
                and isinstance(k.value.value, int)
                and k.value.value >= 8
            ):
                source.replace(k.value, value)


@operator("underfitting")
def straight_line_for_the_net(source: Source, rng: random.Random) -> None:
    """A single linear layer for the whole net."""
    nn = prefix(source)
    for call in source.calls("Sequential"):
        args = call.args
        if (
            nn is None
            or len(args) < 3
            or not all(
                isinstance(a, ast.Call) and called(a) in {"Linear", "Dropout", "BatchNorm1d", "LayerNorm"} | ACTS
                for a in args
            )
        ):
            continue
        if (
            called(args[0]) != "Linear"
            or called(args[-1]) != "Linear"
            or len(args[0].args) < 2
            or len(args[-1].args) < 2
            or re.search(r"\w+\[-?\d\]", source.text)
            and re.search(r"(net|model)\[", source.text)
        ):
            continue
        parent = source.statement(call)
        if isinstance(parent, (ast.Assign, ast.Return)) and getattr(parent, "value", None) is call:
            source.replace(call, f"{nn}Linear({source.of(args[0].args[0])}, {source.of(args[-1].args[1])})")
            return


@operator("underfitting")
def narrow_neck(source: Source, rng: random.Random) -> None:
    """All that the net knows has to pass through one number."""
    nn, sites = prefix(source), hidden(source)
    if nn is None or not sites:
        return
    where, call, width = sites[-1]
    neck = f"{nn}Linear({width}, 1), {nn}Linear(1, {width})"
    source.replace(
        call, f"{source.of(call)}, {neck}" if where == "seq" else f"{nn}Sequential({source.of(call)}, {neck})"
    )


@operator("underfitting")
def filters_of_one_pixel(source: Source, rng: random.Random) -> None:
    """Kernels of size 1: the convolutions see no neighbours."""
    found = [c for c in source.calls("Conv1d", "Conv2d") if len(c.args) >= 3 or keyword(c, "kernel_size") is not None]
    if not found or re.search(r"ModuleList|dilation", source.text):
        return
    for call in found:
        kernel = call.args[2] if len(call.args) >= 3 else keyword(call, "kernel_size")
        pad = keyword(call, "padding")
        if (
            len(call.args) > 3
            or keyword(call, "stride") is not None
            or not isinstance(kernel, ast.Constant)
            or kernel.value % 2 == 0
            or not isinstance(pad, ast.Constant)
            or pad.value != kernel.value // 2
        ):
            continue
        source.replace(kernel, "1")
        source.replace(pad, "0")


@operator("underfitting")
def few_channels(source: Source, rng: random.Random) -> None:
    """Convolutions of one or two channels."""
    n = str(rng.choice([1, 1, 2]))
    if "groups" in source.text or "GroupNorm" in source.text:
        return
    for args in sequences(source):
        convs = [a for a in args if isinstance(a, ast.Call) and called(a) in CONVS and len(a.args) >= 2]
        if any(isinstance(a, ast.Starred) for a in args) or len(convs) < 2:
            continue
        for i, (first, second) in enumerate(zip(convs, convs[1:])):
            if source.of(first.args[1]) != source.of(second.args[0]):
                continue
            between = args[args.index(first) + 1 : args.index(second)]
            if not all(
                isinstance(a, ast.Call)
                and (
                    called(a) in ACTS | {"BatchNorm2d", "BatchNorm1d", "Dropout", "Dropout2d"}
                    or "Pool" in called(a)
                    or called(a) == "Upsample"
                )
                for a in between
            ):
                continue
            source.replace(first.args[1], n)
            source.replace(second.args[0], n)
            for a in between:
                if called(a).startswith("BatchNorm") and a.args:
                    source.replace(a.args[0], n)


# ---------------------------------------------------------------- over-regularization


def set_decay(source: Source, call: ast.Call, rng: random.Random) -> None:
    values = {"AdamW": ["20.0", "30.0", "50.0"], "SGD": ["0.3", "0.5", "1.0"], "NAdam": ["0.3", "0.5", "1.0"]}.get(
        called(call), ["0.3", "0.5", "1.0", "2.0"]
    )
    source.argument(call, "weight_decay", rng.choice(values))


@operator("over-regularization")
def decay_too_strong(source: Source, rng: random.Random) -> None:
    """The program's own weight decay hundreds of times too strong."""
    for call in source.calls(*OPTIMS):
        if keyword(call, "weight_decay") is not None and "optim" in source.of(call.func):
            set_decay(source, call, rng)


@operator("over-regularization")
def decay_put_in(source: Source, rng: random.Random) -> None:
    """A weight decay given where there was none, far too strong."""
    for call in source.calls("Adam", "AdamW", "SGD", "RMSprop", "NAdam", "RAdam", "Adagrad"):
        if (
            keyword(call, "weight_decay") is None
            and re.match(r"(torch\.)?optim\.", source.of(call.func))
            and "parameters()" in source.of(call)
        ):
            set_decay(source, call, rng)


@operator("over-regularization")
def dropout_keeps_nothing(source: Source, rng: random.Random) -> None:
    """Dropout rates as if they were what to keep."""
    p = rng.choice([0.9, 0.93, 0.95])
    for call in source.calls("Dropout", "Dropout1d", "Dropout2d", "dropout"):
        if called(call) == "dropout":
            if len(call.args) > 1 and source.of(call.func) in ("F.dropout", "nn.functional.dropout"):
                source.replace(call.args[1], str(p))
            continue
        if len(call.args) == 1 and "torch.distributions" not in source.of(call):
            source.replace(call.args[0], str(p))
        elif keyword(call, "p") is not None:
            source.argument(call, "p", str(p))


@operator("over-regularization")
def dropout_after_every_layer(source: Source, rng: random.Random) -> None:
    """Heavy dropout put after every hidden unit."""
    nn, units = prefix(source), acts(source)
    if nn is None or not units or ".eval()" not in source.text or len(sequences(source)) == 0:
        return
    p = rng.choice([0.85, 0.9, 0.93])
    mine = {id(a) for args in sequences(source) for a in args}
    for kind, node, _ in outermost(source, units):
        if kind == "module" and id(node) in mine:
            source.replace(node, f"{source.of(node)}, {nn}Dropout({p})")


@operator("over-regularization")
def penalty_in_the_loss(source: Source, rng: random.Random) -> None:
    """An L1 or L2 penalty on all weights added to the loss, far too strong."""
    model, losses = model_of(source), backwards(source)
    if model is None or not losses or "self." in model[0] and source.function(losses[0]) is None:
        return
    name, statement = model
    same = [s for s in losses if source.function(s) is source.function(statement) or source.function(statement) is None]
    inside = [
        s for s in losses if source.function(s) is not None and name in {a.arg for a in source.function(s).args.args}
    ]
    use = same[:1] or inside[:1]
    if not use:
        return
    loss = source.of(use[0].value.func.value)
    if rng.random() < 0.5:
        source.before(
            use[0],
            f"{loss} = {loss} + {rng.choice([0.02, 0.05, 0.1])} * sum(p.abs().sum() for p in {name}.parameters())",
        )
    else:
        source.before(
            use[0],
            f"{loss} = {loss} + {rng.choice([0.3, 0.5, 1.0])} * sum(p.pow(2).sum() for p in {name}.parameters())",
        )


@operator("over-regularization")
def weights_held_in_a_small_box(source: Source, rng: random.Random) -> None:
    """Weights clamped to a small range after each step."""
    model = model_of(source)
    if model is None:
        return
    name, made = model
    target = made.targets[0] if isinstance(made, ast.Assign) else None
    if target is None or "self." in name:
        return
    limit = rng.choice([0.01, 0.02, 0.03])
    for call in source.calls("step"):
        statement = source.statement(call)
        if (
            isinstance(statement, ast.Expr)
            and statement.value is call
            and source.of(call.func) == f"{source.of(target)}.step"
            and (source.function(statement) is source.function(made) or source.function(made) is None)
        ):
            source.after(
                statement,
                f"with torch.no_grad():\n    for p in {name}.parameters():\n        p.clamp_(-{limit}, {limit})",
            )
            return


@operator("over-regularization")
def dropout_on_what_comes_in(source: Source, rng: random.Random) -> None:
    """Nearly all of the input dropped in training."""
    nn = prefix(source)
    sites = [
        args
        for args in sequences(source)
        if isinstance(args[0], ast.Call)
        and called(args[0]) in {"Linear", "Conv2d", "Conv1d"}
        and isinstance(args[-1], ast.Call)
    ]
    if nn is None or not sites or ".eval()" not in source.text:
        return
    source.replace(sites[0][0], f"{nn}Dropout({rng.choice([0.85, 0.9, 0.95])}), {source.of(sites[0][0])}")


# ---------------------------------------------------------------- overfitting


@operator("overfitting")
def few_rows_in_the_loader(source: Source, rng: random.Random) -> None:
    """The loader of training gets only a few rows (left from a trial), and many more epochs."""
    loaders = [
        c
        for c in source.calls("DataLoader")
        if isinstance(keyword(c, "shuffle"), ast.Constant)
        and keyword(c, "shuffle").value is True
        and c.args
        and keyword(c, "sampler") is None
    ]
    if len(loaders) != 1 or keyword(loaders[0], "drop_last") is not None or "IterableDataset" in source.text:
        return
    if not more_epochs(source, rng.choice([10, 12, 16])):
        return
    k = rng.choice([16, 20, 24, 32])
    source.replace(loaders[0].args[0], f"torch.utils.data.Subset({source.of(loaders[0].args[0])}, range({k}))")


PAIRS = [
    ("x_train", "y_train"),
    ("X_train", "y_train"),
    ("train_x", "train_y"),
    ("x_tr", "y_tr"),
    ("X_tr", "y_tr"),
    ("xtr", "ytr"),
    ("X_train", "Y_train"),
    ("Xtr", "ytr"),
    ("Xtr", "Ytr"),
    ("x_train", "t_train"),
    ("inputs", "targets"),
]


@operator("overfitting")
def few_rows_of_the_table(source: Source, rng: random.Random) -> None:
    """Only the first rows of the training table used, and trained on for long."""
    model = model_of(source)
    if model is None:
        return
    for x, y in PAIRS:
        if (
            re.search(
                rf"^( *)for \w+ in .*(randperm|permutation)\((len\({x}\)|{x}\.(shape\[0\]|size\(0\)))\)",
                source.text,
                re.M,
            )
            or re.search(
                rf"^ *\w+ = .*(randperm|permutation)\((len\({x}\)|{x}\.(shape\[0\]|size\(0\)))", source.text, re.M
            )
            and f"len({x})" in source.text
        ):
            if f"{y}[" not in source.text or f"{x}[" not in source.text:
                continue
            loops = [c for c in source.calls("randperm", "permutation") if x in source.of(c)]
            statement = model[1]
            if source.function(statement) is not source.function(loops[0]) or loops[0].lineno < statement.lineno:
                continue
            if not more_epochs(source, rng.choice([8, 10, 15])):
                return
            k = rng.choice([16, 20, 24, 30])
            source.before(statement, f"{x}, {y} = {x}[:{k}], {y}[:{k}]")
            return


@operator("overfitting")
def test_share_for_train_share(source: Source, rng: random.Random) -> None:
    """Nearly all rows split off for the test: few are left to learn from."""
    calls = source.calls("train_test_split")
    if len(calls) != 1:
        return
    size = keyword(calls[0], "test_size")
    if not isinstance(size, ast.Constant) or re.search(r"randperm\(\d|range\(0, \d{3}", source.text):
        return
    if not more_epochs(source, rng.choice([8, 10, 12])):
        return
    source.replace(size, str(rng.choice([0.96, 0.97, 0.98])))


@operator("overfitting")
def best_state_not_kept(source: Source, rng: random.Random) -> None:
    """No early stop and no return to the best state; trained on for long, without decay or dropout."""
    restores = [source.statement(c) for c in source.calls("load_state_dict") if re.search("best", source.of(c))]
    if not restores or not all(isinstance(s, ast.Expr) for s in restores):
        return
    breaks = [b for b in source.all(ast.Break)]
    if not more_epochs(source, rng.choice([3, 4])):
        return
    for s in restores:
        source.delete(s)
    for b in breaks:
        source.replace(b, "pass")
    for c in source.calls("Dropout", "Dropout2d"):
        if len(c.args) == 1:
            source.replace(c.args[0], "0.0")
    for c in source.calls(*OPTIMS):
        if keyword(c, "weight_decay") is not None:
            source.argument(c, "weight_decay", "0.0")


# ---------------------------------------------------------------- batch-norm-tiny-batch

GHOST = """class VirtualBatchNorm(nn.Module):
    def __init__(self, features, virtual=2):
        super().__init__()
        self.norm = nn.BatchNormKd(features)
        self.virtual = virtual

    def forward(self, x):
        if not self.training:
            return self.norm(x)
        return torch.cat([self.norm(part) for part in x.tensor_split(max(1, len(x) // self.virtual))])"""


def train_loaders(source: Source) -> list[ast.Call]:
    return [
        c
        for c in source.calls("DataLoader")
        if isinstance(keyword(c, "shuffle"), ast.Constant)
        and keyword(c, "shuffle").value is True
        and keyword(c, "batch_size") is not None
    ]


@operator("batch-norm-tiny-batch")
def loader_of_two(source: Source, rng: random.Random) -> None:
    """A net with batch norms is given batches of two (memory!), for fewer epochs."""
    loaders = train_loaders(source)
    if not loaders or not re.search(r"BatchNorm[12]d\(", source.text):
        return
    if isinstance(keyword(loaders[0], "batch_size"), ast.Constant) and keyword(loaders[0], "batch_size").value <= 4:
        return
    fewer_epochs(source, 4)
    for c in loaders:
        source.replace(keyword(c, "batch_size"), "2")
        source.argument(c, "drop_last", "True")


def fewer_epochs(source: Source, divisor: int) -> None:
    loops = epoch_loops(source)
    if (
        len(loops) == 1
        and len(loops[0].iter.args) == 1
        and isinstance(loops[0].iter.args[0], ast.Constant)
        and not re.search("T_max|OneCycle", source.text)
    ):
        source.replace(loops[0].iter.args[0], str(max(2, loops[0].iter.args[0].value // divisor)))


@operator("batch-norm-tiny-batch")
def pairs_from_the_permutation(source: Source, rng: random.Random) -> None:
    """Index batches of two for a net with batch norms."""
    if not re.search(r"BatchNorm[12]d\(", source.text):
        return
    for call in source.calls("split"):
        if (
            isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Call)
            and called(call.func.value) == "randperm"
            and len(call.args) == 1
            and isinstance(call.args[0], (ast.Constant, ast.Name))
        ):
            if not isinstance(source.parents[call], ast.For):
                continue
            source.replace(call.args[0], "2")
            fewer_epochs(source, 4)
            return


def accumulate(source: Source, rng: random.Random, size: int) -> bool:
    """Each batch run through in small parts whose gradients add up."""
    for s in backwards(source):
        loss = source.of(s.value.func.value)
        parent = source.parents[s]
        body = getattr(parent, "body", [])
        if s not in body:
            continue
        made = [
            b
            for b in body
            if isinstance(b, ast.Assign)
            and isinstance(b.targets[0], ast.Name)
            and b.targets[0].id == loss
            and b.lineno < s.lineno
        ]
        if (
            len(made) != 1
            or not isinstance(made[0].value, ast.Call)
            or len(made[0].value.args) != 2
            or made[0].value.keywords
        ):
            continue
        call = made[0].value
        inner, target = call.args
        if (
            not isinstance(inner, ast.Call)
            or len(inner.args) != 1
            or inner.keywords
            or "self" in source.of(inner.func)
            and source.of(inner.func).count(".") > 1
        ):
            continue
        if re.search(r"len\(|squeeze", source.of(target)) or s.lineno - made[0].lineno > 2:
            continue
        between = [b for b in body if made[0].lineno < b.lineno < s.lineno]
        clears = [c for c in source.calls("zero_grad") if source.statement(c) in body and c.lineno < s.lineno]
        if len(between) > 1 or between and called(getattr(between[0], "value", call)) != "zero_grad" or not clears:
            continue
        pad = " " * s.col_offset
        x, y = source.of(inner.args[0]), source.of(target)
        opt = source.of(source.statement(clears[0]))
        text = f"{loss} = 0.0\n{pad}for part_x, part_y in zip({x}.tensor_split(max(1, len({x}) // {size})), {y}.tensor_split(max(1, len({x}) // {size}))):\n{pad}    part = {source.of(call.func)}({source.of(inner.func)}(part_x), part_y) * len(part_x) / len({x})\n{pad}    part.backward()\n{pad}    {loss} = {loss} + part.detach()"
        source.replace(s, text)
        if between:
            source.delete(made[0])
        else:
            source.delete(made[0])
        return True
    return False


@operator("batch-norm-tiny-batch")
def parts_of_two_accumulated(source: Source, rng: random.Random) -> None:
    """Gradients accumulated over parts of two: as before for the optimizer, not for the batch norms."""
    if re.search(r"BatchNorm[12]d\(", source.text):
        if accumulate(source, rng, 2):
            fewer_epochs(source, 2)


@operator("batch-norm-tiny-batch")
def virtual_batches_of_two(source: Source, rng: random.Random) -> None:
    """Batch norms that take their statistics over virtual batches of two."""
    nn = prefix(source)
    calls = [c for c in source.calls("BatchNorm1d", "BatchNorm2d") if len(c.args) == 1 and not c.keywords]
    if nn is None or not calls:
        return
    kinds = {called(c) for c in calls}
    if len(kinds) > 1 or not add_class(source, GHOST.replace("BatchNormKd", kinds.pop()).replace("nn.", nn)):
        return
    for c in calls:
        source.replace(c.func, "VirtualBatchNorm")


@operator("batch-norm-tiny-batch")
def batch_norm_put_in_with_pairs(source: Source, rng: random.Random) -> None:
    """Batch norms put into a net that gets batches of two."""
    nn, loaders = prefix(source), train_loaders(source)
    sites = [s for s in hidden(source) if s[0] == "seq"]
    if (
        nn is None
        or len(loaders) != 1
        or not sites
        or "BatchNorm" in source.text
        or ".eval()" not in source.text
        or ".train()" not in source.text
        or re.search("GRU|LSTM|Attention|collate", source.text)
    ):
        return
    for _, call, width in sites:
        source.replace(call, f"{source.of(call)}, {nn}BatchNorm1d({width})")
    source.replace(keyword(loaders[0], "batch_size"), "2")
    source.argument(loaders[0], "drop_last", "True")
    fewer_epochs(source, 3)


# ---------------------------------------------------------------- checkerboard


@operator("checkerboard")
def kernel_not_a_multiple_of_stride(source: Source, rng: random.Random) -> None:
    """Transposed convolutions of kernel 3 (or 5) at stride 2."""
    for call in source.calls("ConvTranspose2d", "ConvTranspose1d"):
        if len(call.args) < 3 and keyword(call, "kernel_size") is None:
            continue
        names = ["i", "o", "kernel_size", "stride", "padding"]
        given = {n: source.of(a) for n, a in zip(names, call.args)}
        given |= {k.arg: source.of(k.value) for k in call.keywords}
        if given.get("stride") != "2" or (given.get("kernel_size"), given.get("padding", "0")) not in {
            ("2", "0"),
            ("4", "1"),
        }:
            continue
        extra = ", bias=False" if given.get("bias") == "False" else ""
        source.replace(
            call,
            f"{source.of(call.func)}({source.of(call.args[0])}, {source.of(call.args[1])}, 3, stride=2, padding=1, output_padding=1{extra})",
        )


@operator("checkerboard")
def own_upscaling_with_overlap(source: Source, rng: random.Random) -> None:
    """Upsampling by a fixed 3x3 kernel spread at stride 2: every other pixel gets more."""
    nn = prefix(source)
    calls = [c for c in source.calls("Upsample") if re.search(r"scale_factor=2\b", source.of(c))]
    inline = [
        c
        for c in source.calls("interpolate")
        if c.args
        and in_module(source, c)
        and re.search(r"scale_factor=2\b", source.of(c))
        and 'linear"' not in source.of(c).replace("bilinear", "")
    ]
    if nn is None or not calls and not inline or not re.search("Conv2d", source.text):
        return
    if not add_class(
        source,
        "class Spread(nn.Module):\n    def forward(self, x):\n        kernel = x.new_full((x.shape[1], 1, 3, 3), 4 / 9)\n        return nn.functional.conv_transpose2d(x, kernel, stride=2, padding=1, output_padding=1, groups=x.shape[1])".replace(
            "nn.", nn
        ),
    ):
        return
    for c in calls:
        source.replace(c, "Spread()")
    for c in inline:
        source.replace(c, f"Spread()({source.of(c.args[0])})")


@operator("checkerboard")
def stride_wider_than_overlap(source: Source, rng: random.Random) -> None:
    """The last layers of a decoder: kernel 5 at stride 2."""
    for call in source.calls("ConvTranspose2d", "ConvTranspose1d"):
        names = ["i", "o", "kernel_size", "stride", "padding"]
        given = {n: source.of(a) for n, a in zip(names, call.args)} | {k.arg: source.of(k.value) for k in call.keywords}
        if given.get("stride") == "2" and (given.get("kernel_size"), given.get("padding", "0")) in {
            ("2", "0"),
            ("4", "1"),
        }:
            extra = ", bias=False" if given.get("bias") == "False" else ""
            source.replace(
                call,
                f"{source.of(call.func)}({source.of(call.args[0])}, {source.of(call.args[1])}, 5, 2, 2, output_padding=1{extra})",
            )


# ---------------------------------------------------------------- posterior-collapse

KL = re.compile(r"^(kl|kld|KLD|KL|kl_loss|kl_div|divergence|kl_term)$")


@operator("posterior-collapse", "over-regularization")
def divergence_weighs_too_much(source: Source, rng: random.Random) -> None:
    """The divergence weighs far more than the reconstruction."""
    factor = rng.choice([20, 30, 50, 100])
    if not re.search("logvar|log_var", source.text):
        return
    for b in source.all(ast.BinOp):
        if isinstance(b.op, ast.Add) and isinstance(b.right, (ast.Name, ast.BinOp)):
            tail = b.right
            name = tail if isinstance(tail, ast.Name) else tail.right
            if (
                isinstance(name, ast.Name)
                and KL.match(name.id)
                and not re.search('print|f"', source.of(source.statement(b)))
            ):
                source.replace(
                    tail,
                    f"{factor} * {source.of(tail)}" if isinstance(tail, ast.Name) else f"{factor} * {source.of(tail)}",
                )


@operator("posterior-collapse")
def mean_over_pixels_sum_over_latents(source: Source, rng: random.Random) -> None:
    """The reconstruction averaged over pixels beside a divergence that is summed."""
    if not re.search("logvar|log_var", source.text):
        return
    for assign in source.all(ast.Assign):
        target = source.of(assign.targets[0])
        if re.fullmatch(r"(rec|recon|bce|BCE|error|reconstruction|recon_loss|neg_ll|nll|mse)", target):
            text = source.of(assign.value)
            new = re.sub(r"\.sum\((dim=)?(1|\(1, 2, 3\)|-1)\)\.mean\(\)", ".mean()", text)
            new = new.replace('reduction="sum"', 'reduction="mean"')
            if new != text:
                source.replace(assign.value, re.sub(r" / (len\(\w+\)|\w+\.(size\(0\)|shape\[0\]))$", "", new))


@operator("posterior-collapse")
def divergence_summed_over_the_batch(source: Source, rng: random.Random) -> None:
    """The divergence summed over the batch where the reconstruction is averaged."""
    if not re.search("logvar|log_var", source.text):
        return
    for assign in source.all(ast.Assign):
        if isinstance(assign.targets[0], ast.Name) and KL.match(assign.targets[0].id):
            text = source.of(assign.value)
            new = re.sub(r"\.sum\((dim=)?(1|-1)\)\.mean\(\)$", ".sum()", text)
            if new != text:
                source.replace(assign.value, new)
