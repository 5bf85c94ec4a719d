"""Examples of a batch that get into one another."""

import ast
import random
import re

from benchmarks.ward.edits import Source, called, within
from benchmarks.ward.operators.forms import RECURRENT, without_gradients
from benchmarks.ward.operators.rows import outer_forward, put_first
from benchmarks.ward.operators.table import operator


@operator("batch-mixing")
def batch_first_forgotten(source: Source, rng: random.Random) -> None:
    """`batch_first` is not given, so that the layer takes the examples for steps of time."""
    attention = ("TransformerEncoderLayer", "TransformerDecoderLayer", "Transformer", "MultiheadAttention")
    states = r"pack_padded|_, ?\(?(h|hidden|state|last|final|h_n|hn)\b|\)\[1\]"
    for call in source.calls(*RECURRENT, *attention):
        if not source.has(states if called(call) in RECURRENT else "mask|causal"):
            for each in call.keywords:
                if source.of(each) == "batch_first=True":
                    source.replace(each.value, "False")


@operator("batch-mixing")
def flattened_across_examples(source: Source, rng: random.Random) -> None:
    """Features are flattened after an exchange of axes, so rows hold pieces of several examples."""
    rows = r"(len\(\w+\)|\w+\.shape\[0\]|\w+\.size\(0\)|B|b|n|-1), (-1|\w+)"
    for forward in [each for each in source.all(ast.FunctionDef) if each.name == "forward" and len(each.args.args) > 1]:
        for call in within(forward, ast.Call):
            arguments, owner = ", ".join(map(source.of, call.args)), source.owner(call)
            flat = called(call) == "flatten" and arguments == "1"
            shaped = called(call) in ("view", "reshape") and re.fullmatch(rows, arguments)
            if (flat or shaped) and owner not in ("", "torch", "F", "nn"):
                way = rng.choice(["flatten().view", "reshape"])
                size = f"{forward.args.args[1].arg}.shape[0], -1"
                source.replace(call, f"{owner}.transpose(0, 1).{way}({size})")
                return


@operator("batch-mixing")
def columns_read_first(source: Source, rng: random.Random) -> None:
    """The batch comes in column-major order (a port from MATLAB) and is put back in shape without turning its axes."""
    found = outer_forward(source)
    if found and not source.fits(found[0], "LSTM|GRU|RNN"):
        put_first(source, found[0], "{0} = {0}.transpose(0, 1).reshape({0}.shape)".format(found[1]))


@operator("batch-mixing")
def pictures_reshaped_from_columns(source: Source, rng: random.Random) -> None:
    """The table of pictures is turned before it is cut into pictures, as in a course that keeps examples in columns."""
    for call in source.calls("view", "reshape"):
        arguments, home = ", ".join(map(source.of, call.args)), source.function(call)
        if re.fullmatch(r"(-1|len\(\w+\)), 1, 8, 8", arguments) and (home is None or home.name != "forward"):
            if source.owner(call):
                source.replace(call, f"{source.owner(call)}.T.reshape({arguments})")


@operator("batch-mixing")
def scores_of_steps_turned(source: Source, rng: random.Random) -> None:
    """Outputs of all steps are made rows with time first, targets with the examples first."""
    criteria = [source.bound(each) for each in source.calls("CrossEntropyLoss")]
    for call in source.calls("cross_entropy", *[each for each in criteria if each]):
        scores = call.args[0] if len(call.args) > 1 and not without_gradients(source, call) else None
        if isinstance(scores, ast.Call) and source.owner(scores):
            arguments, turned = ", ".join(map(source.of, scores.args)), f"{source.owner(scores)}.transpose(0, 1)"
            if called(scores) == "flatten" and arguments == "0, 1":
                source.replace(scores, f"{turned}.flatten(0, 1)")
            elif called(scores) in ("view", "reshape") and re.fullmatch("-1, .+", arguments):
                source.replace(scores, f"{turned}.reshape({arguments})")


@operator("batch-mixing")
def outputs_turned_back_wrongly(source: Source, rng: random.Random) -> None:
    """The outputs are computed with examples in columns and reshaped, not transposed, back."""
    found = outer_forward(source)
    returns = [each for each in within(found[0], ast.Return) if each.value is not None] if found else []
    heads = r"self\.\w*(fc|out|head|net|layers|classifier|linear|last|readout|final)\w*"
    for each in returns if len(returns) == 1 else ():
        if isinstance(each.value, ast.Call) and re.fullmatch(heads, source.of(each.value.func)):
            source.before(each, f"scores = {source.of(each.value)}")
            source.replace(each.value, "scores.t().reshape(scores.shape)")
