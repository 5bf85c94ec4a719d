"""Read one Morse digit from a noisy keyed signal of 28 samples with a GRU; gradients are clipped at 1."""

import argparse

import torch
from torch import nn

torch.set_num_threads(1)

CODES = ["-----", ".----", "..---", "...--", "....-", ".....", "-....", "--...", "---..", "----."]
LENGTH = 28


def keyed(code):
    samples = []
    for symbol in code:
        samples += [1.0] * (1 if symbol == "." else 3) + [0.0]
    return samples


def sample_signals(n, gen):
    labels = torch.randint(0, 10, (n,), generator=gen)
    signals = torch.zeros(n, LENGTH)
    for row, label in enumerate(labels.tolist()):
        wave = torch.tensor(keyed(CODES[label]))
        start = int(torch.randint(0, LENGTH - len(wave) + 1, (1,), generator=gen))
        signals[row, start : start + len(wave)] = wave
    signals += 0.15 * torch.randn(n, LENGTH, generator=gen)
    return (signals - 0.5) * 2, labels


class MorseReader(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 10)

    def forward(self, signal):
        states, _ = self.gru(signal.unsqueeze(-1))
        return self.out(states.max(dim=1).values)


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        return model(x).argmax(dim=-1).eq(y).float().mean().item()


parser = argparse.ArgumentParser()
parser.add_argument("seed", nargs="?", type=int, default=0)
parser.add_argument("--epochs", type=int, default=14)
parser.add_argument("--batch-size", type=int, default=64)
parser.add_argument("--lr", type=float, default=5e-3)
args = parser.parse_args()

torch.manual_seed(args.seed)
gen = torch.Generator().manual_seed(args.seed)
x_train, y_train = sample_signals(2400, gen)
x_valid, y_valid = sample_signals(600, gen)

model = MorseReader()
optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(args.epochs):
    model.train()
    losses = []
    for batch in torch.randperm(len(x_train)).split(args.batch_size):
        loss = loss_fn(model(x_train[batch]), y_train[batch])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    accuracy = evaluate(model, x_valid, y_valid)
    print(f"epoch {epoch + 1}/{args.epochs} loss={sum(losses) / len(losses):.4f} valid_acc={accuracy:.4f}")
print(f"score: {accuracy:.4f}")
