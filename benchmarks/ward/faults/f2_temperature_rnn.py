"""Two-step-ahead temperature forecast with an LSTM and Adam.

Fault: optimizer.zero_grad() is called once before the loop only.
"""
# cause: missing-zero-grad
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class TemperatureLSTM(nn.Module):
    def __init__(self, hidden_dim=32):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden_dim, batch_first=True)
        self.linear = nn.Linear(hidden_dim, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.linear(out[:, -1])


def temperatures(seed, n=1100):
    rng = np.random.default_rng(seed)
    hours = np.arange(n)
    weather = np.zeros(n)
    for i in range(1, n):
        weather[i] = 0.97 * weather[i - 1] + 0.3 * rng.standard_normal()
    return 10 + 6 * np.sin(2 * np.pi * hours / 24) + weather


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    series = temperatures(seed)
    series = (series - series[:800].mean()) / series[:800].std()
    x = np.stack([series[i : i + 16] for i in range(len(series) - 17)])
    x = torch.tensor(x, dtype=torch.float32).unsqueeze(-1)
    y = torch.tensor(series[17:], dtype=torch.float32).unsqueeze(-1)
    train_loader = DataLoader(TensorDataset(x[:780], y[:780]), batch_size=30, shuffle=True)
    x_val, y_val = x[800:], y[800:]

    model = TemperatureLSTM()
    loss_function = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    optimizer.zero_grad()
    for epoch in range(15):
        model.train()
        train_loss = 0.0
        for xb, yb in train_loader:
            # TWIN: optimizer.zero_grad()
            loss = loss_function(model(xb), yb)
            loss.backward()
            optimizer.step()
            train_loss += loss.item()
        model.eval()
        with torch.no_grad():
            val_loss = loss_function(model(x_val), y_val).item()
        print(f"Epoch {epoch + 1}, train MSE {train_loss / len(train_loader):.4f}, val MSE {val_loss:.4f}")
    print(f"score: {1 - val_loss / y_val.var().item():.4f}")


if __name__ == "__main__":
    main()
