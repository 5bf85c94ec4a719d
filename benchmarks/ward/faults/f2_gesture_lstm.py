"""Gesture recognition from 3-channel motion traces (20 time steps) with an LSTM.

Fault: batches are (batch, time, channel) but the LSTM is built without batch_first, so it runs over the batch axis.
"""
# cause: batch-mixing
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


class GestureLSTM(nn.Module):
    def __init__(self, n_channels=3, hidden_size=32, n_classes=6):
        super().__init__()
        self.lstm = nn.LSTM(n_channels, hidden_size)  # FAULT
        # TWIN: self.lstm = nn.LSTM(n_channels, hidden_size, batch_first=True)
        self.fc = nn.Linear(hidden_size, n_classes)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, -1, :])


def make_traces(n, rng):
    gesture = rng.integers(0, 6, n)
    t = np.linspace(0, 1, 20)
    phase = rng.uniform(-0.4, 0.4, (n, 1))
    freq = np.array([1.0, 1.0, 2.0, 2.0, 3.0, 3.0])[gesture][:, None]
    sign = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])[gesture][:, None]
    arg = 2 * np.pi * freq * t + phase
    traces = np.stack([np.cos(arg), sign * np.sin(arg), np.cos(arg / 2)], axis=-1)
    traces += 0.3 * rng.standard_normal(traces.shape)
    return torch.tensor(traces, dtype=torch.float32), torch.tensor(gesture)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    x_train, y_train = make_traces(1000, rng)
    x_test, y_test = make_traces(300, rng)
    train_loader = DataLoader(TensorDataset(x_train, y_train), batch_size=40, shuffle=True, drop_last=True)
    test_loader = DataLoader(TensorDataset(x_test, y_test), batch_size=60)

    model = GestureLSTM()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.008)
    for epoch in range(15):
        model.train()
        total_loss = 0.0
        for traces, labels in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(traces), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            total_loss += loss.item()
        model.eval()
        correct = 0
        with torch.no_grad():
            for traces, labels in test_loader:
                correct += (model(traces).argmax(dim=1) == labels).sum().item()
        print(f"Epoch {epoch + 1}: loss {total_loss / len(train_loader):.4f}, accuracy {correct / len(x_test):.4f}")
    print(f"score: {correct / len(x_test):.4f}")


if __name__ == "__main__":
    main()
