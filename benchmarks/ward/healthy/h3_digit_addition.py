"""Adds two four-digit numbers, digit by digit from the right: a GRU sees one pair of digits at a time and emits the
digit of the sum, so that it must learn to carry. Trained on random sums, tested on others.
"""

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
generator = torch.Generator().manual_seed(seed)
torch.manual_seed(seed)


def digits_of(numbers, width):
    return torch.stack([(numbers // 10**k) % 10 for k in range(width)], dim=1)  # least significant first


def make_sums(n):
    a = torch.randint(0, 10_000, (n,), generator=generator)
    b = torch.randint(0, 10_000, (n,), generator=generator)
    return digits_of(a, 5), digits_of(b, 5), digits_of(a + b, 5)


class Adder(nn.Module):
    def __init__(self):
        super().__init__()
        self.digit = nn.Embedding(10, 12)
        self.cell = nn.GRUCell(24, 48)
        self.read = nn.Linear(48, 10)

    def forward(self, a, b):
        h = torch.zeros(len(a), 48)
        out = []
        for k in range(a.size(1)):
            h = self.cell(torch.cat([self.digit(a[:, k]), self.digit(b[:, k])], dim=1), h)
            out.append(self.read(h))
        return torch.stack(out, dim=1)


train_a, train_b, train_sum = make_sums(6000)
test_a, test_b, test_sum = make_sums(1000)
adder = Adder()
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.NAdam(adder.parameters(), lr=0.005)

for epoch in range(14):
    perm = torch.randperm(len(train_a), generator=generator)
    losses = []
    for i in range(0, len(perm), 100):
        idx = perm[i : i + 100]
        logits = adder(train_a[idx], train_b[idx])
        loss = loss_fn(logits.reshape(-1, 10), train_sum[idx].reshape(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"epoch {epoch + 1}: {sum(losses) / len(losses):.4f}")

with torch.no_grad():
    answer = adder(test_a, test_b).argmax(dim=2)
print(f"digits right: {(answer == test_sum).float().mean().item():.4f}")
print(f"score: {(answer == test_sum).all(dim=1).float().mean().item():.4f}")
