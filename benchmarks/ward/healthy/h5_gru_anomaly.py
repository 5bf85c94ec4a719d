"""A GRU learns to predict the next sample of normal two-channel signals; sequences whose prediction error is high are
anomalies. Only normal data is used for training, the score is the AUC on a mixed test set.
"""

import argparse

import torch
import torch.nn as nn
from sklearn.metrics import roc_auc_score

torch.set_num_threads(1)
parser = argparse.ArgumentParser()
parser.add_argument("seed", type=int, nargs="?", default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
T = 30


def normal(n):
    t = torch.arange(T)
    phase, speed = 6.28 * torch.rand(n, 1), 0.35 + 0.1 * torch.rand(n, 1)
    angle = speed * t + phase
    x = torch.stack([torch.sin(angle), torch.cos(2 * angle)], 2)
    return x + 0.1 * torch.randn(n, T, 2)


def anomalous(n):
    x = normal(n)
    for i in range(n):
        start = int(torch.randint(5, T - 8, ()))
        if i % 2:
            x[i, start : start + 8, 1] = x[i, start, 1] + 0.1 * torch.randn(8)  # a stuck sensor
        else:
            x[i, start : start + 5] += 0.6 * torch.randn(2)  # a jump
    return x


class Predictor(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.gru = nn.GRU(2, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 2)

    def forward(self, x):
        return x + self.out(self.gru(x)[0])  # predicts the change


def errors(model, x):
    model.eval()
    with torch.no_grad():
        return ((model(x[:, :-1]) - x[:, 1:]) ** 2).mean(2)[:, 4:]


train, val = normal(600), normal(150)
test = torch.cat([normal(150), anomalous(150)])
is_anomaly = torch.cat([torch.zeros(150), torch.ones(150)])
model = Predictor()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.3, patience=2)
for epoch in range(14):
    model.train()
    losses = []
    for batch in torch.randperm(len(train)).split(30):
        x = train[batch]
        loss = nn.functional.mse_loss(model(x[:, :-1]), x[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    val_error = errors(model, val).mean().item()
    plateau.step(val_error)
    print(f"epoch {epoch:2d}  train mse {sum(losses) / len(losses):.4f}  val mse {val_error:.4f}")

peak = errors(model, test).unfold(1, 3, 1).mean(2).max(1).values
print(f"score: {roc_auc_score(is_anomaly, peak):.4f}")
