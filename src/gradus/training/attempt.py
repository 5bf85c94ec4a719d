"""A Trainer with all it was made of, and what its networks come to on a split."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from gradus.data.raw import Examples
from gradus.nn.statistics import recompute_statistics
from gradus.training.callbacks import Callback, KeepBest
from gradus.training.continuation import go_on, least_prompt
from gradus.training.evaluation import Outputs, collect
from gradus.training.prepare import Prepared
from gradus.training.showcase import write_reconstructions, write_showcase
from gradus.training.trainer import Trainer


@dataclass(frozen=True, eq=False)
class Attempt:
    """Something to train, where it stands.

    Attributes:
        best: remembers the best weights, where the recipe asks for them.
    """

    prepared: Prepared
    trainer: Trainer
    best: KeepBest | None


def make_attempt(prepared: Prepared, callbacks: Sequence[Callback]) -> Attempt:
    """At its first step."""
    training = prepared.recipe.training
    best = None
    if training.early_stopping is not None or training.keep == "best":
        stopping = training.early_stopping
        best = KeepBest() if stopping is None else KeepBest(**stopping.model_dump())
        callbacks = [best, *callbacks]
    trainer = Trainer(
        prepared.objective,
        prepared.loader,
        training,
        seed=prepared.recipe.seed,
        device=prepared.device,
        evaluate=lambda networks: measure(prepared, networks["model"], "validation"),
        callbacks=callbacks,
    )
    return Attempt(prepared, trainer, best)


def settle(attempt: Attempt) -> nn.Module:
    """Give the networks the weights a run ends with: the best, and exact statistics, where the recipe asks for them.

    Returns:
        The network to judge and keep.
    """
    if attempt.best is not None:
        attempt.best.restore(attempt.trainer)
    model = attempt.trainer.networks()["model"]
    if attempt.prepared.recipe.training.recompute_statistics:
        recompute_statistics(model, attempt.prepared.population)
    return model


def measure(prepared: Prepared, model: nn.Module, split: str) -> dict[str, float]:
    """Loss and metrics on a split, named after it; nothing where there is no such split."""
    if split not in prepared.evaluation:
        return {}
    outputs = collect(model, prepared.criterion, prepared.evaluation[split])
    return {f"{split}_{name}": value for name, value in _scores(prepared, outputs).items()}


def measure_finally(place: Path, prepared: Prepared, model: nn.Module) -> dict[str, float]:
    """The scores of the network that is kept; what it says of the last split is saved for the report."""
    values: dict[str, float] = {}
    for split, loader in prepared.evaluation.items():
        outputs = collect(model, prepared.criterion, loader)
        values |= {f"{split}_{name}": value for name, value in _scores(prepared, outputs).items()}
        if split == list(prepared.evaluation)[-1] and outputs.output.isfinite().all():
            examples = prepared.splits.named()[split].examples
            if prepared.preprocessing.reconstruct:
                write_reconstructions(place, prepared.raw, examples, split, outputs)
                continue
            classifies = prepared.spec.task == "classification"
            shown = outputs.output.softmax(dim=-1) if classifies else prepared.preprocessing.restore(outputs.output)
            sample = _sample(prepared, model, examples, int(outputs.index[0]))
            write_showcase(place, prepared.raw, examples, split, shown, outputs.index, sample)
    return values


def _sample(prepared: Prepared, model: nn.Module, examples: Examples, index: int) -> tuple[str, str] | None:
    """How a network of text goes on after the first window of a split; None of other networks."""
    if prepared.raw.kind != "text" or least_prompt(model, prepared.spec) is None:
        return None
    codes = examples.inputs[0][index]
    prompt = "".join(prepared.spec.vocabulary[code] for code in codes)
    return prompt, go_on(model, prepared.spec, prompt)


def _scores(prepared: Prepared, outputs: Outputs) -> dict[str, float]:
    preprocessing = prepared.preprocessing
    return outputs.scores(prepared.spec.task, preprocessing.restore, pooled=preprocessing.reconstruct)
