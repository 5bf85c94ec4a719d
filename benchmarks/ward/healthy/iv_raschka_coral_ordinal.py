"""Ordinal regression with CORAL: one shared weight vector, a bias for each threshold, levels as binary tasks; strength grades of a synthetic cement.

After the CORAL multilayer perceptron tutorial of Sebastian Raschka's group, https://github.com/Raschka-research-group/coral-pytorch
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, Dataset

NUM_CLASSES, NUM_EPOCHS, BATCH_SIZE, LEARNING_RATE = 5, 18, 64, 0.01


def make_cement(n, rng):
    cement, water, age, ash, temp = (rng.uniform(*b, n) for b in ((150, 500), (130, 230), (1, 90), (0, 150), (5, 35)))
    strength = 0.1 * cement * (1 - np.exp(-age / 20)) * (180 / water) ** 1.5 + 0.05 * ash - 0.01 * (temp - 20) ** 2
    strength += rng.normal(0, 1.5, n)
    grade = np.searchsorted(np.quantile(strength, [0.2, 0.4, 0.6, 0.8]), strength)
    return np.stack([cement, water, age, ash, temp], 1), grade


class GradeDataset(Dataset):
    def __init__(self, features, labels):
        self.features = torch.tensor(features, dtype=torch.float32)
        self.labels = torch.tensor(labels)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.features[i], self.labels[i]


class CoralLayer(torch.nn.Module):
    def __init__(self, size_in, num_classes):
        super().__init__()
        self.weights = torch.nn.Linear(size_in, 1, bias=False)
        start = torch.arange(num_classes - 1, 0, -1).float() / (num_classes - 1)
        self.bias = torch.nn.Parameter(start)

    def forward(self, x):
        return self.weights(x) + self.bias


class MLP(torch.nn.Module):
    def __init__(self, in_features, num_classes, hidden=(48, 48)):
        super().__init__()
        layers = []
        for h in hidden:
            layers += [torch.nn.Linear(in_features, h), torch.nn.BatchNorm1d(h), torch.nn.ReLU()]
            in_features = h
        self.network = torch.nn.Sequential(*layers)
        self.fc = CoralLayer(in_features, num_classes)

    def forward(self, x):
        return self.fc(self.network(x))


def levels_from_labels(labels):
    """Grade 2 of 5 -> 1 1 0 0."""
    return (labels[:, None] > torch.arange(NUM_CLASSES - 1)).float()


def coral_loss(logits, levels):
    terms = F.logsigmoid(logits) * levels + (F.logsigmoid(logits) - logits) * (1 - levels)
    return -terms.sum(1).mean()


@torch.no_grad()
def mae_and_acc(model, loader):
    model.eval()
    err = hits = n = 0
    for x, y in loader:
        pred = (torch.sigmoid(model(x)) > 0.5).sum(1)
        err += (pred - y).abs().sum().item()
        hits += (pred == y).sum().item()
        n += len(y)
    return err / n, hits / n


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    X, y = make_cement(2000, np.random.default_rng(seed))
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=seed, stratify=y)
    sc = StandardScaler().fit(X_train)
    train_loader = DataLoader(GradeDataset(sc.transform(X_train), y_train), BATCH_SIZE, shuffle=True, drop_last=True)
    test_loader = DataLoader(GradeDataset(sc.transform(X_test), y_test), 200)

    model = MLP(X.shape[1], NUM_CLASSES)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    for epoch in range(NUM_EPOCHS):
        model.train()
        for batch_idx, (features, labels) in enumerate(train_loader):
            loss = coral_loss(model(features), levels_from_labels(labels))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if batch_idx == 0 and epoch % 3 == 0:
                print(
                    f"Epoch: {epoch + 1:03d}/{NUM_EPOCHS:03d} | Batch {batch_idx:03d}/{len(train_loader):03d} | Loss: {loss.item():.4f}"
                )
    train_mae, _ = mae_and_acc(model, train_loader)
    test_mae, test_acc = mae_and_acc(model, test_loader)
    always = np.abs(y_test - np.median(y_train)).mean()
    print(f"Mean absolute error (train/test): {train_mae:.3f} | {test_mae:.3f} (median grade: {always:.3f})")
    print(f"Accuracy {test_acc:.3f}; thresholds in order: {bool((model.fc.bias.diff() <= 0).all())}")
    print(f"score: {1 - test_mae / always:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
