"""Metric learning with the triplet loss, the negative of a triplet being the hardest one in the batch; judged by
one-nearest-neighbour classification of held-out digits in the embedding.
"""

import argparse

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from torch import nn


class Embedder(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(64, 96), nn.BatchNorm1d(96), nn.ReLU(), nn.Linear(96, dim))

    def forward(self, x):
        return nn.functional.normalize(self.features(x), dim=1)


def pk_batches(labels, per_class=5):
    """Batches with `per_class` examples of every digit."""
    pools = [torch.nonzero(labels == c).flatten() for c in range(10)]
    pools = [pool[torch.randperm(len(pool))] for pool in pools]
    for i in range(min(map(len, pools)) // per_class):
        yield torch.cat([pool[i * per_class : (i + 1) * per_class] for pool in pools])


def batch_hard(z, labels):
    d = torch.cdist(z, z)
    same = labels[:, None] == labels[None, :]
    eye = torch.eye(len(z), dtype=torch.bool)
    positive = (d.masked_fill(~same | eye, 0).sum(1)) / (same.sum(1) - 1)  # mean distance to one's own
    negative = d.masked_fill(same, torch.inf).min(1).values
    return torch.relu(positive - negative + 0.3).mean()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=9)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    X, y = load_digits(return_X_y=True)
    X = (X - 8.0) / 8.0
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=args.seed)
    X_train, X_test = torch.tensor(X_train).float(), torch.tensor(X_test).float()
    y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

    net = Embedder()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=1e-4)
    for epoch in range(1, args.epochs + 1):
        net.train()
        losses = []
        for idx in pk_batches(y_train):
            loss = batch_hard(net(X_train[idx]), y_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if epoch % 3 == 0:
            net.eval()
            with torch.no_grad():
                z_train, z_test = net(X_train), net(X_test)
            knn = KNeighborsClassifier(n_neighbors=1).fit(z_train.numpy(), y_train.numpy())
            acc = knn.score(z_test.numpy(), y_test.numpy())
            print(f"epoch {epoch}: triplet loss {sum(losses) / len(losses):.4f}, 1-nn accuracy {acc:.4f}")
    print(f"score: {acc:.4f}")


main()
