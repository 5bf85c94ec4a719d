"""From a value back to the operations that made it: through names, functions of the program, and its modules."""

import ast
from collections.abc import Collection, Iterator
from dataclasses import replace

from gradus.diagnosis.prescription.bindings import (
    Function,
    binding,
    function_around,
    method,
    parameters,
    passed,
    returned,
)
from gradus.diagnosis.prescription.callables import all_reached, full_name, given_to_small, reaching, small_functions
from gradus.diagnosis.prescription.fixes import Case
from gradus.diagnosis.prescription.modules import Module, find_module
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.roles import training_steps
from gradus.diagnosis.prescription.values import Entry, Operation, Value, spelled

SHAPING = frozenset({
    "view", "reshape", "flatten", "squeeze", "unsqueeze", "transpose", "permute", "contiguous", "to", "float", "double",
    "cpu", "cuda", "clone", "index", "type", "movedim", "swapaxes", "unflatten", "cat", "stack", "scale",
})  # fmt: skip
"""Operations that change no number."""
AVERAGING = frozenset({"mean", "sum"})
_BINARY = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow", ast.MatMult: "matmul",
}  # fmt: skip
_NO_GRADIENT = {
    "size", "shape", "len", "numel", "dim", "detach", "argmax", "item", "numpy", "tolist", "range", "one_hot", "long",
    "sample", "multinomial",
}  # fmt: skip
_MOST = 4000
_DEEPEST = 60


def operations(program: Program, value: Value, depth: int = _DEEPEST) -> Iterator[Operation]:
    """The operations that may have made a value: one, unless the source leaves it open."""
    if depth <= 0:
        return
    node, file = value.node, value.file
    if isinstance(node, ast.Name | ast.Attribute):
        yield from _named(program, value, depth)
    elif isinstance(node, ast.Call):
        yield from _called(program, value, depth)
    elif isinstance(node, ast.Tuple | ast.List | ast.Dict):
        for item in _chosen(value):
            yield from operations(program, item, depth - 1)
    elif isinstance(node, ast.Subscript):
        place = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if isinstance(place, int | str):
            yield from operations(program, replace(value, node=node.value, items=(place, *value.items)), depth - 1)
        else:
            yield Operation("index", value, (replace(value, node=node.value),))
    elif isinstance(node, ast.IfExp):
        yield from operations(program, replace(value, node=node.body), depth - 1)
        yield from operations(program, replace(value, node=node.orelse), depth - 1)
    elif isinstance(node, ast.NamedExpr):
        yield from operations(program, replace(value, node=node.value), depth - 1)
    elif isinstance(node, ast.BinOp):
        inputs = (replace(value, node=node.left, items=()), replace(value, node=node.right, items=()))
        yield Operation(_BINARY.get(type(node.op), ""), value, inputs)
    elif isinstance(node, ast.UnaryOp):
        name = "neg" if isinstance(node.op, ast.USub) else ""
        yield Operation(name, value, (replace(value, node=node.operand, items=()),))
    elif isinstance(node, ast.Constant):
        yield Operation("constant", value)
    elif isinstance(node, ast.ListComp | ast.GeneratorExp):
        yield from operations(program, replace(value, node=node.elt), depth - 1)
    else:
        yield Operation("", Value(file, node))


def nearest(program: Program, value: Value, through: Collection[str] = SHAPING) -> Iterator[Operation]:
    """The operations that made a value, those named in `through` left out for what they were given."""
    seen = 0
    stack = [value]
    while stack and seen < _MOST:
        for each in operations(program, stack.pop()):
            seen += 1
            if each.name in through and each.inputs:
                stack.append(each.inputs[0])
            else:
                yield each


def below(program: Program, value: Value, *, layers: bool = True) -> Iterator[Operation]:
    """Every operation on the way back from a value, each once, the last first; no further than gradients go.

    Without `layers` it ends at them: what is left is the way from the last layers to the value.
    """
    seen: set[tuple[int, int | None, tuple[int | str, ...]]] = set()
    stack = [value]
    while stack and len(seen) < _MOST:
        current = stack.pop()
        key = id(current.node), current.layers, current.items
        if key in seen:
            continue
        seen.add(key)
        made = list(operations(program, current))
        yield from made
        for each in reversed(made):
            if each.name not in _NO_GRADIENT and (layers or not _is_layer(program, each)):
                stack += reversed(each.inputs)


def _is_layer(program: Program, operation: Operation) -> bool:
    """Whether an operation has parameters: a layer, or a product with a matrix that learns."""
    if operation.name in {"matmul", "mm", "addmm", "bmm", "linear"} and operation.module is None:
        return any(made.name == "parameter" for each in operation.inputs for made in nearest(program, each))
    return operation.name in LAYERS


def given_for(program: Program, value: Value) -> Iterator[Value]:
    """What callers gave, for a parameter; anything else itself."""
    function = function_around(value.file, value.node)
    node = value.node
    given = isinstance(node, ast.Name) and function is not None and node.id in parameters(function)
    if given and isinstance(node, ast.Name) and function is not None and binding(value.file, node) is None:
        for each in _arguments(program, value, node.id, function):
            yield from given_for(program, each)
    else:
        yield value


def training_losses(case: Case) -> Iterator[Value]:
    """What the program goes backward from; of a Lightning module, what its training step returns."""
    for each in training_steps(case):
        call = each.backward.node
        receiver = each.backward.receiver
        # accelerator.backward(loss)
        helped = bool(call.args) and ast.unparse(receiver).rpartition(".")[2] in _HELPERS
        yield Value(each.file, call.args[0] if helped else receiver)
    for file, node in case.program.nodes():
        if isinstance(node, ast.FunctionDef) and node.name == "training_step":
            yield from (Value(file, each, ("loss",)) for each in returned(node))


_HELPERS = {"self", "accelerator", "fabric", "engine", "model_engine"}


def leads_to_layers(program: Program, value: Value) -> bool:
    """Whether a value is computed by layers or parameters, rather than read from data."""
    return any(each.name in LAYERS for each in below(program, value))


LAYERS = {
    "linear", "lazy_linear", "bilinear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
    "conv_transpose3d", "embedding", "embedding_bag", "lstm", "gru", "rnn", "parameter", "identity", "unknown",
    "transformer_encoder", "multihead_attention", "batch_norm1d", "batch_norm2d", "layer_norm", "module",
}  # fmt: skip


# ---- names ----------------------------------------------------------------------------------------------------------


def _named(program: Program, value: Value, depth: int) -> Iterator[Operation]:
    node, file = value.node, value.file
    handed = given_to_small(program, file, node) if isinstance(node, ast.Name) else None
    if handed is not None:
        for home, each in handed:
            yield from operations(program, replace(value, file=home, node=each), depth - 1)
        return
    bound = binding(file, node)
    if bound is not None and bound.looped:
        yield Operation("data", value)
        return
    if bound is not None:
        items = value.items if bound.item is None else (bound.item, *value.items)
        same = file.scope(bound.statement) is file.scope(node)
        made = Value(bound.file, bound.value, items, value.entries if same else ())
        if isinstance(bound.value, ast.List) and not bound.value.elts:
            for each in _appended(file, node):
                yield from operations(program, Value(file, each, (), value.entries), depth - 1)
            return
        added = _added_to(file, node, bound.statement)
        if added:
            inputs = [Value(file, each.value, (), value.entries) for each in added]
            yield Operation("add", value, (*inputs, made))
        else:
            yield from operations(program, made, depth - 1)
        return
    function = function_around(file, node)
    if isinstance(node, ast.Name) and function is not None and node.id in parameters(function):
        for given in _arguments(program, value, node.id, function):
            yield from operations(program, given, depth - 1)
        return
    if isinstance(node, ast.Attribute) and node.attr in {"T", "mT", "data", "logits", "values"}:
        yield from operations(program, replace(value, node=node.value), depth - 1)
        return
    yield Operation("parameter" if _is_parameter(file, node) else "data", value)


def _is_parameter(file: SourceFile, node: ast.expr) -> bool:
    bound = binding(file, node)
    return bound is not None and "requires_grad" in ast.unparse(bound.value)


def _appended(file: SourceFile, node: ast.expr) -> list[ast.expr]:
    """What is appended to a list."""
    target = ast.unparse(node)
    return [
        each.args[0]
        for each in ast.walk(file.scope(node))
        if isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr == "append"
        and each.args
        and ast.unparse(each.func.value) == target
    ]


def _added_to(file: SourceFile, node: ast.expr, since: ast.stmt) -> list[ast.AugAssign]:
    """`loss += penalty` between a binding and a use, in their scope."""
    return [
        each
        for each in ast.walk(file.scope(node))
        if isinstance(each, ast.AugAssign)
        and isinstance(each.op, ast.Add | ast.Sub)
        and ast.unparse(each.target) == ast.unparse(node)
        and since.lineno < each.lineno <= node.lineno
        and file.scope(each) is file.scope(node)
        and file.statement(node) is not each
    ]


def _arguments(program: Program, value: Value, name: str, function: Function) -> Iterator[Value]:
    """What a parameter was given: by the call through which the function was entered, or by all there are."""
    file = value.file
    if value.entries and value.entries[-1].function is function:
        entry = value.entries[-1]
        names = [each for each in parameters(function) if each not in {"self", "cls"}]
        if entry.given is not None and name == names[0]:
            yield replace(entry.given, items=(*entry.given.items, *value.items))
        elif isinstance(entry.call.node, ast.Call):
            yield from _argument(file, function, name, entry.call, value.items)
        return
    for each in reaching(program, function):
        yield from _argument(file, function, name, Value(each.file, each.node), value.items)
    owner = file.scope(function)
    if function.name == "forward" and isinstance(owner, ast.ClassDef):
        for each in calls_of(program, owner):
            yield from _argument(file, function, name, Value(each.file, each.node), value.items)


def _argument(
    file: SourceFile, function: Function, name: str, call: Value, items: tuple[int | str, ...]
) -> Iterator[Value]:
    assert isinstance(call.node, ast.Call)
    given = passed(file, function, name, Found(call.file, call.node))
    if given is not None:
        yield Value(call.file, given, items, call.entries)
    else:
        yield from _starred(function, name, call, items)


def _starred(function: Function, name: str, call: Value, items: tuple[int | str, ...]) -> Iterator[Value]:
    """What `f(*pair, z)` gives for a parameter: an item of the pair, or what stands behind it."""
    assert isinstance(call.node, ast.Call)
    given = call.node.args
    stars = [number for number, each in enumerate(given) if isinstance(each, ast.Starred)]
    names = [each for each in parameters(function) if each not in {"self", "cls"}]
    if len(stars) != 1 or name not in names or name in {each.arg for each in call.node.keywords}:
        return
    place, star = names.index(name), given[stars[0]]
    last = len(names) - len(call.node.keywords) - (len(given) - stars[0] - 1)
    if place >= last:
        behind = stars[0] + 1 + place - last
        if behind < len(given):
            yield Value(call.file, given[behind], items, call.entries)
    elif isinstance(star, ast.Starred) and place >= stars[0]:
        yield Value(call.file, star.value, (place - stars[0], *items), call.entries)


def _chosen(value: Value) -> Iterator[Value]:
    """Items of a tuple or dictionary: the one that is meant, or all."""
    node = value.node
    if isinstance(node, ast.Dict):
        for key, each in zip(node.keys, node.values, strict=True):
            if not value.items or (isinstance(key, ast.Constant) and key.value == value.items[0]):
                yield replace(value, node=each, items=value.items[1:])
        return
    assert isinstance(node, ast.Tuple | ast.List)
    place = value.items[0] if value.items else None
    if isinstance(place, int) and -len(node.elts) <= place < len(node.elts):
        yield replace(value, node=node.elts[place], items=value.items[1:])
    elif place is None:
        for each in node.elts:
            yield replace(value, node=each)


# ---- calls ----------------------------------------------------------------------------------------------------------


def _called(program: Program, value: Value, depth: int) -> Iterator[Operation]:
    file, call = value.file, value.node
    assert isinstance(call, ast.Call)
    name = file.qualified(call.func)
    module = find_module(program, file, call.func) if not name else None
    if module is not None:
        yield from _through_module(program, value, module, depth)
        return
    enters = all_reached(program, file, call) if not name else []
    small = small_functions(program, file, call.func) if not name else []
    for home, function in enters:
        if function.name != "__init__":
            yield from _through_function(program, value, Entry(home, function, replace(value, items=())), depth)
    for home, each in small:
        yield from operations(program, replace(value, file=home, node=each.body), depth - 1)
    if small or any(function.name != "__init__" for _, function in enters):
        return
    arguments = tuple(
        replace(value, node=each.value if isinstance(each, ast.Starred) else each, items=())
        for each in [*call.args, *(each.value for each in call.keywords)]
    )
    if any(each.arg == "requires_grad" for each in call.keywords) or ast.unparse(call.func).endswith("requires_grad_"):
        yield Operation("parameter", value, (), Found(file, call))
        return
    name = name or full_name(program, file, call.func)
    if name or not isinstance(call.func, ast.Attribute):
        full = name or getattr(call.func, "id", "")
        added = full == "sum"  # Python's own, of a list or a generator
        yield Operation("add" if added else spelled(full.rpartition(".")[2]), value, arguments, Found(file, call))
        return
    receiver = replace(value, node=call.func.value, items=())
    if call.func.attr == "scale" and arguments:  # a gradient scaler's
        yield Operation("scale", value, arguments, Found(file, call))
    else:
        yield Operation(spelled(call.func.attr), value, (receiver, *arguments), Found(file, call))


def _through_function(program: Program, value: Value, entry: Entry, depth: int) -> Iterator[Operation]:
    if any(each.function is entry.function for each in value.entries):
        return
    for each in returned(entry.function):
        inner = Value(entry.file, each, value.items, (*value.entries, entry))
        yield from operations(program, inner, depth - 1)


def _through_module(program: Program, value: Value, module: Module, depth: int) -> Iterator[Operation]:
    call = value.node
    assert isinstance(call, ast.Call)
    arguments = tuple(
        replace(value, node=each, items=(), layers=None)
        for each in [*call.args, *(each.value for each in call.keywords)]
        if not isinstance(each, ast.Starred)
    )
    if module.name == "torch.nn.Sequential":
        count = len(module.layers) if value.layers is None else value.layers
        if not count:
            for each in arguments[:1]:
                yield from operations(program, each, depth - 1)
            return
        layer, arguments = module.layers[count - 1], (replace(value, layers=count - 1),)
    else:
        layer = module
    forward = method(layer.owner, "forward") if layer.owner is not None else None
    if forward is not None and layer.home is not None:
        given = arguments[0] if layer is not module else None
        entry = Entry(layer.home, forward, replace(value, items=(), layers=None), given)
        yield from _through_function(program, replace(value, layers=None), entry, depth)
        return
    name = spelled(layer.name.rpartition(".")[2]) if layer.name else "module"
    yield Operation(name, value, arguments, Found(layer.file, layer.node), layer)


def calls_of(program: Program, owner: ast.ClassDef) -> list[Found]:
    """Calls of instances of a module class."""
    found: list[Found] = []
    for file, node in program.nodes():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute | ast.Subscript):
            module = find_module(program, file, node.func) if not file.qualified(node.func) else None
            if module is not None and (
                module.owner is owner or (module.layers and module.layers[-1].owner is owner)
            ):  # fmt: skip
                found.append(Found(file, node))
    return found
