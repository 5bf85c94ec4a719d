"""Five kinds of network connection of which one makes up ninety-seven percent; rows are drawn as they come."""
# cause: class-imbalance
# kind: dynamic

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

KINDS = ["normal", "probe", "flood", "login", "root"]
SHARES = torch.tensor([0.97, 0.01, 0.008, 0.007, 0.005])


def connections(n, centres):
    kind = torch.multinomial(SHARES, n, replacement=True)
    x = centres[kind] + torch.randn(n, centres.shape[1])
    return x, kind


def recalls(model, x, kind):
    model.eval()
    with torch.no_grad():
        predicted = model(x).argmax(dim=1)
    accuracy = (predicted == kind).float().mean().item()
    per_kind = [(predicted[kind == k] == k).float().mean().item() for k in range(len(KINDS))]
    return accuracy, per_kind


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=6)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    centres = torch.randn(len(KINDS), 12)
    centres = 4.5 * centres / centres.norm(dim=1, keepdim=True)
    centres[0] = 0.0
    x, kind = connections(8000, centres)
    test_x, test_kind = connections(6000, centres)
    train_set = TensorDataset(x, kind)
    loader = DataLoader(train_set, batch_size=64, shuffle=True)  # FAULT
    # TWIN: rarity = 1.0 / torch.bincount(kind).float()
    # TWIN: sampler = torch.utils.data.WeightedRandomSampler(rarity[kind], len(kind))
    # TWIN: loader = DataLoader(train_set, batch_size=64, sampler=sampler)

    model = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, len(KINDS)))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for xb, yb in loader:
            loss = criterion(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        accuracy, per_kind = recalls(model, test_x, test_kind)
        print(f"epoch {epoch + 1} loss {total / len(loader):.4f} test accuracy {accuracy:.4f}")
    for name, value in zip(KINDS, per_kind, strict=True):
        print(f"  recall {name:8s} {value:.3f}")
    print(f"score: {sum(per_kind) / len(per_kind):.4f}")


if __name__ == "__main__":
    main()
