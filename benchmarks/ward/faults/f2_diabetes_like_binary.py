"""Two-class tabular classifier (yes/no column) with a small MLP and BCELoss.

Fault: softmax over the single output unit, which is 1.0 for every row (Stack Overflow 42800203).
"""
# cause: softmax-single-unit
# kind: dynamic

import sys

import torch
from sklearn.datasets import make_classification
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(SEED)

features, outcome = make_classification(
    n_samples=1200, n_features=12, n_informative=6, n_redundant=2, class_sep=1.2, random_state=SEED
)
scaler = StandardScaler().fit(features[:900])
features = torch.tensor(scaler.transform(features), dtype=torch.float32)
outcome = torch.tensor(outcome, dtype=torch.float32).unsqueeze(1)
x_train, x_test = features[:900], features[900:]
y_train, y_test = outcome[:900], outcome[900:]

classifier = nn.Sequential()
classifier.add_module("dense1", nn.Linear(12, 24))
classifier.add_module("act1", nn.ReLU())
classifier.add_module("dense2", nn.Linear(24, 12))
classifier.add_module("act2", nn.ReLU())
classifier.add_module("dense3", nn.Linear(12, 1))
classifier.add_module("act3", nn.Softmax(dim=1))  # FAULT
# TWIN: classifier.add_module("act3", nn.Sigmoid())
print(classifier)

bce = nn.BCELoss()
opt = torch.optim.RMSprop(classifier.parameters(), lr=0.002)
batch = 30
for epoch in range(25):
    order = torch.randperm(900)
    total = 0.0
    for i in range(0, 900, batch):
        rows = order[i : i + batch]
        prob = classifier(x_train[rows])
        loss = bce(prob, y_train[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    with torch.no_grad():
        val_loss = bce(classifier(x_test), y_test).item()
    print(f"epoch {epoch:2d}  loss {total / (900 / batch):.4f}  val_loss {val_loss:.4f}")

with torch.no_grad():
    acc = ((classifier(x_test) > 0.5).float() == y_test).float().mean().item()
print(f"score: {acc:.4f}")
