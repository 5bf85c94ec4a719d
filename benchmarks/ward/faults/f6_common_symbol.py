"""Transformer encoder that decides which of six symbols occurs most often in a string of 20 symbols.

The training loop never clears the gradients, so they add up from step to step.
"""
# cause: missing-zero-grad
# kind: dynamic

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
SYMBOLS, LENGTH = 6, 20


def strings(n):
    favourite = torch.randint(0, SYMBOLS, (n, 1))
    tokens = torch.randint(0, SYMBOLS, (n, LENGTH))
    tokens = torch.where(torch.rand(n, LENGTH) < 0.25, favourite, tokens)
    counts = nn.functional.one_hot(tokens, SYMBOLS).sum(1)
    top = counts.topk(2, dim=1).values
    keep = top[:, 0] > top[:, 1]
    return tokens[keep], counts.argmax(1)[keep]


class Counter(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.embed = nn.Embedding(SYMBOLS, width)
        self.position = nn.Parameter(0.02 * torch.randn(LENGTH, width))
        layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(width, SYMBOLS)

    def forward(self, tokens):
        h = self.encoder(self.embed(tokens) + self.position)
        return self.head(h.mean(dim=1))


model = Counter()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
val_tokens, val_label = strings(800)

for step in range(1, 251):
    tokens, label = strings(64)
    output = model(tokens)
    loss = criterion(output, label)
    # TWIN: optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        model.eval()
        with torch.no_grad():
            output = model(val_tokens)
        val_loss = criterion(output, val_label)
        accuracy = (output.argmax(1) == val_label).float().mean()
        print(f"step {step:4d} train {loss:.4f} val {val_loss:.4f} accuracy {accuracy:.4f}")
        model.train()

print(f"score: {accuracy.item():.4f}")
