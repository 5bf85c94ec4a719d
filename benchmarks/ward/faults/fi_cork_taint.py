"""Finds the tainted corks (one in fifty) among scanned ones from a chromatogram of 48 points."""
# cause: class-imbalance
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
EPOCHS, BATCH, LR = 8, 64, 1e-3
torch.set_num_threads(1)
torch.manual_seed(SEED)


def chromatograms(n, rng, tainted=0.02):
    t = np.arange(48)
    label = (rng.random(n) < tainted).astype(int)
    curve = np.zeros((n, 48))
    for centre, width in [(8, 2.0), (15, 3.0), (30, 4.0), (40, 2.5)]:
        height = rng.lognormal(0, 0.3, size=(n, 1))
        place = centre + rng.normal(0, 0.5, size=(n, 1))
        curve += height * np.exp(-0.5 * ((t - place) / width) ** 2)
    trace = label * rng.uniform(0.3, 0.7, n)
    curve += trace[:, None] * np.exp(-0.5 * ((t - 23 - rng.normal(0, 0.4, size=(n, 1))) / 1.5) ** 2)
    curve += rng.normal(0, 0.2, size=curve.shape)
    return curve.astype(np.float32)[:, None], label


rng = np.random.default_rng(SEED)
x_train, y_train = chromatograms(5000, rng)
x_test, y_test = chromatograms(4000, rng)
mean, std = x_train.mean(), x_train.std()
x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
train_set = TensorDataset(torch.from_numpy(x_train), torch.from_numpy(y_train))

loader = DataLoader(train_set, batch_size=BATCH, shuffle=True)  # FAULT
# TWIN: share = np.bincount(y_train) / len(y_train)
# TWIN: sampler = torch.utils.data.WeightedRandomSampler(torch.from_numpy(1 / share[y_train]), num_samples=len(y_train))
# TWIN: loader = DataLoader(train_set, batch_size=BATCH, sampler=sampler)

model = nn.Sequential(
    nn.Conv1d(1, 8, 5, padding=2),
    nn.BatchNorm1d(8),
    nn.ReLU(),
    nn.MaxPool1d(2),
    nn.Conv1d(8, 8, 5, padding=2),
    nn.BatchNorm1d(8),
    nn.ReLU(),
    nn.MaxPool1d(2),
    nn.Flatten(),
    nn.Dropout(0.3),
    nn.Linear(96, 2),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=0.01)
criterion = nn.CrossEntropyLoss()


def balanced_accuracy():
    model.eval()
    with torch.no_grad():
        guess = model(torch.from_numpy(x_test)).argmax(1).numpy()
    return np.mean([(guess[y_test == c] == c).mean() for c in (0, 1)]), (guess == y_test).mean()


for epoch in range(EPOCHS):
    model.train()
    losses = []
    for curves, labels in loader:
        loss = criterion(model(curves), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    balanced, plain = balanced_accuracy()
    print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}  accuracy {plain:.4f}  balanced {balanced:.4f}")
print(f"score: {balanced:.4f}")
