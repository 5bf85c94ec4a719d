"""Fixes of data that hold NaN or infinities."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gradus.diagnosis.prescription.batches import (
    Source,
    model_calls,
    source,
    training_inputs,
    training_targets,
)
from gradus.diagnosis.prescription.bindings import binding, function_around, method, parameters, returned
from gradus.diagnosis.prescription.callables import reached
from gradus.diagnosis.prescription.edits import Edit, after, before, imported
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.libraries import is_table, library_of
from gradus.diagnosis.prescription.modules import find_module
from gradus.diagnosis.prescription.program import Program, SourceFile
from gradus.diagnosis.prescription.rewriting import around, unique
from gradus.diagnosis.prescription.roles import training_steps


@fix("clean-data")
def leave_out_unlabelled(case: Case) -> Iterator[Sequence[Edit]]:
    """Examples whose target is missing are left out."""
    first, inputs, targets = case.history.non_finite, training_inputs(case), training_targets(case)
    if first is None or first.source != "target" or inputs is None or targets is None:
        return
    file, one, other = targets.file, inputs.bound, targets.bound
    if one is None or other is None or inputs.file is not file:
        return
    if file.scope(one.statement) is not file.scope(other.statement):
        return
    x, y = ast.unparse(inputs.base), ast.unparse(targets.base)
    finite, more = imported(file, f"{library_of(case.program, file, targets.base)}.isfinite")
    last = max(_changed_last(inputs), _changed_last(targets), key=_place)
    known = f"known = {finite}({y}).reshape(len({y}), -1).all(1)"
    yield [after(file, last, f"{known}\n{x}, {y} = {x}[known], {y}[known]"), *more]


@fix("clean-data")
def fill_with_means(case: Case) -> Iterator[Sequence[Edit]]:
    """The mean of its column for a missing number of a table, before figures of the column are computed."""
    train = training_inputs(case)
    if train is None or train.bound is None or not _is_table(case):
        return
    program, file = case.program, train.file
    figures = _figures(program, train)
    if figures is None:
        yield unique(_means_of_columns(program, _arrays(case, train)))
    elif figures.axis != "1":
        text, more = _filled(program, file, figures.array, figures.axis)
        array = ast.unparse(figures.array)
        edits = [before(file, file.statement(figures.call), f"{array} = {text}"), *more]
        for each in _arrays(case, train):
            if not _is_made_of(each, figures):
                edits += _zeros_for_missing(program, each)
        yield unique(edits)


@fix("clean-data")
def replace_missing_numbers(case: Case) -> Iterator[Sequence[Edit]]:
    """`nan_to_num` behind the statement that prepares the array last: of scaled data 0 is the mean."""
    train = training_inputs(case)
    if train is None or train.bound is None:
        return
    edits: list[Edit] = []
    for each in _arrays(case, train):
        if each is train or not _is_cleaned_with(case.program, each, train):
            edits += _zeros_for_missing(case.program, each)
    yield unique(edits)


@fix("clean-data")
def clean_in_model(case: Case) -> Iterator[Sequence[Edit]]:
    """The same where the model begins, for whatever comes in."""
    for training in training_steps(case):
        for call in model_calls(case.program, training.file, training.around)[:1]:
            module = find_module(case.program, call.file, call.node.func)
            forward = method(module.owner, "forward") if module is not None and module.owner is not None else None
            if module is None or module.home is None or forward is None or len(parameters(forward)) < 2:
                continue
            name = parameters(forward)[1]
            cleaner, more = imported(module.home, "torch.nan_to_num")
            line = f"{name} = {cleaner}({name}, nan=0.0, posinf=0.0, neginf=0.0)"
            yield [before(module.home, forward.body[0], line), *more]


@fix("clean-data")
def clean_at_model(case: Case) -> Iterator[Sequence[Edit]]:
    """The same where a model without a class in the program is called, such as a sequence, if the array has no name."""
    train = training_inputs(case)
    if train is not None and train.bound is not None:
        return
    edits: list[Edit] = []
    for file in case.program.files:
        for call in model_calls(case.program, file, file.tree):
            module, function = find_module(case.program, file, call.node.func), function_around(file, call.node)
            part = function is not None and function.name == "forward"
            if module is not None and module.owner is None and not part and len(call.node.args) == 1:
                given = call.node.args[0]
                edits += around(file, given, "torch.nan_to_num", ", nan=0.0, posinf=0.0, neginf=0.0")
    if edits:
        yield unique(edits)


# ---- arrays ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Figures:
    """A mean or deviation that is computed of an array along an axis; "" for all of it."""

    call: ast.Call
    array: ast.expr
    axis: str


def _is_table(case: Case) -> bool:
    first = case.history.first
    return first is None or not first.inputs or len(first.inputs[0].shape) == 2


def _figures(program: Program, array: Source) -> _Figures | None:
    """The first mean or deviation that goes into an array by arithmetic."""
    found: list[_Figures] = []
    seen: set[ast.AST] = set()
    waiting: list[ast.AST] = [array.bound.value] if array.bound is not None else []
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        figure = _figure(array.file, node)
        if figure is not None:
            found.append(figure)
        else:
            waiting += _made_of(program, array.file, node)
    return min(found, key=lambda each: (each.call.lineno, each.call.col_offset), default=None)


def _made_of(program: Program, file: SourceFile, node: ast.AST) -> Iterator[ast.AST]:
    """What an expression is computed from, through names and functions of the same file."""
    match node:
        case ast.BinOp():
            yield from (node.left, node.right)
        case ast.Tuple():
            yield from node.elts
        case ast.Subscript():
            yield node.value
        case ast.Name() | ast.Attribute():
            bound = binding(file, node)
            if bound is not None and not bound.looped:
                yield bound.value
        case ast.Call():
            enters = reached(program, file, node)
            if enters is not None and enters[0] is file:
                yield from returned(enters[1])
            elif enters is None:
                yield from [*node.args, *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]


def _figure(file: SourceFile, node: ast.AST) -> _Figures | None:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    if node.func.attr not in {"mean", "std"}:
        return None
    of_library = bool(file.qualified(node.func))
    arguments = [*node.args, *(each.value for each in node.keywords if each.arg in {"dim", "axis"})]
    array = node.args[0] if of_library and node.args else node.func.value
    while isinstance(array, ast.Subscript):
        array = array.value
    along = [ast.unparse(each) for each in (arguments[1:] if of_library else arguments)]
    axis = {"0": "0", "1": "1", "-1": "1"}.get(along[0], "") if along else ""
    return _Figures(node, array, axis) if isinstance(array, ast.Name) else None


def _is_made_of(source: Source, figures: _Figures) -> bool:
    """Whether an array is made of the one that the figures are of, in the same function."""
    file, bound = source.file, source.bound
    if bound is None or file.scope(bound.statement) is not file.scope(figures.call):
        return False
    names = {each.id for each in ast.walk(bound.value) if isinstance(each, ast.Name)}
    return ast.unparse(figures.array) in {ast.unparse(source.base), *names} and bound.item is None


def _arrays(case: Case, train: Source) -> list[Source]:
    """What models are given anywhere in the training array's file and has a name: each array once, that one first."""
    calls = model_calls(case.program, train.file, train.file.tree)
    found = [source(case.program, each.file, each.node.args[0]) for each in calls if each.node.args]
    known = {ast.unparse(train.base): train}
    for each in found:
        if each is not None and each.file is train.file and each.bound is not None:
            known.setdefault(ast.unparse(each.base), each)
    return list(known.values())


def _changed_last(source: Source) -> ast.stmt:
    """The statement that binds an array, or the last one behind it that puts something into it."""
    assert source.bound is not None
    file, bound, name = source.file, source.bound.statement, ast.unparse(source.base)
    changed = [
        node
        for node in ast.walk(file.scope(bound))
        if isinstance(node, ast.Assign | ast.AugAssign)
        and file.parents[node] is file.parents[bound]
        and any(
            isinstance(each, ast.Subscript | ast.Name) and name == ast.unparse(getattr(each, "value", each))
            for each in (node.targets if isinstance(node, ast.Assign) else [node.target])
        )
    ]
    return max([bound, *changed], key=_place)


def _place(node: ast.stmt) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _is_cleaned_with(program: Program, source: Source, train: Source) -> bool:
    """Whether it comes out of the function in which the training array is cleaned."""
    place, bound = train.bound, source.bound
    assert place is not None
    assert bound is not None
    home = train.file.scope(place.statement)
    value = bound.value
    calls = [each for each in ast.walk(value) if isinstance(each, ast.Call)] if home is not train.file.tree else []
    return any((enters := reached(program, source.file, each)) is not None and enters[1] is home for each in calls)


def _zeros_for_missing(program: Program, source: Source) -> list[Edit]:
    file, place = source.file, source.bound
    assert place is not None
    name = ast.unparse(source.base)
    if is_table(program, file, source.base):
        return [after(file, _changed_last(source), f"{name} = {name}.fillna(0.0)")]
    cleaner, more = imported(file, f"{library_of(program, file, source.base)}.nan_to_num")
    return [after(file, _changed_last(source), f"{name} = {cleaner}({name}, nan=0.0, posinf=0.0, neginf=0.0)"), *more]


def _means_of_columns(program: Program, arrays: Sequence[Source]) -> Iterator[Edit]:
    """Behind the last statement that changes the array and, for one held out, the training array as well."""
    train = arrays[0]
    start = _changed_last(train)
    for each in arrays:
        place = _changed_last(each)
        if train.file.scope(place) is train.file.scope(start):
            text, more = _filled(program, train.file, each.base, "0", means=train.base)
            yield from [after(train.file, max(start, place, key=_place), f"{ast.unparse(each.base)} = {text}"), *more]


def _filled(
    program: Program, file: SourceFile, array: ast.expr, axis: str, means: ast.expr | None = None
) -> tuple[str, list[Edit]]:
    """`np.where(np.isnan(x), np.nanmean(x, axis=0), x)`, and what has to be imported."""
    library = library_of(program, file, array)
    text, source = ast.unparse(array), ast.unparse(means if means is not None else array)
    if is_table(program, file, array):
        return f"{text}.fillna({source}.mean(numeric_only=True))", []
    where, more = imported(file, f"{library}.where")
    prefix = where.removesuffix("where")
    along = "" if not axis else f", {'axis' if library == 'numpy' else 'dim'}={axis}"
    return f"{where}({prefix}isnan({text}), {prefix}nanmean({source}{along}), {text})", more
