"""Deep canonical correlation analysis: two encoders, one per sensor, maximise the total correlation of their outputs.

Both sensors see the same 2-D state through different nonlinear mixings.  Score: the mean correlation of the two
canonical pairs on held-out samples (linear CCA is printed for comparison).
"""

import sys

import torch
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_num_threads(1)


def inverse_sqrt(matrix):
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ torch.diag(values.rsqrt()) @ vectors.T


def whitened_cross(h1, h2, ridge=1e-3):
    h1, h2 = h1 - h1.mean(0), h2 - h2.mean(0)
    m = len(h1) - 1
    s11 = h1.T @ h1 / m + ridge * torch.eye(h1.shape[1])
    s22 = h2.T @ h2 / m + ridge * torch.eye(h2.shape[1])
    return inverse_sqrt(s11) @ (h1.T @ h2 / m) @ inverse_sqrt(s22)


def cca_loss(h1, h2):
    return -torch.linalg.matrix_norm(whitened_cross(h1, h2), ord="nuc")


def held_out_correlation(fit, test):
    """Canonical directions from one pair of views, the correlations on another."""
    (a1, a2), (b1, b2) = fit, test
    u, _, vt = torch.linalg.svd(whitened_cross(a1, a2))
    ridge1, ridge2 = 1e-3 * torch.eye(a1.shape[1]), 1e-3 * torch.eye(a2.shape[1])
    p1 = (b1 - a1.mean(0)) @ inverse_sqrt(a1.T.cov() + ridge1) @ u[:, :2]
    p2 = (b2 - a2.mean(0)) @ inverse_sqrt(a2.T.cov() + ridge2) @ vt.T[:, :2]
    return torch.stack([torch.corrcoef(torch.stack([p1[:, k], p2[:, k]]))[0, 1] for k in range(2)]).mean().item()


n = 3000
state = torch.rand(n, 2) * 2 - 1
private1, private2 = torch.randn(n, 3), torch.randn(n, 3)
angle = torch.pi * state[:, :1]
view1 = torch.cat([state[:, :1] ** 3 - state[:, 1:], state[:, 1:] * state[:, :1].exp(), state[:, :1], private1], dim=1)
view2 = torch.cat([angle.cos(), angle.sin(), state[:, 1:].abs(), (3 * state[:, 1:]).sin(), private2], dim=1)
view1 = view1 @ torch.linalg.qr(torch.randn(6, 6))[0] + 0.1 * torch.randn(n, 6)
view2 = view2 @ torch.linalg.qr(torch.randn(7, 7))[0] + 0.1 * torch.randn(n, 7)
view1 = (view1 - view1[:2000].mean(0)) / view1[:2000].std(0)
view2 = (view2 - view2[:2000].mean(0)) / view2[:2000].std(0)
tr1, te1, tr2, te2 = view1[:2000], view1[2000:], view2[:2000], view2[2000:]
linear = held_out_correlation((tr1, tr2), (te1, te2))


def encoder(width):
    return nn.Sequential(nn.Linear(width, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 2))


f1, f2 = encoder(6), encoder(7)
opt = torch.optim.Adam([*f1.parameters(), *f2.parameters()], lr=2e-3, weight_decay=1e-5)
for epoch in range(50):
    for idx in torch.randperm(2000).split(400):  # the covariances need large batches
        loss = cca_loss(f1(tr1[idx]), f2(tr2[idx]))
        opt.zero_grad()
        loss.backward()
        opt.step()
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1}: total correlation of the last batch {-loss.item():.4f} of 2")

with torch.no_grad():
    deep = held_out_correlation((f1(tr1), f2(tr2)), (f1(te1), f2(te2)))
print(f"linear CCA {linear:.4f}, deep CCA {deep:.4f}")
print(f"score: {deep:.4f}")
