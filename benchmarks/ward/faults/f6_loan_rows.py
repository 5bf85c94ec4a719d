"""Late payment from a loan table with very different columns; validation after every epoch.

The training rows are standardised with a scaler, the validation rows are passed to the network as they are.
"""
# cause: train-validation-mismatch
# kind: dynamic

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn


def loan_rows(n, rng):
    income = rng.lognormal(1.2, 0.4, n)
    amount = rng.gamma(4, 2.5, n)
    months = rng.choice([12, 24, 36, 48, 60], n)
    years_at_job = rng.exponential(4, n)
    open_cards = rng.poisson(3, n)
    burden = amount / months * 10 / income
    z = 5 * (burden - 1.0) + 0.7 * (open_cards - 3) - 0.3 * (years_at_job - 4)
    late = z + rng.logistic(0, 0.4, n) > 0
    return np.stack([income, amount, months, years_at_job, open_cards], 1), late.astype("float32")


def make_net(n_in):
    return nn.Sequential(
        nn.Linear(n_in, 40),
        nn.BatchNorm1d(40),
        nn.ReLU(),
        nn.Linear(40, 20),
        nn.ReLU(),
        nn.Linear(20, 1),
    )


def evaluate(net, x, y):
    net.eval()
    with torch.no_grad():
        logit = net(x).squeeze(1)
    loss = F.binary_cross_entropy_with_logits(logit, y).item()
    return loss, ((logit > 0) == (y > 0.5)).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y = loan_rows(3500, np.random.default_rng(seed))
    x_tr, x_va, y_tr, y_va = train_test_split(x, y, test_size=0.2, random_state=seed)
    scaler = StandardScaler()
    x_tr = torch.tensor(scaler.fit_transform(x_tr)).float()
    y_tr = torch.tensor(y_tr)
    x_va = torch.tensor(x_va).float()  # FAULT
    # TWIN: x_va = torch.tensor(scaler.transform(x_va)).float()
    y_va = torch.tensor(y_va)

    net = make_net(x_tr.shape[1])
    opt = torch.optim.AdamW(net.parameters(), lr=4e-3)
    for epoch in range(12):
        net.train()
        losses = []
        for rows in torch.randperm(len(x_tr)).split(70):
            opt.zero_grad(set_to_none=True)
            loss = F.binary_cross_entropy_with_logits(net(x_tr[rows]).squeeze(1), y_tr[rows])
            loss.backward()
            opt.step()
            losses.append(loss.item())
        val_loss, val_acc = evaluate(net, x_va, y_va)
        print(f"epoch {epoch + 1} loss={np.mean(losses):.4f} val_loss={val_loss:.4f} val_acc={val_acc:.4f}")
    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("seed", type=int, nargs="?", default=0)
    main(ap.parse_args().seed)
