"""Forecast the next eight tide-gauge readings from the last forty with a small Transformer encoder."""
# cause: dropout-in-evaluation
# kind: structural

import math
import sys

import torch
from torch import nn

torch.set_num_threads(1)


class TideTransformer(nn.Module):
    def __init__(self, d_model=24, context=40, horizon=8):
        super().__init__()
        self.proj = nn.Linear(1, d_model)
        self.position = nn.Parameter(0.02 * torch.randn(1, context, d_model))
        layer = nn.TransformerEncoderLayer(d_model, nhead=4, dim_feedforward=48, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=1)
        self.head = nn.Linear(d_model * context, horizon)

    def forward(self, x):
        z = self.encoder(self.proj(x.unsqueeze(-1)) + self.position)
        return self.head(nn.functional.dropout(z.flatten(1)))  # FAULT
        # TWIN: return self.head(z.flatten(1))


def tide(n):
    hours = torch.arange(n, dtype=torch.float32)
    phase = torch.rand(3) * 2 * math.pi
    level = 1.2 * torch.sin(2 * math.pi * hours / 12.42 + phase[0]) + 0.5 * torch.sin(
        2 * math.pi * hours / 12 + phase[1]
    )
    level = level + 0.3 * torch.sin(2 * math.pi * hours / 25.8 + phase[2])
    surge = torch.zeros(n)
    for t in range(1, n):
        surge[t] = 0.95 * surge[t - 1] + 0.05 * torch.randn(())
    return level + surge


def train(seed):
    torch.manual_seed(seed)
    series = tide(1600)
    windows = series.unfold(0, 48, 1)
    train_w, test_w = windows[:1200], windows[1248:]
    mu, sd = train_w.mean(), train_w.std()
    train_w, test_w = (train_w - mu) / sd, (test_w - mu) / sd

    model = TideTransformer()
    steps = 300
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    for step in range(1, steps + 1):
        batch = train_w[torch.randint(len(train_w), (32,))]
        loss = nn.functional.mse_loss(model(batch[:, :40]), batch[:, 40:])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        scheduler.step()
        if step % 50 == 0:
            print(f"step {step} loss {loss.item():.4f} lr {scheduler.get_last_lr()[0]:.5f}")
    model.eval()
    with torch.no_grad():
        target = test_w[:, 40:]
        mse = nn.functional.mse_loss(model(test_w[:, :40]), target)
    return (1 - mse / target.var()).item()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    print(f"score: {train(seed):.4f}")
