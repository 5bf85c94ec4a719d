"""Loan defaults from a synthetic applicant table, with a train/validation/test split and the best model kept;
the score is the ROC AUC on the test part.
"""

import copy
import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.set_num_threads(1)


def load_applicants(seed, n=6000):
    rng = np.random.default_rng(seed)
    income = rng.lognormal(10.4, 0.5, n)
    amount = income * rng.uniform(0.1, 1.5, n)
    age = rng.integers(20, 70, n)
    years_employed = np.minimum(rng.exponential(6, n), age - 18)
    late_payments = rng.poisson(0.8, n)
    utilisation = rng.beta(2, 3, n)
    owner = rng.random(n) < 0.4
    z = 2.5 * (amount / income - 0.8) + 0.9 * (late_payments - 0.8) + 3.5 * (utilisation - 0.4)
    z += 1.5 * (utilisation > 0.6) * (late_payments > 1) - 0.08 * (years_employed - 5) - 0.7 * owner - 0.6
    default = rng.random(n) < 1 / (1 + np.exp(-1.5 * z))
    table = np.stack(
        [np.log(income), np.log(amount), age, np.sqrt(years_employed), late_payments, utilisation, owner], axis=1
    )
    return table.astype(np.float32), default.astype(np.float32)


def run_epoch(model, x, y, loss_fn, optimizer, batch_size=128):
    model.train()
    total = 0.0
    for idx in torch.randperm(len(x)).split(batch_size):
        loss = loss_fn(model(x[idx]).squeeze(1), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    return total / len(x)


@torch.no_grad()
def evaluate(model, x, y, loss_fn):
    model.eval()
    logits = model(x).squeeze(1)
    return loss_fn(logits, y).item(), roc_auc_score(y.numpy(), logits.numpy())


def main(seed):
    torch.manual_seed(seed)
    x, y = load_applicants(seed)
    x_fit, x_test, y_fit, y_test = train_test_split(x, y, test_size=0.2, random_state=seed, stratify=y)
    x_fit, x_val, y_fit, y_val = train_test_split(x_fit, y_fit, test_size=0.2, random_state=seed, stratify=y_fit)
    scaler = StandardScaler().fit(x_fit)
    x_fit, x_val, x_test = (torch.from_numpy(scaler.transform(part)) for part in (x_fit, x_val, x_test))
    y_fit, y_val, y_test = (torch.from_numpy(part) for part in (y_fit, y_val, y_test))

    model = nn.Sequential(nn.Linear(7, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))
    loss_fn = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    best_auc, best_state = 0.0, None
    for epoch in range(15):
        train_loss = run_epoch(model, x_fit, y_fit, loss_fn, optimizer)
        val_loss, val_auc = evaluate(model, x_val, y_val, loss_fn)
        if val_auc > best_auc:
            best_auc, best_state = val_auc, copy.deepcopy(model.state_dict())
        print(f"epoch={epoch} train_loss={train_loss:.4f} val_loss={val_loss:.4f} val_auc={val_auc:.4f}")
    model.load_state_dict(best_state)
    test_loss, test_auc = evaluate(model, x_test, y_test, loss_fn)
    print(f"test loss {test_loss:.4f}")
    print(f"score: {test_auc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
