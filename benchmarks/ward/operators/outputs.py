"""Outputs that the loss does not take, or that cannot reach the targets."""

import random

from benchmarks.ward.edits import Source, called
from benchmarks.ward.operators.criteria import (
    End,
    Loss,
    bare,
    bounded_targets,
    end_of,
    in_statement,
    losses,
    model_call,
    one_end,
    replaceable,
    rewrite,
    settings,
    varied,
)
from benchmarks.ward.operators.table import operator


@operator("loss-output-mismatch")
def squared_error_of_classes(source: Source, rng: random.Random) -> None:
    """MSE or L1 between class scores and one-hot classes, or the numbers of the classes."""
    name = rng.choice(["mse_loss", "l1_loss", "smooth_l1_loss"])
    way = rng.choice(["logits", "number", "softmax"])
    squashed = "raw_scores = {output}.softmax(1)"
    for each in in_statement(source, "classes"):
        if source.fits(each.output, "transpose|permute"):
            continue
        if way == "number":
            mean = "(raw_scores * torch.arange(raw_scores.shape[1])).sum(1)"
            rewrite(source, each, f"F.{name}({mean}, {{target}}.float())", squashed)
        else:
            soft = way == "softmax" or name == "l1_loss"
            function = "l1_loss" if soft else name
            loss = f"F.{function}(raw_scores, F.one_hot({{target}}, raw_scores.shape[1]).float())"
            rewrite(source, each, loss, squashed if soft else "raw_scores = {output}")


@operator("loss-output-mismatch", "missing-log")
def nll_of_logits(source: Source, rng: random.Random) -> None:
    """nll_loss right on the logits."""
    for each in replaceable(source, "classes"):
        rewrite(source, each, f"F.nll_loss({{output}}, {{target}}{settings(source, each)})")


@operator("loss-output-mismatch")
def bce_of_clipped_logits(source: Source, rng: random.Random) -> None:
    """binary_cross_entropy without a sigmoid; logits are clipped into its range."""
    for each in losses(source, "binary"):
        least = rng.choice(["0", "1e-4", "1e-6"])
        by_method = f"{source.grouped(each.output)}.clamp({least}, 1)"
        by_name = f"torch.clamp({source.of(each.output)}, min=0.0, max=1.0)"
        source.replace(each.output, by_method if rng.random() < 0.5 else by_name)
        source.replace(each.call.func, "F.binary_cross_entropy")


@operator("loss-output-mismatch")
def squared_error_of_binary_logits(source: Source, rng: random.Random) -> None:
    """MSE or L1 between raw logits and 0/1, read through a sigmoid afterwards."""
    name = rng.choice(["mse_loss", "l1_loss", "smooth_l1_loss"])
    for each in losses(source, "binary"):
        source.replace(each.call.func, f"F.{name}")


@operator("loss-output-mismatch")
def margin_loss_with_zeros(source: Source, rng: random.Random) -> None:
    """A loss that wants -1 and 1 is given 0 and 1."""
    soft, hinge = "F.soft_margin_loss({output}, {target})", "torch.clamp(1 - {target} * {output}, min=0).mean()"
    loss = soft if rng.random() < 0.6 else hinge
    for each in losses(source, "binary"):
        rewrite(source, each, loss)


@operator("loss-output-mismatch")
def cross_entropy_of_labels(source: Source, rng: random.Random) -> None:
    """Cross-entropy (one class of several) for independent labels."""
    for each in losses(source, "binary", plain=False):
        end = end_of(source, each.output)
        several = end is not None and end.width not in ("", "1") and called(end.last) == "Linear"
        if several and bare(each.output) is each.output and not source.fits(each.call, "pos_weight|reduction="):
            rewrite(source, each, "F.cross_entropy({output}, {target})")


@operator("loss-output-mismatch")
def count_loss_for_regression(source: Source, rng: random.Random) -> None:
    """Poisson or BCE losses for real-valued targets."""
    name = rng.choice(["poisson_nll_loss", "poisson_nll_loss", "binary_cross_entropy_with_logits"])
    for each in losses(source, "numbers"):
        if varied(source, each) and not bounded_targets(source) and model_call(source, each.output):
            rewrite(source, each, f"F.{name}({{output}}, {{target}})")


@operator("loss-output-mismatch", "softmax-single-unit")
def cross_entropy_for_regression(source: Source, rng: random.Random) -> None:
    """Cross-entropy with a real-valued target."""
    for each in losses(source, "numbers"):
        if varied(source, each) and end_of(source, each.output):
            rewrite(source, each, "F.cross_entropy({output}, {target})")


@operator("loss-output-mismatch", "softmax-twice")
def sigmoid_before_logits_loss(source: Source, rng: random.Random) -> None:
    """The model ends with a sigmoid, the loss takes logits."""
    found = unsquashed(source, "binary")
    if found is not None:
        found[1].append("Sigmoid()", "torch.sigmoid({})")


def unsquashed(source: Source, *kinds: str) -> tuple[Loss, End] | None:
    """The end of a model after which there is no function yet."""
    found = one_end(source, *kinds)
    return found if found and (found[1].last is None or found[1].linear) else None


def regression(source: Source) -> End | None:
    """The end of a regression of targets that know no bounds."""
    found = None if bounded_targets(source) else unsquashed(source, "numbers")
    return found[1] if found else None


@operator("output-range")
def squashed_regression(source: Source, rng: random.Random) -> None:
    """A sigmoid, tanh or ReLU after the last layer of a regression."""
    end = regression(source)
    if end is not None:
        unit = rng.choice(["Sigmoid", "ReLU", "Tanh", "Sigmoid", "ReLU"])
        end.append(f"{unit}()", f"torch.{unit.lower()}({{}})")


@operator("output-range")
def positive_regression(source: Source, rng: random.Random) -> None:
    """The output is made positive, or clipped to a range thought natural, though targets are standardized or signed."""
    end = regression(source)
    if end is not None and end.returned is not None:
        forms = ["F.softplus({})", "({}).clamp(min=0)", "({}).clamp(0, 1)", "torch.exp({})", "({}).abs()"]
        source.wrap(end.returned, rng.choice(forms))


@operator("output-range")
def predictions_clipped_in_loss(source: Source, rng: random.Random) -> None:
    """Predictions go through a bounded function in the loop only."""
    form = rng.choice(["torch.sigmoid({})", "torch.relu({})", "torch.clamp({}, 0, 1)", "torch.tanh({})"])
    for each in losses(source, "numbers", plain=False) if not bounded_targets(source) else ():
        if varied(source, each) and model_call(source, each.output):
            source.wrap(each.output, form)


@operator("nonlinear-logits")
def relu_ends_classifier(source: Source, rng: random.Random) -> None:
    """A ReLU after the last layer, as after all others."""
    found = unsquashed(source, "classes", "binary")
    if found is not None:
        found[1].append("ReLU()", rng.choice(["torch.relu({})", "F.relu({})"]))


@operator("nonlinear-logits")
def squashed_logits(source: Source, rng: random.Random) -> None:
    """A tanh or sigmoid after the last layer of a classifier."""
    found = unsquashed(source, "classes", "binary")
    if found is not None:
        unit = rng.choice(["Tanh", "Sigmoid"]) if found[0].kind == "classes" else "Tanh"
        found[1].append(f"{unit}()", f"torch.{unit.lower()}({{}})")


@operator("nonlinear-logits")
def logits_clipped(source: Source, rng: random.Random) -> None:
    """Logits are clipped `for stability` to a range far too narrow, or made positive."""
    found = unsquashed(source, "classes", "binary")
    tail = rng.choice(["clamp(0, 1)", "clamp(min=0)", "clamp(-0.5, 0.5)", "abs()"])
    returned = found[1].returned if found else None
    if returned is not None:
        source.replace(returned, f"{source.grouped(returned)}.{tail}")


@operator("nonlinear-logits")
def relu_of_logits_in_loss(source: Source, rng: random.Random) -> None:
    """The logits go through an activation where the loss is taken."""
    form = rng.choice(["torch.relu({})", "F.relu6({})", "F.softplus({})", "torch.relu({})"])
    for each in losses(source, "classes", "binary", plain=False):
        many = each.kind == "classes"
        source.wrap(each.output, "torch.relu({})" if many and "softplus" in form else form)
