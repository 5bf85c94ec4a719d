"""Which modules and parameters a program has, and what they are called."""

import gc
import sys
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor, nn

from gradus.diagnosis.signs import ModelFacts

_WRAPPERS = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)
_BATCH_NORMS = nn.modules.batchnorm._BatchNorm


class Places:
    """Names of modules and parameters by identity, as ``model:module.path``. It keeps nothing alive.

    Attributes:
        tables: the places of embeddings, also of those that are never called, but multiplied with shares of symbols.
    """

    def __init__(self) -> None:
        self.tables: set[str] = set()
        self.facts: dict[str, ModelFacts] = {}
        self._modules: dict[int, tuple[weakref.ref[nn.Module], str]] = {}
        self._parameters: dict[int, tuple[weakref.ref[Tensor], str]] = {}
        self._models: dict[str, weakref.ref[nn.Module]] = {}
        self._sensitive: dict[int, list[weakref.ref[nn.Module]]] = {}

    def add(self, model: nn.Module, name: str = "") -> str:
        """Name everything in `model`; the label it got."""
        label = self._free_label(name or type(model).__name__)
        self._models[label] = weakref.ref(model)
        for path, module in model.named_modules():
            self._modules[id(module)] = (weakref.ref(module), f"{label}:{stripped(path)}")
            if isinstance(module, nn.Embedding | nn.EmbeddingBag):
                self.tables.add(f"{label}:{stripped(path)}")
        for path, parameter in model.named_parameters():
            self._parameters[id(parameter)] = (weakref.ref(parameter), f"{label}:{stripped(path)}")
        self.note_modes(model)
        self.facts[label] = facts_of(model, label)
        return label

    def note_modes(self, model: nn.Module) -> None:
        """Which modules of a model, or of a part that runs by itself, act otherwise in evaluation."""
        self._sensitive[id(model)] = [weakref.ref(each) for each in model.modules() if _is_sensitive(each)]

    def models(self) -> Iterator[tuple[str, nn.Module]]:
        """The models that are still there, by label."""
        for label, reference in self._models.items():
            model = reference()
            if model is not None:
                yield label, model

    def module(self, module: nn.Module) -> str | None:
        """A module's place; None of a stranger."""
        return _look_up(self._modules, module)

    def parameter(self, parameter: Tensor) -> str | None:
        """A parameter's place; None of a stranger."""
        return _look_up(self._parameters, parameter)

    def sensitive(self, model: nn.Module) -> list[nn.Module]:
        """The modules of a model that act otherwise in evaluation: dropout, and batch norm that keeps statistics."""
        if id(model) not in self._sensitive:
            return []
        return [each for each in (reference() for reference in self._sensitive[id(model)]) if each is not None]

    def _free_label(self, name: str) -> str:
        label, number = name, 2
        while label in self._models and self._models[label]() is not None:
            label, number = f"{name}{number}", number + 1
        return label


def _is_sensitive(module: nn.Module) -> bool:
    if isinstance(module, _DROPOUTS):
        return module.p > 0
    return isinstance(module, _BATCH_NORMS) and module.track_running_stats


def _look_up(table: dict[int, tuple[Any, str]], thing: Any) -> str | None:
    entry = table.get(id(thing))
    # An identity is used again when what had it is gone.
    return entry[1] if entry is not None and entry[0]() is thing else None


def stripped(path: str) -> str:
    """A module's path without the names that wrappers put into it.

    >>> stripped("module._orig_mod.my_module.0")
    'my_module.0'
    """
    parts = [each for each in path.split(".") if each not in _WRAPPERS]
    # In the middle it is rather the program's own name.
    return ".".join(parts[1:] if parts[:1] == ["module"] else parts)


def is_compiled(module: nn.Module) -> bool:
    """Whether calls of `module` run what torch.compile made of it."""
    frames = sys.modules.get("torch._dynamo.eval_frame")
    return (frames is not None and isinstance(module, frames.OptimizedModule)) or module._compiled_call_impl is not None


def original(module: nn.Module) -> nn.Module:
    """What was compiled, or `module` itself."""
    # Not getattr: a module that lacks a name raises an error, which takes longer than all the rest.
    return module._modules.get("_orig_mod") or module


def find_models(parameter: Tensor) -> list[nn.Module]:
    """The outermost modules of the process that hold a parameter."""
    holders = [
        each
        for each in gc.get_objects()
        if issubclass(type(each), nn.Module) and any(own is parameter for own in each.parameters())
    ]
    inner = {id(part) for each in holders for part in each.modules() if part is not each}
    return [each for each in holders if id(each) not in inner]


_SIZED = nn.Linear | nn.modules.conv._ConvNd | nn.RNNBase | nn.RNNCellBase


def facts_of(model: nn.Module, label: str) -> ModelFacts:
    """What can be said of a model without running it."""
    modules = list(model.modules())
    layers = [each for each in modules if isinstance(each, _SIZED)]
    memories = [each.hidden_size for each in layers if isinstance(each, nn.RNNBase | nn.RNNCellBase)]
    return ModelFacts(
        name=label,
        parameters=sum(each.numel() for each in model.parameters() if not nn.parameter.is_lazy(each)),
        dropout=max(map(_dropped, modules)),
        normalizations=sum("Norm" in type(each).__name__ for each in modules),
        narrowest=min([*_passed_on(layers), *memories], default=0),
        linear_layers=len(layers) - len(memories),
        uneven=tuple(uneven(model)),
        batch_norms=tuple(each.num_features for each in modules if isinstance(each, nn.modules.batchnorm._BatchNorm)),
    )


def _dropped(module: nn.Module) -> float:
    """The share that a module drops, or whose number it has for what it calls, as attention and memories do."""
    share = float(module.p) if isinstance(module, _DROPOUTS) else getattr(module, "dropout", 0.0)
    used = not isinstance(module, nn.RNNBase) or module.num_layers > 1
    return share if isinstance(share, float) and used else 0.0


def _passed_on(layers: Sequence[nn.Module]) -> Iterator[int]:
    """Widths of layers whose output is the input of a later one, as their sizes have it; not those of heads."""
    sizes = [_sizes(each) for each in layers]
    convolves = [isinstance(each, nn.modules.conv._ConvNd) for each in layers]

    def takes(consumer: int, producer: int) -> bool:
        size, width = sizes[consumer][0], sizes[producer][1]
        flattened = convolves[producer] and width > 1 and size % width == 0
        unflattened = convolves[consumer] and size > 1 and width % size == 0
        return size == width or flattened or unflattened

    for at, (_, width) in enumerate(sizes):
        if width and any(takes(later, at) for later in range(at + 1, len(layers))):
            yield width


def _sizes(layer: Any) -> tuple[int, int]:
    """Numbers that a layer takes and gives, for each example and place; a memory's own size is not told here."""
    if isinstance(layer, nn.Linear):
        return layer.in_features, layer.out_features
    return (layer.in_channels, layer.out_channels) if hasattr(layer, "in_channels") else (layer.input_size, 0)


def uneven(model: nn.Module) -> Iterator[str]:
    """Transposed convolutions near the output whose kernel is no multiple of their stride.

    Source: Odena, Dumoulin, Olah (2016), Deconvolution and checkerboard artifacts.
    """
    layers = [
        (path, each) for path, each in model.named_modules() if isinstance(each, nn.Linear | nn.modules.conv._ConvNd)
    ]
    for path, each in layers[-2:]:
        if isinstance(each, nn.ConvTranspose2d) and any(
            stride > 1 and kernel % stride for kernel, stride in zip(each.kernel_size, each.stride, strict=True)
        ):
            yield stripped(path)
