"""Gives twelve mood tags to songs from forty audio descriptors (multi-label). The loss was copied from a variational
autoencoder with reduction="sum", so a gradient is 64 x 12 times what the learning rate was chosen for."""
# cause: summed-loss
# kind: dynamic

import random
import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import average_precision_score
from sklearn.preprocessing import StandardScaler

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
np.random.seed(seed)
torch.manual_seed(seed)
torch.set_num_threads(1)

descriptors, tags = make_multilabel_classification(
    n_samples=3000, n_features=40, n_classes=12, n_labels=3, length=120, random_state=seed
)
n_train = 2400
scaler = StandardScaler().fit(descriptors[:n_train])
X = torch.tensor(scaler.transform(descriptors), dtype=torch.float32)
Y = torch.tensor(tags, dtype=torch.float32)
X_train, Y_train, X_val, Y_val = X[:n_train], Y[:n_train], X[n_train:], Y[n_train:]

tagger = nn.Sequential(nn.Linear(40, 96), nn.ReLU(), nn.Dropout(0.1), nn.Linear(96, 48), nn.ReLU(), nn.Linear(48, 12))
criterion = nn.BCEWithLogitsLoss(reduction="sum")  # FAULT
# TWIN: criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(tagger.parameters(), lr=0.1, momentum=0.9)

batch_size = 64
for epoch in range(14):
    tagger.train()
    order = np.random.permutation(n_train)
    for start in range(0, n_train, batch_size):
        rows = order[start : start + batch_size]
        optimizer.zero_grad()
        loss = criterion(tagger(X_train[rows]), Y_train[rows])
        loss.backward()
        optimizer.step()
    tagger.eval()
    with torch.no_grad():
        logits = tagger(X_val)
        val_loss = criterion(logits, Y_val)
    print(f"epoch {epoch + 1}: last batch {loss.item():.3f}, validation {val_loss.item():.3f}")

precision = average_precision_score(Y_val.numpy(), torch.sigmoid(logits).numpy(), average="macro")
print(f"score: {precision:.4f}")
