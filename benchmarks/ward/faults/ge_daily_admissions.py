"""Daily emergency admissions: negative binomial regression with a learned dispersion, weekday embedding, lagged counts;
split by time. Score: share of the deviance explained on the last year (the true rate's own share is printed too).
"""
# cause: missing-step
# kind: dynamic

import math
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
R_TRUE = 12.0


def hospital(days):
    t = torch.arange(days)
    week = torch.tensor([0.25, 0.1, 0.0, -0.05, 0.05, -0.1, -0.2])[t % 7]
    flu = 0.5 * torch.exp(4 * (torch.cos(2 * math.pi * (t - 20) / 365) - 1))
    temp = torch.sin(2 * math.pi * (t - 110) / 365) + 0.5 * torch.randn(days)
    rate = torch.exp(3.2 + week + flu + 0.15 * torch.relu(temp - 0.8) + 0.08 * torch.relu(-temp - 0.8))
    count = torch.poisson(torch.distributions.Gamma(R_TRUE, R_TRUE / rate).sample())
    phase = 2 * math.pi * t / 365
    x = torch.stack([phase.sin(), phase.cos(), (2 * phase).sin(), (2 * phase).cos(), temp], 1)
    return t % 7, x, count, rate


class Admissions(nn.Module):
    def __init__(self, level):
        super().__init__()
        self.weekday = nn.Embedding(7, 3)
        self.net = nn.Sequential(nn.Linear(8, 24), nn.ELU(), nn.Linear(24, 1))
        nn.init.constant_(self.net[-1].bias, math.log(level))
        self.log_r = nn.Parameter(torch.tensor(1.0))

    def forward(self, day, x):
        return self.net(torch.cat([self.weekday(day), x], 1)).squeeze(1)


def nb_nll(log_mu, log_r, y):
    r = log_r.exp()
    log_total = torch.logaddexp(log_mu, log_r)
    out = (
        torch.lgamma(y + r) - torch.lgamma(r) - torch.lgamma(y + 1) + r * (log_r - log_total) + y * (log_mu - log_total)
    )
    return -out.mean()


def explained(log_mu, y, base):
    def deviance(mu):
        return 2 * (torch.xlogy(y, y / mu) - (y - mu)).sum()

    return (1 - deviance(log_mu.exp()) / deviance(base)).item()


def main(seed):
    torch.manual_seed(seed)
    day, x, y, rate = hospital(365 * 9)
    cut = 365 * 8
    model = Admissions(y[:cut].mean().item())
    opt = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=1e-4)
    for epoch in range(1, 31):
        # TWIN: for idx in torch.randperm(cut).split(73):
        for i, idx in enumerate(torch.randperm(cut).split(73), 1):  # FAULT
            loss = nb_nll(model(day[idx], x[idx]), model.log_r, y[idx])
            # TWIN: opt.zero_grad()
            # TWIN: loss.backward()
            # TWIN: opt.step()
            (loss / 64).backward()  # FAULT
            if i % 64 == 0:  # FAULT
                opt.step()  # FAULT
                opt.zero_grad()  # FAULT
        for group in opt.param_groups:
            group["lr"] = 5e-3 / (1 + epoch / 8)
        with torch.no_grad():
            log_mu = model(day[cut:], x[cut:])
            score = explained(log_mu, y[cut:], y[:cut].mean())
            held = nb_nll(log_mu, model.log_r, y[cut:]).item()
        if epoch % 3 == 0:
            print(f"epoch {epoch}: valid nll {held:.4f} explained {score:.4f} r {model.log_r.exp().item():.2f}")
    print(f"the true rate explains {explained(rate[cut:].log(), y[cut:], y[:cut].mean()):.4f}")
    print(f"score: {score:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
