"""Whether data, model and criterion fit together, tried on real examples before training begins."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from gradus.core.batch import Batch
from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.training.evaluation import evaluating
from gradus.training.objective import output_of


def check_fit(
    spec: DataSpec,
    model: nn.Module,
    criterion: Callable[[Tensor, Tensor], Tensor],
    batch: Batch,
    *,
    names: tuple[str, str],
    smallest_batch: int,
) -> None:
    """Pass `batch` through model and criterion and look at the shapes, then try a training pass on copies.

    Nothing about the model or the criterion changes.

    Args:
        batch: a few examples.
        names: of model and criterion, for messages.
        smallest_batch: the fewest examples a step will see.
    Raises:
        InputError: saying which two parts do not fit and how their shapes differ.
    """
    model_name, criterion_name = f"model `{names[0]}`", f"criterion `{names[1]}`"
    shape = spec.inputs[0] if len(spec.inputs) == 1 else spec.inputs
    with torch.random.fork_rng(), evaluating(model):
        try:
            output = output_of(model(*batch.inputs))
        except Exception as error:
            raise InputError(model_name, f"cannot take examples of shape {shape}: {_first_line(error)}") from error
        if not isinstance(output, Tensor):
            raise InputError(model_name, "must return a tensor, or a tuple that begins with one", type(output).__name__)
        wanted = spec.shape_of_output(len(batch))
        if tuple(output.shape) != wanted:
            what = "classes" if spec.task == "classification" else "values"
            raise InputError(
                model_name,
                f"must give {wanted} for {len(batch)} examples and {spec.outputs} {what}"
                + ("" if spec.steps is None else f" at each of {spec.steps} steps"),
                tuple(output.shape),
                "Give its last layer that many outputs." if spec.steps is None else "Take a model of sequences.",
            )
        loss: Any = None
        for target, repair in _targets(spec, batch):
            try:
                loss = criterion(output, target)
            except Exception as error:
                raise InputError(
                    criterion_name,
                    f"cannot take outputs {tuple(output.shape)} with targets {tuple(target.shape)} "
                    f"{target.dtype}: {_first_line(error)}",
                    repair=repair,
                ) from error
    if not isinstance(loss, Tensor) or loss.ndim != 0:
        found = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
        raise InputError(criterion_name, "must return one number as a tensor", found, "Take the mean over the batch.")
    _try_training(model, criterion, batch, model_name)
    if smallest_batch == 1 and any(isinstance(each, nn.BatchNorm1d) for each in model.modules()):
        raise InputError(
            "training.batch_size",
            f"leaves a batch of one example, for which the batch normalization in {model_name} has no variance",
            repair="Set training.drop_last = true, or choose another size.",
        )


def _targets(spec: DataSpec, batch: Batch) -> list[tuple[Tensor, str]]:
    """What the criterion will be given, and what to do where it cannot take it; last what it is trained on."""
    if spec.task == "regression" or not batch.target.is_floating_point():
        return [(batch.target, "")]
    # Examples are mixed in training, and then have shares of classes; those of an evaluation have a class each.
    return [
        (batch.target.argmax(-1), "It must take both classes (N,) and shares of them (N, C)."),
        (batch.target, "Mixed examples have shares of the classes; leave `mixup` and `cutmix` out of data.augment."),
    ]


def _try_training(
    model: nn.Module, criterion: Callable[[Tensor, Tensor], Tensor], batch: Batch, model_name: str
) -> None:
    """Forward in training mode and backward, on copies; what cannot be copied is not tried."""
    try:
        twin, judge = deepcopy((model, criterion))
    except Exception:
        return
    if not any(each.requires_grad for each in twin.parameters()):  # nothing to train, which the optimizer will tell
        return
    with torch.random.fork_rng():
        try:
            loss = judge(output_of(twin.train()(*batch.inputs)), batch.target)
        except Exception as error:
            raise InputError(model_name, f"fails in training mode: {_first_line(error)}") from error
        if not loss.requires_grad:
            raise InputError(
                model_name,
                "its loss depends on no parameter",
                repair="Look for detach(), .data, no_grad or argmax in it.",
            )
        try:
            loss.backward()
        except Exception as error:
            raise InputError(model_name, f"fails in the backward pass: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"
