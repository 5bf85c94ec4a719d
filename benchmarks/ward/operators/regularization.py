"""Regularization that is too strong, and batch norms that see too few examples."""

import ast
import random

from benchmarks.ward.edits import Source, body, called, keyword, subject
from benchmarks.ward.operators.forms import OPTIMIZERS, epochs_times, first_trained
from benchmarks.ward.operators.stacks import follow, hidden, outermost, sequences, units
from benchmarks.ward.operators.table import operator

BATCH_NORM = r"BatchNorm[12]d\("
VIRTUAL = """class VirtualBatchNorm(nn.Module):
    def __init__(self, features, virtual=2):
        super().__init__()
        self.norm = nn.{kind}(features)
        self.virtual = virtual

    def forward(self, x):
        if not self.training:
            return self.norm(x)
        return torch.cat([self.norm(part) for part in x.tensor_split(max(1, len(x) // self.virtual))])"""
PARTS = """{loss} = 0.0
for part_x, part_y in zip({x}.tensor_split(max(1, len({x}) // 2)), {y}.tensor_split(max(1, len({x}) // 2))):
    part = {criterion}({model}(part_x), part_y) * len(part_x) / len({x})
    part.backward()
    {loss} = {loss} + part.detach()"""


@operator("over-regularization")
def decay_too_strong(source: Source, rng: random.Random) -> None:
    """The program's own weight decay hundreds of times too strong."""
    for call in source.calls(*OPTIMIZERS):
        if keyword(call, "weight_decay") is not None and "optim" in source.of(call.func):
            set_decay(source, call, rng)


@operator("over-regularization")
def decay_put_in(source: Source, rng: random.Random) -> None:
    """A weight decay given where there was none, far too strong."""
    for call in source.calls("Adam", "AdamW", "SGD", "RMSprop", "NAdam", "RAdam", "Adagrad"):
        plain = source.has(r"^(torch\.)?optim\.", call.func) and source.has(r"parameters\(\)", call)
        if plain and keyword(call, "weight_decay") is None:
            set_decay(source, call, rng)


def set_decay(source: Source, optimizer: ast.Call, rng: random.Random) -> None:
    values = {
        "AdamW": ["20.0", "30.0", "50.0"],
        "SGD": ["0.3", "0.5", "1.0"],
        "NAdam": ["0.3", "0.5", "1.0"],
    }.get(called(optimizer), ["0.3", "0.5", "1.0", "2.0"])
    source.argument(optimizer, "weight_decay", rng.choice(values))


@operator("over-regularization")
def dropout_keeps_nothing(source: Source, rng: random.Random) -> None:
    """Dropout rates as if they were what to keep."""
    share = str(rng.choice([0.9, 0.93, 0.95]))
    for call in source.calls("Dropout", "Dropout1d", "Dropout2d"):
        if len(call.args) == 1:
            source.replace(call.args[0], share)
        elif keyword(call, "p") is not None:
            source.argument(call, "p", share)
    for call in source.calls("dropout"):
        if len(call.args) > 1 and source.owner(call) in ("F", "nn.functional"):
            source.replace(call.args[1], share)


@operator("over-regularization")
def dropout_after_every_layer(source: Source, rng: random.Random) -> None:
    """Heavy dropout put after every hidden unit."""
    listed = {each for layers in sequences(source) for each in layers}
    share = rng.choice([0.85, 0.9, 0.93])
    for unit in outermost(source, units(source)) if ".eval()" in source.text else ():
        if unit.is_module and unit.node in listed:
            source.wrap(unit.node, f"{{}}, nn.Dropout({share})")


@operator("over-regularization")
def penalty_in_the_loss(source: Source, rng: random.Random) -> None:
    """An L1 or L2 penalty on all weights added to the loss, far too strong."""
    model, found = first_trained(source), None
    backwards = [each for each in source.lone("backward") if isinstance(subject(each), ast.Name)]
    if model is not None:
        home = source.function(model.statement)
        same = [each for each in backwards if home in (None, source.function(each))]
        passed = [each for each in backwards if model.name in parameters_around(source, each)]
        found = next(iter([*same, *passed]), None)
    if model is None or found is None or (model.name.startswith("self.") and source.function(backwards[0]) is None):
        return
    loss, way = source.owner(found), rng.random()
    weight = rng.choice([0.02, 0.05, 0.1] if way < 0.5 else [0.3, 0.5, 1.0])
    norm = "p.abs().sum()" if way < 0.5 else "p.pow(2).sum()"
    source.before(
        source.statement(found), f"{loss} = {loss} + {weight} * sum({norm} for p in {model.name}.parameters())"
    )


def parameters_around(source: Source, node: ast.AST) -> set[str]:
    """The names that the function around a node is given."""
    function = source.function(node)
    return {each.arg for each in function.args.args} if function else set()


@operator("over-regularization")
def weights_held_in_a_small_box(source: Source, rng: random.Random) -> None:
    """Weights clamped to a small range after each step."""
    model = first_trained(source)
    if model is None or "self." in model.name or not isinstance(model.statement, ast.Assign):
        return
    limit = rng.choice([0.01, 0.02, 0.03])
    optimizer, home = source.of(model.statement.targets[0]), source.function(model.statement)
    for step in [each for each in source.lone("step") if source.owner(each) == optimizer]:
        if home in (None, source.function(step)):
            clamp = (
                f"with torch.no_grad():\n    for p in {model.name}.parameters():\n        p.clamp_(-{limit}, {limit})"
            )
            source.after(source.statement(step), clamp)
            return


@operator("over-regularization")
def dropout_on_what_comes_in(source: Source, rng: random.Random) -> None:
    """Nearly all of the input dropped in training."""
    if ".eval()" in source.text:
        for layers in sequences(source):
            if called(layers[0]) in ("Linear", "Conv2d", "Conv1d") and isinstance(layers[-1], ast.Call):
                source.replace(layers[0], f"nn.Dropout({rng.choice([0.85, 0.9, 0.95])}), {source.of(layers[0])}")
                return


def shuffling_loaders(source: Source) -> list[tuple[ast.Call, ast.expr]]:
    """Loaders of training with the batch sizes they are given."""
    found = [each for each in source.calls("DataLoader") if source.of(keyword(each, "shuffle")) == "True"]
    sizes = [(each, keyword(each, "batch_size")) for each in found]
    return [(each, size) for each, size in sizes if size is not None]


@operator("batch-norm-tiny-batch")
def loader_of_two(source: Source, rng: random.Random) -> None:
    """A net with batch norms is given batches of two (memory!), for fewer epochs."""
    loaders = shuffling_loaders(source)
    if loaders and source.has(BATCH_NORM) and source.of(loaders[0][1]) not in ("1", "2", "3", "4"):
        epochs_times(source, 1 / 4)
        for loader, size in loaders:
            source.replace(size, "2")
            source.argument(loader, "drop_last", "True")


@operator("batch-norm-tiny-batch")
def pairs_from_the_permutation(source: Source, rng: random.Random) -> None:
    """Index batches of two for a net with batch norms."""
    for call in source.calls("split") if source.has(BATCH_NORM) else ():
        looped = isinstance(source.parents[call], ast.For) and len(call.args) == 1
        if looped and called(subject(call)) == "randperm" and isinstance(call.args[0], ast.Constant | ast.Name):
            source.replace(call.args[0], "2")
            epochs_times(source, 1 / 4)
            return


@operator("batch-norm-tiny-batch")
def parts_of_two_accumulated(source: Source, rng: random.Random) -> None:
    """Gradients accumulated over parts of two: as before for the optimizer, not for the batch norms."""
    for call in source.lone("backward") if source.has(BATCH_NORM) else ():
        backward = source.statement(call)
        before = [each for each in body(source.parents[backward]) if each.lineno < backward.lineno]
        assigns = [each for each in before[-2:] if isinstance(each, ast.Assign)]
        made = next((each for each in assigns if source.of(each.targets[0]) == source.owner(call)), None)
        clears = [each for each in source.lone("zero_grad") if source.statement(each) in before]
        criterion = made.value if made else None
        if made is None or not isinstance(criterion, ast.Call) or len(criterion.args) != 2 or criterion.keywords:
            continue
        between = [each for each in before if each.lineno > made.lineno]
        output, target = criterion.args
        plain = isinstance(output, ast.Call) and len(output.args) == 1 and not output.keywords
        if not plain or not clears or source.has(r"len\(|squeeze", target):
            continue
        if isinstance(output, ast.Call) and all(each in map(source.statement, clears) for each in between):
            parts = PARTS.format(
                loss=source.owner(call),
                x=source.of(output.args[0]),
                y=source.of(target),
                criterion=source.of(criterion.func),
                model=source.of(output.func),
            )
            source.replace(backward, parts.replace("\n", "\n" + " " * backward.col_offset))
            source.delete(made)
            epochs_times(source, 1 / 2)
            return


@operator("batch-norm-tiny-batch")
def virtual_batches_of_two(source: Source, rng: random.Random) -> None:
    """Batch norms that take their statistics over virtual batches of two."""
    calls = [each for each in source.calls("BatchNorm1d", "BatchNorm2d") if len(each.args) == 1 and not each.keywords]
    kinds = {called(each) for each in calls}
    if len(kinds) == 1:
        source.define(VIRTUAL.format(kind=kinds.pop()))
        for call in calls:
            source.replace(call.func, "VirtualBatchNorm")


@operator("batch-norm-tiny-batch")
def batch_norm_put_in_with_pairs(source: Source, rng: random.Random) -> None:
    """Batch norms put into a net that gets batches of two."""
    loaders = shuffling_loaders(source)
    sites = [each for each in hidden(source) if each.listed]
    modes = ".eval()" in source.text and ".train()" in source.text
    if len(loaders) == 1 and modes and sites and not source.has("BatchNorm|GRU|LSTM|Attention|collate"):
        for each in sites:
            follow(source, each, f"nn.BatchNorm1d({each.width})")
        source.replace(loaders[0][1], "2")
        source.argument(loaders[0][0], "drop_last", "True")
        epochs_times(source, 1 / 3)
