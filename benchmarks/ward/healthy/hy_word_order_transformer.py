"""Which of two special words comes first in a sentence, a two-layer transformer encoder with learnt positions, pre-norm
and a warm-up of the rate."""

import sys

import torch
from torch import nn

LENGTH, WORDS = 10, 16


def sentences(n):
    """Words 0 and 1 occur once each among others; the label says whether 0 is the earlier."""
    words = torch.randint(2, WORDS, (n, LENGTH))
    places = torch.rand(n, LENGTH).argsort(dim=1)[:, :2]
    words.scatter_(1, places, torch.tensor([0, 1]).expand(n, 2))
    return words, (places[:, 0] < places[:, 1]).long()


class OrderModel(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.words = nn.Embedding(WORDS, dim)
        self.places = nn.Parameter(0.3 * torch.randn(LENGTH, dim))
        layer = nn.TransformerEncoderLayer(dim, 4, 96, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 2))

    def forward(self, tokens):
        return self.head(self.encoder(self.words(tokens) + self.places).mean(dim=1))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x_test, y_test = sentences(1000)
    model = OrderModel()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    steps = 300
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min((s + 1) / 40, (steps - s) / (steps - 40)))
    for step in range(1, steps + 1):
        x, y = sentences(64)
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        if step % 50 == 0:
            model.eval()
            with torch.no_grad():
                acc = (model(x_test).argmax(1) == y_test).float().mean().item()
            model.train()
            print(f"step {step} loss {loss.item():.4f} test {acc:.4f}")
    print(f"score: {acc:.4f}")


main()
