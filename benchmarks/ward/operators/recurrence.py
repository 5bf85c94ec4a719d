"""Gradients that vanish or explode on their way through time."""

import ast
import random
import re

from benchmarks.ward.edits import Source, called, keyword
from benchmarks.ward.operators.forms import CELLS, RECURRENT, Layer, drop_clipping, recurrences
from benchmarks.ward.operators.table import operator

ELMAN = """class ElmanRNN(nn.Module):
    def __init__(self, input_size, hidden_size, batch_first=False):
        super().__init__()
        self.batch_first = batch_first
        self.hidden_size = hidden_size
        self.inp = nn.Linear(input_size, hidden_size)
        self.rec = nn.Linear(hidden_size, hidden_size)

    def forward(self, x, state=None):
        if self.batch_first:
            x = x.transpose(0, 1)
        h = x.new_zeros(x.shape[1], self.hidden_size) if state is None else {state}
        outputs = []
        for step in x:
            h = {update}
            outputs.append(h)
        out = torch.stack(outputs, 1 if self.batch_first else 0)
        return out, {result}"""


def own_recurrence(source: Source, update: str) -> None:
    """Put a hand-made layer in the place of torch's; ``update`` makes ``h`` anew from ``step``."""
    if source.has("pack_padded|pack_sequence"):
        return
    for layer in recurrences(source, *RECURRENT):
        plain = all(each.arg in ("input_size", "hidden_size", "batch_first") for each in layer.call.keywords)
        if plain and len(layer.call.args) < 3 and not weights_used(source, layer):
            lstm = called(layer.call) == "LSTM"
            state = "state[0][0]" if lstm else "state[0]"
            result = "(h.unsqueeze(0), h.unsqueeze(0))" if lstm else "h.unsqueeze(0)"
            source.define(ELMAN.format(update=update, state=state, result=result))
            source.replace(layer.call.func, "ElmanRNN")
            return


def weights_used(source: Source, layer: Layer) -> bool:
    """Whether a program touches the weights of a layer itself."""
    return source.has(re.escape(layer.name) + r"\.\w*(weight|bias|named|param)")


def set_recurrent(source: Source, layer: Layer, line: str) -> None:
    """Change the recurrent weights ``weight`` of a layer as soon as it is made."""
    head = f"for key, weight in {layer.name}.named_parameters():"
    source.after(layer.statement, f'{head}\n    if "weight_hh" in key:\n        {line}')


@operator("vanishing-through-time")
def own_sigmoid_recurrence(source: Source, rng: random.Random) -> None:
    """A gated layer replaced by a hand-made Elman layer with sigmoids."""
    sigmoid = "torch.sigmoid(self.inp(step) + self.rec(h))"
    own_recurrence(source, rng.choice([sigmoid, sigmoid, "torch.tanh(self.inp(step) + 0.3 * self.rec(h))"]))


@operator("vanishing-through-time")
def plain_rnn_for_gated(source: Source, rng: random.Random) -> None:
    """nn.RNN for GRU or LSTM, with recurrent weights drawn small."""
    for layer in recurrences(source, "GRU", "LSTM"):
        if not weights_used(source, layer) and not keyword(layer.call, "proj_size"):
            if called(layer.call) == "LSTM" and not drop_cell_state(source, layer):
                continue
            source.replace(layer.call.func, "nn.RNN")
            set_recurrent(source, layer, f"nn.init.normal_(weight, std={rng.choice([0.01, 0.02, 0.001])})")
            return


def drop_cell_state(source: Source, lstm: Layer) -> bool:
    """Make ``out, (h, c) = lstm(x)`` give no ``c``; whether all uses allow for that."""
    states = []
    for use in [each for each in source.all(ast.Call) if source.of(each.func) == lstm.name]:
        parent = source.parents[use]
        if len(use.args) != 1:
            return False
        if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Tuple):
            state = parent.targets[0].elts[1]
            if isinstance(state, ast.Tuple):
                states.append(state)
            elif source.of(state) != "_":
                return False
        elif not (isinstance(parent, ast.Subscript) and source.of(parent.slice) == "0"):
            return False
    for state in states:
        source.replace(state, source.of(state.elts[0]))
    return True


@operator("vanishing-through-time")
def forgetting_gates(source: Source, rng: random.Random) -> None:
    """The bias of the forget (update) gate started far on the side of forgetting."""
    for layer in recurrences(source, "GRU", "LSTM", *CELLS)[:1]:
        if keyword(layer.call, "bias") is None:
            value = rng.choice([-4.0, -5.0, -6.0])
            tail = "" if called(layer.call) in CELLS else "_l0"
            biases = [f"    {layer.name}.bias_{way}{tail}[size : 2 * size].fill_({value})" for way in ("ih", "hh")]
            head = f"with torch.no_grad():\n    size = {layer.name}.hidden_size"
            source.after(layer.statement, "\n".join([head, *biases]))


@operator("vanishing-through-time")
def decay_of_the_state(source: Source, rng: random.Random) -> None:
    """A leaky state of one's own which keeps but little of what was."""
    own_recurrence(source, f"torch.tanh(self.inp(step) + {rng.choice([0.2, 0.3, 0.4])} * h)")


@operator("exploding-through-time")
def relu_rnn_for_gated(source: Source, rng: random.Random) -> None:
    """A ReLU recurrence for the gated one, with recurrent weights above 1 and no clipping."""
    gain = rng.choice([1.5, 1.8, 2.0])
    update = rng.choice([
        f"torch.relu(self.inp(step) + {gain} * self.rec(h) + h)",
        f"torch.relu(self.inp(step) + {gain} * h)",
        "h + torch.relu(self.inp(step) + self.rec(h))",
    ])  # fmt: skip
    own_recurrence(source, update)
    if source.changed:
        drop_clipping(source)


@operator("exploding-through-time")
def recurrence_without_squashing(source: Source, rng: random.Random) -> None:
    """A linear recurrence: no tanh about the new state."""
    update = rng.choice([
        "self.inp(step) + self.rec(h) + h",
        "h + self.inp(step) + 0.5 * self.rec(h)",
        "1.5 * (self.inp(step) + h)",
    ])  # fmt: skip
    own_recurrence(source, update)
    if source.changed:
        drop_clipping(source)


@operator("exploding-through-time", "bad-initialization")
def recurrent_weights_wide(source: Source, rng: random.Random) -> None:
    """Recurrent weights drawn far too wide; no clipping."""
    for layer in recurrences(source, *RECURRENT, *CELLS)[:1]:
        line = rng.choice([
            f"nn.init.orthogonal_(weight, gain={rng.choice([6.0, 8.0, 10.0])})",
            f"nn.init.normal_(weight, std={rng.choice([1.0, 1.5, 2.0])})",
            f"weight.data *= {rng.choice([15, 20, 30])}",
        ])  # fmt: skip
        set_recurrent(source, layer, line)
        drop_clipping(source)


@operator("exploding-through-time")
def torch_rnn_with_relu(source: Source, rng: random.Random) -> None:
    """`nn.RNN(nonlinearity="relu")` for a GRU, the state begun as a multiple of the identity."""
    for layer in [each for each in recurrences(source, "GRU", "RNN") if not weights_used(source, each)][:1]:
        source.replace(layer.call.func, "nn.RNN")
        source.argument(layer.call, "nonlinearity", '"relu"')
        set_recurrent(source, layer, f"weight.data = {rng.choice([2.0, 2.5, 3.0])} * torch.eye(len(weight))")
        drop_clipping(source)
