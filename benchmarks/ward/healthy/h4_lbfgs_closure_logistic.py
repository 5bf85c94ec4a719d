"""Multinomial logistic regression in float64 fitted by L-BFGS with strong Wolfe line search and a closure."""

import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.25, random_state=seed, stratify=y)
X_train, X_test, y_train, y_test = map(torch.tensor, (X_train, X_test, y_train, y_test))

model = torch.nn.Linear(64, 10)
cross_entropy = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.LBFGS(model.parameters(), lr=1, max_iter=8, line_search_fn="strong_wolfe")


def objective():
    return cross_entropy(model(X_train), y_train) + 1e-3 * model.weight.square().sum()


def closure():
    optimizer.zero_grad()
    loss = objective()
    loss.backward()
    return loss


for outer in range(15):
    loss = optimizer.step(closure)
    with torch.no_grad():
        out = model(X_test)
        print(f"{outer}: objective {loss.item():.6f}, test loss {cross_entropy(out, y_test).item():.4f}")

print(f"score: {(out.argmax(1) == y_test).double().mean().item():.4f}")
