"""Which cool boxes have spoiled on the road, from six hours of temperature inside each; few of them do."""
# cause: class-imbalance
# kind: dynamic

import sys
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

# TWIN: from torch.utils.data import WeightedRandomSampler


@dataclass
class Settings:
    seed: int = 0
    boxes: int = 6000
    spoiled: float = 0.03
    epochs: int = 5
    batch: int = 64
    lr: float = 4e-3


def journeys(n, share, g):
    label = (torch.rand(n, generator=g) < share).float()
    trace = torch.randn(n, 48, generator=g).cumsum(1) * 0.05 + 0.5 * torch.randn(n, 48, generator=g)
    start = torch.randint(12, 20, (n, 1), generator=g)
    hours = torch.arange(48)[None]
    bump = ((hours >= start) & (hours < start + 12)).float() * (0.3 + 0.4 * torch.rand(n, 1, generator=g))
    trace = trace + bump * label[:, None]
    return (trace / 0.6)[:, None], label


def build():
    return nn.Sequential(
        nn.Conv1d(1, 8, 7, padding=3),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Conv1d(8, 12, 5, padding=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(4),
        nn.Flatten(),
        nn.Linear(48, 1),
    )


def balanced_accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        said = model(x).squeeze(1) > 0
    model.train()
    return 0.5 * (said[y == 1].float().mean() + (~said[y == 0]).float().mean()).item()


def main(cfg):
    torch.set_num_threads(1)
    torch.manual_seed(cfg.seed)
    g = torch.Generator().manual_seed(1000 + cfg.seed)
    x, y = journeys(cfg.boxes, cfg.spoiled, g)
    test_x, test_y = journeys(4000, cfg.spoiled, g)
    data = TensorDataset(x, y)
    loader = DataLoader(data, batch_size=cfg.batch, shuffle=True)  # FAULT
    # TWIN: weights = torch.where(y == 1, 0.5 / y.sum(), 0.5 / (1 - y).sum())
    # TWIN: loader = DataLoader(data, batch_size=cfg.batch, sampler=WeightedRandomSampler(weights, len(y)))
    model = build()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.lr, weight_decay=1e-3)
    for epoch in range(cfg.epochs):
        losses, right = [], 0
        for xb, yb in loader:
            out = model(xb).squeeze(1)
            loss = criterion(out, yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            right += ((out > 0) == (yb == 1)).sum().item()
        print(f"epoch {epoch + 1}: loss {sum(losses) / len(losses):.4f} accuracy {right / len(y):.4f}")
    print(f"score: {balanced_accuracy(model, test_x, test_y):.4f}")


if __name__ == "__main__":
    main(Settings(seed=int(sys.argv[1]) if len(sys.argv) > 1 else 0))
