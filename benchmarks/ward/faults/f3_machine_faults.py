"""Vibration features of a machine, 95 % of them from normal running and the rest from three kinds of damage; batches
are drawn as the data come. Scored by the mean recall of the four classes."""
# cause: class-imbalance
# kind: dynamic

import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

COUNTS = {"train": [2280, 40, 40, 40], "test": [600, 200, 200, 200]}


def features(counts, centers, gen):
    xs, ys = [], []
    for k, n in enumerate(counts):
        noise = torch.randn(n, centers.shape[1], generator=gen)
        xs.append(centers[k] + noise * (1.0 if k == 0 else 0.8))
        ys.append(torch.full((n,), k))
    return torch.cat(xs), torch.cat(ys)


def mean_recall(model, x, y):
    model.eval()
    with torch.no_grad():
        pred = model(x).argmax(1)
    return torch.stack([(pred[y == k] == k).float().mean() for k in range(4)]).mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    centers = torch.zeros(4, 10)
    centers[1, 0:3] = centers[2, 3:6] = centers[3, 6:9] = 1.5
    x, y = features(COUNTS["train"], centers, gen)
    x_test, y_test = features(COUNTS["test"], centers, gen)

    weight = 1.0 / torch.bincount(y).float()
    sampler = WeightedRandomSampler(weight[y], len(y))
    print("classes:", torch.bincount(y).tolist(), "samples:", len(sampler))
    loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True)  # FAULT
    # TWIN: loader = DataLoader(TensorDataset(x, y), batch_size=64, sampler=sampler)

    model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 4))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    for epoch in range(10):
        model.train()
        total = correct = 0
        for xb, yb in loader:
            out = model(xb)
            loss = criterion(out, yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(yb)
            correct += (out.argmax(1) == yb).sum().item()
        print(f"epoch {epoch + 1}: loss {total / len(y):.4f}, accuracy {correct / len(y):.4f}")
    print(f"score: {mean_recall(model, x_test, y_test):.4f}")


if __name__ == "__main__":
    main()
