"""Text that goes on as a trained network would have it."""

from typing import TYPE_CHECKING

import torch
from torch import nn

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models.generation import generate

if TYPE_CHECKING:
    from gradus.training.run import Run

LENGTH = 200
_OWNER = "prompt"


def continuation(
    run: "Run",
    prompt: str,
    *,
    length: int = LENGTH,
    temperature: float = 1.0,
    top_k: int | None = None,
    seed: int = 0,
    trust: bool = False,
) -> str:
    """The characters that a run of text makes follow a prompt.

    Args:
        run: a finished run whose data are text.
        prompt: what comes before, of characters that the training text had.
        length, temperature, top_k: as `gradus.models.generation.generate` takes them.
        seed: of the draws; the same seed goes on with the same text.
        trust: allow the run's own code to be executed.
    Raises:
        InputError: for a run of other data or of several networks, of a network that tells something else than
            what comes next, an empty prompt, a character that the training text did not have, or a prompt shorter than
            what the network must see.
    """
    vocabulary = run.spec.vocabulary
    if not vocabulary or vocabulary != run.spec.classes:
        raise InputError(_OWNER, "is for a run that was trained on text", str(run.path))
    if run.recipe.ensemble is not None:
        raise InputError(_OWNER, "is for a run of one network", f"{run.recipe.ensemble.members} networks")
    for each in prompt:
        if each not in vocabulary:
            raise InputError(_OWNER, "holds a character that the training text did not have", each)
    model = run.model(trust=trust)
    least = least_prompt(model, run.spec)
    if least is None:
        rule = "is for a network that tells what comes next"
        repair = "Give the text as an input, without --prompt."
        raise InputError(_OWNER, rule, run.recipe.model.label, repair)
    if len(prompt) < least:
        raise InputError(_OWNER, f"needs {least} characters or more, which the network is to go on from", prompt)
    return go_on(model, run.spec, prompt, length=length, temperature=temperature, top_k=top_k, seed=seed)


def least_prompt(model: nn.Module, spec: DataSpec) -> int | None:
    """The characters that a network must be given to go on with a text; None of one that tells something else."""
    if _reads_on(model):
        return 1
    # One that neither carries a state nor says how much it can see is made for just so many characters.
    return spec.inputs[0][0] if spec.steps is None else None


def _reads_on(model: nn.Module) -> bool:
    """Whether it takes any number of characters: it carries a state, or says how many it can see."""
    return bool(getattr(model, "carries", False) or getattr(model, "context", None))


def go_on(
    model: nn.Module,
    spec: DataSpec,
    prompt: str,
    *,
    length: int = LENGTH,
    temperature: float = 1.0,
    top_k: int | None = None,
    seed: int = 0,
) -> str:
    """What a network of text says after a prompt that is long enough for it, of characters that it knows."""
    codes = {symbol: code for code, symbol in enumerate(spec.vocabulary)}
    device = next((each.device for each in model.parameters()), torch.device("cpu"))
    given = torch.tensor([[codes[each] for each in prompt]], device=device)
    said = generate(
        model,
        given,
        length,
        temperature=temperature,
        top_k=top_k,
        context=None if _reads_on(model) else spec.inputs[0][0],
        generator=torch.Generator().manual_seed(seed),
    )
    return "".join(spec.vocabulary[code] for code in said[0].tolist())
