"""Weibull time-to-event model with right censoring: the network gives the log scale and log shape for each subject,
the loss is the censored negative log likelihood. Score: concordance of predicted scales and times on held-out
subjects.
"""

import sys

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rng = np.random.default_rng(seed)
torch.manual_seed(seed)

n = 1600
covariates = rng.normal(size=(n, 6))
log_scale = 0.9 * covariates[:, 0] - 0.7 * covariates[:, 1] + 0.8 * np.sin(2 * covariates[:, 2])
event_time = np.exp(log_scale) * rng.weibull(2.5, n)
censor_time = rng.exponential(4.0, n)
observed = event_time <= censor_time
time = np.minimum(event_time, censor_time)
print(f"{n} subjects, {100 * (1 - observed.mean()):.1f} % censored")

x = torch.tensor(covariates, dtype=torch.float32)
log_t = torch.tensor(np.log(time + 1e-4), dtype=torch.float32)
event = torch.tensor(observed, dtype=torch.float32)
train, test = slice(0, 1200), slice(1200, n)


def weibull_nll(output, log_t, event):
    log_lambda, log_k = output[:, 0], output[:, 1].clamp(-2, 2)
    z = log_k.exp() * (log_t - log_lambda)
    log_hazard = log_k - log_lambda + z - (log_t - log_lambda)
    return -(event * log_hazard - z.exp()).mean()


def concordance(risk_time, time, event):
    comparable = (time[:, None] < time[None, :]) & (event[:, None] > 0)
    agree = risk_time[:, None] < risk_time[None, :]
    return (agree & comparable).sum().item() / comparable.sum().item()


model = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2))
optimizer = torch.optim.Adamax(model.parameters(), lr=0.01)
for epoch in range(40):
    nlls = []
    for idx in torch.randperm(1200).split(60):
        loss = weibull_nll(model(x[train][idx]), log_t[train][idx], event[train][idx])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        nlls.append(loss.item())
    if epoch % 8 == 7:
        with torch.no_grad():
            held_out = weibull_nll(model(x[test]), log_t[test], event[test]).item()
        print(f"epoch {epoch + 1}: nll {np.mean(nlls):.4f} held out {held_out:.4f}")

with torch.no_grad():
    predicted = model(x[test])[:, 0]
print(f"score: {concordance(predicted, log_t[test], event[test]):.4f}")
