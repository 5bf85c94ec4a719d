"""Fixes of outputs and targets whose shapes do not match."""

import ast
from collections.abc import Iterable, Iterator, Sequence

from gradus.diagnosis.prescription.bindings import binding
from gradus.diagnosis.prescription.edits import Edit
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.flow import (
    AVERAGING,
    below,
    given_for,
    leads_to_layers,
    nearest,
    operations,
    training_losses,
)
from gradus.diagnosis.prescription.program import Program
from gradus.diagnosis.prescription.rewriting import behind, bypass, nested, unique
from gradus.diagnosis.prescription.values import Operation, Value
from gradus.diagnosis.rules.losses import products_of, weighed

_DIFFERENCES = {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "sub", "poisson_nll_loss"}
_CHOOSING = {"mul", "where", "masked_fill"}
_AXES = {"squeeze", "view", "reshape", "flatten", "index", "unsqueeze"}


@fix("match-shapes")
def same_shape(case: Case) -> Iterator[Sequence[Edit]]:
    """`squeeze(1)` of outputs (N, 1) where they meet targets (N,); or of the targets, if it is they."""
    under, product = _seen(case)
    if product or _of_pairs(under):
        return
    of_output = len(under) != 1
    found = [
        place
        for loss in training_losses(case)
        for place in _bare_outputs(case.program, below(case.program, loss, layers=False), of_output)
    ]
    sources = {source for each in found for source in _sources(case.program, each)}
    more = [
        place
        for file, node in case.program.nodes()
        if isinstance(node, ast.Call | ast.BinOp)
        for each in operations(case.program, Value(file, node))
        if each.value.node is node
        for place in _bare_outputs(case.program, [each], of_output)
        if sources & _sources(case.program, place)
    ]
    if len(found) != 1 and not of_output:
        # Where targets meet outputs in several places, or not by themselves, outputs had better keep their axis.
        lost = {
            id(each.value.node): each
            for loss in training_losses(case)
            for each in _outputs_in_one_row(case.program, below(case.program, loss, layers=False))
        }
        kept = [edit for each in lost.values() for edit in bypass(case.program, each)]
        if kept:
            yield unique(kept)
    for places in (found + more, found) if found else ():
        once = {each.node: each.file for each in places}
        yield nested(behind(file, node, ".squeeze(1)") for node, file in once.items())


@fix("match-shapes")
def weights_of_same_shape(case: Case) -> Iterator[Sequence[Edit]]:
    """`squeeze(1)` of weights (N, 1), as of advantages, by which terms of the loss (N,) are multiplied; or of these."""
    under, product = _seen(case)
    sides: dict[str, list[Value]] = {}
    for loss in training_losses(case) if product and not _of_pairs(under) else ():
        for each in below(case.program, loss, layers=False):
            computed = [leads_to_layers(case.program, side) for side in each.inputs[:2]]
            if each.name != "mul" or sorted(computed) != [False, True]:
                continue
            weights, terms = each.inputs[computed.index(False)], each.inputs[computed.index(True)]
            if not any(_is_one_number(made) for value in (weights, terms) for made in operations(case.program, value)):
                sides.setdefault(ast.unparse(weights.node), []).append(weights if len(under) == 1 else terms)
    for places in sides.values():  # of the same weights in all products
        once = {each.node: each.file for each in places}
        yield nested(behind(file, node, ".squeeze(1)") for node, file in once.items())


@fix("match-shapes")
def labels_in_one_row(case: Case) -> Iterator[Sequence[Edit]]:
    """`squeeze(1)` of labels (N, 1) that are compared with each other, to choose or to tell pairs (N, N)."""
    under, _ = _seen(case)
    for loss in training_losses(case) if _of_pairs(under) else ():
        for each in below(case.program, loss, layers=False):
            computed = [leads_to_layers(case.program, side) for side in each.inputs[:2]]
            if each.name in _DIFFERENCES | _CHOOSING and sorted(computed) == [False, True]:
                labels = _compared(case.program, each.inputs[computed.index(False)])
                once = {each.node: each.file for each in labels}
                if once:
                    yield nested(behind(file, node, ".squeeze(1)") for node, file in once.items())


def _of_pairs(shape: tuple[int, ...]) -> bool:
    """Whether it is that of pairs of examples, (N, N), or of triplets."""
    return len(shape) > 1 and shape[-1] > 1


def _compared(program: Program, told: Value) -> Iterator[Value]:
    """The labels that are compared on the way: `labels` of `labels[:, None] == labels[None]`, as callers gave them."""
    for each in below(program, told):
        node = each.value.node
        for side in (node.left, *node.comparators) if isinstance(node, ast.Compare) else ():
            inner: ast.AST = side
            while isinstance(inner, ast.Call | ast.Attribute | ast.Subscript):
                inner = inner.func if isinstance(inner, ast.Call) else inner.value
            if isinstance(inner, ast.Name):
                yield from given_for(program, Value(each.value.file, inner))


def _is_one_number(made: Operation) -> bool:
    """Whether a value is a number, or what a loss or a mean makes of a whole batch."""
    each_by_itself = made.call is not None and any(each.arg == "reduction" for each in made.call.node.keywords)
    averaged = made.name in AVERAGING and len(made.inputs) == 1
    return made.name == "constant" or averaged or (made.name.endswith("_loss") and not each_by_itself)


def _seen(case: Case) -> tuple[tuple[int, ...], bool]:
    """The shape of what the loss makes all pairs of, and whether it multiplies them; () where none were seen.

    Outputs (N,) tell that it is the targets that have an axis more.
    """
    for examination in case.history.examinations[:3]:
        for loss in examination.losses:
            for head in loss.heads:
                for op, under in products_of(head):
                    axes = len(op.shape)
                    even = len(set(op.shape)) == 1 and under.shape != op.shape
                    square = even and (axes == 2 or (axes > 2 and under.shape == op.shape[1:]))
                    product = bool(weighed(op, under))
                    if product or (square and op.name in ("Sub", "Expand")):
                        return under.shape, product
    return (), False


def _outputs_in_one_row(program: Program, made: Iterable[Operation]) -> Iterator[Operation]:
    """What takes the last axis from outputs, `squeeze(-1)` or `view(-1)`, before they are subtracted from data."""
    for each in made:
        sides = each.inputs[:2] if each.name in _DIFFERENCES else ()
        computed = [value for value in sides if leads_to_layers(program, value)]
        for last in operations(program, computed[0]) if len(computed) == 1 else ():
            sizes = [ast.unparse(size) for size in last.call.node.args] if last.call is not None else []
            if last.name == "squeeze" or (last.name in {"view", "reshape", "flatten"} and sizes in ([], ["-1"])):
                yield last


def _bare_outputs(program: Program, made: Iterable[Operation], of_output: bool) -> Iterator[Value]:
    """Of those operations that are differences, the sides that have an axis too many."""
    for each in made:
        if each.name in _DIFFERENCES and len(each.inputs) > 1:
            yield from _bare(program, each, of_output)


def _bare(program: Program, difference: Operation, of_output: bool) -> Iterator[Value]:
    """The side of a difference that has an axis too many, where nothing reshapes it; no error, such as `y - t` is."""
    one, other = difference.inputs[:2]
    computed = [leads_to_layers(program, one), leads_to_layers(program, other)]
    if all(computed):  # a target may be computed by a model too, without gradients
        computed = [not _cut_off(one), not _cut_off(other)]
    if computed[0] == computed[1]:
        return
    side = one if computed[0] == of_output else other
    for value in given_for(program, side):
        reshaped = any(each.name in _AXES and not _slices(each) for each in _outermost(program, value))
        if not reshaped and not any(_bare_outputs(program, below(program, value, layers=False), of_output)):
            yield value


def _cut_off(value: Value) -> bool:
    """Whether a value was made without gradients."""
    bound = binding(value.file, value.node)
    made = bound.value if bound is not None else value.node
    around = [each for each in value.file.above(made) if isinstance(each, ast.With)]
    detached = isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute) and made.func.attr == "detach"
    return detached or any("no_grad" in ast.unparse(item.context_expr) for each in around for item in each.items)


def _sources(program: Program, value: Value) -> set[int]:
    """What a value was before it was reshaped: the same for all calls of a model."""
    return {id(each.call.node if each.module is not None and each.call else each.value.node)
            for each in nearest(program, value)}  # fmt: skip


def _outermost(program: Program, value: Value) -> Iterator[Operation]:
    """What shapes a value last: in a model, its last layer, too."""
    for each in operations(program, value):
        yield each
        if each.inputs and (each.name in {"float", "to", "detach", "contiguous", "cpu"} or _slices(each)):
            yield from _outermost(program, each.inputs[0])


def _slices(made: Operation) -> bool:
    """Whether it is `x[:, a:b]` or `x[rows]`, which has as many axes as `x`."""
    place = made.value.node.slice if made.name == "index" and isinstance(made.value.node, ast.Subscript) else None
    if isinstance(place, ast.Tuple):
        return all(isinstance(each, ast.Slice) or ast.unparse(each) == "..." for each in place.elts)
    return place is not None and not isinstance(place, ast.Constant)
