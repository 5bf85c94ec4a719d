"""Will the guest cancel? Bookings as a table with numbers and one-hot categories; an MLP with batch norm and dropout,
weighted BCE for the rarer class, SGD with momentum, early stopping on the validation AUC and the best weights restored.
Score: AUC on the test bookings.
"""

import argparse
import copy

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OneHotEncoder, StandardScaler

torch.set_num_threads(1)


def bookings(rng, n):
    lead = rng.gamma(1.5, 40, n)
    nights = 1 + rng.poisson(2.2, n)
    rate = rng.normal(95, 25, n).clip(30)
    earlier = rng.poisson(0.3, n)
    guests = 1 + rng.binomial(3, 0.4, n)
    channel, deposit, country = rng.integers(0, 4, n), rng.integers(0, 3, n), rng.integers(0, 10, n)
    logit = -2.6 + 1.1 * np.log1p(lead / 30) + 0.012 * (rate - 95) - 0.8 * (earlier > 0) + 0.15 * nights
    logit = logit + np.array([0.6, 0.0, -0.7, -0.2])[channel] - np.array([0.0, 0.9, 2.0])[deposit] * (lead > 20)
    logit = logit + rng.normal(0, 0.5, 10)[country] + 0.4 * (guests == 1) * (channel == 2)
    cancelled = rng.random(n) < 1 / (1 + np.exp(-1.6 * logit))
    numbers = np.stack([np.log1p(lead), nights, rate, earlier, guests], 1)
    return numbers, np.stack([channel, deposit, country], 1), cancelled.astype(np.float32), logit


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--lr", type=float, default=0.03)
    parser.add_argument("--patience", type=int, default=5)
    parser.add_argument("--max-epochs", type=int, default=30)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    numbers, categories, y, logit = bookings(np.random.default_rng(args.seed), 12000)
    rest, test = train_test_split(np.arange(12000), test_size=0.25, random_state=args.seed, stratify=y)
    train, val = train_test_split(rest, test_size=0.2, random_state=args.seed, stratify=y[rest])
    scaler, encoder = StandardScaler().fit(numbers[train]), OneHotEncoder(sparse_output=False).fit(categories[train])
    table = np.concatenate([scaler.transform(numbers), encoder.transform(categories)], 1)
    x, y = torch.tensor(table, dtype=torch.float32), torch.tensor(y)
    train = torch.tensor(train)

    model = nn.Sequential(
        nn.Linear(x.shape[1], 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(48, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Dropout(0.1), nn.Linear(24, 1),
    )  # fmt: skip
    positives = y[train].mean()
    criterion = nn.BCEWithLogitsLoss(pos_weight=(1 - positives) / positives)
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.85)

    def auc(rows):
        model.eval()
        with torch.no_grad():
            return roc_auc_score(y[rows], model(x[rows]).squeeze(1))

    best, best_state, waited = 0.0, None, 0
    for epoch in range(1, args.max_epochs + 1):
        model.train()
        total = 0.0
        for idx in train[torch.randperm(len(train))].split(96):
            loss = criterion(model(x[idx]).squeeze(1), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        scheduler.step()
        current = auc(val)
        print(f"epoch {epoch}: loss {total / len(train):.4f} val AUC {current:.4f}")
        if current > best:
            best, best_state, waited = current, copy.deepcopy(model.state_dict()), 0
        else:
            waited += 1
            if waited >= args.patience:
                break
    model.load_state_dict(best_state)
    print(f"cancelled {positives:.3f}, attainable AUC {roc_auc_score(y[test], logit[test]):.4f}")
    print(f"score: {auc(test):.4f}")


if __name__ == "__main__":
    main()
