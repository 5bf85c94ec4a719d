"""Self-supervision by predicting image rotations on unlabelled digits, then a linear classifier on the frozen features.

After https://github.com/gidariss/FeatureLearningRotNet (Gidaris et al. 2018).
"""

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn


def block(n_in, n_out):
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(inplace=True))


class RotNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(block(1, 16), block(16, 16), nn.MaxPool2d(2), block(16, 32))
        self.head = nn.Sequential(block(32, 32), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 4))

    def forward(self, x):
        return self.head(self.features(x))


def rotate_all(x):
    """Each image in its four rotations, with the number of quarter turns as label."""
    rotated = torch.cat([torch.rot90(x, k, (2, 3)) for k in range(4)])
    return rotated, torch.arange(4).repeat_interleave(len(x))


def pretrain(net, x, x_val, epochs, batch_size):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(
        optimizer, [epochs // 2, epochs * 3 // 4, epochs * 9 // 10], gamma=0.2
    )
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        net.train()
        losses = []
        for idx in torch.randperm(len(x)).split(batch_size):
            images, turns = rotate_all(x[idx])
            loss = loss_fn(net(images), turns)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        net.eval()
        with torch.no_grad():
            images, turns = rotate_all(x_val)
            accuracy = (net(images).argmax(1) == turns).float().mean()
        print(f"rotation epoch {epoch + 1:2d}  loss {np.mean(losses):.4f}  held-out rotation accuracy {accuracy:.4f}")


def linear_probe(net, x, y, x_test, y_test, epochs=25):
    net.eval()
    with torch.no_grad():
        f, f_test = (net.features(v).flatten(1) for v in (x, x_test))
    mean, std = f.mean(0), f.std(0) + 1e-5
    f, f_test = (f - mean) / std, (f_test - mean) / std
    classifier = nn.Linear(f.shape[1], 10)
    optimizer = torch.optim.Adam(classifier.parameters(), lr=2e-3, weight_decay=1e-3)
    for epoch in range(epochs):
        for idx in torch.randperm(len(f)).split(64):
            loss = nn.functional.cross_entropy(classifier(f[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        print(f"probe: train accuracy {(classifier(f).argmax(1) == y).float().mean():.4f}")
        return (classifier(f_test).argmax(1) == y_test).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    images, labels = load_digits(return_X_y=True)
    images = torch.tensor(images / 8.0 - 1.0, dtype=torch.float32).view(-1, 1, 8, 8)
    labels = torch.tensor(labels)
    train_idx, test_idx = train_test_split(np.arange(len(labels)), test_size=0.25, stratify=labels, random_state=seed)
    # only a fifth of the training images has labels
    labelled, _ = train_test_split(train_idx, train_size=0.2, stratify=labels[train_idx], random_state=seed)
    net = RotNet()
    pretrain(net, images[train_idx], images[test_idx], epochs=6, batch_size=48)
    accuracy = linear_probe(net, images[labelled], labels[labelled], images[test_idx], labels[test_idx])
    print(f"{len(labelled)} labels")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
