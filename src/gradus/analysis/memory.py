"""How far back a model of sequences remembers: gradients by the time between cause and effect, and gates."""

# N sequences, T steps, lag k: the steps from an input to the last output

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, log
from typing import Any

import torch
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.core.untouched import put_back, untouched

_PROBES = 8
_OPEN = 0.9
"""Above it a gate counts as open, and as shut below one less it: where Karpathy et al. call it saturated."""
_FORGOTTEN = 1e-3
"""Of the largest influence: what moves the output less is not remembered."""


@dataclass(frozen=True, eq=False)
class Memory:
    """How much the input of each earlier step moves the last output.

    Attributes:
        norms: (T,) float64, by lag: root mean square over sequences of the Frobenius norm of the derivative of the last
            output with respect to the input k steps before it.
    """

    norms: Tensor

    @property
    def rate(self) -> float:
        """The factor by which the influence changes from one lag to the next: below 1 it vanishes, above it explodes.

        By least squares over the logarithms of what is finite and not 0; NaN of fewer than two such lags.
        """
        lags = torch.arange(len(self.norms), dtype=torch.float64)
        usable = (self.norms > 0) & self.norms.isfinite()
        if int(usable.sum()) < 2:
            return float("nan")
        x, y = lags[usable], self.norms[usable].log()
        x = x - x.mean()
        return float((x @ (y - y.mean()) / (x @ x)).exp())

    @property
    def time_constant(self) -> float:
        """Steps in which the influence falls by a factor e at that rate; infinite where it does not fall."""
        return -1 / log(self.rate) if 0 < self.rate < 1 else (0.0 if self.rate == 0 else inf)

    @property
    def length(self) -> int:
        """The effective memory length: the steps back to the earliest input of a thousandth of the largest norm.

        0 where no input has any influence.
        """
        heard = torch.nonzero((self.norms > 0) & (self.norms >= _FORGOTTEN * self.norms.max()))
        return int(heard.max()) + 1 if len(heard) else 0

    def to_json(self) -> dict[str, Any]:
        return {
            "norms": self.norms.tolist(),
            "rate": self.rate,
            "time_constant": self.time_constant,
            "length": self.length,
        }


def memory(model: nn.Module, sequences: Tensor, *, probes: int = _PROBES) -> Memory:
    """Really run a model of sequences, and go back from its last output to the input of every step.

    In a plain recurrent network each step back multiplies the derivative by one more Jacobian, so that its norm falls
    or grows as a power of the lag; where a gate adds to a memory, its derivative is a sum, and the norm may stay.

    Args:
        model: any module of (N, T, F) numbers, or of (N, T) codes that it looks up in an nn.Embedding, to outputs
            (N, ...), or (N, T, ...) of which the last step counts; or a tuple that begins with such. It is run as it
            is, in its mode, and not touched.
        sequences: what it reads.
        probes: random directions of the output, over which squares are averaged; the expectation is exact.
    Raises:
        InputError: for anything that is no batch of sequences, codes that are not looked up, or an output without
            derivatives.
    Cost: a forward pass and `probes` backward passes.
    Source: Bengio, Simard, Frasconi (1994), Learning long-term dependencies with gradient descent is difficult, section
    III; Pascanu, Mikolov, Bengio (2013), On the difficulty of training recurrent neural networks, arXiv:1211.5063.
    """
    if sequences.dim() not in (2, 3) or 0 in sequences.shape:
        rule = "must be sequences (N, T, F), or codes (N, T)"
        raise InputError("memory", rule, tuple(sequences.shape))
    if (sequences.dim() == 2) == sequences.is_floating_point():
        raise InputError("memory", "takes codes as whole numbers (N, T), and numbers (N, T, F)", str(sequences.dtype))
    if probes < 1:
        raise InputError("memory", "`probes` must be 1 or more", probes)
    # Of cuDNN's recurrent layers there are no derivatives in evaluation mode.
    plain = torch.backends.cudnn.flags(enabled=False)
    with plain, untouched(model), put_back(model.buffers()), torch.enable_grad():
        last, read = _run(model, sequences)
        total = torch.zeros(sequences.shape[1], dtype=torch.float64)
        generator = torch.Generator().manual_seed(0)
        for probe in range(probes):
            # The square of a random combination of rows is on average the sum of the rows' squares.
            signs = torch.randint(0, 2, last.shape, generator=generator).to(last) * 2 - 1
            (slope,) = torch.autograd.grad(last, read, signs, retain_graph=probe < probes - 1)
            total += slope.double().square().flatten(2).sum(-1).mean(0).cpu()
    return Memory((total / probes).sqrt().flip(0))


def _run(model: nn.Module, sequences: Tensor) -> tuple[Tensor, Tensor]:
    """The last output (N, ...), and what was read of each step, (N, T, F), both in one graph."""
    looked_up: list[Tensor] = []

    def keep(module: nn.Module, given: Any, output: Tensor) -> Tensor:
        if not looked_up and output.shape[:2] == sequences.shape[:2]:
            looked_up.append(output.detach().requires_grad_())
            return looked_up[0]
        return output

    codes = not sequences.is_floating_point()
    hooks = [each.register_forward_hook(keep) for each in model.modules() if codes and isinstance(each, nn.Embedding)]
    read = sequences if codes else sequences.detach().clone().requires_grad_()
    try:
        result = model(read)
    finally:
        for hook in hooks:
            hook.remove()
    output = result[0] if isinstance(result, tuple) else result
    if codes and not looked_up:
        raise InputError("memory", "needs codes to be looked up in an nn.Embedding, which the model does not do")
    if not isinstance(output, Tensor) or not output.requires_grad:
        raise InputError("memory", "needs an output that depends on its input by derivatives", type(output).__name__)
    every_step = output.dim() > 2 and output.shape[1] == sequences.shape[1]
    return (output[:, -1] if every_step else output), (looked_up[0] if codes else read)


@dataclass(frozen=True)
class GateShares:
    """How far a gate lets things by.

    Attributes:
        mean: of its activations.
        open, shut: the shares of them above 0.9 and below 0.1.
    """

    mean: float
    open: float
    shut: float


def gate_shares(gates: Mapping[str, Tensor]) -> dict[str, GateShares]:
    """Of each gate, how much of it is open and shut, over all units, steps and sequences.

    Args:
        gates: activations by name, such as ``Recurrent`` returns: any shape, between 0 and 1.
    Raises:
        InputError: for activations that are not between 0 and 1, as those of no gate are.
    Source: Karpathy, Johnson, Fei-Fei (2015), Visualizing and understanding recurrent networks, arXiv:1506.02078,
    section 4.2.
    """
    shares = {}
    for name, each in gates.items():
        if each.numel() == 0 or not bool(((each >= 0) & (each <= 1)).all()):
            raise InputError(f"gate `{name}`", "must be numbers between 0 and 1", tuple(each.shape))
        values = each.detach().double()
        shares[name] = GateShares(
            float(values.mean()), float((values > _OPEN).double().mean()), float((values < 1 - _OPEN).double().mean())
        )
    return shares
