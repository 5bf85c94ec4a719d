"""Classifies short synthetic sounds from the raw waveform with the M5 network.

After the speech command tutorial of torchaudio
(https://pytorch.org/tutorials/intermediate/speech_command_classification_with_torchaudio_tutorial.html).
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset

RATE, LENGTH = 4000, 2000
LABELS = ["rise", "fall", "steady", "vibrato", "tremolo", "double"]


def sound(rng, kind):
    t = np.arange(LENGTH) / RATE
    f0 = rng.uniform(300, 700)
    freq, amp = np.full(LENGTH, f0), np.ones(LENGTH)
    if kind == 0:
        freq = f0 * (1 + rng.uniform(0.8, 1.2) * t / t[-1])
    elif kind == 1:
        freq = f0 * (2 - rng.uniform(0.8, 1.0) * t / t[-1])
    elif kind == 3:
        freq = f0 * (1 + 0.15 * np.sin(2 * np.pi * rng.uniform(8, 14) * t + rng.uniform(0, 6)))
    elif kind == 4:
        amp = 0.5 * (1 + 0.9 * np.sin(2 * np.pi * rng.uniform(10, 18) * t + rng.uniform(0, 6)))
    elif kind == 5:
        freq = np.where(t < rng.uniform(0.2, 0.3), f0, f0 * rng.choice([0.66, 1.5]))
    start, stop = rng.integers(0, 200), LENGTH - rng.integers(0, 200)
    amp = amp * ((np.arange(LENGTH) >= start) & (np.arange(LENGTH) < stop))
    wave = amp * np.sin(2 * np.pi * np.cumsum(freq) / RATE + rng.uniform(0, 6))
    return rng.uniform(0.4, 1.0) * wave + rng.normal(0, 0.1, LENGTH)


def subset(rng, n):
    labels = rng.integers(0, len(LABELS), n)
    waves = torch.tensor(np.stack([sound(rng, k) for k in labels]), dtype=torch.float32).unsqueeze(1)
    return TensorDataset(waves, torch.from_numpy(labels))


class M5(nn.Module):
    def __init__(self, n_output, stride=8, n_channel=16):
        super().__init__()
        self.conv1 = nn.Conv1d(1, n_channel, kernel_size=40, stride=stride)
        self.bn1 = nn.BatchNorm1d(n_channel)
        self.pool1 = nn.MaxPool1d(2)
        self.conv2 = nn.Conv1d(n_channel, n_channel, kernel_size=3)
        self.bn2 = nn.BatchNorm1d(n_channel)
        self.pool2 = nn.MaxPool1d(3)
        self.conv3 = nn.Conv1d(n_channel, 2 * n_channel, kernel_size=3)
        self.bn3 = nn.BatchNorm1d(2 * n_channel)
        self.pool3 = nn.MaxPool1d(3)
        self.conv4 = nn.Conv1d(2 * n_channel, 2 * n_channel, kernel_size=3)
        self.bn4 = nn.BatchNorm1d(2 * n_channel)
        self.fc1 = nn.Linear(2 * n_channel, n_output)

    def forward(self, x):
        x = self.pool1(F.relu(self.bn1(self.conv1(x))))
        x = self.pool2(F.relu(self.bn2(self.conv2(x))))
        x = self.pool3(F.relu(self.bn3(self.conv3(x))))
        x = F.relu(self.bn4(self.conv4(x)))
        x = F.avg_pool1d(x, x.shape[-1]).squeeze(-1)
        return F.log_softmax(self.fc1(x), dim=-1)


def train(model, loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(loader):
        output = model(data)
        loss = F.nll_loss(output, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if batch_idx % 10 == 0:
            print(f"Train Epoch: {epoch} [{batch_idx * len(data)}/{len(loader.dataset)}]\tLoss: {loss.item():.6f}")


@torch.no_grad()
def test(model, loader, epoch):
    model.eval()
    correct = sum((model(data).argmax(-1) == target).sum().item() for data, target in loader)
    print(f"Test Epoch: {epoch}\tAccuracy: {correct}/{len(loader.dataset)}")
    return correct / len(loader.dataset)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_loader = DataLoader(subset(rng, 1200), batch_size=48, shuffle=True)
    test_loader = DataLoader(subset(rng, 300), batch_size=100)
    model = M5(n_output=len(LABELS))
    optimizer = optim.Adam(model.parameters(), lr=0.01, weight_decay=0.0001)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=6, gamma=0.1)
    for epoch in range(1, 10):
        train(model, train_loader, optimizer, epoch)
        accuracy = test(model, test_loader, epoch)
        scheduler.step()
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
