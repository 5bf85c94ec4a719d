"""Sorts heart beats (normal, two kinds of ectopic) from 48-sample traces; judged by the mean recall of the three kinds.

Fault: 96 % of the beats are normal and batches are drawn as they come, so the rare kinds are called normal.
"""
# cause: class-imbalance
# kind: dynamic

import sys

import torch
import torch.nn as nn
from torch.utils import data


def record_beats(n, share, gen):
    kind = torch.multinomial(torch.tensor(share), n, replacement=True, generator=gen)
    t = torch.linspace(-1, 1, 48)
    shift = 0.06 * torch.randn(n, 1, generator=gen)
    center = torch.tensor([0.0, -0.16, 0.16])[kind].unsqueeze(1) + shift
    width = torch.tensor([0.16, 0.19, 0.19])[kind].unsqueeze(1) * torch.exp(0.15 * torch.randn(n, 1, generator=gen))
    beat = torch.exp(-((t - center) ** 2) / (2 * width**2))
    return (beat - 0.2 + 0.2 * torch.randn(n, 48, generator=gen)).unsqueeze(1), kind


class BeatNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 8, 7, stride=2), nn.ReLU(), nn.Conv1d(8, 16, 5, stride=2), nn.ReLU(), nn.Flatten()
        )
        self.classify = nn.Linear(16 * 9, 3)

    def forward(self, x):
        return self.classify(self.features(x))


def mean_recall(pred, kind):
    return sum((pred[kind == k] == k).float().mean().item() for k in range(3)) / 3


def main():
    torch.set_num_threads(1)
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    x_train, y_train = record_beats(4000, [0.96, 0.02, 0.02], gen)
    x_test, y_test = record_beats(3000, [0.96, 0.02, 0.02], gen)
    dataset = data.TensorDataset(x_train, y_train)
    loader = data.DataLoader(dataset, batch_size=64, shuffle=True)  # FAULT
    # TWIN: weights = 1.0 / torch.bincount(y_train).float()[y_train]
    # TWIN: sampler = data.WeightedRandomSampler(weights, len(dataset))
    # TWIN: loader = data.DataLoader(dataset, batch_size=64, sampler=sampler)

    model = BeatNet()
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    for epoch in range(10):
        model.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            pred = model(x_test).argmax(1)
        print(f"epoch {epoch}: loss {total / len(loader):.4f}, accuracy {(pred == y_test).float().mean().item():.4f}")
    print(f"score: {mean_recall(pred, y_test):.4f}")


if __name__ == "__main__":
    main()
