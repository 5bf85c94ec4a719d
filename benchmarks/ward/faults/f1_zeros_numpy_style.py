"""A two-layer network written out by hand on digits, in the style of a NumPy tutorial, with all weights set to zero."""
# cause: symmetric-initialization
# accept: bad-initialization
# kind: dynamic

import sys

import torch
from sklearn.datasets import load_digits

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, Y = load_digits(return_X_y=True)
X = torch.tensor(X / 16, dtype=torch.float32)
Y = torch.tensor(Y)
perm = torch.randperm(len(X))
Xtr, Ytr = X[perm[:1300]], Y[perm[:1300]]
Xte, Yte = X[perm[1300:]], Y[perm[1300:]]

n_in, n_hidden, n_out = 64, 60, 10
W1 = torch.zeros(n_in, n_hidden)  # FAULT
W2 = torch.zeros(n_hidden, n_out)  # FAULT
# TWIN: W1 = torch.randn(n_in, n_hidden) * (2 / n_in) ** 0.5
# TWIN: W2 = torch.randn(n_hidden, n_out) * (1 / n_hidden) ** 0.5
b1 = torch.zeros(n_hidden)
b2 = torch.zeros(n_out)
parameters = [W1, b1, W2, b2]
for p in parameters:
    p.requires_grad = True


def predict(x):
    hidden = torch.relu(x @ W1 + b1)
    return hidden @ W2 + b2


def cross_entropy(scores, labels):
    log_probs = scores - scores.logsumexp(1, keepdim=True)
    return -log_probs[torch.arange(len(labels)), labels].mean()


lr = 0.2
for it in range(1200):
    ix = torch.randint(0, len(Xtr), (64,))
    loss = cross_entropy(predict(Xtr[ix]), Ytr[ix])
    for p in parameters:
        p.grad = None
    loss.backward()
    for p in parameters:
        p.data -= lr * p.grad
    if it % 200 == 0:
        print(f"{it:5d}: {loss.item():.4f}")

with torch.no_grad():
    train_acc = (predict(Xtr).argmax(1) == Ytr).float().mean().item()
    test_acc = (predict(Xte).argmax(1) == Yte).float().mean().item()
print(f"train {train_acc:.3f}  test {test_acc:.3f}")
print(f"score: {test_acc:.4f}")
