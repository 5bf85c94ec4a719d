"""Fixes of the fit: more or less regularization, and size."""

import ast
import re
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.batches import model_calls
from gradus.diagnosis.prescription.bindings import binding
from gradus.diagnosis.prescription.callables import reached
from gradus.diagnosis.prescription.edits import Edit, around, before, imported, replace, with_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.lasting import best_kept
from gradus.diagnosis.prescription.layers import LAYERS, Layer, hidden_layers
from gradus.diagnosis.prescription.program import Program, SourceFile
from gradus.diagnosis.prescription.rates import class_of, optimizer_calls
from gradus.diagnosis.prescription.roles import training_steps
from gradus.diagnosis.prescription.written import Written, entry, number, option, text_of, written

_DROPOUT = 0.1
_HIGH_DROPOUT = 0.3
_DECAY = {"SGD": 1e-4, "AdamW": 1e-2}
_LITTLE_DECAY = 1e-5
_STRONG_DECAY = {"SGD": 5e-3, "AdamW": 1.0}
_STRONG_PENALTY = 0.03
_NARROW = 16
_SEVERAL = 8
_WIDER = 64


@fix("regularize-less")
def regularize_less(case: Case) -> Iterator[Sequence[Edit]]:
    """Dropout to 0.1, decay and penalties to what is customary, those of them that are far above it; then all to 0."""
    places = {
        (place.file.path, place.node.lineno, place.node.col_offset): (place, value)
        for place, value in (*_dropouts(case), *_decays(case), *_penalties(case))
    }
    if places:
        yield [place.becomes(value) for place, value in places.values()]
        yield [place.becomes(0.0) for place, _ in places.values()]


def _dropouts(case: Case) -> Iterator[tuple[Written, float]]:
    calls = case.program.calls("torch.nn.*Dropout*", "torch.nn.functional.*dropout*")
    for call in calls:
        by_function = "functional" in call.file.qualified(call.node.func)
        place = written(case.program, call.file, call.argument(1 if by_function else 0, "p"))
        if place is not None and place.value > _HIGH_DROPOUT:
            yield place, _DROPOUT
    for call in case.program.calls(
        "torch.nn.LSTM", "torch.nn.GRU", "torch.nn.RNN", "torch.nn.Transformer*", "torch.nn.Multi*"
    ):
        place = option(case.program, call, -1, "dropout")
        if place is not None and place.value > _HIGH_DROPOUT:
            yield place, _DROPOUT


def _decays(case: Case) -> Iterator[tuple[Written, float]]:
    for call in optimizer_calls(case):
        usual = _DECAY.get(class_of(call), _LITTLE_DECAY)
        inside = (each for each in ast.walk(call.node) if each is not call.node)
        groups = [each for each in inside if isinstance(each, ast.Dict | ast.Call)]  # {"params": ..}, dict(params=..)
        for place in (
            option(case.program, call, -1, "weight_decay"),
            *(entry(case.program, call.file, each, "weight_decay") for each in groups),
        ):
            if place is not None and place.value > 5 * usual:
                yield place, usual


def _penalties(case: Case) -> Iterator[tuple[Written, float]]:
    """Factors of sums over parameters that are added to the loss, and of decay that is written out."""
    for file, node in case.program.nodes():
        for factor, other in _products(node):
            place = written(case.program, file, factor)
            if place is not None and place.value > 1e-4 and _sums_parameters(case.program, file, other):
                yield place, 1e-5


def _products(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """A factor, and what it multiplies: also in `p.grad.add_(p, alpha=0.1)` and `p.mul_(1 - 0.1)`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        for factor, other in ((node.left, node.right), (node.right, node.left)):
            match factor:
                case ast.BinOp(left=left) if number(factor) is None:  # LAMBDA / 2 * sum(...)
                    yield left, other
                case _:
                    yield factor, other
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr == "add_" and ast.unparse(node.func.value).endswith(".grad") and node.args:
            yield from ((each.value, node.args[0]) for each in node.keywords if each.arg == "alpha")
        left_over = node.args[0] if node.func.attr == "mul_" and node.args else None
        if isinstance(left_over, ast.BinOp) and isinstance(left_over.op, ast.Sub) and number(left_over.left) == 1:
            yield left_over.right, node.func.value


def _sums_parameters(program: Program, file: SourceFile, node: ast.expr) -> bool:
    """Whether it is such a sum: by its name, by what it was made of, or by the function that gives it."""
    if isinstance(node, ast.Name | ast.Attribute):
        if re.search(r"(^|[._])(l[12]|reg|penalty|weight_norm|norm|sparsity)(_|$)", ast.unparse(node)):
            return True
        made = file.value(node)
        return _is_parameter(file, node) or (made is not None and _sums_parameters(program, file, made))
    text = ast.unparse(node)
    enters = reached(program, file, node) if isinstance(node, ast.Call) else None
    if enters is not None:
        text = ast.unparse(enters[1])
    of_parameters = re.search(r"parameters\(|weight\b", text) or any(
        _is_parameter(file, each) for each in ast.walk(node) if isinstance(each, ast.Name)
    )
    return bool(of_parameters and re.search(r"abs\(|norm|pow\(|\*\* ?2|square", text))


def _is_parameter(file: SourceFile, node: ast.expr) -> bool:
    """Whether it is `p` or `p.data` of `for p in model.parameters()`."""
    if isinstance(node, ast.Attribute):
        return node.attr == "data" and _is_parameter(file, node.value)
    bound = binding(file, node)
    return bound is not None and bound.looped and "parameters(" in ast.unparse(bound.value)


@fix("weight-decay")
def decay(case: Case) -> Iterator[Sequence[Edit]]:
    """A strong decay where there is little or none, with dropout and then alone; the best weights are kept as well.

    Decay delays overfitting, and where training goes on for long it does not prevent it.
    """
    edits: list[Edit] = []
    for call in optimizer_calls(case):
        strong = _STRONG_DECAY.get(class_of(call), _STRONG_PENALTY)
        place = option(case.program, call, -1, "weight_decay")
        if place is not None:
            edits += [place.becomes(strong)] if place.value < strong / 5 else []
        elif call.argument(-1, "weight_decay") is None:
            edits.append(with_argument(call.file, call.node, "weight_decay", text_of(strong)))
    if edits:
        edits = list(dict.fromkeys(edits))  # optimizers may share it
        kept, dropping = best_kept(case), _dropping(case)
        if dropping:
            yield [*edits, *dropping, *kept]
        yield [*edits, *kept]


@fix("dropout")
def drop_out(case: Case) -> Iterator[Sequence[Edit]]:
    """Half of the units behind each hidden activation; the best weights are kept as well."""
    edits = _dropping(case)
    if edits:
        yield [*edits, *best_kept(case)]


def _dropping(case: Case) -> list[Edit]:
    """Dropout behind hidden activations, where the program has none and evaluates in a mode of its own."""
    if not case.program.methods("eval") or case.program.calls("torch.nn.*Dropout*", "torch.nn.functional.*dropout*"):
        return []
    edits: dict[tuple[object, int], Edit] = {}
    layers = hidden_layers(case.program)
    # neighbours that share a filter tell what one unit of it was to hide
    for layer in [each for each in layers if each.kind == "Linear"] or layers:
        found, file = layer.following, layer.file
        start, end = file.span(found.node)
        if found.operand is None:
            name, more = imported(file, "torch.nn.Dropout")
            line = file.text[:start].rpartition("\n")[2]
            text = f",\n{line}{name}(0.5)" if not line.strip() else f", {name}(0.5)"
            edits[file.path, end] = Edit(file, end, end, text)
        else:
            name, more = imported(file, "torch.nn.functional.dropout")
            if "self" not in file.code(found.node):
                continue
            opened, closed = around(file, found.node, f"{name}(", ", 0.5, self.training)")
            edits[file.path, start], edits[file.path, end] = opened, closed
        edits.update({(each.file.path, each.start): each for each in more})
    return list(edits.values())


@fix("augment")
def vary(case: Case) -> Iterator[Sequence[Edit]]:
    """Training images are shifted by a point, training examples of other kinds get a little noise.

    The best weights are kept as well.
    """
    shape = next((each.inputs[0].shape for each in case.history.examinations if each.inputs), ())
    for training in training_steps(case)[:1]:
        file = training.file
        for call in model_calls(case.program, file, training.around)[:1]:
            given = call.node.args[0] if call.node.args else None
            if call.file is not file or not isinstance(given, ast.Name) or len(shape) < 2 or shape[0] < _SEVERAL:
                return
            torch, more = imported(file, "torch")
            x = given.id
            changed = f"{x} = {x} + 0.2 * {x}.std(0) * {torch}.randn_like({x})"
            if len(shape) == 4:
                shift = f"{torch}.randint(-1, 2, (2,)).tolist()"
                changed = f"{x} = {torch}.roll({x}, {shift}, (2, 3))"
            yield [before(file, call.statement, changed), *more, *best_kept(case)]


@fix("enlarge")
def enlarge(case: Case) -> Iterator[Sequence[Edit]]:
    """Hidden layers as wide as 64, or four times as wide, where their width is written as a number."""
    places: dict[tuple[object, int, int], Written] = {}
    within = {id(each.node) for each in hidden_layers(case.program) if not _is_last(case.program, each)}
    for call in case.program.calls("torch.nn.*"):
        name = call.file.qualified(call.node.func)
        hidden = re.fullmatch(LAYERS, name) and id(call.node) in within
        if hidden or re.fullmatch(r"torch\.nn\.(LSTM|GRU|RNN)", name):
            place = written(case.program, call.file, call.argument(1, "out_features"))
            if place is not None:
                places[place.file.path, place.node.lineno, place.node.col_offset] = place
    narrowest = min((each.value for each in places.values()), default=0)
    chosen = [each for each in places.values() if each.value <= 2 * narrowest]
    edits: list[Edit] = []
    for each in chosen:
        wide = int(max(_WIDER, 4 * each.value) if each.value < _NARROW else 4 * each.value)
        edits.append(each.becomes(wide))
        edits += _inputs_as_wide(case, each, wide)
    if edits:
        yield list({(each.file.path, each.start): each for each in edits}.values())


def _is_last(program: Program, layer: Layer) -> bool:
    """Whether it is an output, before a sigmoid or tanh, and no layer behind it takes what it gives."""
    at = layer.node.lineno, layer.node.col_offset
    behind = [
        each.file.code(given)
        for each in program.calls("torch.nn.*")
        if each.file is layer.file
        and (each.node.lineno, each.node.col_offset) > at
        and (given := each.argument(0, "in_features")) is not None
    ]
    return layer.following.squashing and layer.width not in behind


def _inputs_as_wide(case: Case, place: Written, wide: int) -> Iterator[Edit]:
    """Layers whose inputs repeat the number as a literal, behind one that gives so many."""
    parent = place.file.parents.get(place.node)
    if not isinstance(parent, ast.Call) or not re.fullmatch(LAYERS, place.file.qualified(parent.func)):
        return  # a name: all that is written by it follows
    behind = [each for each in case.program.calls("torch.nn.*") if each.node.lineno >= parent.lineno]
    for call in behind:
        given = call.argument(0, "in_features")
        literal = isinstance(given, ast.Constant) and given.value == place.value
        if call.node is not parent and literal and given is not None:
            yield replace(call.file, given, str(wide))
            if re.fullmatch(LAYERS, call.file.qualified(call.node.func)):
                return
