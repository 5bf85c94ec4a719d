"""Accounts receivable: will an invoice be paid more than ten days late? Plain logistic regression with
hand-built interaction columns and an L2 penalty written into the loss, full batch, scored by accuracy."""

import sys

import numpy as np
import torch

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(SEED)
rng = np.random.RandomState(SEED)

N = 4000
amount = rng.lognormal(mean=8.0, sigma=1.0, size=N)
terms = rng.choice([14, 30, 60], size=N)
past_late = rng.beta(2, 3, size=N)
tenure_years = rng.exponential(4.0, size=N)
disputed = rng.rand(N) < 0.15
month_end = rng.rand(N) < 0.3

log_amount = np.log(amount)
signal = 5.5 * (past_late - 0.4) + 0.9 * (log_amount - 8.0) - 0.25 * (tenure_years - 4.0) + 2.2 * disputed
signal += 1.8 * month_end * (terms == 14) - 0.3 + rng.logistic(scale=0.6, size=N)
late = (signal > 0).astype(np.float32)

columns = [log_amount, past_late, tenure_years, disputed, month_end, terms == 14, terms == 60]
columns.append(month_end & (terms == 14))
columns.append(past_late * log_amount)
table = np.stack([np.asarray(c, dtype=np.float64) for c in columns], axis=1)

order = rng.permutation(N)
train, test = order[:3000], order[3000:]
mu, sd = table[train].mean(axis=0), table[train].std(axis=0)
table = torch.from_numpy(((table - mu) / sd).astype(np.float32))
late = torch.from_numpy(late)

w = torch.zeros(table.shape[1], requires_grad=True)
b = torch.zeros(1, requires_grad=True)
opt = torch.optim.Adam([w, b], lr=0.05)

for step in range(400):
    logit = table[train] @ w + b
    nll = torch.nn.functional.binary_cross_entropy_with_logits(logit, late[train])
    penalty = 1e-3 * w.pow(2).sum()
    opt.zero_grad()
    (nll + penalty).backward()
    opt.step()
    if step % 80 == 0:
        print(f"step {step}  nll {nll.item():.4f}  penalty {penalty.item():.4f}")

with torch.no_grad():
    predicted = (table[test] @ w + b > 0).float()
    accuracy = (predicted == late[test]).float().mean().item()
print(f"base rate {late[test].mean().item():.3f}")
print("weights", [round(v, 2) for v in w.tolist()])
print(f"score: {accuracy:.4f}")
