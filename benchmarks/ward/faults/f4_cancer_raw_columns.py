"""Breast cancer diagnosis from the scikit-learn table, fed to plain SGD exactly as it comes (columns 0.01 to 4000)."""
# cause: unscaled-inputs
# kind: dynamic

import sys

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
EPOCHS = 20
torch.set_num_threads(1)
torch.manual_seed(SEED)

data = load_breast_cancer()
X_train, X_test, y_train, y_test = train_test_split(data.data, data.target, test_size=0.3, random_state=SEED)
mean, std = X_train.mean(axis=0), X_train.std(axis=0)
# TWIN: X_train, X_test = (X_train - mean) / std, (X_test - mean) / std
train_ds = TensorDataset(torch.FloatTensor(X_train), torch.FloatTensor(y_train))
X_test, y_test = torch.FloatTensor(X_test), torch.FloatTensor(y_test)
loader = DataLoader(train_ds, batch_size=16, shuffle=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(30, 16)
        self.fc2 = nn.Linear(16, 1)
        self.act = nn.ReLU()

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x))).squeeze(-1)


model = Net()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

for epoch in range(EPOCHS):
    model.train()
    epoch_loss = 0
    for inputs, targets in loader:
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item()
    if (epoch + 1) % 5 == 0:
        print(f"Epoch [{epoch + 1}/{EPOCHS}], Loss: {epoch_loss / len(loader):.4f}")

model.eval()
with torch.no_grad():
    predicted = (model(X_test) > 0).float()
    accuracy = predicted.eq(y_test).sum().item() / len(y_test)
print(f"Accuracy: {accuracy * 100:.2f}%")
print(f"score: {accuracy:.4f}")
