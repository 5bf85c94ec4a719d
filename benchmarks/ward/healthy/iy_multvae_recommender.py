"""Mult-VAE for collaborative filtering: multinomial likelihood, annealed KL, evaluated on users never seen in training.

After https://github.com/dawenl/vae_cf and its PyTorch version by belepi93 (Liang et al. 2018).
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def make_clicks(n_users, n_items, rng):
    mixture = rng.dirichlet(np.full(8, 0.25), size=n_users)
    themes = rng.dirichlet(np.full(n_items, 0.06), size=8)
    probs = 0.92 * mixture @ themes + 0.08 / n_items
    clicks = np.zeros((n_users, n_items), dtype=np.float32)
    for u in range(n_users):
        n = rng.integers(10, 36)
        clicks[u, rng.choice(n_items, size=n, replace=False, p=probs[u])] = 1.0
    return clicks


def split_fold(clicks, rng, share=0.2):
    """For a held-out user: most clicks go in, the rest is to be predicted."""
    fold_in, fold_out = clicks.copy(), np.zeros_like(clicks)
    for u in range(len(clicks)):
        items = np.flatnonzero(clicks[u])
        out = rng.choice(items, size=max(1, int(share * len(items))), replace=False)
        fold_in[u, out], fold_out[u, out] = 0.0, 1.0
    return torch.from_numpy(fold_in), fold_out


class MultiVAE(nn.Module):
    def __init__(self, n_items, hidden=100, latent=32, dropout=0.5):
        super().__init__()
        self.latent = latent
        self.drop = nn.Dropout(dropout)
        self.q = nn.ModuleList([nn.Linear(n_items, hidden), nn.Linear(hidden, 2 * latent)])
        self.p = nn.ModuleList([nn.Linear(latent, hidden), nn.Linear(hidden, n_items)])
        for layer in [*self.q, *self.p]:
            nn.init.xavier_normal_(layer.weight)
            nn.init.normal_(layer.bias, std=0.001)

    def forward(self, x):
        h = torch.tanh(self.q[0](self.drop(F.normalize(x))))
        mu, logvar = self.q[1](h).split(self.latent, dim=1)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar) if self.training else mu
        return self.p[1](torch.tanh(self.p[0](z))), mu, logvar


def loss_function(logits, x, mu, logvar, beta):
    neg_ll = -(F.log_softmax(logits, dim=1) * x).sum(dim=1).mean()
    kld = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(dim=1).mean()
    return neg_ll + beta * kld, neg_ll, kld


def ndcg_at(scores, fold_in, fold_out, k=20):
    scores = np.where(fold_in > 0, -np.inf, scores)
    top = np.argsort(-scores, axis=1)[:, :k]
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    dcg = (np.take_along_axis(fold_out, top, axis=1) * discount).sum(axis=1)
    ideal = np.array([discount[: min(int(n), k)].sum() for n in fold_out.sum(axis=1)])
    return float((dcg / ideal).mean())


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    n_items = 250
    clicks = make_clicks(2400, n_items, rng)
    train = torch.from_numpy(clicks[:2000])
    val_in, val_out = split_fold(clicks[2000:2200], rng)
    test_in, test_out = split_fold(clicks[2200:], rng)

    model = MultiVAE(n_items)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    batch_size, epochs = 100, 30
    anneal_cap, total_anneal_steps, update = 0.2, 400, 0

    def evaluate(fold_in, fold_out):
        model.eval()
        with torch.no_grad():
            logits, _, _ = model(fold_in)
        return ndcg_at(logits.numpy(), fold_in.numpy(), fold_out)

    best, best_state = -1.0, None
    for epoch in range(1, epochs + 1):
        model.train()
        sums = np.zeros(2)
        for idx in torch.randperm(len(train)).split(batch_size):
            x = train[idx]
            beta = min(anneal_cap, anneal_cap * update / total_anneal_steps)
            logits, mu, logvar = model(x)
            loss, neg_ll, kld = loss_function(logits, x, mu, logvar, beta)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            update += 1
            sums += [neg_ll.item(), kld.item()]
        score = evaluate(val_in, val_out)
        if score > best:
            best, best_state = score, {k: v.clone() for k, v in model.state_dict().items()}
        if epoch % 3 == 0:
            nll, kl = sums / (len(train) / batch_size)
            print(f"epoch {epoch:3d} | nll {nll:.3f} | kl {kl:.3f} | beta {beta:.2f} | val ndcg@20 {score:.4f}")

    model.load_state_dict(best_state)
    popular = np.tile(train.sum(0).numpy(), (len(test_in), 1))
    print(f"ndcg@20 of the most popular items: {ndcg_at(popular, test_in.numpy(), test_out):.4f}")
    print(f"score: {evaluate(test_in, test_out):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
