"""Tells four engine states apart from raw vibration signals with a learned filter bank and log energies.

After https://discuss.pytorch.org/t/how-to-solve-the-loss-become-nan-because-of-using-torch-log/54499
"""
# cause: unstable-loss
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

N_CLASSES, LENGTH = 4, 256


def make_signals(rng, n):
    state = rng.integers(0, N_CLASSES, size=n)
    base = np.array([0.06, 0.09, 0.13, 0.18])[state] * rng.uniform(0.93, 1.07, n)
    phase = rng.uniform(0, 2 * np.pi, size=(2, n, 1))
    time = np.arange(LENGTH)[None, :]
    loud = rng.uniform(0.5, 2.0, size=(n, 1))
    tone = np.sin(2 * np.pi * base[:, None] * time + phase[0])
    tone += 0.5 * np.sin(4 * np.pi * base[:, None] * time + phase[1])
    signals = loud * (tone + rng.normal(0, 0.6, size=(n, LENGTH)))
    return torch.tensor(signals, dtype=torch.float32).unsqueeze(1), torch.tensor(state)


class LogFilterBank(nn.Module):
    """Strided filters, rectified, averaged over short frames, on a log scale."""

    def __init__(self, n_filters):
        super().__init__()
        self.filters = nn.Conv1d(1, n_filters, kernel_size=32, stride=4)

    def forward(self, x):
        t = F.relu(self.filters(x))
        t = F.avg_pool1d(t, kernel_size=4)
        t = torch.log(t)  # FAULT
        # TWIN: t = torch.log(t + 1e-2)
        return t


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.bank = LogFilterBank(24)
        self.fc1 = nn.Linear(24, 32)
        self.fc2 = nn.Linear(32, N_CLASSES)

    def forward(self, x):
        t = self.bank(x).mean(dim=2)
        t = F.relu(self.fc1(t))
        return self.fc2(t)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    x_train, y_train = make_signals(rng, 1200)
    x_test, y_test = make_signals(rng, 400)

    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(12):
        net.train()
        epoch_loss = 0.0
        for idx in torch.randperm(len(x_train)).split(32):
            logits = net(x_train[idx])
            loss = loss_fn(logits, y_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item() * len(idx)
        net.eval()
        with torch.no_grad():
            accuracy = (net(x_test).argmax(1) == y_test).float().mean().item()
        if epoch % 2 == 1:
            print(f"epoch {epoch + 1}: loss {epoch_loss / len(x_train):.4f}, test accuracy {accuracy:.3f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
