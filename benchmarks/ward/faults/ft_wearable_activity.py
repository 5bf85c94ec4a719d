"""Human activity recognition from nine wearable sensor channels with a small convolutional network.

After https://github.com/jindongwang/Deep-learning-activity-recognition/issues/10
"""
# cause: softmax-twice
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

N_CLASS = 12
N_CHANNEL = 9
N_STEP = 64


def make_windows(n, rng, patterns):
    y = rng.randint(0, N_CLASS, n)
    t = np.arange(N_STEP) / N_STEP
    x = np.zeros((n, N_CHANNEL, 1, N_STEP), dtype=np.float32)
    for i in range(n):
        freq, amp, phase = patterns[y[i]]
        shift = rng.rand() * 2 * np.pi
        speed = 1 + 0.05 * rng.randn()
        wave = amp[:, None] * np.sin(2 * np.pi * freq[:, None] * speed * t[None] + phase[:, None] + shift)
        x[i, :, 0] = wave + 0.6 * rng.randn(N_CHANNEL, N_STEP)
    return x, y


class Network(nn.Module):
    def __init__(self):
        super(Network, self).__init__()
        self.conv1 = nn.Sequential(
            nn.Conv2d(in_channels=N_CHANNEL, out_channels=24, kernel_size=(1, 9)),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=(1, 2), stride=2),
        )
        self.conv2 = nn.Sequential(
            nn.Conv2d(in_channels=24, out_channels=32, kernel_size=(1, 9)),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=(1, 2), stride=2),
        )
        self.fc1 = nn.Sequential(nn.Linear(32 * 10, 200), nn.ReLU())
        self.fc2 = nn.Sequential(nn.Linear(200, 100), nn.ReLU())
        self.fc3 = nn.Linear(100, N_CLASS)

    def forward(self, x):
        out = self.conv1(x)
        out = self.conv2(out)
        out = out.reshape(-1, 32 * 10)
        out = self.fc1(out)
        out = self.fc2(out)
        out = self.fc3(out)
        out = F.softmax(out, dim=1)  # FAULT
        return out


def train(model, optimizer, train_loader, test_loader, nepoch):
    criterion = nn.CrossEntropyLoss()
    for e in range(nepoch):
        model.train()
        correct, total_loss, total = 0, 0, 0
        for sample, target in train_loader:
            output = model(sample)
            loss = criterion(output, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total_loss += loss.item() * len(target)
            correct += (output.argmax(1) == target).sum().item()
            total += len(target)
        acc_test = test(model, test_loader)
        print(
            f"Epoch: [{e + 1}/{nepoch}], loss:{total_loss / total:.4f}, "
            f"train acc: {correct / total:.4f}, test acc: {acc_test:.4f}"
        )
    return acc_test


def test(model, test_loader):
    model.eval()
    correct, total = 0, 0
    with torch.no_grad():
        for sample, target in test_loader:
            output = model(sample)
            correct += (output.argmax(1) == target).sum().item()
            total += len(target)
    return correct / total


def main(seed):
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.RandomState(seed)
    patterns = [
        (
            rng.choice([2.0, 3.0, 4.0, 6.0], N_CHANNEL),
            rng.uniform(0.2, 1.2, N_CHANNEL),
            rng.uniform(0, 2 * np.pi, N_CHANNEL),
        )
        for _ in range(N_CLASS)
    ]
    x_train, y_train = make_windows(1800, rng, patterns)
    x_test, y_test = make_windows(600, rng, patterns)
    mean, std = x_train.mean(axis=(0, 2, 3), keepdims=True), x_train.std(axis=(0, 2, 3), keepdims=True)
    x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
    train_loader = DataLoader(
        TensorDataset(torch.from_numpy(x_train), torch.from_numpy(y_train)), batch_size=64, shuffle=True
    )
    test_loader = DataLoader(TensorDataset(torch.from_numpy(x_test), torch.from_numpy(y_test)), batch_size=200)

    model = Network()
    optimizer = torch.optim.SGD(params=model.parameters(), lr=0.01, momentum=0.9)
    accuracy = train(model, optimizer, train_loader, test_loader, nepoch=18)
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
