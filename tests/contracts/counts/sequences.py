"""Networks over sequences, counted by hand; F = 7 features and T = 24 steps, or text."""

from tests.contracts.counts import Row

# Recurrent: 64 units of G gates, from 7 features, 64 states and their biases, and an output of 64 + 1.
_GATE, _GATE_MACS = 64 * (7 + 64), 24 * 64 * (7 + 64)
# Encoder-decoder: E numbers of a symbol, H units, V letters, S = T = 10.
_E, _H, _V = 24, 64, 26
_ENCODER, _CELL = 2 * 3 * 32 * (_E + 32), 3 * _H * (_E + 2 * _H)
_SAID = _V * (2 * _H + _E)

COUNTS: list[Row] = [
    # 65 symbols and 64 places of 128; a layer has 4 * 128 (128 + 1) of attention, 128 and 512 both ways, two norms;
    # the last norm, and the output. Each of 64 symbols meets all 64, those that are masked too.
    (
        "char_transformer",
        {},
        (65 + 64) * 128 + 4 * (4 * 128 * 129 + 512 * 129 + 128 * 513 + 4 * 128) + 2 * 128 + 65 * 129,
        64 * (4 * (12 * 128**2 + 2 * 64 * 128) + 65 * 128),
    ),
    # without an output layer of its own
    (
        "char_transformer",
        {"tied": True},
        (65 + 64) * 128 + 4 * (4 * 128 * 129 + 512 * 129 + 128 * 513 + 4 * 128) + 2 * 128,
        64 * (4 * (12 * 128**2 + 2 * 64 * 128) + 65 * 128),
    ),
    ("gru", {}, 3 * (_GATE + 2 * 64) + 65, 3 * _GATE_MACS + 64),
    ("irnn", {}, _GATE + 2 * 64 + 65, _GATE_MACS + 64),
    # one bias; a gain and a shift of what goes to the gates from inputs and from states, and of the memory
    ("layer_norm_lstm", {}, 4 * (_GATE + 64) + 2 * 2 * 256 + 2 * 64 + 65, 4 * _GATE_MACS + 64),
    ("lstm", {}, 4 * (_GATE + 2 * 64) + 65, 4 * _GATE_MACS + 64),
    # one bias; a weight from its own memory to each of three gates
    ("peephole_lstm", {}, 4 * (_GATE + 64) + 3 * 64 + 65, 4 * _GATE_MACS + 64),
    ("rnn", {}, _GATE + 2 * 64 + 65, _GATE_MACS + 64),
    # two embeddings, the encoder, the bridge, three matrices of attention, the start, the cell, the output; what was
    # said is looked up, as a mean, before each step but the first
    (
        "seq2seq",
        {},
        2 * _V * _E + _ENCODER + 6 * 32 * 2 + _H * 33 + 2 * _H**2 + 2 * _H + _E + _CELL + 3 * _H * 2 + _SAID + _V,
        10 * _ENCODER + 32 * _H + 10 * _H**2 + 10 * (_H**2 + 2 * 10 * _H + _CELL + _SAID) + 9 * _V * _E,
    ),
    # as many numbers without the layer that scores: W q + U m + b and v give way to q' m
    (
        "seq2seq",
        {"score": "dot"},
        2 * _V * _E + _ENCODER + 6 * 32 * 2 + _H * 33 + _E + _CELL + 3 * _H * 2 + _SAID + _V,
        10 * _ENCODER + 32 * _H + 10 * (2 * 10 * _H + _CELL + _SAID) + 9 * _V * _E,
    ),
    # a convolution of 3 from 7 to 32 and eleven from 32 to 32, each with a length beside its weights and a bias; the
    # first block's way around; 24 steps of them
    (
        "tcn",
        {},
        32 * (3 * 7 + 2) + 11 * 32 * (3 * 32 + 2) + 32 * (7 + 1) + 33,
        24 * (3 * 7 * 32 + 11 * 3 * 32**2 + 7 * 32) + 32,
    ),
]
