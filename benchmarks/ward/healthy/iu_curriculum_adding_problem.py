"""The adding problem with an LSTM, taught by a curriculum of lengths: short sequences first, all lengths in the end.

After "Learning to Execute" (Zaremba & Sutskever 2014; the mixed curriculum) and the adding problem of Hochreiter & Schmidhuber.
"""

import sys

import torch
import torch.nn as nn

MAX_LEN = 24


def adding_batch(n, low, high, gen):
    """Numbers in [0, 1] and two markers; the target is the sum of the two marked numbers. Padded, with lengths."""
    lengths = torch.randint(low, high + 1, (n,), generator=gen)
    T = int(lengths.max())
    values = torch.rand(n, T, generator=gen)
    valid = torch.arange(T) < lengths.unsqueeze(1)
    scores = torch.rand(n, T, generator=gen).masked_fill(~valid, -1.0)
    markers = torch.zeros(n, T).scatter_(1, scores.topk(2, dim=1).indices, 1.0)
    target = (values * markers).sum(1)
    return torch.stack([values * valid, markers], dim=2), lengths, target


class Adder(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.lstm = nn.LSTM(2, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)
        with torch.no_grad():  # forget gates start open
            self.lstm.bias_ih_l0[hidden : 2 * hidden].fill_(1.0)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(packed)
        return self.out(h[-1]).squeeze(1)


class Curriculum:
    """Raises the greatest length when the smoothed error at this length is small; a part of each batch is of any length."""

    def __init__(self, start, step, threshold):
        self.level, self.step, self.threshold = start, step, threshold
        self.error = None

    def lengths(self, gen):
        if torch.rand(1, generator=gen).item() < 0.2:
            return 2, MAX_LEN
        return 2, self.level

    def update(self, loss):
        self.error = loss if self.error is None else 0.9 * self.error + 0.1 * loss
        if self.error < self.threshold and self.level < MAX_LEN:
            self.level = min(self.level + self.step, MAX_LEN)
            self.error = 2 * self.threshold  # some batches of the new length have to pass first
            return True
        return False


class Trainer:
    def __init__(self, model, lr, total_steps):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.scheduler = torch.optim.lr_scheduler.LinearLR(self.optimizer, 1.0, 0.1, total_iters=total_steps)
        self.criterion = nn.MSELoss()

    def step(self, x, lengths, y):
        self.model.train()
        loss = self.criterion(self.model(x, lengths), y)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.scheduler.step()
        return loss.item()

    @torch.no_grad()
    def evaluate(self, x, lengths, y):
        self.model.eval()
        return self.criterion(self.model(x, lengths), y).item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    test = adding_batch(500, MAX_LEN // 2, MAX_LEN, torch.Generator().manual_seed(seed + 999))
    total_steps = 600
    trainer = Trainer(Adder(), 1e-2, total_steps)
    curriculum = Curriculum(start=4, step=4, threshold=0.02)
    for step in range(1, total_steps + 1):
        low, high = curriculum.lengths(gen)
        loss = trainer.step(*adding_batch(64, low, high, gen))
        if high == curriculum.level and curriculum.update(loss):
            print(f"step {step}: lengths up to {curriculum.level}")
        if step % 100 == 0:
            print(f"step {step}: loss {loss:.4f}, long sequences {trainer.evaluate(*test):.4f}")
    mse, variance = trainer.evaluate(*test), test[2].var().item()
    print(f"test mse {mse:.5f}, variance of the target {variance:.4f}")
    print(f"score: {1 - mse / variance:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
