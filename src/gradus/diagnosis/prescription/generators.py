"""Fixes of generators: the variety of what is made, latents in use, even upsampling."""

import ast
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gradus.diagnosis.prescription.bindings import binding
from gradus.diagnosis.prescription.edits import Edit, imported, replace, with_argument, without_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.flow import below, nearest, training_losses
from gradus.diagnosis.prescription.modules import find_module
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.roles import training_steps
from gradus.diagnosis.prescription.values import Operation, Value, spelled
from gradus.diagnosis.prescription.written import Written, option, written

_ERRORS = {"bce_loss", "bce_with_logits_loss", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"}
_OF_DATA = re.compile(r"\w+ - \w+\)(\.pow\(2\)| \*\* 2|\.square)")
"""A squared difference, as a Gaussian likelihood has it."""

_MENTIONED = re.compile(r"(\b|_)(kl|kld|kl_\w+)\b|divergence", re.IGNORECASE)
_NAMED = re.compile(r"(^|_|\.)kl(d|_div|_loss|_term)?$|kl_|divergence", re.IGNORECASE)

# ---- variety --------------------------------------------------------------------------------------------------------


@fix("diversity")
def noise_for_each_example(case: Case) -> Iterator[Sequence[Edit]]:
    """Noise is drawn anew for every example and every step."""
    for call in case.program.calls("torch.randn", "torch.rand"):
        file = call.file
        expanded = _expanded(file, call.node)
        if expanded is not None:
            sizes = ", ".join(file.code(each) for each in expanded.args)
            start, end = file.span(call.node.args[0])[0], file.span(call.node.args[-1])[1]
            yield [Edit(file, start, end, sizes), Edit(file, file.span(call.node)[1], file.span(expanded)[1], "")]
    for loop in (step.loops for step in training_steps(case)):
        if loop:
            yield from _drawn_inside(case, loop[0])


def _expanded(file: SourceFile, call: ast.Call) -> ast.Call | None:
    """`.expand(n, z)` or `.repeat(n, 1)` of one row."""
    attribute = file.parents[call]
    outer = file.parents.get(attribute)
    if not (isinstance(attribute, ast.Attribute) and isinstance(outer, ast.Call) and call.args):
        return None
    one_row = ast.unparse(call.args[0]) == "1"
    whole = attribute.attr == "expand" and len(outer.args) == len(call.args) and "-1" not in ast.unparse(outer)
    return outer if one_row and whole else None


def _drawn_inside(case: Case, loop: ast.For | ast.While) -> Iterator[list[Edit]]:
    """A model's input that is noise drawn before the loop; not that which samples are watched with."""
    for file, node in case.program.nodes():
        if not isinstance(node, ast.Call) or loop not in file.loops(node) or not node.args:
            continue
        watched = any(isinstance(each, ast.With) and "no_grad" in file.code(each.items[0].context_expr)
                      for each in file.above(node))  # fmt: skip
        bound = binding(file, node.args[0])
        if watched or bound is None or not isinstance(bound.value, ast.Call) or loop in file.loops(bound.statement):
            continue
        drawn = file.qualified(bound.value.func) in {"torch.randn", "torch.rand"}
        if drawn and find_module(case.program, file, node.func) is not None:
            yield [replace(file, node.args[0], file.code(bound.value))]


# ---- latents --------------------------------------------------------------------------------------------------------


@fix("warm-up-kl")
def same_scale_as_reconstruction(case: Case) -> Iterator[Sequence[Edit]]:
    """The divergence over as many numbers as the reconstruction is averaged over; a smaller weight."""
    divergences = _divergences(case.program)
    yield from ([each] for each in _averaged_apart(case.program, math.prod(_example(case))))
    for kl in divergences:
        for error in _reconstructions(case.program, kl):
            yield from _over_the_same(kl, error)
    size = math.prod(_example(case))
    if size > 1 and any(_averages(case.program, loss) for loss in training_losses(case)):
        yield from ([_divided(kl, str(size))] for kl in divergences)
    for weight in _weights(case.program):
        if weight.value > 1:
            yield [weight.becomes(1.0)]
        yield [weight.becomes(min(weight.value, 1.0) / 10)]
        yield [weight.becomes(min(weight.value, 1.0) / 100)]
    for kl in divergences:
        yield from ([_divided(kl, by)] for by in ("10", "100"))


@dataclass(frozen=True)
class _Divergence:
    file: SourceFile
    node: ast.expr


def _divergences(program: Program) -> list[_Divergence]:
    """Expressions of the divergence of a Gaussian from the standard one: by its formula, or by torch."""
    found = []
    for file, node in program.nodes():
        whole = node.value if isinstance(node, ast.Assign | ast.AnnAssign | ast.Return | ast.AugAssign) else None
        parts = _parts(whole) if whole is not None else ()
        found += [
            _Divergence(file, each) for each in parts if _is_divergence(each) and not _OF_DATA.search(ast.unparse(each))
        ]
    return found


def _parts(value: ast.expr) -> Iterator[ast.expr]:
    """The entries of a dictionary or tuple, what is handed over by name, and of a sum the one term."""
    match value:
        case ast.Dict(values=entries) | ast.Tuple(elts=entries):
            inner = entries
        case ast.Call(keywords=keywords):
            inner = [each.value for each in keywords if _is_divergence(each.value)]
        case ast.BinOp(op=ast.Add() | ast.Sub(), left=left, right=right):
            sides = [each for each in (left, right) if _is_divergence(each)]
            inner = sides if len(sides) == 1 else []
        case _:
            inner = []
    for each in inner:
        yield from _parts(each)
    if not inner:
        yield value


def _is_divergence(node: ast.expr) -> bool:
    text = ast.unparse(node)
    half = "0.5" in text or re.search(r"/ 2(\.0)?\b", text)
    squared = re.search(r"pow\(2\)|\*\* 2|square|\b(\w+) \* \1\b", text)
    closed = half and squared and re.search(r"\bexp\(|\blog\(", text)
    return bool(closed) or "kl_divergence" in text


def _averaged_apart(program: Program, size: int) -> Iterator[Edit]:
    """In sums with a divergence, the other terms without a division by how many numbers an example has."""
    for file, node in program.nodes():
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add):
            continue
        for one, other in ((node.left, node.right), (node.right, node.left)):
            if not _MENTIONED.search(ast.unparse(one)) or _MENTIONED.search(ast.unparse(other)):
                continue
            bound = binding(file, other) if isinstance(other, ast.Name) else None
            term = bound.value if bound is not None and bound.item is None else other
            for each in ast.walk(term):
                if isinstance(each, ast.BinOp) and isinstance(each.op, ast.Div):
                    yield from _without_size(file, each, size)


def _without_size(file: SourceFile, quotient: ast.BinOp, size: int) -> Iterator[Edit]:
    """`/ x.shape[1]`, `/ x[0].numel()`, `/ 64` of so large an example goes; `/ x.numel()` is left the examples."""
    by, whole = quotient.right, file.code(quotient.left)
    counted = isinstance(by, ast.Constant) and by.value == size > 1
    if counted or re.search(r"\.shape\[(-1|1)\]$|\.size\((-1|1)\)$|\[0\]\.numel\(\)$", ast.unparse(by)):
        yield replace(file, quotient, f"({whole})" if isinstance(quotient.left, ast.BinOp) else whole)
    elif re.fullmatch(r"[\w.]+\.numel\(\)", ast.unparse(by)):
        yield replace(file, by, f"len({ast.unparse(by).removesuffix('.numel()')})")


def _divided(kl: _Divergence, by: str) -> Edit:
    file, value = kl.file, kl.node
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub):
        return replace(file, value, f"({file.code(value)}) / {by}")
    end = file.span(value)[1]
    return Edit(file, end, end, f" / {by}")


def _example(case: Case) -> tuple[int, ...]:
    """The shape of one example of the first input."""
    first = case.history.first
    return first.inputs[0].shape[1:] if first is not None and first.inputs else ()


def _over_the_same(kl: _Divergence, error: Found) -> Iterator[list[Edit]]:
    """Both averaged over the numbers of an example, or both added up over them."""
    averaged = _divided(kl, f"{kl.file.code(error.node.args[1])}[0].numel()")
    match _reduction(error):
        case "mean":
            yield [averaged]
            yield [with_argument(error.file, error.node, "reduction", '"sum"')]
        case "none":
            method, file = error.file.parents[error.node], error.file
            if isinstance(method, ast.Attribute) and method.attr == "mean":
                call = file.parents[method]
                if isinstance(call, ast.Call) and (call.args or call.keywords):
                    end = file.span(method)[1]
                    yield [Edit(file, end - len("mean"), end, "sum")]
                yield [averaged]


def _reduction(error: Found) -> object:
    """What a loss makes of its elements: torch's default, or what it is given; None if that is not written there."""
    given = error.argument(-1, "reduction")
    return "mean" if given is None else given.value if isinstance(given, ast.Constant) else None


def _averages(program: Program, loss: Value) -> bool:
    """Whether a mean is taken of differences, whichever way it is written: over everything, or over each example."""
    for each in below(program, loss):
        if each.name in _ERRORS and each.call is not None and _reduction(each.call) == "mean":
            return True
        if each.name == "mean" and not _over_examples(each) and each.inputs:
            powers = [made for made in nearest(program, each.inputs[0]) if made.name in {"pow", "square", "abs"}]
            if any(made.name == "sub" for power in powers for made in nearest(program, power.inputs[0])):
                return True
    return False


def _over_examples(mean: Operation) -> bool:
    """Whether one is taken over the first axis alone: sums along the others follow."""
    axes = mean.argument(1, "dim")
    return axes is not None and ast.unparse(axes) in {"0", "(0,)", "[0]"}


def _reconstructions(program: Program, kl: _Divergence) -> list[Found]:
    """Losses in the same function that compare outputs with inputs."""
    scope = kl.file.scope(kl.node)
    return [
        Found(kl.file, node)
        for file, node in program.nodes()
        if file is kl.file
        and file.scope(node) is scope
        and isinstance(node, ast.Call)
        and spelled(kl.file.meaning(node).rpartition(".")[2]) in _ERRORS
        and len(node.args) > 1
        and isinstance(node.args[1], ast.Name)
    ]


def _weights(program: Program) -> Iterator[Written]:
    """Numbers that the divergence is multiplied by."""
    seen: set[int] = set()
    for file, node in program.nodes():
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Mult):
            continue
        for one, other in ((node.left, node.right), (node.right, node.left)):
            if _NAMED.search(ast.unparse(other)):
                place = written(program, file, one)
                if place is not None and id(place.node) not in seen:
                    seen.add(id(place.node))
                    yield place


# ---- upsampling -----------------------------------------------------------------------------------------------------

_POSITIONS = {"kernel_size": 2, "stride": 3, "padding": 4, "output_padding": 5}


@fix("even-kernel")
def kernel_of_whole_strides(case: Case) -> Iterator[Sequence[Edit]]:
    """The next kernel that is a multiple of the stride, with the padding that keeps the output's size.

    Source: Odena, Dumoulin, Olah (2016), Deconvolution and checkerboard artifacts.
    """
    edits: list[Edit] = []
    for call in case.program.calls("torch.nn.ConvTranspose*"):
        edits += _even(case.program, call)
    if edits:
        yield list(dict.fromkeys(edits))


_UPSAMPLING = {"1": "linear", "2": "bilinear", "3": "trilinear"}
"""What lies between is interpolated, by the number of axes."""


@fix("even-kernel")
def resize_and_convolve(case: Case) -> Iterator[Sequence[Edit]]:
    """Interpolation and a convolution in place of what overlaps unevenly: the other way out of the same source."""
    edits: list[Edit] = []
    for call in case.program.calls("torch.nn.ConvTranspose*"):
        value = _uneven(case.program, call)
        axes = call.file.meaning(call.node)[-2:-1]
        if not value or axes not in _UPSAMPLING or any(each.arg in {None, "groups"} for each in call.node.keywords):
            continue
        if value["kernel_size"] - 2 * value["padding"] + value["output_padding"] != value["stride"]:
            continue  # the size is not the stride's multiple
        (home, more), (upsample, _), (conv, _) = (
            imported(call.file, f"torch.nn.{name}") for name in ("Sequential", "Upsample", f"Conv{axes}d")
        )
        channels = [call.argument(number, name) for number, name in enumerate(("in_channels", "out_channels"))]
        if more or len(call.node.args) > 6:
            continue
        kernel = value["kernel_size"] // 2 * 2 + 1
        given = [call.file.code(each) for each in channels if each is not None]
        given += [str(kernel), f"padding={kernel // 2}"]
        given += [f"bias={call.file.code(each.value)}" for each in call.node.keywords if each.arg == "bias"]
        resized = f'{upsample}(scale_factor={value["stride"]}, mode="{_UPSAMPLING[axes]}")'
        edits.append(replace(call.file, call.node, f"{home}({resized}, {conv}({', '.join(given)}))"))
    if edits:
        yield edits


def _uneven(program: Program, call: Found) -> dict[str, int]:
    """What is written of a transposed convolution whose kernel is no multiple of its stride; empty of any other."""
    numbers = {name: option(program, call, position, name) for name, position in _POSITIONS.items()}
    if any(call.argument(at, name) is not None and numbers[name] is None for name, at in _POSITIONS.items()):
        return {}
    value = {name: int(each.value) if each is not None else 0 for name, each in numbers.items()}
    stride = value["stride"] or 1
    if stride < 2 or value["kernel_size"] % stride == 0 or call.argument(8, "dilation") is not None:
        return {}
    return value


def _even(program: Program, call: Found) -> list[Edit]:
    """Output size is (n - 1) stride - 2 padding + kernel + output padding: the last three change, not their sum."""
    value = _uneven(program, call)
    if not value:
        return []
    places = {name: call.argument(position, name) for name, position in _POSITIONS.items()}
    numbers = {name: option(program, call, position, name) for name, position in _POSITIONS.items()}
    kernel = -(-value["kernel_size"] // value["stride"]) * value["stride"]
    more = kernel - (value["kernel_size"] - 2 * value["padding"] + value["output_padding"])
    padding = -(-more // 2)
    wanted = {"kernel_size": kernel, "padding": padding, "output_padding": 2 * padding - more}
    return [
        edit
        for name, new in wanted.items()
        if new != value[name]
        for edit in _set(call, name, places[name], numbers[name], new)
    ]


def _set(call: Found, name: str, node: ast.expr | None, number: Written | None, value: int) -> list[Edit]:
    """The argument at the call; where it comes by `**options`, the number in these."""
    if node is None:
        return [number.becomes(value) if number is not None else with_argument(call.file, call.node, name, str(value))]
    if not value and name == "output_padding":
        keyword = next((each for each in call.node.keywords if each.arg == name), None)
        return [without_argument(call.file, call.node, keyword or node)]
    return [replace(call.file, node, str(value))]
