"""Recurrent layers beside torch's: operations asked for, and the time of those that torch lacks.

Run from the root of the repository: ``python -m benchmarks.recurrent [--compile]``. It fails (exit code 1) where a
fused layer asks for other operations than torch's own, or the layer-normalized LSTM takes more than three times as long
as nn.LSTM. A compiler writes every step out, which takes minutes for 50 of them; so only if asked.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.aten import difference, record
from benchmarks.catalogue import ratios
from benchmarks.measure import table
from gradus.nn.recurrent import Recurrent

N, F, H = 32, 64, 128
MOST = 3.0
"""Times as long as nn.LSTM that the layer-normalized one may take."""
PAIRS: dict[str, tuple[Recurrent, nn.Module]] = {
    "lstm": (Recurrent("lstm", F, H, 2), nn.LSTM(F, H, 2, batch_first=True)),
    "lstm, both ways": (
        Recurrent("lstm", F, H, bidirectional=True),
        nn.LSTM(F, H, batch_first=True, bidirectional=True),
    ),
    "lstm, one bias": (Recurrent("lstm", F, H, biases=1), nn.LSTM(F, H, batch_first=True)),
    "gru": (Recurrent("gru", F, H, 2), nn.GRU(F, H, 2, batch_first=True)),
    "rnn": (Recurrent("rnn", F, H), nn.RNN(F, H, batch_first=True)),
}


def train(layer: Callable[[Tensor], Any], x: Tensor) -> None:
    """Forward and backward, weights only."""
    layer(x)[0].sum().backward()


def evaluate(layer: Callable[[Tensor], Any], x: Tensor) -> None:
    """Forward."""
    with torch.no_grad():
        layer(x)


USES: dict[str, Callable[[Callable[[Tensor], Any], Tensor], None]] = {"training": train, "evaluation": evaluate}


def main() -> None:
    """Print both tables; complain of what is other than it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--compile", action="store_true", help="time the compiled layer, too")
    chosen = parser.parse_args()
    torch.manual_seed(0)
    x = torch.randn(N, chosen.steps, F)
    wrong: list[str] = []
    rows: list[list[str]] = []
    for name, (ours, theirs) in PAIRS.items():
        for use, go in USES.items():
            for each in (ours, theirs):
                each.zero_grad(set_to_none=True)
            by_torch, by_us = record(partial(go, theirs, x)), record(partial(go, ours, x))
            others = difference(by_torch, by_us)
            fewer = name.endswith("one bias") and len(by_us) < len(by_torch)  # a gradient that is not wanted
            if others and not fewer:
                wrong.append(f"{name}, {use}: {others[0]}")
            rows.append(
                [
                    name,
                    use,
                    f"{len(by_us)}",
                    f"{len(by_torch)}",
                    "fewer" if fewer else "other" if others else "the same",
                ]
            )
    print(table(["layer", "use", "operations", "torch's", ""], rows), flush=True)
    normalized, plain = Recurrent("layer_norm_lstm", F, H), nn.LSTM(F, H, batch_first=True)
    ways: dict[str, Callable[[Tensor], Any]] = {"as it is": normalized}
    if chosen.compile:
        ways["compiled"] = torch.compile(normalized)
    rows = []
    for way, layer in ways.items():
        for use, go in USES.items():
            beside, control = ratios(partial(go, layer, x), partial(go, plain, x), chosen.rounds)
            rows.append([f"layer_norm_lstm, {way}", use, beside.text(2), control.text(2)])
            if beside.middle > MOST:
                wrong.append(f"layer_norm_lstm, {way}, {use}: {beside.middle:.2f} times as long as nn.LSTM")
    threads = torch.get_num_threads()
    print(f"\n{chosen.steps} steps, batches of {N}, {F} inputs, {H} units, {threads} threads, {chosen.rounds} rounds\n")
    print(table(["layer", "use", "time, ours / nn.LSTM", "ours / ours"], rows))
    sys.exit("\n".join(wrong) if wrong else 0)


if __name__ == "__main__":
    main()
