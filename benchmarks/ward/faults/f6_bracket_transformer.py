"""Small transformer encoder that tells which bracket type a string opened last; Adam with a learning rate of 0.05."""
# cause: learning-rate-too-high
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

VOCAB, LENGTH, CLASSES = 12, 16, 4


def make_strings(n, gen):
    """Tokens 8..11 open the four types, 0..7 are letters; the class is the type of the last opening token."""
    x = torch.randint(0, 8, (n, LENGTH), generator=gen)
    opening = torch.rand(n, LENGTH, generator=gen) < 0.2
    opening[:, 0] = True
    x = torch.where(opening, torch.randint(8, VOCAB, (n, LENGTH), generator=gen), x)
    last = (opening * torch.arange(LENGTH)).argmax(dim=1)
    y = x[torch.arange(n), last] - 8
    return x, y


class Encoder(nn.Module):
    def __init__(self, dim=32, heads=4, layers=2):
        super().__init__()
        self.tokens = nn.Embedding(VOCAB, dim)
        self.positions = nn.Parameter(0.02 * torch.randn(1, LENGTH, dim))
        layer = nn.TransformerEncoderLayer(dim, heads, dim_feedforward=64, dropout=0.0, batch_first=True)
        self.blocks = nn.TransformerEncoder(layer, layers)
        self.head = nn.Linear(dim, CLASSES)

    def forward(self, x):
        h = self.blocks(self.tokens(x) + self.positions)
        return self.head(h.mean(dim=1))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    train = TensorDataset(*make_strings(2048, gen))
    val_x, val_y = make_strings(512, gen)
    loader = DataLoader(train, batch_size=64, shuffle=True)

    model = Encoder()
    opt = torch.optim.Adam(model.parameters(), lr=0.05)  # FAULT
    # TWIN: opt = torch.optim.Adam(model.parameters(), lr=0.002)
    for epoch in range(8):
        model.train()
        running = 0.0
        for xb, yb in loader:
            loss = F.cross_entropy(model(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            running += loss.item() * len(xb)
        model.eval()
        with torch.no_grad():
            logits = model(val_x)
            val_loss = F.cross_entropy(logits, val_y).item()
            acc = (logits.argmax(-1) == val_y).float().mean().item()
        print(f"epoch {epoch}: train {running / len(train):.4f} | val {val_loss:.4f} | acc {acc:.3f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
