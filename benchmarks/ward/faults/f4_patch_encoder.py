"""Digit rows are encoded by a small network, pooled and classified; the encoder's output goes through .detach()."""
# cause: detached-graph
# kind: dynamic

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class RowEncoder(nn.Module):
    def __init__(self, width=6):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, width), nn.ReLU())

    def forward(self, rows):
        return self.net(rows)


class Classifier(nn.Module):
    def __init__(self, width=6):
        super().__init__()
        self.encoder = RowEncoder(width)
        self.head = nn.Linear(8 * width, 10)

    def forward(self, images):
        codes = self.encoder(images)
        features = codes.detach().flatten(1)  # FAULT
        # TWIN: features = codes.flatten(1)
        return self.head(features)


def accuracy(model, dataset):
    model.eval()
    x, y = next(iter(DataLoader(dataset, batch_size=len(dataset))))
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
digits = load_digits()
dataset = TensorDataset(torch.tensor(digits.images, dtype=torch.float32) / 16, torch.tensor(digits.target))
train_set, test_set = random_split(dataset, [1400, 397])

model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=6, gamma=0.5)
criterion = nn.CrossEntropyLoss()
for epoch in range(14):
    model.train()
    for x, y in DataLoader(train_set, batch_size=32, shuffle=True):
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(f"epoch {epoch}: last loss {loss.item():.3f}, test accuracy {accuracy(model, test_set):.3f}")
print(f"score: {accuracy(model, test_set):.4f}")
