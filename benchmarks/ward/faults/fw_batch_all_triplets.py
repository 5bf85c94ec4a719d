"""Learns an embedding of people's feature vectors with the batch-all triplet loss and checks it by looking up each probe's nearest neighbour in a gallery.

After https://github.com/omoindrot/tensorflow-triplet-loss/issues/51
"""
# cause: broadcast-loss
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn


def load_data(rng, identities=10, per_identity=90, dim=48):
    """Feature vectors that carry a person's looks and, much stronger, the conditions of the shot."""
    looks = rng.standard_normal((identities, dim))
    conditions = rng.standard_normal((8, dim))
    X, y = [], []
    for person in range(identities):
        shot = 2.0 * rng.standard_normal((per_identity, 8))
        X.append(looks[person] + shot @ conditions + 0.7 * rng.standard_normal((per_identity, dim)))
        y += [person] * per_identity
    X = np.concatenate(X)
    y = np.array(y)
    X = (X - X.mean(0)) / X.std(0)
    Y = y.reshape(-1, 1)  # FAULT
    # TWIN: Y = y
    order = rng.permutation(len(X))
    X, Y = X[order], Y[order]
    return torch.tensor(X, dtype=torch.float32), torch.tensor(Y)


def pairwise_distances(embeddings):
    dot = embeddings @ embeddings.t()
    square = dot.diag()
    distances = square.unsqueeze(0) - 2.0 * dot + square.unsqueeze(1)
    return distances.clamp(min=0.0)


def triplet_mask(labels):
    """True for [a, p, n] where a, p, n are distinct, a and p share a label and n has another."""
    n = labels.size(0)
    different = ~torch.eye(n, dtype=torch.bool)
    distinct = different.unsqueeze(2) & different.unsqueeze(1) & different.unsqueeze(0)
    equal = labels.unsqueeze(0) == labels.unsqueeze(1)
    valid = equal.unsqueeze(2) & ~equal.unsqueeze(1)
    return distinct & valid


def batch_all_triplet_loss(labels, embeddings, margin):
    distances = pairwise_distances(embeddings)
    triplets = distances.unsqueeze(2) - distances.unsqueeze(1) + margin
    mask = triplet_mask(labels).float()
    triplets = (triplets * mask).clamp(min=0.0)
    positive = (triplets > 1e-16).float().sum()
    fraction = positive / (mask.sum() + 1e-16)
    return triplets.sum() / (positive + 1e-16), fraction


class Encoder(nn.Module):
    def __init__(self, dim, out=8):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(dim, 64), nn.ReLU(), nn.Linear(64, out))

    def forward(self, x):
        return nn.functional.normalize(self.layers(x), dim=1)


def retrieval_accuracy(model, gallery, probes):
    model.eval()
    with torch.no_grad():
        g, p = model(gallery[0]), model(probes[0])
        nearest = torch.cdist(p, g).argmin(1)
    return (gallery[1].flatten()[nearest] == probes[1].flatten()).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    X, Y = load_data(rng)
    train, test = (X[:600], Y[:600]), (X[600:], Y[600:])

    model = Encoder(X.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    batch_size, margin = 24, 0.5
    for epoch in range(14):
        model.train()
        order = torch.randperm(len(train[0]))
        losses, fractions = [], []
        for i in range(0, len(order), batch_size):
            index = order[i : i + batch_size]
            loss, fraction = batch_all_triplet_loss(train[1][index], model(train[0][index]), margin)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            fractions.append(fraction.item())
        print(
            f"epoch {epoch + 1:2d}  loss {np.mean(losses):.4f}  fraction_positive {np.mean(fractions):.3f}  "
            f"val {retrieval_accuracy(model, train, test):.3f}"
        )
    print(f"score: {retrieval_accuracy(model, train, test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
