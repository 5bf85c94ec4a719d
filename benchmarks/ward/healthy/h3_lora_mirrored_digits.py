"""Low-rank adapters: an MLP is pre-trained on the digits, then frozen, and only rank-4 updates of its layers are
trained for the mirrored digits. The second factor starts at zero, so that training starts from the pre-trained
function.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


class LoRALinear(nn.Module):
    def __init__(self, base, rank=4, alpha=8):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(rank, base.in_features) / base.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))
        self.scale = alpha / rank

    def forward(self, x):
        return self.base(x) + self.scale * (x @ self.down.T @ self.up.T)


def fit(model, loader, optimizer, epochs, title):
    criterion = nn.CrossEntropyLoss()
    model.train()
    for epoch in range(epochs):
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        if epoch % 5 == 4:
            print(f"{title} epoch {epoch + 1}: loss {total / len(loader):.4f}")


@torch.no_grad()
def accuracy(model, x, y):
    model.eval()
    return (model(x).argmax(1) == y).float().mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32) / 16 - 0.3
    y = torch.tensor(digits.target)
    order = torch.randperm(len(y))
    train, test = order[:1300], order[1300:]
    upright, mirrored = images.flatten(1), images.flip(2).flatten(1)

    model = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 64), nn.ReLU(), nn.Linear(64, 10))
    loader = DataLoader(TensorDataset(upright[train], y[train]), batch_size=64, shuffle=True)
    fit(model, loader, torch.optim.Adam(model.parameters(), lr=2e-3), 15, "pre-training")
    print(f"upright {accuracy(model, upright[test], y[test]):.4f}")
    print(f"mirrored {accuracy(model, mirrored[test], y[test]):.4f}")

    for i in (0, 2, 4):
        model[i] = LoRALinear(model[i])
    trainable = [p for p in model.parameters() if p.requires_grad]
    print("training", sum(p.numel() for p in trainable), "of", sum(p.numel() for p in model.parameters()), "weights")
    loader = DataLoader(TensorDataset(mirrored[train], y[train]), batch_size=64, shuffle=True)
    fit(model, loader, torch.optim.AdamW(trainable, lr=4e-3, weight_decay=0.0), 25, "adapters")
    print(f"score: {accuracy(model, mirrored[test], y[test]):.4f}")


main()
