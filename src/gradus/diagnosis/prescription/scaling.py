"""Fixes of numbers that go in and are far from zero mean and unit deviation."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.inputs import channel_axis
from gradus.diagnosis.prescription.batches import Source, held_out_inputs, training_inputs
from gradus.diagnosis.prescription.bindings import Binding, binding, bindings, returned
from gradus.diagnosis.prescription.edits import Edit, after, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import Found, SourceFile
from gradus.diagnosis.signs import InputSigns

_OF_LAYERS = {"saturated-units", "exploding-signal", "initial-loss"}
_FAR_WIDER = 10.0


@fix("scale-inputs")
def scale_each_column(case: Case) -> Iterator[Sequence[Edit]]:
    """A mean and a deviation of each column, where an array was scaled by those of all its numbers."""
    signs = input_signs(case)
    if case.cause != "feature-scale" or signs is None or signs.constant:
        return
    edits: list[Edit] = []
    for file, node in case.program.nodes():
        match node:
            case ast.BinOp(left=ast.BinOp(op=ast.Sub(), right=middle), op=ast.Div(), right=width):
                calls = [_of_all(file, middle, "mean"), _of_all(file, width, "std")]
            case _:
                continue
        for each in calls if all(calls) else []:
            if each is not None:
                end = each.file.span(each.node)[1] - 1
                edits.append(Edit(each.file, end, end, f"{', ' if each.node.args else ''}{_axes(signs)}"))
    if edits:
        yield list(dict.fromkeys(edits))


def _of_all(file: SourceFile, node: ast.expr, name: str) -> Found | None:
    """The call that takes a figure of all numbers of an array, `x.mean()` or `np.mean(x)`, and may have a name."""
    bound = binding(file, node) if isinstance(node, ast.Name) else None
    if bound is not None and bound.item is None:
        file, node = bound.file, bound.value
    match node:
        case ast.Call(func=ast.Attribute(attr=called), args=given, keywords=[]) if called == name:
            library = file.qualified(node.func) in {f"numpy.{name}", f"torch.{name}"}
            return Found(file, node) if len(given) == library else None
    return None


@fix("scale-inputs")
def scale_arrays(case: Case) -> Iterator[Sequence[Edit]]:
    """Scale the arrays that batches come from, all by figures of the training examples."""
    train, signs = training_inputs(case), input_signs(case)
    if train is None or signs is None or blameless(case, signs):
        return
    if train.dataset is not None:
        if _is_picture(signs):
            yield from _in_dataset(train)
        return
    edits = scaled_arrays(train, held_out_inputs(case), signs)
    if edits:
        yield edits


def input_signs(case: Case) -> InputSigns | None:
    """What was seen of the model's first input; None if nothing was."""
    first = case.history.first
    return first.inputs[0] if first is not None and first.inputs else None


def blameless(case: Case, signs: InputSigns) -> bool:
    """Whether no other scale helps: inputs are one number, or are on a scale that suits layers, which are blamed."""
    return signs.low == signs.high or (
        case.cause in _OF_LAYERS and abs(signs.mean) < 1 and 0.3 < signs.std < 3 and signs.spread < _FAR_WIDER
    )


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
        part = training_part(train, held_out)
        if part is None:
            return []
        axis = _axes(signs)
        deviation = f"{part}.std({axis})" + (".clip(1e-6)" if signs.constant and axis else "")
        if not others:
            place = known_from(file, bound.statement, part)
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


def _axes(signs: InputSigns) -> str:
    """What figures are taken over: rows of a table; all but the channels, where these differ; else all there is."""
    if len(signs.shape) == 2:
        return "0"
    at = channel_axis(signs.shape) if signs.spread > _FAR_WIDER else 0
    return f"{tuple(each for each in range(len(signs.shape)) if each != at)}, keepdims=True" if at else ""


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


def known_from(file: SourceFile, statement: ast.stmt, part: str) -> ast.stmt:
    """The first place from a statement on at which all names of an expression have their values."""
    scope = file.scope(statement)
    names = {each.id for each in ast.walk(ast.parse(part)) if isinstance(each, ast.Name)}
    later = [
        bound[0].statement
        for name in names
        if (bound := [each for each in bindings(file, name, scope) if file.scope(each.statement) is scope])
    ]
    return max([statement, *later], key=lambda each: each.lineno)


def training_part(train: Source, held_out: Sequence[Source]) -> str | None:
    """The training examples, as an expression: all of an array, or what of it is not held out."""
    if isinstance(train.node, ast.Subscript):
        return train.code
    name = ast.unparse(train.base)
    others = any(ast.unparse(each.base) != name for each in held_out)
    for each in held_out:
        if ast.unparse(each.base) == name:
            if others and isinstance(each.node, ast.Name):
                continue  # how well it does on what it was trained on
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
