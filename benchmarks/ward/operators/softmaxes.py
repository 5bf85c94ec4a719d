"""Softmaxes twice, over the wrong axis or of one unit, and logarithms that are missing."""

import ast
import random
import re

from benchmarks.ward.edits import Source, called, given, subject
from benchmarks.ward.operators.criteria import (
    End,
    aside,
    assigned,
    bare,
    end_of,
    in_statement,
    losses,
    one_end,
    over_places,
    replaceable,
    rewrite,
    settings,
)
from benchmarks.ward.operators.forms import by_name, operand
from benchmarks.ward.operators.table import operator


def axis_of(source: Source, softmax: ast.Call) -> ast.expr | None:
    """The axis of a softmax: of a function, of a method or of a module."""
    return given(softmax, "dim", 1 if called(softmax).islower() and by_name(source, softmax) else 0)


def classifier(source: Source, plain: bool) -> End | None:
    """The linear end of a classifier with one output vector for each example."""
    found = one_end(source, "classes", plain=plain)
    return found[1] if found and found[1].linear and not over_places(source, found[0]) else None


@operator("softmax-twice")
def softmax_ends_model(source: Source, rng: random.Random) -> None:
    """The model ends with a softmax, the loss is cross-entropy."""
    end = classifier(source, plain=False)
    if end is not None and not (end.sequential and called(end.last).startswith("Conv")):
        dim = rng.choice(["-1", "1"])
        module = "torch" if rng.random() < 0.5 else "F"
        end.append(f"Softmax(dim={dim})", f"{module}.softmax({{}}, dim={dim})")


@operator("softmax-twice")
def softmax_before_cross_entropy(source: Source, rng: random.Random) -> None:
    """Probabilities are made in the training loop and given to cross-entropy."""
    for each in losses(source, "classes", plain=False):
        dim = -1 if source.fits(each.output, "flatten|reshape|view") else 1
        output = source.grouped(each.output)
        forms = [f"{output}.softmax({dim})", f"torch.softmax({source.of(each.output)}, dim={dim})"]
        source.replace(each.output, rng.choice(forms))


@operator("softmax-twice")
def log_softmax_of_softmax(source: Source, rng: random.Random) -> None:
    """What goes into log_softmax is already softmaxed."""
    for call in [each for each in source.calls("log_softmax") if not aside(source, each)]:
        scores, axis = operand(source, call), axis_of(source, call)
        if scores is not None and axis is not None:
            by_method, function = f"{{}}.softmax({source.of(axis)})", f"F.softmax({{}}, dim={source.of(axis)})"
            source.wrap(scores, function if by_name(source, call) else by_method)


@operator("softmax-twice")
def softmax_for_soft_targets(source: Source, rng: random.Random) -> None:
    """One-hot targets as in Keras, and probabilities, both into cross-entropy."""
    for each in in_statement(source, "classes"):
        if not over_places(source, each):
            soft = "F.one_hot({target}, probs.shape[1]).float()"
            rewrite(source, each, f"F.cross_entropy(probs, {soft})", "probs = F.softmax({output}, dim=1)")


@operator("softmax-wrong-axis")
def log_softmax_over_batch(source: Source, rng: random.Random) -> None:
    """log_softmax(dim=0) and nll_loss in place of cross_entropy."""
    for each in replaceable(source, "classes"):
        if not source.fits(each.output, "transpose|permute"):
            rewrite(source, each, f"F.nll_loss(F.log_softmax({{output}}, dim=0), {{target}}{settings(source, each)})")


@operator("softmax-wrong-axis")
def log_softmax_over_time(source: Source, rng: random.Random) -> None:
    """Outputs of sequences are normalized over time before they are flattened."""
    for each in replaceable(source, "classes"):
        output = each.output
        inner = subject(output) if isinstance(output, ast.Call) else None
        if not isinstance(output, ast.Call) or inner is None:
            continue
        tail = f", {{target}}{settings(source, each)})"
        if called(output) in ("flatten", "reshape", "view") and source.fits(output, r"flatten\(0, 1\)|\((-1, |\()"):
            arguments = ", ".join(map(source.of, output.args))
            scores = f"F.log_softmax({source.of(inner)}, dim=1).{called(output)}({arguments})"
            rewrite(source, each, f"F.nll_loss({scores}{tail}")
        elif called(output) in ("transpose", "permute", "movedim"):
            rewrite(source, each, f"F.nll_loss(F.log_softmax({{output}}, dim=-1){tail}")


@operator("softmax-wrong-axis")
def axis_of_softmax_changed(source: Source, rng: random.Random) -> None:
    """A softmax that is there (in attention, gates, losses) goes over another axis."""
    for call in source.calls("softmax", "log_softmax", "Softmax", "LogSoftmax"):
        home, statement = source.function(call), source.statement(call)
        if home is None or re.search("sample|data|make", home.name) or aside(source, call):
            continue
        if source.fits(statement, r"argmax|numpy|\.max\("):
            continue
        axis = axis_of(source, call)
        inner = rng.choice(["-2", "0"])
        attention = source.fits(statement, "attn|attention|score|weights")
        other = {"-1": inner if attention else "0", "1": "0", "2": "1", "-2": "-1", "3": "2"}.get(source.of(axis))
        if axis is not None and other is not None:
            source.replace(axis, other)


@operator("softmax-wrong-axis")
def log_softmax_zero_in_model(source: Source, rng: random.Random) -> None:
    """The model ends with LogSoftmax(dim=0), trained with NLLLoss."""
    end, sites = classifier(source, plain=True), losses(source, "classes")
    if end is not None and len(sites) == 1:
        end.append("LogSoftmax(dim=0)", "F.log_softmax({}, dim=0)")
        rewrite(source, sites[0], "F.nll_loss({output}, {target})")


@operator("softmax-wrong-axis")
def exponentials_over_column_sums(source: Source, rng: random.Random) -> None:
    """Softmax written out as in NumPy, the sum over the wrong axis."""
    for each in in_statement(source, "classes"):
        if not over_places(source, each):
            lines = "raw_scores = {output}\nexps = torch.exp(raw_scores - raw_scores.max())\nprobs = exps / exps.sum(0)"
            rewrite(source, each, "-torch.log(probs[torch.arange(len({target})), {target}] + 1e-12).mean()", lines)


def softmax_at_end(end: End, rng: random.Random) -> None:
    """Put a softmax over the axis of the outputs at the end, under what takes that axis away."""
    if end.sequential is not None:
        end.append(f"Softmax(dim={rng.choice(['1', '-1'])})", "")
    elif end.returned is not None:
        end.source.wrap(bare(end.returned), "torch.softmax({}, dim=-1)")


@operator("softmax-single-unit")
def softmax_ends_single_output(source: Source, rng: random.Random) -> None:
    """A binary model of one output ends with a softmax, and BCELoss is used."""
    found = one_end(source, "binary", plain=True)
    if found is not None and found[1].single:
        softmax_at_end(found[1], rng)
        for each in losses(source, "binary"):
            rewrite(source, each, "F.binary_cross_entropy({output}, {target})")


@operator("softmax-single-unit")
def softmax_in_loss_of_single_output(source: Source, rng: random.Random) -> None:
    """Softmax rather than sigmoid before the binary loss, in the loop only."""
    for each in losses(source, "binary"):
        end, inner = end_of(source, each.output), bare(each.output)
        if end is None or end.sequential is None or not end.single:
            continue
        made = assigned(source, inner.id, each.call) if isinstance(inner, ast.Name) else None
        if isinstance(inner, ast.Name) and not isinstance(made, ast.Call):
            continue
        if made is not None and bare(made) is not made:
            source.wrap(each.output, "torch.softmax({}.unsqueeze(1), dim=1).squeeze(1)")
        else:
            source.wrap(inner, "torch.softmax({}, dim=1)")
        source.replace(each.call.func, "F.binary_cross_entropy")


@operator("softmax-single-unit", "output-range")
def softmax_ends_regression(source: Source, rng: random.Random) -> None:
    """A regression of one output ends with a softmax (as every model did that was copied from)."""
    found = one_end(source, "numbers")
    if found is not None and found[1].single:
        softmax_at_end(found[1], rng)


@operator("softmax-single-unit")
def softmax_for_sigmoid(source: Source, rng: random.Random) -> None:
    """One output of two classes, softmaxed when its logarithm is taken by hand."""
    for each in in_statement(source, "binary"):
        end = end_of(source, each.output)
        if end is not None and end.single:
            lines = "probs = torch.softmax({output}.reshape(-1, 1), dim=1)\ntruth = {target}.reshape(-1, 1)"
            loss = "-(truth * torch.log(probs + 1e-7) + (1 - truth) * torch.log(1 - probs + 1e-7)).mean()"
            rewrite(source, each, loss, lines)


@operator("missing-log")
def nll_of_probabilities(source: Source, rng: random.Random) -> None:
    """nll_loss given softmax in place of its logarithm."""
    for each in replaceable(source, "classes"):
        rewrite(source, each, f"F.nll_loss(F.softmax({{output}}, dim=1), {{target}}{settings(source, each)})")


@operator("missing-log")
def softmax_model_with_nll(source: Source, rng: random.Random) -> None:
    """The model ends with Softmax, NLLLoss is used."""
    end, sites = classifier(source, plain=True), losses(source, "classes", plain=False)
    if end is not None and len(sites) == 1:
        dim = rng.choice(["1", "-1"])
        end.append(f"Softmax(dim={dim})", f"torch.softmax({{}}, dim={dim})")
        rewrite(source, sites[0], "F.nll_loss({output}, {target})")


@operator("missing-log")
def softmax_in_place_of_log_softmax(source: Source, rng: random.Random) -> None:
    """log_softmax, for a loss or a divergence, became softmax."""
    for call in source.calls("log_softmax", "LogSoftmax"):
        read = source.fits(source.statement(call), r"score|print|argmax|\.exp\(\)")
        if source.owner(call) and not read and not aside(source, call):
            name = "Softmax" if called(call) == "LogSoftmax" else "softmax"
            source.replace(call.func, f"{source.owner(call)}.{name}")


@operator("missing-log")
def likelihood_without_log(source: Source, rng: random.Random) -> None:
    """The binary likelihood is written out without its logarithms."""
    for each in in_statement(source, "binary"):
        loss = "-({target} * prob + (1 - {target}) * (1 - prob)).mean()"
        rewrite(source, each, loss, "prob = torch.sigmoid({output})")


@operator("missing-log")
def one_hot_times_probabilities(source: Source, rng: random.Random) -> None:
    """Cross-entropy from the formula, one-hot times the probability rather than its logarithm."""
    for each in in_statement(source, "classes"):
        if not source.fits(each.output, "transpose|permute"):
            lines = "probs = torch.softmax({output}, dim=1)\none_hot = F.one_hot({target}, probs.shape[1])"
            rewrite(source, each, "-(one_hot * probs).sum(dim=1).mean()", lines)


@operator("missing-log")
def probability_of_action(source: Source, rng: random.Random) -> None:
    """exp of a log_prob: the policy gradient or the likelihood loses its logarithm."""
    for call in source.calls("log_prob"):
        home, statement = source.function(call), source.statement(call)
        within = home is not None and home.name in ("log_prob", "forward")
        old = isinstance(statement, ast.Assign) and any(source.fits(each, "old") for each in statement.targets)
        if not within and not old and not source.fits(statement, "score") and not aside(source, call):
            source.wrap(call, "{}.exp()")
