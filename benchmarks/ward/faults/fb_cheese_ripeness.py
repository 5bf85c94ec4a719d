"""Is a cheese ripe? Sixty odour channels of an electronic nose, 480 cheeses judged by tasters who often disagree.

The network and the number of epochs were chosen so that the training loss gets as low as it can.
"""
# cause: overfitting
# kind: dynamic

import sys
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Settings:
    channels: int = 60
    cheeses: int = 480
    width: int = 128
    dropout: float = 0.0  # FAULT
    weight_decay: float = 0.0  # FAULT
    # TWIN: dropout: float = 0.5
    # TWIN: weight_decay: float = 0.1
    lr: float = 1e-3
    epochs: int = 40


def odours(settings, count, rng):
    sources = rng.normal(size=(count, 12))
    mixing = np.random.default_rng(3).normal(size=(12, settings.channels))
    channels = sources @ mixing / 12**0.5 + rng.normal(size=(count, settings.channels))
    ripe = 1.6 * sources[:, 0] - 1.2 * sources[:, 1] + 0.8 * sources[:, 2] + rng.logistic(0, 0.8, count) > 0
    return torch.tensor(channels / 2**0.5, dtype=torch.float32), torch.tensor(ripe, dtype=torch.float32)


def network(settings):
    width, drop = settings.width, settings.dropout
    return nn.Sequential(
        nn.Linear(settings.channels, width),
        nn.ReLU(),
        nn.Dropout(drop),
        nn.Linear(width, width),
        nn.ReLU(),
        nn.Dropout(drop),
        nn.Linear(width, 1),
        nn.Flatten(0),
    )


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        logits = model(x)
    loss = nn.functional.binary_cross_entropy_with_logits(logits, y)
    return loss.item(), ((logits > 0) == (y > 0.5)).float().mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    settings, rng = Settings(), np.random.default_rng(seed)
    train_x, train_y = odours(settings, settings.cheeses, rng)
    test_x, test_y = odours(settings, 1000, rng)
    loader = DataLoader(TensorDataset(train_x, train_y), batch_size=40, shuffle=True)
    model = network(settings)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.lr, weight_decay=settings.weight_decay)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(1, settings.epochs + 1):
        model.train()
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
        test_loss, test_accuracy = evaluate(model, test_x, test_y)
        if epoch % 5 == 0:
            print(f"{epoch:3d}  train {total / len(train_x):.3f}  test {test_loss:.3f}  accuracy {test_accuracy:.3f}")
    print(f"score: {-test_loss:.4f}")


if __name__ == "__main__":
    main()
