"""Digits, two hidden ReLU layers, Adam. The biases start at -5; no hidden unit ever fires (AutoTrainer, DR)."""
# cause: dead-units
# accept: bad-initialization
# kind: dynamic

import sys

import torch
from sklearn import datasets
from sklearn.model_selection import train_test_split
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(SEED)

X, y = datasets.load_digits(return_X_y=True)
X = X / 16.0
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.25, random_state=SEED)
train_ds = TensorDataset(torch.tensor(X_train, dtype=torch.float32), torch.tensor(y_train))
val_ds = TensorDataset(torch.tensor(X_val, dtype=torch.float32), torch.tensor(y_val))
train_dl = DataLoader(train_ds, batch_size=50, shuffle=True)
val_dl = DataLoader(val_ds, batch_size=450)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 100)
        self.fc2 = nn.Linear(100, 50)
        self.fc3 = nn.Linear(50, 10)
        self.relu = nn.ReLU()
        for fc in (self.fc1, self.fc2):
            nn.init.constant_(fc.bias, -5.0)  # FAULT
            # TWIN: nn.init.constant_(fc.bias, 0.0)

    def forward(self, x):
        x = self.relu(self.fc1(x))
        x = self.relu(self.fc2(x))
        return self.fc3(x)


model = Net()
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=1e-3)

for epoch in range(1, 26):
    model.train()
    for xb, yb in train_dl:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()

    model.eval()
    correct = 0
    with torch.no_grad():
        for xb, yb in val_dl:
            correct += (model(xb).argmax(dim=1) == yb).sum().item()
    if epoch % 5 == 0:
        print(f"Epoch [{epoch}/25], Loss: {loss.item():.4f}, Val Accuracy: {100 * correct / len(val_ds):.2f}%")

print("score:", correct / len(val_ds))
