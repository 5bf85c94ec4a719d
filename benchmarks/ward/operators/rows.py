"""The data of a training program: where rows for training are taken, batches get their names, and rows are held out."""

import ast
import re
from dataclasses import dataclass

from benchmarks.ward.edits import Source, called, keyword, stores, within
from benchmarks.ward.operators.forms import modules, of_self, opening, training_loops, without_gradients
from gradus.diagnosis.prescription.program import Loop

CLASSES = r"cross_entropy|CrossEntropyLoss|NLLLoss|nll_loss|BCE|MarginLoss"
MANY_CLASSES = r"cross_entropy\(|CrossEntropyLoss|NLLLoss|nll_loss"
NUMBERS = r"mse_loss|MSELoss|L1Loss|l1_loss|smooth_l1|Huber|huber|\*\* ?2\)\.mean|pow\(2\)\.mean|square\(\)\.mean"
OTHER = r"(?i)GAN|gan\b|generator\(|critic|discriminator|teacher|policy|reward|diffusion|replay"
"""Of a program that learns otherwise than from rows with targets."""

TARGET = re.compile(
    r"^(y|t|yy|ys)$|^(y|Y|t)_|_y$|_t$|[yY](tr|train)$|label|target|truth|kind|class|tag|answer|want|species|price|gold|digit$",
    re.I,
)
HELD = re.compile(r"test|val|held|dev(?!ice)|(^|_)(te|va)(_|$)|unseen", re.I)
TENSORS = ("from_numpy", "tensor", "as_tensor", "Tensor", "FloatTensor", "LongTensor")
FEW = ("i", "k", "j", "name", "key", "n", "step", "epoch", "t", "c")


# what is learnt


def classifies(source: Source) -> bool:
    """Whether classes are learnt from rows."""
    return source.has(CLASSES) and not source.has(OTHER)


def many_classes(source: Source) -> bool:
    """Whether one class of several is learnt from rows."""
    return source.has(MANY_CLASSES) and not source.has(OTHER)


def regresses(source: Source) -> bool:
    """Whether numbers are learnt from rows."""
    return source.has(NUMBERS) and not source.has(OTHER)


def supervised(source: Source) -> bool:
    """Whether rows with targets are learnt from."""
    return classifies(source) or regresses(source)


def real_inputs(source: Source) -> bool:
    """Whether inputs are real numbers, not tokens."""
    return not source.has(r"Embedding|\.long\(\)\)|one_hot\(x|vocab|stoi")


def is_target(name: str) -> bool:
    """Whether something is a target by its name."""
    return TARGET.search(re.split(r"[\[.]", name)[0]) is not None


def inputs_first(names: list[str]) -> tuple[str, str]:
    """The first and the last of some names, inputs before targets."""
    first, last = names[0], names[-1]
    turned = TARGET.search(first.split(".")[-1]) and not TARGET.search(last.split(".")[-1])
    return (last, first) if turned else (first, last)


# rows of training


@dataclass(frozen=True)
class Rows:
    """Where rows for training are taken.

    Attributes:
        at: the statement before which the whole table may be changed.
        x, y: the places of inputs and targets.
        kind: "indexed" in the loop, "loaded" by a loader, or "whole" at each step.
        index: what rows are indexed by.
    """

    source: Source
    at: ast.stmt
    x: list[ast.expr]
    y: list[ast.expr]
    kind: str
    index: str = ""
    loop: Loop | None = None

    @property
    def x_text(self) -> str:
        return self.source.of(self.x[0])

    @property
    def y_text(self) -> str:
        return self.source.of(self.y[0])

    @property
    def tensor_x(self) -> bool:
        return not from_numpy(self.source, self.x[0])

    @property
    def tensor_y(self) -> bool:
        return not from_numpy(self.source, self.y[0])

    @property
    def index_loop(self) -> ast.For | None:
        """The loop over what rows are indexed by: ``for rows in permutation.split(32)``."""
        loop = self.loop
        return loop if isinstance(loop, ast.For) and self.source.of(loop.target) == self.index else None

    def instead(self, what: str, lines: str) -> None:
        """Train on something made from the inputs or targets (``{old}``) in lines that set ``{new}``."""
        nodes = self.x if what == "x" else self.y
        old = self.source.of(nodes[0])
        new = fresh(self.source, old if old.replace(".", "").isidentifier() else what)
        self.source.before(self.at, lines.format(old=old, new=new))
        for node in nodes:
            self.source.replace(node, new)

    def pick(self, rows: str) -> None:
        """Take only some rows of the table."""
        for node in [*self.x, *self.y]:
            self.source.replace(node, f"{self.source.grouped(node)}[{rows}]")


def training_rows(source: Source) -> list[Rows]:
    """The last place where rows for training are taken, if there is any."""
    return (indexed(source) or loaded(source) or whole(source))[-1:]


def rows_with_targets(source: Source) -> list[Rows]:
    """`training_rows` whose targets are tensors."""
    return [each for each in training_rows(source) if each.tensor_y]


def indexed(source: Source) -> list[Rows]:
    """Inputs and targets indexed alike in training loops: ``loss(net(x[rows]), y[rows])``."""
    found = []
    for loop in training_loops(source):
        groups: dict[str, dict[str, list[ast.expr]]] = {}
        parts = [each for each in within(loop, ast.Subscript) if isinstance(each.ctx, ast.Load) and is_name(each.value)]
        for each in sorted(parts, key=lambda part: (part.lineno, part.col_offset)):
            index, parent = source.of(each.slice), source.parents[each]
            constant = re.fullmatch(r"[-\d:, ]+|['\"].*", index) or not re.search("[a-z]", index)
            if constant or isinstance(each.slice, ast.Tuple) or without_gradients(source, each):
                continue
            picks = isinstance(parent, ast.Subscript) and each is parent.slice
            if not picks and not source.fits(each.value, "perm|order|logit|weight|mask|length|lens|losses|history"):
                groups.setdefault(index, {}).setdefault(source.of(each.value), []).append(each.value)
        for index, tables in groups.items():
            if len(tables) > 1 and index not in FEW:
                x, y = inputs_first(list(tables))
                found.append(Rows(source, outermost_block(source, loop), tables[x], tables[y], "indexed", index, loop))
                break
    return found


def shuffling_loaders(source: Source) -> list[ast.Call]:
    """``DataLoader(..., shuffle=True)``: those of training."""
    return [each for each in source.calls("DataLoader") if source.of(keyword(each, "shuffle")) == "True"]


def loaded(source: Source) -> list[Rows]:
    """``DataLoader(TensorDataset(x, y), shuffle=True)`` for training, also with the dataset named before."""
    loaders = []
    for call in source.calls("DataLoader"):
        orders = [source.of(keyword(call, name)) for name in ("shuffle", "sampler", "batch_sampler")]
        loaders += call.args[:1] if any(each not in ("", "False") for each in orders) else []
    found = []
    for data in source.calls("TensorDataset"):
        statement, text = source.statement(data), source.of(data)
        mine = any(each in source.around(data) or each is data for each in loaders)
        mine |= source.bound(data) in [source.of(each) for each in loaders]
        held = HELD.search(text) and not re.search("train|fit", text)
        inside = ast.ListComp | ast.GeneratorExp | ast.Lambda
        plain = isinstance(statement, ast.Assign | ast.Expr | ast.AnnAssign | ast.AugAssign)
        plain = plain and not any(isinstance(each, inside) for each in source.around(data))
        if mine and plain and not held and len(data.args) > 1 and not isinstance(data.args[0], ast.Starred):
            x, y = data.args[0], data.args[-1]
            if is_name(x) and is_name(y) and inputs_first([source.of(x), source.of(y)])[0] != source.of(x):
                x, y = y, x
            found.append(Rows(source, statement, [x], [y], "loaded"))
    return found


def whole(source: Source) -> list[Rows]:
    """``loss(net(x_train), y_train)`` on all rows at each step."""
    found = []
    for loop in training_loops(source):
        bound = {each.id for each in stores(loop)}
        for call in within(loop, ast.Call):
            model = call.args[0] if len(call.args) == 2 else None
            if not isinstance(model, ast.Call) or called(model) not in model_names(source) or len(model.args) != 1:
                continue
            x, y = model.args[0], call.args[1]
            if isinstance(x, ast.Name) and isinstance(y, ast.Name) and x.id != y.id and not {x.id, y.id} & bound:
                if not without_gradients(source, call):
                    found.append(Rows(source, outermost_block(source, loop), [x], [y], "whole", "", loop))
    return found


def is_name(node: ast.AST) -> bool:
    """``x`` or ``self.x``."""
    return isinstance(node, ast.Name) or of_self(node)


def outermost_block(source: Source, loop: Loop) -> ast.stmt:
    """The outermost loop or ``with`` around a loop in its function."""
    top: ast.stmt = loop
    for each in source.around(loop):
        if isinstance(each, ast.FunctionDef):
            break
        if isinstance(each, ast.For | ast.While | ast.With):
            top = each
    return top


def from_numpy(source: Source, node: ast.expr) -> bool:
    """Whether rows are still of numpy, to be turned into tensors where they are used."""
    nearest = [each for _, each in zip(range(4), source.around(node), strict=False)]
    turned = any(called(each) in TENSORS for each in nearest)
    return turned or (isinstance(node, ast.Call) and called(node) not in (*TENSORS, "float", "long"))


def fresh(source: Source, name: str) -> str:
    """A name like another that the program does not use."""
    name = name.rsplit(".", maxsplit=1)[-1]
    name = f"{name}_fit" if name.isidentifier() else "y_fit"
    while source.has(rf"\b{name}\b"):
        name += "s"
    return name


# batches, and where the model is judged


@dataclass(frozen=True)
class Batch:
    """Where a batch of training has its names."""

    source: Source
    at: ast.stmt
    after: bool
    x: str
    y: str

    def put(self, lines: str) -> None:
        """Lines that change the batch, with ``{x}`` and ``{y}``."""
        insert = self.source.after if self.after else self.source.before
        insert(self.at, lines.format(x=self.x, y=self.y))


def batches(source: Source) -> list[Batch]:
    """The last place where a batch of training has its names, if there is any."""
    found: list[Batch] = []
    for loop in training_loops(source):
        if isinstance(loop, ast.For):
            target: ast.expr = loop.target
            if isinstance(target, ast.Tuple) and len(target.elts) == 2 and isinstance(target.elts[1], ast.Tuple):
                target = target.elts[1]
            elif called(loop.iter) in ("enumerate", "range"):
                target = ast.Name("_")
            names = [each.id for each in getattr(target, "elts", []) if isinstance(each, ast.Name)]
            if len(names) > 1 and len(names) == len(getattr(target, "elts", [])):
                x, y = inputs_first(names)
                if "_" not in (x, y) and not re.search("opt|param|^p$|name|seed|self|key", f"{x} {y}"):
                    found.append(Batch(source, loop.body[0], False, x, y))
                    continue
        found += [batch for each in loop.body for batch in named_batch(source, each)][:1]
    return found[-1:]


def named_batch(source: Source, statement: ast.stmt) -> list[Batch]:
    """``x, y = draw(32)`` or ``x, y = batch`` or ``xb, yb = x[rows], y[rows]``."""
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Tuple):
        return []
    names, value = [source.of(each) for each in statement.targets[0].elts], statement.value
    draws = re.search("batch|sample|draw|make|next|get", called(value))
    rows = isinstance(value, ast.Tuple) and all(isinstance(each, ast.Subscript) for each in value.elts)
    if len(names) in (2, 3) and all(map(str.isidentifier, names)) and (rows or draws or isinstance(value, ast.Name)):
        return [Batch(source, statement, True, *inputs_first(names))]
    return []


def model_names(source: Source) -> set[str]:
    """Names that trained models have here or mostly."""
    names = {"model", "net", "network", "mlp", "cnn", "classifier", "regressor"}
    names |= {source.owner(call) for call in source.calls("parameters", "eval")}
    return {each for each in names if each.isidentifier() and not re.search("teacher|ema|target|critic|disc|gen", each)}


def judged(source: Source) -> list[ast.expr]:
    """Inputs of the model where it is judged (without gradients)."""
    names = model_names(source)
    return [
        call.args[0]
        for call in source.all(ast.Call)
        if isinstance(call.func, ast.Name) and called(call) in names and call.args
        if without_gradients(source, call) and not isinstance(call.args[0], ast.Starred)
    ]


# how the data is made and scaled


def outer_forward(source: Source) -> tuple[ast.FunctionDef, str] | None:
    """The forward of the outer model and its only input, for inputs of numbers."""
    if not real_inputs(source) or source.has(OTHER):
        return None
    used = {called(each) for each in source.all(ast.Call)}
    inner = {called(each) for module in modules(source) for each in within(module.definition, ast.Call)}
    outer = [
        each.forward
        for each in modules(source)
        if each.definition.name in used - inner and "loss" not in each.definition.name.lower()
    ]
    if len(outer) != 1 or len(outer[0].args.args) != 2 or outer[0].args.vararg:
        return None
    return outer[0], outer[0].args.args[1].arg


def put_first(source: Source, function: ast.FunctionDef, line: str) -> None:
    """Put a line at the beginning of a function."""
    source.before(opening(function), line)


def made_rows(source: Source) -> list[tuple[ast.Return, ast.expr, ast.expr]]:
    """``return x, y`` of functions that make data, for all parts alike."""
    makes = "make|data|sample|load|draw|generate|rows|table|simulate|build|series|trips|s$"
    found = []
    for each in source.all(ast.Return):
        home, value = source.function(each), each.value
        if home is None or not isinstance(value, ast.Tuple) or len(value.elts) != 2 or not source.calls(home.name):
            continue
        other = re.search("loss|forward|getitem|eval|train|step|loader", home.name)
        free = not isinstance(source.parents[home], ast.ClassDef) and not source.fits(each, r"loss|model|net\(")
        if re.search(makes, home.name) and free and not other:
            found.append((each, value.elts[0], value.elts[1]))
    return found


def pixels(source: Source) -> list[tuple[ast.BinOp, ast.Constant]]:
    """Divisions by the greatest brightness, ``images / 16.0``, and by what."""
    found = []
    for each in source.all(ast.BinOp):
        home, top = source.function(each), each.right
        if isinstance(each.op, ast.Div) and isinstance(top, ast.Constant) and top.value in (8, 15, 16, 255):
            of_pixels = source.fits(each.left, "data|image|digit|pixel|X|x|load")
            if of_pixels and (home is None or home.name != "forward"):
                found.append((each, top))
    return found


def standardized(source: Source) -> list[tuple[ast.BinOp, ast.expr]]:
    """``(x - mean) / std`` with what is standardized."""
    found: list[tuple[ast.BinOp, ast.expr]] = []
    for each in source.all(ast.BinOp):
        if isinstance(each.op, ast.Div) and isinstance(each.left, ast.BinOp) and isinstance(each.left.op, ast.Sub):
            apart = any(isinstance(around, ast.ClassDef | ast.Lambda) for around in source.around(each))
            by_spread = source.fits(each.right, r"std|sigma|scale|\bsd\b|spread|\bs\b")
            if by_spread and not apart and isinstance(each.left.left, ast.Name | ast.Subscript):
                found.append((each, each.left.left))
    return found


def standardized_names(source: Source) -> list[tuple[ast.Assign, str, ast.expr]]:
    """``name = (x - mean) / std`` as a statement: with the name and what is standardized."""
    found = []
    for each, what in standardized(source):
        parent = source.parents[each]
        if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
            found.append((parent, parent.targets[0].id, what))
    return found


def statistics(source: Source) -> list[tuple[ast.Tuple, str]]:
    """What ``mean, std`` get from ``x.mean(0), x.std(0)``, and the first as written."""
    found = []
    for each in source.all(ast.Assign):
        value, home = each.value, source.function(each)
        if isinstance(each.targets[0], ast.Tuple) and isinstance(value, ast.Tuple) and len(value.elts) == 2:
            mean, std = map(source.of, value.elts)
            if ".mean(" in mean and ".std(" in std and (home is None or home.name != "forward"):
                found.append((value, mean))
    return found


NOT_TABLES = (
    "Conv|LSTM|GRU|RNN|Attention|Transformer|load_digits|images|unfold\\(|Bilinear|rocess|spectr|n, points|"
    "batch, points|curves|states|recon|autoenc"
)


def table_of_columns(source: Source) -> bool:
    """Whether inputs look like tables (rows of features)."""
    several = source.has(r"Linear\(") and not source.has(r"Linear\(1,|Linear\([a-z_]*=1\b")
    return real_inputs(source) and several and not source.has(NOT_TABLES) and not source.has(OTHER)
