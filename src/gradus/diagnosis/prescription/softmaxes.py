"""Fixes of a softmax: the axis it runs over, and a sigmoid in its place where there is one unit."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.edits import Edit, replace, without_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.flow import below, leads_to_layers, nearest, operations, training_losses
from gradus.diagnosis.prescription.outputs import activations, half_of, with_dim
from gradus.diagnosis.prescription.program import Found, Program
from gradus.diagnosis.prescription.readers import readings
from gradus.diagnosis.prescription.rewriting import around, behind, bypass, renamed, unique
from gradus.diagnosis.prescription.values import Operation
from gradus.diagnosis.prescription.written import Written, written


@fix("class-axis")
def over_classes(case: Case) -> Iterator[Sequence[Edit]]:
    """`dim=1`, or the last axis where there are more than two and no loss wants classes in the second."""
    axis, axes = _axis_seen(case)
    finding = case.finding("softmax-wrong-axis")
    if finding is not None and "summed" in finding.evidence:
        return  # one within the model
    images = any(
        op.name == "NllLoss2D"
        for examination in case.history.examinations[:1]
        for loss in examination.losses
        for head in loss.heads
        for op in head
    )
    right = ["1", "-1"] if axes <= 2 or images else ["-1", "1"]
    wrong = {str(axis), str(axis - axes)}
    seen: set[int] = set()
    every = [each for loss in training_losses(case) for each in below(case.program, loss, layers=False)]
    for each in every:
        if each.call is None or each.name not in {"softmax", "log_softmax", "softmin"} or id(each.call.node) in seen:
            continue
        seen.add(id(each.call.node))
        given = each.argument(1, "dim")
        if given is None:
            yield [with_dim(each)]
        elif ast.unparse(given) in wrong:
            yield from ([replace(each.call.file, given, other)] for other in right if other not in wrong)


@fix("class-axis")
def over_what_is_attended_to(case: Case) -> Iterator[Sequence[Edit]]:
    """`dim=1` for the softmax over the last axis of a hidden layer with one unit: the scores of an attention."""
    for loss in training_losses(case):
        for each in below(case.program, loss):
            axis = each.argument(1, "dim") if each.name == "softmax" else None
            if each.call is None or axis is None:
                continue
            scores = [head for head in operations(case.program, each.inputs[0]) if _of_one_unit(case.program, head)]
            if scores and ast.unparse(axis) in {"-1", "2"}:
                yield [replace(each.call.file, axis, "1")]


def _axis_seen(case: Case) -> tuple[int, int]:
    """The axis that the softmax was seen to run over, and how many there are."""
    finding = case.finding("softmax-wrong-axis")
    if finding is None:
        return 0, 2
    return int(finding.evidence["axis"]), int(finding.evidence["axes"])


@fix("sigmoid-output")
def sigmoid_of_one_unit(case: Case) -> Iterator[Sequence[Edit]]:
    """A sigmoid for the softmax over one unit; none where the loss applies it, or is made to."""
    found = False
    for _, activation in activations(case, {"bce_with_logits_loss"}, {"softmax", "log_softmax"}):
        edits = bypass(case.program, activation)
        for each in readings(case.program, activation):
            half = half_of(each)
            if half is not None:
                edits.append(replace(each.file, half, "0"))
            elif each.operation == "round":
                edits += around(each.file, each.node, "torch.sigmoid")
        found = True
        yield unique(edits)
    for loss in training_losses(case):
        for made in below(case.program, loss, layers=False):
            if made.name == "softmax" and not found and leads_to_layers(case.program, made.value):
                yield sigmoid_instead(made)
            width = _one_unit(case.program, made) if made.name == "cross_entropy_loss" else None
            if width is not None and made.call is not None:
                yield _binary(case.program, made)
                yield _a_unit_for_each(case.program, made, width)


def _one_unit(program: Program, loss: Operation) -> Written | None:
    """Where the width is written of the layer that a loss is given the output of, if it has one unit or channel."""
    widths = [_width(program, head) for head in nearest(program, loss.inputs[0])]
    return next((each for each in widths if each is not None and each.value == 1), None)


def _of_one_unit(program: Program, head: Operation) -> bool:
    """Whether it is a linear layer with one unit."""
    width = _width(program, head) if head.name == "linear" else None
    return width is not None and width.value == 1


def _width(program: Program, head: Operation) -> Written | None:
    """Where it is written how many units a linear layer has, or how many channels a convolution."""
    if head.call is None or not (head.name == "linear" or head.name.startswith("conv")):
        return None
    return written(
        program, head.call.file, head.argument(2, "out_features" if head.name == "linear" else "out_channels")
    )


def _binary(program: Program, loss: Operation) -> list[Edit]:
    """`binary_cross_entropy_with_logits` for the cross-entropy of one unit; a threshold for the largest of one."""
    call = loss.value.node
    assert isinstance(call, ast.Call)
    assert loss.call is not None
    file, target = loss.value.file, Found(loss.value.file, call).argument(1, "target")
    if target is None or not _ignores_a_class(program, loss, otherwise=True):
        return []
    module = loss.module is not None
    edits = renamed(
        loss.call, "torch.nn.BCEWithLogitsLoss" if module else "torch.nn.functional.binary_cross_entropy_with_logits"
    )
    edits += _ignoring_nothing(loss)
    given = loss.inputs[0].node  # what would be computed twice is not named
    shape = "unsqueeze(1)" if isinstance(given, ast.Call) else f"view_as({file.code(given)})"
    edits += behind(file, target, f".float().{shape}")
    for head in nearest(program, loss.inputs[0]):
        for each in readings(program, head):
            if each.operation == "argmax":
                flat = "flatten()" if head.name == "linear" else "squeeze(1)"
                edits.append(replace(each.file, each.taker, f"({each.file.code(each.node)}.{flat} > 0).long()"))
    return unique(edits)


def _a_unit_for_each(program: Program, loss: Operation, width: Written) -> list[Edit]:
    """Two units, for yes and no, where what is predicted is the larger of them."""
    heads = nearest(program, loss.inputs[0])
    if not any(each.operation == "argmax" for head in heads for each in readings(program, head)):
        return []
    ignoring = _ignoring_nothing(loss) if _ignores_a_class(program, loss, otherwise=False) else []
    return [replace(width.file, width.node, "2"), *ignoring]


def _ignores_a_class(program: Program, loss: Operation, *, otherwise: bool) -> bool:
    """Whether one of two classes is left out of a loss, where one unit had no other to tell it from."""
    assert loss.call is not None
    given = next((each.value for each in loss.call.node.keywords if each.arg == "ignore_index"), None)
    ignored = written(program, loss.call.file, given)
    return otherwise if given is None else ignored is not None and ignored.value in {0, 1}


def _ignoring_nothing(loss: Operation) -> list[Edit]:
    assert loss.call is not None
    keywords = loss.call.node.keywords
    return [without_argument(loss.call.file, loss.call.node, each) for each in keywords if each.arg == "ignore_index"]


def sigmoid_instead(softmax: Operation) -> list[Edit]:
    """A sigmoid in the place of a softmax, whichever way it is written."""
    assert softmax.call is not None, "a softmax is called"
    file, call = softmax.call.file, softmax.call.node
    if softmax.module is not None:
        edits = renamed(softmax.call, "torch.nn.Sigmoid")
        return [*edits, Edit(file, file.span(call.func)[1], file.span(call)[1], "()")]
    named = file.qualified(call.func)
    edits = renamed(softmax.call, "torch.sigmoid") if named else renamed(softmax.call, "sigmoid")
    kept = file.code(softmax.inputs[0].node) if named else ""
    return [*edits, Edit(file, file.span(call.func)[1], file.span(call)[1], f"({kept})")]
