"""Weights of a file into a network of the catalogue: a file of gradus, torchvision or timm, matched by structure.

A state dict names each number after its author's taste: `stage1.0.branch.conv1.0.weight` is another's
`layer1.0.conv1.weight`. What does not depend on taste is which layers there are, of which shapes, in which order. So
entries are grouped into layers, and each layer of the file goes to the layer in the same place of the network.

A safetensors file has no order: it lists its entries by name. There the order is sought that the names leave open
(`conv2` comes after `conv1`, but does `bn1` come before `conv1`?) and the network's shapes decide.
"""

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, islice, zip_longest
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, TypeAlias

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from gradus.core.errors import InputError

_ROLE = re.compile(r"(.*?)[._]?(weight|bias|running_mean|running_var)")
"""An entry of a layer: the layer, and what the entry is of it; ``in_proj_weight`` is the weight of ``in_proj``."""
_DIGITS = re.compile(r"\d+")
_COUNT = "num_batches_tracked"
_WRAPPED = ("state_dict", "model_state_dict", "model")
"""Where a checkpoint keeps its state dict beside other things."""
_LAST = ("downsample", "shortcut")
"""What a block registers after its branch, in torchvision and timm."""
_EFFORT = 200_000
"""Steps of the search for an order; a network of a thousand layers takes some thousand."""
_ORDERS = 64
"""Orders that are looked at to choose one."""
_REPAIR = "Name the network that the file was saved from, with its options."


@dataclass(frozen=True)
class Loaded:
    """What became of a file's weights.

    Attributes:
        matched: the layers that were given weights, each with the file's layer that they came from.
        left: the layers left as they were drawn: outputs for other classes than the file's.
    """

    matched: Mapping[str, str]
    left: tuple[str, ...]


@dataclass
class Layer:
    """What a state dict has of one layer: its entries by what they are of it, `weight`, `bias`, running statistics."""

    name: str
    entries: dict[str, Tensor] = field(default_factory=dict)

    @cached_property
    def kind(self) -> dict[str, tuple[int, ...]]:
        """The shape of each entry without sides of 1, which a linear layer lacks and a 1 x 1 convolution has."""
        return {role: tuple(side for side in each.shape if side != 1) for role, each in self.entries.items()}

    @property
    def bare(self) -> bool:
        """A parameter of a module that holds others, such as a class token: it may stand anywhere among these."""
        return self.entries.keys() == {""}

    def __str__(self) -> str:
        shapes = (f"{role} {tuple(each.shape)}".strip() for role, each in sorted(self.entries.items(), reverse=True))
        return f"`{self.name}` of {', '.join(shapes)}"


def load_pretrained(model: nn.Module, path: str | Path) -> Loaded:
    """Copy a file's weights into a network, all of them or none.

    Layers are matched by name where the file has the names of the network, else by their order, and must be of the
    same kind and shapes; where the file has no order, or another one, that is taken which names and shapes leave open.
    A layer that the network calls `output` and the file has for other classes is left as it was drawn. Code in a file
    is never run.

    Args:
        model: of the catalogue, or any that registers its layers in the order of the file's.
        path: a safetensors file, or a state dict that `torch.save` wrote.
    Raises:
        InputError: if the file is neither, or does not fit wholly; the network is then as it was.
    """
    owner = f"pretrained {path}"
    state, ordered = _read(Path(path), owner)
    ours, theirs = _layers(model.state_dict()), _layers(state)
    if ours.keys() == theirs.keys():
        pairs = _paired(list(ours.values()), [theirs[name] for name in ours], owner)
    else:
        (bare, others), (their_bare, their_others) = _parted(ours), _parted(theirs)
        if not ordered:
            their_others = _in_order(others, their_others, owner)
        elif not all(_fits(*pair) for pair in zip(others, their_others, strict=False)):
            with suppress(InputError):  # heads may be registered at the end or where they branch off
                their_others = _in_order(others, their_others, owner)
        pairs = _alike(bare, their_bare, ordered, owner) + _paired(others, their_others, owner)
    matched = [(layer, source) for layer, source in pairs if layer.kind == source.kind]
    with torch.no_grad():
        for layer, source in matched:
            for role, entry in layer.entries.items():
                entry.copy_(source.entries[role].reshape(entry.shape))
    left = tuple(layer.name for layer, source in pairs if layer.kind != source.kind)
    return Loaded({layer.name: source.name for layer, source in matched}, left)


def _read(path: Path, owner: str) -> tuple[dict[str, Tensor], bool]:
    """The entries of a file, and whether they are in the order in which a network registered them."""
    try:
        with path.open("rb") as stream:
            ordered = stream.read(9)[8:] != b"{"  # a safetensors file begins with eight bytes and JSON
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is refused below
            state: Any = torch.load(path, map_location="cpu", weights_only=True) if ordered else load_file(path)
    except UnpicklingError as error:
        rule = "holds more than tensors, or is damaged; code in a file is never run"
        raise InputError(owner, rule, repair="Save `model.state_dict()` alone.") from error
    except FileNotFoundError:
        raise InputError(owner, "no such file") from None
    except Exception as error:  # what torch raises on a file that it did not write is of any type
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        rule = f"cannot be read as a safetensors file or a state dict ({reason})"
        raise InputError(owner, rule, repair="Save `model.state_dict()` by torch.save or safetensors.") from error
    for name in _WRAPPED:
        if isinstance(state, Mapping) and isinstance(state.get(name), Mapping):
            state = state[name]
    if not isinstance(state, Mapping) or not state:
        raise InputError(owner, "must hold a state dict, names and tensors", type(state).__name__)
    for name, each in state.items():
        # Names are printed to a terminal, which takes some characters as commands.
        if isinstance(name, str) and not name.isprintable():
            raise InputError(owner, f"must hold names that can be printed, but {name!a} cannot")
        if not isinstance(name, str) or not isinstance(each, Tensor):
            raise InputError(owner, f"must hold names and tensors alone, but `{name}` is of {type(each).__name__}")
        if each.is_meta:
            raise InputError(owner, f"`{name}` has a shape and no numbers", repair="Save it from a device with memory.")
        if each.layout != torch.strided or not (each.is_floating_point() or name.endswith(_COUNT)):
            raise InputError(owner, f"`{name}` must be a dense tensor of floating-point numbers", str(each.dtype))
    return dict(state), ordered


def _layers(state: Mapping[str, Tensor]) -> dict[str, Layer]:
    """A state dict by layers, in its order."""
    layers: dict[str, Layer] = {}
    for name, entry in state.items():
        if name.endswith(_COUNT):
            continue
        found = _ROLE.fullmatch(name)
        layer, role = found.groups() if found else (name, "")
        if layer in layers and role in layers[layer].entries:  # as `a.weight` beside `a_weight`
            layer, role = name, ""
        layers.setdefault(layer, Layer(layer)).entries[role] = entry
    return layers


def _parted(layers: Mapping[str, Layer]) -> tuple[list[Layer], list[Layer]]:
    """Bare parameters, and layers."""
    return [each for each in layers.values() if each.bare], [each for each in layers.values() if not each.bare]


def _paired(ours: list[Layer], theirs: list[Layer], owner: str) -> list[tuple[Layer, Layer]]:
    """Each layer of the network with that in its place in the file, if all fit."""
    pairs: list[tuple[Layer, Layer]] = []
    for layer, source in zip_longest(ours, theirs):
        if layer is None or source is None or not _fits(layer, source):
            raise _unlike(layer, source, owner)
        pairs.append((layer, source))
    return pairs


def _fits(layer: Layer, source: Layer) -> bool:
    """Whether two layers are of a kind; those that a network calls output, but for the number of classes."""
    if layer.kind == source.kind:
        return True
    if layer.name.rpartition(".")[2] != "output" or layer.entries.keys() != source.entries.keys():
        return False
    return all(_inward(entry) == _inward(source.entries[role]) for role, entry in layer.entries.items())


def _inward(entry: Tensor) -> tuple[int, ...]:
    return tuple(side for side in entry.shape[1:] if side != 1)


def _unlike(layer: Layer | None, source: Layer | None, owner: str) -> InputError:
    there, here = "no layer more" if source is None else source, "no layer more" if layer is None else layer
    return InputError(owner, f"does not fit: the network has {here}, and the file in its place {there}", repair=_REPAIR)


def _alike(ours: list[Layer], theirs: list[Layer], ordered: bool, owner: str) -> list[tuple[Layer, Layer]]:
    """Bare parameters of the same shapes together, those of one shape in their order."""
    pairs: list[tuple[Layer, Layer]] = []
    left = list(theirs)
    for layer in ours:
        fitting = [each for each in left if each.kind == layer.kind]
        if not fitting:
            raise _unlike(layer, left[0] if left else None, owner)
        if len(fitting) > 1 and not ordered:
            raise _ambiguous(owner)
        left.remove(fitting[0])
        pairs.append((layer, fitting[0]))
    if left:
        raise _unlike(None, left[0], owner)
    return pairs


def _ambiguous(owner: str) -> InputError:
    rule = "is ambiguous: a safetensors file has no order, and its layers fit the network in more than one"
    return InputError(owner, rule, repair="Save the state dict by torch.save, which keeps the order.")


# A tree of layers by the parts of their names. What stands in a node is in lines: names that differ by their numbers
# alone come one after the other, while nothing is said of two lines. A node is gone through level by level.
_Node: TypeAlias = "dict[str, _Node | Layer]"
_Level: TypeAlias = "tuple[tuple[_Node | Layer, ...], ...]"


def _in_order(ours: list[Layer], theirs: list[Layer], owner: str) -> list[Layer]:
    """The file's layers in the order that fits the network's.

    A block read from its normalization on may fit one place earlier, too. Of several orders that one is meant in which
    names stand in the same order in every module.

    Raises:
        InputError: if there is none, naming the first layer that every order lacks, or several.
    """
    search = _Search(ours)
    found = list(islice(search.orders(_tree(theirs)), _ORDERS))
    if not found and search.steps <= _EFFORT:
        raise _unlike((*ours, None)[search.farthest], search.instead, owner)
    meant = found if len(found) == 1 else [each for each in found if _regular(each)]
    if len(meant) != 1 or len(found) == _ORDERS or search.steps > _EFFORT:
        raise _ambiguous(owner)
    return meant[0]


def _regular(layers: list[Layer]) -> bool:
    """Whether any two names, numbers aside, stand in the same order in all modules that have both."""
    inside: dict[str, dict[str, None]] = {}
    for layer in layers:
        parts = layer.name.split(".")
        for depth, part in enumerate(parts):
            inside.setdefault(".".join(parts[:depth]), {})[_DIGITS.sub("", part)] = None
    pairs = {pair for names in inside.values() for pair in combinations(names, 2)}
    return not any((after, before) in pairs for before, after in pairs)


def _tree(layers: list[Layer]) -> _Node:
    root: _Node = {}
    for layer in layers:
        node = root
        for part in layer.name.split("."):
            below = node.setdefault(part, {})
            assert isinstance(below, dict)
            node = below
        node[""] = layer  # a module may have entries of its own, and others below it
    return root


def _levels(node: _Node) -> tuple[_Level, ...]:
    """What stands in a node: its own layer, then the lines of what is below it, then the line that comes last."""
    lines: dict[str, list[tuple[list[int], _Node | Layer]]] = {}
    for name, each in node.items():
        if name:
            numbers = [int(digits) for digits in _DIGITS.findall(name)]
            lines.setdefault(_DIGITS.sub("", name), []).append((numbers, each))
    rows = {name: tuple(each for _, each in sorted(line, key=lambda pair: pair[0])) for name, line in lines.items()}
    last = tuple(rows.pop(name) for name in _LAST if name in rows)
    own = ((node[""],),) if "" in node else ()
    return tuple(level for level in (own, tuple(rows.values()), last) if level)


class _Search:
    """Looks for the orders of a tree's layers that fit those wanted, depth first.

    Attributes:
        farthest: how many of those wanted an order has reached.
        instead: a layer that stood in the way there; None if the tree had no more.
        steps: taken so far.
    """

    def __init__(self, wanted: list[Layer]) -> None:
        self.farthest, self.steps = 0, 0
        self.instead: Layer | None = None
        self._wanted = wanted

    def orders(self, tree: _Node) -> Iterator[list[Layer]]:
        # A state: the levels still to go through, the innermost first, and the chain of layers taken. Python's own
        # stack would not be deep enough for a network of a thousand layers.
        stack: list[tuple[tuple[_Level, ...], Any, int]] = [(_levels(tree), None, 0)]
        while stack and self.steps <= _EFFORT:
            self.steps += 1
            agenda, taken, count = stack.pop()
            if not agenda:
                if count == len(self._wanted):
                    yield _unrolled(taken)
                continue
            lines, *above = agenda
            for number in reversed(range(len(lines))):
                head, *rest = lines[number]
                others = (*lines[:number], *((tuple(rest),) if rest else ()), *lines[number + 1 :])
                after = (others, *above) if others else tuple(above)
                if isinstance(head, dict):
                    stack.append(((*_levels(head), *after), taken, count))
                elif self._fits(head, count):
                    stack.append((after, (head, taken), count + 1))

    def _fits(self, head: Layer, count: int) -> bool:
        if count < len(self._wanted) and _fits(self._wanted[count], head):
            if count + 1 > self.farthest:
                self.farthest, self.instead = count + 1, None
            return True
        if count == self.farthest and (self.instead is None or self._akin(head) > self._akin(self.instead)):
            self.instead = head
        return False

    def _akin(self, layer: Layer) -> bool:
        """Whether a layer is of the kind wanted at the farthest place, but for its sizes."""
        wanted = self._wanted[self.farthest].entries if self.farthest < len(self._wanted) else {}
        return {role: each.dim() for role, each in wanted.items()} == {
            role: each.dim() for role, each in layer.entries.items()
        }


def _unrolled(taken: Any) -> list[Layer]:
    layers: list[Layer] = []
    while taken is not None:
        layer, taken = taken
        layers.append(layer)
    return layers[::-1]
