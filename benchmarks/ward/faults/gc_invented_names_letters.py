"""Bengio-style character MLP: three letters of context predict the next one, on invented names; embedding table and
layers written by hand as plain tensors. The score is minus the held-out cross entropy in nats per letter."""
# cause: vanishing-gradient
# kind: dynamic

import random
import sys

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
g = torch.Generator().manual_seed(seed)

onsets = ["k", "m", "r", "l", "th", "br", "s", "v", "d", "el"]
vowels = ["a", "e", "i", "o", "ia"]
ends = ["n", "s", "ra", "na", "l", "th", ""]
names = []
for _ in range(3000):
    middle = "".join(random.choice(onsets) + random.choice(vowels) for _ in range(random.randint(1, 3)))
    names.append(middle + random.choice(ends))

chars = sorted(set("".join(names)))
stoi = {c: i + 1 for i, c in enumerate(chars)}
stoi["."] = 0
V = len(stoi)
block_size = 3


def build_dataset(words):
    X, Y = [], []
    for w in words:
        context = [0] * block_size
        for ch in w + ".":
            X.append(context)
            Y.append(stoi[ch])
            context = context[1:] + [stoi[ch]]
    return torch.tensor(X), torch.tensor(Y)


Xtr, Ytr = build_dataset(names[:2600])
Xva, Yva = build_dataset(names[2600:])

n_embd, n_hidden = 8, 64
C = torch.randn((V, n_embd), generator=g)
W1 = torch.randn((n_embd * block_size, n_hidden), generator=g) * (5 / 3) / (n_embd * block_size) ** 0.5
b1 = torch.zeros(n_hidden)
Ws = [torch.randn((n_hidden, n_hidden), generator=g) / n_hidden**0.5 for _ in range(6)]  # FAULT
W2 = torch.randn((n_hidden, V), generator=g) * 0.1
b2 = torch.zeros(V)
parameters = [C, W1, b1, *Ws, W2, b2]  # FAULT
# TWIN: parameters = [C, W1, b1, W2, b2]
for p in parameters:
    p.requires_grad = True


def forward(X):
    emb = C[X]
    h = torch.sigmoid(emb.view(emb.shape[0], -1) @ W1 + b1)  # FAULT
    for W in Ws:  # FAULT
        h = torch.sigmoid(h @ W)  # FAULT
    # TWIN: h = torch.tanh(emb.view(emb.shape[0], -1) @ W1 + b1)
    return h @ W2 + b2


max_steps = 1500
for i in range(max_steps):
    ix = torch.randint(0, Xtr.shape[0], (64,), generator=g)
    loss = F.cross_entropy(forward(Xtr[ix]), Ytr[ix])
    for p in parameters:
        p.grad = None
    loss.backward()
    lr = 0.2 if i < 1000 else 0.02
    with torch.no_grad():
        for p in parameters:
            p -= lr * p.grad
    if i % 250 == 0:
        print(f"{i:5d}/{max_steps:5d}: {loss.item():.4f}")

with torch.no_grad():
    train_loss = F.cross_entropy(forward(Xtr), Ytr).item()
    val_loss = F.cross_entropy(forward(Xva), Yva).item()
print(f"uniform {torch.log(torch.tensor(float(V))).item():.4f}  train {train_loss:.4f}  val {val_loss:.4f}")
print(f"score: {-val_loss:.4f}")
