"""Fixes of operations that run over the batch axis, so that examples mix."""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.bindings import Function, binding, class_around
from gradus.diagnosis.prescription.edits import Edit, atom, delete, replace, with_argument, without_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.roles import is_module

_SEQUENCES = (
    "torch.nn.LSTM", "torch.nn.GRU", "torch.nn.RNN", "torch.nn.MultiheadAttention", "torch.nn.TransformerEncoderLayer",
    "torch.nn.TransformerDecoderLayer", "torch.nn.Transformer",
)  # fmt: skip
_REDUCING = {"mean", "sum", "std", "var", "norm", "amax", "amin", "max", "min", "prod", "logsumexp", "median"}
_KEEPING = {"softmax", "log_softmax", "normalize", "cumsum", "flip", "cat", "concat", "layer_norm", "argmax"}
_JOINING = {"torch.stack", "torch.cat", "torch.concat", "torch.concatenate"}
_IN_PLACE = {"contiguous", "clone", "to", "float", "relu", "tanh", "sigmoid", "gelu", "silu", "dropout"}
"""What leaves every axis where it is."""
_FAR = 8
_LAYERS = ("torch.nn.Softmax", "torch.nn.LogSoftmax", "torch.nn.CosineSimilarity", "torch.nn.Flatten")


@fix("keep-batch-axis")
def batches_come_first(case: Case) -> Iterator[Sequence[Edit]]:
    """`batch_first=True` for layers over sequences, where nothing moves the axes."""
    first = case.history.first
    shape = first.inputs[0].shape if first is not None and first.inputs else (0, 0, 0)
    moved = any(_swaps(file, node) for file, function in _forward(case.program) for node in ast.walk(function))
    edits = [
        with_argument(call.file, call.node, "batch_first", "True")
        for call in case.program.calls(*_SEQUENCES)
        if not any(each.arg == "batch_first" and _is(each.value, True) for each in call.node.keywords)
    ]
    if edits and not moved and len(shape) in {2, 3}:
        yield edits


def _swaps(file: SourceFile, node: ast.AST) -> bool:
    """Whether the first two axes are exchanged, or were meant to be: `x.view(x.size(1), x.size(0), -1)`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    axes = [ast.unparse(each) for each in node.args]
    if node.func.attr in {"view", "reshape"}:
        return _exchanged_by_shape(file, node) is not None
    return (node.func.attr in {"transpose", "swapaxes"} and axes[-2:] in (["0", "1"], ["1", "0"])) or (
        node.func.attr == "permute" and axes[:2] == ["1", "0"]
    )


@fix("keep-batch-axis")
def normalize_by_running_statistics(case: Case) -> Iterator[Sequence[Edit]]:
    """Batch norm that has no running statistics uses those of the batch in evaluation mode, too."""
    for call in case.program.calls("torch.nn.*BatchNorm*"):
        for each in call.node.keywords:
            if each.arg == "track_running_stats" and _is(each.value, False):
                yield [without_argument(call.file, call.node, each)]
    for call in case.program.calls("torch.nn.functional.batch_norm"):
        given = call.argument(5, "training")
        if given is not None and _is(given, True):
            yield [replace(call.file, given, "self.training")]


@fix("keep-batch-axis")
def keep_examples_apart(case: Case) -> Iterator[Sequence[Edit]]:
    """`flatten(1)`, another axis for what runs over the first one, no transposition of the first two."""
    for file, function in _forward(case.program):
        calls = [each for each in ast.walk(function) if isinstance(each, ast.Call)]
        for each in calls:
            yield from _joined_along_next(file, each)
        along_next = [edits for each in calls for edits in _another_axis(file, each, function)]
        if len(along_next) > 1:  # a mean and its deviation
            yield [edit for edits in along_next for edit in edits]
        yield from along_next
        for each in calls:
            yield from _flattened(file, each)
            yield from _each_its_own_copies(file, each)
    summed = any(_sums_over_next(function) for _, function in _forward(case.program))
    for call in case.program.calls(*_LAYERS):
        name = call.file.qualified(call.node.func).rpartition(".")[2]
        given = call.argument(0, "start_dim" if name == "Flatten" else "dim")
        if given is not None and _is(given, 0):
            yield [replace(call.file, given, "-1" if name == "Softmax" and not summed else "1")]
    for file, function in _forward(case.program):
        for node in ast.walk(function):
            if isinstance(node, ast.Call):
                yield from _not_moved(file, node)


@fix("class-axis")
def over_what_is_looked_at(case: Case) -> Iterator[Sequence[Edit]]:
    """The axis that is then summed over, or the last one, for a softmax that was seen to run over the batch; so does
    one of three axes that is told none.
    """
    known = [each for examination in case.history.examinations[:3] for each in examination.losses]
    crossed = next((each.crossed for each in known if each.crossed is not None), None)
    if crossed is None and not any(each.over_first for each in known):
        return
    forward = list(_forward(case.program))
    summed = any(_sums_over_next(function) for _, function in forward)
    for file, function in forward:
        right = "1" if _sums_over_next(function) else "-1"
        for each in ast.walk(function):
            if isinstance(each, ast.Call) and file.qualified(each.func).rpartition(".")[2] == "softmax":
                yield from _over_axis(Found(file, each), 1, right, crossed)
            elif isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr == "softmax":
                yield from _over_axis(Found(file, each), 0, right, crossed)
    for call in case.program.calls("torch.nn.Softmax"):
        yield from _over_axis(call, 0, "1" if summed else "-1", crossed)


def _over_axis(call: Found, position: int, axis: str, crossed: tuple[int, int, int] | None) -> Iterator[Sequence[Edit]]:
    """Another axis for the one that was seen, or for none; which it is, is known where one is summed over."""
    seen, summed, axes = crossed or (0, 0, 0)
    right = str(summed - axes) if crossed is not None else axis
    given = call.argument(position, "dim")
    if given is None:
        yield [with_argument(call.file, call.node, "dim", right)]
    elif ast.unparse(given) in ({str(seen), str(seen - axes)} if crossed is not None else {"0"}):
        yield [replace(call.file, given, right)]


def _forward(program: Program) -> Iterator[tuple[SourceFile, Function]]:
    """Methods of modules that compute."""
    for file, node in program.nodes():
        owner = class_around(file, node) if isinstance(node, Function) else None
        named = isinstance(node, Function) and node.name != "__init__"
        if isinstance(node, Function) and named and owner is not None and is_module(program, file, owner):
            yield file, node


def _is(node: ast.expr, value: object) -> bool:
    return (
        isinstance(node, ast.Constant) and node.value is value
        if isinstance(value, bool)
        else (isinstance(node, ast.Constant) and node.value == value and not isinstance(node.value, bool))
    )


def _another_axis(file: SourceFile, call: ast.Call, function: Function) -> Iterator[Sequence[Edit]]:
    """`softmax(x, dim=0)` and `x.mean(0)`: along the next axis; what is then summed over it, too."""
    name = file.qualified(call.func).rpartition(".")[2]
    method = call.func.attr if isinstance(call.func, ast.Attribute) and not file.qualified(call.func) else ""
    called = name or method
    if called not in _REDUCING | _KEEPING | {"roll"}:
        return
    found = Found(file, call)
    position = (0 if method else 1) + (called in {"norm", "roll"})
    given = next((each for key in ("dim", "axis", "dims") if (each := found.argument(-1, key)) is not None), None)
    given = given or found.argument(position, "dim")
    if given is None or not _is(given, 0):
        return
    following = called in _REDUCING | {"roll", "flip", "cat", "concat"} or _sums_over_next(function)
    edits = [replace(file, given, "1" if following else "-1")]
    kept = any(each.arg in {"keepdim", "keepdims"} for each in call.keywords)
    if called in _REDUCING and not kept and any(isinstance(each, ast.BinOp) for each in _nearest(file, call)):
        edits.append(with_argument(file, call, "keepdim", "True"))
    yield edits


def _joined_along_next(file: SourceFile, call: ast.Call) -> Iterator[Sequence[Edit]]:
    """`torch.stack(parts, dim=1)` for `torch.stack(parts)` that is then given the shape of a batch."""
    is_function = bool(file.qualified(call.func))
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in {"view", "reshape"}:
        return
    if is_function and not call.args:
        return
    joined = _joined(file, call.args[0] if is_function else call.func.value)
    if joined is None:
        return
    given = next((each for key in ("dim", "axis") if (each := Found(file, joined).argument(-1, key)) is not None), None)
    given = given or Found(file, joined).argument(1, "dim")
    if given is None:
        yield [with_argument(file, joined, "dim", "1")]
    elif _is(given, 0):
        yield [replace(file, given, "1")]


def _joined(file: SourceFile, node: ast.expr) -> ast.Call | None:
    """The call that joined what an expression holds, through names and what leaves the axes where they are."""
    for _ in range(_FAR):
        bound = binding(file, node) if isinstance(node, ast.Name) else None
        if bound is not None and bound.item is None and not bound.looped:
            node = bound.value
        elif isinstance(node, ast.Call) and file.qualified(node.func) in _JOINING:
            return node
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _IN_PLACE:
            is_function = file.qualified(node.func) and node.args
            node = node.args[0] if is_function else node.func.value
        else:
            return None
    return None


def _sums_over_next(function: Function) -> bool:
    """Whether a sum or mean over axis 1 follows, as of weights over the steps of a sequence."""
    return any(
        isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr in {"sum", "mean"}
        and any(_is(axis, 1) for axis in (*each.args, *(given.value for given in each.keywords)))
        for each in ast.walk(function)
    )


def _nearest(file: SourceFile, call: ast.Call) -> list[ast.AST]:
    """What directly uses a value, through brackets that take one of several results."""
    return [next(iter(file.above(call)))]


def _flattened(file: SourceFile, call: ast.Call) -> Iterator[Sequence[Edit]]:
    """`x.view(-1, n)` and `x.flatten()`: each example by itself."""
    called = call.func
    if not isinstance(called, ast.Attribute):
        return
    is_function = bool(file.qualified(called))
    arguments = call.args[1:] if is_function else call.args
    if called.attr == "flatten" and (not arguments or (_is(arguments[0], 0) and len(arguments) == 1)):
        if arguments:
            yield [replace(file, arguments[0], "1")]
        else:
            end = file.span(call)[1] - 1
            yield [Edit(file, end, end, ", 1" if is_function else "1")]
    if called.attr in {"view", "reshape"} and len(arguments) == 2 and ast.unparse(arguments[0]) == "-1":
        array = file.code(call.args[0]) if is_function else file.code(called.value)
        if array.isidentifier():
            yield [replace(file, arguments[0], f"len({array})"), replace(file, arguments[1], "-1")]
    exchanged = _exchanged_by_shape(file, call)
    if exchanged is not None:
        yield [replace(file, call, exchanged)]


def _exchanged_by_shape(file: SourceFile, call: ast.Call) -> str | None:
    """`x.transpose(0, 1)` of `x.view(steps, batch, n)`, where `batch, steps` are the first two sizes; of another array
    than the one they are of, which may hold all steps in one row, or of as many steps as the model always takes,
    `x.view(batch, steps, n).transpose(0, 1)`.
    """
    called = call.func
    if not isinstance(called, ast.Attribute) or called.attr not in {"view", "reshape"}:
        return None
    is_function = bool(file.qualified(called))
    array, given = (call.args[0], call.args[1:]) if is_function and call.args else (called.value, call.args)
    sizes = given[0].elts if len(given) == 1 and isinstance(given[0], ast.Tuple | ast.List) else given
    known = [_size(file, each) for each in sizes]
    whole, name = ast.unparse(array), known[0][0] if known and known[0] is not None else ""
    second = len(sizes) >= 3 and (ast.unparse(sizes[1]) == "-1" or (known[1] is not None and known[1][1] == 0))
    if not second or not (known[0] == (name, 1) or _is_fixed(file, sizes[0])):
        return None
    one_more = len(sizes) == 3 and ast.unparse(sizes[2]) != "-1"
    if name == whole and (one_more or known[2:] == [(name, axis) for axis in range(2, len(sizes))]):
        return f"{file.code(array)}.transpose(0, 1)"
    texts = [file.code(each) for each in (sizes[1], sizes[0], *sizes[2:])]
    return f"{atom(file, array)}.reshape({', '.join(texts)}).transpose(0, 1)"


def _is_fixed(file: SourceFile, node: ast.expr) -> bool:
    """Whether it is a number of the model's own, such as the length of its sequences, not of the batch it is given."""
    if isinstance(node, ast.Name):
        bound = binding(file, node)
        return bound is not None and bound.item is None and _is_fixed(file, bound.value)
    if isinstance(node, ast.Attribute):
        return ast.unparse(node.value) == "self" and "batch" not in node.attr
    return isinstance(node, ast.Constant) and isinstance(node.value, int) and node.value > 1


def _size(file: SourceFile, node: ast.expr) -> tuple[str, int] | None:
    """The array, and the axis, that a number is the size of: `x.size(1)`, `x.shape[1]`, `len(x)`, or their names."""
    match node:
        case ast.Name():
            bound = binding(file, node)
            if bound is None or bound.looped:
                return None
            array = _shape_of(bound.value)
            return _size(file, bound.value) if bound.item is None else (array, bound.item) if array else None
        case ast.Call(func=ast.Name(id="len"), args=[array]):
            return ast.unparse(array), 0
        case ast.Call(func=ast.Attribute(attr="size", value=array), args=[ast.Constant(value=int(axis))]):
            return ast.unparse(array), axis
        case ast.Subscript(value=whole, slice=ast.Constant(value=int(axis))) if array := _shape_of(whole):
            return array, axis
    return None


def _shape_of(node: ast.expr) -> str:
    """The array of `x.shape`, `x.size()` or `x.shape[:2]`; "" if it is none of them."""
    match node:
        case ast.Attribute(attr="shape", value=array) | ast.Call(func=ast.Attribute(attr="size", value=array), args=[]):
            return ast.unparse(array)
        case ast.Subscript(value=whole, slice=ast.Slice(lower=None)):
            return _shape_of(whole)
    return ""


def _each_its_own_copies(file: SourceFile, call: ast.Call) -> Iterator[Sequence[Edit]]:
    """`x.repeat(n, 1)`, which lays whole batches end to end: the copies of an example follow each other instead."""
    called = call.func
    if not isinstance(called, ast.Attribute):
        return
    is_function = bool(file.qualified(called))
    array, arguments = (call.args[0], call.args[1:]) if is_function and call.args else (called.value, call.args)
    times = arguments[0].elts if len(arguments) == 1 and isinstance(arguments[0], ast.Tuple | ast.List) else arguments
    copied = called.attr == "tile" or (called.attr == "repeat" and not is_function)
    if copied and times and not _is(times[0], 1) and all(_is(each, 1) for each in times[1:]) and _is_batch(file, array):
        text = f"{file.code(array)}.repeat_interleave({file.code(times[0])}, dim=0)"
        yield [replace(file, call, text)]


def _is_batch(file: SourceFile, array: ast.expr) -> bool:
    """Whether an array may hold examples: what the module keeps, or has just given an axis, is the same for all."""
    names = {each.id for each in ast.walk(array) if isinstance(each, ast.Name)}
    return "self" not in names and "unsqueeze(0)" not in ast.unparse(array) and "[None" not in ast.unparse(array)


def _not_moved(file: SourceFile, call: ast.Call) -> Iterator[Sequence[Edit]]:
    """`x.transpose(0, 1)` taken away."""
    called = call.func
    if not isinstance(called, ast.Attribute) or file.qualified(called):
        return
    axes = [ast.unparse(each) for each in call.args]
    if (called.attr in {"transpose", "swapaxes"} and sorted(axes) == ["0", "1"]) or (
        called.attr == "permute" and axes[:2] == ["1", "0"] and axes[2:] == [str(n) for n in range(2, len(axes))]
    ):
        statement = file.statement(call)
        target = statement.targets[0] if isinstance(statement, ast.Assign) and statement.value is call else None
        if target is not None and ast.unparse(target) == ast.unparse(called.value):
            yield [delete(file, statement)]
        else:
            yield [replace(file, call, file.code(called.value))]
