"""Outputs (N, 1) against targets (N,): their difference is a table."""

import ast
import random

from benchmarks.ward.edits import Source, called
from benchmarks.ward.operators.criteria import (
    Loss,
    aside,
    assigned,
    bare,
    end_of,
    in_statement,
    losses,
    rewrite,
    varied,
)
from benchmarks.ward.operators.table import operator

FLAT = r"(\.squeeze\((1|-1|dim=1|dim=-1)?\)|\[:, 0\]|\[\.\.\., 0\]|\.flatten\(\)|\.view\(-1\)|\.reshape\(-1\))$"
COLUMN = ("{}.unsqueeze(1)", "{}[:, None]", "{}.view(-1, 1)", "{}.reshape(-1, 1)")


def column(source: Source, node: ast.expr) -> ast.expr | None:
    """What an expression was before it visibly lost its axis of one; None where it did not."""
    if not source.fits(node, FLAT):
        return None
    return node.value if isinstance(node, ast.Subscript) else getattr(getattr(node, "func", None), "value", None)


def flat_output(source: Source, loss: Loss) -> bool:
    """Whether a prediction is (N,)."""
    node = loss.output
    for _ in range(3):
        if source.fits(node, FLAT):
            return True
        made = assigned(source, node.id, loss.call) if isinstance(node, ast.Name) else None
        node = made if made is not None else node
    end = end_of(source, loss.output)
    plain = end is not None and end.returned is not None and bare(node) is node
    return plain and end is not None and end.returned is not None and source.fits(end.returned, FLAT)


def flat_losses(source: Source) -> list[Loss]:
    """Losses of a regression whose outputs are (N,)."""
    return [
        each for each in losses(source, "numbers", plain=False) if varied(source, each) and flat_output(source, each)
    ]


@operator("broadcast-loss")
def squeeze_left_out(source: Source, rng: random.Random) -> None:
    """The squeeze of the prediction is gone from the loss."""
    for each in losses(source, "numbers", plain=False):
        sites = [each.output]
        for assign in source.all(ast.Assign) if isinstance(each.output, ast.Name) else ():
            same = [source.of(target) for target in assign.targets] == [source.of(each.output)]
            if same and source.function(assign) is source.function(each.call) and not aside(source, assign):
                sites.append(assign.value)
        for site in sites:
            inner = column(source, site)
            if isinstance(inner, ast.Call | ast.Name):
                source.replace(site, source.of(inner))


@operator("broadcast-loss")
def target_of_a_column(source: Source, rng: random.Random) -> None:
    """The target is made a column where the prediction is flat."""
    form = rng.choice(COLUMN)
    for each in flat_losses(source):
        if not source.fits(each.target, FLAT) and not source.fits(each.target, r"\[[^\]]*,[^\]]*\]$"):
            source.replace(each.target, form.format(source.grouped(each.target)))


@operator("broadcast-loss")
def flat_target(source: Source, rng: random.Random) -> None:
    """The target is flattened where the prediction is a column."""
    form = rng.choice(["{}.squeeze()", "{}.flatten()", "{}.flatten()", "{}.reshape(-1)"])
    for each in losses(source, "numbers", plain=False):
        end = end_of(source, each.output)
        if end is None or not end.single or flat_output(source, each) or not varied(source, each):
            continue
        plain = bare(each.output) is each.output and (end.returned is None or bare(end.returned) is end.returned)
        if plain:
            source.replace(each.target, form.format(source.grouped(each.target)))


@operator("broadcast-loss")
def binary_loss_by_hand(source: Source, rng: random.Random) -> None:
    """The binary loss written out: a column of logits against flat labels is no longer refused."""
    for each in [each for each in in_statement(source, "binary") if flat_output(source, each)]:
        inner = column(source, each.output)
        pair = "{output}, {target}.unsqueeze(1)" if inner is None else f"{source.of(inner)}, {{target}}"
        loss = rng.choice([
            "(F.softplus(margins) - truths * margins).mean()",
            "(margins.clamp(min=0) - margins * truths + torch.log1p(torch.exp(-margins.abs()))).mean()",
        ])  # fmt: skip
        rewrite(source, each, loss, f"margins, truths = {pair}")


@operator("broadcast-loss")
def error_of_column_by_hand(source: Source, rng: random.Random) -> None:
    """The error is written out by hand, a column minus a row."""
    for each in [each for each in flat_losses(source) if each.plain and called(each.call) != "mean"]:
        if source.has("mse|MSE"):
            inner = column(source, each.output)
            output = "{output}.reshape(-1, 1)" if inner is None else source.of(inner)
            forms = [f"({output} - {{target}}).pow(2).mean()", f"torch.mean(({{target}} - {output}) ** 2)"]
            rewrite(source, each, rng.choice(forms))
