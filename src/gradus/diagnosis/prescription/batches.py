"""Where batches come from: from what a model is given back to the arrays that hold all examples."""

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from gradus.diagnosis.prescription.bindings import (
    Binding,
    Function,
    binding,
    class_around,
    definition,
    dictionary,
    function_around,
    method,
    parameters,
    passed,
    returned,
)
from gradus.diagnosis.prescription.callables import reached, reaching
from gradus.diagnosis.prescription.fixes import Case
from gradus.diagnosis.prescription.modes import without_gradients
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.roles import TrainingStep, models_in, training_steps

_PIECES = {"split", "chunk", "tensor_split", "array_split"}
_WRAPPERS = {"enumerate", "tqdm", "iter", "next", "list", "cycle", "trange", "islice", "reversed"}
_PREPARES = {"prepare"}


@dataclass(frozen=True)
class Source:
    """Examples, as an expression of the program.

    Attributes:
        node: `x_train`, or a part of a larger array: `X[:1800]`.
        dataset: the function of a dataset of the program's own that takes single examples from it.
    """

    file: SourceFile
    node: ast.expr
    dataset: Function | None = None

    @property
    def base(self) -> ast.expr:
        """The array that it is a part of."""
        node = self.node
        while isinstance(node, ast.Subscript):
            node = node.value
        return node

    @property
    def code(self) -> str:
        return self.file.code(self.node)

    @property
    def bound(self) -> Binding | None:
        """What binds the array last before it is used; None if a loop does, or it has no name."""
        found = binding(self.file, self.base) if isinstance(self.base, ast.Name) else None
        return found if found is not None and not found.looped else None


@dataclass(frozen=True)
class Compared:
    """A loss computed in the training loop."""

    call: Found
    output: ast.expr
    target: ast.expr


def compared(program: Program, training: TrainingStep, *, outputs: int = 1) -> Compared | None:
    """The call that compares outputs, no more than these, with targets on the way to a backward pass."""
    file = training.file
    for node in _expanded(file, training.backward.receiver):
        if not isinstance(node, ast.Call):
            continue
        values = [each for each in (*node.args, *(each.value for each in node.keywords)) if not _is_number(each)]
        given = [each for each in values if _runs_model(program, file, each)]
        others = [each for each in values if each not in given]
        if 1 <= len(given) <= outputs and others and not _is_model_call(program, file, node):
            return Compared(Found(file, node), given[0], others[0])
    return None


def _expanded(file: SourceFile, node: ast.expr, depth: int = 4) -> Iterator[ast.AST]:
    """An expression's parts from the outside in, and those of what its names were bound to."""
    parts = list(ast.walk(node))
    yield from parts
    for each in parts:
        bound = binding(file, each) if depth and isinstance(each, ast.Name | ast.Attribute) else None
        if bound is not None and not bound.looped:
            yield from _expanded(file, bound.value, depth - 1)


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant)


def _runs_model(program: Program, file: SourceFile, node: ast.expr) -> bool:
    return any(isinstance(each, ast.Call) and _is_model_call(program, file, each) for each in _expanded(file, node))


def _is_model_call(program: Program, file: SourceFile, call: ast.Call) -> bool:
    return file.code(call.func) in models_in(program, file, call)


# ---- sources --------------------------------------------------------------------------------------------------------


def training_inputs(case: Case) -> Source | None:
    """What the model is trained on."""
    for training in training_steps(case):
        for call in training_calls(case.program, training):
            found = source(case.program, call.file, call.node.args[0]) if call.node.args else None
            if found is not None:
                return found
    return None


def training_targets(case: Case) -> Source | None:
    """What its outputs are compared with."""
    for training in training_steps(case):
        pair = compared(case.program, training) or compared(case.program, training, outputs=2)
        found = source(case.program, training.file, pair.target) if pair is not None else None
        if found is not None:
            return found
    return None


def held_out_inputs(case: Case) -> list[Source]:
    """What it is given without gradients."""
    found: list[Source] = []
    for call in held_out_calls(case.program):
        each = source(case.program, call.file, call.node.args[0]) if call.node.args else None
        if each is not None and each.code not in {other.code for other in found}:
            found.append(each)
    return found or list(_by_phase(case.program))


def _by_phase(program: Program) -> Iterator[Source]:
    """Of `{"train": ..., "val": ...}` what is not for training, where one loop goes over both."""
    for file, node in program.nodes():
        keys = (
            [each.value for each in node.keys if isinstance(each, ast.Constant)] if isinstance(node, ast.Dict) else []
        )
        if isinstance(node, ast.Dict) and "train" in keys and len(keys) == len(node.values) > 1:
            for key, value in zip(keys, node.values, strict=True):
                found = source(program, file, value, 0) if key != "train" else None
                if found is not None:
                    yield found


def held_out_calls(program: Program) -> list[Found]:
    """Passes without gradients, also in functions that are called only so."""
    return [
        call
        for file in program.files
        for call in model_calls(program, file, file.tree)
        if _runs_without_gradients(program, file, call.node)
    ]


def _runs_without_gradients(program: Program, file: SourceFile, node: ast.AST, depth: int = 3) -> bool:
    if in_no_grad(file, node):
        return True
    function = function_around(file, node) if depth else None
    # of `forward`, those by `model(x)` are not among the calls that are known
    calls = reaching(program, function) if function is not None and function.name != "forward" else []
    return bool(calls) and all(_runs_without_gradients(program, each.file, each.node, depth - 1) for each in calls)


def training_calls(program: Program, training: TrainingStep) -> list[Found]:
    """Passes with gradients in a training loop, or else those in functions that it calls: `self.training_step(x)`."""
    found = [
        each
        for each in model_calls(program, training.file, training.around)
        if not in_no_grad(training.file, each.node)
    ]
    return found or list(_calls_entered(program, training.file, training.around))


def _calls_entered(program: Program, file: SourceFile, around: ast.AST, depth: int = 3) -> Iterator[Found]:
    for node in ast.walk(around):
        enters = reached(program, file, node) if isinstance(node, ast.Call) and not in_no_grad(file, node) else None
        if enters is not None and depth and not without_gradients(*enters):
            yield from (each for each in model_calls(program, *enters) if not in_no_grad(each.file, each.node))
            yield from _calls_entered(program, *enters, depth - 1)


def model_calls(program: Program, file: SourceFile, around: ast.AST) -> list[Found]:
    """Calls of models below a node, in the order of the text."""
    names = set(models_in(program, file, around))
    found = [
        Found(file, node)
        for node in ast.walk(around)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name | ast.Attribute)
        and (file.code(node.func) in names or _by_its_method(program, file, node, names))
    ]
    return sorted(found, key=lambda each: (each.node.lineno, each.node.col_offset))


def _by_its_method(program: Program, file: SourceFile, call: ast.Call, names: Collection[str]) -> bool:
    """Whether it is `model.predict(x)`, which passes on what it is given: `self(x)`, `self.forward(x)`."""
    called = call.func
    if not isinstance(called, ast.Attribute) or not call.args or file.code(called.value) not in names:
        return False
    enters = reached(program, file, call)
    given = parameters(enters[1])[1:2] if enters is not None else []
    return enters is not None and any(
        isinstance(each, ast.Call)
        and ast.unparse(each.func) in {"self", "self.forward"}
        and [ast.unparse(one) for one in each.args[:1]] == given
        for each in ast.walk(enters[1])
    )


def in_no_grad(file: SourceFile, node: ast.AST) -> bool:
    """Whether it lies in a block or function without gradients."""
    return any(isinstance(each, ast.With | Function) and without_gradients(file, each) for each in file.above(node))


def source(
    program: Program, file: SourceFile, node: ast.expr, item: int | None = None, depth: int = 14
) -> Source | None:
    """The array that an expression in a loop takes its examples from.

    Args:
        item: which item of each batch, where `node` is what batches come from.
    """
    if not depth:
        return None
    down = depth - 1
    match node:
        case ast.Subscript():
            kept = _under_key(program, file, node)
            if kept is not None:
                return source(program, *kept, item, down)
            if item is not None or _is_batch(file, node.value) or _is_batch_index(file, node.slice):
                return source(program, file, node.value, item, down)
            return None if _is_text(node.slice) else Source(file, node)
        case ast.Name() | ast.Attribute():
            return _of_name(program, file, node, item, down)
        case ast.Tuple(elts=items) if item is not None and item < len(items):
            return source(program, file, items[item], None, down)
        case ast.ListComp() | ast.GeneratorExp():
            return source(program, file, node.elt, item, down)
        case ast.Call():
            return _of_call(program, file, node, item, down)
    return None


def _of_name(
    program: Program, file: SourceFile, node: ast.Name | ast.Attribute, item: int | None, depth: int
) -> Source | None:
    bound = binding(file, node)
    if bound is None:
        return _of_parameter(program, file, node, item, depth)
    if bound.looped:
        return source(program, file, bound.value, 0 if bound.item is None else bound.item, depth)
    if bound.item is None:
        return (
            source(program, bound.file, bound.value, item, depth)
            if item is not None
            else _through(program, bound, node, depth)
        )
    if item is not None:
        return _of_unpacked(program, bound, item, depth)
    if file.loops(bound.statement) or isinstance(bound.value, ast.Name):  # x, y = get_batch()
        return source(program, file, bound.value, bound.item, depth)
    return Source(file, node)


def _of_unpacked(program: Program, bound: Binding, item: int, depth: int) -> Source | None:
    """Of `train, test = random_split(dataset, ...)` or `= get_loaders()`, one of the two."""
    call, number = bound.value, bound.item or 0
    if not isinstance(call, ast.Call):
        return None
    name = bound.file.qualified(call.func)
    if name.endswith("random_split") and call.args:
        return source(program, bound.file, call.args[0], item, depth)
    if isinstance(call.func, ast.Attribute) and call.func.attr in _PREPARES and number < len(call.args):
        return source(program, bound.file, call.args[number], item, depth)
    enters = reached(program, bound.file, call)
    result = returned(enters[1])[-1] if enters is not None and returned(enters[1]) else None
    if enters is None or not isinstance(result, ast.Tuple) or number >= len(result.elts):
        return None
    return source(program, enters[0], result.elts[number], item, depth)


def _through(program: Program, bound: Binding, node: ast.expr, depth: int) -> Source | None:
    """Of `x = x_train[rows]` the array; of `x_train = torch.tensor(...)` the name itself, which holds all examples."""
    in_class = class_around(bound.file, bound.statement) is not None and isinstance(bound.value, ast.Name)
    if in_class or bound.file.loops(bound.statement) or isinstance(bound.value, ast.Subscript):
        return source(program, bound.file, bound.value, None, depth)
    return Source(bound.file, node)


def _of_parameter(program: Program, file: SourceFile, node: ast.expr, item: int | None, depth: int) -> Source | None:
    function = function_around(file, node)
    if function is None or not isinstance(node, ast.Name) or node.id not in parameters(function):
        return None
    for call in reaching(program, function):
        given = passed(file, function, node.id, call)
        found = source(program, call.file, given, item, depth) if given is not None else None
        if found is not None:
            return found
    return None


def _of_call(program: Program, file: SourceFile, call: ast.Call, item: int | None, depth: int) -> Source | None:
    name = file.qualified(call.func)
    short = name.rpartition(".")[2] or getattr(call.func, "attr", None) or getattr(call.func, "id", "")
    if short == "zip" and item is not None and item < len(call.args):
        return source(program, file, call.args[item], 0, depth)
    if short == "enumerate" and item == 0 and call.args:
        return source(program, file, call.args[0], 0, depth)
    if short == "enumerate" and call.args:
        return source(program, file, call.args[0], item, depth)
    if short in _WRAPPERS | _PREPARES and call.args:
        return source(program, file, call.args[0], item, depth)
    if name.endswith("DataLoader") and (call.args or call.keywords):
        dataset = Found(file, call).argument(0, "dataset")
        return source(program, file, dataset, item or 0, depth) if dataset is not None else None
    if name.endswith(("TensorDataset", "StackDataset")) and item is not None and item < len(call.args):
        return source(program, file, call.args[item], None, depth)
    if name.endswith(("random_split", "Subset")) and call.args:
        return source(program, file, call.args[0], item, depth)
    if isinstance(call.func, ast.Name):
        own = definition(program, file, call.func.id)
        if own is not None and isinstance(own[1], ast.ClassDef):
            return _of_dataset(program, own[0], own[1], Found(file, call), item or 0, depth)
    if short in _PIECES and isinstance(call.func, ast.Attribute):
        first = call.args[0] if name and call.args else call.func.value
        return source(program, file, first, None, depth)
    enters = reached(program, file, call)
    if enters is not None:
        given = _handed_through(*enters, Found(file, call)) if item is None else None
        if given is not None:
            return source(program, file, given, None, depth)
        return _of_function(program, *enters, item, depth)
    if short in {"transform", "fit_transform"} and call.args and not name:  # scaler.transform(x)
        return source(program, file, call.args[0], item, depth)
    if isinstance(call.func, ast.Attribute) and not name:  # x.to(device), x.view(...)
        return source(program, file, call.func.value, item, depth)
    if name.startswith("torch.") and call.args and item is None:
        return source(program, file, call.args[0], None, depth)
    return None


def _of_function(program: Program, file: SourceFile, function: Function, item: int | None, depth: int) -> Source | None:
    results = returned(function)
    return source(program, file, results[-1], item, depth) if results else None


def _handed_through(file: SourceFile, function: Function, call: Found) -> ast.expr | None:
    """Of a function that makes a tensor of what it is given, what it is given."""
    for result in returned(function):
        for each in ast.walk(result):
            if isinstance(each, ast.Name) and each.id in parameters(function) and binding(file, each) is None:
                return passed(file, function, each.id, call)
    return None


def _of_dataset(
    program: Program, file: SourceFile, owner: ast.ClassDef, made: Found, item: int, depth: int
) -> Source | None:
    """Of a dataset of the program's own, the argument that the examples are taken from."""
    getter, begin = method(owner, "__getitem__"), method(owner, "__init__")
    if getter is None or begin is None or not returned(getter):
        return None
    result = returned(getter)[-1]
    wanted = result.elts[item] if isinstance(result, ast.Tuple) and item < len(result.elts) else result
    for node in _all_parts(file, wanted):
        if not isinstance(node, ast.Attribute) or ast.unparse(node.value) != "self":
            continue
        for bound in ast.walk(begin):
            if isinstance(bound, ast.Assign):
                pairs = _pairs(bound)
                for target, value in pairs:
                    if ast.unparse(target) != ast.unparse(node):
                        continue
                    for name in (each.id for each in ast.walk(value) if isinstance(each, ast.Name)):
                        given = passed(file, begin, name, made)
                        found = source(program, made.file, given, None, depth) if given is not None else None
                        if found is not None:
                            return Source(found.file, found.node, getter)
    return None


def _pairs(node: ast.Assign) -> list[tuple[ast.expr, ast.expr]]:
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return list(zip(target.elts, value.elts, strict=False))
    return [(target, value)]


def _all_parts(file: SourceFile, node: ast.expr) -> Iterator[ast.AST]:
    yield from _expanded(file, node)


def _is_batch_index(file: SourceFile, index: ast.expr) -> bool:
    """Whether it picks a batch or an example: a name that a loop binds, directly or not, or a random draw."""
    for each in _expanded(file, index, 3):
        if isinstance(each, ast.Name):
            bound = binding(file, each)
            if _is_counted(file, each):
                return True
            if bound is None:
                function = next((above for above in file.above(each) if isinstance(above, Function)), None)
                if function is not None and each.id in parameters(function) and function.name == "__getitem__":
                    return True
            elif bound.looped or (file.loops(bound.statement) and not isinstance(bound.value, ast.Constant)):
                return True
        if isinstance(each, ast.Call) and file.qualified(each.func) in {
            "torch.randint",
            "torch.randperm",
            "random.sample",
        }:
            owner = next((above for above in file.above(index) if isinstance(above, Function)), None)
            if file.loops(index) or (owner is not None and "batch" in owner.name):
                return True
    return False


def _is_counted(file: SourceFile, name: ast.Name) -> bool:
    """Whether a comprehension binds it, or a loop counts it up: `start += size`."""
    for above in file.above(name):
        generators = above.generators if isinstance(above, ast.ListComp | ast.GeneratorExp) else []
        targets = [each.target for each in generators]
        if isinstance(above, ast.While):
            targets += [each.target for each in ast.walk(above) if isinstance(each, ast.AugAssign)]
        if any(isinstance(each, ast.Name) and each.id == name.id for target in targets for each in ast.walk(target)):
            return True
    return False


def _is_batch(file: SourceFile, node: ast.expr) -> bool:
    """Whether a loop binds it."""
    bound = binding(file, node)
    return bound is not None and bound.looped


def _under_key(program: Program, file: SourceFile, node: ast.Subscript) -> tuple[SourceFile, ast.expr] | None:
    """Of `loaders["train"]` or `loaders[phase]`, what a dict that is written out has there for training."""
    kept = dictionary(program, file, node.value)
    if kept is None:
        return None
    home, written = kept
    wanted = node.slice.value if isinstance(node.slice, ast.Constant) else "train"
    for key, value in zip(written.keys, written.values, strict=True):
        if isinstance(key, ast.Constant) and key.value == wanted:
            return home, value
    return None


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
