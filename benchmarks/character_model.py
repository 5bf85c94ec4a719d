"""Characters per second of language models in training, beside the same models and loop written by hand.

Run from the root of the repository: ``python -m benchmarks.character_model``. It fails (exit code 1) where a model asks
torch for more operations, forward and back, than the one by hand.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.aten import record
from benchmarks.measure import Spread, table
from gradus.core.batch import Batch
from gradus.core.spec import DataSpec
from gradus.data.batching import Loader, ResidentStore
from gradus.data.preprocessing import Codes, Preprocessing
from gradus.data.raw import Examples
from gradus.data.splits import Split
from gradus.losses.every_step import EveryStep
from gradus.models import create_model
from gradus.training.objective import Supervised
from gradus.training.recipe import Training
from gradus.training.trainer import Trainer

V, T, N = 65, 64, 12
"""Symbols, characters of a window, windows of a step: nanoGPT's small setting for a CPU."""
WINDOWS = 600
SPEC = DataSpec(
    task="classification",
    inputs=((T,),),
    input_dtypes=("int64",),
    outputs=V,
    vocabulary=tuple(map(chr, range(32, 32 + V))),
    steps=T,
)
Step = Callable[[], object]


class LSTM(nn.Module):
    """As people write it."""

    def __init__(self, embedding: int = 64, hidden: int = 416) -> None:
        super().__init__()
        self.embedding = nn.Embedding(V, embedding)
        self.lstm = nn.LSTM(embedding, hidden, batch_first=True)
        self.output = nn.Linear(hidden, V)

    def forward(self, codes: Tensor) -> Tensor:
        y, _ = self.lstm(self.embedding(codes))
        logits: Tensor = self.output(y)
        return logits


class Block(nn.Module):
    """Attention and two dense layers, norms first."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.dense = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        count, steps, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).split(width, dim=2)
        q, k, v = (each.view(count, steps, self.heads, width // self.heads).transpose(1, 2) for each in (q, k, v))
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.project(y.transpose(1, 2).contiguous().view(count, steps, width))
        added: Tensor = x + self.dense(self.norm2(x))
        return added


class Transformer(nn.Module):
    """As nanoGPT has it, with an output layer of its own."""

    def __init__(self, width: int = 128, heads: int = 4, depth: int = 4) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(V, width), nn.Embedding(T, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm, self.output = nn.LayerNorm(width), nn.Linear(width, V)

    def forward(self, codes: Tensor) -> Tensor:
        x = self.tokens(codes) + self.positions(torch.arange(codes.shape[1], device=codes.device))
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.output(self.norm(x))
        return logits


PAIRS: dict[str, tuple[Callable[[], nn.Module], Callable[[], nn.Module]]] = {
    "lstm": (lambda: create_model("lstm", spec=SPEC, hidden=416, embedding=64), LSTM),
    "transformer": (lambda: create_model("char_transformer", spec=SPEC), Transformer),
}


def data() -> tuple[Tensor, Tensor]:
    """Windows (WINDOWS, T) of random codes, and the codes after each."""
    codes = torch.randint(V, (WINDOWS * T + 1,), generator=torch.Generator().manual_seed(0))
    return codes[:-1].view(WINDOWS, T), codes[1:].view(WINDOWS, T)


def by_hand(model: nn.Module) -> Step:
    """A step of the loop that people write."""
    inputs, targets = data()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    batches = _orders()

    def step() -> None:
        index = next(batches)
        logits = model(inputs[index])
        loss = functional.cross_entropy(logits.view(-1, V), targets[index].view(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def _orders() -> Iterator[Tensor]:
    while True:
        yield from torch.randperm(WINDOWS).split(N)


def by_gradus(model: nn.Module) -> Step:
    """A step of the Trainer, with batches of its loader."""
    inputs, targets = data()
    examples = Examples((inputs.numpy(),), targets.numpy())
    store = ResidentStore(examples, Preprocessing((Codes(),)), torch.device("cpu"))
    loader = Loader(Split(examples, np.arange(WINDOWS)), store, batch_size=N, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    objective = Supervised(model, EveryStep(functional.cross_entropy), optimizer)
    trainer = Trainer(objective, loader, Training(epochs=1))
    batches = _batches(loader)
    return lambda: trainer.train_step(next(batches))


def _batches(loader: Loader) -> Iterator[Batch]:
    epoch = 0
    while True:
        yield from loader.batches(epoch)
        epoch += 1


def operations(model: nn.Module) -> int:
    """How many a batch takes, forward and back."""
    inputs, targets = (each[:N] for each in data())
    criterion = EveryStep(functional.cross_entropy)
    return len(record(lambda: criterion(model(inputs), targets).backward()))


def rate(step: Step, steps: int) -> float:
    """Characters per second of a few steps."""
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return steps * N * T / (time.perf_counter() - start)


def main() -> None:
    """Print the table; complain of operations that nobody asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=5, help="of a round")
    parser.add_argument("--threads", type=int, default=1, help="of torch's arithmetic")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    rows, more = [], []
    for name, (make, make_by_hand) in PAIRS.items():
        steps = {"gradus": by_gradus(make()), "by hand": by_hand(make_by_hand()), "again": by_hand(make_by_hand())}
        for step in steps.values():
            step()
        ours, theirs = operations(make()), operations(make_by_hand())
        if ours > theirs:
            more.append(name)
        rates: dict[str, list[float]] = {who: [] for who in steps}
        for turn in range(chosen.rounds):
            for who in [*steps, *steps][turn % 3 : turn % 3 + 3]:
                rates[who].append(rate(steps[who], chosen.steps))
        ratios = [
            Spread.of([one / other for one, other in zip(rates[who], rates["by hand"], strict=True)]).text(3)
            for who in ("gradus", "again")
        ]
        known = [Spread.of(rates[who]).text(0) for who in ("gradus", "by hand")]
        rows.append([name, f"{ours} of {theirs}", *known, *ratios])
    header = ["model", "operations", "gradus, characters/s", "by hand", "ratio", "by hand, again"]
    print(
        f"{N} windows of {T} characters a step, {chosen.threads} thread(s), {chosen.rounds} rounds; median [quartiles]."
    )
    print(table(header, rows))
    if more:
        sys.exit(f"more operations than by hand: {', '.join(more)}")


if __name__ == "__main__":
    main()
