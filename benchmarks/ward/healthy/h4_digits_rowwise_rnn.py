"""Digits read row by row with a plain tanh RNN (nn.RNN), last hidden state to a linear classifier, RMSprop."""

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Subset, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class RowRNN(nn.Module):
    def __init__(self, hidden_size=64):
        super().__init__()
        self.rnn = nn.RNN(8, hidden_size, batch_first=True)
        self.fc = nn.Linear(hidden_size, 10)

    def forward(self, x):
        out, hn = self.rnn(x)
        return self.fc(hn.squeeze(0))


digits = load_digits()
dataset = TensorDataset(torch.tensor(digits.images / 8.0 - 1.0, dtype=torch.float32), torch.tensor(digits.target))
indices = torch.randperm(len(dataset)).tolist()
train_loader = DataLoader(Subset(dataset, indices[:1400]), batch_size=50, shuffle=True)
valid_loader = DataLoader(Subset(dataset, indices[1400:]), batch_size=100)

model = RowRNN()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)

num_epochs = 18
for epoch in range(num_epochs):
    model.train()
    running_loss = 0.0
    for rows, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(rows), labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    model.eval()
    correct = total = 0
    with torch.no_grad():
        for rows, labels in valid_loader:
            correct += (model(rows).argmax(1) == labels).sum().item()
            total += len(labels)
    print(f"Epoch {epoch + 1}/{num_epochs} loss={running_loss / len(train_loader):.4f} valid_acc={correct / total:.4f}")

print(f"score: {correct / total:.4f}")
