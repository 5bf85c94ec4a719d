"""Defect type of an ultrasonic echo with a stack of 1-D convolutions that all end in a sigmoid, SGD with momentum."""
# cause: vanishing-gradient
# kind: dynamic

import math
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

ACT = nn.Sigmoid  # FAULT
# TWIN: ACT = nn.ReLU


def echoes(n):
    t = torch.linspace(0, 1, 64)
    kind = torch.randint(0, 4, (n,))
    freq = torch.tensor([4.0, 7.0, 10.0, 14.0])[kind][:, None] + 0.5 * torch.randn(n, 1)
    centre = 0.3 + 0.4 * torch.rand(n, 1)
    envelope = torch.exp(-((t - centre) ** 2) / 0.03)
    wave = envelope * torch.sin(2 * math.pi * freq * t + 6.28 * torch.rand(n, 1)) + 0.2 * torch.randn(n, 64)
    return (wave / wave.std()).unsqueeze(1), kind


def build(depth=7, width=16):
    layers = [nn.Conv1d(1, width, 5, padding=2), ACT()]
    for i in range(depth - 1):
        layers += [nn.Conv1d(width, width, 3, stride=2 if i % 2 else 1, padding=1), ACT()]
    layers += [nn.Flatten(), nn.Linear(width * 8, 4)]
    model = nn.Sequential(*layers)
    for m in model.modules():
        if isinstance(m, nn.Conv1d):
            nn.init.kaiming_normal_(m.weight, nonlinearity=ACT.__name__.lower())
            nn.init.zeros_(m.bias)
    return model


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(dim=1) == y).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y = echoes(2000)
    x_test, y_test = echoes(500)
    loader = DataLoader(TensorDataset(x, y), batch_size=40, shuffle=True)
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(10):
        model.train()
        seen, total = 0, 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(yb)
            seen += len(yb)
        print(f"epoch {epoch + 1:2d} loss {total / seen:.4f} test accuracy {evaluate(model, x_test, y_test):.4f}")
    print(f"score: {evaluate(model, x_test, y_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
