"""Text that goes on as a trained network would have it."""

import torch

from gradus.core.errors import InputError
from gradus.models.generation import generate
from gradus.training.run import Run


def continuation(
    run: Run,
    prompt: str,
    *,
    length: int = 200,
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
    owner = "prompt"
    vocabulary = run.spec.vocabulary
    if not vocabulary or vocabulary != run.spec.classes:
        raise InputError(owner, "is for a run that was trained on text", str(run.path))
    if run.recipe.ensemble is not None:
        raise InputError(owner, "is for a run of one network", f"{run.recipe.ensemble.members} networks")
    codes = {symbol: code for code, symbol in enumerate(vocabulary)}
    for each in prompt:
        if each not in codes:
            raise InputError(owner, "holds a character that the training text did not have", each)
    model = run.model(trust=trust)
    reads_on = bool(getattr(model, "carries", False) or getattr(model, "context", None))
    if not reads_on and run.spec.steps is not None:
        rule = "is for a network that tells what comes next"
        repair = "Give the text as an input, without --prompt."
        raise InputError(owner, rule, run.recipe.model.label, repair)
    (window,) = run.spec.inputs[0]
    # One that neither carries a state nor says how much it can see is made for just so many characters.
    least = 1 if reads_on else window
    if len(prompt) < least:
        raise InputError(owner, f"needs {least} characters or more, which the network is to go on from", prompt)
    given = torch.tensor([[codes[each] for each in prompt]])
    generator = torch.Generator().manual_seed(seed)
    said = generate(
        model,
        given,
        length,
        temperature=temperature,
        top_k=top_k,
        context=None if reads_on else window,
        generator=generator,
    )
    return "".join(vocabulary[code] for code in said[0].tolist())
