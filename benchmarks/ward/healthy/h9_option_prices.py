"""A neural pricer for European call options: fits Black-Scholes prices (per unit of strike) quoted with a small
error.
"""

import math
import sys

import torch
from torch import nn, optim

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def black_scholes(moneyness, maturity, rate, vol):
    spread = vol * maturity.sqrt()
    d1 = (moneyness.log() + (rate + vol**2 / 2) * maturity) / spread
    cdf = torch.distributions.Normal(0.0, 1.0).cdf
    return moneyness * cdf(d1) - torch.exp(-rate * maturity) * cdf(d1 - spread)


n_quotes = 6000
low = torch.tensor([0.7, 0.1, 0.00, 0.10])
high = torch.tensor([1.3, 2.0, 0.06, 0.50])
quotes = low + (high - low) * torch.rand(n_quotes, 4)
price = black_scholes(*quotes.unbind(1))
price = price + 0.002 * torch.randn(n_quotes)

inputs = (quotes - low) / (high - low) * 2 - 1
scale = price[:5000].std()
targets = ((price - price[:5000].mean()) / scale).unsqueeze(1)
x_tr, x_te, y_tr, y_te = inputs[:5000], inputs[5000:], targets[:5000], targets[5000:]

pricer = nn.Sequential(nn.Linear(4, 48), nn.Softplus(), nn.Linear(48, 48), nn.Softplus(), nn.Linear(48, 1))
mse = nn.MSELoss()
opt = optim.Adam(pricer.parameters(), lr=4e-3)
sched = optim.lr_scheduler.ExponentialLR(opt, gamma=0.9)

for epoch in range(20):
    perm = torch.randperm(5000)
    epoch_loss = 0.0
    for start in range(0, 5000, 100):
        batch = perm[start : start + 100]
        opt.zero_grad()
        loss = mse(pricer(x_tr[batch]), y_tr[batch])
        loss.backward()
        opt.step()
        epoch_loss += loss.item() / 50
    sched.step()
    if (epoch + 1) % 4 == 0:
        print(f"epoch {epoch + 1:2d}   loss {epoch_loss:.6f}   lr {sched.get_last_lr()[0]:.5f}")

with torch.no_grad():
    residual = pricer(x_te) - y_te
    r2 = 1 - residual.pow(2).sum() / (y_te - y_te.mean()).pow(2).sum()
    cents = 100 * scale * math.sqrt(residual.pow(2).mean())
print(f"rmse {cents:.3f} % of strike")
print(f"score: {r2:.5f}")
