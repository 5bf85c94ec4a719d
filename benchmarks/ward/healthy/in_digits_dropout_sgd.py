"""Handwritten digits with a two-layer perceptron, dropout and SGD."""

import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=seed, stratify=y)
scaler = StandardScaler().fit(X_train)
train_ds = TensorDataset(torch.Tensor(scaler.transform(X_train)), torch.LongTensor(y_train))
test_ds = TensorDataset(torch.Tensor(scaler.transform(X_test)), torch.LongTensor(y_test))
train_dl = DataLoader(train_ds, batch_size=32, shuffle=True)
test_dl = DataLoader(test_ds, batch_size=128)

model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.3), nn.Linear(128, 10))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)

for epoch in range(1, 26):
    model.train()
    train_loss = 0.0
    for xb, yb in train_dl:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * len(xb)

    model.eval()
    hits = 0
    with torch.no_grad():
        for xb, yb in test_dl:
            hits += (model(xb).argmax(dim=1) == yb).sum().item()
    accuracy = hits / len(test_ds)
    if epoch % 5 == 0:
        print(f"Epoch {epoch:2d}: train loss = {train_loss / len(train_ds):.4f}, test accuracy = {accuracy:.4f}")

print(f"score: {accuracy:.4f}")
