"""Fixes of generators: the variety of what is made, latents in use, even upsampling."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gradus.diagnosis.prescription.bindings import binding
from gradus.diagnosis.prescription.edits import Edit, replace, with_argument, without_argument
from gradus.diagnosis.prescription.fixes import Case, fix
from gradus.diagnosis.prescription.modules import find_module
from gradus.diagnosis.prescription.program import Found, Program, SourceFile
from gradus.diagnosis.prescription.roles import training_steps
from gradus.diagnosis.prescription.values import spelled
from gradus.diagnosis.prescription.written import Written, written

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
    """The divergence over as many numbers as the reconstruction is averaged over; a smaller weight; a slow start."""
    for kl in _divergences(case.program):
        for error in _reconstructions(case.program, kl):
            averaged = error.argument(99, "reduction")
            if averaged is None:
                yield [_divided(kl, f"{kl.file.code(error.node.args[1])}[0].numel()")]
                yield [with_argument(error.file, error.node, "reduction", '"sum"')]
    for weight in _weights(case.program):
        if weight.value > 1:
            yield [weight.becomes(1.0)]
        yield [weight.becomes(min(weight.value, 1.0) / 10)]
    for kl in _divergences(case.program):
        yield [_divided(kl, "10")]


@dataclass(frozen=True)
class _Divergence:
    file: SourceFile
    statement: ast.Assign


def _divergences(program: Program) -> list[_Divergence]:
    """Statements that compute the divergence of a Gaussian from the standard one: by its formula, or by torch."""
    found = []
    for file, node in program.nodes():
        if isinstance(node, ast.Assign):
            text = ast.unparse(node.value)
            closed = (
                "0.5" in text
                and "exp()" in text.replace("torch.exp(", "exp()")
                and re.search(r"pow\(2\)|\*\* 2|square", text)
            )
            if closed or "kl_divergence" in text:
                found.append(_Divergence(file, node))
    return found


def _divided(kl: _Divergence, by: str) -> Edit:
    file, value = kl.file, kl.statement.value
    end = file.span(value)[1]
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub):
        start = file.span(value)[0]
        return replace(file, value, f"({file.text[start:end]}) / {by}")
    return Edit(file, end, end, f" / {by}")


def _reconstructions(program: Program, kl: _Divergence) -> list[Found]:
    """Losses in the same function that compare outputs with inputs."""
    scope = kl.file.scope(kl.statement)
    names = {"bce_loss", "bce_with_logits_loss", "mse_loss", "l1_loss", "smooth_l1_loss"}
    return [
        Found(kl.file, node)
        for file, node in program.nodes()
        if file is kl.file
        and file.scope(node) is scope
        and isinstance(node, ast.Call)
        and spelled(kl.file.meaning(node).rpartition(".")[2]) in names
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
            if re.search(r"(^|_|\.)kl(d|_div|_loss|_term)?$|kl_|divergence", ast.unparse(other), re.IGNORECASE):
                place = written(program, file, one)
                if place is not None and id(place.node) not in seen:
                    seen.add(id(place.node))
                    yield place


# ---- upsampling -----------------------------------------------------------------------------------------------------


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


def _even(program: Program, call: Found) -> list[Edit]:
    """Output size is (n - 1) stride - 2 padding + kernel + output padding: the last three change, not their sum."""
    places = {
        name: call.argument(position, name)
        for position, name in ((2, "kernel_size"), (3, "stride"), (4, "padding"), (5, "output_padding"))
    }
    numbers = {name: written(program, call.file, node) for name, node in places.items()}
    if any(node is not None and numbers[name] is None for name, node in places.items()):
        return []
    value = {name: int(each.value) if each is not None else 0 for name, each in numbers.items()}
    stride = value["stride"] or 1
    if stride < 2 or value["kernel_size"] % stride == 0 or call.argument(8, "dilation") is not None:
        return []
    kernel = -(-value["kernel_size"] // stride) * stride
    more = kernel - (value["kernel_size"] - 2 * value["padding"] + value["output_padding"])
    padding = -(-more // 2)
    return [
        *_set(call, "kernel_size", places["kernel_size"], kernel),
        *_set(call, "padding", places["padding"], padding),
        *_set(call, "output_padding", places["output_padding"], 2 * padding - more),
    ]


def _set(call: Found, name: str, node: ast.expr | None, value: int) -> list[Edit]:
    if node is None:
        return [with_argument(call.file, call.node, name, str(value))] if value else []
    if not value and name == "output_padding":
        keyword = next((each for each in call.node.keywords if each.arg == name), None)
        return [without_argument(call.file, call.node, keyword or node)]
    return [replace(call.file, node, str(value))] if ast.unparse(node) != str(value) else []
