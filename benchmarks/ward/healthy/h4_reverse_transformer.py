"""A two-layer TransformerEncoder learns to reverse sequences of six digits (fresh random batches)."""

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
LENGTH, VOCAB, DIM = 6, 10, 32


class Reverser(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, DIM)
        self.pos = nn.Embedding(LENGTH, DIM)
        layer = nn.TransformerEncoderLayer(DIM, nhead=4, dim_feedforward=64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2)
        self.head = nn.Linear(DIM, VOCAB)

    def forward(self, tokens):
        positions = torch.arange(tokens.size(1))
        return self.head(self.encoder(self.tok(tokens) + self.pos(positions)))


def get_batch(n, generator):
    tokens = torch.randint(VOCAB, (n, LENGTH), generator=generator)
    return tokens, tokens.flip(1)


train_gen = torch.Generator().manual_seed(seed)
x_val, y_val = get_batch(500, torch.Generator().manual_seed(seed + 1000))
model = Reverser()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()

for step in range(1, 351):
    model.train()
    x, y = get_batch(64, train_gen)
    logits = model(x)
    loss = criterion(logits.reshape(-1, VOCAB), y.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        model.eval()
        with torch.no_grad():
            out = model(x_val)
            val_loss = criterion(out.reshape(-1, VOCAB), y_val.reshape(-1))
            token_acc = out.argmax(-1).eq(y_val).float().mean()
        print(f"step {step}: loss {loss.item():.4f}, val loss {val_loss.item():.4f}, token acc {token_acc.item():.4f}")

print(f"score: {token_acc.item():.4f}")
