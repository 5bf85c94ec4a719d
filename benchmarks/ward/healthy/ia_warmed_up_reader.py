"""A small transformer tells whether a bracket word is balanced in its ends: does the last mark equal the first? The
rate climbs for the first hundred steps and then falls with a cosine."""

import math
import sys

import torch
from torch import nn

MARKS, LENGTH, STEPS, WARM = 8, 12, 500, 100


def words(n):
    x = torch.randint(MARKS, (n, LENGTH))
    same = torch.rand(n) < 0.5
    x[same, -1] = x[same, 0]
    return x, (x[:, 0] == x[:, -1]).long()


class Reader(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.marks = nn.Embedding(MARKS, dim)
        self.places = nn.Parameter(0.1 * torch.randn(LENGTH, dim))
        layer = nn.TransformerEncoderLayer(dim, 4, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, 2)

    def forward(self, x):
        return self.head(self.norm(self.encoder(self.marks(x) + self.places))[:, -1])


def rate(step):
    if step < WARM:
        return (step + 1) / WARM
    return 0.5 * (1 + math.cos(math.pi * (step - WARM) / (STEPS - WARM)))


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
model = Reader()
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.01)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
x_test, y_test = words(500)
for step in range(STEPS):
    model.train()
    x, y = words(64)
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    if step % 50 == 49:
        model.eval()
        with torch.no_grad():
            accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
        print(f"step {step + 1} loss {loss.item():.4f} accuracy {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
