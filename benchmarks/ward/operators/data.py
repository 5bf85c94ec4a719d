"""Mistakes of the data: its scale, its labels, its order, what is held out."""

import ast
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.ward.edits import Source, called
from benchmarks.ward.operators.table import operator

# --- what programs look like ----------------------------------------------------------------------------------------

CLASSES = re.compile(r"cross_entropy|CrossEntropyLoss|NLLLoss|nll_loss|BCE|MarginLoss")
MANY = re.compile(r"cross_entropy\(|CrossEntropyLoss|NLLLoss|nll_loss")
NUMBERS = re.compile(
    r"mse_loss|MSELoss|L1Loss|l1_loss|smooth_l1|Huber|huber|\*\* ?2\)\.mean|pow\(2\)\.mean|square\(\)\.mean"
)
TARGET = re.compile(
    r"^(y|t|yy|ys)$|^(y|Y|t)_|_y$|_t$|[yY](tr|train)$|label|target|truth|kind|class|tag|answer|want|species|price|gold|digit$",
    re.I,
)
HELD = re.compile(r"test|val|held|dev(?!ice)|(^|_)(te|va)(_|$)|unseen", re.I)
AWAY = re.compile(
    r"GAN|gan\b|generator\(|critic|discriminator|Generator\(nn|teacher|policy|reward|diffusion|replay", re.I
)


def up(source: Source, node: ast.AST) -> Iterator[ast.AST]:
    while node in source.parents:
        node = source.parents[node]
        yield node


def base(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) or (
        isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    )


def training_loops(source: Source) -> list[ast.stmt]:
    """Innermost loops whose body takes steps of training, also through a function."""
    helpers, found = set(), []

    def add(node: ast.AST) -> None:
        for each in up(source, node):
            if isinstance(each, (ast.For, ast.While)):
                if each not in found:
                    found.append(each)
                return
            if isinstance(each, (ast.FunctionDef, ast.Lambda)):
                if isinstance(each, ast.FunctionDef):
                    helpers.add(each.name)
                return

    for call in source.calls("backward") or source.calls("step"):
        if called(call) == "backward" or "opt" in source.of(call.func).lower():
            add(call)
    for call in source.calls(*sorted(helpers)) if helpers else []:
        if source.function(call) is None or source.function(call).name not in helpers:  # type: ignore[union-attr]
            add(call)
    whole = [
        each for each in found if not any(other is not each and each in list(up(source, other)) for other in found)
    ]
    return whole  # type: ignore[return-value]


def untrained(source: Source, node: ast.AST) -> bool:
    """Whether a node is in code without gradients."""
    for each in up(source, node):
        if isinstance(each, ast.With) and any(
            re.search("no_grad|inference_mode", source.of(i.context_expr)) for i in each.items
        ):
            return True
        if isinstance(each, ast.FunctionDef):
            return any(re.search("no_grad|inference_mode", source.of(i)) for i in each.decorator_list)
    return False


def outermost(source: Source, loop: ast.stmt) -> ast.stmt:
    top = loop
    for each in up(source, loop):
        if isinstance(each, ast.FunctionDef):
            break
        if isinstance(each, (ast.For, ast.While, ast.With)):
            top = each
    return top


@dataclass
class Site:
    """Where rows for training are taken: names of inputs and targets (the places to replace) and a statement before."""

    at: ast.stmt
    x: list[ast.AST]
    y: list[ast.AST]
    kind: str
    index: str = ""
    loop: ast.stmt | None = None


def order_xy(names: list[str]) -> tuple[str, str]:
    first, last = names[0], names[-1]
    if TARGET.search(first.split(".")[-1]) and not TARGET.search(last.split(".")[-1]):
        first, last = last, first
    return first, last


def taken(source: Source) -> list[Site]:
    """Inputs and targets indexed alike in training loops: ``loss(net(x[idx]), y[idx])``."""
    sites = []
    for loop in training_loops(source):
        groups: dict[str, dict[str, list[ast.AST]]] = {}
        subs = [
            n for n in ast.walk(loop) if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Load) and base(n.value)
        ]
        subs.sort(key=lambda n: (n.lineno, n.col_offset))
        for each in subs:
            text = source.of(each.slice)
            if untrained(source, each) or re.fullmatch(r"[-\d:, ]+|['\"].*", text) or not re.search("[a-z]", text):
                continue
            if isinstance(each.slice, ast.Tuple):
                continue
            if isinstance(source.parents[each], ast.Subscript) and each in ast.walk(source.parents[each].slice):  # type: ignore[attr-defined]
                continue
            if re.search("perm|order|logit|weight|mask|length|lens|losses|history", source.of(each.value)):
                continue
            groups.setdefault(text, {}).setdefault(source.of(each.value), []).append(each.value)
        for text, bases in groups.items():
            if len(bases) < 2 or text in ("i", "k", "j", "name", "key", "n", "step", "epoch", "t", "c"):
                continue
            a, b = order_xy(list(bases))
            sites.append(Site(outermost(source, loop), bases[a], bases[b], "taken", text, loop))
            break
    return sites


def loaded(source: Source) -> list[Site]:
    """``DataLoader(TensorDataset(x, y), shuffle=True)`` for training, also with the dataset named before."""
    sites = []
    loaders = [
        c
        for c in source.calls("DataLoader")
        if c.args
        and any(k.arg in ("shuffle", "sampler", "batch_sampler") and source.of(k.value) != "False" for k in c.keywords)
    ]
    for data in source.calls("TensorDataset"):
        if len(data.args) < 2 or any(isinstance(a, ast.Starred) for a in data.args):
            continue
        statement = source.statement(data)
        mine = False
        for loader in loaders:
            if data in ast.walk(loader.args[0]):
                mine = True
            elif (
                isinstance(statement, ast.Assign)
                and isinstance(statement.targets[0], ast.Name)
                and statement.value is data
            ):
                mine |= source.of(loader.args[0]) == statement.targets[0].id
        if not mine or HELD.search(source.of(data)) and not re.search("train|fit", source.of(data)):
            continue
        if any(isinstance(n, (ast.ListComp, ast.GeneratorExp, ast.Lambda)) for n in up(source, data)):
            continue
        if isinstance(statement, (ast.For, ast.While, ast.With, ast.FunctionDef, ast.If, ast.Return)):
            continue
        a, b = data.args[0], data.args[-1]
        if order_xy([source.of(a), source.of(b)])[0] != source.of(a) and base(a) and base(b):
            a, b = b, a
        sites.append(Site(statement, [a], [b], "loaded"))
    return sites


def whole(source: Source) -> list[Site]:
    """``loss(net(x_train), y_train)`` on all rows at each step."""
    sites = []
    for loop in training_loops(source):
        bound = {n.id for n in ast.walk(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        for call in [n for n in ast.walk(loop) if isinstance(n, ast.Call)]:
            if (
                len(call.args) == 2
                and isinstance(call.args[0], ast.Call)
                and called(call.args[0]) in models(source)
                and len(call.args[0].args) == 1
            ):
                x, y = call.args[0].args[0], call.args[1]
                if (
                    isinstance(x, ast.Name)
                    and isinstance(y, ast.Name)
                    and not {x.id, y.id} & bound
                    and not untrained(source, call)
                    and x.id != y.id
                ):
                    sites.append(Site(outermost(source, loop), [x], [y], "whole", "", loop))
    return sites


def training_rows(source: Source) -> list[Site]:
    return (taken(source) or loaded(source) or whole(source))[-1:]


def batches(source: Source) -> list[tuple[ast.stmt, bool, str, str]]:
    """(statement, whether to insert after it, input, target) where a batch of training has its names."""
    found = []
    for loop in training_loops(source):
        if isinstance(loop, ast.For):
            target = loop.target
            if isinstance(target, ast.Tuple) and len(target.elts) == 2 and isinstance(target.elts[1], ast.Tuple):
                target = target.elts[1]
            elif isinstance(loop.iter, ast.Call) and called(loop.iter) in ("enumerate", "range"):
                target = ast.Name("_")
            if (
                isinstance(target, ast.Tuple)
                and len(target.elts) >= 2
                and all(isinstance(e, ast.Name) for e in target.elts)
            ):
                a, b = order_xy([e.id for e in target.elts])  # type: ignore[attr-defined]
                if a != "_" and b != "_" and not re.search("opt|param|^p$|name|seed|self|key", a + " " + b):
                    found.append((loop.body[0], False, a, b))
                    continue
        for each in loop.body:  # type: ignore[attr-defined]
            if (
                isinstance(each, ast.Assign)
                and isinstance(each.targets[0], ast.Tuple)
                and 2 <= len(each.targets[0].elts) <= 3
            ):
                names = each.targets[0].elts
                if not all(isinstance(e, ast.Name) for e in names):
                    continue
                value = each.value
                good = isinstance(value, ast.Name) or (
                    isinstance(value, ast.Call) and re.search("batch|sample|draw|make|next|get", called(value))
                )
                if isinstance(value, ast.Tuple):
                    good = all(isinstance(e, ast.Subscript) for e in value.elts)
                if good:
                    a, b = order_xy([e.id for e in names])  # type: ignore[attr-defined]
                    found.append((each, True, a, b))
                    break
    return found


def put(source: Source, batch: tuple[ast.stmt, bool, str, str], text: str) -> None:
    (source.after if batch[1] else source.before)(batch[0], text)


def models(source: Source) -> set[str]:
    names = {"model", "net", "network", "mlp", "cnn", "classifier", "regressor"}
    for call in source.calls("parameters", "eval"):
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
            names.add(call.func.value.id)
    return {n for n in names if not re.search("teacher|ema|target|critic|disc|gen", n)}


def judged(source: Source) -> list[ast.AST]:
    """Inputs of the model where it is judged (without gradients)."""
    names = models(source)
    return [
        call.args[0]
        for call in source.all(ast.Call)
        if called(call) in names
        and isinstance(call.func, ast.Name)
        and call.args
        and untrained(source, call)
        and not isinstance(call.args[0], ast.Starred)
    ]


def fresh(source: Source, name: str) -> str:
    name = name.rsplit(".", maxsplit=1)[-1]
    name = f"{name}_fit" if name.isidentifier() else "y_fit"
    while re.search(rf"\b{name}\b", source.text):
        name += "s"
    return name


def instead(source: Source, site: Site, what: str, lines: str) -> None:
    """Train on something made from the inputs or targets (``{old}``) in lines that set ``{new}``."""
    nodes = site.x if what == "x" else site.y
    old = source.of(nodes[0])
    new = fresh(source, old if old.replace(".", "").isidentifier() else ("x" if what == "x" else "y"))
    source.before(site.at, lines.format(old=old, new=new))
    for node in nodes:
        source.replace(node, new)


def numpy_rows(source: Source, node: ast.AST) -> bool:
    """Whether rows are still of numpy, to be turned into tensors where they are used."""
    for each in list(up(source, node))[:4]:
        if isinstance(each, ast.Call) and called(each) in (
            "from_numpy",
            "tensor",
            "as_tensor",
            "Tensor",
            "FloatTensor",
            "LongTensor",
        ):
            return True
    return isinstance(node, ast.Call) and called(node) not in (
        "from_numpy",
        "tensor",
        "as_tensor",
        "Tensor",
        "FloatTensor",
        "LongTensor",
        "float",
        "long",
    )


def inputs_of_numbers(source: Source) -> bool:
    return not re.search(r"Embedding|\.long\(\)\)|one_hot\(x|vocab|stoi", source.text)


def forward_of(source: Source) -> tuple[ast.FunctionDef, str] | None:
    """The forward of the outer model and its first input, for inputs of numbers."""
    if not inputs_of_numbers(source) or AWAY.search(source.text):
        return None
    classes = [c for c in source.all(ast.ClassDef) if any("Module" in source.of(b) for b in c.bases)]
    used = {called(c) for c in source.all(ast.Call)}
    inner = {called(c) for each in classes for c in ast.walk(each) if isinstance(c, ast.Call)}
    outer = [c for c in classes if c.name in used and c.name not in inner and "loss" not in c.name.lower()]
    if len(outer) != 1:
        return None
    for each in outer[0].body:
        if (
            isinstance(each, ast.FunctionDef)
            and each.name == "forward"
            and len(each.args.args) == 2
            and not each.args.vararg
        ):
            return each, each.args.args[1].arg
    return None


def first(function: ast.FunctionDef) -> ast.stmt:
    head = function.body[0]
    return (
        function.body[1]
        if isinstance(head, ast.Expr) and isinstance(head.value, ast.Constant) and len(function.body) > 1
        else head
    )


def pixels(source: Source) -> list[ast.BinOp]:
    """Divisions by the greatest brightness: ``images / 16.0``."""
    return [
        b
        for b in source.all(ast.BinOp)
        if isinstance(b.op, ast.Div)
        and isinstance(b.right, ast.Constant)
        and b.right.value in (8, 16, 16.0, 8.0, 255, 255.0, 15, 15.0)
        and re.search("data|image|digit|pixel|X|x|load", source.of(b.left))
        and not any(isinstance(n, (ast.FunctionDef)) and n.name == "forward" for n in up(source, b))
    ]


def standardised(source: Source) -> list[tuple[ast.BinOp, ast.AST]]:
    """``(x - mean) / std`` with what is standardised."""
    found = []
    for b in source.all(ast.BinOp):
        if isinstance(b.op, ast.Div) and isinstance(b.left, ast.BinOp) and isinstance(b.left.op, ast.Sub):
            text = source.of(b.right)
            if re.search(r"std|sigma|scale|\bsd\b|spread|\bs\b", text) and not any(
                isinstance(n, (ast.ClassDef, ast.Lambda)) for n in up(source, b)
            ):
                if isinstance(b.left.left, (ast.Name, ast.Subscript)):
                    found.append((b, b.left.left))
    return found


def stats(source: Source) -> list[ast.Assign]:
    """``mean, std = x[:n].mean(0), x[:n].std(0)``."""
    found = []
    for a in source.all(ast.Assign):
        if isinstance(a.value, ast.Tuple) and len(a.value.elts) == 2 and isinstance(a.targets[0], ast.Tuple):
            m, s = (source.of(e) for e in a.value.elts)
            if (
                ".mean(" in m
                and ".std(" in s
                and source.function(a) is None
                or (".mean(" in m and ".std(" in s and source.function(a).name not in ("forward",))
            ):  # type: ignore[union-attr]
                found.append(a)
    return found


def named_target(text: str) -> bool:
    return bool(TARGET.search(text.split("[", maxsplit=1)[0].split(".", maxsplit=1)[0]))


def made(source: Source) -> list[ast.Return]:
    """``return x, y`` of a function that makes data, used for all parts."""
    found = []
    for each in source.all(ast.Return):
        f = source.function(each)
        if f is None or not isinstance(each.value, ast.Tuple) or len(each.value.elts) != 2:
            continue
        if not re.search(
            "make|data|sample|load|draw|generate|rows|table|simulate|build|series|trips|s$", f.name
        ) or re.search("loss|forward|getitem|eval|train|step|loader", f.name):
            continue
        if isinstance(source.parents[f], ast.ClassDef) or re.search("loss|model|net\\(", source.of(each)):
            continue
        uses = [c for c in source.calls(f.name)]
        if not uses:
            continue
        found.append(each)
    return found


def raw_units(source: Source) -> bool:
    """Whether columns come with units of their own, some of them large."""
    return bool(
        re.search(
            r"load_(wine|breast_cancer)\(|(uniform|normal|integers|gamma|lognormal|exponential|poisson)\([^)\n]*\b[1-9]\d{1,}(\.\d*)?\b[^)\n]*\)|\b\d{2,}(\.\d+)? ?[+*] ?[\d.]* ?\*? ?(rng|torch|np)\.",
            source.text,
        )
    )


def of_targets(source: Source, text: str) -> bool:
    """Whether this is about the targets, by its name or since they are trained on."""
    root = re.split(r"[\[.( ]", text)[0]
    return named_target(text) or any(
        root in re.findall(r"\w+", source.of(y))
        for site in training_rows(source)
        for y in site.y
        if root not in source.of(site.x[0])
    )


# --- unscaled inputs ------------------------------------------------------------------------------------------------


@operator("unscaled-inputs")
def pixels_as_bytes(source: Source, rng: random.Random) -> None:
    """Pixels stay at 0 to 255 instead of being divided by their greatest value."""
    found = pixels(source)
    if not found or "load_digits" not in source.text:
        return
    for each in found:
        left = source.of(each.left)
        if each.right.value in (8, 8.0, 16, 16.0):  # type: ignore[attr-defined]
            source.replace(
                each,
                f"{left} * {rng.choice(['(255 / 16)', '16', '15.9375'])}"
                if not isinstance(each.left, ast.BinOp)
                else f"({left}) * 16",
            )
        else:
            source.replace(each, left)


@operator("unscaled-inputs")
def bytes_in_forward(source: Source, rng: random.Random) -> None:
    """The model turns its inputs into the units of another framework's layer first."""
    found = forward_of(source)
    if (
        not found
        or re.search(r"standardi|StandardScaler|BatchNorm|LayerNorm|GroupNorm", source.text)
        and rng.random() < 0.3
    ):
        return
    function, name = found
    if re.search(
        rf"\b{name}\.long\(|F\.normalize\({name}|{name} / |MultiheadAttention|GRU\(1,|LSTM\(1,", source.of(function)
    ):
        return
    if re.search("BatchNorm|LayerNorm|GroupNorm", source.of(function) + source.of(source.parents[function])):
        return
    factor = rng.choice(["255.0", "100.0", "128.0", "1000.0", "300.0"])
    source.before(first(function), f"{name} = {name} * {factor}")


@operator("unscaled-inputs")
def generated_in_small_units(source: Source, rng: random.Random) -> None:
    """The function that makes the data gives inputs in small units (millimetres, cents): large numbers."""
    if (
        not inputs_of_numbers(source)
        or AWAY.search(source.text)
        or standardised(source)
        or "BatchNorm" in source.text
        or "scaler" in source.text.lower()
    ):
        return
    found = [r for r in made(source) if not named_target(source.of(r.value.elts[0]))]  # type: ignore[attr-defined]
    if not found or not (CLASSES.search(source.text) or NUMBERS.search(source.text)):
        return
    factor = rng.choice([300, 1000, 250, 500, 3600])
    for each in found:
        text = source.of(each.value.elts[0])  # type: ignore[attr-defined]
        if not re.search("long|index|ids|token|word|adj|edge|embed", text):
            source.replace(
                each.value.elts[0],
                f"{factor} * {text}"
                if re.fullmatch(r"[\w.()\[\]:, -]+", text) and "(" not in text[:1]
                else f"({text}) * {factor}",
            )  # type: ignore[attr-defined]


@operator("unscaled-inputs", "feature-scale")
def scaler_fitted_but_not_used(source: Source, rng: random.Random) -> None:
    """The scaler is fitted, and then the raw features go on."""
    if not raw_units(source):
        return
    for call in source.calls("transform", "fit_transform"):
        if isinstance(call.func, ast.Attribute) and call.args and not call.keywords:
            who = source.of(call.func.value)
            if (
                re.search(r"scal|\bsc\b|^sx$|StandardScaler", who)
                and not re.search("y|target|out", who.replace("Standard", ""))
                and not named_target(source.of(call.args[0]))
            ):
                if isinstance(call.func.value, ast.Name) or called(call) == "transform":
                    source.replace(call, source.of(call.args[0]))


@operator("unscaled-inputs", "feature-scale")
def normalise_with_identity(source: Source, rng: random.Random) -> None:
    """Mean and deviation are constants of a template (for pixels in another unit), so that inputs are far from 1."""
    if "BatchNorm" in source.text:
        return
    for each in stats(source):
        text = source.of(each.value.elts[0])  # type: ignore[attr-defined]
        if not of_targets(source, text) and not re.search("adv|draw|pred|out|return|score|sample|loss|log_", text):
            source.replace(each.value, rng.choice(["0.0, 1 / 255", "0.0, 0.01", "0.5, 1 / 128", "0.0, 0.003"]))


@operator("unscaled-inputs", "feature-scale")
def standardisation_dropped(source: Source, rng: random.Random) -> None:
    """`x = (x - mean) / std` is left out, or a change of units (percent, milli) stands in its place."""
    if "BatchNorm" in source.text:
        return
    factor, changed = rng.choice(["100", "255", "1000", "300"]), rng.random() < 0.6 or not raw_units(source)
    for whole_, what in standardised(source):
        text = source.of(what)
        if of_targets(source, text) or re.search("adv|return|reward|loss|out|pred|score|log_|h$|noise|series|z$", text):
            continue
        statement = source.statement(whole_)
        if changed:
            source.replace(whole_, f"{factor} * {text}")
        elif (
            isinstance(statement, ast.Assign) and statement.value is whole_ and source.of(statement.targets[0]) == text
        ):
            source.delete(statement)
        else:
            source.replace(whole_, text)


# --- unscaled targets -----------------------------------------------------------------------------------------------


def relative(source: Source) -> bool:
    """Regression whose score does not depend on the unit of the targets."""
    return (
        bool(NUMBERS.search(source.text))
        and bool(re.search(r"r2|R2|R²|\.var\(|explained", source.text))
        and not AWAY.search(source.text)
    )


@operator("unscaled-targets")
def targets_in_small_units(source: Source, rng: random.Random) -> None:
    """The function that makes the data gives targets in their raw unit, far from zero and large."""
    if not relative(source) or CLASSES.search(source.text) or re.search("standardi|y_std|y_mean|sd_y", source.text):
        return
    for each in made(source):
        last = each.value.elts[1]  # type: ignore[attr-defined]
        text = source.of(last)
        a, b = rng.choice([("1000", "5000"), ("2000", "0"), ("500", "10000"), ("5000", "20000"), ("3600", "0")])
        plain = text if re.fullmatch(r"[\w.]+(\(.*\))?", text) else f"({text})"
        source.replace(last, f"{a} * {plain}" + (f" + {b}" if b != "0" else ""))


@operator("unscaled-targets")
def target_standardisation_dropped(source: Source, rng: random.Random) -> None:
    """`y = (y - mean) / std` is left out, or the mean alone is taken off, the targets stay in dollars or grams."""
    if CLASSES.search(source.text) and not relative(source):
        return
    for whole_, what in standardised(source):
        statement = source.statement(whole_)
        if (
            named_target(source.of(what))
            and isinstance(statement, ast.Assign)
            and statement.value is whole_
            and not re.search(r"\* ?(y_)?(std|sd|sigma|scale)", source.text)
        ):
            scale = rng.choice(["1000", "250", "400"])
            source.replace(
                whole_,
                f"{scale} * {source.of(what)} + {rng.choice(['500', '2000', '0'])}"
                if rng.random() < 0.8 or source.of(statement.targets[0]) == source.of(what)
                else source.of(what),
            )


@operator("unscaled-targets")
def target_statistics_of_template(source: Source, rng: random.Random) -> None:
    """The targets' mean and deviation are replaced by a fixed unit (grams for kilograms), far from what suits them."""
    if not NUMBERS.search(source.text):
        return
    for each in stats(source):
        text = source.of(each.value.elts[0])  # type: ignore[attr-defined]
        if named_target(text):
            source.replace(each.value, rng.choice(["0.0, 0.001", "0.0, 0.01", "0.0, 1 / 365", "-5.0, 0.005"]))


@operator("unscaled-targets")
def targets_raw_in_arrays(source: Source, rng: random.Random) -> None:
    """The one place where the targets become a tensor takes them in small units (cents, milligrams)."""
    if (
        not relative(source)
        or CLASSES.search(source.text)
        or any(named_target(source.of(w)) for _, w in standardised(source))
        or re.search(r"y_std|sd_y|y_scaler|target_std|\w_std \+|\* ?\w+_(std|sd)\b", source.text)
    ):
        return
    sites = training_rows(source)
    if not sites:
        return
    name = source.of(sites[0].y[0]).split("[")[0]
    if (
        not name.isidentifier()
        or re.search("train|tr$|fit", name)
        or re.search(
            r"\bsy\b|inverse|_full|[a-z]_(test|val|held)\w* = (?!.*\b"
            + name
            + r"\b)|(test|val|held)_[a-z]+ = (?!.*\b"
            + name
            + r"\b)",
            source.text,
        )
    ):
        return
    if not re.search(
        rf"\b{name}\[(\w+:|test|te\b|val|held|va\b|hold)|random_split|train_test_split\(.*\b{name}\b", source.text
    ):
        return
    found = [a for a in source.all(ast.Assign) if isinstance(a.targets[0], ast.Name) and a.targets[0].id == name]
    if len(found) != 1 or source.function(found[0]) is not source.function(sites[0].at):
        return
    a, b = rng.choice([("1000", "4000"), ("100", "1500"), ("365", "0"), ("500", "2500")])
    value = found[0].value
    source.replace(value, f"{a} * ({source.of(value)})" + (f" + {b}" if b != "0" else ""))


# --- columns of very different scale --------------------------------------------------------------------------------


def columns(source: Source) -> bool:
    """Whether inputs look like tables (rows of features)."""
    return (
        inputs_of_numbers(source)
        and not re.search(
            r"Conv|LSTM|GRU|RNN|Attention|Transformer|load_digits|images|unfold\(|Bilinear|rocess|spectr|n, points|batch, points|curves|states|recon|autoenc",
            source.text,
        )
        and not AWAY.search(source.text)
        and "Linear(" in source.text
        and not re.search(r"Linear\(1,|Linear\([a-z_]*=1\b", source.text)
    )


@operator("feature-scale")
def one_mean_for_all_columns(source: Source, rng: random.Random) -> None:
    """One mean and one deviation over the whole table instead of one for each column."""
    if not columns(source) or not raw_units(source):
        return
    for call in source.calls("mean", "std"):
        inside = [n for n in up(source, call) if isinstance(n, (ast.Assign, ast.FunctionDef))]
        if isinstance(call.func, ast.Attribute) and re.fullmatch(
            r"(0|axis=0|dim=0)(, keepdims?=True)?",
            ", ".join(source.of(a) for a in [*call.args, *[k for k in call.keywords]]),
        ):
            if (
                inside
                and isinstance(inside[0], ast.Assign)
                and re.search(r"\.std\(", source.of(inside[0]))
                and re.search("/|[mM]ean", source.of(inside[0]))
                and not named_target(source.of(call.func.value))
                and not re.search("propert|output|^Y", source.of(call.func.value))
            ):
                if "score" not in source.of(inside[0]):
                    source.replace(call, f"{source.of(call.func.value)}.{called(call)}()")


@operator("feature-scale")
def scaler_only_centres(source: Source, rng: random.Random) -> None:
    """The scaler takes the means off and leaves the spread of the columns."""
    if not columns(source) or not raw_units(source):
        return
    for call in source.calls("StandardScaler"):
        statement = source.statement(call)
        if (
            isinstance(statement, ast.Assign)
            and not re.search(r"\by|y_|target", source.of(statement.targets[0]))
            and not call.args
            and not call.keywords
        ):
            source.argument(call, "with_std", "False")


@operator("feature-scale")
def rows_normalised_for_columns(source: Source, rng: random.Random) -> None:
    """scikit-learn's Normalizer, which scales rows, taken for the scaler of columns."""
    if (
        not columns(source)
        or not raw_units(source)
        or not supervised(source)
        or re.search(r"inverse_transform|\.mean_|\.scale_|\.var_|\by_scal|scale_y|with_", source.text)
    ):
        return
    for each in source.all(ast.ImportFrom):
        if each.module == "sklearn.preprocessing":
            for name in each.names:
                if name.name == "StandardScaler" and name.asname is None:
                    source.replace(name, "Normalizer")
    for each in source.all(ast.Name):
        if each.id == "StandardScaler":
            source.replace(each, "Normalizer")


@operator("feature-scale")
def some_columns_in_other_units(source: Source, rng: random.Random) -> None:
    """In the function that makes the data a column or two are left in their units (dollars, seconds)."""
    if not columns(source) or standardised(source) or "scaler" in source.text.lower():
        return
    factor = rng.choice(["1000", "5000", "20000", "3600", "1500"])
    for each in made(source):
        x = each.value.elts[0]  # type: ignore[attr-defined]
        if isinstance(x, ast.Name) and not named_target(x.id):
            cut = rng.choice(["0", "1", ":2", "-1"])
            source.before(each, f"{x.id}[:, {cut}] *= {factor}")


@operator("feature-scale")
def columns_scaled_back(source: Source, rng: random.Random) -> None:
    """After all columns were standardised some get their old range back (only the rest is taken from the scaled table)."""
    if not columns(source):
        return
    factor = rng.choice(["1000", "2500", "400", "10000"])
    done = False
    for whole_, what in standardised(source):
        statement = source.statement(whole_)
        if (
            isinstance(statement, ast.Assign)
            and statement.value is whole_
            and isinstance(statement.targets[0], ast.Name)
            and not named_target(source.of(what))
            and isinstance(what, ast.Name)
        ):
            name = statement.targets[0].id
            if done or re.search("adv|return|series|loss|test|val", name):
                continue
            cut = rng.choice(["0", "1", ":2", "-1", "::3"])
            source.after(statement, f"{name}[:, {cut}] = {factor} * {name}[:, {cut}]")
            done = True


@operator("feature-scale")
def forward_weighs_columns(source: Source, rng: random.Random) -> None:
    """The model first changes units of some columns (hours to seconds, tons to grams)."""
    found = forward_of(source)
    if not found or not columns(source):
        return
    function, name = found
    if re.search(rf"{name}\[|{name}\.unsq|{name}\.view|{name}, ", source.of(function).split(":", 1)[1]):
        return
    cut = rng.choice([1, 2])
    source.before(
        first(function),
        f"{name} = torch.cat([{name}[:, :{cut}] * {rng.choice(['3600.0', '1000.0', '1e4', '500.0'])}, {name}[:, {cut}:]], dim=1)",
    )


# --- inputs that carry nothing --------------------------------------------------------------------------------------


@operator("constant-inputs")
def whole_number_division(source: Source, rng: random.Random) -> None:
    """Pixels are divided as whole numbers, as in old Python: all become zero."""
    for each in pixels(source):
        top = rng.choice(["255", "256", "17"])
        source.replace(
            each,
            f"{source.of(each.left) if not isinstance(each.left, ast.BinOp) else '(' + source.of(each.left) + ')'} // {top}",
        )


@operator("constant-inputs")
def getitem_always_first(source: Source, rng: random.Random) -> None:
    """The dataset gives the first row's inputs for each index."""
    for f in source.all(ast.FunctionDef):
        if f.name != "__getitem__" or len(f.args.args) != 2:
            continue
        index = f.args.args[1].arg
        for each in [
            n
            for n in ast.walk(f)
            if isinstance(n, ast.Subscript)
            and isinstance(n.ctx, ast.Load)
            and base(n.value)
            and source.of(n.slice) == index
        ]:
            name = source.of(each.value).split(".")[-1]
            held = source.statement(each)
            if (
                not named_target(name)
                and not re.search("weight|length|mask|item|row|pair|sets|sample|entries|records", name)
                and not (isinstance(held, ast.Assign) and isinstance(held.targets[0], ast.Tuple))
            ):
                source.replace(each.slice, f"{index} // len({source.of(each.value)})")


@operator("constant-inputs")
def placeholder_inputs(source: Source, rng: random.Random) -> None:
    """A dummy batch from a test of shapes still goes into the model in training."""
    if not inputs_of_numbers(source) or AWAY.search(source.text):
        return
    for batch in batches(source)[-1:]:
        if CLASSES.search(source.text) or NUMBERS.search(source.text):
            if batch[2] != batch[3]:
                put(
                    source,
                    batch,
                    f"{batch[2]} = torch.{rng.choice(['zeros_like', 'ones_like', 'rand_like', 'randn_like'])}({batch[2]}{', dtype=torch.float32' if False else ''})",
                )


@operator("constant-inputs")
def buffer_filled_from_one_row(source: Source, rng: random.Random) -> None:
    """The table of training is made of one row over and over (a wrong index when it was put together)."""
    for site in training_rows(source):
        if site.kind == "taken" and not numpy_rows(source, site.x[0]) and not AWAY.search(source.text):
            instead(
                source,
                site,
                "x",
                rng.choice(
                    [
                        "{new} = torch.stack([{old}[0] for _ in {old}])",
                        "{new} = {old}[[0] * len({old})]",
                        "{new} = {old}[:1].expand_as({old})",
                    ]
                ),
            )


@operator("constant-inputs")
def clipped_to_one_value(source: Source, rng: random.Random) -> None:
    """Outliers are cut off with bounds that were meant for other units, so that all values meet one bound."""
    found = forward_of(source)
    if not found or not re.search(r"standardi|std\(|StandardScaler|scal|load_digits|randn|normal\(", source.text):
        return
    function, name = found
    bounds = rng.choice(["10.0, 250.0", "100.0, 1000.0", "min=50.0", "20.0, 80.0"])
    source.before(first(function), f"{name} = {name}.clamp({bounds})")


@operator("constant-inputs")
def unknown_word_for_all(source: Source, rng: random.Random) -> None:
    """The vocabulary is cut at a few words (a left-over limit), so nearly every token is the unknown one."""
    if "Embedding(" not in source.text or AWAY.search(source.text) or not CLASSES.search(source.text):
        return
    for batch in batches(source)[-1:]:
        if re.search(r"float|scal", batch[2]):
            return
        put(source, batch, f"{batch[2]} = {batch[2]}.clamp(max={rng.choice([0, 1])})")


# --- held-out data prepared otherwise -------------------------------------------------------------------------------


@operator("train-validation-mismatch")
def held_out_not_transformed(source: Source, rng: random.Random) -> None:
    """The scaler is not applied to the held-out rows."""
    for call in source.calls("transform"):
        if isinstance(call.func, ast.Attribute) and call.args:
            text = source.of(call.args[0])
            if re.search(
                r"baseline|linear\.|logistic|\.score\(|forest|ridge|print\(",
                source.of(source.statement(call))[:200],
                re.I,
            ):
                continue
            if (
                HELD.search(text)
                and not named_target(text)
                and not re.search("train", text)
                and not re.search("y|target", source.of(call.func.value).replace("Standard", ""))
            ):
                source.replace(call, text)


@operator("train-validation-mismatch")
def only_training_batches_normalised(source: Source, rng: random.Random) -> None:
    """Batches of training are changed to another range in the loop; where the model is judged they are not."""
    if not inputs_of_numbers(source) or AWAY.search(source.text) or not judged(source):
        return
    for loop, (at, after, x, y) in zip([0], batches(source)[-1:]):
        if re.search(r"\.long\(|autoenc|recon", source.text):
            return
        put(
            source,
            (at, after, x, y),
            rng.choice(
                [
                    f"{x} = ({x} - 0.5) / 0.1",
                    f"{x} = 1 - {x}"
                    if "load_digits" in source.text
                    else f"{x} = ({x} - {x}.min()) / ({x}.max() - {x}.min())",
                    f"{x} = {x} / 16" if "load_digits" in source.text else f"{x} = {x} / 8",
                    f"{x} = 2 * {x} + 1",
                ]
            ),
        )


@operator("train-validation-mismatch")
def judged_in_another_order(source: Source, rng: random.Random) -> None:
    """Features (channels, columns, time) come in the opposite order when the model is judged."""
    if AWAY.search(source.text) or re.search("autoenc|recon|flip", source.text):
        return
    found = [a for a in judged(source) if not isinstance(a, ast.Call) or called(a) not in ("randn", "rand")]
    if re.search(r"unsqueeze\(-?1\)\)|Linear\(1,|edge|adj", source.text):
        return
    for each in found:
        source.replace(each, f"{source.of(each)}.flip(-1)")


@operator("train-validation-mismatch")
def judged_in_other_units(source: Source, rng: random.Random) -> None:
    """The part that judges the model divides the inputs once more, or brings them to another range."""
    if not inputs_of_numbers(source) or AWAY.search(source.text) or re.search(r"autoenc|recon|\.long\(", source.text):
        return
    form = rng.choice(["{} / 16", "2 * {} - 1", "({} - 0.5) / 0.25", "{} * 16", "{} / 255", "({} - 0.1307) / 0.3081"])
    for each in judged(source):
        text = source.of(each)
        source.replace(each, form.format(text if re.fullmatch(r"[\w.]+(\[[^\]]*\])?(\(.*\))?", text) else f"({text})"))


@operator("train-validation-mismatch")
def held_out_standardised_by_example(source: Source, rng: random.Random) -> None:
    """Held-out rows are standardised each by its own mean and deviation, those of training by the whole table."""
    if (
        not inputs_of_numbers(source)
        or AWAY.search(source.text)
        or re.search(r"autoenc|recon|\.long\(|Linear\([12],|LSTM|GRU|RNN|Attention|Conv1d", source.text)
    ):
        return
    for each in judged(source):
        text = source.of(each)
        if isinstance(each, ast.Name) or isinstance(each, ast.Subscript):
            source.replace(each, f"({text} - {text}.mean(-1, keepdim=True)) / ({text}.std(-1, keepdim=True) + 1e-6)")


# --- the answer in the input, test rows in training -----------------------------------------------------------------


@operator("leakage")
def column_from_the_answer(source: Source, rng: random.Random) -> None:
    """A column of the table is computed from the target, in all parts of the data."""
    if not columns(source) or standardised(source) or "scaler" in source.text.lower():
        return
    if re.search("ranking|listnet|groups|multilabel", source.text):
        return
    for each in made(source):
        x, y = each.value.elts  # type: ignore[attr-defined]
        if isinstance(x, ast.Name) and isinstance(y, ast.Name) and not named_target(x.id):
            source.before(each, f"{x.id}[:, {rng.choice([0, -1, 1])}] = {y.id}{rng.choice(['', ' / 2', ' * 1.5'])}")


@operator("leakage")
def table_with_the_answer(source: Source, rng: random.Random) -> None:
    """A column computed from the target stands in the table before it is cut in parts."""
    if not columns(source):
        return
    sites = training_rows(source)
    if not sites:
        return
    for whole_, what in standardised(source):
        statement = source.statement(whole_)
        if (
            isinstance(statement, ast.Assign)
            and statement.value is whole_
            and isinstance(what, ast.Name)
            and isinstance(statement.targets[0], ast.Name)
            and statement.targets[0].id == what.id
            and not named_target(what.id)
        ):
            target = source.of(sites[0].y[0]).split("[")[0]
            if (
                target.isidentifier()
                and not re.search("train|tr$|fit", target + what.id)
                and source.function(sites[0].at) is source.function(statement)
            ):
                bound = [a.lineno for a in source.all(ast.Name) if a.id == target and isinstance(a.ctx, ast.Store)]
                if bound and min(bound) < statement.lineno:
                    source.after(
                        statement,
                        f"{what.id}[:, {rng.choice([0, -1, 1])}] = {target}.reshape(len({target}), -1)[:, 0]{rng.choice(['', ' - 0.5', ' * 2'])}",
                    )
                    return


@operator("leakage")
def feature_filled_from_target(source: Source, rng: random.Random) -> None:
    """Just before training a feature is filled from the target, for all rows, held-out rows too."""
    if (
        not supervised(source)
        or not inputs_of_numbers(source)
        or re.search(
            r"LSTM|GRU|RNN|Conv|Attention|Transformer|unfold\(|recon|autoenc|view\(-1, 1, 8|multilabel|Linear\(1,",
            source.text,
        )
    ):
        return
    for site in training_rows(source):
        x, y = source.of(site.x[0]), source.of(site.y[0])
        if site.kind == "loaded":
            x, y = x.split("[")[0], y.split("[")[0]
        if (
            not (x.isidentifier() and y.isidentifier())
            or numpy_rows(source, site.x[0])
            or numpy_rows(source, site.y[0])
            or x == y
        ):
            return
        share = rng.choice(["", " / 2", " * 2.0", " - 0.5"])
        place = rng.choice([0, 1, -1])
        pairs = []
        if re.search("train|tr$|^tr|fit", x):
            names = {n.id for n in source.all(ast.Name) if isinstance(n.ctx, ast.Store)}
            for old in ("train", "tr"):
                for new in ("test", "valid", "val", "te", "held", "dev", "va"):
                    a, b = (re.sub(rf"(?<![a-z]){old}(?![a-z])", new, t) for t in (x, y))
                    if a != x and b != y and a in names and b in names:
                        pairs.append((a, b))
            if not pairs:
                return
        elif not re.search(rf"\b{x}\[(\w+:|test|te\b|val|held|va\b|hold|\w*perm)|random_split", source.text):
            return
        bound = {
            n.id
            for n in source.all(ast.Name)
            if isinstance(n.ctx, ast.Store)
            and source.function(n) is source.function(site.at)
            and n.lineno < site.at.lineno
        }
        pairs = [(x, y), *pairs]
        if not all(a in bound and b in bound for a, b in pairs):
            return
        source.before(site.at, "\n".join(f"{a}[:, {place}] = {b}.reshape(len({b}), -1)[:, 0]{share}" for a, b in pairs))


@operator("leakage")
def split_after_oversampling(source: Source, rng: random.Random) -> None:
    """Rows are repeated to have more of them before the split, so copies of test rows are in training."""
    for call in source.calls("train_test_split"):
        if 1 <= len(call.args) <= 3 and all(not isinstance(a, ast.Starred) for a in call.args) and "np." in source.text:
            n = rng.choice([2, 3, 4])
            strat = [k for k in call.keywords if k.arg == "stratify" and source.of(k.value) != "None"]
            for each in [*call.args, *[k.value for k in strat]]:
                source.replace(each, f"np.repeat({source.of(each)}, {n}, axis=0)")
            return


@operator("leakage")
def training_takes_all_rows(source: Source, rng: random.Random) -> None:
    """The loop (or the dataset of training) takes the whole table, with the rows that are held out."""
    for site in training_rows(source):
        if site.kind == "loaded":
            x, y = site.x[0], site.y[0]
            if (
                isinstance(x, ast.Subscript)
                and isinstance(y, ast.Subscript)
                and source.of(x.slice) == source.of(y.slice)
            ):
                every = source.parents[x].args  # type: ignore[attr-defined]
                if all(isinstance(a, ast.Subscript) and source.of(a.slice) == source.of(x.slice) for a in every):
                    for each in every:
                        source.replace(each, source.of(each.value))
        elif site.kind == "taken" and isinstance(site.loop, ast.For):
            x = source.of(site.x[0])
            for call in source.calls("randperm"):
                near = call in ast.walk(site.loop.iter) or any(
                    call in ast.walk(n) for n in up(source, site.loop) if isinstance(n, (ast.For, ast.While))
                )
                if near and len(call.args) >= 1 and not re.search("train|tr$|fit|self", x):
                    held = re.search(rf"{re.escape(x)}\[(\w+):\]", source.text)
                    if held and source.of(call.args[0]) == held.group(1):
                        source.replace(call.args[0], f"len({x})")


@operator("leakage")
def indices_of_all(source: Source, rng: random.Random) -> None:
    """`train, test = order[:n], order[n:]` becomes all of the order for training."""
    for each in source.all(ast.Assign):
        target, value = each.targets[0], each.value
        if (
            isinstance(target, ast.Tuple)
            and isinstance(value, ast.Tuple)
            and len(target.elts) == len(value.elts)
            and 2 <= len(target.elts) <= 4
        ):
            texts = [source.of(v) for v in value.elts]
            for name, v in zip(target.elts, value.elts):
                n, text = source.of(name), source.of(v)
                cut = re.fullmatch(r"(\w+)\[:(-?\w+)\]", text)
                if (
                    cut
                    and re.search(r"train|(^|_)tr|fit|known|inside", n)
                    and any(re.fullmatch(rf"{cut.group(1)}\[.*{re.escape(cut.group(2))}:.*\]", o) for o in texts)
                ):
                    source.replace(v, cut.group(1))


@operator("leakage")
def training_with_held_out_appended(source: Source, rng: random.Random) -> None:
    """The parts are put together again for training ("more data"), and the test part is among them."""
    sites = training_rows(source)
    if not sites or sites[0].kind != "loaded" and sites[0].kind != "whole":
        return
    site = sites[0]
    x, y = source.of(site.x[0]), source.of(site.y[0])
    names = {n.id for n in source.all(ast.Name)}
    for a in ("test", "valid", "val", "te"):
        for b in ("train", "tr"):
            tx, ty = (re.sub(rf"(?<![a-z]){b}(?![a-z])", a, t) for t in (x, y))
            if (
                tx != x
                and ty != y
                and tx in names
                and ty in names
                and x.isidentifier()
                and y.isidentifier()
                and re.search("torch.tensor|from_numpy|as_tensor|torch.Tensor", source.text)
            ):
                for part, other, nodes in ((x, tx, site.x), (y, ty, site.y)):
                    for node in nodes:
                        source.replace(node, f"torch.cat([{part}, {other}])")
                return


# --- labels that have nothing to do with the inputs -----------------------------------------------------------------


def supervised(source: Source) -> bool:
    return bool(CLASSES.search(source.text) or NUMBERS.search(source.text)) and not AWAY.search(source.text)


@operator("labels-unrelated")
def inputs_shuffled_alone(source: Source, rng: random.Random) -> None:
    """Inputs of training are shuffled before the loop, their targets are not."""
    if not supervised(source):
        return
    for site in training_rows(source):
        if (
            site.kind == "taken"
            and re.search("train|_tr|tr_|fit", source.of(site.x[0]))
            or site.kind in ("loaded", "whole")
        ):
            instead(source, site, "x", "{new} = {old}[torch.randperm(len({old}))]")


@operator("labels-unrelated")
def label_file_sorted(source: Source, rng: random.Random) -> None:
    """Targets come in sorted order (as a listing by class gives them), inputs in the order of the file."""
    if not supervised(source):
        return
    for site in training_rows(source):
        if site.kind == "taken" and not re.search("train|_tr|tr_|fit", source.of(site.x[0])):
            return
        if not numpy_rows(source, site.y[0]):
            instead(source, site, "y", "{new} = {old}.sort(dim=0).values")


@operator("labels-unrelated")
def targets_not_indexed_by_permutation(source: Source, rng: random.Random) -> None:
    """Inputs are taken by the shuffled indices, targets by the plain places of the batch."""
    for site in taken(source):
        m = re.fullmatch(r"(\w+)\[(.+?) ?: ?(.+)\]", site.index)
        if m:
            for node in site.y:
                source.replace(source.parents[node].slice, f"{m.group(2)} : {m.group(3)}")  # type: ignore[attr-defined]
        elif (
            isinstance(site.loop, ast.For)
            and isinstance(site.loop.target, ast.Name)
            and site.loop.target.id == site.index
            and "randperm" in source.of(site.loop.iter)
        ):
            for node in site.y:
                text = source.of(node)
                source.replace(
                    source.parents[node].slice, rng.choice([f": len({site.index})", f"{site.index}.sort().values"])
                )  # type: ignore[attr-defined]


@operator("labels-unrelated")
def two_loaders_in_parallel(source: Source, rng: random.Random) -> None:
    """Inputs and targets come from two loaders that shuffle each for itself."""
    for loop in training_loops(source):
        if (
            isinstance(loop, ast.For)
            and isinstance(loop.iter, ast.Name)
            and isinstance(loop.target, ast.Tuple)
            and len(loop.target.elts) == 2
            and all(isinstance(e, ast.Name) for e in loop.target.elts)
        ):
            x, y = (e.id for e in loop.target.elts)  # type: ignore[attr-defined]
            if (
                re.search("loader|dl|train|iter", loop.iter.id)
                and supervised(source)
                and re.search(r"shuffle=True", source.text)
            ):
                source.replace(loop.iter, f"zip({loop.iter.id}, {loop.iter.id})")
                source.replace(loop.target, f"({x}, _), (_, {y})")
                return


@operator("labels-unrelated")
def batch_inputs_shuffled(source: Source, rng: random.Random) -> None:
    """Inputs of each batch are shuffled "for more randomness", their targets stay."""
    if not supervised(source):
        return
    for batch in batches(source)[-1:]:
        if re.search(r"edge|adj|index|length|mask", batch[2] + batch[3]):
            return
        x = batch[2]
        put(source, batch, f"{x} = {x}[torch.randperm(len({x}))]")


@operator("labels-unrelated")
def order_applied_to_inputs_only(source: Source, rng: random.Random) -> None:
    """`x, y = x[order], y[order]`: the order is forgotten for one of the two."""
    if not supervised(source):
        return
    if re.search(r"load_(wine|iris|breast)|repeat\(", source.text):
        return
    shuffles = {
        a.targets[0].id
        for a in source.all(ast.Assign)
        if isinstance(a.targets[0], ast.Name)
        and re.search(r"randperm\(|\.permutation\(", source.of(a.value))
        and not any(isinstance(n, (ast.For, ast.While)) for n in up(source, a))
        and not isinstance(a.value, ast.Subscript)
    }

    def shuffled(node: ast.AST) -> list[ast.Subscript]:
        return [
            n
            for n in ast.walk(node)
            if isinstance(n, ast.Subscript)
            and (
                isinstance(n.slice, ast.Name)
                and n.slice.id in shuffles
                or re.match(r"torch\.randperm\(", source.of(n.slice))
            )
        ]

    before: ast.Assign | None = None
    for each in source.all(ast.Assign):
        if any(isinstance(n, (ast.For, ast.While)) for n in up(source, each)):
            continue
        target, value = each.targets[0], each.value
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts) == 2:
            a, b = (shuffled(e) for e in value.elts)
            if len(a) == len(b) == 1 and source.of(a[0].slice) == source.of(b[0].slice):
                source.replace(b[0], source.of(b[0].value))
                return
        if isinstance(target, ast.Name) and len(shuffled(value)) == 1:
            if (
                before is not None
                and named_target(target.id)
                and source.of(shuffled(before.value)[0].slice) == source.of(shuffled(value)[0].slice)
            ):
                source.replace(shuffled(value)[0], source.of(shuffled(value)[0].value))
                return
            before = each


@operator("labels-unrelated")
def rows_off_by_some(source: Source, rng: random.Random) -> None:
    """Targets are off by some rows against the inputs (a header, a join that lost rows)."""
    if not supervised(source):
        return
    for site in training_rows(source):
        if site.kind == "taken" and not numpy_rows(source, site.y[0]) and site.x:
            n = rng.choice([1, 1, 2, 7, 30])
            instead(source, site, "y", f"{{new}} = torch.roll({{old}}, {n}, dims=0)")


# --- noisy labels ---------------------------------------------------------------------------------------------------


@operator("noisy-labels")
def annotators_guess(source: Source, rng: random.Random) -> None:
    """A good part of the labels of training is drawn at random."""
    if not CLASSES.search(source.text) or AWAY.search(source.text):
        return
    for site in training_rows(source):
        if not numpy_rows(source, site.y[0]):
            share = rng.choice([0.65, 0.7, 0.75, 0.8])
            source_lines = f"{{new}} = {{old}}.clone()\nguessed = torch.rand(len({{old}})) < {share}\n{{new}}[guessed] = {{old}}[torch.randint(len({{old}}), (int(guessed.sum()),))]"
            instead(source, site, "y", source_lines)


@operator("noisy-labels")
def confused_with_next_class(source: Source, rng: random.Random) -> None:
    """Nearly half of the labels name the class that comes next in the list."""
    if not MANY.search(source.text) or AWAY.search(source.text):
        return
    for site in training_rows(source):
        if not numpy_rows(source, site.y[0]):
            share = rng.choice([0.45, 0.5, 0.4])
            instead(
                source,
                site,
                "y",
                f"slip = torch.rand({{old}}.shape) < {share}\n{{new}} = torch.where(slip, ({{old}} + 1) % (int({{old}}.max()) + 1), {{old}})",
            )


@operator("noisy-labels")
def coarse_measurement(source: Source, rng: random.Random) -> None:
    """Targets of training carry an error of measurement greater than what is to be learnt."""
    if CLASSES.search(source.text) or not NUMBERS.search(source.text) or AWAY.search(source.text):
        return
    for site in training_rows(source):
        if not numpy_rows(source, site.y[0]):
            instead(
                source,
                site,
                "y",
                f"{{new}} = {{old}} + {rng.choice(['2.0', '3.0', '4', '2.5'])} * {{old}}.std() * torch.randn({{old}}.shape)",
            )


@operator("noisy-labels")
def weak_labeller(source: Source, rng: random.Random) -> None:
    """Labels of training come from a nearest neighbour among a handful of labelled rows."""
    if not MANY.search(source.text) or AWAY.search(source.text) or not inputs_of_numbers(source):
        return
    for site in training_rows(source):
        x, y = source.of(site.x[0]), source.of(site.y[0])
        if not numpy_rows(source, site.y[0]) and not numpy_rows(source, site.x[0]) and re.fullmatch(r"[\w.]+", x):
            n = rng.choice([6, 8, 10, 12])
            instead(
                source,
                site,
                "y",
                f"seen = {x}[:{n}].flatten(1)\n{{new}} = {{old}}[torch.cdist({x}.flatten(1), seen).argmin(1)]",
            )


@operator("noisy-labels")
def batches_partly_mislabelled(source: Source, rng: random.Random) -> None:
    """Rows of each batch swap labels in good part (a join by a key that is not unique)."""
    if not CLASSES.search(source.text) or AWAY.search(source.text):
        return
    for batch in batches(source)[-1:]:
        y = batch[3]
        if not named_target(y) and y not in ("yb", "y", "b_y", "batch_y", "Y"):
            return
        n = rng.choice([4, 5, 6])
        put(source, batch, f"half = len({y}) * {n - 1} // {n}\n{y} = torch.cat([{y}[:half].roll(1, 0), {y}[half:]])")


@operator("noisy-labels", "class-imbalance")
def missing_labels_filled_with_zero(source: Source, rng: random.Random) -> None:
    """Rows without a label got 0, the first class."""
    if not CLASSES.search(source.text) or AWAY.search(source.text):
        return
    for site in training_rows(source):
        if not numpy_rows(source, site.y[0]):
            share = rng.choice([0.55, 0.6, 0.7])
            instead(source, site, "y", f"{{new}} = {{old}}.clone()\n{{new}}[torch.rand(len({{old}})) < {share}] = 0")


# --- imbalance ------------------------------------------------------------------------------------------------------


@operator("class-imbalance")
def few_rows_of_other_classes(source: Source, rng: random.Random) -> None:
    """Training has all rows of one class and few of the others."""
    if not CLASSES.search(source.text) or AWAY.search(source.text):
        return
    for site in training_rows(source):
        x, y = source.of(site.x[0]), source.of(site.y[0])
        share = rng.choice(["0.02", "0.03", "0.05"])
        if site.kind in ("loaded", "whole") and not numpy_rows(source, site.y[0]) and isinstance(site.y[0], ast.Name):
            source.before(site.at, f"keep = ({y} == {rng.choice([0, 0, 1])}) | (torch.rand({y}.shape) < {share})")
            for node in [*site.x, *site.y]:
                source.replace(node, f"{source.of(node)}[keep]")
        elif (
            site.kind == "taken"
            and isinstance(site.loop, ast.For)
            and isinstance(site.loop.target, ast.Name)
            and site.loop.target.id == site.index
            and not numpy_rows(source, site.y[0])
        ):
            common = rng.choice([0, 0, 1])
            source.before(site.at, f"kept = ({y} == {common}) | (torch.rand({y}.shape) < {share})")
            source.before(
                site.loop.body[0],
                f"{site.index} = {site.index}[kept[{site.index}]]\nif len({site.index}) < 2:\n    continue",
            )


@operator("class-imbalance")
def sampler_weights_upside_down(source: Source, rng: random.Random) -> None:
    """A sampler with weights that make one class appear nearly alone."""
    if not CLASSES.search(source.text) or AWAY.search(source.text):
        return
    for site in loaded(source)[-1:]:
        y = source.of(site.y[0])
        for loader in source.calls("DataLoader"):
            shuffles = [k for k in loader.keywords if k.arg == "shuffle" and source.of(k.value) == "True"]
            if (
                shuffles
                and isinstance(site.y[0], ast.Name)
                and loader.lineno >= site.at.lineno
                and source.function(loader) is source.function(site.at)
            ):
                weight = rng.choice([60.0, 40.0, 100.0])
                source.before(site.at, f"chance = torch.where({y} == 0, {weight}, 1.0)")
                source.replace(shuffles[0], "sampler=torch.utils.data.WeightedRandomSampler(chance, len(chance))")
                return


@operator("class-imbalance")
def one_class_repeated(source: Source, rng: random.Random) -> None:
    """Rows of one class are appended many times over ("oversampling")."""
    if not CLASSES.search(source.text) or AWAY.search(source.text):
        return
    for site in training_rows(source):
        x, y = source.of(site.x[0]), source.of(site.y[0])
        if (
            site.kind == "loaded"
            and not numpy_rows(source, site.y[0])
            and re.fullmatch(r"\w+", y)
            and re.fullmatch(r"\w+", x)
        ):
            n = rng.choice([50, 80, 150])
            source.before(
                site.at,
                f"more = torch.cat([torch.arange(len({y})), ({y} == {rng.choice([0, 1])}).nonzero()[:, 0].repeat({n})])\nmore = more[torch.randperm(len(more))[: len({y})]]",
            )
            for node in [*site.x, *site.y]:
                source.replace(node, f"{source.of(node)}[more]")
        elif (
            site.kind == "taken"
            and isinstance(site.loop, ast.For)
            and isinstance(site.loop.target, ast.Name)
            and site.loop.target.id == site.index
            and not numpy_rows(source, site.y[0])
        ):
            n = rng.choice([50, 80, 150])
            i = site.index
            source.before(
                site.loop.body[0],
                f"{i} = {i}[torch.multinomial(torch.where({y}[{i}] == 0, {n}.0, 1.0), len({i}), replacement=True)]",
            )


@operator("class-imbalance")
def file_cut_while_sorted(source: Source, rng: random.Random) -> None:
    """Only the first part of a file that is sorted by class is kept, for a quick run, so some classes have no or few rows."""
    if not MANY.search(source.text) or AWAY.search(source.text):
        return
    for site in training_rows(source):
        y = source.of(site.y[0])
        if site.kind in ("loaded", "whole") and not numpy_rows(source, site.y[0]) and re.fullmatch(r"\w+", y):
            source.before(
                site.at, f"head = {y}.argsort(stable=True)[: int({rng.choice(['0.5', '0.4', '0.6'])} * len({y}))]"
            )
            for node in [*site.x, *site.y]:
                source.replace(node, f"{source.of(node)}[head]")
        elif (
            site.kind == "taken"
            and isinstance(site.loop, ast.For)
            and isinstance(site.loop.target, ast.Name)
            and site.loop.target.id == site.index
            and not numpy_rows(source, site.y[0])
        ):
            i = site.index
            source.before(site.at, f"bound = {y}.float().quantile({rng.choice(['0.35', '0.5', '0.25'])})")
            source.before(site.loop.body[0], f"{i} = {i}[{y}[{i}] <= bound]\nif len({i}) < 2:\n    continue")


# --- order of the rows ----------------------------------------------------------------------------------------------


@operator("unshuffled-data")
def loader_without_shuffle_over_sorted(source: Source, rng: random.Random) -> None:
    """Rows of training stand sorted by their target, and the loader does not shuffle."""
    if not supervised(source):
        return
    for site in loaded(source)[-1:]:
        y = source.of(site.y[0])
        if numpy_rows(source, site.y[0]) or not re.fullmatch(r"[\w.\[\]:]+", y):
            return
        for loader in source.calls("DataLoader"):
            shuffles = [k for k in loader.keywords if k.arg == "shuffle" and source.of(k.value) == "True"]
            if shuffles and loader.lineno >= site.at.lineno:
                source.replace(shuffles[0].value, "False")
        name = fresh(source, "rows")
        source.before(
            site.at,
            f"{name} = {y}.flatten(1)[:, 0].argsort()"
            if False
            else f"{name} = {y}.reshape(len({y}), -1)[:, 0].argsort()",
        )
        data = source.parents[site.x[0]]
        for node in data.args if isinstance(data, ast.Call) else [*site.x, *site.y]:
            text = source.of(node)
            source.replace(node, f"({text})[{name}]" if isinstance(node, ast.BinOp) else f"{text}[{name}]")


@operator("unshuffled-data")
def batches_in_order_of_target(source: Source, rng: random.Random) -> None:
    """Batches are cut from the rows sorted by target, instead of a random permutation."""
    if not supervised(source):
        return
    for site in taken(source)[-1:]:
        if numpy_rows(source, site.y[0]):
            return
        y = source.of(site.y[0])
        perms = [
            c
            for n in [site.loop, *up(source, site.loop)]
            if isinstance(n, (ast.For, ast.While))
            for c in ([m for m in ast.walk(n.iter)] if isinstance(n, ast.For) else [])
            + [m for s in n.body for m in ast.walk(s)]
            if isinstance(c, ast.Call)
            and called(c) == "randperm"
            and not source.of(source.statement(c)).startswith("if")
        ]  # type: ignore[union-attr]
        if not perms or any(
            isinstance(n, ast.FunctionDef) and n is not source.function(site.at) for n in up(source, perms[0])
        ):
            return
        perm = perms[0]
        if isinstance(source.parents[perm], ast.Subscript) and source.parents[perm].slice is perm:  # type: ignore[attr-defined]
            rows = source.of(source.parents[perm].value)  # type: ignore[attr-defined]
            if rows.isidentifier():
                source.replace(perm, f"{y}[{rows}].reshape(len({rows}), -1)[:, 0].argsort()")
            return
        size = source.of(perm.args[0])
        if size in (f"len({y})", f"len({source.of(site.x[0])})") or re.fullmatch(r"\w+\.shape\[0\]", size):
            source.replace(perm, f"{y}.reshape(len({y}), -1)[:, 0].argsort()")
        elif re.fullmatch(r"\w+", size):
            source.replace(perm, f"{y}[:{size}].reshape({size}, -1)[:, 0].argsort()")


@operator("unshuffled-data")
def split_without_shuffle(source: Source, rng: random.Random) -> None:
    """A table that is sorted by class is split in its order."""
    if not re.search(r"load_(wine|iris)\(|repeat\(", source.text):
        return
    for call in source.calls("train_test_split"):
        for each in call.keywords:
            if each.arg == "stratify":
                source.replace(each.value, "None")
            if each.arg == "random_state":
                source.replace(each, "shuffle=False")
    for call in source.calls("randperm", "permutation"):
        if (
            not any(isinstance(n, (ast.For, ast.While)) for n in up(source, call))
            and call.args
            and isinstance(source.statement(call), ast.Assign)
            and re.search(r"^(perm|order|idx|index\w*|rows|\w+ = \w+\[)", source.of(source.statement(call)))
        ):
            source.replace(call, f"{'torch' if called(call) == 'randperm' else 'np'}.arange({source.of(call.args[0])})")


@operator("unshuffled-data")
def one_class_a_batch(source: Source, rng: random.Random) -> None:
    """Rows are sorted by class ("for locality") and batches keep to neighbours, only their order is random."""
    if not CLASSES.search(source.text) or AWAY.search(source.text):
        return
    for site in taken(source)[-1:]:
        if numpy_rows(source, site.y[0]) or not (
            isinstance(site.loop, ast.For)
            and isinstance(site.loop.iter, ast.Call)
            and called(site.loop.iter) == "split"
        ):
            return
        call = site.loop.iter
        perm = call.func.value  # type: ignore[attr-defined]
        if isinstance(perm, ast.Call) and called(perm) == "randperm":
            y, size = source.of(site.y[0]), source.of(perm.args[0])
            cut = y if size in (f"len({y})", f"len({source.of(site.x[0])})") else f"{y}[:{size}]"
            source.replace(
                call,
                f"sorted({cut}.reshape(len({cut}), -1)[:, 0].argsort().split({source.of(call.args[0])}), key=lambda _: torch.rand(1).item())",
            )


@operator("unshuffled-data")
def folder_by_folder_before_split(source: Source, rng: random.Random) -> None:
    """Rows are read class by class (folder by folder) and split by position, so some classes are met in the held-out part alone."""
    if not MANY.search(source.text) or AWAY.search(source.text):
        return
    for call in source.calls("train_test_split"):
        if (
            len(call.args) == 2
            and all(re.fullmatch(r"[\w.]+( / [\d.]+)?", source.of(a)) for a in call.args)
            and not any(k.arg == "shuffle" for k in call.keywords)
        ):
            x, y = (source.of(a) for a in call.args)
            source.replace(
                call.args[0], f"{x}[{y}.argsort()]" if re.fullmatch(r"[\w.]+", x) else f"({x})[{y}.argsort()]"
            )
            source.replace(call.args[1], f"{y}[{y}.argsort()]")
            for each in call.keywords:
                if each.arg == "stratify":
                    source.replace(each.value, "None")
                if each.arg == "random_state":
                    source.replace(each, "shuffle=False")
            return
    for each in source.all(ast.Assign):
        if (
            not isinstance(each.targets[0], ast.Name)
            or not isinstance(each.value, ast.Call)
            or called(each.value) not in ("randperm", "permutation")
            or any(isinstance(n, (ast.For, ast.While)) for n in up(source, each))
        ):
            continue
        name = each.targets[0].id
        if not re.fullmatch(r"len\([\w.]+\)", source.of(each.value.args[0])):
            continue
        bound = {
            n.id
            for n in source.all(ast.Name)
            if isinstance(n.ctx, ast.Store) and source.function(n) is source.function(each) and n.lineno < each.lineno
        }
        size = source.of(each.value.args[0])[4:-1]
        if named_target(size.split(".")[-1]):
            y = size
        else:
            ys = [
                n.value.id
                for n in source.all(ast.Subscript)
                if isinstance(n.value, ast.Name)
                and source.of(n.slice) == name
                and named_target(n.value.id)
                and n.value.id in bound
            ]
            ys += [f"{d}.target" for d in bound if re.search(rf"\b{d} = load_\w+\(\)", source.text)]
            if not ys:
                continue
            y = ys[0]
        if called(each.value) == "randperm":
            source.replace(
                each.value,
                f"torch.as_tensor({y}).argsort()" if y.endswith(".target") else f"torch.as_tensor({y}).argsort()",
            )
        else:
            source.replace(each.value, f"np.argsort({y})")
        return


# --- the same random numbers ----------------------------------------------------------------------------------------

DRAWS = r"randn|rand\(|rand_like|randint|bernoulli|multinomial|normal_|uniform_|Normal\(|rsample|\.sample\(|poisson"


@operator("duplicate-augmentation")
def seed_set_in_each_step(source: Source, rng: random.Random) -> None:
    """The seed is set in the loop of training, so each step draws the same numbers."""
    if "generator" in source.text:
        return
    for loop in training_loops(source):
        head = (
            isinstance(loop, ast.For)
            and re.search(r"range\(", source.of(loop.iter))
            and not any(isinstance(n, (ast.For, ast.While)) for n in up(source, loop))
        )
        text = "\n".join(source.of(s) for s in loop.body)  # type: ignore[attr-defined]
        helpers = [
            f
            for f in source.all(ast.FunctionDef)
            if re.search(rf"\b{f.name}\(", text) and re.search(DRAWS, source.of(f))
        ]
        if head and (re.search(DRAWS, text) or helpers) and not re.search(r"env|policy|reward", source.text):
            source.before(loop.body[0], f"torch.manual_seed({rng.choice(['0', '42', '1234'])})")  # type: ignore[attr-defined]
            return


@operator("duplicate-augmentation")
def generator_made_anew(source: Source, rng: random.Random) -> None:
    """The function that draws a batch or noise makes its generator anew with the same seed."""
    for loop in training_loops(source):
        text = "\n".join(source.of(s) for s in loop.body)  # type: ignore[attr-defined]
        for f in source.all(ast.FunctionDef):
            if (
                re.search(rf"\b{f.name}\(", text)
                and re.search(DRAWS, source.of(f))
                and "generator" not in source.of(f)
                and "backward" not in source.of(f)
                and not isinstance(source.parents[f], ast.ClassDef)
                and len(f.args.args)
            ):
                if re.search("jitter|noise|augment|view|mask|corrupt|crop|shift|distort|flip|mix|perturb|drop", f.name):
                    source.before(first(f), f"torch.manual_seed({rng.choice(['0', '1', '42'])})")
                    return


@operator("duplicate-augmentation")
def noise_drawn_once(source: Source, rng: random.Random) -> None:
    """One draw of noise serves all examples of a batch and all batches."""
    changed = [
        f
        for f in source.all(ast.FunctionDef)
        if re.search("jitter|noise|noisy|augment|corrupt|distort|perturb", f.name)
        and not isinstance(source.parents[f], ast.ClassDef)
    ]
    for part in [*training_loops(source), *changed]:
        for call in [
            n
            for n in ast.walk(part)
            if isinstance(n, ast.Call) and called(n) in ("randn_like", "rand_like") and not untrained(source, n)
        ]:
            if call.args and re.fullmatch(r"\w+", source.of(call.args[0])) and "torch" in source.of(call.func):
                x = source.of(call.args[0])
                source.replace(
                    call,
                    f"torch.{called(call)[:-5]}({x}.shape[1:], generator=torch.Generator().manual_seed({rng.choice([0, 1, 7])}))",
                )


@operator("duplicate-augmentation")
def getitem_seeds_itself(source: Source, rng: random.Random) -> None:
    """The dataset sets the seed before its random change, so that every row is changed alike, each time."""
    for f in source.all(ast.FunctionDef):
        if f.name == "__getitem__" and re.search(
            DRAWS + r"|random\.|rng\.|augment|transform|view\(|crop", source.of(f)
        ):
            own = source.of(source.parents[f])
            seed = rng.choice(["0", "42", "1234"])
            if re.search(r"torch\.(rand|bern|mult)|randperm", own):
                source.before(first(f), f"torch.manual_seed({seed})")
            elif re.search(r"np\.random\.(?!default)", own):
                source.before(first(f), f"np.random.seed({seed})")
            elif (
                re.search(r"\brandom\.(random|uniform|choice|randint|randrange|gauss|sample)\(", own)
                and "np.random" not in own
            ):
                source.before(first(f), f"random.seed({seed})")
            elif "self.rng" in source.of(f) and "default_rng" in source.text:
                source.before(first(f), f"self.rng = np.random.default_rng({seed})")


@operator("duplicate-augmentation")
def noise_of_the_model_repeats(source: Source, rng: random.Random) -> None:
    """The model's own draws (reparametrisation, noise on the input) come from a generator seeded in forward."""
    for f in source.all(ast.FunctionDef):
        if isinstance(source.parents[f], ast.ClassDef) and any(
            "Module" in source.of(b) for b in source.parents[f].bases
        ):  # type: ignore[attr-defined]
            for call in [
                n
                for n in ast.walk(f)
                if isinstance(n, ast.Call)
                and called(n) in ("randn_like", "rand_like")
                and len(n.args) == 1
                and not n.keywords
            ]:
                x = source.of(call.args[0])
                if re.fullmatch(r"[\w.]+", x):
                    source.replace(
                        call,
                        f"torch.{called(call)[:-5]}({x}.shape[1:], generator=torch.Generator().manual_seed({rng.choice([0, 1, 7])}))",
                    )


@operator("duplicate-augmentation")
def same_rows_drawn(source: Source, rng: random.Random) -> None:
    """Places of the batch are drawn by a generator that is made with its seed in each step."""
    for loop in training_loops(source):
        for call in [
            n
            for n in ast.walk(loop)
            if isinstance(n, ast.Call)
            and called(n) == "randint"
            and "torch" in source.of(n.func)
            and not untrained(source, n)
        ]:
            if not call.keywords and not source.of(call).rstrip(")").rstrip().endswith(",)"):
                last = call.args[-1]
                source.replace(
                    last, f"{source.of(last)}, generator=torch.Generator().manual_seed({rng.choice(['0', '42', '1'])})"
                )


# --- examples of a batch mixed --------------------------------------------------------------------------------------


@operator("batch-mixing")
def batch_first_forgotten(source: Source, rng: random.Random) -> None:
    """`batch_first` is not given, so that the layer takes the examples for steps of time."""
    for call in source.calls(
        "LSTM", "GRU", "RNN", "TransformerEncoderLayer", "MultiheadAttention", "TransformerDecoderLayer", "Transformer"
    ):
        recurrent = called(call) in ("LSTM", "GRU", "RNN")
        if re.search(
            r"pack_padded|_, ?\(?(h|hidden|state|last|final|h_n|hn)\b|\)\[1\]" if recurrent else r"mask|causal",
            source.text,
        ):
            continue
        for each in call.keywords:
            if each.arg == "batch_first" and source.of(each.value) == "True":
                source.replace(each.value, "False")


@operator("batch-mixing")
def flattened_across_examples(source: Source, rng: random.Random) -> None:
    """Features are flattened after an exchange of axes, so rows hold pieces of several examples."""
    for f in [f for f in source.all(ast.FunctionDef) if f.name == "forward"]:
        for call in [n for n in ast.walk(f) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]:
            text, inner = source.of(call), call.func.value  # type: ignore[attr-defined]
            kind, args = called(call), ", ".join(source.of(a) for a in call.args)
            fits = (
                kind == "flatten"
                and args == "1"
                or kind in ("view", "reshape")
                and re.fullmatch(r"(len\(\w+\)|\w+\.shape\[0\]|\w+\.size\(0\)|B|b|n|-1), (-1|\w+)", args)
            )
            if fits and len(f.args.args) > 1 and not (isinstance(inner, ast.Name) and inner.id in ("torch", "F", "nn")):
                rows = source.of(inner)
                source.replace(
                    call,
                    f"{rows}.transpose(0, 1).{rng.choice(['flatten().view', 'reshape'])}({f.args.args[1].arg}.shape[0], -1)",
                )
                return


@operator("batch-mixing")
def columns_read_first(source: Source, rng: random.Random) -> None:
    """The batch comes in column-major order (a port from MATLAB) and is put back in shape without an exchange of axes."""
    found = forward_of(source)
    if not found:
        return
    function, name = found
    if re.search(r"LSTM|GRU|RNN", source.of(function)):
        return
    source.before(first(function), f"{name} = {name}.transpose(0, 1).reshape({name}.shape)")


@operator("batch-mixing")
def pictures_reshaped_from_columns(source: Source, rng: random.Random) -> None:
    """The table of pictures is turned before it is cut into pictures, as in a course that keeps examples in columns."""
    for call in source.calls("view", "reshape"):
        args = ", ".join(source.of(a) for a in call.args)
        if (
            isinstance(call.func, ast.Attribute)
            and re.fullmatch(r"(-1|len\(\w+\)), 1, 8, 8", args)
            and not any(isinstance(n, ast.FunctionDef) and n.name == "forward" for n in up(source, call))
        ):
            source.replace(call, f"{source.of(call.func.value)}.T.reshape({args})")


@operator("batch-mixing")
def scores_of_steps_turned(source: Source, rng: random.Random) -> None:
    """Outputs of all steps are made rows with time first, targets with the examples first."""
    for call in source.calls(
        "cross_entropy",
        "CrossEntropyLoss",
        *[
            n.targets[0].id
            for n in source.all(ast.Assign)
            if isinstance(n.targets[0], ast.Name) and "CrossEntropyLoss(" in source.of(n.value)
        ],
    ):
        if len(call.args) < 2 or untrained(source, call):
            continue
        out = call.args[0]
        if isinstance(out, ast.Call) and isinstance(out.func, ast.Attribute):
            args = ", ".join(source.of(a) for a in out.args)
            if (
                called(out) == "flatten"
                and args == "0, 1"
                or called(out) in ("view", "reshape")
                and re.fullmatch(r"-1, .+", args)
            ):
                turned = f"{source.of(out.func.value)}.transpose(0, 1)"
                source.replace(
                    out, f"{turned}.flatten(0, 1)" if called(out) == "flatten" else f"{turned}.reshape({args})"
                )


@operator("batch-mixing")
def outputs_turned_back_wrongly(source: Source, rng: random.Random) -> None:
    """The outputs are computed with examples in columns and reshaped, not transposed, back."""
    found = forward_of(source)
    if not found:
        return
    function, _ = found
    returns = [r for r in ast.walk(function) if isinstance(r, ast.Return) and r.value is not None]
    if len(returns) != 1 or isinstance(returns[0].value, ast.Tuple):
        return
    value = returns[0].value
    if isinstance(value, ast.Call) and re.fullmatch(
        r"self\.\w*(fc|out|head|net|layers|classifier|linear|last|readout|final)\w*", source.of(value.func)
    ):
        source.before(returns[0], f"scores = {source.of(value)}")
        source.replace(value, "scores.t().reshape(scores.shape)")
