"""What is trained on: the calls that compare outputs with targets, and where the model makes its outputs."""

import ast
import re
from dataclasses import dataclass

from benchmarks.ward.edits import Source, called, method, subject, within
from benchmarks.ward.operators.forms import losses_assigned, modules, nested, without_gradients

KINDS = {
    "cross_entropy": "classes",
    "CrossEntropyLoss": "classes",
    "nll_loss": "likelihood",
    "NLLLoss": "likelihood",
    "binary_cross_entropy_with_logits": "binary",
    "BCEWithLogitsLoss": "binary",
    "mse_loss": "numbers",
    "MSELoss": "numbers",
    "l1_loss": "numbers",
    "L1Loss": "numbers",
    "smooth_l1_loss": "numbers",
    "SmoothL1Loss": "numbers",
    "huber_loss": "numbers",
    "HuberLoss": "numbers",
}
ALL_KINDS = ("classes", "binary", "numbers", "likelihood")
RESHAPING = ("squeeze", "flatten", "view", "reshape", "float", "transpose", "permute", "unsqueeze", "contiguous",
             "ravel")  # fmt: skip
LINEAR = ("Linear", "Conv2d", "Conv1d", "LazyLinear", "ConvTranspose2d")
ASIDE = re.compile(r"eval|valid|test|predict|score|accura|metric", re.I)


@dataclass(frozen=True)
class Loss:
    """A call that gives a loss of training.

    Attributes:
        kind: what is predicted.
        plain: the mean over all, without weights or other settings.
    """

    kind: str
    call: ast.Call
    output: ast.expr
    target: ast.expr
    plain: bool


def losses(source: Source, *kinds: str, plain: bool = True) -> list[Loss]:
    """Losses of training of some kinds, only plain ones unless otherwise wanted."""
    objects = {source.of(target): value for target, value, _ in source.bindings() if called(value)[:1].isupper()}
    found = []
    for call in source.all(ast.Call):
        made = call.func if isinstance(call.func, ast.Call) else objects.get(source.of(call.func))
        kind = KINDS.get(called(made) if made else called(call), "")
        if len(call.args) < 2 or kind not in kinds or (made is None and called(call)[0].isupper()):
            continue
        statement, parent = source.statement(call), source.parents[call]
        shown = isinstance(statement, ast.Expr) and source.fits(statement, "print")
        held = isinstance(statement, ast.Assign) and source.fits(statement.targets[0], "val|test|held")
        read = isinstance(parent, ast.Attribute) and parent.attr == "item"
        by_star = any(isinstance(each, ast.Starred) for each in call.args[:2])
        if shown or held or read or nested(source, call) or aside(source, call) or by_star:
            continue
        set_up = isinstance(made, ast.Call) and (made.args or made.keywords)
        is_plain = len(call.args) == 2 and not call.keywords and not set_up
        if is_plain or not plain:
            found.append(Loss(kind, call, call.args[0], call.args[1], is_plain))
    return found + (_by_hand(source) if "numbers" in kinds else [])


def _by_hand(source: Source) -> list[Loss]:
    """``((output - target) ** 2).mean()`` and the like."""
    found = []
    for call in source.calls("mean"):
        inner = subject(call)
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Pow) and source.of(inner.right) == "2":
            inner = inner.left
        elif isinstance(inner, ast.Call) and called(inner) in ("pow", "square"):
            inner = subject(inner)
        if not isinstance(inner, ast.BinOp) or not isinstance(inner.op, ast.Sub) or call.args or call.keywords:
            continue
        statement = source.statement(call)
        name = source.of(statement.targets[0]) if isinstance(statement, ast.Assign) else ""
        judged = re.search("val|test|held|rmse|error|mse$|var", name) or source.fits(statement, r"item\(\)|\.sqrt\(\)")
        used = isinstance(statement, ast.Return | ast.Assign | ast.AugAssign) or source.fits(statement, "backward")
        squared = inner is not subject(call)
        if not squared or judged or not used or nested(source, call) or aside(source, call):
            continue
        if source.fits(inner.left, "model|net|pred|out|hat"):
            found.append(Loss("numbers", call, inner.left, inner.right, True))
        elif source.fits(inner.right, "model|net|pred|out|hat"):
            found.append(Loss("numbers", call, inner.right, inner.left, True))
    return found


def aside(source: Source, node: ast.AST) -> bool:
    """Whether a place is only for looking at the model, not for training."""
    homes = [each for each in source.around(node) if isinstance(each, ast.FunctionDef)]
    if without_gradients(source, node):
        return True
    if any(ASIDE.search(each.name) and not source.fits(each, "backward") for each in homes):
        return True
    if not homes or homes[0].name in ("main", "forward", "run", "train", "fit") or source.fits(homes[0], "backward"):
        return False
    uses = source.calls(homes[0].name)  # scoring may use it too
    heads = [source.of(source.statement(each)).split("\n")[0] for each in uses]
    scored = any(re.search(r"item\(\)|score", each) for each in heads)
    return scored or any(without_gradients(source, each) for each in uses)


def varied(source: Source, loss: Loss) -> bool:
    """Whether the targets are data, not all ones or zeros."""
    return not source.fits(loss.target, r"_like|torch\.(ones|zeros|full)")


def in_statement(source: Source, *kinds: str) -> list[Loss]:
    """Plain losses of data that are assigned or returned, so that lines can be put before them."""
    found = [each for each in losses(source, *kinds) if varied(source, each)]
    return [each for each in found if isinstance(source.statement(each.call), ast.Assign | ast.Return)]


def rewrite(source: Source, loss: Loss, expression: str, lines: str = "") -> None:
    """Compute a loss otherwise, from ``{output}`` and ``{target}``, perhaps with lines before."""
    parts = {"output": loss.output, "target": loss.target}

    def fill(form: str) -> str:
        def part(found: re.Match[str]) -> str:
            before, after = form[: found.start()].rstrip()[-1:], form[found.end() :][:1]
            alone = before in "(,=" and after in ",)]\n"
            return source.of(parts[found[1]]) if alone else source.grouped(parts[found[1]])

        return re.sub(r"\{(output|target)\}", part, form)

    if lines:
        source.before(source.statement(loss.call), fill(lines))
    source.replace(loss.call, fill(expression))


def losses_of_loop(source: Source, *kinds: str) -> list[tuple[ast.Assign, Loss]]:
    """``loss = criterion(output, target)`` before its backward."""
    found = {each.call: each for each in losses(source, *kinds, plain=False)}
    return [(made, found[made.value]) for made, _ in losses_assigned(source) if made.value in found]


def settings(source: Source, loss: Loss) -> str:
    """Further arguments of a loss, as written."""
    named = [each for each in loss.call.keywords if each.arg != "label_smoothing"]
    return "".join(f", {source.of(each)}" for each in [*loss.call.args[2:], *named])


def replaceable(source: Source, *kinds: str) -> list[Loss]:
    """Losses whose weights and reductions are plain to see, so that another can stand in for them."""
    known = {"ignore_index", "weight", "reduction"}
    found = losses(source, *kinds, plain=False)
    named = [called(each.call) in KINDS and {k.arg for k in each.call.keywords} <= known for each in found]
    return [each for each, fine in zip(found, named, strict=True) if each.plain or (fine and len(each.call.args) == 2)]


def over_places(source: Source, loss: Loss) -> bool:
    """Whether there are outputs at many places of each example."""
    return source.fits(loss.output, r"flatten\(0|reshape\(-1|view\(-1|transpose\(|permute\(|\.movedim")


def bounded_targets(source: Source) -> bool:
    """Whether a regression may have targets between 0 and 1."""
    return source.has(r"(?i)load_digits|image|pixel|picture|sigmoid|mask|torch\.rand\(|prob|share|tanh\(\)\)$")


def bare(node: ast.expr) -> ast.expr:
    """What is under squeezes and indexes."""
    while True:
        inner = node.value if isinstance(node, ast.Subscript) else None
        if isinstance(node, ast.Call) and called(node) in RESHAPING:
            inner = subject(node)
        if inner is None or (isinstance(inner, ast.Name) and inner.id == "torch"):
            return node
        node = inner


def assigned(source: Source, name: str, near: ast.expr) -> ast.expr | None:
    """What a name was last given before a place in the same function."""
    home, here, last = source.function(near), source.statement(near), None
    for target, value, statement in source.bindings():
        first = target.elts[0] if isinstance(target, ast.Tuple) and target.elts else target
        if isinstance(first, ast.Name) and first.id == name and source.function(statement) is home:
            if statement.lineno <= near.lineno and statement is not here:
                last = value
    return last


def model_call(source: Source, output: ast.expr) -> ast.Call | None:
    """The call of a model that an output is."""
    node: ast.expr | None = bare(output)
    for _ in range(3):
        if isinstance(node, ast.Name):
            node = assigned(source, node.id, node)
            node = bare(node) if node is not None else None
    return node if isinstance(node, ast.Call) and not isinstance(node.func, ast.Call) else None


@dataclass(frozen=True)
class End:
    """Where a model's output is made: the last layer of a Sequential, or what `forward` returns."""

    source: Source
    sequential: ast.Call | None = None
    returned: ast.expr | None = None
    owner: ast.ClassDef | None = None

    @property
    def last(self) -> ast.Call | None:
        """The layer that makes the output, if plain to see."""
        if self.sequential is not None:
            end = self.sequential.args[-1]
            end = end.args[0] if isinstance(end, ast.Call) and called(end) == "spectral_norm" else end
            return end if isinstance(end, ast.Call) else None
        output = bare(self.returned) if self.returned is not None else None
        name = self.source.of(output.func) if isinstance(output, ast.Call) else ""
        for target, value, statement in self.source.bindings() if name.startswith("self.") else ():
            here = any(each is self.owner for each in self.source.around(statement))
            if here and self.source.of(target) == name and isinstance(value, ast.Call):
                inner = value.args[-1] if called(value) == "Sequential" and value.args else value
                return inner if isinstance(inner, ast.Call) else value
        return None

    @property
    def width(self) -> str:
        """How many outputs, as written; empty where that is not plain."""
        last = self.last
        place = {"Linear": 1, "Conv2d": 1, "Conv1d": 1, "LazyLinear": 0}.get(called(last))
        known = last is not None and place is not None and place < len(last.args)
        return self.source.of(last.args[place]) if known and last is not None and place is not None else ""

    @property
    def linear(self) -> bool:
        """Whether the output comes straight from a linear layer."""
        return called(self.last) in LINEAR

    @property
    def single(self) -> bool:
        return self.width == "1" and called(self.last) in ("Linear", "LazyLinear")

    def append(self, module: str, expression: str) -> None:
        """Put a layer at the end: a module of a Sequential, or else an expression of ``{}`` in `forward`."""
        if self.sequential is not None:
            self.source.wrap(self.sequential.args[-1], f"{{}}, nn.{module}")
        elif self.returned is not None:
            self.source.wrap(self.returned, expression)


def end_of(source: Source, output: ast.expr) -> End | None:
    """Where the output of the model behind a prediction is made."""
    call = model_call(source, output)
    name = source.of(call.func) if call is not None else ""
    functions = [each for each in source.tree.body if isinstance(each, ast.FunctionDef) and each.name == name]
    for function in functions[:1]:
        returns = [each.value for each in within(function, ast.Return) if each.value is not None]
        plain = len(returns) == 1 and isinstance(returns[0], ast.BinOp | ast.Call)
        return End(source, returned=returns[0]) if plain else None
    for target, value, _ in source.bindings() if name else ():
        end = _made_by(source, value) if source.of(target) == name else None
        if end is not None:
            return end
    inner = {called(each) for module in modules(source) for each in within(module.definition, ast.Call)}
    outer = [each.definition for each in modules(source) if each.definition.name not in inner]
    if len(outer) == 1 and re.fullmatch(r"(self\.)?(model|net|network|classifier|student|m|f)", name):
        return _of_class(source, outer[0])
    return None


def _made_by(source: Source, value: ast.expr | None) -> End | None:
    """The end of a model that an expression makes."""
    while isinstance(value, ast.Call):
        name = called(value)
        if name == "Sequential":
            listed = value.args and not isinstance(value.args[-1], ast.Starred)
            return End(source, sequential=value) if listed else None
        for owner in source.all(ast.ClassDef) if isinstance(value.func, ast.Name) else ():
            if owner.name == name:
                return _of_class(source, owner)
        for each in source.tree.body if isinstance(value.func, ast.Name) else ():
            if isinstance(each, ast.FunctionDef) and each.name == name:
                made = next((r.value for r in within(each, ast.Return) if r.value is not None), None)
                return _made_by(source, made)
        wraps = name in ("compile", "AveragedModel") and value.args
        value = value.args[0] if wraps else subject(value)
    return None


def _of_class(source: Source, owner: ast.ClassDef) -> End | None:
    if any(source.fits(base, "Sequential$") for base in owner.bases):
        calls = [each for each in within(owner, ast.Call) if called(each) == "__init__" and each.args]
        listed = calls and not isinstance(calls[0].args[-1], ast.Starred)
        return End(source, sequential=calls[0], owner=owner) if listed else None
    forward = method(owner, "forward")
    returns = [each for each in within(forward, ast.Return) if source.function(each) is forward] if forward else []
    value = returns[0].value if len(returns) == 1 else None
    value = value.elts[0] if isinstance(value, ast.Tuple) else value
    return End(source, returned=value, owner=owner) if value is not None else None


def one_end(source: Source, *kinds: str, plain: bool = False) -> tuple[Loss, End] | None:
    """The first loss of these kinds whose model's end is plain to see."""
    for each in losses(source, *kinds, plain=plain):
        end = end_of(source, each.output) if varied(source, each) else None
        if end is not None:
            return each, end
    return None
