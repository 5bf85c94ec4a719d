"""AutoRec: item-based autoencoder fills a ratings matrix from its observed entries only; score is how much RMSE falls below bias baselines.

After "AutoRec: Rating Prediction with Autoencoders" of Dive into Deep Learning, https://d2l.ai/chapter_recommender-systems/autorec.html
"""

import sys

import numpy as np
import torch
from torch import nn


def make_ratings(num_users, num_items, density, rng):
    """Low-rank tastes plus user and item biases, rounded to the scale of one to five."""
    U, V = rng.normal(size=(num_users, 3)), rng.normal(size=(num_items, 3))
    raw = 3.2 + 0.55 * U @ V.T + 0.35 * rng.normal(size=(num_users, 1)) + 0.35 * rng.normal(size=(1, num_items))
    full = np.clip(np.round(raw + 0.3 * rng.normal(size=raw.shape)), 1, 5)
    u, i = np.nonzero(rng.random(full.shape) < density)
    perm = rng.permutation(len(u))
    cut = int(0.9 * len(perm))
    tr, te = perm[:cut], perm[cut:]
    return (u[tr], i[tr], full[u[tr], i[tr]]), (u[te], i[te], full[u[te], i[te]])


def to_matrix(triples, num_users, num_items):
    """Rows are items, columns users; zero where nothing was rated."""
    u, i, r = triples
    matrix, mask = np.zeros((num_items, num_users), np.float32), np.zeros((num_items, num_users), np.float32)
    matrix[i, u], mask[i, u] = r, 1.0
    return torch.from_numpy(matrix), torch.from_numpy(mask)


class AutoRec(nn.Module):
    def __init__(self, num_hidden, num_users, dropout=0.05):
        super().__init__()
        self.encoder = nn.Linear(num_users, num_hidden)
        self.decoder = nn.Linear(num_hidden, num_users)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        hidden = self.dropout(torch.sigmoid(self.encoder(x)))
        return self.decoder(hidden)


def masked_rmse(pred, target, mask):
    return (((pred - target) ** 2 * mask).sum() / mask.sum()).sqrt().item()


def bias_baseline(matrix, mask):
    mu = (matrix * mask).sum() / mask.sum()
    resid = (matrix - mu) * mask
    item = resid.sum(1, keepdim=True) / (mask.sum(1, keepdim=True) + 5)
    resid = (matrix - mu - item) * mask
    user = resid.sum(0, keepdim=True) / (mask.sum(0, keepdim=True) + 5)
    return mu, mu + item + user


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    num_users, num_items = 400, 500
    train, test = make_ratings(num_users, num_items, 0.25, rng)
    train_mat, train_mask = to_matrix(train, num_users, num_items)
    test_mat, test_mask = to_matrix(test, num_users, num_items)
    mu, baseline = bias_baseline(train_mat, train_mask)
    # centre the observed ratings, the others stay zero
    x = (train_mat - mu) * train_mask

    net = AutoRec(64, num_users)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.005, weight_decay=1e-4)
    batch_size, num_epochs = 50, 18
    for epoch in range(num_epochs):
        net.train()
        total = count = 0.0
        for idx in torch.randperm(num_items).split(batch_size):
            out = net(x[idx])
            m = train_mask[idx]
            loss = ((out - x[idx]) ** 2 * m).sum() / m.sum()  # observed entries only
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * m.sum().item()
            count += m.sum().item()
        if (epoch + 1) % 3 == 0:
            net.eval()
            with torch.no_grad():
                test_rmse = masked_rmse(net(x) + mu, test_mat, test_mask)
            print(f"epoch {epoch + 1}, train RMSE {(total / count) ** 0.5:.3f}, test RMSE {test_rmse:.3f}")

    net.eval()
    with torch.no_grad():
        pred = (net(x) + mu).clamp(1, 5)
    rmse, base = masked_rmse(pred, test_mat, test_mask), masked_rmse(baseline, test_mat, test_mask)
    print(f"test RMSE {rmse:.4f}; user and item biases alone {base:.4f}")
    print(f"score: {1 - rmse / base:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
