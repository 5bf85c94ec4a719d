"""Four-fold cross-validation of a small network on the digits; the score is the mean accuracy over folds.

The optimizer is made once, for the first model; every fold then builds a fresh model it knows nothing of.
"""
# cause: stale-optimizer
# accept: parameters-not-in-optimizer
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
np.random.seed(seed)
torch.manual_seed(seed)

digits = load_digits()
X = torch.tensor(digits.data / 16.0 - 0.3, dtype=torch.float32)
y = torch.tensor(digits.target)


def build_model():
    return nn.Sequential(
        nn.Linear(64, 64),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(64, 10),
    )


model = build_model()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.002)

fold_accuracy = []
folds = StratifiedKFold(n_splits=4, shuffle=True, random_state=seed)
for fold, (train_idx, test_idx) in enumerate(folds.split(X, y)):
    model = build_model()
    # TWIN: optimizer = torch.optim.Adam(model.parameters(), lr=0.002)
    train_set = torch.utils.data.Subset(torch.utils.data.TensorDataset(X, y), train_idx.tolist())
    loader = torch.utils.data.DataLoader(train_set, batch_size=64, shuffle=True)
    for epoch in range(12):
        model.train()
        epoch_loss = 0.0
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item()
    model.eval()
    with torch.no_grad():
        predicted = model(X[test_idx]).argmax(dim=1)
    acc = (predicted == y[test_idx]).float().mean().item()
    fold_accuracy.append(acc)
    print(f"Fold {fold + 1}: loss {epoch_loss / len(loader):.4f}, accuracy {100 * acc:.2f}%")

print("Average accuracy: %.2f%%" % (100 * np.mean(fold_accuracy)))
print(f"score: {np.mean(fold_accuracy):.4f}")
