"""Generators: whether one learns from a discriminator, and whether latents are used."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Normal

from gradus.diagnosis.graph import leaves_below
from gradus.diagnosis.measure import pairwise
from gradus.diagnosis.operations import MOST_NODES, RESHAPING, operands, short_name
from gradus.diagnosis.signs import PlayersSigns

_MOST = 256
_NEIGHBOURS = 5
_MODE = 4
"""Real examples that make a mode."""
_ADDING = frozenset({"Add", "Sub", "Addcmul"})
_ACTIVE = 0.01
"""Variance over the batch of a latent's mean, from which on it counts as used (Burda et al. 2015, arXiv 1509.00519)."""


@dataclass(frozen=True)
class Judged:
    """One pass of a model: what went in and came out."""

    root: nn.Module
    input: Tensor | None
    output: Tensor
    source: int
    """Where the input's numbers lie, to see that they are another model's output."""
    target: int
    computed: bool = False
    """Whether the input was computed from parameters."""
    turn: int = 0
    """Backward passes of the step before it."""
    node: Any = None
    """What computed the output, where gradients are computed."""

    @classmethod
    def of(cls, root: nn.Module, inputs: Sequence[Tensor], output: Tensor, turn: int = 0) -> "Judged":
        first = inputs[0].detach() if inputs else None
        computed = bool(inputs) and inputs[0].grad_fn is not None
        return cls(root, first, output.detach(), _where(first), _where(output), computed, turn, output.grad_fn)

    @property
    def scores(self) -> bool:
        """Whether what came out is one number for an example, or for a patch of it, as a judge's is."""
        return self.output.dim() < 2 or self.output.shape[1] == 1


def _where(tensor: Tensor | None) -> int:
    return tensor.data_ptr() if tensor is not None and tensor.layout is torch.strided else 0


@dataclass
class Anchor:
    """Real data that later examinations are compared by, so that a mode of theirs is the same one each time.

    Attributes:
        real_ND: examples.
        mode_N: the mode that each belongs to; -1 of those in none.
        reach: what still counts as near.
        mean_D: of what was generated last.
    """

    real_ND: Tensor
    mode_N: Tensor
    reach: float
    mean_D: Tensor | None = None

    @classmethod
    def of(cls, real_ND: Tensor, between_NN: Tensor, radius_N: Tensor) -> "Anchor":
        """Modes are what hangs together by steps of twice the usual distance to the fifth neighbour."""
        reach = 2 * float(radius_N.median())
        return cls(real_ND.clone(), _clusters(between_NN <= reach).to(real_ND.device), reach)

    @property
    def modes(self) -> int:
        """How many there are; 1 where data are not in several clumps."""
        return max(1, int(self.mode_N.max()) + 1)

    def covered(self, fake_ND: Tensor) -> tuple[int, ...]:
        """The modes near which something was generated."""
        near_N = (torch.cdist(self.real_ND, fake_ND) <= self.reach).any(dim=1) & (self.mode_N >= 0)
        return tuple(sorted(set(self.mode_N[near_N].tolist())))

    def moved(self, fake_ND: Tensor, scale: float) -> float:
        """How far the mean of what is generated has gone since the last time, in `scale`; 0 the first time."""
        before, self.mean_D = self.mean_D, fake_ND.mean(dim=0)
        return 0.0 if before is None else float((self.mean_D - before).norm()) / scale


def _clusters(joined_NN: Tensor) -> Tensor:
    """The number of each point's connected part, by size; -1 in parts of fewer than four."""
    label_N = torch.arange(len(joined_NN))
    joined_NN = joined_NN.cpu()
    while True:  # each takes the least label among those it is joined to
        least_N = torch.where(joined_NN, label_N[None, :], len(label_N)).amin(dim=1)
        if torch.equal(least_N, label_N):
            break
        label_N = least_N
    names, counts = label_N.unique(return_counts=True)
    mode_N = torch.full_like(label_N, -1)
    for number, name in enumerate(names[counts >= _MODE]):
        mode_N[label_N == name] = number
    return mode_N


def read_players(judged: Sequence[Judged], anchors: dict[int, Anchor]) -> PlayersSigns | None:
    """A generator's output beside real data, where one model judged both in this step, or did in an earlier one.

    `anchors` are kept from one examination to the next, by the width of an example.

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
    if not fake.scores:  # features, by which what is made is compared with what is wanted
        return None
    reals = [
        (_apart(each.input, made_up), each)
        for each in judged
        if each.root == fake.root
        and each.source not in made
        and not each.computed
        and each.input is not None
        and each.input.shape[1:] == made_up.shape[1:]
    ]
    fake_ND = made_up[:_MOST].flatten(1).float()
    fakes = [each for each in fakes if each.root == fake.root]
    # Of several the one least like what was made: another may be that, detached and with noise.
    real = max(reals, key=lambda each: each[0])[1] if reals else None
    if real is not None and not _learns_to_tell(real, [each for _, each in reals], fakes):
        return None
    if real is not None and real.input is not None:
        real_ND = real.input[:_MOST].flatten(1).float()
    elif fake_ND.shape[1] in anchors:  # a step of the generator alone
        real_ND = anchors[fake_ND.shape[1]].real_ND
    else:
        return None
    told_apart, gap = _apart_by_score(real.output, fake.output) if real is not None else (None, 0.0)
    found = read_made(real_ND, fake_ND, anchors)
    return None if found is None else replace(found, told_apart=told_apart, gap=gap)


def read_made(real_ND: Tensor, fake_ND: Tensor, anchors: dict[int, Anchor]) -> PlayersSigns | None:
    """What was generated beside real data, with nothing known of a judge; None of fewer than 16 of either."""
    real_ND, fake_ND = real_ND[:_MOST].float(), fake_ND[:_MOST].float()
    if min(len(real_ND), len(fake_ND)) < 16:
        return None
    between_reals = pairwise(real_ND)
    radius_N = between_reals.kthvalue(min(_NEIGHBOURS, len(real_ND) - 1) + 1, dim=1).values
    inside = torch.cdist(real_ND, fake_ND) <= radius_N[:, None]
    scale = float(between_reals.mean().clamp_min(1e-12))
    if real_ND.shape[1] not in anchors:
        anchors[real_ND.shape[1]] = Anchor.of(real_ND, between_reals, radius_N)
    anchor = anchors[real_ND.shape[1]]
    return PlayersSigns(
        spread=float(pairwise(fake_ND).mean()) / scale,
        coverage=float(inside.any(dim=1).float().mean()),
        precision=float(inside.any(dim=0).float().mean()),
        told_apart=None,
        gap=0.0,
        modes=anchor.modes,
        covered=anchor.covered(fake_ND),
        moved=anchor.moved(fake_ND, scale),
    )


def untaught(judged: Sequence[Judged], reached: Sequence[Sequence[Tensor]]) -> Tensor | None:
    """A parameter of what takes its turn beside a judge, but learns nothing of it: the score is of detached examples.

    `reached` are the parameters that each backward pass of the step comes to. A judge is what learns by itself in
    another turn, from two passes or more, of what is not given to another model too. A state's value that is learned
    along with a policy has no such turn, nor have two critics.
    """
    turns = [{id(each) for each in turn} for turn in reached]
    scores = [each for each in judged if each.scores and each.node is not None]
    for judge in dict.fromkeys(each.root for each in scores):
        own = {id(each) for each in judge.parameters()}
        passes = [[each for each in scores if each.root is judge and each.turn == turn] for turn in range(len(turns))]
        given = {each.source for each in judged if each.root is not judge}
        learns = any(turn and turn <= own and len(of) > 1 for turn, of in zip(turns, passes, strict=True))
        if not learns or any(each.source in given for each in scores if each.root is judge):
            continue
        for turn, of, parameters in zip(turns, passes, reached, strict=True):
            behind = {id(leaf) for each in of for leaf in leaves_below(each.node)}
            others = [each for each in parameters if id(each) not in own]
            if turn & own & behind and others and not turn & behind - own:
                return others[0]
    return None


def _learns_to_tell(real: Judged, reals: Sequence[Judged], fakes: Sequence[Judged]) -> bool:
    """Whether a judge learns from what was made, too: beside real data, or where its maker does not.

    A critic of actions, or a model of the world, learns from data alone, and an actor or a designer from it.
    """
    # What looks like a second batch of data was made, and had noise added to it.
    noisy = sum(each.turn == real.turn for each in reals) > 1
    return noisy or len(fakes) > 1 or any(not each.computed or each.turn == real.turn for each in fakes)


def _apart_by_score(real: Tensor, fake: Tensor) -> tuple[float, float]:
    """Share of pairs in which the real example has the higher score, and the difference of means in deviations."""
    real, fake = real.flatten().float(), fake.flatten().float()
    pairs = (real[:, None] > fake).float() + 0.5 * (real[:, None] == fake)
    deviation = torch.cat([real, fake]).std(correction=0).clamp_min(1e-12)
    return float(pairs.mean()), float((real.mean() - fake.mean()) / deviation)


def _apart(one: Tensor, other: Tensor) -> float:
    """How far two batches lie apart, in their means and deviations."""
    first, second = one[:_MOST].flatten(1).float(), other[:_MOST].flatten(1).float()
    means = (first.mean(dim=0) - second.mean(dim=0)).norm()
    return float(means + (first.std(dim=0, correction=0) - second.std(dim=0, correction=0)).norm())


def read_latents(result: Any) -> float | None:
    """Share of latent dimensions in use, where a model returned a reconstruction, means and log-variances.

    Means and log-variances are the last two tensors, of the same shape (N, d), or two of the last three, the other
    being the sample; a dimension is in use if its mean varies over the batch. A tuple, a dict or a dataclass may hold
    them, or a normal distribution.
    """
    parts = _parts(result)
    if len(parts) < 3 or not all(isinstance(each, Tensor) for each in parts):
        return None
    mean, log_variance = parts[-2:]
    if not _codes(mean, log_variance) or len(mean) < 8 or mean.shape == parts[0].shape:
        return None
    three = len(parts) > 3 and parts[-3].shape == mean.shape
    if not _sampled(parts[0], parts[-3:] if three else parts[-2:]):
        return None
    return sorted(used(each) for each in parts[-3:])[1] if three else used(mean)  # a sample varies in any case


def _sampled(made: Tensor, codes: Sequence[Tensor]) -> bool:
    """Whether something was computed from one of these with noise added to it, as far as the graph tells.

    Two views of an example, or an action's mean and deviation beside the state's value, look like codes otherwise.
    """
    nodes = {each.grad_fn for each in codes if each.grad_fn is not None}
    if made.grad_fn is None or not nodes or short_name(made.grad_fn).startswith("CompiledFunction"):
        return True
    stack, seen = [made.grad_fn], {made.grad_fn}
    while stack and len(seen) < MOST_NODES:
        node = stack.pop()
        if short_name(node) in _ADDING and any(_leads_to(each, nodes) for each in operands(node)):
            return True
        new = [each for each in operands(node) if each not in seen]
        seen.update(new)
        stack += new
    return False


def _leads_to(node: Any, nodes: Collection[Any]) -> bool:
    """Whether a node is one of these, or only reshapes what one of them gives."""
    while node is not None and node not in nodes and short_name(node) in RESHAPING:
        node = next(iter(operands(node)), None)
    return node in nodes


def read_code(result: Any) -> Tensor | None:
    """The means (N, d) of what may be an encoder: it returned means and log-variances, or a normal distribution."""
    parts = _parts(result)
    if len(parts) != 2 or not all(isinstance(each, Tensor) for each in parts) or not _codes(*parts):
        return None
    mean: Tensor = parts[0].detach()
    return mean if len(mean) >= 8 and mean.shape[1] > 1 else None


def used(mean_ND: Tensor) -> float:
    """Share of dimensions that vary over the batch."""
    return float((mean_ND.detach().float().var(dim=0) > _ACTIVE).float().mean())


def _codes(mean: Tensor, log_variance: Tensor) -> bool:
    return mean.shape == log_variance.shape and mean.dim() == 2


def _parts(result: Any) -> tuple[Any, ...]:
    """What a model returned, taken apart."""
    if isinstance(result, Mapping):
        result = tuple(result.values())
    elif is_dataclass(result):
        result = tuple(getattr(result, each.name) for each in fields(result))
    parts: list[Any] = []
    for each in result if isinstance(result, tuple | list) else (result,):
        normal = getattr(each, "base_dist", each)
        parts += [normal.loc, normal.scale] if isinstance(normal, Normal) else [each]
    return tuple(parts)
