"""One examined step: signs of every layer, parameter, input and loss, gathered while it runs."""

import itertools
import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from gradus.diagnosis import measure
from gradus.diagnosis.axes import examples_first
from gradus.diagnosis.causality import Shown, is_next
from gradus.diagnosis.comparison import compared, read_loss
from gradus.diagnosis.graph import Graph, by_weights, given_by_hand, walk
from gradus.diagnosis.inputs import begins_with_normalization, calm, read_input, row_prints
from gradus.diagnosis.matching import matched
from gradus.diagnosis.memory import Memory
from gradus.diagnosis.nonfinite import is_narrow
from gradus.diagnosis.operations import short_name
from gradus.diagnosis.places import Places
from gradus.diagnosis.players import Judged, read_code, read_latents, read_made, read_players, untaught, used
from gradus.diagnosis.rewards import minimizes_reward, minimizes_value
from gradus.diagnosis.signs import Examination, InputSigns, LayerSigns, LossSigns, Op, layer_of
from gradus.diagnosis.similarity import blind_to_size, is_likeness
from gradus.diagnosis.through_time import Sequence_, gradients_through_time, largest_state, memory_kept
from gradus.diagnosis.updates import Updates

_ACTIVATION_TYPES = {
    nn.ReLU: "relu", nn.ReLU6: "relu", nn.Tanh: "tanh", nn.Sigmoid: "sigmoid", nn.LeakyReLU: "leaky_relu",
    nn.GELU: "gelu", nn.SiLU: "silu", nn.ELU: "elu", nn.SELU: "elu", nn.Hardtanh: "hardtanh", nn.Softplus: "softplus",
    nn.Threshold: "relu",
}  # fmt: skip
_SEQUENCES = (Tensor, PackedSequence)
_CHANNELS_SECOND = (nn.modules.conv._ConvNd, nn.modules.batchnorm._BatchNorm, nn.GroupNorm)
_MOST_CALLS = 512
_MANY_TIMES = 8
"""Calls in one pass, from which on they are steps through a sequence."""
_AVERAGED = 30
"""Batches after which a batch norm's averages are those of examples, and not of how it began."""
_MOST_JUDGED = 16
_MOST_UNNAMED = 32
_SQUARED = {"MseLoss", "SmoothL1Loss", "HuberLoss", "Pow"}
_STEPS_READ = 8
_MANY_TOKENS = 64
_FEW_ALIKE = 0.05
"""Share of a batch that may be alike where examples are told apart by what is given of them."""
_REMEMBERED = 5
"""Examinations over which a unit must be silent to count as dead."""


class Window:
    """Gathers one Examination."""

    def __init__(self, step: int, places: Places, memory: Memory) -> None:
        self.step = step
        self.graphs: list[Graph] = []
        self.called: set[str] = set()
        self.detached: set[str] = set()
        self.unnormalized: list[tuple[str, int, float]] = []
        self.drifting: set[str] = set()
        self.judged: list[Judged] = []
        self._matched: tuple[Tensor, Tensor] | None = None
        self.shown: list[Shown] = []
        self.sees_ahead = False
        self.crossed: set[tuple[int, ...]] = set()
        self.mixes = False
        self._places, self._memory = places, memory
        self._layers: dict[str, LayerSigns] = {}
        self.updates = Updates(step, places, memory, self._layers)
        self._nodes: dict[Any, str] = {}
        self._inputs: list[Tensor] = []
        self._given: list[Tensor] = []
        self._input_signs: list[InputSigns] = []
        self._prints: tuple[Tensor, list[int]] | None = None
        self._runs = 0
        self._tokens: dict[nn.Embedding | nn.EmbeddingBag, list[Tensor]] = {}
        self._again: tuple[int, int] | None = None
        self._normalized = False
        self._entering: Tensor | None = None
        self._losses: list[LossSigns] = []
        self.unsigned = False
        self._output: Tensor | None = None
        self._latents: float | None = None
        self._code: Tensor | None = None
        self._sequences: list[Sequence_] = []
        self._through: dict[str, list[tuple[int, Tensor]]] = {}
        self._axes: dict[tuple[int, ...], int] = {}
        self._calls: dict[str, int] = {}
        self._beside: Graph | None = None
        self._just_ran: tuple[str, torch.Size] | None = None

    # ---- forward ----------------------------------------------------------------------------------------------------

    def new_pass(self) -> None:
        """A model begins to run."""
        self._calls = {}
        self._just_ran = None

    def layer(self, module: nn.Module, inputs: Sequence[Any], result: Any) -> None:
        """A layer has run."""
        place = self._places.module(module)
        output = measure.first_tensor(result)
        if place is None or output is None or not output.is_floating_point() or not output.numel() or not output.dim():
            return
        self.called.add(place)
        if any(each.dim() > 1 for each in module.parameters()):
            given = measure.first_tensor(inputs)
            self._note_detached(place, given, output)
            if self._entering is None:
                self._entering = given.detach() if given is not None and given.is_floating_point() else None
        norm = isinstance(module, nn.modules.batchnorm._BatchNorm) and module.training
        if norm and module.affine and module.track_running_stats:
            (self._memory.learning_norms if module.weight.requires_grad else self.drifting).add(place)
        before = self._layers.get(place)
        if isinstance(module, nn.Embedding | nn.EmbeddingBag) and (asked := measure.first_tensor(inputs)) is not None:
            self._tokens.setdefault(module, []).append(asked.detach().flatten())
        calls = self._calls[place] = self._calls.get(place, 0) + 1
        if output.grad_fn is not None:
            self._nodes[output.grad_fn] = place
        if before is not None and calls == 1:
            return  # another pass of the same step
        if before is not None:
            self._layers[place] = replace(before, calls=calls)
            if calls == 4:
                self._memory.many_calls.add(place)
        else:
            self._layers[place] = self._read_layer(module, place, output)
        state = largest_state(module, inputs)
        if state > self._layers[place].state:
            self._layers[place] = replace(self._layers[place], state=state)
        if output.requires_grad and (place in self._memory.many_calls or isinstance(module, nn.RNNCellBase)):
            self._follow(place, calls, output)
        if isinstance(module, nn.RNNBase) and inputs and isinstance(inputs[0], _SEQUENCES) and output.requires_grad:
            self._sequences.append(Sequence_(module, place, inputs, result))
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.training:
            self._read_batch_norm(module, place, inputs)

    def _note_detached(self, place: str, given: Tensor | None, output: Tensor) -> None:
        """What is given to a layer that is of the shape of what the one before it made, and without a graph, may well
        be that, detached.
        """
        before, self._just_ran = self._just_ran, (place, output.shape)
        if before is None or given is None or given.requires_grad or not given.is_floating_point():
            return
        if given.shape == before[1]:
            self.detached.add(before[0])

    def _read_layer(self, module: nn.Module, place: str, output: Tensor) -> LayerSigns:
        activation = _ACTIVATION_TYPES.get(type(module), "") or _squashes(output)
        values = measure.by_unit(output, self._unit_axis(module, output))
        if activation:
            return self._layer_signs(type(module).__name__, place, values, activation, before=False)
        following = self._memory.following.get(place, "")
        return self._layer_signs(type(module).__name__, place, values, following, before=True)

    def _layer_signs(self, kind: str, place: str, values: Tensor, activation: str, *, before: bool) -> LayerSigns:
        """Signs of a sample (n, p, u) of what goes into an activation or comes out of it."""
        mean, std, peak, varied = measure.figures([
            values.mean(),
            values.std(correction=0),
            values.abs().max(),
            measure.root_mean_square(values.std(dim=0, correction=0)),
        ])  # fmt: skip
        dead = saturated = None
        if activation == "relu" and values.shape[-1] > 1:
            dead = self._dead(place, measure.silent(values))
        if activation in measure.LIMITS:
            saturated = _saturated_units(values, activation, before=before)
        return LayerSigns(
            type=kind,
            mean=mean,
            std=std,
            peak=peak,
            varied=varied,
            units=values.shape[-1],
            finite=math.isfinite(mean),
            activation=activation,
            dead=dead,
            saturated=saturated,
        )

    def _unit_axis(self, module: nn.Module, output: Tensor) -> int:
        shape = tuple(output.shape)
        if isinstance(module, _CHANNELS_SECOND):
            axis = 1
        elif isinstance(module, nn.Linear | nn.LayerNorm | nn.Embedding | nn.RNNBase):
            axis = -1
        else:
            axis = self._axes.get(shape, 1 if output.dim() > 3 else -1)
        self._axes[shape] = axis
        return axis

    def _dead(self, place: str, silent: Tensor) -> float:
        masks = self._memory.silent.setdefault(place, [])
        if masks and masks[-1].shape != silent.shape:
            masks.clear()
        masks.append(silent)
        del masks[:-_REMEMBERED]
        return float(torch.stack(masks).all(dim=0).float().mean())

    def _follow(self, place: str, call: int, output: Tensor) -> None:
        """Note the gradient that comes back to one of many calls of a module."""
        if call > _MOST_CALLS:
            return
        norms = self._through.setdefault(place, [])

        def note(gradient: Tensor) -> None:
            norms.append((call, gradient.detach().norm()))

        output.register_hook(note)

    def _read_batch_norm(self, module: Any, place: str, inputs: Sequence[Any]) -> None:
        if not inputs or not isinstance(inputs[0], Tensor) or inputs[0].dim() < 2:
            return
        given, tracked = inputs[0], module.num_batches_tracked
        numbers = measure.independent(given)
        if len(given) == 1 and numbers > 1:
            # Of one example only those before it tell how alike its numbers are.
            if module.momentum is None or tracked is None or int(tracked) < _AVERAGED:
                return
            numbers = measure.independent_of_one(given, module.running_mean, module.running_var, module.momentum)
        self.unnormalized.append((place, len(given), numbers))

    def model(self, root: nn.Module, inputs: Sequence[Tensor], result: Any) -> None:
        """A model has run on a training batch."""
        output = measure.first_tensor(result)
        if output is None:
            return
        self._output = output
        self._inputs = [each for each in inputs if each.is_floating_point()]
        self._given += [each for each in inputs if each.grad_fn is None and each.dim() in {2, 3}]
        self._normalized = begins_with_normalization(root)
        if self._latents is None:
            self._latents = read_latents(result)
        if self._latents is None and self._code is not None and _decodes(inputs, self._code):
            self._latents = used(self._code)
        code = read_code(result)
        self._code = code if code is not None else self._code
        self.judge(root, inputs, result)
        # What comes with another example is no example by itself; a length or a mask says little of it.
        alone = all(each.dim() < 2 or each.dtype is torch.bool for each in inputs[1:])
        self._runs += 1 if alone else 2
        for each in inputs[:1]:
            if each.dim() > 1 and each.grad_fn is None:
                self.updates.batch = each.shape[0]
                self._prints = (each, row_prints(each))
                if len(self._memory.rows) < 20_000:
                    self._memory.rows.update(self._prints[1])
                    self._memory.looked_at += len(self._prints[1])

    def judge(self, root: nn.Module, inputs: Sequence[Tensor], result: Any) -> None:
        """A model has run, on a training batch or without gradients: one may judge what another makes."""
        output = measure.first_tensor(result)
        if output is not None and len(self.judged) < _MOST_JUDGED:
            self.judged.append(Judged.of(root, inputs, output, turn=len(self.graphs)))

    def run_beside(self, graph: Graph) -> None:
        """The graph of a compiled model's original, which the compiled one hides."""
        self._beside = graph
        self._memory.following.update({place: name for place, name in graph.following.items() if name})

    # ---- backward ---------------------------------------------------------------------------------------------------

    def backward(self, loss: Tensor, value: float) -> Graph:
        """A backward pass is about to run from `loss`."""
        graph = walk(loss, self._nodes)
        if self._beside is not None:
            graph.heads = list(_spliced(graph.heads, self._beside.heads))
        self.graphs.append(graph)
        self.updates.tables |= {id(each) for each in graph.tables}
        self.updates.turned |= {id(each) for each in graph.turned}
        for place in graph.outputs:
            self._layers[place] = replace(self._layers[place], output=True)
        for place in graph.single:
            self._layers[place] = replace(self._layers[place], single=True)
        for place, activation in graph.following.items():
            if activation:
                self._memory.following[place] = activation
        for place, activation, node in graph.squashed:
            self._read_squashed(place, activation, node)
        for number, (activation, nodes) in enumerate(by_weights(reversed(graph.unnamed[:_MOST_UNNAMED]))):
            self._read_unnamed(f":activation {number + 1}", activation, nodes)
        self._matched = self._matched or matched(loss.grad_fn, self._output)
        read = read_loss(value, graph, self._output)
        self._losses.append(
            replace(
                read,
                wrong_way=is_likeness(loss.grad_fn),
                unsigned=self.unsigned,
                blind=blind_to_size(loss.grad_fn, self._output),
                earns_less=self._earns_less(graph),
                narrow=is_narrow(loss),
            )
        )
        pair = compared(graph, self._output)
        target = pair[1] if pair is not None else None
        self.sees_ahead |= target is not None and any(is_next(target, each) for each in self.shown)
        crossed = [each for each in self._given if each.shape[:2] in self.crossed]
        self.mixes |= any(examples_first(each, target) for each in crossed)
        self._note_again(read, target)
        inputs = self._inputs or list(itertools.islice(given_by_hand(graph), 1))
        if inputs and not self._input_signs:
            for each in inputs:
                if each.grad_fn is None:
                    known = self._prints[1] if self._prints is not None and self._prints[0] is each else None
                    normalized = self._normalized or self._scaled_within(each)
                    signs = read_input(each, target=target, normalized=normalized, prints=known)
                    if signs is not None:
                        self._input_signs.append(self._as_entering(each, signs))
            self._memory.train_inputs = (self._memory.train_inputs + self._input_signs[:1])[-20:]
        return graph

    def _as_entering(self, given: Tensor, signs: InputSigns) -> InputSigns:
        """What is the same for every example where the first layer with weights gets it, is so: it was cut to that."""
        first = self._entering
        if first is None or first.shape != given.shape:
            return signs
        entering = read_input(first)
        if entering is None or entering.constant <= signs.constant:
            return signs
        return replace(signs, constant=entering.constant, varied=entering.varied)

    def _note_again(self, read: LossSigns, target: Tensor | None) -> None:
        """Which examples came before, and with the same labels, where one model has run, on different ones."""
        if self._again is not None or self._runs != 1 or self._prints is None or target is None:
            return
        given, prints = self._prints
        alike = len(prints) - len(set(prints))
        if read.kind and target.numel() == len(given) and alike <= _FEW_ALIKE * len(prints):
            near = 0.5 * read.target_std if read.kind == "values" else 0.0
            self._again = self._memory.again(prints, target, near=near)

    def _earns_less(self, graph: Graph) -> bool:
        program = sys._getframe(2)
        if graph.losses and all(name in _SQUARED for name, _ in graph.losses):
            self._memory.critics |= {id(each) for each in graph.reached}
            return False
        return minimizes_reward(graph, program) or minimizes_value(graph, program, self._memory.critics)

    def _scaled_within(self, given: Tensor) -> bool:
        """Whether the model scales what it is given by operations of its own before the first layer with weights."""
        first = self._entering
        if first is None or first.layout is not torch.strided or given.layout is not torch.strided:
            return False
        return first.data_ptr() != given.data_ptr() and calm(first)

    def _read_squashed(self, place: str, activation: str, node: Any) -> None:
        """Saturation behind an activation that is no module, from its result, which autograd keeps."""
        layer = self._layers.get(place)
        if layer is None or layer.saturated is not None:
            return
        try:
            result = node._saved_result.detach()
        except RuntimeError:  # changed in place
            return
        saturated = _saturated_units(measure.by_unit(result, -1), activation, before=False)
        self._layers[place] = replace(layer, saturated=saturated, activation=activation)

    def _read_unnamed(self, place: str, activation: str, nodes: Sequence[Any]) -> None:
        """An activation between operations that are no modules, from its result; or from those of a few steps."""
        try:
            results = [each._saved_result.detach() for each in nodes[:: max(1, len(nodes) // _STEPS_READ)]]
        except RuntimeError:  # changed in place
            return
        if place in self._layers or not results[0].numel() or not results[0].dim():
            return
        # A unit of a recurrence is dead if it is silent at every step.
        alike = [each for each in results if each.shape[1:] == results[0].shape[1:]]
        result = torch.cat(alike) if len(alike) > 1 else results[0]
        values = measure.by_unit(result, 1 if result.dim() > 3 else -1)
        self._layers[place] = self._layer_signs(activation, place, values, activation, before=False)

    def after_backward(self) -> None:
        """It is over: what came back through time."""
        for place, found in self._through.items():
            if len(found) > 3:
                found.sort(key=lambda each: each[0])
                first, last = measure.figures([found[0][1], found[-1][1]])
                self._layers[place] = replace(self._layers[place], earliest=first, latest=last)
        self._through = {}
        for each in self._sequences:
            ends = gradients_through_time(each)
            layer = replace(self._layers[each.place], kept=memory_kept(each))
            self._layers[each.place] = layer if ends is None else replace(layer, earliest=ends[0], latest=ends[1])
        self._sequences = []

    # ---- the end ----------------------------------------------------------------------------------------------------

    def note_by_hand(self) -> None:
        """A backward pass is over, of a program that changes parameters by itself."""
        self.updates.note_by_hand(self.graphs[-1].reached if self.graphs else ())

    def finish(self) -> Examination:
        """All of it."""
        self.updates.finish()
        self._note_cuts()
        players = read_players(self.judged, self._memory.anchors)
        if players is None and self._matched is not None:
            players = read_made(*self._matched, self._memory.anchors)
        return Examination(
            step=self.step,
            layers=self._layers,
            parameters=self.updates.parameters,
            inputs=tuple(self._input_signs),
            losses=tuple(self._losses),
            rates=tuple(self.updates.rates),
            noise=self.updates.noise,
            players=players,
            latents=self._latents,
            untaught=self._untaught(),
            tokens=self._different_tokens(),
            again=self._again[0] if self._again is not None else None,
            kept=self._again[1] if self._again is not None else 0,
        )

    def _different_tokens(self) -> tuple[int, int] | None:
        """Of the largest table that was asked for many rows: how many different ones these are, and how many it has."""
        asked = {each: torch.cat(rows) for each, rows in self._tokens.items()}
        known = {int(each.num_embeddings): rows for each, rows in asked.items() if len(rows) >= _MANY_TOKENS}
        return (len(known[max(known)].unique()), max(known)) if known else None

    def _note_cuts(self) -> None:
        """Layers that ran many times in one pass, as through a sequence, and of which the loss reaches the last time.

        A readout is called at each step, too, and may be wanted at the last alone; then what carries the state is
        reached more than once, be it another layer or parameters by themselves.
        """
        graphs, computed = self.graphs, Counter(self._nodes.values())
        passed = sum((each.passed for each in graphs), Counter[str]())
        many = [place for place, each in self._layers.items() if each.calls >= _MANY_TIMES and passed[place]]
        once = all(
            each.whole and each.again < _MANY_TIMES and all(each.passed[one] <= 1 for one in many) for each in graphs
        )
        if once and all(computed[place] >= _MANY_TIMES * passed[place] for place in many):
            for place in many:
                self._layers[place] = replace(self._layers[place], cut=True)

    def _untaught(self) -> str:
        """The place of what learns beside a judge, but not of it."""
        whole = all(graph.whole for graph in self.graphs)
        known = [[each for each in graph.reached if self._places.parameter(each)] for graph in self.graphs]
        found = untaught(self.judged, known) if whole else None
        return layer_of(self._places.parameter(found) or "") if found is not None else ""

    @property
    def has_loss(self) -> bool:
        return bool(self._losses)

    @property
    def losses(self) -> Sequence[LossSigns]:
        """Those of this step so far."""
        return self._losses

    def nodes(self) -> Mapping[Any, str]:
        return self._nodes


def _spliced(heads: Iterable[tuple[Op, ...]], beside: Sequence[tuple[Op, ...]]) -> Iterator[tuple[Op, ...]]:
    """Heads that end at compiled code, continued by those of the original, which begin with a sum of ours."""
    for head in heads:
        if head[-1].name.startswith("CompiledFunction") and beside:
            yield from ((*head[:-1], *rest[1:]) for rest in beside)
        else:
            yield head


def _decodes(inputs: Sequence[Tensor], code: Tensor) -> bool:
    """Whether a model is given what was computed, of the shape of an encoder's means."""
    return any(each.shape == code.shape and each.grad_fn is not None for each in inputs[:1])


def _squashes(output: Tensor) -> str:
    """The sigmoid or tanh that a module of the program's own ends with, whatever it does before."""
    name = short_name(output.grad_fn).lower() if output.grad_fn is not None else ""
    return name if name in measure.LIMITS else ""


def _saturated_units(values: Tensor, activation: str, *, before: bool) -> float:
    """Share of units of a sample (n, p, u) most of whose values lie beyond the activation's limits."""
    return float((measure.saturation(values, activation, before=before) > 0.5).float().mean())
