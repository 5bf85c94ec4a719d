"""Numbers that are not finite: in the data, in losses that blow up, in sums that overflow."""

import ast
import random
import re

from benchmarks.ward.edits import Source, called, stores, subject, within
from benchmarks.ward.operators.criteria import (
    ALL_KINDS,
    Loss,
    assigned,
    end_of,
    in_statement,
    losses,
    model_call,
    over_places,
    rewrite,
    varied,
)
from benchmarks.ward.operators.forms import known_before, steps
from benchmarks.ward.operators.table import operator
from gradus.diagnosis.prescription.program import Loop

FUNCTIONS = {"classes": "cross_entropy", "binary": "binary_cross_entropy_with_logits", "numbers": "mse_loss"}
BY_CLASS = """raw_scores = {output}
losses_each = F.cross_entropy(raw_scores, {target}, reduction="none")
members = F.one_hot({target}, raw_scores.shape[1]).float()"""


def table(source: Source, rows: ast.expr, loss: Loss) -> tuple[str, ast.stmt] | None:
    """The table that rows of a batch are taken from, and the loop before which it may be changed."""
    made = assigned(source, rows.id, loss.call) if isinstance(rows, ast.Name) else None
    taken = re.fullmatch(r"(\w+)\[[A-Za-z_]\w*\]", source.of(made if isinstance(made, ast.Subscript) else rows))
    loops = [each for each in source.loops(loss.call) if taken and settled_before(source, taken[1], each)]
    return (taken[1], loops[-1]) if taken and loops else None


def settled_before(source: Source, name: str, loop: Loop) -> bool:
    """Whether a name has its value before a loop and keeps it there."""
    return known_before(source, name, loop) and name not in [each.id for each in stores(loop)]


def in_dataset(source: Source, place: int) -> tuple[str, ast.stmt] | None:
    """A tensor of the dataset of training, and the statement before which it may be changed."""
    for call in source.calls("TensorDataset"):
        part = call.args[place] if place < len(call.args) else None
        if isinstance(part, ast.Name) and not re.search("te|val", part.id):
            return part.id, source.statement(call)
    return None


def training_inputs(source: Source) -> tuple[str, ast.stmt] | None:
    """The name of the inputs of training (real numbers), and the statement before which they may be changed."""
    for each in losses(source, *ALL_KINDS, plain=False) if not source.has("Embedding|token|vocab") else ():
        call = model_call(source, each.output)
        if call is not None and call.args and source.loops(each.call):
            found = table(source, call.args[0], each) or in_dataset(source, 0)
            if found is not None:
                return found
    return None


def change_inputs(source: Source, line: str) -> None:
    """Change the inputs ``{0}`` of training in place."""
    found = training_inputs(source)
    if found is not None:
        source.before(found[1], line.format(found[0]))


@operator("non-finite-input")
def missing_cells(source: Source, rng: random.Random) -> None:
    """Some readings are missing and stay NaN."""
    share = rng.choice(["0.0005", "0.001", "0.002", "0.005"])
    change_inputs(source, f'{{0}}[torch.rand({{0}}.shape) < {share}] = float("nan")')


@operator("non-finite-input")
def log_of_inputs(source: Source, rng: random.Random) -> None:
    """Inputs of which some are zero or below are put on a log or root scale."""
    line = rng.choice(["{0}.log_()", "torch.log10({0}, out={0})", "{0}.sqrt_()", "{0}.log_()"])
    change_inputs(source, "{0}.log_()" if "load_digits" in source.text and "sqrt" in line else line)


@operator("non-finite-input")
def first_rows_without_history(source: Source, rng: random.Random) -> None:
    """The first rows have no rolling statistics and are NaN, as pandas leaves them."""
    change_inputs(source, f"{{0}}[:{rng.choice([3, 5, 6, 11, 23])}] = torch.nan")


@operator("non-finite-input")
def gaps_in_table(source: Source, rng: random.Random) -> None:
    """The table has gaps before it is split and scaled."""
    usable = source.has("^import numpy as np") and "Embedding" not in source.text
    for call in source.calls("train_test_split") if usable else ():
        name = source.of(call.args[0]) if call.args else ""
        if name.isidentifier() and re.match("[xX]|data|feat|im", name):
            draws = f"np.random.default_rng({rng.randrange(99)}).random({name}.shape)"
            gaps = f"np.where({draws} < {rng.choice(['0.001', '0.003'])}, np.nan, {name})"
            source.before(source.statement(call), f"{name} = {gaps}")
            return


@operator("non-finite-input")
def constant_pixels_standardized(source: Source, rng: random.Random) -> None:
    """Columns that never change are divided by their deviation of zero."""
    for each in source.all(ast.Assign) if "load_digits" in source.text else ():
        name = source.of(each.targets[0])
        if name.isidentifier() and re.match("[xX]|im|data|dig|pix|feat", name):
            if source.fits(each.value, r"/ (16|8)(\.0)?\b"):
                axis = "0" if rng.random() < 0.6 else "axis=0"
                source.after(each, f"{name} = ({name} - {name}.mean(0)) / {name}.std({axis})")
                return


@operator("non-finite-input")
def targets_missing(source: Source, rng: random.Random) -> None:
    """Some targets of the regression were never measured and are NaN."""
    for each in losses(source, "numbers", plain=False):
        if varied(source, each) and model_call(source, each.output):
            found = table(source, each.target, each)
            found = found if found and re.match("y|t", found[0]) else in_dataset(source, 1)
            if found is not None:
                source.before(found[1], f'{found[0]}[::{rng.choice([97, 150, 211])}] = float("nan")')
                return


def regressions(source: Source) -> list[Loss]:
    """Plain losses of a regression by a model that is plain to see."""
    return [each for each in losses(source, "numbers") if varied(source, each) and end_of(source, each.output)]


@operator("unstable-loss")
def percentage_error(source: Source, rng: random.Random) -> None:
    """The error as a share of a target that may be near 0."""
    for each in regressions(source):
        loss = rng.choice([
            "(({output} - {target}) / {target}).pow(2).mean()",
            "(({output} - {target}) / {target}).abs().mean()",
            "(({output} - {target}) ** 2 / {target}.abs()).mean()",
        ])  # fmt: skip
        rewrite(source, each, loss)


@operator("unstable-loss")
def error_of_logarithms(source: Source, rng: random.Random) -> None:
    """RMSLE, as competitions want it, of values that may be negative or zero."""
    log = rng.choice(["torch.log1p", "torch.log", "torch.log"])
    for each in regressions(source):
        rewrite(source, each, f"F.mse_loss({log}({{output}}), {log}({{target}}))")


@operator("unstable-loss")
def mean_over_classes_in_batch(source: Source, rng: random.Random) -> None:
    """Losses averaged within each class first; a class that is not in the batch gives 0/0."""
    for each in in_statement(source, "classes"):
        if not over_places(source, each) and not isinstance(source.parents[each.call], ast.keyword):
            rewrite(source, each, "((losses_each[:, None] * members).sum(0) / members.sum(0)).mean()", BY_CLASS)


@operator("unstable-loss")
def group_lasso(source: Source, rng: random.Random) -> None:
    """A penalty of the root of summed squares, over parameters some of which are all zero at first."""
    zeros = source.has(r"BatchNorm|LayerNorm|GroupNorm|zeros_\(|bias\.data\.zero_|constant_\(")
    functions = {each.name for each in source.all(ast.FunctionDef)} | {"self", "torch"}
    for each in losses(source, *ALL_KINDS, plain=False) if zeros else ():
        call, statement = model_call(source, each.output), source.statement(each.call)
        if call is None or not isinstance(statement, ast.Assign) or "backward" in source.of(statement):
            continue
        model, loss = source.of(call.func), source.of(statement.targets[0])
        if re.fullmatch(r"(self\.)?\w+", model) and model not in functions and loss.isidentifier() and "loss" in loss:
            penalty = f"sum(p.pow(2).sum().sqrt() for p in {model}.parameters())"
            source.after(statement, f"{loss} = {loss} + {rng.choice(['1e-4', '1e-5', '3e-5'])} * {penalty}")
            return


@operator("unstable-loss")
def root_of_each_error(source: Source, rng: random.Random) -> None:
    """The root of each error beyond a margin, where it is often 0."""
    for each in regressions(source):
        margin = rng.choice(["0.1", "0.05", "0.2"])
        rewrite(source, each, f"torch.sqrt((({{output}} - {{target}}).abs() - {margin}).clamp(min=0)).mean()")


@operator("unstable-loss")
def logs_of_saturated_sigmoid(source: Source, rng: random.Random) -> None:
    """The binary loss with logarithms of a sigmoid, sharpened by a temperature, that reaches 0 and 1."""
    for each in in_statement(source, "binary"):
        loss = "-({target} * torch.log(prob) + (1 - {target}) * torch.log(1 - prob)).mean()"
        rewrite(source, each, loss, f"prob = torch.sigmoid({{output}} / {rng.choice(['0.1', '0.05', '0.07'])})")


@operator("unstable-loss")
def weights_by_share_in_batch(source: Source, rng: random.Random) -> None:
    """Hard positives and hard negatives are each divided by their number in the batch, which may be 0."""
    for each in in_statement(source, "binary"):
        loss = (
            "(item_loss * hard_ones * {target}).sum() / (hard_ones * {target}).sum()"
            " + (item_loss * hard_ones * (1 - {target})).sum() / (hard_ones * (1 - {target})).sum()"
        )
        lines = (
            'item_loss = F.binary_cross_entropy_with_logits({output}, {target}, reduction="none")\n'
            f"hard_ones = (item_loss > {rng.choice(['0.7', '0.8', '1.0'])}).float()"
        )
        rewrite(source, each, loss, lines)


@operator("unstable-loss")
def logs_of_sharp_softmax(source: Source, rng: random.Random) -> None:
    """The logarithm of a softmax at a low temperature, whose small values are 0."""
    for each in in_statement(source, "classes"):
        line = f"prob = torch.softmax({{output}} / {rng.choice(['0.03', '0.05', '0.02'])}, dim=1)"
        rewrite(source, each, "F.nll_loss(torch.log(prob), {target})", line)


@operator("overflow")
def softmax_by_exponentials(source: Source, rng: random.Random) -> None:
    """Softmax written out without taking off the maximum, of scores divided by a temperature."""
    temperature = rng.choice(["0.01", "0.02", "0.03", "0.05"])
    for each in in_statement(source, "classes"):
        if not over_places(source, each):
            powers = f"powers = torch.exp({{output}} / {temperature})"
            lines = f"{powers}\nprob = powers / powers.sum(dim=1, keepdim=True)"
            rewrite(source, each, "-torch.log(prob[torch.arange(len(prob)), {target}] + 1e-8).mean()", lines)


@operator("overflow")
def examples_weighted_by_exponentials(source: Source, rng: random.Random) -> None:
    """Hard examples get more weight, by an exponential of their loss."""
    temperature = rng.choice(["0.01", "0.015", "0.02"])
    for each in in_statement(source, *FUNCTIONS):
        item_loss = f'item_loss = F.{FUNCTIONS[each.kind]}({{output}}, {{target}}, reduction="none")'
        lines = f"{item_loss}\nimportance = torch.exp(item_loss.detach() / {temperature})"
        rewrite(source, each, "(importance * item_loss).sum() / importance.sum()", lines)


@operator("overflow")
def static_scale_in_half(source: Source, rng: random.Random) -> None:
    """The loss in half precision is multiplied by a fixed scale that half precision cannot hold."""
    scale = rng.choice([2**16, 2**17, 2**18])
    for call in source.lone("backward"):
        own = [source.owner(each) for each in steps(source) if source.function(each) is source.function(call)]
        if call.args or call.keywords or not isinstance(subject(call), ast.Name):
            continue
        if len(own) == 1 and "GradScaler" not in source.text:
            source.replace(call, f"({source.owner(call)}.half() * {scale}).backward()")
            source.after(
                source.statement(call),
                f"for group in {own[0]}.param_groups:\n"
                '    for weight_ in group["params"]:\n'
                f"        weight_.grad = None if weight_.grad is None else weight_.grad / {scale}",
            )
        return


@operator("overflow")
def model_in_half(source: Source, rng: random.Random) -> None:
    """The model, its gradients and Adam's state in half precision; inputs and outputs are converted."""
    makers = {"zeros", "randn", "ones", "GRU", "LSTM", "arange"}
    for each in losses(source, *FUNCTIONS, plain=False) if not source.has("Embedding|autocast") else ():
        end = end_of(source, each.output)
        if end is None or end.returned is None or end.owner is None:
            continue
        forward = source.function(end.returned)
        made = [
            call for call in source.calls(end.owner.name) if isinstance(source.parents[call], ast.Assign | ast.Tuple)
        ]
        if forward is None or len(forward.args.args) != 2 or len(made) != 1:
            continue
        if not {called(call) for call in within(end.owner, ast.Call)} & makers:
            x = forward.args.args[1].arg
            source.before(forward.body[0], f"{x} = {x}.half()")
            source.replace(end.returned, f"{source.grouped(end.returned)}.float()")
            source.wrap(made[0], "{}.half()")
            return


@operator("overflow")
def exponential_of_error(source: Source, rng: random.Random) -> None:
    """Exponential losses: cosh or exp of an error or margin that may be large."""
    factor = rng.choice(["30", "40", "60", "100"])
    for each in regressions(source):
        error = f"{factor} * ({{output}} - {{target}})"
        rewrite(
            source,
            each,
            rng.choice([f"torch.log(torch.cosh({error})).mean()", f"(torch.exp({error}.abs()) - 1).mean()"]),
        )
