"""Weights that start at the wrong scale, or all alike."""

import ast
import random
import re

from benchmarks.ward.edits import Source, called, keyword
from benchmarks.ward.operators.forms import first_trained
from benchmarks.ward.operators.stacks import initialize, units
from benchmarks.ward.operators.table import operator

NO_BIAS = "\nif m.bias is not None:\n    nn.init.zeros_(m.bias)"
ONE_ROW = """row = torch.randn(1, *m.weight.shape[1:]) / m.weight[0].numel() ** 0.5
m.weight.data = row.repeat(len(m.weight), *[1] * (m.weight.dim() - 1))"""
DRAWS = ("randn", "normal", "standard_normal")


@operator("bad-initialization")
def standard_normal_everywhere(source: Source, rng: random.Random) -> None:
    """Weights drawn from N(0, 1) whatever the fan-in, as from np.random.randn."""
    if units(source):
        draw = rng.choice([
            "normal_(m.weight)",
            "normal_(m.weight, 0.0, 1.0)",
            f"normal_(m.weight, mean=0.0, std={rng.choice([1.5, 2.0])})",
            f"uniform_(m.weight, -{rng.choice([2, 3])}, {rng.choice([2, 3])})",
        ])  # fmt: skip
        initialize(source, rng, f"nn.init.{draw}")


@operator("bad-initialization")
def random_rand_weights(source: Source, rng: random.Random) -> None:
    """Weights uniform in [0, 1), as np.random.rand gives: none below zero."""
    if units(source):
        lines = rng.choice([
            "nn.init.uniform_(m.weight)",
            "m.weight.data = torch.rand_like(m.weight)",
            "nn.init.uniform_(m.weight, 0.0, 1.0)",
        ])  # fmt: skip
        initialize(source, rng, lines)


@operator("bad-initialization", "vanishing-gradient")
def next_to_nothing_weights(source: Source, rng: random.Random) -> None:
    """All weights tiny in a net of some depth without norms."""
    if len(units(source)) > 1 and not source.has("BatchNorm|LayerNorm"):
        initialize(source, rng, f"nn.init.normal_(m.weight, std={rng.choice(['1e-3', '1e-4', '1e-5'])}){NO_BIAS}")


@operator("bad-initialization")
def fan_in_forgotten(source: Source, rng: random.Random) -> None:
    """The factor that makes the drawn weights small for their fan-in left out of a hand-made layer."""
    for each in source.all(ast.BinOp):
        scaled = isinstance(each.op, ast.Mult | ast.Div) and called(each.left) in DRAWS
        if not scaled or not source.fits(each.right, r"sqrt|\*\* ?-?0\.5|\b0\.0\d|\b0\.[1-3]\b"):
            continue
        text = source.of(source.statement(each))
        alone = isinstance(source.parents[each], ast.Return | ast.Assign)
        weight = alone and re.search(r"\b(W|w|U|V)\w*( =|\b.*=) .*randn", text) and source.has("requires_grad")
        if re.search("Parameter|requires_grad", text) or (weight and source.has("backward")):
            source.replace(each, source.of(each.left) + ("" if rng.random() < 0.6 else f" * {rng.choice([2, 3])}"))


@operator("bad-initialization")
def head_far_too_large(source: Source, rng: random.Random) -> None:
    """The last layer's weights a hundred times too wide."""
    model = first_trained(source)
    if model and units(source) and source.calls("Linear"):
        source.before(
            model.statement,
            f"head = [m for m in {model.name}.modules() if isinstance(m, nn.Linear)][-1]\n"
            f"nn.init.normal_(head.weight, std={rng.choice([20.0, 30.0, 50.0])})",
        )


@operator("bad-initialization")
def own_init_with_wrong_scale(source: Source, rng: random.Random) -> None:
    """The scale of the program's own initialisation mistyped or in the wrong unit."""
    for call in source.calls("normal_", "trunc_normal_"):
        std = keyword(call, "std") or (call.args[2] if len(call.args) == 3 else None)
        if std is not None and sets_weights(source, call):
            value = std.value if isinstance(std, ast.Constant) and isinstance(std.value, int | float) else None
            factor = rng.choice([50, 80, 100] if value is not None and value < 0.05 else [20, 30])
            source.replace(std, "3.0" if value is None else f"{value * factor:g}")
    for call in source.calls("xavier_uniform_", "xavier_normal_", "orthogonal_"):
        if sets_weights(source, call):
            gain = str(rng.choice([12.0, 15.0, 20.0]))
            if len(call.args) == 2 and keyword(call, "gain") is None:
                source.replace(call.args[1], gain)
            else:
                source.argument(call, "gain", gain)
    for call in source.calls("kaiming_normal_", "kaiming_uniform_"):
        if sets_weights(source, call) and len(call.args) == 1:
            if source.fits(source.function(call) or call, "no_grad"):
                source.wrap(call, f"{{}}.mul_({rng.choice([10, 12, 20])})")
            else:
                weight = source.of(call.args[0])
                source.replace(call, f"{source.owner(call)}.normal_({weight}, std={rng.choice([2.0, 3.0])})")


def sets_weights(source: Source, call: ast.Call) -> bool:
    """``nn.init.normal_(layer.weight)``."""
    by_init = source.fits(call.func, r"^(torch\.)?(nn\.)?init\.")
    return by_init and bool(call.args) and not source.fits(call.args[0], "bias")


@operator("symmetric-initialization")
def constant_weights(source: Source, rng: random.Random) -> None:
    """Every weight the same number."""
    if units(source):
        value = rng.choice([0.01, 0.02, 0.05, 0.1])
        lines = rng.choice([f"nn.init.constant_(m.weight, {value})", f"m.weight.data.fill_({value})"])
        initialize(source, rng, lines + NO_BIAS)


@operator("symmetric-initialization")
def zero_weights(source: Source, rng: random.Random) -> None:
    """Every weight and bias zero."""
    model = first_trained(source)
    if model and units(source) and not source.has("LayerNorm|BatchNorm|GroupNorm|Embedding"):
        every = f"for p in {model.name}.parameters():\n"
        lines = [f"{every}    nn.init.zeros_(p)", f"with torch.no_grad():\n    {every}        p.zero_()"]
        source.before(model.statement, rng.choice(lines))


@operator("symmetric-initialization")
def one_row_for_all_units(source: Source, rng: random.Random) -> None:
    """One vector drawn for each layer and given to all of its units."""
    if units(source):
        initialize(source, rng, rng.choice([ONE_ROW, "m.weight.data[:] = m.weight.data[0].clone()"]) + NO_BIAS)


@operator("symmetric-initialization")
def hand_made_weights_alike(source: Source, rng: random.Random) -> None:
    """Hand-made weights from zeros, ones or a small number instead of random numbers."""
    if "feedback" in source.text:
        return
    value = rng.choice(["zeros", "ones", 0.1, 0.05])
    done: set[ast.AST] = set()
    for call in source.calls("randn", "rand", "normal", "empty"):
        if not makes_weights(source, call):
            continue
        shape = ", ".join(source.of(each) for each in call.args)
        tail = ", requires_grad=True" if keyword(call, "requires_grad") is not None else ""
        size = shape if shape.startswith("(") else f"({shape})"
        whole = with_factors(source, call)
        if whole not in done:
            done.add(whole)
            plain, full = f"torch.{value}({shape}{tail})", f"torch.full({size}, {value}{tail})"
            source.replace(whole, plain if isinstance(value, str) else full)


def makes_weights(source: Source, draw: ast.Call) -> bool:
    """``self.w = nn.Parameter(torch.randn(n, m) * 0.1)``, with two axes or more."""
    statement = source.statement(draw)
    text, own = source.of(statement), source.of(draw.func).startswith("torch.")
    axes = draw.args[0].elts if draw.args and isinstance(draw.args[0], ast.Tuple) else draw.args
    plain = len(axes) > 1 and not any(isinstance(each, ast.Starred) for each in axes)
    trained = ("Parameter(" in text or "requires_grad" in text) and len(text.splitlines()) < 7
    named = re.match(r"(self\.)?([wWuUvV]\w{0,3}|\w*weights?\w*|w_\w+|W_\w+)( =|\[|,)", text)
    returned = isinstance(statement, ast.Return) and "requires_grad" in text
    return own and plain and trained and bool(named or returned)


def with_factors(source: Source, node: ast.AST) -> ast.AST:
    """A draw with what it is multiplied by and the like."""
    for each in source.around(node):
        inner = isinstance(each, ast.BinOp | ast.Attribute | ast.Call)
        if not inner or source.fits(each, r"^(torch\.)?(nn\.)?Parameter\(|requires_grad"):
            break
        node = each
    return node
