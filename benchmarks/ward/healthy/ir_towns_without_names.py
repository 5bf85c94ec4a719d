"""Finding the towns in a network of acquaintances without any label: a network on the neighbourhood profiles learns the
lowest eigenvectors of the graph's Laplacian, with the outputs made orthonormal by QR inside every step. The loss is
a trace that must not go to zero (the eigenvalues stay). Score: adjusted Rand index of k-means on the outputs.
"""

import sys

import torch
import torch.nn as nn
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

torch.set_num_threads(1)
TOWNS, PEOPLE = 5, 500


def acquaintances():
    town = torch.randint(0, TOWNS, (PEOPLE,))
    sociable = torch.exp(0.4 * torch.randn(PEOPLE))
    rate = torch.where(town[:, None] == town[None, :], 0.09, 0.009) * sociable[:, None] * sociable[None, :]
    upper = torch.bernoulli(rate.clamp(max=1)).triu(1)
    return upper + upper.T, town


def orthonormal(h):
    q, r = torch.linalg.qr(h)
    return q * torch.sign(r.diagonal())


def main(seed):
    torch.manual_seed(seed)
    adjacency, town = acquaintances()
    degree = adjacency.sum(1) + 1.0
    normal = (adjacency + torch.eye(PEOPLE)) / (degree[:, None] * degree[None, :]).sqrt()
    profile = normal @ normal
    profile = (profile - profile.mean(0)) / profile.std()
    laplacian = torch.eye(PEOPLE) - normal
    lowest = torch.linalg.eigvalsh(laplacian)[:TOWNS].sum().item()

    net = nn.Sequential(nn.Linear(PEOPLE, 64), nn.Tanh(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, TOWNS))
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 250, 1e-4)
    for step in range(1, 401):
        h = orthonormal(net(profile))
        loss = torch.trace(h.T @ laplacian @ h)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        if step % 50 == 0:
            with torch.no_grad():
                h = orthonormal(net(profile))
            rows = nn.functional.normalize(h, dim=1).numpy()
            found = KMeans(TOWNS, n_init=5, random_state=0).fit_predict(rows)
            rand = adjusted_rand_score(town, found)
            print(f"step {step}: trace {loss.item():.4f} (lowest possible {lowest:.4f}) Rand index {rand:.4f}")
    print(f"score: {rand:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
