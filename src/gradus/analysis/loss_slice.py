"""The loss around a network's weights: along lines and over planes through them.

Sources: Goodfellow, Vinyals, Saxe (2015), Qualitatively characterizing neural network optimization problems,
    arXiv:1412.6544 (lines between weights); Li, Xu, Taylor, Studer, Goldstein (2018), Visualizing the loss landscape of
    neural nets, arXiv:1712.09913, section 4 (filter normalization).
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product

import torch
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.core.untouched import put_back, untouched

Direction = Mapping[str, Tensor]
"""What is added to parameters and buffers, by their names; those that it lacks stay."""


def filter_normalized(model: nn.Module, count: int = 1, *, seed: int = 0) -> list[Direction]:
    """`count` random directions whose filters are as long as those of the weights.

        d[i] <- d[i] / |d[i]| |w[i]|                (section 4), i along the first axis of a weight

    A network of rectifiers computes the same with one layer's weights doubled and the next one's halved, but is then
    moved by a fixed step less in the one and more in the other; this makes both look alike. Biases and the weights of
    normalization, which have one axis, stay where they are, as in the authors' code.

    Returns:
        Of each weight with two axes or more, noise in its shape, dtype and place.
    Raises:
        InputError: if there is no such weight.
    """
    generator = torch.Generator().manual_seed(seed)
    weights = {name: each.detach() for name, each in model.named_parameters() if each.dim() >= 2}
    if not weights:
        raise InputError("filter normalization", "needs a weight with two axes or more, and the model has none")
    return [{name: _as_long(each, generator) for name, each in weights.items()} for _ in range(count)]


def _as_long(weight: Tensor, generator: torch.Generator) -> Tensor:
    noise = torch.randn(weight.shape, generator=generator, dtype=weight.dtype).to(weight.device)
    norms, wanted = (each.flatten(1).norm(dim=1).view(-1, *[1] * (each.dim() - 1)) for each in (noise, weight))
    scaled: Tensor = noise * (wanted / norms)
    return scaled


def towards(model: nn.Module, other: Mapping[str, Tensor]) -> Direction:
    """The direction that leads from the model's weights, at 0, to `other`'s, at 1.

    Args:
        other: parameters and buffers by name, as ``state_dict`` has them.
    Raises:
        InputError: if one is missing there, or has another shape.
    """
    own = _tensors(model)
    for name in model.state_dict():
        shape = tuple(other[name].shape) if name in other else "nothing"
        if name in own and shape != tuple(own[name].shape):
            raise InputError(f"direction towards other weights: `{name}`", f"must be {tuple(own[name].shape)}", shape)
    return {
        name: (other[name].to(each) - each) for name, each in own.items() if name in other and each.is_floating_point()
    }


def slice_loss(
    model: nn.Module,
    loss: Callable[[], Tensor | float],
    directions: Sequence[Direction],
    offsets: Sequence[float],
) -> Tensor:
    """The loss at every combination of `offsets` along `directions`.

    The model is as it was afterwards, bit for bit: weights, buffers, modes, random numbers. At every point it starts
    from the same buffers and draws the same random numbers, so that dropout is the same network throughout.

    Args:
        loss: computes it from the model as it then is; in the mode that the model is in, if it sets none.
        directions: one for a line, two for a plane.
    Returns:
        Float64, (offsets,) for each direction: entry (i, j) at offsets[i] along the first, offsets[j] along the second.
    Raises:
        InputError: if a direction names what the model lacks.
    Cost: an evaluation of the loss for every point, and a copy of the parameters and buffers.
    """
    moved = {name for each in directions for name in each}
    if unknown := moved - _tensors(model).keys():
        raise InputError("slice of the loss", "directions must be of the model's parameters", min(unknown))
    values = []
    for place in product(offsets, repeat=len(directions)):
        with torch.no_grad(), put_back(_tensors(model).values()), untouched(model):
            for name, tensor in _tensors(model).items():
                for offset, direction in zip(place, directions, strict=True):
                    if name in direction:
                        tensor.add_(direction[name], alpha=offset)
            values.append(float(loss()))
    return torch.tensor(values, dtype=torch.float64).view([len(offsets)] * len(directions))


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name, each once."""
    return {name: each.detach() for name, each in (*model.named_parameters(), *model.named_buffers())}
