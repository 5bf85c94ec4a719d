"""Generators: whether one learns from a discriminator, and whether latents are used."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gradus.diagnosis.measure import pairwise
from gradus.diagnosis.signs import PlayersSigns

_MOST = 256
_NEIGHBOURS = 5
_ACTIVE = 0.01
"""Variance over the batch of a latent's mean, from which on it counts as used (Burda et al. 2015, arXiv 1509.00519)."""


@dataclass(frozen=True)
class Judged:
    """One pass of a model: what went in and came out."""

    root: int
    input: Tensor | None
    output: Tensor
    source: int
    """Where the input's numbers lie, to see that they are another model's output."""
    target: int
    computed: bool = False
    """Whether the input was computed from parameters."""

    @classmethod
    def of(cls, root: nn.Module, inputs: Sequence[Tensor], output: Tensor) -> "Judged":
        first = inputs[0].detach() if inputs else None
        computed = bool(inputs) and inputs[0].grad_fn is not None
        return cls(id(root), first, output.detach(), _where(first), _where(output), computed)


def _where(tensor: Tensor | None) -> int:
    return tensor.data_ptr() if tensor is not None and tensor.layout is torch.strided else 0


def read_players(judged: Sequence[Judged]) -> PlayersSigns | None:
    """A generator's output beside real data, where one model judged both in this step.

    Coverage and precision are those of Naeem et al. (2020), arXiv 2002.09797, and Kynkaanniemi et al. (2019), arXiv
    1904.06991, on the data themselves, within the batch.
    """
    made = {each.target: each for each in judged if each.target}
    fakes = [each for each in judged if each.source in made and made[each.source].root != each.root]
    # What a generator made may have had noise added to it.
    others = {each.root for each in judged}
    fakes = fakes or [each for each in judged if each.computed and len(others) > 1]
    if not fakes or fakes[0].input is None:
        return None
    fake, made_up = fakes[0], fakes[0].input
    reals = [
        (_apart(each.input, made_up), each)
        for each in judged
        if each.root == fake.root
        and each.source not in made
        and not each.computed
        and each.input is not None
        and each.input.shape[1:] == made_up.shape[1:]
    ]
    if not reals:
        return None
    # Of several the one least like what was made: another may be that, detached and with noise.
    real = max(reals, key=lambda each: each[0])[1]
    assert real.input is not None
    real_ND = real.input[:_MOST].flatten(1).float()
    fake_ND = made_up[:_MOST].flatten(1).float()
    if min(len(real_ND), len(fake_ND)) < 16:
        return None
    between_reals = pairwise(real_ND)
    radius_N = between_reals.kthvalue(min(_NEIGHBOURS, len(real_ND) - 1) + 1, dim=1).values
    across = torch.cdist(real_ND, fake_ND)
    inside = across <= radius_N[:, None]
    spread = pairwise(fake_ND).mean() / between_reals.mean().clamp_min(1e-12)
    real_score, fake_score = real.output.flatten().float(), fake.output.flatten().float()
    pairs = (real_score[:, None] > fake_score).float() + 0.5 * (real_score[:, None] == fake_score)
    deviation = torch.cat([real_score, fake_score]).std(correction=0).clamp_min(1e-12)
    return PlayersSigns(
        spread=float(spread),
        coverage=float(inside.any(dim=1).float().mean()),
        precision=float(inside.any(dim=0).float().mean()),
        told_apart=float(pairs.mean()),
        gap=float((real_score.mean() - fake_score.mean()) / deviation),
    )


def _apart(one: Tensor, other: Tensor) -> float:
    """How far two batches lie apart, in their means and deviations."""
    first, second = one[:_MOST].flatten(1).float(), other[:_MOST].flatten(1).float()
    means = (first.mean(dim=0) - second.mean(dim=0)).norm()
    return float(means + (first.std(dim=0, correction=0) - second.std(dim=0, correction=0)).norm())


def read_latents(result: Any) -> float | None:
    """Share of latent dimensions in use, where a model returned a reconstruction, means and log-variances.

    Means and log-variances are the last two tensors, of the same shape (N, d); a dimension is in use if its mean
    varies over the batch.
    """
    if not isinstance(result, tuple | list) or len(result) < 3 or not all(isinstance(each, Tensor) for each in result):
        return None
    mean, log_variance = result[-2], result[-1]
    if mean.shape != log_variance.shape or mean.dim() != 2 or len(mean) < 8 or mean.shape == result[0].shape:
        return None
    return float((mean.detach().float().var(dim=0) > _ACTIVE).float().mean())
