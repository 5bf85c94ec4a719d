"""Batch norms that see too few examples, or those they should not."""

import ast
import random
import re

from benchmarks.ward.edits import Source, body, called, keyword, subject, within
from benchmarks.ward.operators.criteria import losses_of_loop
from benchmarks.ward.operators.forms import PARAMETRIC, losses_assigned, models_made, self_calls
from benchmarks.ward.operators.rows import shuffling_loaders
from benchmarks.ward.operators.settings import epochs_times
from benchmarks.ward.operators.stacks import follow, hidden
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


def sized_loaders(source: Source) -> list[tuple[ast.Call, ast.expr]]:
    """Loaders of training with the batch sizes they are given."""
    sizes = [(each, keyword(each, "batch_size")) for each in shuffling_loaders(source)]
    return [(each, size) for each, size in sizes if size is not None]


@operator("batch-norm-tiny-batch")
def loader_of_two(source: Source, rng: random.Random) -> None:
    """A net with batch norms is given batches of two (memory!), for fewer epochs."""
    loaders = sized_loaders(source)
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
        if not plain or not clears or source.fits(target, r"len\(|squeeze"):
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
    loaders = sized_loaders(source)
    sites = [each for each in hidden(source) if each.listed]
    modes = ".eval()" in source.text and ".train()" in source.text
    if len(loaders) == 1 and modes and sites and not source.has("BatchNorm|GRU|LSTM|Attention|collate"):
        for each in sites:
            follow(source, each, f"nn.BatchNorm1d({each.width})")
        source.replace(loaders[0][1], "2")
        source.argument(loaders[0][0], "drop_last", "True")
        epochs_times(source, 1 / 3)


@operator("batch-norm-drift")
def frozen_part_not_in_eval(source: Source, rng: random.Random) -> None:
    """A frozen part with batch norm is no longer kept in evaluation mode."""
    lines = source.text.split("\n")
    freezes = [k for k, line in enumerate(lines, 1) if re.search(r"requires_grad(_\(| = )(False|on|train)", line)]
    parts = "back|body|encoder|trunk|teacher|frozen|feature|module|ema|target"
    for call in source.calls("eval") if freezes and "BatchNorm" in source.text else ():
        name, statement = source.owner(call), source.statement(call)
        at_once = source.fits(statement, r"\.eval\(\)\.requires_grad_\(False\)")
        late = statement.lineno >= freezes[0] - 1 or "frozen" in name
        if late and at_once and not isinstance(source.parents[call], ast.Expr):
            source.replace(call, name)
        elif late and re.search(parts, name) and isinstance(source.parents[call], ast.Expr):
            source.replace(call, f"{name}.train()")


def normed_outputs(source: Source) -> list[tuple[ast.For, ast.Assign, ast.Call]]:
    """Loops of training, their loss and the call ``net(x)`` of a model that may hold batch norms, the last first."""
    if not source.has("BatchNorm[12]d") or "track_running_stats" in source.text:
        return []
    plain = [each for each in models_made(source) if called(each.call) in PARAMETRIC]
    plain = [each for each in plain if not source.fits(each.call, "BatchNorm")]
    names = {each.name for each in models_made(source) if each not in plain}
    found = []
    for loss, _ in reversed(losses_assigned(source)):
        loop = source.loops(loss)[0]
        calls = [call for each in loop.body for call in within(each, ast.Call)]
        calls = [each for each in calls if source.of(each.func) in names and len(each.args) == 1]
        if isinstance(loop, ast.For) and calls:
            found.append((loop, loss, calls[0]))
    return found


@operator("batch-norm-drift")
def speed_measured_on_noise(source: Source, rng: random.Random) -> None:
    """After training passes over noise, for a measurement of speed, with gradients off but before eval()."""
    for loop, _, call in [each for each in normed_outputs(source) if not self_calls(each[2])][:1]:
        scale, times = rng.choice(["", "3 * "]), rng.choice([10, 20, 30])
        noise = f"{scale}torch.randn_like({source.of(call.args[0])})"
        source.after(
            loop, f"with torch.no_grad():\n    for _ in range({times}):\n        {source.of(call.func)}({noise})"
        )


@operator("batch-norm-drift")
def features_frozen_for_the_last_epochs(source: Source, rng: random.Random) -> None:
    """The trained net is looked at class by class, still in training mode: each look moves the statistics."""
    targets = {made: loss.target for made, loss in losses_of_loop(source, "classes")}
    for loop, made, call in normed_outputs(source):
        x, y = source.of(call.args[0]), source.of(targets.get(made))
        if re.fullmatch(r"\w+(\[\w+\])?", x) and re.fullmatch(r"\w+(\[\w+\])?", y):
            source.after(
                loop,
                f"with torch.no_grad():\n    for k in range(int({y}.max()) + 1):\n"
                f"        if ({y} == k).sum() > 1:\n            {source.of(call.func)}({x}[{y} == k])",
            )
            return
