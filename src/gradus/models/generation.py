"""Text that goes on: a model is asked for the next symbol, and reads what it said."""

from typing import Any

import torch
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.core.untouched import untouched

# N texts, T symbols of the prompt, V classes, K of them that may be drawn


@torch.no_grad()
def generate(
    model: nn.Module,
    prompt: Tensor,
    length: int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    context: int | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """The symbols that go on after a prompt, each drawn from what the model says of it.

        p = softmax(z / temperature), of the `top_k` largest z

    A recurrent network reads every symbol once and carries its state on; another reads, for every symbol, as many of
    those before it as it sees. The model is in evaluation mode meanwhile, and left as it was.

    Args:
        model: codes (N, T) to logits (N, T, V), of which the last are taken, or (N, V).
        prompt: codes (N, T), T > 0, on the model's device.
        length: how many symbols are to come.
        temperature: below 1 the likely are likelier still; 0 always takes the likeliest.
        top_k: how many symbols are drawn from; by default all.
        context: the most symbols that are read at once; by default as many as the model says that it sees
            (`model.context`), or all. Without use to a model that carries a state.
        generator: draws; its device is where symbols are drawn. By default torch's.
    Returns:
        The codes that follow the prompt, (N, length) int64.
    Raises:
        InputError: for a prompt of no symbols, an option out of range, or a model that says nothing finite.
    """
    if prompt.dim() != 2 or 0 in prompt.shape or prompt.is_floating_point():
        found = str(prompt.dtype) if prompt.is_floating_point() else tuple(prompt.shape)
        raise InputError("generate", "`prompt` must be codes (N, T), one at least", found)
    for name, number, least in (("length", length, 0), ("temperature", temperature, 0), ("context", context, 1)):
        if number is not None and not number >= least:  # false of NaN, too
            raise InputError("generate", f"`{name}` must be {least} or more", number)
    if top_k is not None and top_k < 1:
        raise InputError("generate", "`top_k` must be 1 or more", top_k)
    carries = getattr(model, "carries", False)
    context = context or getattr(model, "context", None) or 0
    text, given, state = prompt, prompt, None
    with untouched(model):
        model.eval()
        for _ in range(length):
            if carries:
                logits, state = model(given, state, carry=True)
            else:
                logits = _first(model(text[:, -context:]))
            given = _drawn(logits[:, -1] if logits.dim() == 3 else logits, temperature, top_k, generator)
            text = torch.cat((text, given), 1)
    return text[:, prompt.shape[1] :]


def _first(result: Any) -> Tensor:
    logits: Tensor = result[0] if isinstance(result, tuple) else result
    return logits


def _drawn(logits_NV: Tensor, temperature: float, top_k: int | None, generator: torch.Generator | None) -> Tensor:
    """A code for each row of logits, (N, 1)."""
    largest_N1 = logits_NV.amax(-1, keepdim=True)
    if not bool(largest_N1.isfinite().all()):  # NaN is larger than all
        raise InputError("generate", "the model gives logits that are infinite or not numbers", repair="Train it anew.")
    if temperature == 0:
        return logits_NV.argmax(-1, keepdim=True)
    home = logits_NV.device
    # The largest becomes 0, so that no temperature makes any infinite.
    scaled_NV = (logits_NV - largest_N1).to(home if generator is None else generator.device).double() / temperature
    kept_NK, codes_NK = scaled_NV.topk(min(top_k or scaled_NV.shape[-1], scaled_NV.shape[-1]), -1)
    place_N1 = torch.multinomial(kept_NK.softmax(-1), 1, generator=generator)
    return codes_NK.gather(-1, place_N1).to(home)
