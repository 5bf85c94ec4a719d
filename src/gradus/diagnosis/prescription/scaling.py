"""Fixes of numbers that go in and are far from zero mean and unit deviation, and of those that come out."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.batches import (
    Source,
    compared,
    held_out_calls,
    held_out_inputs,
    training_inputs,
    training_targets,
)
from gradus.diagnosis.prescription.bindings import (
    Binding,
    binding,
    bindings,
    definition,
    method,
    parameters,
    returned,
)
from gradus.diagnosis.prescription.edits import Edit, after, before, imported, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import Found, SourceFile
from gradus.diagnosis.prescription.roles import training_steps
from gradus.diagnosis.signs import InputSigns

_FLAT = {"torch.nn.Flatten", "torch.nn.Unflatten"}


@fix("scale-inputs")
def scale_arrays(case: Case) -> Iterator[Sequence[Edit]]:
    """Scale the arrays that batches come from, all by figures of the training examples."""
    train, signs = training_inputs(case), _signs(case)
    if train is None or signs is None:
        return
    if train.dataset is not None:
        if _is_picture(signs):
            yield from _in_dataset(train)
        return
    edits = scaled_arrays(train, held_out_inputs(case), signs)
    if edits:
        yield edits


def _signs(case: Case) -> InputSigns | None:
    first = case.history.first
    return first.inputs[0] if first is not None and first.inputs else None


def _is_picture(signs: InputSigns) -> bool:
    """Whether numbers are grey or colour values of 8 bits."""
    return signs.low >= 0 and 50 < signs.high <= 255 and signs.spread < 1000 and (len(signs.shape) > 2 or _wide(signs))


def _wide(signs: InputSigns) -> bool:
    return signs.shape[-1] >= 32


def _in_dataset(train: Source) -> Iterator[Sequence[Edit]]:
    """Divide by 255 where the dataset makes a tensor of an example."""
    getter = train.dataset
    assert getter is not None
    file = train.file
    result = returned(getter)[-1]
    example = result.elts[0] if isinstance(result, ast.Tuple) else result
    names = {each.id for each in ast.walk(example) if isinstance(each, ast.Name)}
    for statement in reversed(getter.body):
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) in names:
            end = file.span(statement.value)[1]
            if isinstance(statement.value, ast.BinOp | ast.IfExp):
                yield [replace(file, statement.value, f"({file.code(statement.value)}) / 255")]
            else:
                yield [Edit(file, end, end, " / 255")]
            return
    yield [replace(file, example, f"{file.code(example)} / 255")]


def scaled_arrays(train: Source, held_out: Sequence[Source], signs: InputSigns) -> list[Edit]:
    """Statements that scale, each behind the last one that binds the array; none if one of them is not known."""
    file, bound = train.file, train.bound
    if bound is None:
        return []
    name = ast.unparse(train.base)
    others = [each for each in held_out if ast.unparse(each.base) != name or each.file is not file]
    if _is_picture(signs):
        lines = {name: f"{name} = {name} / 255"}
        given: list[str] = []
        lines |= {text: f"{text} = {text} / 255" for text in (ast.unparse(each.base) for each in others)}
    else:
        part = _training_part(train, held_out)
        if part is None:
            return []
        axis = "0" if len(signs.shape) == 2 else ""
        deviation = f"{part}.std({axis})" + (".clip(1e-6)" if signs.constant and axis else "")
        if not others:
            place = _known(file, bound.statement, part)
            return [after(file, place, f"{name} = ({name} - {part}.mean({axis})) / {deviation}")]
        mean, std = free_names(file, "mean", "std")
        given = [f"{mean}, {std} = {part}.mean({axis}), {deviation}"]
        lines = {text: f"{text} = ({text} - {mean}) / {std}" for text in (name, *(ast.unparse(e.base) for e in others))}
    places = {name: bound}
    for each in others:
        other = each.bound
        if other is None or each.file is not file or file.scope(other.statement) is not file.scope(bound.statement):
            return []
        places[ast.unparse(each.base)] = other
    return _placed(file, given, lines, places, name)


def _placed(
    file: SourceFile, given: list[str], lines: dict[str, str], places: dict[str, Binding], first: str
) -> list[Edit]:
    """Lines behind the statements that bind their arrays, and not before the training array's."""
    start = places[first].statement
    by_place: dict[ast.stmt, list[str]] = {start: [*given, lines[first]]}
    for name, each in places.items():
        if name != first:
            together = any(other.statement is start for other in bindings(file, name))
            place = each.statement if each.statement.lineno > start.lineno and not together else start
            by_place.setdefault(place, []).append(lines[name])
    return [after(file, place, "\n".join(texts)) for place, texts in by_place.items()]


def _known(file: SourceFile, statement: ast.stmt, part: str) -> ast.stmt:
    """The first place from a statement on at which all names of an expression have their values."""
    scope = file.scope(statement)
    names = {each.id for each in ast.walk(ast.parse(part)) if isinstance(each, ast.Name)}
    later = [
        bound[0].statement
        for name in names
        if (bound := [each for each in bindings(file, name, scope) if file.scope(each.statement) is scope])
    ]
    return max([statement, *later], key=lambda each: each.lineno)


def _training_part(train: Source, held_out: Sequence[Source]) -> str | None:
    """The training examples, as an expression: all of an array, or what of it is not held out."""
    if isinstance(train.node, ast.Subscript):
        return train.code
    name = ast.unparse(train.base)
    for each in held_out:
        if ast.unparse(each.base) == name:
            rows = each.node.slice if isinstance(each.node, ast.Subscript) else None
            if isinstance(rows, ast.Slice) and rows.lower is not None and rows.upper is None:
                return f"{name}[:{each.file.code(rows.lower)}]"
            return None
    return name if held_out else None


def free_names(file: SourceFile, *names: str) -> list[str]:
    """Names that the file does not use yet."""
    used = {each.id for each in ast.walk(file.tree) if isinstance(each, ast.Name)}
    used |= {each.arg for each in ast.walk(file.tree) if isinstance(each, ast.arg)}
    prefix = next(each for each in ("", "train_", "fitted_", "own_") if not {f"{each}{name}" for name in names} & used)
    return [f"{prefix}{each}" for each in names]


@fix("scale-inputs")
def normalize_first(case: Case) -> Iterator[Sequence[Edit]]:
    """Batch norm without parameters as the model's first layer: it learns the scale from training batches."""
    signs = _signs(case)
    if signs is None or len(signs.shape) not in {2, 4}:
        return
    layer = "BatchNorm1d" if len(signs.shape) == 2 else "BatchNorm2d"
    for training in training_steps(case):
        for model in training.models(case.program):
            made = binding(training.file, ast.parse(model, mode="eval").body)
            made = _find(training.file, training.backward.node, model) or made
            if made is None or not isinstance(made.value, ast.Call):
                continue
            edits = _before_layers(case, made.file, made.value, layer, signs)
            if edits:
                yield edits
                return


def _find(file: SourceFile, at: ast.AST, name: str) -> Binding | None:
    """What a name is bound to at a place."""
    for node in ast.walk(file.scope(at)):
        if isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) == name and isinstance(node.ctx, ast.Load):
            return binding(file, node)
    return None


def _before_layers(case: Case, file: SourceFile, call: ast.Call, layer: str, signs: InputSigns) -> list[Edit]:
    norm, more = imported(file, f"torch.nn.{layer}")
    if file.qualified(call.func) == "torch.nn.Sequential":
        return [*_first_in_sequential(file, call, f"{norm}({signs.shape[1]}, affine=False)"), *more]
    found = definition(case.program, file, call.func.id) if isinstance(call.func, ast.Name) else None
    if found is None:
        return []
    home, owner = found
    if not isinstance(owner, ast.ClassDef):
        result = returned(owner)[-1] if returned(owner) else None
        if isinstance(result, ast.Name):
            inner = binding(home, result)
            result = inner.value if inner is not None else None
        return _before_layers(case, home, result, layer, signs) if isinstance(result, ast.Call) else []
    norm, more = imported(home, f"torch.nn.{layer}")
    begin, forward = method(owner, "__init__"), method(owner, "forward")
    if begin is None or forward is None or len(parameters(forward)) < 2:
        return []
    made = next(
        (each for each in begin.body if "super()" in ast.unparse(each) or "__init__" in ast.unparse(each)), None
    )
    first = next((each for each in forward.body if not _is_docstring(each)), None)
    if made is None or first is None:
        return []
    x = parameters(forward)[1]
    return [
        after(home, made, f"self.normalize = {norm}({signs.shape[1]}, affine=False)"),
        before(home, first, f"{x} = self.normalize({x})"),
        *more,
    ]


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _first_in_sequential(file: SourceFile, call: ast.Call, text: str) -> list[Edit]:
    for each in call.args:
        if isinstance(each, ast.Call) and file.qualified(each.func) in _FLAT:
            continue
        start = file.span(each)[0]
        margin = file.text[file.text.rfind("\n", 0, start) + 1 : start]
        return [Edit(file, start, start, f"{text}, " if margin.strip() else f"{text},\n{margin}")]
    return []


@fix("scale-targets")
def train_on_scaled_targets(case: Case) -> Iterator[Sequence[Edit]]:
    """Compare outputs with scaled targets in training, and scale them back wherever else the model is used."""
    target = training_targets(case)
    bound = target.bound if target is not None and target.dataset is None else None
    if target is None or bound is None:
        return
    part = target.code
    if not isinstance(target.node, ast.Subscript):
        part = _training_part(target, _like_inputs(case, target)) or part
    file = target.file
    mean, std = free_names(file, "target_mean", "target_std")
    shared = file.scope(bound.statement)
    place = _known(file, bound.statement, part)
    edits = [after(file, place, f"{mean}, {std} = {part}.mean(), {part}.std()")]
    calls = _outermost(held_out_calls(case.program))
    for training in training_steps(case):
        pair = compared(case.program, training)
        if pair is None or not _sees(pair.call.file, pair.call.node, shared):
            return
        edits.append(replace(pair.call.file, pair.target, f"({pair.call.file.code(pair.target)} - {mean}) / {std}"))
    for call in calls:
        if not _sees(call.file, call.node, shared):
            return
        above = call.file.parents[call.node]
        text = f"{call.file.code(call.node)} * {std} + {mean}"
        alone = isinstance(above, ast.Assign) or (isinstance(above, ast.Call) and above.func is not call.node)
        edits.append(replace(call.file, call.node, text if alone else f"({text})"))
    if calls and len(edits) > 1 + len(calls):
        yield edits


def _outermost(calls: Sequence[Found]) -> list[Found]:
    """Without encoders whose output another model takes."""
    inner = {id(node) for call in calls for each in call.node.args for node in ast.walk(each)}
    return [each for each in calls if id(each.node) not in inner]


def _sees(file: SourceFile, node: ast.AST, scope: ast.AST) -> bool:
    """Whether names of a scope can be used at a place."""
    return any(each is scope for each in file.above(node))


@fix("scale-targets")
def scale_target_array(case: Case) -> Iterator[Sequence[Edit]]:
    """Scale the array of targets: figures that are reported are then in deviations."""
    target = training_targets(case)
    bound = target.bound if target is not None and target.dataset is None else None
    if target is None or bound is None:
        return
    name = ast.unparse(target.base)
    part = target.code if isinstance(target.node, ast.Subscript) else _training_part(target, _like_inputs(case, target))
    if part is not None:
        place = _known(target.file, bound.statement, part)
        yield [after(target.file, place, f"{name} = ({name} - {part}.mean()) / {part}.std()")]


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
