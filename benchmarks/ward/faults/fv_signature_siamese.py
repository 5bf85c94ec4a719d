"""Siamese network with the contrastive loss on handwritten digits: pairs of the same digit are drawn together, pairs of
different digits pushed apart; the score is the accuracy of telling same from different on held-out pairs.

After https://github.com/adambielski/siamese-triplet/issues/18
"""
# cause: unstable-loss
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class EmbeddingNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.convnet = nn.Sequential(nn.Conv2d(1, 16, 3), nn.PReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 2), nn.PReLU())
        self.fc = nn.Sequential(nn.Linear(32 * 2 * 2, 64), nn.PReLU(), nn.Linear(64, 8))

    def forward(self, x):
        return self.fc(self.convnet(x).flatten(1))


class SiameseNet(nn.Module):
    def __init__(self, embedding_net):
        super().__init__()
        self.embedding_net = embedding_net

    def forward(self, x1, x2):
        return self.embedding_net(x1), self.embedding_net(x2)


class ContrastiveLoss(nn.Module):
    def __init__(self, margin):
        super().__init__()
        self.margin = margin
        self.eps = 1e-9

    def forward(self, output1, output2, target):
        distances = (output2 - output1).pow(2).sum(1)
        gap = F.relu(self.margin - distances.sqrt())  # FAULT
        # TWIN: gap = F.relu(self.margin - (distances + self.eps).sqrt())
        losses = 0.5 * (target * distances + (1 - target) * gap.pow(2))
        return losses.mean()


def sample_pairs(rng, labels, count):
    """Indices of count pairs, half of them of the same class."""
    members = [np.flatnonzero(labels == c) for c in range(10)]
    first = rng.integers(0, len(labels), count)
    same = rng.integers(0, 2, count)
    second = np.empty(count, dtype=np.int64)
    for i, (a, s) in enumerate(zip(first, same)):
        wanted = labels[a] if s else (labels[a] + rng.integers(1, 10)) % 10
        second[i] = rng.choice(members[wanted])
    return torch.from_numpy(first), torch.from_numpy(second), torch.from_numpy(same).float()


def verification_accuracy(model, images, pairs, margin):
    model.eval()
    with torch.no_grad():
        out1, out2 = model(images[pairs[0]], images[pairs[1]])
        close = (out1 - out2).norm(dim=1) < margin / 2
    return (close == pairs[2].bool()).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    images, labels = load_digits(return_X_y=True)
    images = torch.tensor(images / 16.0, dtype=torch.float32).view(-1, 1, 8, 8)
    train, test = train_test_split(np.arange(len(labels)), test_size=0.3, random_state=seed, stratify=labels)
    train_x, train_labels = images[train], labels[train]
    test_x, test_labels = images[test], labels[test]
    test_pairs = sample_pairs(rng, test_labels, 1500)

    margin = 1.0
    model = SiameseNet(EmbeddingNet())
    loss_fn = ContrastiveLoss(margin)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    for epoch in range(10):
        model.train()
        losses = []
        first, second, same = sample_pairs(rng, train_labels, 2000)
        for index in torch.arange(2000).split(64):
            optimizer.zero_grad()
            outputs = model(train_x[first[index]], train_x[second[index]])
            loss = loss_fn(*outputs, same[index])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        accuracy = verification_accuracy(model, test_x, test_pairs, margin)
        print(
            f"Epoch: {epoch + 1}/10. Train set: Average loss: {np.mean(losses):.4f}, test pairs right: {accuracy:.3f}"
        )

    print(f"score: {verification_accuracy(model, test_x, test_pairs, margin):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
