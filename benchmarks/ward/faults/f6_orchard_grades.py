"""Fruit grading from twenty measurements, an MLP trained by SGD with Nesterov momentum at a learning rate of 1.0."""
# cause: learning-rate-too-high
# kind: dynamic

import argparse

import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

ap = argparse.ArgumentParser()
ap.add_argument("seed", nargs="?", type=int, default=0)
args = ap.parse_args()
torch.set_num_threads(1)
torch.manual_seed(args.seed)
np.random.seed(args.seed)

X, y = make_classification(
    n_samples=4000,
    n_features=20,
    n_informative=12,
    n_redundant=4,
    n_classes=5,
    class_sep=1.6,
    flip_y=0.0,
    random_state=args.seed,
)
X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.25, stratify=y, random_state=args.seed)
scaler = StandardScaler().fit(X_tr)
X_tr, X_te = (torch.tensor(scaler.transform(a), dtype=torch.float32) for a in (X_tr, X_te))
y_tr, y_te = torch.as_tensor(y_tr), torch.as_tensor(y_te)

mlp = torch.nn.Sequential(
    torch.nn.Linear(20, 96),
    torch.nn.ReLU(),
    torch.nn.Linear(96, 96),
    torch.nn.ReLU(),
    torch.nn.Linear(96, 5),
)
loss_fn = torch.nn.CrossEntropyLoss()
sgd = torch.optim.SGD(mlp.parameters(), lr=1.0, momentum=0.9, nesterov=True)  # FAULT
# TWIN: sgd = torch.optim.SGD(mlp.parameters(), lr=0.02, momentum=0.9, nesterov=True)

batch_size = 50
for epoch in range(1, 13):
    order = np.random.permutation(len(X_tr))
    history = []
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        sgd.zero_grad()
        out = mlp(X_tr[rows])
        loss = loss_fn(out, y_tr[rows])
        loss.backward()
        sgd.step()
        history.append(loss.item())
    with torch.no_grad():
        hits = mlp(X_te).argmax(1).eq(y_te).sum().item()
    print(f"Epoch {epoch:2d}  loss: {np.mean(history):.4f}  test: {hits}/{len(y_te)}")

print(f"score: {hits / len(y_te):.4f}")
