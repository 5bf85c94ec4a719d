"""Training in evaluation mode, evaluation in training mode, and dropout that acts in both."""

import ast
import random
import re

from benchmarks.ward.edits import Source, body, called, given, within
from benchmarks.ward.operators.forms import (
    LOSS_CLASSES,
    Layer,
    Module,
    has_modes,
    hidden_results,
    in_training,
    layers,
    mode_calls,
    modules,
    self_calls,
    steps,
)
from benchmarks.ward.operators.table import operator

HAND_DROPOUT = """class {name}(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        self.p = p

    def forward(self, x):
        mask = (torch.rand_like(x) > self.p).float()
        return x * mask / (1 - self.p)"""


def calls_of(source: Source, name: str) -> list[ast.Call]:
    """``x.train()`` or ``x.eval()`` in a program where the mode matters."""
    return mode_calls(source, name) if has_modes(source) else []


def evaluates(source: Source, node: ast.AST) -> bool:
    """Whether something within a node goes into evaluation mode, itself or through a function."""
    helpers = [each.name for each in source.all(ast.FunctionDef) if source.fits(each, r"\.eval\(\)")]
    direct = any(node in source.around(each) for each in mode_calls(source, "eval"))
    return direct or any(called(each) in helpers for each in within(node, ast.Call))


def put_for(source: Source, mode: str, other: str) -> None:
    """Another mode wherever a program sets one."""
    for call in calls_of(source, mode):
        source.replace(call, f"{source.owner(call)}.{other}")


@operator("training-in-eval-mode")
def train_call_missing(source: Source, rng: random.Random) -> None:
    """`train()` is missing after an evaluation in each epoch."""
    evals = calls_of(source, "eval")
    homes = [each for each in source.all(ast.FunctionDef) if source.fits(each, r"\.eval\(\)") and each.name != "main"]
    if evals and (homes or any(source.loops(each) for each in evals)):
        for call in mode_calls(source, "train"):
            source.delete(source.statement(call))


@operator("training-in-eval-mode")
def train_call_once_before_epochs(source: Source, rng: random.Random) -> None:
    """`train()` only once before the epochs, with evaluations in between."""
    for call in calls_of(source, "train"):
        around = source.loops(call)
        if around and evaluates(source, around[-1]):
            source.before(around[-1], source.of(call))
            source.delete(source.statement(call))
            return


@operator("training-in-eval-mode")
def eval_for_train(source: Source, rng: random.Random) -> None:
    """The wrong mode at the start of training."""
    put_for(source, "train", rng.choice(["eval()", "train(False)"]))


@operator("training-in-eval-mode")
def peek_in_the_batch_loop(source: Source, rng: random.Random) -> None:
    """Within the loop over batches the mode is set to evaluation before the loss for the log and not set back."""
    for step in in_training(source, steps(source)):
        statement, around = source.statement(step), source.loops(step)
        trains = [
            each
            for each in calls_of(source, "train")
            if source.loops(each)[:1] == around[1:2] or source.function(each) is source.function(step)
        ]
        inner = len(around) > 1 and source.parents[statement] is around[0]
        if inner and trains and around[0] not in source.around(trains[-1]):
            source.after(statement, f"{source.owner(trains[-1])}.eval()")
            return


@operator("evaluation-in-train-mode")
def no_eval(source: Source, rng: random.Random) -> None:
    """`eval()` left out everywhere."""
    for call in calls_of(source, "eval"):
        source.delete(source.statement(call))


@operator("evaluation-in-train-mode")
def eval_not_called(source: Source, rng: random.Random) -> None:
    """The parentheses of `eval` forgotten."""
    for call in calls_of(source, "eval"):
        source.replace(call, source.of(call.func))


@operator("evaluation-in-train-mode")
def train_after_eval(source: Source, rng: random.Random) -> None:
    """The block was copied from training: train() where eval() belongs, or true for false."""
    put_for(source, "eval", rng.choice(["train()", "train(mode=True)"]))


@operator("evaluation-in-train-mode")
def eval_after_the_outputs(source: Source, rng: random.Random) -> None:
    """The mode is set after the outputs were computed."""
    trained = {source.owner(each) for each in mode_calls(source, "train")}
    for call in calls_of(source, "eval"):
        statement = source.statement(call)
        block = body(source.parents[statement])
        following = block[block.index(statement) + 1 :][:1] if statement in block else []
        for each in following if source.owner(call) in trained else []:
            if isinstance(each, ast.With | ast.For) and not isinstance(each.body[-1], ast.Return):
                source.after(each, source.of(call))
                source.delete(statement)


@operator("evaluation-in-train-mode")
def eval_of_the_loss(source: Source, rng: random.Random) -> None:
    """The mode is set on the criterion instead of the model."""
    criteria = [each for each in source.calls(*LOSS_CLASSES) if source.bound(each)]
    for call in calls_of(source, "eval") if criteria else ():
        name, home = source.bound(criteria[-1]), source.function(call)
        scopes = [source.function(each) for each in criteria if source.bound(each) == name]
        if home in (None, *scopes) or None in scopes:
            source.replace(call, f"{name}.eval()")


def dropouts(source: Source, module: Module) -> list[tuple[Layer, list[ast.Call]]]:
    """Dropouts of a module that are only ever called, with the calls."""
    found = []
    for layer in layers(module, ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d")):
        calls = self_calls(module.definition)
        uses = [each for each, name in calls.items() if name == layer.name and len(each.args) == 1]
        named = [each for each in source.all(ast.Attribute) if each.attr == layer.name]
        if uses and len([each for each in named if isinstance(each.ctx, ast.Load)]) == len(uses):
            found.append((layer, uses))
    return found


@operator("dropout-in-evaluation")
def functional_dropout(source: Source, rng: random.Random) -> None:
    """A module's dropout written as a function, which is always on."""
    for layer, uses in [each for module in modules(source) for each in dropouts(source, module)]:
        share = given(layer.call, "p", 0)
        source.replace(layer.statement, f"self.{layer.name} = {source.of(share) if share else '0.5'}")
        for call in uses:
            name = "" if rng.random() < 0.5 else "p="
            source.replace(call, f"F.dropout({source.of(call.args[0])}, {name}self.{layer.name})")
    for call in source.calls("dropout"):
        training = given(call, "training", 2)
        if training is not None and source.of(training) == "self.training":
            source.replace(training, "True")


@operator("dropout-in-evaluation")
def dropout_made_in_forward(source: Source, rng: random.Random) -> None:
    """A new Dropout in each forward: new modules are in training mode."""
    for module in modules(source):
        last, found = module.forward.body[-1], layers(module)
        named = [each for each in found if re.search("head|out|fc|class|last|predict", each.name)]
        heads = {each.name for each in found if called(each.call) == "Linear"}
        heads |= {each.name for each in named if called(each.call) == "Sequential"}
        returned = isinstance(last, ast.Return) and isinstance(last.value, ast.Call)
        for call, name in self_calls(last).items() if returned and len(found) > 1 else ():
            if name not in heads or len(call.args) != 1 or source.fits(call.args[0], "randint"):
                continue
            inner = call.args[0]
            raw = len(module.forward.body) == 1 and source.of(inner) in [a.arg for a in module.forward.args.args]
            if not raw and (isinstance(inner, ast.Name) or self_calls(inner)):
                source.wrap(inner, f"nn.Dropout({rng.choice(['0.3', '0.4', '0.5'])})({{}})")
                return


@operator("dropout-in-evaluation")
def functional_dropout_added(source: Source, rng: random.Random) -> None:
    """A dropout added as a function against overfitting, without its training flag."""
    for statement in hidden_results(source)[-1:]:
        name = source.of(statement.targets[0])
        silent = rng.random() < 0.6
        share = rng.choice(["0.2", "0.3", "0.4", "0.5"] if silent else ["0.3", "0.5"])
        settings = share if silent else f"p={share}, training=True"
        source.after(statement, f"{name} = F.dropout({name}, {settings})")


@operator("dropout-in-evaluation")
def dropout_kept_on(source: Source, rng: random.Random) -> None:
    """After eval() the dropouts are switched on again, as for Monte Carlo samples."""
    kinds = sorted(set(re.findall(r"\bDropout[123]?d?\b(?=\()", source.text)))
    names = ", ".join(f"nn.{each}" for each in kinds)
    for call in mode_calls(source, "eval") if kinds else ():
        test = f"isinstance(m, {names if len(kinds) == 1 else f'({names})'})"
        lines = f"for m in {source.owner(call)}.modules():\n    if {test}:\n        m.train()"
        source.after(source.statement(call), lines)


@operator("dropout-in-evaluation")
def dropout_by_hand(source: Source, rng: random.Random) -> None:
    """Dropout written by hand, as in a NumPy course: it knows of no mode."""
    found = [each for each in source.calls("Dropout") if len(each.args) == 1 and not each.keywords]
    if found:
        name = rng.choice(["Drop", "RandomMask", "InvertedDropout"])
        source.define(HAND_DROPOUT.format(name=name))
        for call in found:
            source.replace(call.func, name)
