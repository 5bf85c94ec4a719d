"""Semi-supervised digits: confident predictions on unlabelled images (computed without gradient) become labels."""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn, optim

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
idx = torch.randperm(len(x))
labeled, unlabeled, test = idx[:200], idx[200:1300], idx[1300:]

model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10))
optimizer = optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
threshold = 0.9


def test_accuracy():
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[test]).argmax(1) == y[test]).float().mean().item()
    model.train()
    return accuracy


model.train()
for step in range(1, 801):
    batch = labeled[torch.randint(len(labeled), (32,))]
    loss = F.cross_entropy(model(x[batch]), y[batch])

    if step > 200:
        batch_u = unlabeled[torch.randint(len(unlabeled), (96,))]
        with torch.no_grad():
            probs = F.softmax(model(x[batch_u]), dim=1)
        confidence, pseudo = probs.max(1)
        mask = (confidence > threshold).float()
        noisy = x[batch_u] + 0.1 * torch.randn_like(x[batch_u])
        unsup = (F.cross_entropy(model(noisy), pseudo, reduction="none") * mask).mean()
        loss = loss + min(1.0, (step - 200) / 300) * unsup

    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(f"step {step} loss {loss.item():.4f} test acc {test_accuracy():.4f}")

print(f"score: {test_accuracy():.4f}")
