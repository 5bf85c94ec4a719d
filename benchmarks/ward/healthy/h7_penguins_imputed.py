"""Three penguin species from beak, flipper and mass (some readings missing and filled with the training mean)."""

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("seed", type=int, nargs="?", default=0)
seed = parser.parse_args().seed
torch.manual_seed(seed)

# species means and spreads: beak length (mm), beak depth (mm), flipper (mm), mass (g)
MEANS = torch.tensor([[38.8, 18.3, 190.0, 3700.0], [48.8, 18.4, 196.0, 3730.0], [47.5, 15.0, 217.0, 5080.0]])
STDS = torch.tensor([[2.7, 1.2, 6.5, 460.0], [3.3, 1.1, 7.1, 380.0], [3.1, 1.0, 6.5, 500.0]])

species = torch.multinomial(torch.tensor([0.44, 0.20, 0.36]), 900, replacement=True)
birds = MEANS[species] + STDS[species] * torch.randn(900, 4)
missing = torch.rand(900, 4) < 0.03

train, test = slice(0, 650), slice(650, 900)
known = ~missing[train]
mean = (birds[train] * known).sum(0) / known.sum(0)
std = (((birds[train] - mean) ** 2 * known).sum(0) / known.sum(0)).sqrt()
x = torch.where(missing, torch.zeros(()), (birds - mean) / std)

model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-3)

for epoch in range(1, 41):
    for idx in torch.randperm(650).split(32):
        loss = F.cross_entropy(model(x[train][idx]), species[train][idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 8 == 0:
        with torch.no_grad():
            train_loss = F.cross_entropy(model(x[train]), species[train])
            test_loss = F.cross_entropy(model(x[test]), species[test])
        print(f"epoch {epoch}: train loss {train_loss:.4f}  test loss {test_loss:.4f}")

with torch.no_grad():
    predictions = model(x[test]).argmax(1)
confusion = torch.zeros(3, 3, dtype=torch.long)
for truth, guess in zip(species[test], predictions):
    confusion[truth, guess] += 1
print(confusion)
print(f"score: {(confusion.diag().sum() / confusion.sum()).item():.4f}")
