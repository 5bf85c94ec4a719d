"""Training loops of the kinds people write, each to be run watched and unwatched."""

import contextlib
import io
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer
from torch.utils.data import DataLoader, TensorDataset

STEPS = 14
"""Beyond the ten that are examined one by one."""

Watching = Callable[[Any, Any], AbstractContextManager[Any]]


@dataclass
class Ended:
    """What a story leaves behind that must not depend on who watched."""

    models: Sequence[nn.Module]
    optimizers: Sequence[Optimizer]
    outputs: Sequence[Tensor] = field(default_factory=list)
    words: str = ""


def dropout_and_batch_norm(watching: Watching) -> Ended:
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout2d(0.3), nn.Flatten(),
        nn.LazyLinear(8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 3),
    )  # fmt: skip
    x, y = torch.randn(12, 1, 8, 8), torch.randint(3, (12,))
    net(x)
    adam = torch.optim.Adam(net.parameters())
    with watching(net, adam):
        for _ in range(STEPS):
            _step(adam, functional.cross_entropy(net(x), y))
    return Ended([net], [adam])


def autocast(watching: Watching) -> Ended:
    net, x, y = _perceptron(), torch.randn(16, 6), torch.randn(16, 2)
    sgd = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    with watching(net, sgd):
        for _ in range(STEPS):
            with torch.autocast("cpu", torch.bfloat16):
                loss = functional.mse_loss(net(x).float(), y)
            _step(sgd, loss)
    return Ended([net], [sgd])


def scaled_float16(watching: Watching) -> Ended:
    net, x, y = _perceptron(), torch.randn(16, 6), torch.randn(16, 2)
    sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler(device="cpu", init_scale=2.0**30)  # the first steps overflow and are skipped
    with watching(net, sgd):
        for _ in range(2 * STEPS):
            with torch.autocast("cpu", torch.float16):
                loss = functional.mse_loss(net(x).float(), y)
            sgd.zero_grad()
            scaler.scale(loss).backward()
            scaler.unscale_(sgd)
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            scaler.step(sgd)
            scaler.update()
    return Ended([net], [sgd], [torch.tensor(scaler.get_scale())])


def accumulation(watching: Watching) -> Ended:
    net, x, y = _perceptron(), torch.randn(32, 6), torch.randn(32, 2)
    adam = torch.optim.AdamW(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, 0.1, total_steps=STEPS)
    with watching(net, adam):
        for _ in range(STEPS):
            for part, target in zip(x.split(8), y.split(8), strict=True):
                (functional.mse_loss(net(part), target) / 4).backward()
            adam.step()
            adam.zero_grad()
            schedule.step()
    return Ended([net], [adam])


def closure(watching: Watching) -> Ended:
    net, x, y = _perceptron(), torch.randn(32, 6), torch.randn(32, 2)
    lbfgs = torch.optim.LBFGS(net.parameters(), max_iter=4, line_search_fn="strong_wolfe")

    def evaluate() -> Tensor:
        lbfgs.zero_grad()
        loss = functional.mse_loss(net(x), y)
        loss.backward()
        return loss

    with watching(net, lbfgs):
        for _ in range(STEPS):
            lbfgs.step(evaluate)
    return Ended([net], [lbfgs])


def two_players(watching: Watching) -> Ended:
    generator = nn.Sequential(nn.Linear(3, 8), nn.ReLU(inplace=True), nn.Linear(8, 2))
    judge = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Dropout(0.2), nn.Linear(8, 1))
    one, two = (torch.optim.Adam(each.parameters(), lr=1e-3, betas=(0.5, 0.999)) for each in (generator, judge))
    with watching({"generator": generator, "judge": judge}, [one, two]):
        for _ in range(STEPS):
            real, fake = torch.randn(16, 2) + 3, generator(torch.randn(16, 3))
            _step(two, functional.softplus(-judge(real)).mean() + functional.softplus(judge(fake.detach())).mean())
            _step(one, functional.softplus(-judge(fake)).mean())
    return Ended([generator, judge], [one, two])


def cell_in_a_loop(watching: Watching) -> Ended:
    cell, head = nn.GRUCell(2, 8), nn.Linear(8, 1)
    net = nn.ModuleList([cell, head])  # never called itself
    x_TNF, y = torch.randn(9, 16, 2), torch.randn(16, 1)
    sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    with watching(net, sgd):
        for _ in range(STEPS):
            state = torch.zeros(16, 8)
            for x in x_TNF:
                state = cell(x, state)
            _step(sgd, functional.mse_loss(head(state), y))
    return Ended([net], [sgd])


class _Shared(nn.Module):
    """One layer three times, its matrix once more as that of the output."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(11, 6)
        self.layer = nn.Linear(6, 6)
        self.head = nn.Linear(6, 11, bias=False)
        self.head.weight = self.table.weight

    def forward(self, tokens: Tensor) -> Any:
        hidden = self.table(tokens)
        for _ in range(3):
            hidden = functional.dropout(functional.relu_(self.layer(hidden)), 0.1)  # in evaluation too
        return {"logits": self.head(hidden)}


def shared_module(watching: Watching) -> Ended:
    net, tokens = _Shared(), torch.randint(11, (8, 5))
    adam = torch.optim.RAdam(net.parameters())
    with watching(net, adam):
        for _ in range(STEPS):
            _step(adam, functional.cross_entropy(net(tokens)["logits"].flatten(0, 1), tokens.flatten()))
    return Ended([net], [adam])


class _Sequences(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.before = nn.Linear(3, 3)
        self.lstm = nn.LSTM(3, 8, num_layers=2, batch_first=True, dropout=0.4)
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        output, _ = self.lstm(self.before(x))
        result: Tensor = self.head(output[:, -1])
        return result


def lstm(watching: Watching, *, precision: torch.dtype = torch.float32) -> Ended:
    net, x, y = _Sequences(), torch.randn(10, 12, 3), torch.randint(2, (10,))
    rms = torch.optim.RMSprop(net.parameters())
    with watching(net, rms):
        for _ in range(STEPS):
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
                loss = functional.cross_entropy(net(x).float(), y)
            _step(rms, loss)
    return Ended([net], [rms])


def lstm_autocast(watching: Watching) -> Ended:
    return lstm(watching, precision=torch.bfloat16)


class _Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.attention = nn.MultiheadAttention(8, 2, dropout=0.1, batch_first=True)

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        hidden = self.encoder(x, src_key_padding_mask=padding)
        result: Tensor = self.attention(hidden, hidden, hidden)[0]
        return result


def attention(watching: Watching) -> Ended:
    """With evaluations, in which fused kernels run that round in another way."""
    net, x = _Attention(), torch.randn(6, 7, 8)
    padding = torch.arange(7) > torch.tensor([[6], [5], [4], [3], [2], [6]])
    adam, outputs = torch.optim.Adam(net.parameters()), []
    with watching(net, adam):
        for _ in range(STEPS):
            net.train()
            _step(adam, net(x, padding).square().mean())
            net.eval()
            with torch.inference_mode():
                outputs.append(net(x, padding).clone())
    return Ended([net], [adam], outputs)


def workers(watching: Watching) -> Ended:
    net, data = _perceptron(), TensorDataset(torch.randn(56, 6), torch.randn(56, 2))
    sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    with watching(net, sgd):
        for _ in range(2):
            for x, y in DataLoader(data, batch_size=8, shuffle=True, num_workers=2):
                _step(sgd, functional.mse_loss(net(x), y))
    return Ended([net], [sgd])


def evaluation_between_steps(watching: Watching) -> Ended:
    """Dropout and batch norm left in training mode: each pass draws numbers and moves statistics."""
    net = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.ReLU(), nn.Linear(8, 2))
    x, y, other = torch.randn(32, 6), torch.randint(2, (32,)), torch.randn(40, 6)
    labels = torch.randint(2, (40,))
    adam, outputs = torch.optim.Adam(net.parameters()), []
    with watching(net, adam):
        for _ in range(STEPS):
            _step(adam, functional.cross_entropy(net(x), y))
            with torch.no_grad():
                result = net(other)
                outputs.append(functional.cross_entropy(result, labels))
                outputs.append((result.argmax(1) == labels).sum())
                outputs.append(torch.eq(input=result.argmax(1), other=labels))
    return Ended([net], [adam], outputs)


class _Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.head = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        hidden = x + self.two(functional.gelu(self.one(x)))
        result: Tensor = self.head(hidden)
        return result


def compiled(watching: Watching, backend: str = "eager") -> Ended:
    """A wrapper around a net with statistics, and a net compiled in place."""
    torch.compiler.reset()
    inner, y = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 2)), torch.randn(20, 2)
    wrapped, in_place, x = torch.compile(inner, backend=backend), _Residual(), torch.randn(20, 6)
    in_place.compile(backend=backend)
    one, two = torch.optim.Adam(inner.parameters()), torch.optim.SGD(in_place.parameters(), lr=0.1)
    with watching([wrapped, in_place], [one, two]):
        for _ in range(STEPS):
            _step(one, functional.mse_loss(wrapped(x), y))
            _step(two, functional.mse_loss(in_place(x), y))
    return Ended([inner, in_place], [one, two])


def compiled_to_code(watching: Watching) -> Ended:
    return compiled(watching, "inductor")


class _Talker(nn.Module):
    """Counts its calls, keeps its state from one batch to the next, prints, and learns from what it counted."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.head = nn.Linear(14, 8), nn.Linear(8, 2)
        self.calls, self.state = 0, torch.zeros(20, 8)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        print("call", self.calls, float(self.state.detach().sum()))
        hidden = torch.tanh(self.layer(torch.cat([x, self.state.detach()], dim=1)))
        self.state = hidden
        result: Tensor = self.head(hidden) * (1 + 0.1 * self.calls)
        return result


def stateful_and_talkative(watching: Watching) -> Ended:
    net, x, y = _Talker(), torch.randn(20, 6), torch.randn(20, 2)
    sgd = torch.optim.SGD(net.parameters(), lr=0.01)
    with watching(net, sgd), contextlib.redirect_stdout(io.StringIO()) as words:
        for _ in range(STEPS):
            _step(sgd, functional.mse_loss(net(x), y))
    return Ended([net], [sgd], [net.state], words.getvalue())


def _perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(inplace=True), nn.Linear(16, 2))


def _step(optimizer: Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
