"""Aqueous solubility (logS) from substructure counts of made-up molecules: an MLP, AdamW, MAE and R2 on test
molecules.
"""

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

GROUPS = ["CH3", "CH2", "aromatic_CH", "OH", "NH2", "COOH", "Cl", "F", "ether_O", "ketone", "ring", "NO2"]
RATES = [1.5, 3.0, 2.5, 0.8, 0.5, 0.4, 0.4, 0.3, 0.6, 0.5, 1.0, 0.2]
CONTRIB = [-0.3, -0.45, -0.35, 0.7, 0.6, 0.5, -0.7, -0.2, 0.3, 0.35, -0.3, -0.2]


def load_molecules(n, seed):
    rng = np.random.RandomState(seed)
    counts = rng.poisson(RATES, size=(n, len(GROUPS)))
    weight = counts @ np.array([15, 14, 13, 17, 16, 45, 35, 19, 16, 28, 12, 46])
    polar = counts[:, 3] + counts[:, 4] + counts[:, 5]
    log_s = 0.5 + counts @ np.array(CONTRIB)
    log_s += 0.8 * np.tanh(polar - 1.5) - 0.25 * (counts[:, 10] > 1) * counts[:, 2]  # stacking of aromatic rings
    log_s += rng.normal(scale=0.35, size=n)
    features = np.column_stack([counts, weight, polar / (1 + counts.sum(1))])
    return features.astype(np.float32), log_s.astype(np.float32)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=64)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    X, y = load_molecules(3000, args.seed)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=args.seed)
    x_scaler, y_scaler = StandardScaler().fit(X_train), StandardScaler().fit(y_train[:, None])
    X_train, X_test = (torch.tensor(x_scaler.transform(a), dtype=torch.float32) for a in (X_train, X_test))
    t_train = torch.tensor(y_scaler.transform(y_train[:, None]), dtype=torch.float32)

    net = nn.Sequential(nn.Linear(X.shape[1], 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1))
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.01)
    for epoch in range(1, args.epochs + 1):
        order = torch.randperm(len(X_train))
        losses = []
        for idx in order.split(args.batch_size):
            loss = F.smooth_l1_loss(net(X_train[idx]), t_train[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        if epoch % 5 == 0:
            print(f"[{epoch:3d}/{args.epochs}] smooth L1 {np.mean(losses):.4f}")

    net.eval()
    with torch.inference_mode():
        pred = y_scaler.inverse_transform(net(X_test).numpy()).ravel()
    mae = np.abs(pred - y_test).mean()
    r2 = 1 - np.square(pred - y_test).sum() / np.square(y_test - y_test.mean()).sum()
    print(f"test MAE {mae:.3f} log units")
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main()
