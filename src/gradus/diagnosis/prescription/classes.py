"""Fixes of how much each class, and each label, counts."""

import ast
import math
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.batches import Compared, Source, compared, training_targets
from gradus.diagnosis.prescription.bindings import binding
from gradus.diagnosis.prescription.callables import reached
from gradus.diagnosis.prescription.edits import Edit, imported, replace, with_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.lasting import best_kept
from gradus.diagnosis.prescription.libraries import made_by
from gradus.diagnosis.prescription.loaders import training_loaders
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.roles import training_steps
from gradus.diagnosis.prescription.written import sources

_CROSS_ENTROPY = ("torch.nn.CrossEntropyLoss", "torch.nn.functional.cross_entropy", "torch.nn.NLLLoss",
    "torch.nn.functional.nll_loss")  # fmt: skip
_OF_PROBABILITIES = ("torch.nn.BCELoss", "torch.nn.functional.binary_cross_entropy")
_SQUARED = ("torch.nn.MSELoss", "torch.nn.functional.mse_loss")
_OF_A_CODE = 3
"""Outputs that the loss of a variational autoencoder is given."""
_BINARY = ("torch.nn.BCEWithLogitsLoss", "torch.nn.functional.binary_cross_entropy_with_logits")


@fix("balance")
def use_the_sampler(case: Case) -> Iterator[Sequence[Edit]]:
    """A weighted sampler that was made and given to no loader."""
    for call in case.program.calls("torch.utils.data.WeightedRandomSampler"):
        statement = call.statement
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
            continue
        name = statement.targets[0].id
        if any(
            isinstance(each, ast.keyword) and each.arg == "sampler" and ast.unparse(each.value) == name
            for each in ast.walk(call.file.tree)
        ):
            continue
        for loader in training_loaders(case):
            shuffled = next((each for each in loader.node.keywords if each.arg == "shuffle"), None)
            if shuffled is not None:
                yield [Edit(loader.file, *loader.file.span(shuffled), f"sampler={name}")]
            else:
                yield [with_argument(loader.file, loader.node, "sampler", name)]


@fix("balance")
def weight_the_loss(case: Case) -> Iterator[Sequence[Edit]]:
    """Each class by the inverse of its share among the training targets, or by the root of that."""
    for training in training_steps(case):
        pair = compared(case.program, training, outputs=_OF_A_CODE)
        if pair is None:
            continue
        for call in _definition_of_loss(case, pair):
            meaning = call.file.qualified(call.node.func)
            binary = meaning in _BINARY
            argument = "pos_weight" if binary else "weight"
            if meaning not in (*_CROSS_ENTROPY, *_BINARY) or any(e.arg == argument for e in call.node.keywords):
                continue
            for text in _weights(case, call, binary, flat=_is_flattened(pair.target)):
                yield [with_argument(call.file, call.node, argument, text)]
        yield from _weighted_probabilities(case, pair)


def _weighted_probabilities(case: Case, pair: Compared) -> Iterator[Sequence[Edit]]:
    """Of probabilities of a yes each example by its own weight, for such a loss has none by class."""
    counts, file = _counts(case), pair.call.file
    if file.meaning(pair.call.node) not in _OF_PROBABILITIES or len(counts) != 2 or not min(counts):
        return
    name, more = imported(file, "torch.nn.functional.binary_cross_entropy")
    output, target = file.code(pair.output), file.code(pair.target)
    for ratio in (counts[0] / counts[1], math.sqrt(counts[0] / counts[1])):
        text = f"{name}({output}, {target}, weight=1 + {ratio - 1:.3g} * {target})"
        yield [replace(file, pair.call.node, text), *more]


def _definition_of_loss(case: Case, pair: Compared) -> Iterator[Found]:
    """The call that computes a loss, or makes the criterion that does, or those in a function of the program."""
    file = pair.call.file
    yield from {id(each.node): each for each in _criteria(case.program, file, pair.call.node.func)}.values()
    yield pair.call
    within = reached(case.program, file, pair.call.node)
    if within is not None:
        yield from (Found(within[0], each) for each in ast.walk(within[1]) if isinstance(each, ast.Call))


def _criteria(program: Program, file: SourceFile, node: ast.expr, depth: int = 4) -> Iterator[Found]:
    """What makes a criterion: through names and attributes, and what the function that trains is handed."""
    for home, each in sources(program, file, node) if depth else ():
        if isinstance(each, ast.Call):
            yield Found(home, each)
        else:
            yield from _criteria(program, home, each, depth - 1)


def _is_flattened(target: ast.expr) -> bool:
    """Whether targets are compared as one row that are kept in several: `labels[rows].flatten()`, `y.view(-1)`."""
    for each in ast.walk(target):
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute):
            one_axis = each.func.attr in {"view", "reshape"} and [ast.unparse(size) for size in each.args] == ["-1"]
            if one_axis or each.func.attr in {"flatten", "ravel"}:
                return True
    return False


def _weights(case: Case, call: Found, binary: bool, *, flat: bool = False) -> Iterator[str]:
    """By the targets themselves where they are at hand, else by the counts that were seen; then their roots."""
    target = training_targets(case)
    torch_name, more = imported(call.file, "torch")
    counts = _counts(case)
    if more:
        return
    if target is not None and _at_hand(target, call) and not call.file.loops(call.node):
        numbers = made_by(case.program, target.file, target.node) == "numpy"
        y = f"{torch_name}.as_tensor({target.code})" if numbers else target.code
        y += ".flatten()" if flat and not binary else ""
        share = f"({y} == 0).sum() / ({y} == 1).sum()"
        yield share if binary else f"1 / {torch_name}.bincount({y})"
        yield f"({share}).sqrt()" if binary else f"{torch_name}.bincount({y}) ** -0.5"
    elif counts and min(counts) > 0:
        for power in (1.0, 0.5):
            if binary and len(counts) == 2:
                yield f"{torch_name}.tensor({(counts[0] / counts[1]) ** power:.3g})"
            elif not binary:
                each_class = [float(f"{(max(counts) / each) ** power:.3g}") for each in counts]
                yield f"{torch_name}.tensor({each_class})"


def _at_hand(target: Source, call: Found) -> bool:
    """Whether the targets are bound, in a scope around it, before a call."""
    base = target.base
    bound = binding(target.file, base) if isinstance(base, ast.Name) else None
    if bound is None or target.file is not call.file or target.dataset is not None:
        return False
    scope = call.file.scope(bound.statement)
    return any(each is scope for each in call.file.above(call.node)) and bound.statement.lineno < call.node.lineno


def _counts(case: Case) -> list[int]:
    """How often each class was seen, in all batches that were looked at."""
    seen = [each.loss.counts for each in case.history.examinations if each.loss is not None and each.loss.counts]
    length = max((len(each) for each in seen), default=0)
    return [sum(each[number] for each in seen if number < len(each)) for number in range(length)]


@fix("clean-labels")
def bound_the_loss(case: Case) -> Iterator[Sequence[Edit]]:
    """What is surely wrong counts little; the best weights are kept as well.

    Of classes (1 - p^q) / q with q = 0.7, p being what the right class got (Zhang & Sabuncu 2018); of two classes the
    squared error of the probability (Ghosh et al. 2017); of values the absolute error, beyond 1 (Huber 1964).
    """
    for training in training_steps(case):
        pair = compared(case.program, training)
        meaning = pair.call.file.meaning(pair.call.node) if pair is not None else ""
        if pair is None or pair.call.node.keywords:
            continue
        file = pair.call.file
        output, target = file.code(pair.output), file.code(pair.target)
        if meaning in _CROSS_ENTROPY:
            kind = "cross_entropy" if meaning in _CROSS_ENTROPY[:2] else "nll_loss"
            name, more = imported(file, f"torch.nn.functional.{kind}")
            nats = f'{name}({output}, {target}, reduction="none")'
            text = f"(1 - (-{nats}).exp() ** 0.7).mean() / 0.7"
        elif meaning in _BINARY:
            name, more = imported(file, "torch.nn.functional.mse_loss")
            text = f"{name}({output}.sigmoid(), {target})"
        elif meaning in _OF_PROBABILITIES:
            name, more = imported(file, "torch.nn.functional.mse_loss")
            text = f"{name}({output}, {target})"
        elif meaning in _SQUARED:
            name, more = imported(file, "torch.nn.functional.smooth_l1_loss")
            text = f"{name}({output}, {target})"
        else:
            continue
        yield [replace(file, pair.call.node, text), *more, *best_kept(case)]


@fix("clean-labels")
def smooth_labels(case: Case) -> Iterator[Sequence[Edit]]:
    """Label smoothing, which leaves single wrong labels less to say; the best weights are kept as well."""
    for training in training_steps(case):
        pair = compared(case.program, training)
        for call in _definition_of_loss(case, pair) if pair is not None else ():
            smooth = call.file.qualified(call.node.func) in _CROSS_ENTROPY[:2]
            if smooth and all(each.arg != "label_smoothing" for each in call.node.keywords):
                yield [with_argument(call.file, call.node, "label_smoothing", "0.2"), *best_kept(case)]
