"""Fixes of targets that are far from zero mean and unit deviation."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gradus.diagnosis.prescription.batches import (
    Compared,
    Source,
    compared,
    held_out_calls,
    held_out_inputs,
    training_inputs,
    training_targets,
)
from gradus.diagnosis.prescription.bindings import binding, bindings
from gradus.diagnosis.prescription.edits import Edit, after, before, imported, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.roles import TrainingStep, training_steps
from gradus.diagnosis.prescription.scaling import free_names, known_from, training_part
from gradus.diagnosis.prescription.transforms import counterparts


@fix("scale-targets")
def train_on_scaled_targets(case: Case) -> Iterator[Sequence[Edit]]:
    """Compare outputs with scaled targets in training, and scale them back wherever else the model is used."""
    edits = _by_figures_of_the_array(case) or _by_figures_of_batches(case)
    if edits:
        yield edits


def _by_figures_of_the_array(case: Case) -> list[Edit]:
    """Where all targets are in one array that can be seen from where the model is used."""
    target = training_targets(case)
    bound = target.bound if target is not None and target.dataset is None else None
    calls = _outermost(held_out_calls(case.program))
    if target is None or bound is None or not calls:
        return []
    part = target.code
    if not isinstance(target.node, ast.Subscript):
        part = training_part(target, _like_inputs(case, target)) or part
    file = target.file
    mean, std = free_names(file, "target_mean", "target_std")
    pairs = [compared(case.program, each) for each in training_steps(case)]
    known = [each for each in pairs if each is not None]
    places = [*(each.call for each in known), *calls]
    if len(known) < len(pairs) or not all(_sees(each.file, each.node, file.scope(bound.statement)) for each in places):
        return []
    place = known_from(file, bound.statement, part)
    return [
        after(file, place, f"{mean}, {std} = {part}.mean(), {part}.std()"),
        *(_scaled(each, mean, std) for each in known),
        *(_scaled_back(each, mean, std) for each in calls),
    ]


def _scaled(pair: Compared, mean: str, std: str) -> Edit:
    """Outputs are compared with the scaled target."""
    return replace(pair.call.file, pair.target, f"({pair.call.file.code(pair.target)} - {mean}) / {std}")


def _scaled_back(call: Found, mean: str, std: str) -> Edit:
    """What the model gives, in the units of the target."""
    above = call.file.parents[call.node]
    text = f"{call.file.code(call.node)} * {std} + {mean}"
    alone = isinstance(above, ast.Assign) or (isinstance(above, ast.Call) and above.func is not call.node)
    return replace(call.file, call.node, text if alone else f"({text})")


def _outermost(calls: Sequence[Found]) -> list[Found]:
    """Without encoders whose output another model takes."""
    inner = {id(node) for call in calls for each in call.node.args for node in ast.walk(each)}
    return [each for each in calls if id(each.node) not in inner]


def _sees(file: SourceFile, node: ast.AST, scope: ast.AST) -> bool:
    """Whether names of a scope can be used at a place."""
    return any(each is scope for each in file.above(node))


def _by_figures_of_batches(case: Case) -> list[Edit]:
    """Where only batches are at hand: they are gone over once before training; the model keeps what others need."""
    calls = _outermost(held_out_calls(case.program))
    steps = training_steps(case)
    batches = _batches(case.program, steps[0]) if len(steps) == 1 else None
    if batches is None or not calls:
        return []
    file, training = steps[0].file, steps[0]
    model = next(iter(training.models(case.program)), "")
    mean, std, given = free_names(file, "target_mean", "target_std", "targets")
    owners = [""] * len(calls)
    if not all(_sees(each.file, each.node, file.scope(batches.loop)) for each in calls):
        owners = [f"{each.file.code(each.node.func)}." for each in calls]
        mean, std = (f"{model}.{each}" for each in ("target_mean", "target_std"))
    cat, more = imported(file, "torch.cat")
    figures = f"""\
{given} = {cat}([{batches.target} for {batches.each} in {batches.of}])
{mean}, {std} = {given}.mean(), {given}.std()"""
    return [
        before(file, training.loops[-1], figures),
        _scaled(batches.pair, mean, std),
        *(
            _scaled_back(each, f"{owner}target_mean" if owner else mean, f"{owner}target_std" if owner else std)
            for each, owner in zip(calls, owners, strict=True)
        ),
        *more,
    ]


@dataclass(frozen=True)
class _Batches:
    """Training batches as a loop has them: `target` for `each` of `of`."""

    loop: ast.For
    pair: Compared
    target: str
    each: str
    of: str


def _batches(program: Program, training: TrainingStep) -> _Batches | None:
    """Of a loop over a loader whose target the loop's own names tell."""
    pair, file = compared(program, training), training.file
    for loop in training.loops:
        if pair is None or not isinstance(loop, ast.For) or pair.call.file is not file:
            continue
        names = {each.id for each in ast.walk(loop.target) if isinstance(each, ast.Name)}
        target = _in_terms_of(file, pair.target, names)
        outside = {each.id for each in ast.walk(loop.iter) if isinstance(each, ast.Name)}
        if target is not None and not any(_is_bound_within(file, each, training.loops[-1]) for each in outside):
            return _Batches(loop, pair, target, file.code(loop.target), file.code(loop.iter))
    return None


def _in_terms_of(file: SourceFile, node: ast.expr, names: set[str], depth: int = 3) -> str | None:
    """An expression whose only names are these, perhaps what a name was bound to in the loop."""
    used = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    bound = binding(file, node) if isinstance(node, ast.Name) else None
    if bound is not None and not bound.looped and bound.item is None and depth:
        return _in_terms_of(file, bound.value, names, depth - 1)
    # `y.to(device)`: the loop's own y is on the other side of it
    return file.code(node) if used and used & names and len(used - names) <= 1 else None


def _is_bound_within(file: SourceFile, name: str, loop: ast.AST) -> bool:
    return any(loop in file.above(each.statement) or each.statement is loop for each in bindings(file, name))


@fix("scale-targets")
def scale_target_array(case: Case) -> Iterator[Sequence[Edit]]:
    """Scale the array of targets: figures that are reported are then in deviations."""
    target = training_targets(case)
    bound = target.bound if target is not None and target.dataset is None else None
    if target is None or bound is None:
        return
    file, name = target.file, ast.unparse(target.base)
    part = target.code if isinstance(target.node, ast.Subscript) else training_part(target, _like_inputs(case, target))
    if part is not None:
        place = known_from(file, bound.statement, part)
        yield [after(file, place, f"{name} = ({name} - {part}.mean()) / {part}.std()")]
        return
    other = _held_out_counterpart(case, name)
    if other is not None:
        mean, std = free_names(file, "target_mean", "target_std")
        place = known_from(file, bound.statement, f"{name} + {other}")
        yield [
            after(
                file,
                place,
                f"{mean}, {std} = {name}.mean(), {name}.std()\n"
                f"{name}, {other} = ({name} - {mean}) / {std}, ({other} - {mean}) / {std}",
            )
        ]


def _held_out_counterpart(case: Case, name: str) -> str | None:
    """`y_test` of `y_train`, as `x_test` is of `x_train`."""
    train = training_inputs(case)
    for each in held_out_inputs(case):
        if train is not None and each.file is train.file:
            other = counterparts(train.file, ast.unparse(train.base), ast.unparse(each.base)).get(name)
            if other is not None and other != name:
                return other
    return None


def _like_inputs(case: Case, target: Source) -> list[Source]:
    """Held-out parts of the target's array, as they are written for the inputs."""
    train = training_inputs(case)
    if train is None or isinstance(train.node, ast.Subscript):
        return []
    return [
        Source(each.file, ast.Subscript(value=target.base, slice=each.node.slice, ctx=ast.Load()))
        for each in held_out_inputs(case)
        if ast.unparse(each.base) == ast.unparse(train.base) and isinstance(each.node, ast.Subscript)
    ]
