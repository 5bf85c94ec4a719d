"""Too little capacity, or too little data for what there is."""

import ast
import random
import re
from itertools import pairwise

from benchmarks.ward.edits import Source, called, given, keyword
from benchmarks.ward.operators.forms import CONVOLUTIONS, OPTIMIZERS, first_trained, in_module
from benchmarks.ward.operators.rows import shuffling_loaders
from benchmarks.ward.operators.settings import epochs_times
from benchmarks.ward.operators.stacks import ACTIVATIONS, follow, hidden, sequences
from benchmarks.ward.operators.table import operator

WIDTH = re.compile(
    r"hidden|hidden_dim|hidden_size|n_hidden|HIDDEN|width|WIDTH|hid|n_hid|d_hidden|num_hidden|hidden_units|nhid"
)
ROWS = (("x_train", "y_train"), ("X_train", "y_train"), ("train_x", "train_y"), ("x_tr", "y_tr"), ("X_tr", "y_tr"),
        ("xtr", "ytr"), ("X_train", "Y_train"), ("Xtr", "ytr"), ("Xtr", "Ytr"), ("x_train", "t_train"),
        ("inputs", "targets"))  # fmt: skip
"""Names that inputs and targets of training have."""


def narrow(source: Source, layers: list[ast.expr], kinds: tuple[str, ...], between: set[str], width: str) -> None:
    """Give layers that follow one another few units, and what stands between them too."""
    places = [place for place, each in enumerate(layers) if called(each) in kinds]
    for first, second in pairwise(places):
        one, two = layers[first], layers[second]
        others = layers[first + 1 : second]
        if not isinstance(one, ast.Call) or not isinstance(two, ast.Call) or len(one.args) < 2 or len(two.args) < 2:
            continue
        if source.of(one.args[1]) == source.of(two.args[0]) and {called(each) for each in others} <= between:
            norms = [each for each in others if isinstance(each, ast.Call) and called(each).startswith("BatchNorm")]
            for each in [one.args[1], two.args[0], *(norm.args[0] for norm in norms if norm.args)]:
                source.replace(each, width)


@operator("underfitting")
def one_hidden_unit(source: Source, rng: random.Random) -> None:
    """Hidden layers of one or two units."""
    width = str(rng.choice([1, 1, 2]))
    between = ACTIVATIONS | {"Linear", "Flatten", "Dropout"}
    for layers in sequences(source):
        kinds = {called(each) for each in layers}
        if kinds & ACTIVATIONS and kinds <= between:
            narrow(source, layers, ("Linear",), between, width)


@operator("underfitting")
def few_channels(source: Source, rng: random.Random) -> None:
    """Convolutions of one or two channels."""
    width = str(rng.choice([1, 1, 2]))
    between = ACTIVATIONS | {"BatchNorm2d", "BatchNorm1d", "Dropout", "Dropout2d", "Upsample", "MaxPool1d",
                             "MaxPool2d", "AvgPool1d", "AvgPool2d"}  # fmt: skip
    for layers in sequences(source):
        if not source.has("groups|GroupNorm") and not any(isinstance(each, ast.Starred) for each in layers):
            narrow(source, layers, CONVOLUTIONS, between, width)


@operator("underfitting")
def tiny_width_setting(source: Source, rng: random.Random) -> None:
    """The setting of the hidden width far too small."""
    few = str(rng.choice([1, 1, 2]))
    used = r"(Linear|GRU|LSTM|GRUCell|GCN\w*|Conv\w*)\([^)]*\b(hidden\w*|HIDDEN|width|WIDTH|hid|n_hid\w*|nhid)\b"
    if source.has("MultiheadAttention|nhead|// heads") or not source.has(used):
        return
    settings: list[tuple[str, ast.expr, int]] = []
    for function in source.all(ast.FunctionDef):
        if in_module(source, function):
            late = function.args.args[len(function.args.args) - len(function.args.defaults) :]
            settings += [(a.arg, value, 0) for a, value in zip(late, function.args.defaults, strict=True)]
    settings += [(source.of(target), value, 8) for target, value, _ in source.bindings()]
    settings += [(k.arg or "", k.value, 8) for call in source.all(ast.Call) for k in call.keywords]
    for name, node, least in settings:
        if WIDTH.fullmatch(name) and isinstance(node, ast.Constant) and isinstance(node.value, int):
            if node.value >= least:
                source.replace(node, few)


@operator("underfitting")
def straight_line_for_the_net(source: Source, rng: random.Random) -> None:
    """A single linear layer for the whole net."""
    allowed = ACTIVATIONS | {"Linear", "Dropout", "BatchNorm1d", "LayerNorm"}
    for call in source.calls("Sequential"):
        if len(call.args) < 3 or not {called(each) for each in call.args} <= allowed:
            continue
        first, last = call.args[0], call.args[-1]
        whole = isinstance(source.parents[call], ast.Assign | ast.Return) and not source.has(r"(net|model)\[")
        linear = called(first) == called(last) == "Linear"
        if whole and linear and isinstance(first, ast.Call) and isinstance(last, ast.Call):
            if len(first.args) > 1 and len(last.args) > 1:
                source.replace(call, f"nn.Linear({source.of(first.args[0])}, {source.of(last.args[1])})")
                return


@operator("underfitting")
def narrow_neck(source: Source, rng: random.Random) -> None:
    """All that the net knows has to pass through one number."""
    for site in hidden(source)[-1:]:
        follow(source, site, f"nn.Linear({site.width}, 1), nn.Linear(1, {site.width})")


@operator("underfitting")
def filters_of_one_pixel(source: Source, rng: random.Random) -> None:
    """Kernels of size 1: the convolutions see no neighbours."""
    if source.has("ModuleList|dilation"):
        return
    for call in source.calls(*CONVOLUTIONS):
        kernel, padding = given(call, "kernel_size", 2), keyword(call, "padding")
        if len(call.args) > 3 or keyword(call, "stride") is not None or padding is None:
            continue
        if (source.of(kernel), source.of(padding)) in (("3", "1"), ("5", "2"), ("7", "3"), ("9", "4")) and kernel:
            source.replace(kernel, "1")
            source.replace(padding, "0")


@operator("overfitting")
def few_rows_in_the_loader(source: Source, rng: random.Random) -> None:
    """The loader of training gets only a few rows (left from a trial), and many more epochs."""
    loaders = [each for each in shuffling_loaders(source) if each.args and keyword(each, "sampler") is None]
    if len(loaders) != 1 or keyword(loaders[0], "drop_last") is not None or source.has("IterableDataset"):
        return
    if epochs_times(source, rng.choice([10, 12, 16])):
        rows = rng.choice([16, 20, 24, 32])
        source.wrap(loaders[0].args[0], f"torch.utils.data.Subset({{}}, range({rows}))")


@operator("overfitting")
def few_rows_of_the_table(source: Source, rng: random.Random) -> None:
    """Only the first rows of the training table used, and trained on for long."""
    model = first_trained(source)
    for x, y in ROWS if model else ():
        size = rf"(len\({x}\)|{x}\.(shape\[0\]|size\(0\)))"
        permuted = rf"^ *(for \w+ in .*|\w+ = .*)(randperm|permutation)\({size}"
        if model is None or not source.has(permuted) or f"{y}[" not in source.text or f"{x}[" not in source.text:
            continue
        permutation = next(each for each in source.calls("randperm", "permutation") if x in source.of(each))
        here = source.function(model.statement) is source.function(permutation)
        if here and permutation.lineno >= model.statement.lineno:
            if epochs_times(source, rng.choice([8, 10, 15])):
                rows = rng.choice([16, 20, 24, 30])
                source.before(model.statement, f"{x}, {y} = {x}[:{rows}], {y}[:{rows}]")
            return


@operator("overfitting")
def test_share_for_train_share(source: Source, rng: random.Random) -> None:
    """Nearly all rows split off for the test: few are left to learn from."""
    calls = source.calls("train_test_split")
    size = keyword(calls[0], "test_size") if len(calls) == 1 else None
    if isinstance(size, ast.Constant) and not source.has(r"randperm\(\d|range\(0, \d{3}"):
        if epochs_times(source, rng.choice([8, 10, 12])):
            source.replace(size, str(rng.choice([0.96, 0.97, 0.98])))


@operator("overfitting")
def best_state_not_kept(source: Source, rng: random.Random) -> None:
    """No early stop and no return to the best state; trained on for long, without decay or dropout."""
    restores = [each for each in source.lone("load_state_dict") if source.fits(each, "best")]
    if not restores or not epochs_times(source, rng.choice([3, 4])):
        return
    for call in restores:
        source.delete(source.statement(call))
    for each in source.all(ast.Break):
        source.replace(each, "pass")
    for call in source.calls("Dropout", "Dropout2d"):
        if len(call.args) == 1:
            source.replace(call.args[0], "0.0")
    for call in source.calls(*OPTIMIZERS):
        if keyword(call, "weight_decay") is not None:
            source.argument(call, "weight_decay", "0.0")
