"""The catalogue: one family of networks per file, one card per named variant."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradus.core.cards import Card, Registry
from gradus.core.errors import InputError
from gradus.core.spec import DataSpec, Task

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class Published:
    """The counts a paper gives of its network, rounded as it rounds them.

    Attributes:
        parameters: of which trained.
        macs: multiply-adds of one example.
        where: table or section of the source.
        built: options that build the network counted, where they are not the defaults.
        difference: why ours differ, where they do not round to the same.
    """

    parameters: float | None = None
    macs: float | None = None
    where: str = ""
    built: Mapping[str, Any] = field(default_factory=dict)
    difference: str = ""


@dataclass(frozen=True, kw_only=True)
class ModelCard(Card):
    """One network. `build` takes a DataSpec and the options, and returns a Module that gives raw logits or values.

    Attributes:
        family: the name its variants share.
        year: of publication.
        input: the shape its published figures are for, without the batch axis.
        outputs: the number of classes or values they are for.
        tasks: what it can be trained for.
        vocabulary: of a network for text, the symbols its figures are for.
        every_step: its figures are for data in which every step of a sequence has a class of its own.
        reconstructs: it gives back the numbers of an example, all of them, and is trained to give back nothing else.
        published: the counts that its source gives.
        headline: the result it is known for, as its source reports it.
    """

    family: str
    year: int
    input: tuple[int, ...]
    outputs: int
    tasks: tuple[Task, ...] = ("classification", "regression")
    vocabulary: tuple[str, ...] = ()
    every_step: bool = False
    reconstructs: bool = False
    published: Published | None = None
    headline: str = ""

    @property
    def spec(self) -> DataSpec:
        """The data its published figures are for."""
        return DataSpec(
            task=self.tasks[0],
            inputs=(self.input,),
            input_dtypes=("int64",) if self.vocabulary else (),
            outputs=self.outputs,
            vocabulary=self.vocabulary,
            steps=self.input[0] if self.every_step else None,
        )


models: Registry[ModelCard] = Registry("model", "gradus.models", ModelCard)


def create_model(
    name: str,
    *,
    num_classes: int | None = None,
    input_shape: tuple[int, ...] | None = None,
    spec: DataSpec | None = None,
    features_only: bool = False,
    pretrained: str | Path | None = None,
    **options: Any,
) -> "nn.Module":
    """A network of the catalogue.

    Args:
        name: as `list_models` lists it.
        num_classes: outputs; by default as published. 0 leaves out the last layer: the network gives its features.
        input_shape: shape of one example, e.g. ``(1, 28, 28)``; by default as published.
        spec: says both, and the task, in place of the two above.
        features_only: the network gives its last maps of each resolution: see `gradus.models.reuse.FeatureMaps`.
        pretrained: a file of weights to begin with: see `gradus.models.pretrained.load_pretrained`.
        options: the model's own; see its card.
    Raises:
        InputError: for an unknown name or option, data the network cannot take, or weights that do not fit it.
    Example:
        >>> sum(p.numel() for p in create_model("lenet5").parameters())
        61706
    """
    from gradus.models.pretrained import load_pretrained
    from gradus.models.reuse import FeatureMaps, reset_classifier

    card = models.get(name)
    if num_classes is not None and num_classes < 0:
        raise InputError("num_classes", "must not be negative", num_classes)
    if spec is None:
        shape = tuple(input_shape or card.input)
        outputs = prod(shape) if card.reconstructs else card.outputs
        steps = shape[0] if card.every_step else None
        spec = replace(card.spec, inputs=(shape,), outputs=num_classes or outputs, steps=steps)
    elif num_classes is not None or input_shape is not None:
        raise InputError(f"model `{card.name}`", "takes a spec, or num_classes and input_shape, not both")
    model = build(card, spec, options)
    if pretrained is not None:
        load_pretrained(model, pretrained)
    if features_only:
        return FeatureMaps(model, spec.inputs[0])
    if num_classes == 0:
        reset_classifier(model, 0)
    return model


def build(card: ModelCard, spec: DataSpec, options: Mapping[str, Any]) -> "nn.Module":
    """The network on `card` for data that look like `spec`.

    Raises:
        InputError: for an unknown option, or data the network cannot take.
    """
    if card.reconstructs and (spec.task, spec.outputs) != ("regression", spec.features):
        raise InputError(
            f"model `{card.name}`",
            f"gives back the {spec.features} numbers of an example",
            f"{spec.outputs} {'classes' if spec.task == 'classification' else 'values'} to learn",
            "Set data.reconstruct = true.",
        )
    if spec.task not in card.tasks:
        raise InputError(
            f"model `{card.name}`", f"is for {' or '.join(card.tasks)}", spec.task, "Choose another model."
        )
    try:
        model: nn.Module = card.build(spec, **card.validate(options))
    except InputError as error:  # a builder of several variants speaks in the name of all
        raise error.renamed(f"model `{card.name}`") if error.owner == f"model `{card.family}`" else error from None
    return model


def list_models() -> list[str]:
    """The names `create_model` knows, in alphabetical order."""
    return models.names()
