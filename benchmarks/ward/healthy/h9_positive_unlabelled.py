"""Learning from positive and unlabelled rows only: 200 known positives, 2000 unlabelled ones, the class prior given.
Non-negative PU risk with the sigmoid loss; the labels of the test set are used only for the score."""

import sys

import numpy as np
import torch
from sklearn.datasets import make_classification
from torch import nn

PRIOR = 0.4


def make_data(seed):
    x, y = make_classification(
        n_samples=6000, n_features=12, n_informative=6, n_redundant=2, class_sep=1.6, flip_y=0.0, random_state=seed + 11
    )
    rng = np.random.default_rng(seed)
    pos, neg = rng.permutation(np.flatnonzero(y == 1)), rng.permutation(np.flatnonzero(y == 0))
    labelled = pos[:200]
    n_pos = int(2000 * PRIOR)
    unlabelled = np.concatenate([pos[200 : 200 + n_pos], neg[: 2000 - n_pos]])
    test = np.concatenate([pos[1400:1800], neg[1400:2000]])
    mean, std = x[unlabelled].mean(0), x[unlabelled].std(0)
    x = torch.tensor((x - mean) / std, dtype=torch.float32)
    return x[labelled], x[unlabelled], x[test], torch.tensor(y[test])


def nnpu_risk(g_pos, g_unl, prior):
    """Kiryo et al. 2017; sigmoid loss l(z) = sigmoid(-z). Returns the value and what to differentiate."""
    positive = prior * torch.sigmoid(-g_pos).mean()
    negative = torch.sigmoid(g_unl).mean() - prior * torch.sigmoid(g_pos).mean()
    if negative.item() < 0:
        return positive.item(), -negative
    return (positive + negative).item(), positive + negative


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x_pos, x_unl, x_test, y_test = make_data(seed)

    g = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(g.parameters(), lr=1e-3, weight_decay=5e-3)
    for epoch in range(25):
        risks = []
        for idx in torch.randperm(len(x_unl)).split(100):
            batch_pos = x_pos[torch.randint(0, len(x_pos), (50,))]
            out = g(torch.cat([batch_pos, x_unl[idx]])).squeeze(1)
            risk, objective = nnpu_risk(out[:50], out[50:], PRIOR)
            optimizer.zero_grad()
            objective.backward()
            optimizer.step()
            risks.append(risk)
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}: estimated risk {np.mean(risks):.4f}")

    g.eval()
    with torch.no_grad():
        predicted = (g(x_test).squeeze(1) > 0).long()
    print(f"share of positives: predicted {predicted.float().mean():.3f}, true {y_test.float().mean():.3f}")
    print(f"score: {(predicted == y_test).float().mean().item():.4f}")


if __name__ == "__main__":
    main()
