"""Digit classifier with a scheduler and a checkpoint of the best epoch; the `break` that made a quick check of the loop
possible is still in it, so that an epoch is two batches and training ends long before it has converged."""
# cause: under-trained
# kind: dynamic

import copy
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class SmallCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.fc = nn.Linear(16 * 4, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(x.flatten(1))


X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16.0, y, test_size=400, random_state=seed, stratify=y)
X_train = torch.tensor(X_train, dtype=torch.float32).view(-1, 1, 8, 8)
X_test = torch.tensor(X_test, dtype=torch.float32).view(-1, 1, 8, 8)
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)
train_loader = DataLoader(TensorDataset(X_train, y_train), batch_size=32, shuffle=True)

model = SmallCNN()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
best_acc, best_state = -1.0, None
for epoch in range(10):
    model.train()
    for i, (inputs, labels) in enumerate(train_loader):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
        if i == 1:  # FAULT
            break  # FAULT
    model.eval()
    with torch.no_grad():
        outputs = model(X_test)
        acc = (outputs.argmax(1) == y_test).float().mean().item()
        val_loss = F.cross_entropy(outputs, y_test).item()
    print(f"epoch {epoch + 1}/10 loss {loss.item():.4f} val_loss {val_loss:.4f} val_acc {acc:.4f}")
    if acc > best_acc:
        best_acc, best_state = acc, copy.deepcopy(model.state_dict())

model.load_state_dict(best_state)
print(f"score: {best_acc:.4f}")
