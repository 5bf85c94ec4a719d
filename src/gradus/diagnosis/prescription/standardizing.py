"""Fixes that put a norm in front of a model.

Batch norm learns the scale of inputs from training batches; or each example is scaled by its own figures.
"""

import ast
from collections.abc import Iterator, Sequence

from gradus.diagnosis.prescription.batches import in_no_grad, model_calls
from gradus.diagnosis.prescription.bindings import Function, method, parameters
from gradus.diagnosis.prescription.edits import Edit, after, before, imported, replace
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.modules import Module, find_module
from gradus.diagnosis.prescription.program import SourceFile
from gradus.diagnosis.prescription.roles import training_steps
from gradus.diagnosis.prescription.scaling import blameless, input_signs
from gradus.diagnosis.prescription.written import written

# N examples, C channels, T steps, F columns or features

_WIDE = 32
"""Columns, from which on an example is taken for a picture or a wave that lies in a row."""
_CUTS = ("numpy.clip", "numpy.minimum", "numpy.maximum", "torch.clamp", "torch.clip")


@fix("drop-constants")
def cut_nothing_off(case: Case) -> Iterator[Sequence[Edit]]:
    """`np.clip(frame, 0, 1)` of numbers that all lie beyond a limit goes; batch norm finds their scale."""
    first = case.history.first
    limits = {each.low for each in first.inputs if each.low == each.high} if first is not None else set()
    of_tensors = case.program.methods("clip", "clamp", "clip_", "clamp_")
    for call in [*case.program.calls(*_CUTS), *of_tensors]:
        operand = call.receiver if call in of_tensors else call.argument(0, "a")
        given = [*call.node.args, *(each.value for each in call.node.keywords)]
        numbers = [written(case.program, call.file, each) for each in given]
        if operand is not None and limits & {each.value for each in numbers if each is not None}:
            yield [replace(call.file, call.node, call.file.code(operand)), *_norm_in_front(case)]


@fix("scale-inputs", "drop-constants")
def normalize_first(case: Case) -> Iterator[Sequence[Edit]]:
    """Batch norm without parameters as the model's first layer."""
    edits, signs = _norm_in_front(case), input_signs(case)
    if edits and signs is not None and not blameless(case, signs):
        yield edits


def _norm_in_front(case: Case) -> list[Edit]:
    """The layer; empty where it does not suit the inputs, or the model is not known."""
    signs = input_signs(case)
    shape = signs.shape if signs is not None else ()
    if len(shape) not in {2, 3, 4}:
        return []
    made = (
        _batch_norm_in_sequence(each, shape) if each.name == "torch.nn.Sequential" else _in_class(each, shape)
        for each in _models(case)
    )
    return next((each for each in made if each), [])


def each_example_by_itself(case: Case) -> list[Edit]:
    """What the model is given has mean 0 and deviation 1 in each example, however it was prepared.

    That is for pictures, waves and the like; columns of a table have a scale each.
    """
    signs = input_signs(case)
    shape = signs.shape if signs is not None else ()
    if len(shape) < 2 or (len(shape) == 2 and shape[1] < _WIDE):
        return []
    for model in _models(case):
        if model.name == "torch.nn.Sequential":
            return _in_sequence(model, "GroupNorm", f"1, {shape[1]}, eps=1e-12, affine=False")
        forward = method(model.owner, "forward") if model.owner is not None else None
        if forward is not None and model.home is not None and len(parameters(forward)) > 1:
            first = next((each for each in forward.body if not _is_docstring(each)), None)
            norm, more = imported(model.home, "torch.nn.functional.layer_norm")
            x = parameters(forward)[1]
            return [] if first is None else [before(model.home, first, f"{x} = {norm}({x}, {x}.shape[1:])"), *more]
    return []


def _models(case: Case) -> Iterator[Module]:
    """Models that are trained, in the order in which they are called."""
    for training in training_steps(case):
        for around in (training.around, training.file.tree):
            for call in model_calls(case.program, training.file, around):
                if not in_no_grad(call.file, call.node):
                    made = find_module(case.program, call.file, call.node.func)
                    if made is not None:
                        yield made


def _batch_norm_in_sequence(made: Module, shape: tuple[int, ...]) -> list[Edit]:
    layers = [each.name for each in made.layers]
    if len(shape) == 3 and layers[:1] not in (["torch.nn.Conv1d"], ["torch.nn.Flatten"]):
        return []  # (N, T, F)
    return _in_sequence(made, _layer(shape), f"{shape[1]}, affine=False")


def _in_sequence(made: Module, layer: str, arguments: str) -> list[Edit]:
    file, call = made.file, made.node
    if file.qualified(call.func) != "torch.nn.Sequential" or not call.args or _by_name(file, call):
        return []
    calls = (each for each in call.args if isinstance(each, ast.Call))
    of_torch = (each for each in calls if file.qualified(each.func).startswith("torch."))
    norm, more = imported(file, f"torch.nn.{layer}")
    start = file.span(next(of_torch, call.args[0]))[0]  # the program's own first ones may scale
    margin = file.text[file.line_start(start) : start]
    text = f"{norm}({arguments}),"
    return [Edit(file, start, start, f"{text} " if margin.strip() else f"{text}\n{margin}"), *more]


def _by_name(file: SourceFile, call: ast.Call) -> bool:
    """`nn.Sequential(OrderedDict(...))`."""
    return isinstance(call.args[0], ast.Call) and file.qualified(call.args[0].func) == "collections.OrderedDict"


def _layer(shape: tuple[int, ...]) -> str:
    return "BatchNorm2d" if len(shape) == 4 else "BatchNorm1d"


def _in_class(made: Module, shape: tuple[int, ...]) -> list[Edit]:
    owner, file = made.owner, made.home
    if owner is None or file is None:
        return []
    begin, forward = method(owner, "__init__"), method(owner, "forward")
    if begin is None or forward is None or len(parameters(forward)) < 2:
        return []
    base = next((each for each in begin.body if "__init__" in ast.unparse(each)), None)
    first = next((each for each in forward.body if not _is_docstring(each)), None)
    if base is None or first is None:
        return []
    x = parameters(forward)[1]
    norm, more = imported(file, f"torch.nn.{_layer(shape)}")
    name = next(each for each in ("normalize", "input_norm", "scale_first") if f"self.{each}" not in file.code(owner))
    channels_first = len(shape) != 3 or _convolves(file, begin, forward)
    width, scaled = (shape[1], f"self.{name}({x})") if channels_first else (
        shape[-1], f"self.{name}({x}.flatten(0, 1)).view_as({x})"
    )  # fmt: skip
    return [
        after(file, base, f"self.{name} = {norm}({width}, affine=False)"),
        before(file, first, f"{x} = {scaled}"),
        *more,
    ]


def _convolves(file: SourceFile, begin: Function, forward: Function) -> bool:
    """Whether (N, C, T) goes into convolutions as it comes, rather than (N, T, F)."""
    layers = {file.qualified(each.func) for each in ast.walk(begin) if isinstance(each, ast.Call)}
    moved = any(
        isinstance(each, ast.Attribute) and each.attr in {"transpose", "permute", "mT", "swapaxes"}
        for each in ast.walk(forward)
    )
    return "torch.nn.Conv1d" in layers and not moved


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
