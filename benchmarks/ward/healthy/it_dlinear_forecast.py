"""Long-horizon forecasting of several seasonal series with DLinear (moving-average decomposition and two linear maps),
chronological split, learning rate halved every epoch after the third.

After LTSF-Linear, https://github.com/cure-lab/LTSF-Linear
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

SEQ_LEN, PRED_LEN, CHANNELS = 96, 24, 4


def make_series(seed, n=2600):
    rng = np.random.default_rng(seed)
    t = np.arange(n)[:, None]
    phase = rng.uniform(0, 2 * np.pi, (3, CHANNELS))
    daily = np.sin(2 * np.pi * t / 24 + phase[0]) + 0.5 * np.sin(4 * np.pi * t / 24 + phase[1])
    weekly = 0.6 * np.sin(2 * np.pi * t / 168 + phase[2])
    noise = np.zeros((n, CHANNELS))
    for i in range(1, n):
        noise[i] = 0.8 * noise[i - 1] + 0.15 * rng.normal(size=CHANNELS)
    return (10 * (1 + np.arange(CHANNELS)) + 3 * (daily + weekly + noise)).astype(np.float32)


class WindowDataset(Dataset):
    def __init__(self, data):
        self.data = torch.from_numpy(data)

    def __len__(self):
        return len(self.data) - SEQ_LEN - PRED_LEN + 1

    def __getitem__(self, i):
        return self.data[i : i + SEQ_LEN], self.data[i + SEQ_LEN : i + SEQ_LEN + PRED_LEN]


class DLinear(nn.Module):
    def __init__(self, kernel=25):
        super().__init__()
        self.kernel = kernel
        self.pool = nn.AvgPool1d(kernel, stride=1)
        self.seasonal = nn.Linear(SEQ_LEN, PRED_LEN)
        self.trend = nn.Linear(SEQ_LEN, PRED_LEN)

    def forward(self, x):
        x = x.transpose(1, 2)  # batch, channel, time
        pad = (self.kernel - 1) // 2
        padded = torch.cat([x[..., :1].expand(-1, -1, pad), x, x[..., -1:].expand(-1, -1, pad)], dim=-1)
        trend = self.pool(padded)
        return (self.seasonal(x - trend) + self.trend(trend)).transpose(1, 2)


def adjust_learning_rate(optimizer, epoch, base):
    lr = base if epoch <= 3 else base * 0.5 ** (epoch - 3)
    for group in optimizer.param_groups:
        group["lr"] = lr
    return lr


@torch.no_grad()
def mse(model, loader):
    model.eval()
    errors = [((model(x) - y) ** 2).mean(dim=(1, 2)) for x, y in loader]
    return torch.cat(errors).mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    data = make_series(seed)
    n_train, n_val = 1800, 300
    mean, std = data[:n_train].mean(0), data[:n_train].std(0)
    data = (data - mean) / std
    parts = {
        "train": data[:n_train],
        "val": data[n_train - SEQ_LEN : n_train + n_val],
        "test": data[n_train + n_val - SEQ_LEN :],
    }
    loaders = {k: DataLoader(WindowDataset(v), batch_size=32, shuffle=k == "train") for k, v in parts.items()}

    model = DLinear()
    base_lr = 2e-3
    optimizer = torch.optim.Adam(model.parameters(), lr=base_lr)
    criterion = nn.MSELoss()
    for epoch in range(1, 9):
        lr = adjust_learning_rate(optimizer, epoch, base_lr)
        model.train()
        train_loss = []
        for x, y in loaders["train"]:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            train_loss.append(loss.item())
        print(
            f"Epoch: {epoch}, lr {lr:.5f} | Train Loss: {np.mean(train_loss):.4f} Vali Loss: {mse(model, loaders['val']):.4f}"
        )

    class SeasonalNaive(nn.Module):
        def forward(self, x):
            return x[:, -24:]

    test_mse, naive = mse(model, loaders["test"]), mse(SeasonalNaive(), loaders["test"])
    print(f"test mse {test_mse:.4f}, repeating yesterday {naive:.4f}")
    print(f"score: {1 - test_mse / naive:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
