"""A two-layer LSTM with dropout wrappers forecasts the next normalized prices of a few stocks.

After https://github.com/lilianweng/stock-rnn/issues/12
"""
# cause: dropout-in-evaluation
# kind: structural

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

CONFIG = dict(
    num_steps=20,
    input_size=2,
    lstm_size=48,
    keep_prob=0.8,
    batch_size=64,
    max_epoch=9,
    init_learning_rate=3e-3,
    learning_rate_decay=0.85,
    init_epoch=4,
    stocks=4,
)


class StockDataSet:
    """Closing prices of a stock, cut in windows; prices are relative to the last one of the window before."""

    def __init__(self, rng, num_steps, input_size, days=1000, test_ratio=0.2):
        t = np.arange(days)
        cycles = sum(
            a * np.sin(2 * np.pi * t / p + rng.uniform(0, 6.28))
            for a, p in zip((0.08, 0.05, 0.03), rng.uniform((50, 24, 11), (70, 30, 14)))
        )
        price = 50 * np.exp(0.0004 * t + cycles + 0.004 * rng.normal(size=days))
        steps = price[: days // input_size * input_size].reshape(-1, input_size)
        seq = steps[1:] / steps[:-1, -1:] - 1.0
        x = np.stack([seq[i : i + num_steps] for i in range(len(seq) - num_steps)])
        y = seq[num_steps:]
        cut = int(len(x) * (1 - test_ratio))
        scale = seq[:cut].std()
        self.train_X, self.test_X = x[:cut] / scale, x[cut:] / scale
        self.train_y, self.test_y = y[:cut] / scale, y[cut:] / scale


class LstmRNN(nn.Module):
    def __init__(self, input_size, lstm_size, keep_prob):
        super().__init__()
        self.keep_prob = keep_prob
        self.cell1 = nn.LSTM(input_size, lstm_size, batch_first=True)
        self.cell2 = nn.LSTM(lstm_size, lstm_size, batch_first=True)
        self.out = nn.Linear(lstm_size, input_size)

    def wrap(self, outputs):
        return F.dropout(outputs, 1 - self.keep_prob)  # FAULT
        # TWIN: return F.dropout(outputs, 1 - self.keep_prob, training=self.training)

    def forward(self, inputs):
        val, _ = self.cell1(inputs)
        val, _ = self.cell2(self.wrap(val))
        last = self.wrap(val)[:, -1]
        return self.out(last)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    c = CONFIG
    sets = [StockDataSet(rng, c["num_steps"], c["input_size"]) for _ in range(c["stocks"])]
    train_X, train_y, test_X, test_y = (
        torch.tensor(np.concatenate([getattr(d, k) for d in sets]), dtype=torch.float32)
        for k in ("train_X", "train_y", "test_X", "test_y")
    )

    model = LstmRNN(c["input_size"], c["lstm_size"], c["keep_prob"])
    optim = torch.optim.RMSprop(model.parameters(), lr=c["init_learning_rate"])
    mse = nn.MSELoss()

    for epoch in range(c["max_epoch"]):
        lr = c["init_learning_rate"] * c["learning_rate_decay"] ** max(epoch + 1 - c["init_epoch"], 0)
        optim.param_groups[0]["lr"] = lr
        model.train()
        losses = []
        order = torch.randperm(len(train_X))
        for i in range(0, len(order), c["batch_size"]):
            idx = order[i : i + c["batch_size"]]
            optim.zero_grad()
            loss = mse(model(train_X[idx]), train_y[idx])
            loss.backward()
            optim.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            pred = model(test_X)
            test_loss = mse(pred, test_y).item()
        print(f"[Epoch:{epoch}] [Learning rate: {lr:.6f}] train_loss:{np.mean(losses):.4f} test_loss:{test_loss:.4f}")

    r2 = 1 - test_loss / test_y.var().item()
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
