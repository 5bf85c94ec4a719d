"""Regularization that is too strong."""

import ast
import random

from benchmarks.ward.edits import Source, called, keyword, subject
from benchmarks.ward.operators.forms import OPTIMIZERS, first_trained
from benchmarks.ward.operators.stacks import outermost, sequences, units
from benchmarks.ward.operators.table import operator


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
        plain = source.fits(call.func, r"^(torch\.)?optim\.") and source.fits(call, r"parameters\(\)")
        if plain and keyword(call, "weight_decay") is None:
            set_decay(source, call, rng)


def set_decay(source: Source, optimizer: ast.Call, rng: random.Random) -> None:
    """Give an optimizer far too strong a decay of its weights."""
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
