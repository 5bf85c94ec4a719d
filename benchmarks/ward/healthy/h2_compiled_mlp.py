"""An MLP wrapped in torch.compile (backend "eager", so that no compiler is needed) on three interleaved spirals."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def spirals(n_per_class, rng, n_classes=3):
    points, labels = [], []
    for c in range(n_classes):
        r = np.linspace(0.05, 1.0, n_per_class)
        theta = np.linspace(c * 2 * np.pi / n_classes, c * 2 * np.pi / n_classes + 4.0, n_per_class)
        theta = theta + 0.15 * rng.normal(size=n_per_class)
        points.append(np.stack([r * np.sin(theta), r * np.cos(theta)], axis=1))
        labels.append(np.full(n_per_class, c))
    return torch.tensor(np.concatenate(points), dtype=torch.float32), torch.tensor(np.concatenate(labels))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x_train, y_train = spirals(320, rng)
    x_test, y_test = spirals(100, rng)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)

    net = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))
    model = torch.compile(net, backend="eager")
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(40):
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
        if epoch % 5 == 4:
            model.eval()
            with torch.no_grad():
                accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
            print(f"epoch {epoch + 1}: loss {loss.item():.4f}, test accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
