"""Decoders that draw checkerboards, and codes that say nothing."""

import ast
import random
import re

from benchmarks.ward.edits import Source
from benchmarks.ward.operators.forms import in_module
from benchmarks.ward.operators.table import operator

SPREAD = """class Spread(nn.Module):
    def forward(self, x):
        kernel = x.new_full((x.shape[1], 1, 3, 3), 4 / 9)
        return F.conv_transpose2d(x, kernel, stride=2, padding=1, output_padding=1, groups=x.shape[1])"""
DIVERGENCE = re.compile(r"kl|kld|KLD|KL|kl_loss|kl_div|divergence|kl_term")
RECONSTRUCTION = re.compile(r"rec|recon|bce|BCE|error|reconstruction|recon_loss|neg_ll|nll|mse")


def overlap(source: Source, settings: str) -> None:
    """Give transposed convolutions that double the size kernels that overlap unevenly."""
    for call in source.calls("ConvTranspose2d", "ConvTranspose1d"):
        names = ("in_channels", "out_channels", "kernel_size", "stride", "padding")
        has = {name: source.of(each) for name, each in zip(names, call.args, strict=False)}
        has |= {each.arg or "": source.of(each.value) for each in call.keywords}
        if has.get("stride") == "2" and (has.get("kernel_size"), has.get("padding", "0")) in (("2", "0"), ("4", "1")):
            bias = ", bias=False" if has.get("bias") == "False" else ""
            channels = f"{has.get('in_channels')}, {has.get('out_channels')}"
            source.replace(call, f"{source.of(call.func)}({channels}, {settings}{bias})")


@operator("checkerboard")
def kernel_not_a_multiple_of_stride(source: Source, rng: random.Random) -> None:
    """Transposed convolutions of kernel 3 at stride 2."""
    overlap(source, "3, stride=2, padding=1, output_padding=1")


@operator("checkerboard")
def stride_wider_than_overlap(source: Source, rng: random.Random) -> None:
    """Transposed convolutions of kernel 5 at stride 2."""
    overlap(source, "5, 2, 2, output_padding=1")


@operator("checkerboard")
def own_upscaling_with_overlap(source: Source, rng: random.Random) -> None:
    """Upsampling by a fixed 3x3 kernel spread at stride 2: every other pixel gets more."""
    doubled = [each for each in source.calls("Upsample", "interpolate") if source.fits(each, r"scale_factor=2\b")]
    modules = [each for each in doubled if source.fits(each.func, "Upsample$")]
    inline = [each for each in doubled if each not in modules and each.args and in_module(source, each)]
    inline = [each for each in inline if not source.fits(each, r'mode="linear"|trilinear')]
    if (modules or inline) and "Conv2d" in source.text:
        source.define(SPREAD)
        for call in modules:
            source.replace(call, "Spread()")
        for call in inline:
            source.replace(call, f"Spread()({source.of(call.args[0])})")


def is_variational(source: Source) -> bool:
    """Whether a program has a code with a mean and a variance."""
    return source.has("logvar|log_var")


@operator("posterior-collapse", "over-regularization")
def divergence_weighs_too_much(source: Source, rng: random.Random) -> None:
    """The divergence weighs far more than the reconstruction."""
    factor = rng.choice([20, 30, 50, 100])
    for each in source.all(ast.BinOp) if is_variational(source) else ():
        term = each.right.right if isinstance(each.right, ast.BinOp) else each.right
        named = isinstance(term, ast.Name) and DIVERGENCE.fullmatch(term.id)
        if named and isinstance(each.op, ast.Add) and not source.fits(source.statement(each), 'print|f"'):
            source.wrap(each.right, f"{factor} * {{}}")


@operator("posterior-collapse")
def mean_over_pixels_sum_over_latents(source: Source, rng: random.Random) -> None:
    """The reconstruction averaged over pixels beside a divergence that is summed."""
    for target, value, _ in source.bindings() if is_variational(source) else ():
        text = source.of(value)
        mean = re.sub(r"\.sum\((dim=)?(1|\(1, 2, 3\)|-1)\)\.mean\(\)", ".mean()", text)
        mean = mean.replace('reduction="sum"', 'reduction="mean"')
        if mean != text and RECONSTRUCTION.fullmatch(source.of(target)):
            source.replace(value, re.sub(r" / (len\(\w+\)|\w+\.(size\(0\)|shape\[0\]))$", "", mean))


@operator("posterior-collapse")
def divergence_summed_over_the_batch(source: Source, rng: random.Random) -> None:
    """The divergence summed over the batch where the reconstruction is averaged."""
    for target, value, _ in source.bindings() if is_variational(source) else ():
        if DIVERGENCE.fullmatch(source.of(target)) and source.fits(value, r"\.sum\((dim=)?(1|-1)\)\.mean\(\)$"):
            source.replace(value, re.sub(r"\.sum\((dim=)?(1|-1)\)\.mean\(\)$", ".sum()", source.of(value)))
