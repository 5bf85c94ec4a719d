"""Digits with batches of three images; group normalisation because batch statistics of three images would be noise. A
squeeze-and-excitation gate after the second convolution; plain SGD with momentum.
"""
# cause: non-finite-input
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.set_num_threads(1)


class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduction=4):
        super().__init__()
        self.down = nn.Linear(channels, channels // reduction)
        self.up = nn.Linear(channels // reduction, channels)

    def forward(self, x):
        gate = torch.sigmoid(self.up(F.relu(self.down(x.mean(dim=(2, 3))))))
        return x * gate[:, :, None, None]


def build():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.GroupNorm(4, 16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 24, 3, padding=1, bias=False),
        nn.GroupNorm(4, 24),
        nn.ReLU(),
        SqueezeExcite(24),
        nn.Flatten(),
        nn.Linear(24 * 16, 10),
    )


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    data = load_digits()
    x = torch.tensor(data.data, dtype=torch.float32)  # FAULT
    x = ((x - x.mean(0)) / x.std(0)).view(-1, 1, 8, 8)  # FAULT
    # TWIN: x = torch.tensor(data.data, dtype=torch.float32).view(-1, 1, 8, 8) / 16
    y = torch.tensor(data.target)
    order = torch.randperm(len(x))
    train, test = order[:1200], order[1200:]
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.8)
    for epoch in range(3):
        seen, loss_sum = 0, 0.0
        for step, idx in enumerate(train[torch.randperm(len(train))].split(3)):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
            loss_sum += loss.item()
            seen += 1
            if step % 200 == 199:
                print(f"epoch {epoch + 1} step {step + 1} mean loss {loss_sum / seen:.4f}")
                seen, loss_sum = 0, 0.0
        optimizer.param_groups[0]["lr"] *= 0.5
    with torch.no_grad():
        accuracy = model(x[test]).argmax(1).eq(y[test]).float().mean()
    print(f"score: {accuracy.item():.4f}")


main()
