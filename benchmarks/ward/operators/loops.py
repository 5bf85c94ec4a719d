"""Mistakes of optimization: rates, steps, gradients, parameters, modes."""

import ast
import random
import re

from benchmarks.ward.edits import Source, called
from benchmarks.ward.operators.table import operator

OPTIMIZERS = ("Adam", "AdamW", "SGD", "RMSprop", "NAdam", "RAdam", "Adagrad", "Adamax")
ADAMS = ("Adam", "AdamW", "NAdam", "RAdam", "Adamax")
LOOPS = (ast.For, ast.While)
PARAMETRIC = (
    "Linear",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "LSTM",
    "GRU",
    "RNN",
    "Embedding",
    "EmbeddingBag",
    "Bilinear",
    "Sequential",
    "LazyLinear",
    "GRUCell",
    "LSTMCell",
    "MultiheadAttention",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "ModuleList",
)


# ---------------------------------------------------------------- helpers
def number(value: float) -> str:
    text = f"{value:.2g}"
    return f"{value:.1f}" if "e+" in text or value >= 10 else text


def constant(node) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool)


def resolve(source: Source, expr, depth: int = 0) -> list:
    """The numbers that stand behind an expression."""
    if depth > 3 or expr is None:
        return []
    if constant(expr):
        return [expr]
    if isinstance(expr, ast.Name):
        found, name = [], expr.id
        home = source.function(expr)
        scopes = [home, None] if home is not None else [None]
        for scope in scopes:
            if scope is not None:
                spec = scope.args
                names = [each.arg for each in spec.args]
                if name in names:
                    k = names.index(name)
                    for call in source.calls(scope.name):
                        given = next((w.value for w in call.keywords if w.arg == name), None)
                        if given is None:
                            offset = 1 if names and names[0] == "self" else 0
                            given = call.args[k - offset] if k - offset < len(call.args) else None
                        if given is not None and not isinstance(given, ast.Starred):
                            found += resolve(source, given, depth + 1)
                    late = len(spec.args) - len(spec.defaults)
                    if not found and k >= late and constant(spec.defaults[k - late]):
                        found.append(spec.defaults[k - late])
                    return found
            for each in source.all(ast.Assign):
                if source.function(each) is not scope or len(each.targets) != 1:
                    continue
                aim = each.targets[0]
                if isinstance(aim, ast.Name) and aim.id == name and constant(each.value):
                    found.append(each.value)
                if isinstance(aim, ast.Tuple) and isinstance(each.value, ast.Tuple):
                    for a, v in zip(aim.elts, each.value.elts):
                        if isinstance(a, ast.Name) and a.id == name and constant(v):
                            found.append(v)
            if found:
                return found
        return found
    if isinstance(expr, ast.Attribute):
        found = []
        for call in source.calls("add_argument"):
            if (
                call.args
                and isinstance(call.args[-1], ast.Constant)
                and str(call.args[-1].value).lstrip("-").replace("-", "_") == expr.attr
            ):
                found += [w.value for w in call.keywords if w.arg == "default" and constant(w.value)]
        if found:
            return found
        for each in source.all(ast.AnnAssign):
            if isinstance(each.target, ast.Name) and each.target.id == expr.attr and constant(each.value):
                found.append(each.value)
        for call in source.all(ast.Call):
            found += [w.value for w in call.keywords if w.arg == expr.attr and constant(w.value)]
        return found
    if isinstance(expr, ast.Subscript) and isinstance(expr.slice, ast.Constant):
        found = []
        for each in source.all(ast.Dict):
            found += [
                v
                for k, v in zip(each.keys, each.values)
                if isinstance(k, ast.Constant) and k.value == expr.slice.value and constant(v)
            ]
        return found
    return []


def optimizers(source: Source, *names: str) -> list:
    own = {each.name for each in source.all(ast.ClassDef)}
    return [c for c in source.calls(*(names or OPTIMIZERS)) if c.args and called(c) not in own]


def keyword(call: ast.Call, name: str):
    return next((w.value for w in call.keywords if w.arg == name), None)


def rate(call: ast.Call):
    return keyword(call, "lr") or (call.args[1] if len(call.args) > 1 else None)


def bound(source: Source, call: ast.Call) -> str:
    """The name that gets what a call gives; empty where it is none."""
    parent = source.parents.get(call)
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1 and isinstance(parent.targets[0], ast.Name):
        return parent.targets[0].id
    return ""


def loops(source: Source, node) -> list:
    """The loops around a node in its function, inner first."""
    found = []
    while node in source.parents:
        node = source.parents[node]
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            break
        if isinstance(node, LOOPS):
            found.append(node)
    return found


def backwards(source: Source) -> list:
    """(statement, loops) of every `something.backward()` in a loop of its own block."""
    found = []
    for call in source.calls("backward"):
        st = source.statement(call)
        if isinstance(st, ast.Expr) and st.value is call and isinstance(call.func, ast.Attribute) and loops(source, st):
            found.append((st, loops(source, st)))
    return found


def inside(node, holder) -> bool:
    return any(each is node for each in ast.walk(holder))


def steps(source: Source) -> list:
    """Statements `<optimizer>.step()`."""
    names = opt_names(source)
    found = []
    for call in source.calls("step"):
        st = source.statement(call)
        if (
            isinstance(st, ast.Expr)
            and st.value is call
            and isinstance(call.func, ast.Attribute)
            and not call.args
            and not call.keywords
        ):
            if receiver(source, call) in names:
                found.append(st)
    return found


def zeros(source: Source) -> list:
    found = []
    for call in source.calls("zero_grad"):
        st = source.statement(call)
        if isinstance(st, ast.Expr) and st.value is call and isinstance(call.func, ast.Attribute):
            found.append(st)
    return found


def receiver(source: Source, call: ast.Call) -> str:
    return source.of(call.func.value) if isinstance(call.func, ast.Attribute) else ""


def opt_names(source: Source) -> set:
    """What zero_grad and step are called on, without schedulers."""
    names = {receiver(source, c) for c in source.calls("zero_grad")}
    for c in optimizers(source):
        if bound(source, c):
            names.add(bound(source, c))
    return {n for n in names if not re.search(r"sched", n)}


def classes(source: Source) -> list:
    """nn.Module classes with their __init__ and forward."""
    found = []
    for each in source.all(ast.ClassDef):
        if any("Module" in ast.unparse(b) for b in each.bases):
            init = next((f for f in each.body if isinstance(f, ast.FunctionDef) and f.name == "__init__"), None)
            forward = next((f for f in each.body if isinstance(f, ast.FunctionDef) and f.name == "forward"), None)
            if init and forward:
                found.append((each, init, forward))
    return found


def layers(source: Source, init) -> list:
    """(attribute, statement, call) of `self.x = nn.Layer(...)` directly in an __init__."""
    found = []
    for st in init.body:
        if (
            isinstance(st, ast.Assign)
            and len(st.targets) == 1
            and isinstance(st.targets[0], ast.Attribute)
            and isinstance(st.targets[0].value, ast.Name)
            and st.targets[0].value.id == "self"
            and isinstance(st.value, ast.Call)
        ):
            if called(st.value) in PARAMETRIC:
                found.append((st.targets[0].attr, st, st.value))
    return found


def self_calls(node) -> list:
    return [
        c
        for c in ast.walk(node)
        if isinstance(c, ast.Call)
        and isinstance(c.func, ast.Attribute)
        and isinstance(c.func.value, ast.Name)
        and c.func.value.id == "self"
    ]


def models(source: Source) -> list:
    """(optimizer call, name of the model, the statement that makes it, its call) of `X.parameters()` optimizers."""
    found = []
    for opt in optimizers(source):
        arg = opt.args[0]
        if (
            isinstance(arg, ast.Call)
            and called(arg) == "parameters"
            and isinstance(arg.func.value, ast.Name)
            and not arg.args
        ):
            name = arg.func.value.id
            here = source.function(opt)
            for scope in [here, None] if here is not None else [None]:
                made = [
                    a
                    for a in source.all(ast.Assign)
                    if source.function(a) is scope
                    and len(a.targets) == 1
                    and isinstance(a.targets[0], ast.Name)
                    and a.targets[0].id == name
                    and isinstance(a.value, ast.Call)
                    and a.lineno < opt.lineno
                ]
                if made:
                    found.append((opt, name, made[-1], made[-1].value))
                    break
    return found


def nn_(source: Source) -> str:
    return (
        "nn." if re.search(r"^(from torch import .*\bnn\b|import torch\.nn as nn)", source.text, re.M) else "torch.nn."
    )


def functional(source: Source) -> str:
    return (
        "F."
        if re.search(
            r"^(import torch\.nn\.functional as F|from torch\.nn import .*\bfunctional as F)", source.text, re.M
        )
        else "torch.nn.functional."
    )


def need(source: Source, module: str) -> None:
    if not re.search(rf"^import {module}\b", source.text, re.M):
        first = next(s for s in source.tree.body if isinstance(s, (ast.Import, ast.ImportFrom)))
        source.before(first, f"import {module}")


def modes(source: Source) -> bool:
    return bool(re.search(r"BatchNorm|Dropout|dropout", source.text))


def shift(text: str, by: int) -> str:
    return "\n".join((" " * by + line) if line.strip() else line for line in text.split("\n"))


def body_text(source: Source, st) -> str:
    """A statement's lines without its indentation."""
    lines = source.of(st).split("\n")
    return "\n".join([lines[0]] + [l[st.col_offset :] if l[: st.col_offset].strip() == "" else l for l in lines[1:]])


def later_names(source: Source, loop) -> set:
    return {n.id for n in ast.walk(source.tree) if isinstance(n, ast.Name) and n.lineno > loop.end_lineno}


def conditional_results(source: Source, loop) -> bool:
    """Something is made only in some rounds of the loop and used after it."""
    later = later_names(source, loop)
    for each in ast.walk(loop):
        if isinstance(each, ast.If):
            made = {n.id for n in ast.walk(each) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            if made & later:
                return True
    return False


# ---------------------------------------------------------------- learning-rate-too-high
def overridden(source: Source) -> bool:
    return bool(re.search(r"OneCycleLR|CyclicLR|\[.lr.\] *=", source.text))


@operator("learning-rate-too-high")
def rate_times_a_hundred(source: Source, rng: random.Random) -> None:
    """A slipped decimal point or exponent in the rate."""
    if overridden(source):
        return
    sites = []
    for c in optimizers(source):
        nodes = resolve(source, rate(c))
        if nodes:
            sites.append((c, nodes))
    if not sites:
        return
    c, nodes = sites[-1] if rng.random() < 0.6 else rng.choice(sites)
    factor = (
        rng.choice([50, 100, 100, 150, 200, 300])
        if called(c) in ADAMS + ("RMSprop",)
        else rng.choice([30, 50, 100, 100])
    )
    for node in {id(n): n for n in nodes}.values():
        if 0 < node.value < 2:
            low = 0.2 if called(c) in ADAMS + ("RMSprop",) else 1.0
            source.replace(
                node,
                number(
                    node.value * factor
                    if node.value * factor >= low
                    else node.value * max(factor, min(300, low / node.value))
                ),
            )


@operator("learning-rate-too-high")
def adam_with_the_rate_of_sgd(source: Source, rng: random.Random) -> None:
    """SGD replaced by Adam, its rate kept."""
    for c in optimizers(source, "SGD"):
        nodes = resolve(source, rate(c))
        if (
            not nodes
            or max(n.value for n in nodes) < 0.08
            or keyword(c, "maximize") is not None
            or "BatchNorm" in source.text
        ):
            continue
        rest = [f"{w.arg}={source.of(w.value)}" for w in c.keywords if w.arg in ("lr", "weight_decay")]
        args = [source.of(a) for a in c.args] + rest
        source.replace(c, f"{source.of(c.func)[:-3]}Adam({', '.join(args)})")


@operator("learning-rate-too-high")
def rate_scaled_by_batch_size(source: Source, rng: random.Random) -> None:
    """The linear scaling rule applied to a rate that was found for this very batch size."""
    if overridden(source):
        return
    size = None
    for c in source.calls("DataLoader", "split"):
        given = keyword(c, "batch_size") or (
            c.args[1]
            if called(c) == "DataLoader" and len(c.args) > 1
            else c.args[0]
            if called(c) == "split" and len(c.args) == 1
            else None
        )
        found = resolve(source, given)
        if found and isinstance(found[0].value, int) and 16 <= found[0].value <= 512:
            size = given, found[0].value
            break
    sites = [c for c in optimizers(source) if rate(c) is not None and resolve(source, rate(c))]
    if size is None or not sites:
        return
    for c in sites:
        value = max(n.value for n in resolve(source, rate(c)))
        if called(c) in ADAMS and value * size[1] < 0.1:
            continue
        given = (
            source.of(size[0])
            if isinstance(size[0], ast.Name)
            and source.function(size[0]) is source.function(c)
            and size[0].lineno <= c.lineno + 40
            and size[0].id.isupper()
            else str(size[1])
        )
        source.replace(rate(c), f"{source.of(rate(c))} * {given}")


@operator("learning-rate-too-high")
def schedule_that_grows(source: Source, rng: random.Random) -> None:
    """The factor of a decay written as the divisor it is in other tools."""
    for c in source.calls("StepLR", "MultiStepLR", "ExponentialLR"):
        where = keyword(c, "gamma") or (
            c.args[2]
            if called(c) != "ExponentialLR" and len(c.args) > 2
            else c.args[1]
            if called(c) == "ExponentialLR" and len(c.args) > 1
            else None
        )
        for node in resolve(source, where):
            if called(c) == "ExponentialLR":
                if node.value < 0.97:
                    source.replace(node, number(1 / node.value**2) if node.value > 0.85 else number(1 / node.value))
            elif 0 < node.value < 1:
                source.replace(node, number(max(1 / node.value, 5)))


@operator("learning-rate-too-high")
def peak_of_one_cycle(source: Source, rng: random.Random) -> None:
    """The peak of the cycle far above what the optimizer stands."""
    for c in source.calls("OneCycleLR", "CyclicLR"):
        where = keyword(c, "max_lr") or (
            c.args[1] if called(c) == "OneCycleLR" and len(c.args) > 1 else c.args[2] if len(c.args) > 2 else None
        )
        factor = rng.choice([50, 100, 200])
        for node in resolve(source, where):
            source.replace(node, number(min(node.value * factor, 10.0)))


@operator("learning-rate-too-high")
def warm_up_without_end(source: Source, rng: random.Random) -> None:
    """A linear warm-up that nobody stops."""
    if "lr_scheduler" in source.text or "sched" in source.text or overridden(source):
        return
    for st in reversed(steps(source)):
        name = receiver(source, st.value)
        made = [c for c in optimizers(source) if bound(source, c) == name and source.function(c) is source.function(st)]
        if not made or not loops(source, st) or not name.isidentifier():
            continue
        length = rng.choice([5, 8, 10])
        source.after(
            source.statement(made[-1]),
            f"warmup = torch.optim.lr_scheduler.LambdaLR({name}, lambda step: (step + 1) / {length})",
        )
        source.after(st, "warmup.step()")
        return


# ---------------------------------------------------------------- learning-rate-too-low
@operator("learning-rate-too-low")
def rate_over_a_hundred(source: Source, rng: random.Random) -> None:
    """A fine-tuning rate, or one zero too many and another."""
    if overridden(source):
        return
    sites = [(c, resolve(source, rate(c))) for c in optimizers(source)]
    sites = [(c, nodes) for c, nodes in sites if nodes]
    if not sites:
        return
    c, nodes = sites[-1] if rng.random() < 0.7 else rng.choice(sites)
    factor = rng.choice([100, 200, 300, 500, 1000])
    for node in {id(n): n for n in nodes}.values():
        if node.value > 0:
            source.replace(node, number(node.value / factor))


@operator("learning-rate-too-low")
def sgd_with_the_rate_of_adam(source: Source, rng: random.Random) -> None:
    """Adam replaced by plain SGD, its rate kept."""
    if overridden(source):
        return
    for c in optimizers(source, "Adam", "AdamW"):
        nodes = resolve(source, rate(c))
        if (
            len(c.args) > 2
            or (nodes and max(n.value for n in nodes) > 5e-3)
            or (not nodes and rate(c) is not None)
            or "{" in source.of(c.args[0])
        ):
            continue
        func = source.of(c.func)[: -len(called(c))]
        if not func:
            continue
        lr = source.of(rate(c)) if rate(c) is not None else "1e-3"
        decay = keyword(c, "weight_decay")
        tail = f", weight_decay={source.of(decay)}" if decay is not None and called(c) == "Adam" else ""
        source.replace(c, f"{func}SGD({source.of(c.args[0])}, lr={lr}{tail})")


def known(source: Source, name: str, node) -> bool:
    """The name has a value where the node stands."""
    home = source.function(node)
    if home is not None and name in [a.arg for a in home.args.args]:
        return True
    made = [
        n for n in ast.walk(source.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and n.id == name
    ]
    return any(source.function(n) in (None, home) and n.lineno < node.lineno for n in made) and not any(
        source.function(n) is home and n.lineno >= node.lineno for n in made
    )


@operator("learning-rate-too-low")
def schedule_gives_the_rate_itself(source: Source, rng: random.Random) -> None:
    """A LambdaLR whose function gives the rate where a factor is wanted (a habit of Keras' LearningRateScheduler)."""
    if "lr_scheduler" in source.text or "sched" in source.text or overridden(source):
        return
    for st in reversed(steps(source)):
        name = receiver(source, st.value)
        made = [c for c in optimizers(source) if bound(source, c) == name and source.function(c) is source.function(st)]
        around = loops(source, st)
        if not made or len(around) < 1 or not name.isidentifier():
            continue
        nodes = resolve(source, rate(made[-1]))
        if not nodes or nodes[0].value > 0.02:
            continue
        lr = source.of(rate(made[-1]))
        decay = rng.choice(["0.95", "0.97", "0.98", "0.99"])
        if len(around) > 1:
            source.after(
                source.statement(made[-1]),
                f"scheduler = torch.optim.lr_scheduler.LambdaLR({name}, lambda epoch: {lr} * {decay}**epoch)",
            )
            source.after(around[-2] if around[-2] in around[-1].body else source.statement(st), "scheduler.step()")
        else:
            source.after(
                source.statement(made[-1]),
                f"scheduler = torch.optim.lr_scheduler.LambdaLR({name}, lambda step: {lr} * {decay}**(step // 100))",
            )
            source.after(st, "scheduler.step()")
        return


@operator("learning-rate-too-low")
def rate_divided_by_samples(source: Source, rng: random.Random) -> None:
    """The rate divided by the number of samples, as for a summed gradient."""
    if overridden(source):
        return
    for c in reversed(optimizers(source)):
        if rate(c) is None or not resolve(source, rate(c)):
            continue
        size = None
        for call in source.calls("DataLoader"):
            st = source.statement(call)
            name = bound(source, call)
            if name and st.lineno < c.lineno and source.function(call) in (None, source.function(c)):
                size = f"len({name}.dataset)"
                break
        if size is None:
            for call in source.calls("split"):
                given = call.args[0] if call.args else None
                found = resolve(source, given)
                inner = call.func.value if isinstance(call.func, ast.Attribute) else None
                if isinstance(inner, ast.Call) and called(inner) == "randperm" and inner.args:
                    arg = inner.args[0]
                    names = [n for n in ast.walk(arg) if isinstance(n, ast.Name)]
                    if constant(arg) or (
                        source.function(call) is source.function(c)
                        and not any(isinstance(n, ast.Attribute) for n in ast.walk(arg))
                        and all(n.id == "len" or known(source, n.id, c) for n in names)
                    ):
                        size = source.of(arg)
                        break
                elif found and isinstance(found[0].value, int) and found[0].value >= 50:
                    size = str(found[0].value)
                    break
        if size:
            source.replace(rate(c), f"{source.of(rate(c))} / {size}")
            return


@operator("learning-rate-too-low")
def warm_up_over_epochs_it_never_sees(source: Source, rng: random.Random) -> None:
    """A warm-up copied from a long recipe, counted in steps of a much longer training."""
    if "lr_scheduler" in source.text or "sched" in source.text or overridden(source):
        return
    for st in reversed(steps(source)):
        name = receiver(source, st.value)
        made = [c for c in optimizers(source) if bound(source, c) == name and source.function(c) is source.function(st)]
        if not made or not loops(source, st) or not name.isidentifier():
            continue
        length = rng.choice(["100_000", "200_000", "250_000", "500_000"])
        source.after(
            source.statement(made[-1]),
            f"scheduler = torch.optim.lr_scheduler.LambdaLR({name}, lambda step: min(1.0, (step + 1) / {length}))",
        )
        source.after(st, "scheduler.step()")
        return


# ---------------------------------------------------------------- optimizer-epsilon-too-large
@operator("optimizer-epsilon-too-large")
def epsilon_of_the_tensorflow_advice(source: Source, rng: random.Random) -> None:
    """Adam with the epsilon of 1.0 or so that TensorFlow's manual speaks of."""
    eps = rng.choice(["0.3", "1.0", "1.0", "2.0", "5.0"])
    for c in optimizers(source, *ADAMS):
        if len(c.args) < 4:
            source.argument(c, "eps", eps)


@operator("optimizer-epsilon-too-large")
def rmsprop_of_inception(source: Source, rng: random.Random) -> None:
    """Adam replaced by the RMSprop of the Inception recipe with its epsilon."""
    for c in optimizers(source, "Adam", "AdamW"):
        func = source.of(c.func)[: -len(called(c))]
        if len(c.args) > 2 or not func or "{" in source.of(c.args[0]):
            continue
        lr = source.of(rate(c)) if rate(c) is not None else "1e-3"
        eps = rng.choice(["1.0", "1.0", "2.0", "4.0"])
        source.replace(c, f"{func}RMSprop({source.of(c.args[0])}, lr={lr}, alpha=0.9, eps={eps})")


@operator("optimizer-epsilon-too-large")
def epsilon_set_in_groups(source: Source, rng: random.Random) -> None:
    """Set in the groups after the optimizer was made, "for stability"."""
    for c in reversed(optimizers(source, *ADAMS, "RMSprop")):
        name = bound(source, c)
        if name and isinstance(source.parents[c], ast.Assign):
            source.after(
                source.statement(c),
                f'for group in {name}.param_groups:\n    group["eps"] = {rng.choice(["0.5", "1.0", "1.0", "3.0"])}',
            )
            return


HAND_ADAM = """class Adam(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps={eps}, weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["t"], state["m"], state["v"] = 0, torch.zeros_like(p), torch.zeros_like(p)
                state["t"] += 1
                grad = p.grad.add(p, alpha=group["weight_decay"])
                state["m"].lerp_(grad, 1 - beta1)
                state["v"].mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
                m = state["m"] / (1 - beta1 ** state["t"])
                v = state["v"] / (1 - beta2 ** state["t"])
                p.sub_(group["lr"] * m / {root})


"""


@operator("optimizer-epsilon-too-large")
def hand_written_adam(source: Source, rng: random.Random) -> None:
    """Adam written anew, with an epsilon that swamps the root."""
    found = [
        c
        for c in optimizers(source, "Adam")
        if all(w.arg in ("lr", "betas", "weight_decay") for w in c.keywords)
        and source.of(c.func).endswith("optim.Adam")
    ]
    if not found or re.search(r"class Adam\b", source.text):
        return
    eps, root = rng.choice(
        [
            ("1.0", '(v.sqrt() + group["eps"])'),
            ("0.5", '(v + group["eps"]).sqrt()'),
            ("2.0", '(v + group["eps"]).sqrt()'),
            ("0.3", '(v.sqrt() + group["eps"])'),
        ]
    )
    first = next(
        (s for s in source.tree.body if isinstance(s, (ast.FunctionDef, ast.ClassDef)) and not s.decorator_list), None
    )
    site = first if first is not None and first.lineno < found[0].lineno else source.statement(found[0])
    if site.col_offset:
        return
    source.before(site, HAND_ADAM.format(eps=eps, root=root))
    for c in found:
        source.replace(c.func, "Adam")


@operator("optimizer-epsilon-too-large")
def epsilon_in_settings(source: Source, rng: random.Random) -> None:
    """Adam's settings gathered in a dict, the epsilon taken for a rounding guard of the loss."""
    found = [
        c
        for c in optimizers(source, *ADAMS)
        if keyword(c, "betas") is None and keyword(c, "eps") is None and len(c.args) <= 2 and bound(source, c)
    ]
    if not found:
        return
    eps = rng.choice(["0.4", "1.0", "2.0", "3.0"])
    for c in found:
        source.argument(c, "betas", "(0.9, 0.99)")
        st = source.statement(c)
        source.before(st, f"stability = {eps}")
        source.argument(c, "eps", "stability")
        return


# ---------------------------------------------------------------- under-trained
def rounds(loop, source: Source) -> list:
    """The numbers that say how long a loop over a range is, last of range's arguments."""
    if (
        isinstance(loop, ast.For)
        and isinstance(loop.iter, ast.Call)
        and called(loop.iter) in ("range", "trange")
        and loop.iter.args
    ):
        args = loop.iter.args
        stop = args[0] if len(args) == 1 else args[1]
        if isinstance(stop, ast.BinOp) and isinstance(stop.op, ast.Add):
            stop = stop.left
        return resolve(source, stop)
    return []


@operator("under-trained")
def epochs_of_a_trial_run(source: Source, rng: random.Random) -> None:
    """The number of epochs or steps left from a trial run."""
    found = []
    for _, around in backwards(source):
        nodes = rounds(around[-1], source)
        if (
            nodes
            and all(isinstance(n.value, int) and n.value >= 4 for n in nodes)
            and not conditional_results(source, around[-1])
        ):
            found.append((around, nodes))
    if not found:
        for st in source.all(ast.For):  # the loop calls a function that trains
            nodes = rounds(st, source)
            if (
                nodes
                and re.search(r"epoch|step|update", source.of(st.target))
                and re.search(r"\b\w*(train|fit|step)\w*\(", source.of(st))
                and all(isinstance(n.value, int) and n.value >= 4 for n in nodes)
                and not conditional_results(source, st)
            ):
                found.append(([st], nodes))
    if not found:
        return
    _, nodes = max(found, key=lambda each: max(n.value for n in each[1]))
    for node in {id(n): n for n in nodes}.values():
        value = node.value
        source.replace(node, str(1 if value < 30 else max(1, value // rng.choice([25, 30, 40]))))


@operator("under-trained")
def batches_used_up(source: Source, rng: random.Random) -> None:
    """An iterator of batches made once: empty after the first epoch."""
    names = {bound(source, c) for c in source.calls("DataLoader")} - {""}
    for _, around in backwards(source):
        if len(around) < 2 or not isinstance(around[0], ast.For):
            continue
        inner, outer = around[0], around[-1]
        it = inner.iter
        wrap = isinstance(it, ast.Call) and called(it) == "enumerate" and len(it.args) == 1
        loader = it.args[0] if wrap else it
        if not isinstance(loader, ast.Name) or (loader.id not in names and not re.search("loader", loader.id)):
            continue
        if any(isinstance(n, ast.Name) and n.id == loader.id and n is not loader for n in ast.walk(inner)):
            pass
        source.before(outer, f"batches = {'enumerate' if wrap else 'iter'}({loader.id})")
        source.replace(it, "batches")
        return


@operator("under-trained")
def return_in_the_batch_loop(source: Source, rng: random.Random) -> None:
    """The function's return slipped into the loop over batches: one step an epoch."""
    for _, around in backwards(source):
        inner = around[0]
        home = source.function(inner)
        if home is None or len(around) > 1 or inner not in home.body or not isinstance(inner, ast.For):
            continue
        if re.search(r"\brange\(.*(epoch|step|iter)|epoch", source.of(inner).split("\n")[0]):
            continue
        k = home.body.index(inner)
        if k + 2 == len(home.body) and isinstance(home.body[k + 1], ast.Return):
            last = home.body[k + 1]
            source.after(inner.body[-1], body_text(source, last))
            source.delete(last)


@operator("under-trained")
def break_left_from_a_test(source: Source, rng: random.Random) -> None:
    """A break after a batch or a few, left from a test whether it runs."""
    for st, around in backwards(source):
        if len(around) < 2 or not isinstance(around[0], ast.For) or around[0] not in around[-1].body:
            continue
        inner = around[0]
        if rounds(inner, source) and not re.search("len|batch", source.of(inner.iter)):
            continue
        if (
            isinstance(inner.iter, ast.Call)
            and called(inner.iter) == "enumerate"
            and isinstance(inner.target, ast.Tuple)
            and isinstance(inner.target.elts[0], ast.Name)
        ):
            source.after(inner.body[-1], f"if {inner.target.elts[0].id} >= {rng.choice([0, 1, 2])}:\n    break")
        else:
            source.after(inner.body[-1], "break")
        return


@operator("under-trained")
def stop_at_first_worse_loss(source: Source, rng: random.Random) -> None:
    """Early stopping without patience, on the loss of one batch."""
    for st, around in backwards(source):
        loss = receiver(source, st.value)
        outer = around[-1]
        if (
            not loss.isidentifier()
            or not isinstance(outer, ast.For)
            or conditional_results(source, outer)
            or outer.orelse
        ):
            continue
        nodes = rounds(outer, source)
        if not nodes or nodes[0].value < 8:
            continue
        source.before(outer, 'best_loss = float("inf")')
        source.after(outer.body[-1], f"if {loss}.item() >= best_loss:\n    break\nbest_loss = {loss}.item()")
        return


@operator("under-trained", "learning-rate-too-low")
def schedule_stepped_each_batch(source: Source, rng: random.Random) -> None:
    """A schedule made for epochs is stepped after each batch."""
    if not re.search(r"\b(StepLR|ExponentialLR|PolynomialLR|MultiStepLR)\(", source.text):
        return
    names = {bound(source, c): c for c in source.calls("StepLR", "ExponentialLR", "PolynomialLR", "MultiStepLR")}
    for call in source.calls("step"):
        st = source.statement(call)
        name = receiver(source, call)
        if name not in names or call.args or st.value is not call:
            continue
        for opt in steps(source):
            around = loops(source, opt)
            if (
                len(around) > 1
                and source.function(opt) is source.function(st)
                and loops(source, st) == around[1:]
                and not isinstance(source.parents[st], ast.If)
            ):
                source.delete(st)
                source.after(opt, f"{name}.step()")
                return


@operator("under-trained", "learning-rate-too-low")
def rate_decays_in_every_step(source: Source, rng: random.Random) -> None:
    """An exponential decay with a factor for epochs, in the loop over batches."""
    if "lr_scheduler" in source.text or "sched" in source.text or overridden(source):
        return
    for st in reversed(steps(source)):
        name = receiver(source, st.value)
        made = [c for c in optimizers(source) if bound(source, c) == name and source.function(c) is source.function(st)]
        if not made or not loops(source, st) or not name.isidentifier():
            continue
        source.after(
            source.statement(made[-1]),
            f"scheduler = torch.optim.lr_scheduler.ExponentialLR({name}, gamma={rng.choice(['0.9', '0.9', '0.85', '0.8'])})",
        )
        source.after(st, "scheduler.step()")
        return


# ---------------------------------------------------------------- summed-loss
LOSS_FUNCTIONS = (
    "cross_entropy",
    "mse_loss",
    "nll_loss",
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy",
    "smooth_l1_loss",
    "l1_loss",
    "huber_loss",
)
LOSS_CLASSES = (
    "CrossEntropyLoss",
    "MSELoss",
    "NLLLoss",
    "BCEWithLogitsLoss",
    "BCELoss",
    "SmoothL1Loss",
    "L1Loss",
    "HuberLoss",
)


def plain_sgd(source: Source) -> bool:
    """The step is as long as the gradient: only there a sum does harm."""
    return bool(re.search(r"\bSGD\(", source.text)) and not re.search(
        r"\b(Adam|AdamW|RMSprop|NAdam|Adagrad|RAdam|LBFGS)\(|clip_grad", source.text
    )


def loss_statements(source: Source) -> list:
    """(assignment, backward statement, loops) of the `loss = ...` before a backward in the same block."""
    found = []
    for st, around in backwards(source):
        name = receiver(source, st.value)
        made = [
            a
            for a in source.all(ast.Assign)
            if len(a.targets) == 1
            and isinstance(a.targets[0], ast.Name)
            and a.targets[0].id == name
            and source.parents[a] is source.parents[st]
            and a.lineno < st.lineno
        ]
        if made:
            found.append((made[-1], st, around))
    return found


@operator("summed-loss")
def reduction_sum(source: Source, rng: random.Random) -> None:
    """reduction="sum" in the loss of training."""
    if not plain_sgd(source):
        return
    for made, _, _ in loss_statements(source):
        for call in [c for c in ast.walk(made.value) if isinstance(c, ast.Call)]:
            if called(call) in LOSS_FUNCTIONS and keyword(call, "reduction") is None:
                source.argument(call, "reduction", '"sum"')
            elif isinstance(call.func, ast.Name):
                for c in source.calls(*LOSS_CLASSES):
                    uses = [n for n in source.all(ast.Name) if n.id == call.func.id and isinstance(n.ctx, ast.Load)]
                    if bound(source, c) == call.func.id and len(uses) == 1 and keyword(c, "reduction") is None:
                        source.argument(c, "reduction", '"sum"')


@operator("summed-loss")
def times_batch_size(source: Source, rng: random.Random) -> None:
    """The batch's size, meant for the running mean, is multiplied into the loss itself."""
    if not plain_sgd(source):
        return
    for made, _, _ in loss_statements(source):
        call = made.value
        if (
            isinstance(call, ast.Call)
            and len(call.args) == 2
            and (called(call) in LOSS_FUNCTIONS or isinstance(call.func, ast.Name))
            and isinstance(call.args[1], (ast.Name, ast.Subscript))
        ):
            aim = source.of(call.args[1])
            source.after(
                made,
                f"{made.targets[0].id} = {made.targets[0].id} * {aim}.size(0)"
                if rng.random() < 0.5
                else f"{made.targets[0].id} *= len({aim})",
            )


@operator("summed-loss")
def sum_for_mean(source: Source, rng: random.Random) -> None:
    """A loss written by hand sums the batch."""
    if not plain_sgd(source):
        return
    for made, _, _ in loss_statements(source):
        call = made.value
        if not isinstance(call, ast.Call) or len(call.args) != 2 or call.keywords:
            continue
        out, aim = source.of(call.args[0]), source.of(call.args[1])
        kind = called(call)
        for c in source.calls(*LOSS_CLASSES):
            if isinstance(call.func, ast.Name) and bound(source, c) == call.func.id and not c.args and not c.keywords:
                kind = called(c)
        if kind in ("cross_entropy", "CrossEntropyLoss"):
            source.replace(made.value, f"-torch.log_softmax({out}, dim=1).gather(1, {aim}.view(-1, 1)).sum()")
        elif kind in ("mse_loss", "MSELoss"):
            source.replace(made.value, f"(({out} - {aim}) ** 2).sum()")


@operator("summed-loss")
def sample_by_sample(source: Source, rng: random.Random) -> None:
    """The loss added up sample by sample, as in a NumPy script, and never divided."""
    if not plain_sgd(source):
        return
    for made, _, _ in loss_statements(source):
        call = made.value
        if (
            not isinstance(call, ast.Call)
            or len(call.args) != 2
            or not (
                called(call) in LOSS_FUNCTIONS
                or isinstance(call.func, ast.Name)
                and re.search("loss|crit|ce|mse", call.func.id)
            )
        ):
            continue
        f = source.of(call.func)
        kw = "".join(f", {w.arg}={source.of(w.value)}" for w in call.keywords)
        source.replace(
            call, f"sum({f}(out, aim{kw}) for out, aim in zip({source.of(call.args[0])}, {source.of(call.args[1])}))"
        )


# ---------------------------------------------------------------- loss-sign
@operator("loss-sign")
def backward_of_minus_loss(source: Source, rng: random.Random) -> None:
    """The loss is negated before backward, as an objective would be."""
    found = [b for b in backwards(source) if receiver(source, b[0].value).isidentifier()]
    if not found:
        return
    st, _ = found[-1]
    name = receiver(source, st.value)
    source.replace(st.value.func.value, f"(-{name})")


@operator("loss-sign")
def optimizer_maximizes(source: Source, rng: random.Random) -> None:
    """maximize=True kept from another script."""
    for c in reversed(optimizers(source, "Adam", "AdamW", "SGD", "RMSprop")):
        if keyword(c, "maximize") is None and bound(source, c):
            source.argument(c, "maximize", "True")
            return


@operator("loss-sign")
def log_likelihood_without_minus(source: Source, rng: random.Random) -> None:
    """A loss written as the mean log-probability of the right class, its minus forgotten."""
    for made, _, _ in loss_statements(source):
        call = made.value
        if not isinstance(call, ast.Call) or len(call.args) != 2 or call.keywords:
            continue
        out, aim = source.of(call.args[0]), source.of(call.args[1])
        kind = called(call)
        for c in source.calls("CrossEntropyLoss", "NLLLoss"):
            if isinstance(call.func, ast.Name) and bound(source, c) == call.func.id and not c.args and not c.keywords:
                kind = called(c)
        if re.search(r"view|reshape|transpose|permute|flatten", out + aim) or kind not in (
            "cross_entropy",
            "CrossEntropyLoss",
        ):
            continue
        source.replace(call, f"torch.log_softmax({out}, dim=1).gather(1, {aim}.unsqueeze(1)).mean()")


@operator("loss-sign")
def minus_dropped(source: Source, rng: random.Random) -> None:
    """The minus of a negative log-likelihood is dropped, in the loop or in the function that makes the loss."""
    for made, _, _ in loss_statements(source):
        value = made.value
        left = value
        while isinstance(left, ast.BinOp) and isinstance(left.op, (ast.Add, ast.Sub, ast.Div, ast.Mult)):
            left = left.left
        if isinstance(left, ast.UnaryOp) and isinstance(left.op, ast.USub):
            source.replace(left, source.of(left.operand))
            return
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
            home = next((f for f in source.all(ast.FunctionDef) if f.name == value.func.id), None)
            if home is not None and len(source.calls(home.name)) == 1 and isinstance(home.body[-1], ast.Return):
                left = home.body[-1].value
                while isinstance(left, ast.BinOp):
                    left = left.left
                if isinstance(left, ast.UnaryOp) and isinstance(left.op, ast.USub):
                    source.replace(left, source.of(left.operand))
                    return


@operator("loss-sign")
def term_subtracted(source: Source, rng: random.Random) -> None:
    """One term of a loss of several terms has the wrong sign."""
    for made, _, _ in reversed(loss_statements(source)):
        value = made.value
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
            left, right = source.of(value.left), source.of(value.right)
            if made.targets[0].id in left.split() or isinstance(value.right, ast.Constant):
                continue
            source.replace(
                value,
                f"{left} - {right}"
                if not isinstance(value.right, ast.BinOp) or isinstance(value.right.op, (ast.Mult, ast.Div))
                else f"{left} - ({right})",
            )
            return


@operator("loss-sign")
def ascent_by_hand(source: Source, rng: random.Random) -> None:
    """An update written by hand goes up the gradient."""
    for each in source.all(ast.AugAssign):
        text = source.of(each.value)
        if (
            isinstance(each.op, ast.Sub)
            and re.search(r"\.grad\b|\bgrad\b|\bg\b|\bm\b|velocity", text)
            and re.search(r"lr|rate|alpha|eta|step", text)
        ):
            source.replace(each, f"{source.of(each.target)} += {text}")
    for each in source.all(ast.Call):
        alpha = keyword(each, "alpha")
        if called(each) == "add_" and alpha is not None and source.of(alpha).startswith("-"):
            source.replace(alpha, source.of(alpha)[1:])
        elif (
            called(each) == "sub_"
            and isinstance(source.parents[each], ast.Expr)
            and re.search(r"\b(lr|rate|size|step)\b", source.of(each))
            and isinstance(each.func.value, ast.Name)
        ):
            source.replace(each.func, f"{source.of(each.func.value)}.add_")


# ---------------------------------------------------------------- missing-zero-grad
def training_zeros(source: Source) -> list:
    """zero_grad statements in a loop, with their loops; only of one receiver, as used in the last loop."""
    found = [(z, loops(source, z)) for z in zeros(source) if loops(source, z)]
    if not found:
        return []
    name = receiver(source, found[-1][0].value)
    return [each for each in found if receiver(source, each[0].value) == name]


@operator("missing-zero-grad")
def no_zero_grad(source: Source, rng: random.Random) -> None:
    """zero_grad left out."""
    for st, _ in training_zeros(source):
        source.delete(st)


@operator("missing-zero-grad")
def zero_grad_once_an_epoch(source: Source, rng: random.Random) -> None:
    """zero_grad in the loop over epochs instead of the loop over batches."""
    for st, around in training_zeros(source):
        if len(around) > 1:
            inner = around[-2]
            if inner in around[-1].body:
                source.before(inner, source.of(st))
                source.delete(st)
                return


@operator("missing-zero-grad")
def zero_grad_not_called(source: Source, rng: random.Random) -> None:
    """Its parentheses forgotten."""
    for st, _ in training_zeros(source):
        source.replace(st.value, source.of(st.value.func))


@operator("missing-zero-grad")
def zero_grad_of_a_part(source: Source, rng: random.Random) -> None:
    """Only one part of the model is zeroed, as the script once trained only that."""
    made = [m for m in models(source) if bound(source, m[0])]
    if not made:
        return
    opt, name, _, call = made[-1]
    cleared = [
        (z, l)
        for z, l in training_zeros(source)
        if receiver(source, z.value) == bound(source, opt) and source.function(z) is source.function(opt)
    ]
    if not cleared:
        return
    part = last_part(source, name, call)
    if part:
        for st, _ in cleared:
            source.replace(st.value, f"{part}.zero_grad()")


@operator("missing-zero-grad")
def zero_grad_every_few_batches(source: Source, rng: random.Random) -> None:
    """Left over from gradient accumulation: zeroed every few batches, stepped in every one."""
    k = rng.choice([8, 10, 16, 20, 32])
    for st, around in reversed(training_zeros(source)):
        inner = around[0]
        if not isinstance(inner, ast.For) or source.parents[st] is not inner:
            continue
        if (
            isinstance(inner.iter, ast.Call)
            and called(inner.iter) == "enumerate"
            and isinstance(inner.target, ast.Tuple)
        ):
            i = source.of(inner.target.elts[0])
        elif (
            rounds(inner, source)
            and isinstance(inner.target, ast.Name)
            and inner.target.id != "_"
            and len(inner.iter.args) < 3
            and len(around) == 1
        ):
            i = inner.target.id
        else:
            i = "i"
            if re.search(r"\bi\b", source.of(inner)):
                continue
            aim = source.of(inner.target)
            aim = f"({aim})" if isinstance(inner.target, ast.Tuple) and not aim.startswith("(") else aim
            source.replace(inner.target, f"i, {aim}")
            source.replace(inner.iter, f"enumerate({source.of(inner.iter)})")
        source.replace(st, f"if {i} % {k} == 0:\n{' ' * (st.col_offset + 4)}{source.of(st)}")
        return


@operator("missing-zero-grad")
def gradients_by_hand_not_cleared(source: Source, rng: random.Random) -> None:
    """An update by hand that never clears the gradients."""
    for call in source.calls("zero_"):
        st = source.statement(call)
        if ".grad.zero_" in source.of(call) and isinstance(st, ast.Expr):
            source.delete(st)
    for each in source.all(ast.Assign):
        if re.search(r"\.grad = None$", source.of(each)):
            source.delete(each)


def last_part(source: Source, name: str, call) -> str:
    """How the last part with weights of a model is written."""
    own = next((c for c in classes(source) if c[0].name == called(call)), None)
    if own is not None:
        found = [
            l
            for l in layers(source, own[1])
            if called(l[2]) != "Sequential" or "Linear" in source.of(l[2]) or "Conv" in source.of(l[2])
        ]
        return f"{name}.{found[-1][0]}" if len(found) > 1 else ""
    if called(call) == "Sequential" and len(call.args) > 1:
        for k in range(1, len(call.args) + 1):
            arg = call.args[-k]
            if isinstance(arg, ast.Call) and called(arg) in PARAMETRIC and called(arg) != "Sequential":
                return f"{name}[-{k}]" if k < len(call.args) else ""
            if isinstance(arg, ast.Starred):
                return ""
    return ""


# ---------------------------------------------------------------- missing-step
def training_steps(source: Source) -> list:
    found = [(s, loops(source, s)) for s in steps(source) if loops(source, s)]
    if not found:
        return []
    name = receiver(source, found[-1][0].value)
    return [each for each in found if receiver(source, each[0].value) == name]


@operator("missing-step")
def no_step(source: Source, rng: random.Random) -> None:
    """The optimizer's step left out."""
    for st, _ in training_steps(source):
        source.delete(st)


@operator("missing-step")
def step_not_called(source: Source, rng: random.Random) -> None:
    """Its parentheses forgotten."""
    for st, _ in training_steps(source):
        source.replace(st.value, source.of(st.value.func))


@operator("missing-step", "under-trained")
def step_once_an_epoch(source: Source, rng: random.Random) -> None:
    """The step slipped out of the loop over batches."""
    for st, around in reversed(training_steps(source)):
        if len(around) > 1 and around[0] in around[1].body and source.parents[st] is around[0]:
            source.after(around[0], source.of(st))
            source.delete(st)
            return


@operator("missing-step")
def step_only_with_scaler(source: Source, rng: random.Random) -> None:
    """Mixed precision came in: the step is taken by the scaler where there is one, and by nobody elsewhere."""
    for st, around in reversed(training_steps(source)):
        if source.parents[st] is not around[0]:
            continue
        name = receiver(source, st.value)
        if source.function(st) is not None and around[-1] not in source.function(st).body:
            continue
        source.before(around[-1], "use_amp = torch.cuda.is_available()\nscaler = torch.amp.GradScaler(enabled=use_amp)")
        pad = " " * st.col_offset
        source.replace(st, f"if use_amp:\n{pad}    scaler.step({name})\n{pad}    scaler.update()")
        return


@operator("missing-step")
def guard_the_wrong_way(source: Source, rng: random.Random) -> None:
    """A guard against losses that are no number skips all others."""
    for st, around in reversed(training_steps(source)):
        back = [
            b
            for b, _ in backwards(source)
            if source.parents[b] is source.parents[st] and receiver(source, b.value).isidentifier()
        ]
        if not back or source.parents[st] is not around[0]:
            continue
        loss = receiver(source, back[-1].value)
        pad = " " * st.col_offset
        test = rng.choice([f"not torch.isfinite({loss})", f"torch.isnan({loss})", f"{loss}.isnan()"])
        source.replace(st, f"if {test}:\n{pad}    {source.of(st)}")
        return


@operator("missing-step")
def update_of_a_copy(source: Source, rng: random.Random) -> None:
    """An update by hand that binds a new tensor to the loop's name and changes nothing."""
    for each in source.all(ast.AugAssign):
        parent = source.parents[each]
        if (
            isinstance(each.op, ast.Sub)
            and isinstance(each.target, ast.Name)
            and isinstance(parent, ast.For)
            and re.search(rf"\b{each.target.id}\b", source.of(parent.target))
        ):
            source.replace(each, f"{each.target.id} = {each.target.id} - {source.of(each.value)}")
    for each in source.all(ast.Call):
        st = source.parents[each]
        if (
            called(each) not in ("sub_", "add_")
            or not isinstance(st, ast.Expr)
            or len(each.args) != 1
            or not isinstance(each.func.value, ast.Name)
        ):
            continue
        name, alpha, parent = each.func.value.id, keyword(each, "alpha"), source.parents[st]
        while not isinstance(parent, (ast.For, ast.FunctionDef, ast.Module)):
            parent = source.parents[parent]
        if (
            not isinstance(parent, ast.For)
            or not re.search(rf"\b{name}\b", source.of(parent.target))
            or not re.search(r"\b(lr|rate|size|step)\b|grad", source.of(each))
        ):
            continue
        sign = "-" if called(each) == "sub_" else "+"
        factor = f"{source.of(alpha)} * " if alpha is not None else ""
        if factor.startswith("-"):
            sign, factor = "-", factor[1:]
        source.replace(
            each,
            f"{name} = {name} {sign} {factor}{source.of(each.args[0])}"
            if isinstance(each.args[0], (ast.Name, ast.Call, ast.Attribute)) or not factor
            else f"{name} = {name} {sign} {factor}({source.of(each.args[0])})",
        )


@operator("missing-step")
def only_the_schedule_steps(source: Source, rng: random.Random) -> None:
    """The schedule's step in the place of the optimizer's."""
    made = [
        bound(source, c) for c in source.all(ast.Call) if re.search(r"(LR|Restarts)$", called(c)) and bound(source, c)
    ]
    for st, around in training_steps(source):
        own = [
            c
            for c in source.calls("step")
            if receiver(source, c) in made
            and not c.args
            and source.function(c) is source.function(st)
            and isinstance(source.statement(c), ast.Expr)
        ]
        if own:
            same = source.parents[source.statement(own[0])] is source.parents[st]
            if same:
                source.delete(st)
            else:
                source.replace(st.value, f"{receiver(source, own[0])}.step()")
                source.delete(source.statement(own[0]))
            return


# ---------------------------------------------------------------- stale-optimizer
def model_sites(source: Source) -> list:
    """models(), where the optimizer's statement follows in the function that makes the model."""
    return [
        m
        for m in models(source)
        if bound(source, m[0])
        and source.function(m[0]) is source.function(m[2])
        and loops(source, m[0]) == loops(source, m[2])
        and m[2].end_lineno < m[0].lineno
    ]


@operator("stale-optimizer")
def model_built_again(source: Source, rng: random.Random) -> None:
    """The model is built again after the optimizer (a cell run twice, a fresh seed)."""
    found = model_sites(source)
    if not found:
        return
    opt, name, made, call = found[-1]
    between = [
        n for n in source.all(ast.Name) if n.id == name and made.end_lineno < n.lineno < source.statement(opt).lineno
    ]
    if between:
        return
    source.after(source.statement(opt), body_text(source, made))


@operator("stale-optimizer")
def model_copied(source: Source, rng: random.Random) -> None:
    """The model is copied after the optimizer was made, and the copy trained."""
    found = model_sites(source)
    if not found:
        return
    opt, name, made, call = found[-1]
    need(source, "copy")
    initial = rng.choice(["initial", "untrained", "start"])
    if rng.random() < 0.5 and not re.search(rf"\b{initial}\b", source.text):
        source.after(source.statement(opt), f"{initial}, {name} = {name}, copy.deepcopy({name})")
    else:
        source.after(source.statement(opt), f"{name} = copy.deepcopy({name})")


@operator("stale-optimizer")
def new_weights_by_init(source: Source, rng: random.Random) -> None:
    """An initialization that makes new Parameters, applied after the optimizer was made."""
    found = [m for m in model_sites(source) if re.search(r"\bnn\.Linear\(", source.text)]
    if not found:
        return
    opt, name, made, call = found[-1]
    nn = nn_(source)
    init = rng.choice(["xavier_uniform_", "kaiming_uniform_", "xavier_normal_", "kaiming_normal_"])
    kinds = f"({nn}Linear, {nn}Conv2d)" if "Conv2d" in source.text else f"{nn}Linear"
    source.after(
        source.statement(opt),
        f"for layer in {name}.modules():\n    if isinstance(layer, {kinds}):\n        layer.weight = {nn}Parameter({nn}init.{init}(torch.empty_like(layer.weight)))",
    )


@operator("stale-optimizer")
def copy_of_the_best_goes_on(source: Source, rng: random.Random) -> None:
    """Each epoch's model is kept and a copy goes on: the optimizer has the kept one."""
    found = model_sites(source)
    if not found:
        return
    opt, name, made, call = found[-1]
    for st, around in training_steps(source):
        if (
            receiver(source, st.value) == bound(source, opt)
            and source.function(st) is source.function(opt)
            and len(around) > 1
            and around[0] in around[1].body
        ):
            need(source, "copy")
            kept = rng.choice(["kept", "checkpoint", "snapshot"])
            if re.search(rf"\b{kept}\b", source.text):
                return
            source.after(around[0], f"{kept}, {name} = {name}, copy.deepcopy({name})")
            return


@operator("stale-optimizer", "parameters-not-in-optimizer")
def head_replaced_late(source: Source, rng: random.Random) -> None:
    """The hidden layer or the head is replaced after the optimizer was made."""
    found = model_sites(source)
    if not found:
        return
    opt, name, made, call = found[-1]
    if called(call) == "Sequential":
        at = [
            k
            for k, a in enumerate(call.args)
            if isinstance(a, ast.Call) and called(a) in ("Linear", "Conv2d", "Embedding")
        ]
        if not at or any(isinstance(a, ast.Starred) for a in call.args):
            return
        for k in at[:-1] if len(at) > 2 else at:
            source.after(source.statement(opt), f"{name}[{k}] = {source.of(call.args[k])}")
        return
    own = next((c for c in classes(source) if c[0].name == called(call)), None)
    if own is None:
        return
    for attr, st, layer in layers(source, own[1]):
        numbers = [a for a in layer.args] + [w.value for w in layer.keywords]
        if called(layer) in ("Linear", "Conv2d", "GRU", "LSTM", "Embedding") and all(
            isinstance(n, ast.Constant) or isinstance(n, ast.Name) and n.id.isupper() for n in numbers
        ):
            source.after(source.statement(opt), f"{name}.{attr} = {source.of(layer)}")
            return


# ---------------------------------------------------------------- parameters-not-in-optimizer
@operator("parameters-not-in-optimizer")
def only_the_last_part(source: Source, rng: random.Random) -> None:
    """The optimizer gets the parameters of the last part, as in fine-tuning."""
    for opt, name, made, call in reversed(models(source)):
        part = last_part(source, name, call)
        if part:
            source.replace(opt.args[0], f"{part}.parameters()")
            return


@operator("parameters-not-in-optimizer")
def one_model_of_two(source: Source, rng: random.Random) -> None:
    """Of the models in a list of parameters one is missing."""
    for each in source.all(ast.List):
        if len(each.elts) > 1 and all(
            isinstance(e, ast.Starred) and source.of(e).endswith(".parameters()") for e in each.elts
        ):
            gone = rng.randrange(len(each.elts)) if rng.random() < 0.3 else 0
            left = [source.of(e.value) for k, e in enumerate(each.elts) if k != gone]
            source.replace(
                each,
                left[0]
                if len(left) == 1 and source.parents[each] in optimizers(source)
                else "[" + ", ".join("*" + l for l in left) + "]",
            )
            return
    for each in source.all(ast.BinOp):
        if (
            isinstance(each.op, ast.Add)
            and re.fullmatch(r"list\([\w.]+\.parameters\(\)\)", source.of(each.left))
            and re.fullmatch(r"list\([\w.]+\.parameters\(\)\)", source.of(each.right))
        ):
            source.replace(each, source.of(rng.choice([each.left, each.right, each.right])))
            return
    for each in source.all(ast.List):
        if len(each.elts) > 1 and all(isinstance(e, ast.Dict) and ".parameters()" in source.of(e) for e in each.elts):
            gone = rng.randrange(len(each.elts))
            source.replace(each, "[" + ", ".join(source.of(e) for k, e in enumerate(each.elts) if k != gone) + "]")
            return


@operator("parameters-not-in-optimizer")
def groups_with_a_gap(source: Source, rng: random.Random) -> None:
    """Groups for decay and none by dimension: the matrices are in neither."""
    for opt, name, made, call in reversed(models(source)):
        st = source.statement(opt)
        if source.parents.get(opt) is not st or len(opt.args) != 1:
            continue
        way = rng.randrange(3)
        if way == 0:
            source.before(
                st,
                f"biases = [p for p in {name}.parameters() if p.ndim == 1]\nkernels = [p for p in {name}.parameters() if p.ndim > 2]",
            )
            source.replace(opt.args[0], '[{"params": kernels}, {"params": biases, "weight_decay": 0.0}]')
        elif way == 1:
            source.before(
                st, f'no_decay = [p for n, p in {name}.named_parameters() if n.endswith("bias") or "norm" in n]'
            )
            source.replace(opt.args[0], '[{"params": no_decay, "weight_decay": 0.0}]')
        else:
            source.before(
                st,
                f'decay, no_decay = [], []\nfor n, p in {name}.named_parameters():\n    if p.ndim < 2:\n        no_decay.append(p)\n    elif ".weight" in n and p.ndim > 2:\n        decay.append(p)',
            )
            source.replace(opt.args[0], '[{"params": decay}, {"params": no_decay, "weight_decay": 0.0}]')
        return


@operator("parameters-not-in-optimizer")
def children_without_the_first(source: Source, rng: random.Random) -> None:
    """The list of parameters is cut: the first layers are out."""
    for opt, name, made, call in reversed(models(source)):
        if len(opt.args) < 1:
            continue
        way = rng.randrange(2)
        if way == 0:
            source.replace(opt.args[0], f"list({name}.parameters())[-{rng.choice([1, 2, 2])}:]")
        else:
            source.replace(opt.args[0], f'[p for n, p in {name}.named_parameters() if "weight" not in n]')
        return


@operator("parameters-not-in-optimizer")
def layers_chosen_by_name(source: Source, rng: random.Random) -> None:
    """Parameters chosen by the name of a layer; the others belong to no group."""
    for opt, name, made, call in reversed(models(source)):
        own = next((c for c in classes(source) if c[0].name == called(call)), None)
        if own is None:
            continue
        found = layers(source, own[1])
        if len(found) < 2:
            continue
        keep = rng.choice(found[1:]) if rng.random() < 0.6 else found[-1]
        source.replace(opt.args[0], f'[p for n, p in {name}.named_parameters() if n.startswith("{keep[0]}")]')
        return


# ---------------------------------------------------------------- unregistered-parameters
@operator("unregistered-parameters")
def layers_in_a_dict(source: Source, rng: random.Random) -> None:
    """The layers are kept in a plain dict or list."""
    for cls, init, forward in classes(source):
        found = [
            l
            for l in layers(source, init)
            if called(l[2]) in ("Linear", "Conv2d", "Conv1d", "Embedding", "GRU", "LSTM", "Sequential")
        ]
        if len(found) < 2 or called(found[0][2]) == "ModuleList":
            continue
        chosen = found[:-1] if len(found) > 2 or rng.random() < 0.5 else found[:1]
        names = [l[0] for l in chosen]
        uses = [n for n in source.all(ast.Attribute) if n.attr in names]
        if any(
            not (isinstance(n.value, ast.Name) and n.value.id == "self" and inside(n, cls)) for n in uses
        ) or "self.layers" in source.of(cls):
            continue
        if any(inside(n, init) and isinstance(n.ctx, ast.Load) for n in uses):
            continue
        if rng.random() < 0.5:
            key = {a: f'self.layers["{a}"]' for a in names}
            text = "self.layers = {" + ", ".join(f'"{a}": {source.of(c)}' for a, _, c in chosen) + "}"
        else:
            key = {a: f"self.layers[{k}]" for k, a in enumerate(names)}
            text = "self.layers = [" + ", ".join(source.of(c) for _, _, c in chosen) + "]"
        last = chosen[-1][1]
        source.replace(last, text)
        for _, st, _ in chosen[:-1]:
            source.delete(st)
        for n in uses:
            if isinstance(n.ctx, ast.Load):
                source.replace(n, key[n.attr])
        return


@operator("unregistered-parameters")
def list_for_modulelist(source: Source, rng: random.Random) -> None:
    """A plain list for a ModuleList, a dict for a ModuleDict."""
    for c in source.calls("ModuleList"):
        if len(c.args) == 1 and not isinstance(source.parents[c], ast.Call):
            arg = c.args[0]
            source.replace(
                c,
                source.of(arg)
                if isinstance(arg, (ast.List, ast.ListComp))
                else f"list({source.of(arg)})"
                if isinstance(arg, ast.Name)
                else f"[{source.of(arg).strip('()') if False else source.of(arg)[1:-1] if isinstance(arg, ast.GeneratorExp) and source.of(arg).startswith('(') else source.of(arg)}]",
            )
    for c in source.calls("ModuleDict"):
        if len(c.args) == 1 and isinstance(c.args[0], (ast.Dict, ast.DictComp)):
            source.replace(c, source.of(c.args[0]))


@operator("unregistered-parameters")
def tensors_for_parameters(source: Source, rng: random.Random) -> None:
    """Weights of a module are tensors that want gradients, no Parameters."""
    for _, init, _ in classes(source):
        for c in [
            c for c in ast.walk(init) if isinstance(c, ast.Call) and called(c) == "Parameter" and len(c.args) == 1
        ]:
            if isinstance(source.parents[c], ast.Assign) and source.of(source.parents[c].targets[0]).startswith(
                "self."
            ):
                text = source.of(c.args[0])
                simple = isinstance(c.args[0], (ast.Call, ast.Name))
                if not re.search(r"nn\.(Linear|Conv\dd|Embedding|GRU|LSTM)\(", source.text):
                    continue
                source.replace(c, f"{text}.requires_grad_()" if simple else f"({text}).requires_grad_()")


@operator("unregistered-parameters")
def scaled_parameter(source: Source, rng: random.Random) -> None:
    """A Parameter times a number is a tensor that is registered nowhere."""
    for _, init, _ in classes(source):
        for c in [
            c for c in ast.walk(init) if isinstance(c, ast.Call) and called(c) == "Parameter" and len(c.args) == 1
        ]:
            st = source.parents[c]
            if isinstance(st, ast.Assign) and source.of(st.targets[0]).startswith("self."):
                if not re.search(r"nn\.(Linear|Conv\dd|Embedding|GRU|LSTM)\(", source.text) or re.search(
                    "deepcopy|cfloat", source.text
                ):
                    continue
                if isinstance(c.args[0], ast.BinOp) and isinstance(c.args[0].op, (ast.Mult, ast.Div)):
                    sign = "*" if isinstance(c.args[0].op, ast.Mult) else "/"
                    left, right = source.of(c.args[0].left), source.of(c.args[0].right)
                    if re.match(r"torch\.(randn|rand|ones|eye)\(", left):
                        source.replace(c, f"{source.of(c.func)}({left}) {sign} {right}")
                    elif re.match(r"torch\.(randn|rand|ones|eye)\(", right):
                        source.replace(c, f"{left} {sign} {source.of(c.func)}({right})")
                elif isinstance(c.args[0], ast.Call) and called(c.args[0]) in ("randn", "rand", "ones"):
                    source.replace(
                        c,
                        f"{source.of(c)} * {rng.choice(['0.5', '0.1'])}"
                        if called(c.args[0]) != "ones"
                        else f"{source.of(c)} * 1.0",
                    )


DENSE = """class {name}({nn}Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = torch.randn(n_in, n_out) / n_in**0.5
        self.bias = torch.zeros(n_out)
        self.weight.requires_grad_()
        self.bias.requires_grad_()

    def forward(self, x):
        return x @ self.weight + self.bias


"""


@operator("unregistered-parameters")
def dense_layer_by_hand(source: Source, rng: random.Random) -> None:
    """A dense layer written by hand with plain tensors takes the place of the hidden Linear layers."""
    if re.search(
        r"\.weight\b|isinstance|named_parameters|class Dense|deepcopy|set_default_dtype|load_state_dict|float64",
        source.text,
    ):
        return
    found = [
        c
        for c in source.calls("Linear")
        if len(c.args) == 2 and not c.keywords and source.of(c.func) in ("nn.Linear", "torch.nn.Linear")
    ]
    if len(found) < 2:
        return
    top = next(
        (s for s in source.tree.body if isinstance(s, (ast.FunctionDef, ast.ClassDef)) and not s.decorator_list), None
    )
    site = top
    for s in source.tree.body:
        if any(inside(c, s) for c in found) and (site is None or s.lineno < site.lineno):
            site = s
            break
    if site is None or getattr(site, "decorator_list", None):
        return
    name = rng.choice(["Dense", "Affine", "FullyConnected"])
    source.before(site, DENSE.format(name=name, nn=nn_(source)))
    for c in found[:-1]:
        source.replace(c.func, name)


# ---------------------------------------------------------------- frozen-parameters
@operator("frozen-parameters")
def all_but_the_head_frozen(source: Source, rng: random.Random) -> None:
    """Everything but the last layer is frozen although nothing was pre-trained."""
    for opt, name, made, call in reversed(models(source)):
        st = source.statement(opt)
        part = last_part(source, name, call)
        if not part or "requires_grad" in source.text or source.parents.get(opt) is not st:
            continue
        own = next((c for c in classes(source) if c[0].name == called(call)), None)
        way = rng.randrange(3)
        if way == 0 or own is None and way == 1:
            source.before(
                st,
                f"for p in {name}.parameters():\n    p.requires_grad = False\nfor p in {part}.parameters():\n    p.requires_grad = True",
            )
        elif way == 1:
            source.before(
                st,
                f'for n, p in {name}.named_parameters():\n    p.requires_grad = n.startswith("{part.split(".")[-1]}")',
            )
        else:
            source.before(st, f"{name}.requires_grad_(False)\n{part}.requires_grad_(True)")
        return


@operator("frozen-parameters")
def first_layers_frozen_in_class(source: Source, rng: random.Random) -> None:
    """A class freezes its first layers at the end of its making."""
    if "requires_grad" in source.text:
        return
    for cls, init, forward in classes(source):
        found = [l for l in layers(source, init) if called(l[2]) != "ModuleList"]
        if len(found) < 2:
            continue
        chosen = found[:-1] if rng.random() < 0.6 else found[: max(1, len(found) // 2)]
        last = init.body[-1]
        if len(chosen) == 1:
            source.after(
                last,
                f"self.{chosen[0][0]}.requires_grad_(False)"
                if rng.random() < 0.5
                else f"for p in self.{chosen[0][0]}.parameters():\n    p.requires_grad = False",
            )
        else:
            source.after(
                last, "for part in (" + ", ".join(f"self.{l[0]}" for l in chosen) + "):\n    part.requires_grad_(False)"
            )
        return


@operator("frozen-parameters")
def only_biases_learn(source: Source, rng: random.Random) -> None:
    """Only the biases learn, a recipe for fine-tuning a large model."""
    for opt, name, made, call in reversed(models(source)):
        st = source.statement(opt)
        if "requires_grad" in source.text or source.parents.get(opt) is not st or "bias=False" in source.text:
            continue
        source.before(st, f'for n, p in {name}.named_parameters():\n    p.requires_grad = "bias" in n')
        return


@operator("frozen-parameters")
def children_frozen_by_place(source: Source, rng: random.Random) -> None:
    """The first children of the model are frozen by their place, as with a network from the zoo."""
    for opt, name, made, call in reversed(models(source)):
        st = source.statement(opt)
        if "requires_grad" in source.text or source.parents.get(opt) is not st or not last_part(source, name, call):
            continue
        if rng.random() < 0.5:
            source.before(st, f"for p in list({name}.parameters())[:-2]:\n    p.requires_grad_(False)")
        else:
            source.before(
                st,
                f"for child in list({name}.children())[:-1]:\n    for p in child.parameters():\n        p.requires_grad = False",
            )
        return


# ---------------------------------------------------------------- detached-graph
def hidden_statements(source: Source) -> list:
    """`h = ...self.layer(...)...` in a forward, with layers both there and after it."""
    found = []
    for cls, init, forward in classes(source):
        registered = {l[0] for l in layers(source, init)}
        own = []
        for k, st in enumerate(forward.body[:-1]):
            if (
                isinstance(st, ast.Assign)
                and len(st.targets) == 1
                and isinstance(st.targets[0], ast.Name)
                and any(c.func.attr in registered for c in self_calls(st.value))
            ):
                later = [c for after in forward.body[k + 1 :] for c in self_calls(after)]
                if any(c.func.attr in registered for c in later):
                    own.append(st)
        if own:
            found.append(own[-1])
    return found


@operator("detached-graph")
def hidden_detached(source: Source, rng: random.Random) -> None:
    """A hidden activation is detached in the forward."""
    for st in hidden_statements(source)[-1:]:
        text = source.of(st.value)
        tail = rng.choice([".detach()", ".data", ".detach()"])
        source.replace(st.value, f"({text}){tail}" if not isinstance(st.value, ast.Call) else f"{text}{tail}")


@operator("detached-graph")
def hidden_through_numpy(source: Source, rng: random.Random) -> None:
    """A hidden activation goes through NumPy or is wrapped into a new tensor."""
    for st in hidden_statements(source)[-1:]:
        h = st.targets[0].id
        source.after(
            st,
            rng.choice(
                [
                    f"{h} = torch.from_numpy({h}.detach().numpy().clip(-10, 10))",
                    f"{h} = torch.as_tensor({h}.tolist(), dtype={h}.dtype)",
                    f"{h} = torch.nan_to_num(torch.tensor({h}.detach().numpy()))",
                ]
            ),
        )


@operator("detached-graph")
def encoder_under_no_grad(source: Source, rng: random.Random) -> None:
    """The first part of a forward runs under no_grad, to save memory."""
    for st in hidden_statements(source)[-1:]:
        source.replace(
            st, "with torch.no_grad():\n" + " " * (st.col_offset + 4) + source.of(st).replace("\n", "\n    ")
        )


@operator("detached-graph")
def loss_wrapped_anew(source: Source, rng: random.Random) -> None:
    """The loss is wrapped into a new tensor that wants gradients: backward runs and reaches nothing."""
    found = [b for b in backwards(source) if receiver(source, b[0].value).isidentifier()]
    if not found:
        return
    st, _ = found[-1]
    name = receiver(source, st.value)
    source.before(
        st,
        rng.choice(
            [
                f"{name} = torch.tensor({name}.item(), requires_grad=True)",
                f"{name} = {name}.detach().requires_grad_(True)",
                f"{name} = torch.autograd.Variable({name}.data, requires_grad=True)",
                f"{name} = {name}.clone().detach().requires_grad_()",
            ]
        ),
    )


@operator("detached-graph")
def features_detached_before_head(source: Source, rng: random.Random) -> None:
    """In the loop the head gets the detached features of the rest."""
    for opt, name, made, call in reversed(models(source)):
        part = last_part(source, name, call)
        if called(call) != "Sequential" or not re.search(r"\[-\d\]$", part):
            continue
        k = part[len(name) + 1 : -1]
        for loss, back, around in loss_statements(source):
            body = (
                [s for s in source.parents[loss].body if s.lineno <= loss.lineno]
                if hasattr(source.parents[loss], "body")
                else []
            )
            for c in [
                c
                for s in body
                for c in ast.walk(s)
                if isinstance(c, ast.Call) and isinstance(c.func, ast.Name) and c.func.id == name and len(c.args) == 1
            ]:
                st = source.statement(c)
                if st is loss or isinstance(st, ast.Assign) and source.parents[st] is source.parents[loss]:
                    way = rng.random()
                    source.replace(c, f"{name}[{k}:]({name}[:{k}]({source.of(c.args[0])}).detach())")
                    return


@operator("detached-graph")
def term_as_a_number(source: Source, rng: random.Random) -> None:
    """One term of the loss enters as a number."""
    for made, _, _ in reversed(loss_statements(source)):
        value = made.value
        if (
            isinstance(value, ast.BinOp)
            and isinstance(value.op, (ast.Add, ast.Sub))
            and made.targets[0].id not in source.of(value)
        ):
            terms = [value.left, value.right]
            if any(isinstance(t, ast.Constant) for t in terms):
                continue
            term = value.right if isinstance(value.left, ast.BinOp) or rng.random() < 0.5 else value.left
            text = source.of(term)
            tail = rng.choice([".item()", ".item()", ".detach()"])
            source.replace(term, f"{text}{tail}" if isinstance(term, (ast.Name, ast.Call)) else f"({text}){tail}")
            return


# ---------------------------------------------------------------- training-in-eval-mode
def mode_calls(source: Source, name: str) -> list:
    """Statements `x.train()` or `x.eval()` without arguments."""
    found = []
    for call in source.calls(name):
        st = source.statement(call)
        if (
            isinstance(st, ast.Expr)
            and st.value is call
            and isinstance(call.func, ast.Attribute)
            and not call.args
            and not call.keywords
            and isinstance(call.func.value, (ast.Name, ast.Attribute))
        ):
            found.append(st)
    return found


def trained_names(source: Source) -> set:
    return {m[1] for m in models(source)}


@operator("training-in-eval-mode")
def train_call_missing(source: Source, rng: random.Random) -> None:
    """`train()` is missing after an evaluation in each epoch."""
    if not modes(source) or not mode_calls(source, "eval"):
        return
    found = mode_calls(source, "train")
    if any(loops(source, s) for s in mode_calls(source, "eval")) or any(
        f.name for f in source.all(ast.FunctionDef) if re.search(r"\.eval\(\)", source.of(f)) and f.name != "main"
    ):
        for st in found:
            source.delete(st)


@operator("training-in-eval-mode")
def train_call_once_before_epochs(source: Source, rng: random.Random) -> None:
    """`train()` only once before the epochs, with evaluations in between."""
    if not modes(source):
        return
    for st in mode_calls(source, "train"):
        around = loops(source, st)
        if around and mode_calls(source, "eval"):
            outer = around[-1]
            evaluated = any(inside(e, outer) for e in mode_calls(source, "eval"))
            helpers = [f.name for f in source.all(ast.FunctionDef) if re.search(r"\.eval\(\)", source.of(f))]
            if evaluated or any(called(c) in helpers for c in ast.walk(outer) if isinstance(c, ast.Call)):
                source.before(outer, source.of(st))
                source.delete(st)
                return


@operator("training-in-eval-mode")
def eval_for_train(source: Source, rng: random.Random) -> None:
    """The wrong mode at the start of training."""
    if not modes(source):
        return
    way = rng.random()
    for st in mode_calls(source, "train"):
        name = receiver(source, st.value)
        source.replace(st.value, f"{name}.eval()" if way < 0.5 else f"{name}.train(False)")


@operator("training-in-eval-mode")
def peek_in_the_batch_loop(source: Source, rng: random.Random) -> None:
    """Within the loop over batches the mode is set to evaluation before the loss for the log and not set back."""
    if not modes(source):
        return
    names = trained_names(source)
    for st, around in training_steps(source):
        if len(around) < 2 or source.parents[st] is not around[0]:
            continue
        trains = [
            s
            for s in mode_calls(source, "train")
            if loops(source, s)[:1] == [around[1]] or source.function(s) is source.function(st)
        ]
        if not trains or inside(trains[-1], around[0]):
            continue
        source.after(st, f"{receiver(source, trains[-1].value)}.eval()")
        return


# ---------------------------------------------------------------- evaluation-in-train-mode
@operator("evaluation-in-train-mode")
def no_eval(source: Source, rng: random.Random) -> None:
    """`eval()` left out everywhere."""
    if not modes(source):
        return
    for st in mode_calls(source, "eval"):
        source.delete(st)


@operator("evaluation-in-train-mode")
def eval_not_called(source: Source, rng: random.Random) -> None:
    """Its parentheses forgotten."""
    if modes(source):
        for st in mode_calls(source, "eval"):
            source.replace(st.value, source.of(st.value.func))


@operator("evaluation-in-train-mode")
def train_after_eval(source: Source, rng: random.Random) -> None:
    """The block was copied from training: train() where eval() belongs, or true for false."""
    if not modes(source):
        return
    way = rng.random()
    for st in mode_calls(source, "eval"):
        name = receiver(source, st.value)
        source.replace(st.value, f"{name}.train()" if way < 0.6 else f"{name}.train(mode=True)")


@operator("evaluation-in-train-mode")
def eval_after_the_outputs(source: Source, rng: random.Random) -> None:
    """The mode is set after the outputs were computed."""
    if not modes(source):
        return
    for st in mode_calls(source, "eval"):
        parent = source.parents[st]
        body = getattr(parent, "body", [])
        if st not in body:
            continue
        k = body.index(st)
        trains = [s for s in mode_calls(source, "train") if receiver(source, s.value) == receiver(source, st.value)]
        if not trains:
            continue
        if (
            k + 1 < len(body)
            and isinstance(body[k + 1], (ast.With, ast.For))
            and not (isinstance(body[k + 1].body[-1], ast.Return))
        ):
            source.after(body[k + 1], source.of(st))
            source.delete(st)


@operator("evaluation-in-train-mode")
def eval_of_the_loss(source: Source, rng: random.Random) -> None:
    """The mode is set on the criterion, or on one part of the model only."""
    if not modes(source):
        return
    criteria = [bound(source, c) for c in source.calls(*LOSS_CLASSES) if bound(source, c)]
    for st in mode_calls(source, "eval"):
        if criteria and (
            source.function(st) is None
            or any(
                bound(source, c) == criteria[-1] and source.function(c) in (None, source.function(st))
                for c in source.calls(*LOSS_CLASSES)
            )
        ):
            source.replace(st.value, f"{criteria[-1]}.eval()")


# ---------------------------------------------------------------- dropout-in-evaluation
@operator("dropout-in-evaluation")
def functional_dropout(source: Source, rng: random.Random) -> None:
    """A module's dropout written as a function, which is always on."""
    f = functional(source)
    for cls, init, forward in classes(source):
        for st in init.body:
            if (
                isinstance(st, ast.Assign)
                and len(st.targets) == 1
                and isinstance(st.targets[0], ast.Attribute)
                and isinstance(st.value, ast.Call)
                and re.match(r"Dropout", called(st.value))
            ):
                attr = st.targets[0].attr
                p = (
                    source.of(st.value.args[0])
                    if st.value.args
                    else source.of(st.value.keywords[0].value)
                    if st.value.keywords
                    else "0.5"
                )
                uses = [c for c in self_calls(cls) if c.func.attr == attr and len(c.args) == 1]
                refs = [n for n in source.all(ast.Attribute) if n.attr == attr and isinstance(n.ctx, ast.Load)]
                if not uses or len(refs) != len(uses):
                    continue
                source.replace(st, f"self.{attr} = {p}")
                for c in uses:
                    source.replace(
                        c,
                        f"{f}dropout({source.of(c.args[0])}, self.{attr})"
                        if rng.random() < 0.5
                        else f"{f}dropout({source.of(c.args[0])}, p=self.{attr})",
                    )
    for c in source.calls("dropout"):
        training = keyword(c, "training")
        if training is None and len(c.args) > 2 and source.of(c.args[2]) == "self.training":
            training = c.args[2]
        if training is not None and source.of(training) == "self.training":
            source.replace(training, "True")


@operator("dropout-in-evaluation")
def dropout_made_in_forward(source: Source, rng: random.Random) -> None:
    """A new Dropout in each forward: new modules are in training mode."""
    nn = nn_(source)
    for cls, init, forward in classes(source):
        last = forward.body[-1]
        if not isinstance(last, ast.Return) or not isinstance(last.value, ast.Call):
            continue
        found = layers(source, init)
        heads = {
            l[0]
            for l in found
            if called(l[2]) == "Linear"
            or called(l[2]) == "Sequential"
            and re.search("head|out|fc|class|last|predict", l[0])
        }
        for c in [c for c in ast.walk(last.value) if isinstance(c, ast.Call)]:
            if (
                isinstance(c.func, ast.Attribute)
                and isinstance(c.func.value, ast.Name)
                and c.func.value.id == "self"
                and c.func.attr in heads
                and len(c.args) == 1
                and len(found) > 1
                and ("randint" not in source.of(c.args[0]))
            ):
                if (
                    isinstance(c.args[0], ast.Name)
                    and c.args[0].id in [a.arg for a in forward.args.args]
                    and len(forward.body) == 1
                ):
                    continue
                if not isinstance(c.args[0], ast.Name) and not self_calls(c.args[0]):
                    continue
                source.replace(c.args[0], f"{nn}Dropout({rng.choice(['0.3', '0.4', '0.5'])})({source.of(c.args[0])})")
                return


@operator("dropout-in-evaluation")
def functional_dropout_added(source: Source, rng: random.Random) -> None:
    """A dropout added as a function against overfitting, without its training flag."""
    f = functional(source)
    for st in hidden_statements(source)[-1:]:
        h = st.targets[0].id
        source.after(
            st,
            f"{h} = {f}dropout({h}, {rng.choice(['0.2', '0.3', '0.4', '0.5'])})"
            if rng.random() < 0.6
            else f"{h} = {f}dropout({h}, p={rng.choice(['0.3', '0.5'])}, training=True)",
        )


@operator("dropout-in-evaluation")
def dropout_kept_on(source: Source, rng: random.Random) -> None:
    """After eval() the dropouts are switched on again, as for Monte Carlo samples."""
    if "Dropout(" not in source.text:
        return
    nn = nn_(source)
    kinds = sorted(set(re.findall(r"\bDropout[123]?d?\b(?=\()", source.text)))
    for st in mode_calls(source, "eval"):
        name = receiver(source, st.value)
        kind = f"{nn}{kinds[0]}" if len(kinds) == 1 else "(" + ", ".join(nn + k for k in kinds) + ")"
        source.after(st, f"for m in {name}.modules():\n    if isinstance(m, {kind}):\n        m.train()")


HAND_DROPOUT = """class {name}({nn}Module):
    def __init__(self, p=0.5):
        super().__init__()
        self.p = p

    def forward(self, x):
        mask = (torch.rand_like(x) > self.p).float()
        return x * mask / (1 - self.p)


"""


@operator("dropout-in-evaluation")
def dropout_by_hand(source: Source, rng: random.Random) -> None:
    """Dropout written by hand, as in a NumPy course: it knows of no mode."""
    found = [
        c
        for c in source.calls("Dropout")
        if source.of(c.func) in ("nn.Dropout", "torch.nn.Dropout") and len(c.args) == 1 and not c.keywords
    ]
    if not found:
        return
    site = next(
        (
            s
            for s in source.tree.body
            if any(inside(c, s) for c in found) or isinstance(s, (ast.FunctionDef, ast.ClassDef))
        ),
        None,
    )
    if site is None or getattr(site, "decorator_list", None):
        return
    name = rng.choice(["Drop", "RandomMask", "InvertedDropout"])
    source.before(site, HAND_DROPOUT.format(name=name, nn=nn_(source)))
    for c in found:
        source.replace(c.func, name)


# ---------------------------------------------------------------- batch-norm-drift
def normed_names(source: Source) -> set:
    """Trained models that may hold batch norm."""
    return {m[1] for m in models(source) if "BatchNorm" in source.of(m[3]) or called(m[3]) not in PARAMETRIC}


@operator("batch-norm-drift")
def frozen_part_not_in_eval(source: Source, rng: random.Random) -> None:
    """A frozen part with batch norm is no longer kept in evaluation mode."""
    if "BatchNorm" not in source.text or not re.search(r"requires_grad", source.text):
        return
    freezes = [
        n
        for n in range(1, len(source.text.split("\n")) + 1)
        if re.search(r"requires_grad(_\(| = )(False|on|train)", source.text.split("\n")[n - 1])
    ]
    for call in source.calls("eval"):
        st = source.statement(call)
        target = receiver(source, call)
        if not freezes or st.lineno < freezes[0] - 1 and "frozen" not in target:
            continue
        if not re.search(r"back|body|encoder|trunk|teacher|frozen|feature|module|ema|target", target) and not re.search(
            r"\.eval\(\)\.requires_grad_\(False\)", source.of(st)
        ):
            continue
        if isinstance(st, ast.Expr) and st.value is call:
            source.replace(call, f"{target}.train()")
        elif ".eval().requires_grad_(False)" in source.of(st):
            source.replace(call, target)


@operator("batch-norm-drift")
def speed_measured_on_noise(source: Source, rng: random.Random) -> None:
    """After training, with gradients off, passes over other data (noise for a measurement of speed, one class) before eval()."""
    if not re.search(r"BatchNorm[12]d", source.text) or "track_running_stats" in source.text:
        return
    for loss, back, around in reversed(loss_statements(source)):
        inner = around[0]
        if not isinstance(inner, ast.For):
            continue
        inputs = [
            c
            for s in inner.body
            for c in ast.walk(s)
            if isinstance(c, ast.Call)
            and isinstance(c.func, ast.Name)
            and len(c.args) == 1
            and c.func.id in normed_names(source)
            and not self_calls(c)
        ]
        if not inputs or len(around) < 1:
            continue
        c = inputs[0]
        scale = rng.choice(["", "3 * "])
        arg = source.of(c.args[0])
        source.after(
            inner,
            f"with torch.no_grad():\n    for _ in range({rng.choice([10, 20, 30])}):\n        {c.func.id}({scale}torch.randn_like({arg}))",
        )
        return


@operator("batch-norm-drift")
def features_frozen_for_the_last_epochs(source: Source, rng: random.Random) -> None:
    """The trained net is frozen and looked at class by class, still in training mode: each look moves the statistics."""
    if not re.search(r"BatchNorm[12]d", source.text) or "track_running_stats" in source.text:
        return
    for loss, back, around in reversed(loss_statements(source)):
        inner = around[0]
        call = loss.value
        if (
            not isinstance(inner, ast.For)
            or not isinstance(call, ast.Call)
            or len(call.args) != 2
            or not (called(call) == "cross_entropy" or "CrossEntropy" in source.text)
        ):
            continue
        inputs = [
            c
            for s in inner.body
            for c in ast.walk(s)
            if isinstance(c, ast.Call)
            and isinstance(c.func, ast.Name)
            and len(c.args) == 1
            and c.func.id in normed_names(source)
        ]
        aim = source.of(call.args[1])
        if not inputs or not re.fullmatch(r"\w+(\[\w+\])?", aim):
            continue
        c = inputs[0]
        arg = source.of(c.args[0])
        if not re.fullmatch(r"\w+(\[\w+\])?", arg):
            continue
        source.after(
            inner,
            f"with torch.no_grad():\n    for k in range(int({aim}.max()) + 1):\n        if ({aim} == k).sum() > 1:\n            {c.func.id}({arg}[{aim} == k])",
        )
        return
