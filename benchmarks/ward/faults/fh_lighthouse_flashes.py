"""Which lighthouse is it? A transformer reads thirty seconds of light and dark, seen through haze, and names it.

The step size is the one that the team's earlier linear model was trained with.
"""
# cause: learning-rate-too-high
# kind: dynamic

import argparse

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

LENGTH, LIGHTS = 48, 8


def watch(count, generator):
    """Each lighthouse has its own flashes within a period; watching starts anywhere within it."""
    own = torch.Generator().manual_seed(11)
    periods = torch.randint(8, 15, (LIGHTS,), generator=own)
    codes = [(torch.rand(int(p), generator=own) < 0.45).float() for p in periods]
    labels = torch.randint(0, LIGHTS, (count,), generator=generator)
    starts = torch.randint(0, 60, (count,), generator=generator)
    rows = []
    for label, start in zip(labels.tolist(), starts.tolist(), strict=True):
        index = (torch.arange(LENGTH) + start) % len(codes[label])
        rows.append(codes[label][index])
    light = torch.stack(rows) * 2 - 1
    return light + 0.5 * torch.randn(light.shape, generator=generator), labels


class FlashReader(nn.Module):
    def __init__(self, width=32, heads=4, layers=2):
        super().__init__()
        self.lift = nn.Conv1d(1, width, 5, padding=2)
        self.place = nn.Parameter(0.1 * torch.randn(LENGTH, width))
        layer = nn.TransformerEncoderLayer(width, heads, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, LIGHTS)

    def forward(self, light):
        x = self.lift(light[:, None]).transpose(1, 2) + self.place
        return self.head(self.encoder(x).mean(dim=1))


def accuracy(model, loader):
    model.eval()
    with torch.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    return hits / len(loader.dataset)


parser = argparse.ArgumentParser()
parser.add_argument("seed", type=int, nargs="?", default=0)
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--lr", type=float, default=0.1)  # FAULT
# TWIN: parser.add_argument("--lr", type=float, default=0.002)
args = parser.parse_args()

torch.set_num_threads(1)
torch.manual_seed(args.seed)
generator = torch.Generator().manual_seed(args.seed)
train_loader = DataLoader(TensorDataset(*watch(1200, generator)), batch_size=32, shuffle=True)
test_loader = DataLoader(TensorDataset(*watch(400, generator)), batch_size=200)

model = FlashReader()
optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
for epoch in range(args.epochs):
    model.train()
    for light, label in train_loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(light), label)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch + 1}: last loss {loss.item():.3f}, test accuracy {accuracy(model, test_loader):.3f}")
print(f"score: {accuracy(model, test_loader):.4f}")
