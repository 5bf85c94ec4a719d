"""Encoder and classifier as two modules, trained together on 8x8 digits with added noise.

Fault: only the classifier's parameters are given to the optimizer.
"""
# cause: parameters-not-in-optimizer
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
np.random.seed(seed)
torch.set_num_threads(1)


class Encoder(nn.Module):
    def __init__(self, latent=12):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.project = nn.Linear(64, latent)

    def forward(self, x):
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        return torch.relu(self.project(x.flatten(1)))


class Classifier(nn.Module):
    def __init__(self, latent=12):
        super().__init__()
        self.fc = nn.Linear(latent, 10)

    def forward(self, z):
        return self.fc(z)


digits = load_digits()
perm = np.random.permutation(len(digits.target))
x = digits.images[perm][:, None] / 16.0 + 0.05 * np.random.randn(len(perm), 1, 8, 8)
x = torch.tensor(x, dtype=torch.float32)
t = torch.tensor(digits.target[perm])
train_loader = DataLoader(TensorDataset(x[:1400], t[:1400]), batch_size=40, shuffle=True)

encoder, classifier = Encoder(), Classifier()
optimizer = torch.optim.Adam(classifier.parameters(), lr=4e-3)  # FAULT
# TWIN: optimizer = torch.optim.Adam(list(encoder.parameters()) + list(classifier.parameters()), lr=4e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(14):
    encoder.train()
    classifier.train()
    epoch_loss = 0.0
    for xb, tb in train_loader:
        optimizer.zero_grad()
        loss = criterion(classifier(encoder(xb)), tb)
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item()
    encoder.eval()
    classifier.eval()
    with torch.no_grad():
        test_out = classifier(encoder(x[1400:]))
        test_loss = criterion(test_out, t[1400:]).item()
    print(f"epoch {epoch + 1}: train loss {epoch_loss / len(train_loader):.4f}, test loss {test_loss:.4f}")

test_acc = test_out.argmax(1).eq(t[1400:]).float().mean().item()
print(f"score: {test_acc:.4f}")
