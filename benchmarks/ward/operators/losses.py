"""Mistakes of outputs and losses: what the model gives, what the loss wants, numbers that blow up, and GANs."""

import ast
import random
import re
from dataclasses import dataclass

from benchmarks.ward.edits import Source, called
from benchmarks.ward.operators.table import operator

# ---------------------------------------------------------------- helpers

KINDS = {
    "cross_entropy": "ce",
    "CrossEntropyLoss": "ce",
    "nll_loss": "nll",
    "NLLLoss": "nll",
    "binary_cross_entropy_with_logits": "bce",
    "BCEWithLogitsLoss": "bce",
    "mse_loss": "reg",
    "MSELoss": "reg",
    "l1_loss": "reg",
    "L1Loss": "reg",
    "smooth_l1_loss": "reg",
    "SmoothL1Loss": "reg",
    "huber_loss": "reg",
    "HuberLoss": "reg",
}
STRIP = {"squeeze", "flatten", "view", "reshape", "float", "transpose", "permute", "unsqueeze", "contiguous", "ravel"}
ASIDE = re.compile(r"eval|valid|test|predict|score|accura|metric", re.I)


@dataclass
class Loss:
    """A call that gives a loss of training: of which kind, between what."""

    kind: str
    call: ast.AST
    pred: ast.expr
    target: ast.expr
    plain: bool  # no further arguments, mean over all


def aside(source: Source, node: ast.AST) -> bool:
    """Whether a place is only for looking at the model, not for training."""
    inner = source.function(node)
    while node in source.parents:
        node = source.parents[node]
        if isinstance(node, ast.With) and any(
            re.search("no_grad|inference_mode", source.of(i.context_expr)) for i in node.items
        ):
            return True
        if isinstance(node, ast.FunctionDef):
            if ASIDE.search(node.name) and "backward" not in source.of(node):
                return True
            if any(re.search("no_grad|inference_mode", source.of(d)) for d in node.decorator_list):
                return True
    if (
        inner is not None
        and inner.name not in ("main", "forward", "run", "train", "fit")
        and "backward" not in source.of(inner)
    ):
        # a helper that scoring uses too
        for call in source.calls(inner.name):
            if re.search(r"no_grad|inference_mode", around(source, call)) or re.search(
                r"item\(\)|score", source.of(source.statement(call)).split("\n")[0]
            ):
                return True
    return False


def around(source: Source, node: ast.AST) -> str:
    """The heads of the blocks a place is in."""
    heads = ""
    while node in source.parents:
        node = source.parents[node]
        if isinstance(node, ast.With):
            heads += " ".join(source.of(i.context_expr) for i in node.items)
        if isinstance(node, ast.FunctionDef):
            heads += " ".join(source.of(d) for d in node.decorator_list)
    return heads


def nested(source: Source, node: ast.AST) -> bool:
    """Whether a place is in a lambda or comprehension, with names of its own."""
    while not isinstance(node, ast.stmt):
        node = source.parents[node]
        if isinstance(node, (ast.Lambda, ast.ListComp, ast.GeneratorExp, ast.DictComp)):
            return True
    return False


def functional(source: Source) -> str:
    if re.search(
        r"^import torch\.nn\.functional as F|^from torch\.nn import functional as F|^from torch\.nn import .*functional as F",
        source.text,
        re.M,
    ):
        return "F."
    return "torch.nn.functional."


def layers(source: Source) -> str:
    return (
        "nn." if re.search(r"^import torch\.nn as nn|^from torch import .*\bnn\b", source.text, re.M) else "torch.nn."
    )


def usable(source: Source) -> bool:
    return re.search(r"^import torch\s*$|^import torch, |^import .*, torch\b", source.text, re.M) is not None


def criteria(source: Source) -> dict[str, ast.Call]:
    """Names that losses are kept under."""
    found = {}
    for each in source.all(ast.Assign):
        pairs = [(t, each.value) for t in each.targets]
        for t, v in list(pairs):
            if isinstance(t, ast.Tuple) and isinstance(v, ast.Tuple) and len(t.elts) == len(v.elts):
                pairs += list(zip(t.elts, v.elts))
        for t, v in pairs:
            if isinstance(v, ast.Call) and called(v) in KINDS and called(v)[0].isupper():
                found[source.of(t)] = v
    return found


def losses(source: Source, *kinds: str, plain: bool = True) -> list[Loss]:
    if not usable(source):
        return []
    known = criteria(source)
    found = []
    for call in source.all(ast.Call):
        if (
            len(call.args) < 2
            or any(isinstance(a, ast.Starred) for a in call.args[:2])
            or nested(source, call)
            or aside(source, call)
        ):
            continue
        name, made = called(call), None
        if isinstance(call.func, ast.Call):
            made = call.func
        elif source.of(call.func) in known:
            made = known[source.of(call.func)]
        elif name not in KINDS or name[0].isupper():
            continue
        kind = KINDS.get(called(made) if made else name)
        if kind not in kinds:
            continue
        statement = source.statement(call)
        if isinstance(statement, ast.Assign) and re.search(r"val|test|held", source.of(statement.targets[0])):
            continue
        if isinstance(statement, ast.Expr) and "print" in source.of(statement):
            continue
        if ".item()" in source.of(source.parents[call]) and isinstance(source.parents[call], ast.Attribute):
            continue
        bare = len(call.args) == 2 and not call.keywords and not (made and (made.args or made.keywords))
        if plain and not bare:
            continue
        found.append(Loss(kind, call, call.args[0], call.args[1], bare))
    if "reg" in kinds:
        found += by_hand(source)
    return found


def by_hand(source: Source) -> list[Loss]:
    """((a - b) ** 2).mean() and the like."""
    found = []
    for call in source.calls("mean"):
        if (
            call.args
            or call.keywords
            or not isinstance(call.func, ast.Attribute)
            or nested(source, call)
            or aside(source, call)
        ):
            continue
        inner = call.func.value
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Pow) and source.of(inner.right) == "2":
            inner = inner.left
        elif (
            isinstance(inner, ast.Call) and called(inner) in ("pow", "square") and isinstance(inner.func, ast.Attribute)
        ):
            inner = inner.func.value
        else:
            continue
        if not (isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Sub)):
            continue
        statement = source.statement(call)
        if isinstance(statement, ast.Assign) and re.search(
            r"val|test|held|rmse|error|mse$|var", source.of(statement.targets[0])
        ):
            continue
        if isinstance(statement, (ast.Expr, ast.Return)) and not re.search(r"backward|return", source.of(statement)):
            continue
        if "item()" in source.of(statement) or ".sqrt()" in source.of(statement):
            continue
        left, right = inner.left, inner.right
        if not re.search(r"model|net|pred|out|hat|predict", source.of(left)):
            if not re.search(r"model|net|pred|out|hat", source.of(right)):
                continue
            left, right = right, left
        found.append(Loss("reg", call, left, right, True))
    return found


def constants_hold(source: Source, each: Loss) -> bool:
    return not re.search(r"_like|torch\.(ones|zeros|full)", source.of(each.target))


def base(source: Source, node: ast.expr) -> ast.expr:
    """What is under squeezes and indexes."""
    while True:
        if isinstance(node, ast.Subscript):
            node = node.value
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in STRIP
            and not (isinstance(node.func.value, ast.Name) and node.func.value.id == "torch")
        ):
            node = node.func.value
        else:
            return node


def assigned(source: Source, name: str, near: ast.AST) -> ast.expr | None:
    """What a name was last given before a place in the same function."""
    function = source.function(near)
    best = None
    for each in source.all(ast.Assign):
        if source.function(each) is not function or each.lineno > near.lineno:  # type: ignore[attr-defined]
            continue
        if each.lineno == near.lineno and source.statement(near) is each:  # type: ignore[attr-defined]
            continue
        for t in each.targets:
            if isinstance(t, ast.Name) and t.id == name:
                best = each.value
            elif isinstance(t, ast.Tuple) and t.elts and isinstance(t.elts[0], ast.Name) and t.elts[0].id == name:
                best = each.value.elts[0] if isinstance(each.value, ast.Tuple) else each.value
    return best


def model_call(source: Source, pred: ast.expr) -> ast.Call | None:
    """The call of a model that a prediction is."""
    node = base(source, pred)
    for _ in range(3):
        if isinstance(node, ast.Name):
            given = assigned(source, node.id, node)
            if given is None:
                return None
            node = base(source, given)
        else:
            break
    return node if isinstance(node, ast.Call) and not isinstance(node.func, ast.Call) else None


@dataclass
class End:
    """Where a model's output is made: the last layer of a Sequential, or what `forward` returns."""

    source: Source
    sequential: ast.Call | None
    returned: ast.expr | None
    owner: ast.ClassDef | None

    def last(self) -> ast.Call | None:
        """The layer that makes the output, if plain to see."""
        if self.sequential is not None:
            end = self.sequential.args[-1] if self.sequential.args else None
            if isinstance(end, ast.Call) and called(end) == "spectral_norm" and end.args:
                end = end.args[0]
            return end if isinstance(end, ast.Call) else None
        node = base(self.source, self.returned) if self.returned is not None else None
        if isinstance(node, ast.Call) and self.source.of(node.func).startswith("self.") and self.owner is not None:
            name = self.source.of(node.func)
            for each in ast.walk(self.owner):
                if isinstance(each, ast.Assign):
                    for t in each.targets:
                        pairs = [(t, each.value)]
                        if isinstance(t, ast.Tuple) and isinstance(each.value, ast.Tuple):
                            pairs = list(zip(t.elts, each.value.elts))
                        for a, b in pairs:
                            if self.source.of(a) == name and isinstance(b, ast.Call):
                                if called(b) == "Sequential" and b.args and isinstance(b.args[-1], ast.Call):
                                    return b.args[-1]
                                return b
        return None

    def units(self) -> str | None:
        """How many outputs, as written."""
        last = self.last()
        if last is not None and called(last) in ("Linear", "Conv2d", "Conv1d") and len(last.args) >= 2:
            return self.source.of(last.args[1])
        if last is not None and called(last) in ("LazyLinear",) and last.args:
            return self.source.of(last.args[0])
        return None

    def bare(self) -> bool:
        """Whether the output comes straight from a linear layer."""
        last = self.last()
        return last is not None and called(last) in ("Linear", "Conv2d", "Conv1d", "LazyLinear", "ConvTranspose2d")

    def layer(self, text: str, expression: str) -> None:
        """Put a layer at the end: as a module, or as an expression of `{}`."""
        if self.sequential is not None:
            last = self.sequential.args[-1]
            self.source.replace(last, f"{self.source.of(last)}, {layers(self.source)}{text}")
        else:
            assert self.returned is not None
            self.source.replace(self.returned, expression.format(self.source.of(self.returned)))

    def under(self, expression: str) -> bool:
        """Around what is under the squeeze, in `forward`."""
        if self.returned is None:
            return False
        inner = base(self.source, self.returned)
        self.source.replace(inner, expression.format(self.source.of(inner)))
        return True


def sequential_in(source: Source, node: ast.expr) -> ast.Call | None:
    while isinstance(node, ast.Call):
        if called(node) == "Sequential":
            return node if node.args and not isinstance(node.args[-1], ast.Starred) else None
        if called(node) in ("compile",) and node.args:
            node = node.args[0]
        elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
            node = node.func.value
        else:
            return None
    return None


def made_by(source: Source, value: ast.expr) -> End | None:
    """The end of a model that an expression makes."""
    functions = {f.name: f for f in source.all(ast.FunctionDef) if isinstance(source.parents[f], ast.Module)}
    classes = {c.name: c for c in source.all(ast.ClassDef)}
    found = sequential_in(source, value)
    if found is not None:
        return End(source, found, None, None)
    while isinstance(value, ast.Call):
        name = called(value)
        if isinstance(value.func, ast.Name) and name in classes:
            return of_class(source, classes[name])
        if isinstance(value.func, ast.Name) and name in functions:
            for each in ast.walk(functions[name]):
                if isinstance(each, ast.Return) and each.value is not None:
                    return made_by(source, each.value)
            return None
        if name in ("compile", "AveragedModel") and value.args:
            value = value.args[0]
        elif isinstance(value.func, ast.Attribute) and isinstance(value.func.value, ast.Call):
            value = value.func.value
        else:
            return None
    return None


def of_class(source: Source, owner: ast.ClassDef) -> End | None:
    if any(source.of(b).endswith("Sequential") for b in owner.bases):
        for call in ast.walk(owner):
            if (
                isinstance(call, ast.Call)
                and called(call) == "__init__"
                and call.args
                and not isinstance(call.args[-1], ast.Starred)
            ):
                return End(source, call, None, owner)
        return None
    for each in owner.body:
        if isinstance(each, ast.FunctionDef) and each.name == "forward":
            returns = [
                r
                for r in ast.walk(each)
                if isinstance(r, ast.Return) and r.value is not None and source.function(r) is each
            ]
            if len(returns) != 1:
                return None
            value = returns[0].value
            if isinstance(value, ast.Tuple):
                value = value.elts[0]
            inner = base(source, value)  # type: ignore[arg-type]
            if isinstance(inner, ast.Call) and source.of(inner.func).startswith("self.") and inner is value:
                end = End(source, None, value, owner)
                return end
            return End(source, None, value, owner)
    return None


def ends(source: Source, pred: ast.expr) -> End | None:
    """Where the output of the model behind a prediction is made."""
    call = model_call(source, pred)
    if call is None:
        return None
    name = source.of(call.func)
    if isinstance(call.func, ast.Name):
        for each in source.all(ast.FunctionDef):
            if each.name == name and isinstance(source.parents[each], ast.Module):
                returns = [r for r in ast.walk(each) if isinstance(r, ast.Return) and r.value is not None]
                if len(returns) == 1 and isinstance(returns[0].value, (ast.BinOp, ast.Call)):
                    return End(source, None, returns[0].value, None)
                return None
    found = []
    for each in source.all(ast.Assign):
        for t in each.targets:
            pairs = [(t, each.value)]
            if isinstance(t, ast.Tuple) and isinstance(each.value, ast.Tuple) and len(t.elts) == len(each.value.elts):
                pairs = list(zip(t.elts, each.value.elts))
            for a, b in pairs:
                if source.of(a) == name:
                    end = made_by(source, b)
                    if end is not None:
                        found.append(end)
    if found:
        return found[0]
    classes = [c for c in source.all(ast.ClassDef) if any(source.of(b).endswith("Module") for b in c.bases)]
    inside = {called(k) for c in classes for k in ast.walk(c) if isinstance(k, ast.Call)}
    top = [
        c
        for c in classes
        if c.name not in inside and any(isinstance(f, ast.FunctionDef) and f.name == "forward" for f in c.body)
    ]
    if len(top) == 1 and name not in ("torch", "F"):
        if re.fullmatch(r"(self\.)?(model|net|network|classifier|student|m|f)", name):
            return of_class(source, top[0])
    return None


def one_end(source: Source, *kinds: str, plain: bool = False) -> tuple[Loss, End] | None:
    """The only model that is trained by such a loss."""
    for each in losses(source, *kinds, plain=plain):
        if not constants_hold(source, each):
            continue
        end = ends(source, each.pred)
        if end is not None:
            return each, end
    return None


def sequence(source: Source, each: Loss) -> bool:
    """Whether there are outputs at many places of each example."""
    return bool(re.search(r"flatten\(0|reshape\(-1|view\(-1|transpose\(|permute\(|\.movedim", source.of(each.pred)))


def images_of(source: Source) -> bool:
    """Whether a regression may have targets between 0 and 1."""
    return bool(
        re.search(
            r"load_digits|image|pixel|picture|sigmoid|Sigmoid|mask|torch\.rand\(|prob|share|tanh\(\)\)$",
            source.text,
            re.I,
        )
    )


def keep(each: Loss, source: Source) -> str:
    """Further arguments of a loss, as written."""
    call = each.call
    return "".join(f", {source.of(k)}" for k in call.keywords if k.arg != "label_smoothing") + "".join(
        f", {source.of(a)}" for a in call.args[2:]
    )  # type: ignore[attr-defined]


def functional_only(source: Source, *kinds: str) -> list[Loss]:
    """Losses whose weights and reductions are plain to see, so that another can stand in for them."""
    return [
        e
        for e in losses(source, *kinds, plain=False)
        if e.plain
        or (
            called(e.call) in KINDS
            and all(k.arg in ("ignore_index", "weight", "reduction") for k in e.call.keywords)
            and len(e.call.args) == 2
        )
    ]


# ---------------------------------------------------------------- softmax twice


@operator("softmax-twice")
def softmax_ends_model(source: Source, rng: random.Random) -> None:
    """The model ends with a softmax, the loss is cross-entropy."""
    found = one_end(source, "ce")
    if found is None or not found[1].bare() or sequence(source, found[0]):
        return
    if found[1].sequential is not None and called(found[1].last()).startswith("Conv"):
        return
    dim = rng.choice(["-1", "1"])
    found[1].layer(
        f"Softmax(dim={dim})",
        f"torch.softmax({{}}, dim={dim})" if rng.random() < 0.5 else f"{functional(source)}softmax({{}}, dim={dim})",
    )


@operator("softmax-twice")
def softmax_before_cross_entropy(source: Source, rng: random.Random) -> None:
    """Probabilities are made in the training loop and given to cross-entropy."""
    for each in losses(source, "ce", plain=False):
        dim = -1 if re.search(r"flatten|reshape|view", source.of(each.pred)) else 1
        text = source.of(each.pred)
        if isinstance(each.pred, (ast.BinOp, ast.IfExp, ast.UnaryOp)):
            text = f"({text})"
        source.replace(
            each.pred, rng.choice([f"{text}.softmax({dim})", f"torch.softmax({source.of(each.pred)}, dim={dim})"])
        )


@operator("softmax-twice")
def log_softmax_of_softmax(source: Source, rng: random.Random) -> None:
    """What goes into log_softmax is already softmaxed."""
    for call in source.calls("log_softmax"):
        if aside(source, call):
            continue
        if (
            call.args
            and isinstance(call.func, ast.Attribute)
            and source.of(call.func.value) in ("F", "torch", "nn.functional", "torch.nn.functional")
        ):
            rest = [source.of(a) for a in call.args[1:]] + [source.of(k.value) for k in call.keywords if k.arg == "dim"]
            if len(rest) == 1:
                source.replace(call.args[0], f"{functional(source)}softmax({source.of(call.args[0])}, dim={rest[0]})")
        elif isinstance(call.func, ast.Attribute) and (call.args or call.keywords):
            dim = source.of(call.args[0]) if call.args else source.of(call.keywords[0].value)
            source.replace(call.func.value, f"{source.of(call.func.value)}.softmax({dim})")


@operator("softmax-twice")
def own_cross_entropy_on_probabilities(source: Source, rng: random.Random) -> None:
    """Cross-entropy written out with log_softmax, of what was already softmaxed."""
    f = functional(source)
    for each in losses(source, "ce"):
        inner = f"{f}log_softmax({f}softmax({source.of(each.pred)}, dim=1), dim=1)"
        source.replace(each.call, f"{f}nll_loss({inner}, {source.of(each.target)})")


@operator("softmax-twice")
def softmax_for_soft_targets(source: Source, rng: random.Random) -> None:
    """One-hot targets as in Keras, and probabilities, both into cross-entropy."""
    f = functional(source)
    for each in losses(source, "ce"):
        if sequence(source, each):
            continue
        pred = source.of(each.pred)
        name = source.statement(each.call)
        if not isinstance(name, (ast.Assign, ast.AugAssign, ast.Return)):
            continue
        source.before(name, f"probs = {f}softmax({pred}, dim=1)")
        source.replace(
            each.call, f"{f}cross_entropy(probs, {f}one_hot({source.of(each.target)}, probs.shape[1]).float())"
        )


# ---------------------------------------------------------------- softmax over the wrong axis


@operator("softmax-wrong-axis")
def log_softmax_over_batch(source: Source, rng: random.Random) -> None:
    """log_softmax(dim=0) and nll_loss in place of cross_entropy."""
    f = functional(source)
    for each in functional_only(source, "ce"):
        if re.search(r"transpose|permute", source.of(each.pred)):
            continue
        source.replace(
            each.call,
            f"{f}nll_loss({f}log_softmax({source.of(each.pred)}, dim=0), {source.of(each.target)}{keep(each, source)})",
        )


@operator("softmax-wrong-axis")
def log_softmax_over_time(source: Source, rng: random.Random) -> None:
    """Outputs of sequences are normalized over time before they are flattened."""
    f = functional(source)
    for each in functional_only(source, "ce"):
        pred = each.pred
        if (
            isinstance(pred, ast.Call)
            and isinstance(pred.func, ast.Attribute)
            and pred.func.attr in ("flatten", "reshape", "view")
        ):
            if not re.search(r"flatten\(0, 1\)|\((-1, |\()", source.of(pred)):
                continue
            source.replace(
                each.call,
                f"{f}nll_loss({f}log_softmax({source.of(pred.func.value)}, dim=1).{pred.func.attr}({', '.join(map(source.of, pred.args))}), {source.of(each.target)}{keep(each, source)})",
            )
        elif (
            isinstance(pred, ast.Call)
            and isinstance(pred.func, ast.Attribute)
            and pred.func.attr in ("transpose", "permute", "movedim")
        ):
            source.replace(
                each.call,
                f"{f}nll_loss({f}log_softmax({source.of(pred)}, dim=-1), {source.of(each.target)}{keep(each, source)})",
            )


@operator("softmax-wrong-axis")
def axis_of_softmax_changed(source: Source, rng: random.Random) -> None:
    """A softmax that is there (in attention, gates, losses) goes over another axis."""
    for call in source.calls("softmax", "log_softmax", "Softmax", "LogSoftmax"):
        if aside(source, call) or re.search(r"argmax|numpy|\.max\(", source.of(source.statement(call))):
            continue
        function = source.function(call)
        if function is None or re.search(r"sample|data|make", function.name):
            continue
        whole = source.of(call.func) in (
            "F.softmax",
            "torch.softmax",
            "F.log_softmax",
            "torch.log_softmax",
            "nn.functional.softmax",
            "nn.functional.log_softmax",
        )
        place = call.args[1 if whole else 0] if len(call.args) > (1 if whole else 0) else None
        if place is None:
            for k in call.keywords:
                if k.arg == "dim":
                    place = k.value
        if place is None:
            continue
        now = source.of(place)
        new = {"-1": rng.choice(["-2", "0"]), "1": "0", "2": "1", "0": "1", "-2": "-1", "3": "2"}.get(now)
        if new is None or (
            now == "-1"
            and new == "-2"
            and not re.search(r"attn|attention|score|weights|scores", source.of(source.statement(call)))
        ):
            new = "0" if now == "-1" else new
        if new is None or now == "0":
            continue
        source.replace(place, new)


@operator("softmax-wrong-axis")
def log_softmax_zero_in_model(source: Source, rng: random.Random) -> None:
    """The model ends with LogSoftmax(dim=0), trained with NLLLoss."""
    found = one_end(source, "ce", plain=True)
    if found is None or not found[1].bare() or sequence(source, found[0]):
        return
    sites = losses(source, "ce")
    if len(sites) != 1:
        return
    f = functional(source)
    found[1].layer("LogSoftmax(dim=0)", f"{f}log_softmax({{}}, dim=0)")
    source.replace(sites[0].call, f"{f}nll_loss({source.of(sites[0].pred)}, {source.of(sites[0].target)})")


@operator("softmax-wrong-axis")
def exponentials_over_column_sums(source: Source, rng: random.Random) -> None:
    """Softmax written out as in NumPy, the sum over the wrong axis."""
    for each in losses(source, "ce"):
        statement = source.statement(each.call)
        if sequence(source, each) or not isinstance(statement, (ast.Assign, ast.Return)):
            continue
        pred, y = source.of(each.pred), source.of(each.target)
        source.before(
            statement,
            f"exps = torch.exp({pred} - ({pred}).max())\nprobs = exps / exps.sum(0)"
            if isinstance(each.pred, ast.Name)
            else f"raw_scores = {pred}\nexps = torch.exp(raw_scores - raw_scores.max())\nprobs = exps / exps.sum(0)",
        )
        source.replace(each.call, f"-torch.log(probs[torch.arange(len({y})), {y}] + 1e-12).mean()")


@operator("softmax-wrong-axis")
def probabilities_of_batch_axis(source: Source, rng: random.Random) -> None:
    """A softmax over the batch ends the model, and its logarithm is what is trained."""
    found = one_end(source, "ce", plain=True)
    if found is None or not found[1].bare() or sequence(source, found[0]) or found[1].sequential is None:
        return
    sites = losses(source, "ce")
    if len(sites) != 1:
        return
    f = functional(source)
    found[1].layer("Softmax(dim=0)", "")
    source.replace(
        sites[0].call, f"{f}nll_loss(torch.log({source.of(sites[0].pred)} + 1e-9), {source.of(sites[0].target)})"
    )


# ---------------------------------------------------------------- softmax of one unit


def single(end: End) -> bool:
    return end.units() == "1" and called(end.last()) in ("Linear", "LazyLinear")  # type: ignore[arg-type]


@operator("softmax-single-unit")
def softmax_ends_single_output(source: Source, rng: random.Random) -> None:
    """A binary model of one output ends with a softmax, and BCELoss is used."""
    found = one_end(source, "bce", plain=True)
    if found is None or not single(found[1]):
        return
    sites = losses(source, "bce")
    f = functional(source)
    if found[1].sequential is not None:
        found[1].layer(f"Softmax(dim={rng.choice(['1', '-1'])})", "")
    else:
        found[1].under("torch.softmax({}, dim=-1)")
    for each in sites:
        source.replace(each.call, f"{f}binary_cross_entropy({source.of(each.pred)}, {source.of(each.target)})")


@operator("softmax-single-unit")
def softmax_in_loss_of_single_output(source: Source, rng: random.Random) -> None:
    """Softmax rather than sigmoid before the binary loss, in the loop only."""
    f = functional(source)
    for each in losses(source, "bce"):
        end = ends(source, each.pred)
        if end is None or end.sequential is None or not single(end):
            continue
        inner = base(source, each.pred)
        text = source.of(each.pred)
        if isinstance(inner, ast.Name):
            given = assigned(source, inner.id, each.call)
            if given is None or not isinstance(given, ast.Call):
                continue
            if inner is not each.pred and base(source, given) is given:
                source.replace(inner, f"torch.softmax({inner.id}, dim=1)")
            elif base(source, given) is not given:
                source.replace(each.pred, f"torch.softmax({text}.unsqueeze(1), dim=1).squeeze(1)")
            else:
                source.replace(each.pred, f"torch.softmax({text}, dim=1)")
        else:
            source.replace(inner, f"torch.softmax({source.of(inner)}, dim=1)")
        source.replace(each.call.func, f"{f}binary_cross_entropy")


@operator("softmax-single-unit", "output-range")
def softmax_ends_regression(source: Source, rng: random.Random) -> None:
    """A regression of one output ends with a softmax (as every model did that was copied from)."""
    found = one_end(source, "reg")
    if found is None or not single(found[1]):
        return
    if found[1].sequential is not None:
        found[1].layer(f"Softmax(dim={rng.choice(['1', '-1'])})", "")
    else:
        found[1].under("torch.softmax({}, dim=-1)")


@operator("softmax-single-unit")
def softmax_for_sigmoid(source: Source, rng: random.Random) -> None:
    """One output of two classes, softmaxed when its logarithm is taken by hand."""
    for each in losses(source, "bce"):
        end = ends(source, each.pred)
        if end is None or not single(end):
            continue
        statement = source.statement(each.call)
        if not isinstance(statement, (ast.Assign, ast.Return)):
            continue
        pred, y = source.of(each.pred), source.of(each.target)
        source.before(statement, f"probs = torch.softmax(({pred}).reshape(-1, 1), dim=1)\ntruth = ({y}).reshape(-1, 1)")
        source.replace(
            each.call, "-(truth * torch.log(probs + 1e-7) + (1 - truth) * torch.log(1 - probs + 1e-7)).mean()"
        )


# ---------------------------------------------------------------- missing logarithm


@operator("missing-log")
def nll_of_probabilities(source: Source, rng: random.Random) -> None:
    """nll_loss given softmax in place of its logarithm."""
    f = functional(source)
    for each in functional_only(source, "ce"):
        text, dim = source.of(each.pred), 1
        source.replace(
            each.call, f"{f}nll_loss({f}softmax({text}, dim={dim}), {source.of(each.target)}{keep(each, source)})"
        )


@operator("missing-log")
def softmax_model_with_nll(source: Source, rng: random.Random) -> None:
    """The model ends with Softmax, NLLLoss is used."""
    found = one_end(source, "ce", plain=True)
    sites = losses(source, "ce", plain=False)
    if found is None or not found[1].bare() or sequence(source, found[0]) or len(sites) != 1:
        return
    dim = rng.choice(["1", "-1"])
    found[1].layer(f"Softmax(dim={dim})", f"torch.softmax({{}}, dim={dim})")
    f = functional(source)
    source.replace(sites[0].call, f"{f}nll_loss({source.of(sites[0].pred)}, {source.of(sites[0].target)})")


@operator("missing-log")
def softmax_in_place_of_log_softmax(source: Source, rng: random.Random) -> None:
    """log_softmax, for a loss or a divergence, became softmax."""
    for call in source.calls("log_softmax", "LogSoftmax"):
        if aside(source, call) or not isinstance(call.func, ast.Attribute):
            continue
        if re.search(r"score|print|argmax|\.exp\(\)", source.of(source.statement(call))):
            continue
        new = "Softmax" if called(call) == "LogSoftmax" else "softmax"
        source.replace(call.func, f"{source.of(call.func.value)}.{new}")


@operator("missing-log")
def likelihood_without_log(source: Source, rng: random.Random) -> None:
    """The binary likelihood is written out without its logarithms."""
    for each in losses(source, "bce"):
        statement = source.statement(each.call)
        if not isinstance(statement, (ast.Assign, ast.Return, ast.AugAssign)) or not constants_hold(source, each):
            continue
        y = source.of(each.target)
        if not isinstance(each.target, (ast.Name, ast.Subscript)):
            y = f"({y})"
        source.before(statement, f"prob = torch.sigmoid({source.of(each.pred)})")
        source.replace(each.call, f"-({y} * prob + (1 - {y}) * (1 - prob)).mean()")


@operator("missing-log")
def one_hot_times_probabilities(source: Source, rng: random.Random) -> None:
    """Cross-entropy from the formula, one-hot times the probability rather than its logarithm."""
    f = functional(source)
    for each in losses(source, "ce"):
        statement = source.statement(each.call)
        if not isinstance(statement, (ast.Assign, ast.Return)) or re.search(r"transpose|permute", source.of(each.pred)):
            continue
        source.before(
            statement,
            f"probs = torch.softmax({source.of(each.pred)}, dim=1)\none_hot = {f}one_hot({source.of(each.target)}, probs.shape[1])",
        )
        source.replace(each.call, "-(one_hot * probs).sum(dim=1).mean()")


@operator("missing-log")
def probability_of_action(source: Source, rng: random.Random) -> None:
    """exp of a log_prob: the policy gradient or the likelihood loses its logarithm."""
    for call in source.calls("log_prob"):
        if aside(source, call) or "score" in source.of(source.statement(call)):
            continue
        function = source.function(call)
        if function is not None and function.name in ("log_prob", "forward"):
            continue
        if any("old" in source.of(t) for t in getattr(source.statement(call), "targets", [])):
            continue
        source.replace(call, f"{source.of(call)}.exp()")


@operator("missing-log")
def divergence_without_log(source: Source, rng: random.Random) -> None:
    """The divergence of a Gaussian code lacks the logarithm of its variance."""
    for each in source.all(ast.BinOp):
        if (
            isinstance(each.op, ast.Add)
            and source.of(each.left) == "1"
            and re.search(r"log_?(var|sigma2?|std)|lv\b", source.of(each.right))
            and not aside(source, each)
        ):
            source.replace(each.right, f"{source.of(each.right)}.exp()")


# ---------------------------------------------------------------- a loss that does not suit


def text_of(source: Source, node: ast.expr) -> str:
    """As written, in brackets where a method can be called on it."""
    return (
        source.of(node)
        if isinstance(node, (ast.Name, ast.Subscript, ast.Call, ast.Attribute))
        else f"({source.of(node)})"
    )


@operator("loss-output-mismatch")
def squared_error_of_classes(source: Source, rng: random.Random) -> None:
    """MSE or L1 between class scores and one-hot classes, or the numbers of the classes."""
    f = functional(source)
    name = rng.choice(["mse_loss", "l1_loss", "smooth_l1_loss"])
    way = rng.choice(["logits", "number", "softmax"])
    for each in losses(source, "ce"):
        if re.search(r"transpose|permute", source.of(each.pred)):
            continue
        pred, y = text_of(source, each.pred), source.of(each.target)
        statement = source.statement(each.call)
        if way == "number" and isinstance(statement, (ast.Assign, ast.Return)):
            source.before(statement, f"raw_scores = {pred}.softmax(1)")
            source.replace(
                each.call,
                f"{f}{name}((raw_scores * torch.arange(raw_scores.shape[1])).sum(1), {text_of(source, each.target)}.float())",
            )
        elif isinstance(statement, (ast.Assign, ast.Return)):
            source.before(
                statement, f"raw_scores = {pred}" + (".softmax(1)" if name == "l1_loss" or way == "softmax" else "")
            )
            source.replace(
                each.call,
                f"{f}{'l1_loss' if way == 'softmax' else name}(raw_scores, {f}one_hot({y}, raw_scores.shape[1]).float())",
            )


@operator("loss-output-mismatch", "missing-log")
def nll_of_logits(source: Source, rng: random.Random) -> None:
    """nll_loss right on the logits."""
    f = functional(source)
    for each in functional_only(source, "ce"):
        source.replace(each.call, f"{f}nll_loss({source.of(each.pred)}, {source.of(each.target)}{keep(each, source)})")


@operator("loss-output-mismatch")
def bce_of_clipped_logits(source: Source, rng: random.Random) -> None:
    """binary_cross_entropy without a sigmoid; logits are clipped into its range."""
    f = functional(source)
    for each in losses(source, "bce"):
        source.replace(
            each.pred,
            f"{text_of(source, each.pred)}.clamp({rng.choice(['0', '1e-4', '1e-6'])}, 1)"
            if rng.random() < 0.5
            else f"torch.clamp({source.of(each.pred)}, min=0.0, max=1.0)",
        )
        source.replace(each.call.func, f"{f}binary_cross_entropy")  # type: ignore[attr-defined]


@operator("loss-output-mismatch")
def squared_error_of_binary_logits(source: Source, rng: random.Random) -> None:
    """MSE or L1 between raw logits and 0/1, read through a sigmoid afterwards."""
    f = functional(source)
    name = rng.choice(["mse_loss", "l1_loss", "smooth_l1_loss"])
    for each in losses(source, "bce"):
        source.replace(each.call.func, f"{f}{name}")  # type: ignore[attr-defined]


@operator("loss-output-mismatch")
def margin_loss_with_zeros(source: Source, rng: random.Random) -> None:
    """A loss that wants -1 and 1 is given 0 and 1."""
    f = functional(source)
    way = rng.random() < 0.6
    for each in losses(source, "bce"):
        if way:
            source.replace(each.call, f"{f}soft_margin_loss({source.of(each.pred)}, {source.of(each.target)})")
        else:
            source.replace(
                each.call,
                f"torch.clamp(1 - {text_of(source, each.target)} * {text_of(source, each.pred)}, min=0).mean()",
            )


@operator("loss-output-mismatch")
def cross_entropy_of_labels(source: Source, rng: random.Random) -> None:
    """Cross-entropy (one class of several) for independent labels."""
    f = functional(source)
    for each in losses(source, "bce", plain=False):
        end = ends(source, each.pred)
        if (
            end is None
            or end.units() in ("1", None)
            or called(end.last()) != "Linear"
            or base(source, each.pred) is not each.pred
        ):  # type: ignore[arg-type]
            continue
        if any(k.arg == "reduction" for k in each.call.keywords) or "pos_weight" in source.of(each.call):  # type: ignore[attr-defined]
            continue
        source.replace(each.call, f"{f}cross_entropy({source.of(each.pred)}, {source.of(each.target)})")


@operator("loss-output-mismatch")
def count_loss_for_regression(source: Source, rng: random.Random) -> None:
    """Poisson or BCE losses for real-valued targets."""
    f = functional(source)
    name = rng.choice(["poisson_nll_loss", "poisson_nll_loss", "binary_cross_entropy_with_logits"])
    for each in losses(source, "reg"):
        if not constants_hold(source, each) or images_of(source) or model_call(source, each.pred) is None:
            continue
        source.replace(each.call, f"{f}{name}({source.of(each.pred)}, {source.of(each.target)})")


@operator("loss-output-mismatch", "softmax-single-unit")
def cross_entropy_for_regression(source: Source, rng: random.Random) -> None:
    """Cross-entropy with a real-valued target."""
    f = functional(source)
    for each in losses(source, "reg"):
        if not constants_hold(source, each):
            continue
        end = ends(source, each.pred)
        if end is None:
            continue
        source.replace(each.call, f"{f}cross_entropy({source.of(each.pred)}, {source.of(each.target)})")


@operator("loss-output-mismatch", "softmax-twice")
def sigmoid_before_logits_loss(source: Source, rng: random.Random) -> None:
    """The model ends with a sigmoid, the loss takes logits."""
    found = one_end(source, "bce")
    if found is None or (found[1].last() is not None and not found[1].bare()):
        return
    found[1].layer("Sigmoid()", "torch.sigmoid({})")


# ---------------------------------------------------------------- outputs that cannot reach the targets


def regression(source: Source) -> End | None:
    found = one_end(source, "reg")
    if found is None or images_of(source):
        return None
    last = found[1].last()
    return found[1] if last is None or found[1].bare() else None


@operator("output-range")
def squashed_regression(source: Source, rng: random.Random) -> None:
    """A sigmoid, tanh or ReLU after the last layer of a regression."""
    end = regression(source)
    if end is None:
        return
    way = rng.choice(["Sigmoid", "ReLU", "Tanh", "Sigmoid", "ReLU"])
    end.layer(f"{way}()", f"torch.{way.lower()}({{}})")


@operator("output-range")
def positive_regression(source: Source, rng: random.Random) -> None:
    """The output is made positive, or clipped to a range thought natural, though targets are standardized or signed."""
    end = regression(source)
    if end is None or end.returned is None:
        return
    f = functional(source)
    way = rng.choice([f"{f}softplus({{}})", "({}).clamp(min=0)", "({}).clamp(0, 1)", "torch.exp({})", "({}).abs()"])
    end.source.replace(end.returned, way.format(source.of(end.returned)))


@operator("output-range")
def predictions_clipped_in_loss(source: Source, rng: random.Random) -> None:
    """Predictions go through a bounded function in the loop only."""
    if images_of(source):
        return
    way = rng.choice(["torch.sigmoid({})", "torch.relu({})", "torch.clamp({}, 0, 1)", "torch.tanh({})"])
    for each in losses(source, "reg", plain=False):
        if constants_hold(source, each) and model_call(source, each.pred) is not None:
            source.replace(each.pred, way.format(source.of(each.pred)))


@operator("output-range")
def last_activation_shrunk(source: Source, rng: random.Random) -> None:
    """Softsign, Hardtanh, Hardsigmoid or LogSigmoid at the end, as a module kept from elsewhere."""
    end = regression(source)
    if end is None or end.sequential is None:
        return
    way = rng.choice(["Hardsigmoid()", "LogSigmoid()", "Softsign()", "ReLU6()", "Softplus()", "Hardtanh(0.0, 1.0)"])
    end.layer(way, "")


@operator("output-range")
def clipped_to_unit_range(source: Source, rng: random.Random) -> None:
    """The output is clipped to -1..1, narrower than the targets."""
    end = regression(source)
    if end is None:
        return
    shape = f"{functional(source)}hardtanh({{}})" if end.sequential is None else ""
    end.layer("Hardtanh()", shape)


# ---------------------------------------------------------------- logits through a nonlinearity


def classifier(source: Source) -> tuple[Loss, End] | None:
    found = one_end(source, "ce", "bce")
    if found is None:
        return None
    last = found[1].last()
    return found if last is None or found[1].bare() else None


@operator("nonlinear-logits")
def relu_ends_classifier(source: Source, rng: random.Random) -> None:
    """A ReLU after the last layer, as after all others."""
    found = classifier(source)
    if found is not None:
        found[1].layer("ReLU()", rng.choice(["torch.relu({})", f"{functional(source)}relu({{}})"]))


@operator("nonlinear-logits")
def squashed_logits(source: Source, rng: random.Random) -> None:
    """A tanh or sigmoid after the last layer of a classifier."""
    found = classifier(source)
    if found is None:
        return
    way = rng.choice(["Tanh", "Sigmoid"]) if found[0].kind == "ce" else "Tanh"
    found[1].layer(f"{way}()", f"torch.{way.lower()}({{}})")


@operator("nonlinear-logits")
def logits_clipped(source: Source, rng: random.Random) -> None:
    """Logits are clipped `for stability` to a range far too narrow, or made positive."""
    way = rng.choice(["{}.clamp(0, 1)", "{}.clamp(min=0)", "{}.clamp(-0.5, 0.5)", "{}.abs()"])
    found = classifier(source)
    if found is None or found[1].returned is None:
        return
    source.replace(found[1].returned, way.format(text_of(source, found[1].returned)))


@operator("nonlinear-logits")
def relu_of_logits_in_loss(source: Source, rng: random.Random) -> None:
    """The logits go through an activation where the loss is taken."""
    f = functional(source)
    way = rng.choice(["torch.relu({})", f"{f}relu6({{}})", f"{f}softplus({{}})", "torch.relu({})"])
    for each in losses(source, "ce", "bce", plain=False):
        if way.startswith(f"{f}softplus") and each.kind == "ce":
            way = "torch.relu({})"
        source.replace(each.pred, way.format(source.of(each.pred)))


@operator("nonlinear-logits")
def other_activation_ends_classifier(source: Source, rng: random.Random) -> None:
    """Softplus, ReLU6, LogSigmoid, Softsign at the end of a Sequential."""
    found = classifier(source)
    if found is None or found[1].sequential is None:
        return
    found[1].layer(
        rng.choice(
            ["ReLU6()", "Softsign()", "Hardtanh()", "Hardsigmoid()"]
            if found[0].kind == "ce"
            else ["ReLU6()", "Softplus()", "ELU(0.1)", "ReLU()"]
        ),
        "",
    )


# ---------------------------------------------------------------- (N, 1) against (N,)


def flat(source: Source, node: ast.expr) -> bool:
    """Whether an expression has visibly lost its axis of one."""
    return bool(
        re.search(
            r"(\.squeeze\((1|-1|dim=1|dim=-1)?\)|\[:, 0\]|\[\.\.\., 0\]|\.flatten\(\)|\.view\(-1\)|\.reshape\(-1\))$",
            source.of(node),
        )
    )


def flat_output(source: Source, each: Loss) -> bool:
    """Whether a prediction is (N,)."""
    node = each.pred
    for _ in range(3):
        if flat(source, node):
            return True
        if isinstance(node, ast.Name):
            given = assigned(source, node.id, each.call)
            if given is None:
                break
            node = given
        else:
            break
    end = ends(source, each.pred)
    if end is None or end.returned is None or (node is not base(source, node)):
        return False
    return flat(source, end.returned)


@operator("broadcast-loss")
def squeeze_left_out(source: Source, rng: random.Random) -> None:
    """The squeeze of the prediction is gone from the loss."""
    for each in losses(source, "reg", plain=False):
        node = each.pred
        if isinstance(node, ast.Name) and not flat(source, node):
            for a in source.all(ast.Assign):
                if (
                    [source.of(t) for t in a.targets] == [node.id]
                    and flat(source, a.value)
                    and source.function(a) is source.function(each.call)
                    and not aside(source, a)
                ):
                    inner = a.value.func.value if isinstance(a.value, ast.Call) else a.value.value  # type: ignore[attr-defined]
                    if isinstance(inner, ast.Call):
                        source.replace(a.value, source.of(inner))
            continue
        if flat(source, node):
            inner = node.func.value if isinstance(node, ast.Call) else node.value  # type: ignore[attr-defined]
            if isinstance(inner, (ast.Call, ast.Name)):
                source.replace(node, source.of(inner))


@operator("broadcast-loss")
def target_of_a_column(source: Source, rng: random.Random) -> None:
    """The target is made a column where the prediction is flat."""
    way = rng.choice(["{}.unsqueeze(1)", "{}[:, None]", "{}.view(-1, 1)", "{}.reshape(-1, 1)"])
    for each in losses(source, "reg", plain=False):
        if (
            flat_output(source, each)
            and constants_hold(source, each)
            and not flat(source, each.target)
            and not re.search(r"\[[^\]]*,[^\]]*\]$", source.of(each.target))
        ):
            source.replace(each.target, way.format(text_of(source, each.target)))


@operator("broadcast-loss")
def flat_target(source: Source, rng: random.Random) -> None:
    """The target is flattened where the prediction is a column."""
    way = rng.choice(["{}.squeeze()", "{}.flatten()", "{}.view(-1)", "{}.reshape(-1)"])
    for each in losses(source, "reg", plain=False):
        end = ends(source, each.pred)
        if (
            end is not None
            and single(end)
            and not flat_output(source, each)
            and base(source, each.pred) is each.pred
            and constants_hold(source, each)
        ):
            if end.returned is not None and base(source, end.returned) is not end.returned:
                continue
            if way.endswith("view(-1)"):
                way = "{}.flatten()"
            source.replace(each.target, way.format(text_of(source, each.target)))


@operator("broadcast-loss")
def binary_loss_by_hand(source: Source, rng: random.Random) -> None:
    """The binary loss written out: a column of logits against flat labels is no longer refused."""
    f = functional(source)
    for each in losses(source, "bce"):
        if not flat_output(source, each) or not constants_hold(source, each):
            continue
        statement = source.statement(each.call)
        if not isinstance(statement, (ast.Assign, ast.Return)):
            continue
        pred, y = text_of(source, each.pred), text_of(source, each.target)
        if flat(source, each.pred):
            inner = each.pred.func.value if isinstance(each.pred, ast.Call) else each.pred.value  # type: ignore[attr-defined]
            pred = source.of(inner)
        else:
            y = f"{y}.unsqueeze(1)"
        source.before(statement, f"margins, truths = {pred}, {y}")
        source.replace(
            each.call,
            rng.choice(
                [
                    f"({f}softplus(margins) - truths * margins).mean()",
                    "(margins.clamp(min=0) - margins * truths + torch.log1p(torch.exp(-margins.abs()))).mean()",
                ]
            ),
        )


@operator("broadcast-loss")
def column_targets_in_dataset(source: Source, rng: random.Random) -> None:
    """The targets of the training set are made a column as it is put together; the predictions are flat."""
    sites = [e for e in losses(source, "reg", plain=False) if flat_output(source, e)]
    if not sites:
        return
    for call in source.calls("TensorDataset"):
        if (
            len(call.args) == 2
            and re.search(r"tr|^x|^X", source.of(call.args[0]))
            and not re.search("test|val", source.of(call))
        ):
            if not flat(source, call.args[1]) and "Scaler" not in source.of(call):
                source.replace(
                    call.args[1],
                    f"{text_of(source, call.args[1])}{rng.choice(['.unsqueeze(1)', '[:, None]', '.reshape(-1, 1)'])}",
                )


@operator("broadcast-loss")
def error_of_column_by_hand(source: Source, rng: random.Random) -> None:
    """The error is written out by hand, a column minus a row."""
    for each in losses(source, "reg"):
        if (
            not isinstance(each.call, ast.Call)
            or called(each.call) == "mean"
            or not flat_output(source, each)
            or not constants_hold(source, each)
        ):
            continue
        if not re.search(r"mse|MSE", source.text):
            continue
        pred, y = text_of(source, each.pred), text_of(source, each.target)
        if flat(source, each.pred):
            inner = each.pred.func.value if isinstance(each.pred, ast.Call) else each.pred.value  # type: ignore[attr-defined]
            pred = source.of(inner)
        else:
            pred = f"{pred}.reshape(-1, 1)"
        source.replace(each.call, rng.choice([f"({pred} - {y}).pow(2).mean()", f"torch.mean(({y} - {pred}) ** 2)"]))


# ---------------------------------------------------------------- data that is not finite


def ahead(source: Source, name: str, loops: list[ast.For]) -> ast.For | None:
    """The outermost loop before which a name is known."""
    for loop in reversed(loops):
        function = source.function(loop)
        if function is not None and name in [a.arg for a in function.args.args]:
            return loop
        bound = [
            n
            for n in source.all(ast.Name)
            if n.id == name and isinstance(n.ctx, ast.Store) and source.function(n) in (function, None)
        ]
        own = [n for n in bound if source.function(n) is function] or bound
        if own and all(n.lineno < loop.lineno for n in own):
            return loop
    return None


def inputs(source: Source) -> list[tuple[str, ast.stmt]]:
    """Names of training inputs (floats), with the statement before which they may be changed in place."""
    if re.search(r"Embedding|token|vocab", source.text):
        return []
    found = []
    for each in losses(source, "ce", "bce", "reg", "nll", plain=False):
        call = model_call(source, each.pred)
        if call is None or not call.args:
            continue
        arg = call.args[0]
        loops = []
        node: ast.AST = each.call
        while node in source.parents:
            node = source.parents[node]
            if isinstance(node, ast.FunctionDef):
                break
            if isinstance(node, ast.For):
                loops.append(node)
        if not loops:
            continue
        if isinstance(arg, ast.Name):
            given = assigned(source, arg.id, each.call)
            if isinstance(given, ast.Subscript):
                arg = given
        if isinstance(arg, ast.Subscript) and isinstance(arg.value, ast.Name) and isinstance(arg.slice, ast.Name):
            loop = ahead(source, arg.value.id, loops)
            if loop is not None:
                found.append((arg.value.id, loop))
            continue
        for set_ in source.calls("TensorDataset"):
            if isinstance(set_.args[0], ast.Name) and not re.search("te|val", set_.args[0].id):
                found.append((set_.args[0].id, source.statement(set_)))
                break
    out, seen = [], set()
    for name, statement in found:
        if name not in seen:
            seen.add(name)
            out.append((name, statement))
    return out[:1]


@operator("non-finite-input")
def missing_cells(source: Source, rng: random.Random) -> None:
    """Some readings are missing and stay NaN."""
    share = rng.choice(["0.0005", "0.001", "0.002", "0.005"])
    for name, statement in inputs(source):
        source.before(statement, f'{name}[torch.rand({name}.shape) < {share}] = float("nan")')


@operator("non-finite-input")
def log_of_inputs(source: Source, rng: random.Random) -> None:
    """Inputs of which some are zero or below are put on a log or root scale."""
    way = rng.choice(["{0}.log_()", "torch.log10({0}, out={0})", "{0}.sqrt_()", "{0}.log_()"])
    for name, statement in inputs(source):
        if "sqrt" in way and "load_digits" in source.text:
            way = "{0}.log_()"
        source.before(statement, way.format(name))


@operator("non-finite-input")
def first_rows_without_history(source: Source, rng: random.Random) -> None:
    """The first rows have no rolling statistics and are NaN, as pandas leaves them."""
    rows = rng.choice([3, 5, 6, 11, 23])
    for name, statement in inputs(source):
        source.before(statement, f"{name}[:{rows}] = torch.nan")


@operator("non-finite-input")
def gaps_in_table(source: Source, rng: random.Random) -> None:
    """The table has gaps before it is split and scaled."""
    if not re.search(r"^import numpy as np", source.text, re.M) or "Embedding" in source.text:
        return
    for call in source.calls("train_test_split"):
        if (
            call.args
            and isinstance(call.args[0], ast.Name)
            and re.match(r"[xX]|data|feat|im", call.args[0].id)
            and "arange" not in source.of(call.args[0])
        ):
            name = call.args[0].id
            source.before(
                source.statement(call),
                f"{name} = np.where(np.random.default_rng({rng.randrange(99)}).random({name}.shape) < {rng.choice(['0.001', '0.003'])}, np.nan, {name})",
            )
            return


@operator("non-finite-input")
def constant_pixels_standardized(source: Source, rng: random.Random) -> None:
    """Columns that never change are divided by their deviation of zero."""
    if "load_digits" not in source.text:
        return
    for each in source.all(ast.Assign):
        if (
            len(each.targets) == 1
            and isinstance(each.targets[0], ast.Name)
            and re.search(r"/ (16|8)(\.0)?\b", source.of(each.value))
        ):
            name = each.targets[0].id
            if re.match(r"[xX]|im|data|dig|pix|feat", name):
                std = f"{name}.std(0)" if rng.random() < 0.6 else f"{name}.std(axis=0)"
                source.after(each, f"{name} = ({name} - {name}.mean(0)) / {std}")
                return


@operator("non-finite-input")
def targets_missing(source: Source, rng: random.Random) -> None:
    """Some targets of the regression were never measured and are NaN."""
    for each in losses(source, "reg", plain=False):
        y = each.target
        if not constants_hold(source, each) or model_call(source, each.pred) is None:
            continue
        if isinstance(y, ast.Name):
            given = assigned(source, y.id, each.call)
            if isinstance(given, ast.Subscript):
                y = given
        loops = []
        node: ast.AST = each.call
        while node in source.parents:
            node = source.parents[node]
            if isinstance(node, ast.FunctionDef):
                break
            if isinstance(node, ast.For):
                loops.append(node)
        if (
            loops
            and isinstance(y, ast.Subscript)
            and isinstance(y.value, ast.Name)
            and isinstance(y.slice, ast.Name)
            and re.match("y|t", y.value.id)
        ):
            name = y.value.id
            loop = ahead(source, name, loops)
            if loop is None:
                return
            source.before(loop, f'{name}[::{rng.choice([97, 150, 211])}] = float("nan")')
            return
        for set_ in source.calls("TensorDataset"):
            if len(set_.args) == 2 and isinstance(set_.args[1], ast.Name) and not re.search("te|val", set_.args[1].id):
                source.before(
                    source.statement(set_), f'{set_.args[1].id}[::{rng.choice([97, 150, 211])}] = float("nan")'
                )
                return


# ---------------------------------------------------------------- losses that blow up


@operator("unstable-loss")
def percentage_error(source: Source, rng: random.Random) -> None:
    """The error as a share of a target that may be near 0."""
    for each in losses(source, "reg"):
        if not constants_hold(source, each) or ends(source, each.pred) is None:
            continue
        p, y = text_of(source, each.pred), text_of(source, each.target)
        source.replace(
            each.call,
            rng.choice(
                [
                    f"(({p} - {y}) / {y}).pow(2).mean()",
                    f"(({p} - {y}) / {y}).abs().mean()",
                    f"(({p} - {y}) ** 2 / {y}.abs()).mean()",
                ]
            ),
        )


@operator("unstable-loss")
def error_of_logarithms(source: Source, rng: random.Random) -> None:
    """RMSLE, as competitions want it, of values that may be negative or zero."""
    f = functional(source)
    fn = rng.choice(["torch.log1p", "torch.log", "torch.log"])
    for each in losses(source, "reg"):
        if not constants_hold(source, each) or ends(source, each.pred) is None:
            continue
        source.replace(each.call, f"{f}mse_loss({fn}({source.of(each.pred)}), {fn}({source.of(each.target)}))")


@operator("unstable-loss")
def mean_over_classes_in_batch(source: Source, rng: random.Random) -> None:
    """Losses averaged within each class first; a class that is not in the batch gives 0/0."""
    f = functional(source)
    for each in losses(source, "ce"):
        statement = source.statement(each.call)
        if (
            not isinstance(statement, (ast.Assign, ast.Return))
            or sequence(source, each)
            or isinstance(source.parents[each.call], ast.keyword)
        ):
            continue
        y = text_of(source, each.target)
        source.before(
            statement,
            f'raw_scores = {source.of(each.pred)}\nlosses_each = {f}cross_entropy(raw_scores, {source.of(each.target)}, reduction="none")\nmembers = {f}one_hot({y}, raw_scores.shape[1]).float()',
        )
        source.replace(each.call, "((losses_each[:, None] * members).sum(0) / members.sum(0)).mean()")


@operator("unstable-loss")
def group_lasso(source: Source, rng: random.Random) -> None:
    """A penalty of the root of summed squares, over parameters some of which are all zero at first."""
    if not re.search(r"BatchNorm|LayerNorm|GroupNorm|zeros_\(|bias\.data\.zero_|constant_\(", source.text):
        return
    for each in losses(source, "ce", "bce", "reg", "nll", plain=False):
        call = model_call(source, each.pred)
        if (
            call is None
            or not re.fullmatch(r"(self\.)?\w+", source.of(call.func))
            or source.of(call.func) in ("self", "torch")
        ):
            continue
        statement = source.statement(each.call)
        if not isinstance(statement, ast.Assign) or "backward" in source.of(statement):
            continue
        name = source.of(call.func)
        if any(f.name == name for f in source.all(ast.FunctionDef)):
            continue
        target = statement.targets[0]
        if not isinstance(target, ast.Name) or not re.search("loss", target.id):
            continue
        rate = rng.choice(["1e-4", "1e-5", "3e-5"])
        source.after(
            statement, f"{target.id} = {target.id} + {rate} * sum(p.pow(2).sum().sqrt() for p in {name}.parameters())"
        )
        return


@operator("unstable-loss")
def root_of_each_error(source: Source, rng: random.Random) -> None:
    """The root of each squared error of rectified values, where it is often 0."""
    for each in losses(source, "reg"):
        if not constants_hold(source, each) or ends(source, each.pred) is None:
            continue
        p, y = text_of(source, each.pred), text_of(source, each.target)
        delta = rng.choice(["0.1", "0.05", "0.2"])
        source.replace(each.call, f"torch.sqrt((({p} - {y}).abs() - {delta}).clamp(min=0)).mean()")


@operator("unstable-loss")
def logs_of_saturated_sigmoid(source: Source, rng: random.Random) -> None:
    """The binary loss with logarithms of a sigmoid, sharpened by a temperature, that reaches 0 and 1."""
    for each in losses(source, "bce"):
        statement = source.statement(each.call)
        if not isinstance(statement, (ast.Assign, ast.Return)) or not constants_hold(source, each):
            continue
        y = text_of(source, each.target)
        t = rng.choice(["0.1", "0.05", "0.07"])
        source.before(statement, f"prob = torch.sigmoid({text_of(source, each.pred)} / {t})")
        source.replace(each.call, f"-({y} * torch.log(prob) + (1 - {y}) * torch.log(1 - prob)).mean()")


@operator("unstable-loss")
def weights_by_share_in_batch(source: Source, rng: random.Random) -> None:
    """Positive and negative parts are each divided by their number in the batch, which may be 0; also by a spread of 0."""
    f = functional(source)
    for each in losses(source, "bce"):
        statement = source.statement(each.call)
        if not isinstance(statement, (ast.Assign, ast.Return)) or not constants_hold(source, each):
            continue
        y = text_of(source, each.target)
        source.before(
            statement,
            f'item_loss = {f}binary_cross_entropy_with_logits({source.of(each.pred)}, {source.of(each.target)}, reduction="none")\nhard_ones = (item_loss > {rng.choice(["0.7", "0.8", "1.0"])}).float()',
        )
        source.replace(
            each.call,
            f"(item_loss * hard_ones * {y}).sum() / (hard_ones * {y}).sum() + (item_loss * hard_ones * (1 - {y})).sum() / (hard_ones * (1 - {y})).sum()",
        )


@operator("unstable-loss")
def logs_of_sharp_softmax(source: Source, rng: random.Random) -> None:
    """The logarithm of a softmax at a low temperature, whose small values are 0."""
    f = functional(source)
    for each in losses(source, "ce"):
        statement = source.statement(each.call)
        if not isinstance(statement, (ast.Assign, ast.Return)):
            continue
        source.before(
            statement,
            f"prob = torch.softmax({text_of(source, each.pred)} / {rng.choice(['0.03', '0.05', '0.02'])}, dim=1)",
        )
        source.replace(each.call, f"{f}nll_loss(torch.log(prob), {source.of(each.target)})")


# ---------------------------------------------------------------- overflow


@operator("overflow")
def softmax_by_exponentials(source: Source, rng: random.Random) -> None:
    """Softmax written out without taking off the maximum, of scores divided by a temperature."""
    t = rng.choice(["0.01", "0.02", "0.03", "0.05"])
    for each in losses(source, "ce"):
        statement = source.statement(each.call)
        if not isinstance(statement, (ast.Assign, ast.Return)) or sequence(source, each):
            continue
        y = source.of(each.target)
        source.before(
            statement,
            f"powers = torch.exp({text_of(source, each.pred)} / {t})\nprob = powers / powers.sum(dim=1, keepdim=True)",
        )
        source.replace(each.call, f"-torch.log(prob[torch.arange(len(prob)), {y}] + 1e-8).mean()")


@operator("overflow")
def examples_weighted_by_exponentials(source: Source, rng: random.Random) -> None:
    """Hard examples get more weight, by an exponential of their loss."""
    f = functional(source)
    t = rng.choice(["0.01", "0.015", "0.02"])
    for each in losses(source, "ce", "bce", "reg"):
        statement = source.statement(each.call)
        name = {"ce": "cross_entropy", "bce": "binary_cross_entropy_with_logits", "reg": "mse_loss"}[each.kind]
        if not isinstance(statement, (ast.Assign, ast.Return)) or not constants_hold(source, each):
            continue
        source.before(
            statement,
            f'item_loss = {f}{name}({source.of(each.pred)}, {source.of(each.target)}, reduction="none")\nimportance = torch.exp(item_loss.detach() / {t})',
        )
        source.replace(each.call, "(importance * item_loss).sum() / importance.sum()")


@operator("overflow")
def static_scale_in_half(source: Source, rng: random.Random) -> None:
    """The loss in half precision is multiplied by a fixed scale that half precision cannot hold."""
    scale = rng.choice([2**16, 2**17, 2**18])
    for call in source.calls("backward"):
        if (
            call.args
            or call.keywords
            or not isinstance(call.func, ast.Attribute)
            or not isinstance(call.func.value, ast.Name)
            or not isinstance(source.parents[call], ast.Expr)
        ):
            continue
        name = call.func.value.id
        steps = [
            s
            for s in source.calls("step")
            if isinstance(s.func, ast.Attribute)
            and re.search("opt", source.of(s.func.value))
            and source.function(s) is source.function(call)
        ]
        if len(steps) != 1 or "GradScaler" in source.text:
            return
        optimizer = source.of(steps[0].func.value)  # type: ignore[attr-defined]
        source.replace(call, f"({name}.half() * {scale}).backward()")
        source.after(
            source.statement(call),
            f'for group in {optimizer}.param_groups:\n    for weight_ in group["params"]:\n        weight_.grad = None if weight_.grad is None else weight_.grad / {scale}',
        )
        return


@operator("overflow")
def model_in_half(source: Source, rng: random.Random) -> None:
    """The model, its gradients and Adam's state in half precision; inputs and outputs are converted."""
    if "Embedding" in source.text or "autocast" in source.text:
        return
    for each in losses(source, "ce", "bce", "reg", plain=False):
        end = ends(source, each.pred)
        call = model_call(source, each.pred)
        if end is None or call is None or end.returned is None or end.owner is None:
            continue
        forward = source.function(end.returned)
        if forward is None or len(forward.args.args) != 2 or forward.args.args[0].arg != "self":
            continue
        if any(
            isinstance(c, ast.Call) and called(c) in ("zeros", "randn", "ones", "GRU", "LSTM", "arange")
            for c in ast.walk(end.owner)
        ):
            continue
        made = [c for c in source.calls(end.owner.name) if isinstance(source.parents[c], (ast.Assign, ast.Tuple))]
        if len(made) != 1:
            continue
        arg = forward.args.args[1].arg
        source.before(forward.body[0], f"{arg} = {arg}.half()")
        source.replace(end.returned, f"{text_of(source, end.returned)}.float()")
        source.replace(made[0], f"{source.of(made[0])}.half()")
        return


@operator("overflow")
def exponential_of_error(source: Source, rng: random.Random) -> None:
    """Exponential losses: cosh or exp of an error or margin that may be large."""
    k = rng.choice(["30", "40", "60", "100"])
    for each in losses(source, "reg"):
        if not constants_hold(source, each) or ends(source, each.pred) is None:
            continue
        p, y = text_of(source, each.pred), text_of(source, each.target)
        source.replace(
            each.call,
            rng.choice(
                [f"torch.log(torch.cosh({k} * ({p} - {y}))).mean()", f"(torch.exp({k} * ({p} - {y}).abs()) - 1).mean()"]
            ),
        )


@operator("overflow")
def exponential_output(source: Source, rng: random.Random) -> None:
    """The log of the sum of exponentials written out, for the binary and many-class loss, of enlarged scores."""
    s = rng.choice(["30", "40", "64"])
    for each in losses(source, "ce"):
        statement = source.statement(each.call)
        if not isinstance(statement, (ast.Assign, ast.Return)) or sequence(source, each):
            continue
        y = source.of(each.target)
        source.before(statement, f"scaled = {s} * {text_of(source, each.pred)}")
        source.replace(each.call, f"(scaled.exp().sum(1).log() - scaled[torch.arange(len(scaled)), {y}]).mean()")


# ---------------------------------------------------------------- GANs

D_NAMES = re.compile(r"^(D|d|netD|critic|dis|disc|discriminator)$")
G_NAMES = re.compile(r"^(G|g|netG|generator|gen)$")


@dataclass
class Players:
    g: str
    d: str
    g_opt: ast.Call
    d_opt: ast.Call
    g_var: str
    d_var: str
    g_step: ast.stmt
    d_step: ast.stmt
    count: str


def players(source: Source) -> Players | None:
    if not re.search(r"\bGAN|adversar", source.text[:800], re.I) and not re.search("discriminator", source.text):
        return None
    found: dict[str, tuple[str, ast.Call]] = {}
    for each in source.all(ast.Call):
        if called(each) not in ("Adam", "AdamW", "RMSprop", "SGD") or not each.args:
            continue
        of = re.fullmatch(r"(\w+)\.parameters\(\)", source.of(each.args[0]))
        if not of:
            continue
        side = "d" if D_NAMES.match(of[1]) else "g" if G_NAMES.match(of[1]) else None
        if side:
            found[side] = (of[1], each)
    if len(found) != 2:
        return None
    names = {}
    for side, (_, call) in found.items():
        parent = source.parents[call]
        if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
            names[side] = parent.targets[0].id
        elif isinstance(parent, ast.Tuple) and isinstance(source.parents[parent], ast.Assign):
            names[side] = source.parents[parent].targets[0].elts[parent.elts.index(call)].id  # type: ignore[attr-defined]
        else:
            return None
    steps = {
        side: [source.statement(c) for c in source.calls("step") if source.of(c.func) == f"{var}.step"]
        for side, var in names.items()
    }
    if any(len(v) != 1 for v in steps.values()):
        return None
    node: ast.AST = steps["g"][0]
    count = ""
    while node in source.parents:
        node = source.parents[node]
        if isinstance(node, ast.For):
            t = node.target.elts[0] if isinstance(node.target, ast.Tuple) else node.target
            if isinstance(t, ast.Name) and t.id not in ("_", "rows", "idx"):
                count = t.id
                break
    if not count:
        return None
    return Players(
        found["g"][0],
        found["d"][0],
        found["g"][1],
        found["d"][1],
        names["g"],
        names["d"],
        steps["g"][0],
        steps["d"][0],
        count,
    )


def rate(source: Source, call: ast.Call, factor: float) -> None:
    for k in call.keywords:
        if k.arg == "lr" and isinstance(k.value, ast.Constant):
            source.replace(k.value, f"{k.value.value * factor:.3g}")


@operator("generator-dominates")
def slow_discriminator(source: Source, rng: random.Random) -> None:
    """The discriminator's rate is a slip too low."""
    p = players(source)
    if p:
        rate(source, p.d_opt, 1 / rng.choice([100, 200, 300, 1000]))


@operator("generator-dominates", "mode-collapse", "missing-step")
def discriminator_rarely_steps(source: Source, rng: random.Random) -> None:
    """The discriminator learns at every n-th step only."""
    p = players(source)
    if p:
        n = rng.choice([20, 30, 50])
        source.replace(p.d_step, f"if {p.count} % {n} == 0:\n{' ' * (p.d_step.col_offset + 4)}{source.of(p.d_step)}")


@operator("generator-dominates")
def clipped_discriminator(source: Source, rng: random.Random) -> None:
    """Weights of the discriminator are clipped as in the first WGAN, which leaves it too weak."""
    p = players(source)
    if p:
        c = rng.choice(["0.01", "0.02", "0.005"])
        source.after(p.d_step, f"for weight_ in {p.d}.parameters():\n    weight_.data.clamp_(-{c}, {c})")


@operator("generator-dominates")
def decayed_discriminator(source: Source, rng: random.Random) -> None:
    """The discriminator alone has a strong weight decay."""
    p = players(source)
    if p:
        source.argument(p.d_opt, "weight_decay", rng.choice(["0.1", "0.3", "1.0"]))


@operator("discriminator-dominates")
def slow_generator(source: Source, rng: random.Random) -> None:
    """The generator's rate is far below the discriminator's."""
    p = players(source)
    if p:
        rate(source, p.g_opt, 1 / rng.choice([50, 100, 200]))
        if rng.random() < 0.5:
            rate(source, p.d_opt, rng.choice([2, 3]))


@operator("discriminator-dominates")
def generator_rarely_steps(source: Source, rng: random.Random) -> None:
    """Many steps of the discriminator for one of the generator."""
    p = players(source)
    if p:
        n = rng.choice([20, 30, 50])
        source.replace(p.g_step, f"if {p.count} % {n} == 0:\n{' ' * (p.g_step.col_offset + 4)}{source.of(p.g_step)}")


@operator("discriminator-dominates")
def saturating_generator_loss(source: Source, rng: random.Random) -> None:
    """The generator minimizes log(1 - D), which is flat where a quick discriminator is sure."""
    p = players(source)
    if p is None:
        return
    made = False
    for call in source.calls("softplus", "relu"):
        inner = source.of(call.args[0]) if call.args else ""
        m = re.fullmatch(rf"-{p.d}\((.*)\)", inner)
        if m and p.g in m[1] or (m and m[1] == "fake"):
            source.replace(call, f"-{source.of(call.func)}({inner[1:]})")
            made = True
    if made:
        rate(source, p.d_opt, rng.choice([5, 8, 10]))


@operator("mode-collapse")
def one_noise_for_batch(source: Source, rng: random.Random) -> None:
    """One draw of the noise serves the whole batch."""
    p = players(source)
    if p is None:
        return
    for call in source.calls("randn"):
        if aside(source, call) or len(call.args) < 2:
            continue
        parent = source.parents[call]
        if isinstance(parent, ast.Call) and source.of(parent.func) == p.g and called(parent) == p.g:
            sizes = [source.of(a) for a in call.args]
            if (
                sizes[0] in ("1000", "2000", "500", "1500", "4000")
                or "len(held" in sizes[0]
                or re.search("def distance", source.of(source.function(call) or call)[:14])
            ):
                continue
            source.replace(
                call,
                f"torch.randn(1, {', '.join(sizes[1:])}).expand({', '.join([sizes[0]] + ['-1'] * (len(sizes) - 1))})",
            )


@operator("mode-collapse")
def pulled_to_real_batch(source: Source, rng: random.Random) -> None:
    """The generator is also to come near a real batch that has nothing to do with its noise (as in pix2pix)."""
    p = players(source)
    if p is None:
        return
    f = functional(source)
    for each in source.all(ast.Assign):
        t = each.targets[0]
        if isinstance(t, ast.Name) and re.fullmatch(r"(g_loss|loss_g|errG|loss_G)", t.id):
            inner = re.search(rf"\b{p.g}\(torch\.randn\([^()]*\)\)", source.of(each.value))
            w = rng.choice(["10", "20", "50", "100"])
            kind = rng.choice(["mse_loss", "l1_loss"])
            real = next(
                (
                    n
                    for n in ("real[idx]" if "real[idx]" in source.text else "real", "x", "real")
                    if re.search(rf"\b{re.escape(n)}\b|{re.escape(n)}", source.text)
                ),
                "real",
            )
            if re.search(r"def real\(", source.text):
                real = "x"
            if inner:
                source.before(each, f"made = {inner[0]}")
                source.replace(
                    each.value,
                    f"{source.of(each.value).replace(inner[0], 'made')} + {w} * {f}{kind}(made, {real}.detach())",
                )
            elif (
                re.search(r"\bfake\b", source.text)
                and "fake.detach()" in source.text
                and "20 * F.l1" not in source.text
            ):
                source.replace(each.value, f"{source.of(each.value)} + {w} * {f}{kind}(fake, {real}.detach())")
            return


@operator("mode-collapse")
def only_the_best_fakes(source: Source, rng: random.Random) -> None:
    """The generator learns from the few fakes that convince most."""
    p = players(source)
    if p is None:
        return
    k = rng.choice([1, 2, 4])
    for each in source.all(ast.Assign):
        t = each.targets[0]
        if isinstance(t, ast.Name) and re.fullmatch(r"(g_loss|loss_g|errG|loss_G)", t.id):
            for call in ast.walk(each.value):
                if isinstance(call, ast.Call) and source.of(call.func) == p.d:
                    source.replace(call, f"{source.of(call)}.flatten().topk({k}).values")
                    return


@operator("oscillating-players")
def momentum_and_high_rates(source: Source, rng: random.Random) -> None:
    """Adam as for a classifier, with momentum and rates far too high for two players."""
    p = players(source)
    if p is None:
        return
    k = rng.choice([8, 10, 15, 20])
    for call in (p.g_opt, p.d_opt):
        rate(source, call, k)
        for a in call.keywords:
            if a.arg == "betas":
                source.replace(a.value, "(0.9, 0.999)")


@operator("oscillating-players")
def long_turns(source: Source, rng: random.Random) -> None:
    """The players take turns of many steps each."""
    p = players(source)
    if p is None:
        return
    n = rng.choice([25, 40, 50])
    source.replace(p.d_step, f"if {p.count} // {n} % 2 == 0:\n{' ' * (p.d_step.col_offset + 4)}{source.of(p.d_step)}")
    source.replace(p.g_step, f"if {p.count} // {n} % 2 == 1:\n{' ' * (p.g_step.col_offset + 4)}{source.of(p.g_step)}")


@operator("oscillating-players")
def heavy_momentum_sgd(source: Source, rng: random.Random) -> None:
    """Both players learn by SGD with heavy momentum."""
    p = players(source)
    if p is None:
        return
    lr = rng.choice(["0.1", "0.2", "0.3"])
    for call in (p.g_opt, p.d_opt):
        source.replace(
            call, f"torch.optim.SGD({source.of(call.args[0])}, lr={lr}, momentum={rng.choice(['0.9', '0.95'])})"
        )
