"""Learning a recurrence through time, back from a batch's end or forward from the beginning of the sequence."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Annotated, Any, Literal, cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import one_hot

from gradus.core.batch import Batch
from gradus.core.errors import InputError
from gradus.nn.rtrl import ElementwiseRNN, Learner, rtrl
from gradus.training.objective import Phase, Signs, networks, penalty, with_gradients
from gradus.training.objectives import Parts, objectives

# N examples, T steps, F features, H units, V symbols

State = Any
"""As the recurrence gives it: h (1, N, H), or (h, c)."""
Method = Literal["bptt", "tbptt", "exact", "block", "diagonal", "snap1", "uoro"]
_OWNER = "objective `through_time`"


class ThroughTime:
    """A recurrence and what is said of its state learn together, and the state goes on from batch to batch.

    Row r of a batch goes on with row r of the batch before where its example is the next one (``index`` greater by 1);
    otherwise it begins from zeros. `training.order = "contiguous"` hands out such batches.

    Args:
        parts: their model has a `recurrence` of one layer, an `output` for its h, and perhaps an `embedding` before it.
        method: "bptt" by autograd to the beginning of the batch; or a method of `gradus.nn.rtrl`.
        every: of "tbptt", k1: steps between two looks back.
        options: of `rtrl`.
    """

    def __init__(
        self, parts: Parts, method: Method, *, every: int | None = None, options: Mapping[str, Any] | None = None
    ) -> None:
        self.model, self.criterion, self.penalties = parts.model, parts.criterion, tuple(parts.penalties)
        if parts.closure:
            raise InputError(_OWNER, "needs an optimizer that takes one look at a batch")
        parameters = tuple(each for group in parts.optimizer.param_groups for each in group["params"])
        self.phases = (Phase("train", parameters, parts.optimizer, scheduler=parts.scheduler),)
        self._every_step = parts.spec.steps is not None
        self._embedding: nn.Module = getattr(parts.model, "embedding", nn.Identity())
        self._recurrence = _child(parts.model, "recurrence")
        self._output = _child(parts.model, "output")
        if not getattr(self._recurrence, "batch_first", False):
            raise InputError(_OWNER, "`recurrence` must be `batch_first`", str(self._recurrence))
        if getattr(self._recurrence, "bidirectional", False):
            rule = "`recurrence` must read forwards alone: backwards there is no state to go on from"
            raise InputError(_OWNER, rule, str(self._recurrence))
        self._index: Tensor | None = None
        self._state: State = None
        self._forward: _Forward | None = None
        if method != "bptt":
            self._forward = _Forward(method, self._embedding, self._recurrence, every, options or {})

    def modules(self) -> Mapping[str, nn.Module]:
        return networks(self.model, self.criterion)

    def compute(self, phase: Phase, batch: Batch) -> tuple[Tensor, Signs]:
        (x,) = batch.inputs
        new = self._begins(batch.index)
        loss = self._back(x, batch.target, new) if self._forward is None else self._ahead(phase, x, batch.target, new)
        signs: dict[str, Tensor] = {}
        if self.penalties:
            signs["penalty"] = penalty(self.penalties, loss.device)
            loss = loss + signs["penalty"]
        return loss, signs

    def _begins(self, index: Tensor) -> Tensor:
        """Which rows (N,) do not go on where they were."""
        before, self._index = self._index, index.clone()
        if before is None or before.shape != index.shape:
            return torch.ones_like(index, dtype=torch.bool)
        return index != before + 1

    def _say(self, y: Tensor, target: Tensor) -> Tensor:
        """The loss of what is said of h (N, T, H): at every step, or at the end."""
        return self.criterion(self._output(y if self._every_step else y[:, -1]), target)

    def _back(self, x: Tensor, target: Tensor, new: Tensor) -> Tensor:
        if self._state is not None:
            self._state = None if new.all() else _each(self._state, lambda part: part * ~new.to(part.device)[:, None])
        y, state = self._recurrence(self._embedding(x), self._state)
        self._state = _each(state, Tensor.detach)
        return self._say(y, target)

    def _ahead(self, phase: Phase, x: Tensor, target: Tensor, new: Tensor) -> Tensor:
        forward = cast(_Forward, self._forward)
        forward.begin(new.to(x.device))
        with torch.no_grad():
            y, _ = self._recurrence(self._embedding(x), forward.state)
        y.requires_grad_()
        loss = self._say(y, target)
        of_time = forward.parameters()
        others = [each for each in phase.parameters if not any(each is one for one in of_time)]
        dy, *found = torch.autograd.grad(loss, [y, *others], allow_unused=True)
        pairs = [(one, each) for one, each in zip(others, found, strict=True) if each is not None]
        learning = {id(each) for each in phase.parameters}  # others are frozen
        pairs += [pair for pair in forward.learn(x, dy) if id(pair[0]) in learning]
        return with_gradients(loss, [one for one, _ in pairs], [each for _, each in pairs])

    def state_dict(self) -> dict[str, Any]:
        """Where the rows stand, their state, and what the method remembers."""
        return {
            "index": self._index,
            "state": self._state,
            "learner": None if self._forward is None else self._forward.learner.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        def here(each: Any) -> Any:  # what was saved comes back in the CPU's memory, and a tuple as a list
            if isinstance(each, list | tuple):
                return tuple(map(here, each))
            return each.to(device) if isinstance(each, Tensor) else each

        device = next(self._recurrence.parameters()).device
        self._index, self._state = state["index"], here(state["state"])
        if self._forward is not None:
            self._forward.learner.load_state_dict({name: here(each) for name, each in state["learner"].items()})


class _Forward:
    """A learner of a model's recurrence, and of the embedding before it.

    An embedding E before a matrix W_x is one matrix V = W_x E^T of one-hot symbols. The learner learns that, so its
    gradients are exact for both: dW_x = dV E, dE = dV^T W_x.
    """

    def __init__(
        self, method: str, embedding: nn.Module, recurrence: nn.Module, every: int | None, options: Mapping[str, Any]
    ) -> None:
        self._every = every
        self._embedding = embedding
        self._layer = recurrence.cell if isinstance(recurrence, ElementwiseRNN) else _torchs(recurrence)
        self._enters = "weight_ih" if isinstance(recurrence, ElementwiseRNN) else "weight_ih_l0"
        self._symbols = embedding.num_embeddings if isinstance(embedding, nn.Embedding) else None
        self._cell = self._layer
        if self._symbols is not None:
            self._cell = deepcopy(self._layer).requires_grad_(requires_grad=False)
            self._cell.input_size = self._symbols
            matrix = self._layer.get_parameter(self._enters)
            setattr(self._cell, self._enters, nn.Parameter(matrix.new_empty(len(matrix), self._symbols), False))
        elif any(True for _ in embedding.parameters()):
            raise InputError(_OWNER, "`embedding` must be an nn.Embedding, or learn nothing", str(embedding))
        self.learner: Learner = rtrl(method, self._cell, **options)

    def parameters(self) -> list[nn.Parameter]:
        return [*self._layer.parameters(), *self._embedding.parameters()]

    @property
    def state(self) -> State:
        """As the recurrence takes it; None for zeros."""
        state = self.learner.state
        return None if state is None else _each(state, lambda part: part[None])

    def begin(self, new: Tensor) -> None:
        """Rows that are new have no past."""
        if new.any():
            self.learner.reset(None if new.all() else new)

    def learn(self, x: Tensor, dy: Tensor) -> list[tuple[nn.Parameter, Tensor]]:
        """Every parameter with its gradient, of losses whose derivatives with respect to h are `dy` (N, T, H)."""
        # In full precision: what is carried over many steps would be rounded at each.
        with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
            return self._learn(x, dy.to(self._layer.get_parameter(self._enters).dtype))

    def _learn(self, x: Tensor, dy: Tensor) -> list[tuple[nn.Parameter, Tensor]]:
        steps = self._embedding(x) if self._symbols is None else one_hot(x.long(), self._symbols)
        self._follow()
        total: dict[str, Tensor] = {}
        for at, (step, dh) in enumerate(zip(steps.to(dy).unbind(1), dy.unbind(1), strict=True), start=1):
            self.learner.step(step)
            self.learner.credit(dh)
            if at == dy.shape[1] or (self._every is not None and at % self._every == 0):
                found = self.learner.gradients()
                total = {name: total[name] + each for name, each in found.items()} if total else found
        pairs = []
        if self._symbols is not None:
            of_product, symbols = total[self._enters], self._embedding.get_parameter("weight")
            total[self._enters] = of_product @ symbols.detach()
            pairs.append((symbols, of_product.T @ self._layer.get_parameter(self._enters).detach()))
        return pairs + [(self._layer.get_parameter(name), each) for name, each in total.items()]

    def _follow(self) -> None:
        """Give the learner's cell the weights as they are now."""
        if self._symbols is None:
            return
        for name, each in self._cell.named_parameters():
            given = self._layer.get_parameter(name)
            each.copy_(given @ self._embedding.get_parameter("weight").T if name == self._enters else given)


def _child(model: nn.Module, name: str) -> nn.Module:
    found = getattr(model, name, None)
    if not isinstance(found, nn.Module):
        raise InputError(
            _OWNER,
            f"the model must have a `{name}`",
            type(model).__name__,
            "It needs a `recurrence`, an `output`, and perhaps an `embedding`, as the recurrent networks have.",
        )
    return found


def _torchs(recurrence: nn.Module) -> nn.RNNBase:
    """Torch's layer, or the one that a layer of ours runs on."""
    kernel = recurrence if isinstance(recurrence, nn.RNNBase) else getattr(recurrence, "kernel", None)
    disturbed = getattr(recurrence, "weight_drop", 0) or any(getattr(recurrence, "variational", ()))
    if not isinstance(kernel, nn.RNNBase) or disturbed:
        raise InputError(
            _OWNER,
            "`recurrence` must be an RNN, IRNN, LSTM or GRU without dropout",
            str(recurrence),
            'Others learn by `method` = "bptt".',
        )
    return kernel


def _each(state: State, change: Callable[[Tensor], Tensor]) -> State:
    return tuple(map(change, state)) if isinstance(state, tuple) else change(state)


@objectives.register(
    source="Williams, Zipser (1995), Gradient-based learning algorithms for recurrent networks and their computational "
    "complexity",
    formula="dL/dw = sum_t dL/dh_t dh_t/dw",
    notes="Exact methods are exact as long as weights do not change: over batches, as of a fixed weight.",
)
def through_time(
    parts: Parts,
    *,
    method: Method = "bptt",
    every: Annotated[int, Field(ge=1)] | None = None,
    back: Annotated[int, Field(ge=1)] | None = None,
    length: Annotated[int, Field(ge=1)] | None = None,
) -> ThroughTime:
    """A recurrence learns through time, with its state carried on from batch to batch.

    Args:
        method: "bptt" back to the beginning of a batch; "tbptt" so many steps `back`; forward in time "exact", "block",
            which is exact too, "diagonal" of an ElementwiseRNN, "snap1" or "uoro".
        every: of tbptt, after so many steps it looks back; by default at the end of a batch.
        back: of tbptt, how many steps a loss reaches; it may reach into earlier batches.
        length: of block, its steps; by default as many as there are units.
    """
    for name, given, whose in (("every", every, "tbptt"), ("back", back, "tbptt"), ("length", length, "block")):
        if given is not None and method != whose:
            raise InputError(_OWNER, f"`{name}` is of the method `{whose}`", method, "Leave it out.")
    if method == "tbptt" and back is None:
        raise InputError(_OWNER, "`tbptt` needs `back`, the steps that a loss reaches")
    options = {name: each for name, each in (("back", back), ("length", length)) if each is not None}
    return ThroughTime(parts, method, every=every, options=options)
