"""SVRG on l2-regularised multinomial regression: a snapshot and its full gradient are refreshed each outer
round, and inner steps use g_i(w) - g_i(snapshot) + full_gradient. Step size stays constant; the full
gradient norm keeps shrinking."""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.set_num_threads(1)

L2 = 1e-3
STEP = 0.2
OUTER, INNER, BATCH = 10, 130, 10


def objective(w, x, y):
    return F.cross_entropy(x @ w, y) + 0.5 * L2 * w.square().sum()


def gradient(w, x, y):
    w = w.detach().requires_grad_()
    return torch.autograd.grad(objective(w, x, y), w)[0]


def main(seed):
    torch.manual_seed(seed)
    data, target = load_digits(return_X_y=True)
    tr_x, te_x, tr_y, te_y = train_test_split(data / 16.0, target, test_size=0.25, random_state=seed, stratify=target)
    center = tr_x.mean(0)

    def prepare(a):
        t = torch.tensor(a - center, dtype=torch.float32)
        return torch.cat([t, torch.ones(len(t), 1)], dim=1)

    tr_x, te_x = prepare(tr_x), prepare(te_x)
    tr_y, te_y = torch.tensor(tr_y), torch.tensor(te_y)

    w = torch.zeros(tr_x.shape[1], 10)
    for outer in range(OUTER):
        snapshot = w.clone()
        full = gradient(snapshot, tr_x, tr_y)
        print(
            f"round {outer}: objective {objective(w, tr_x, tr_y).item():.5f}  |full gradient| {full.norm().item():.5f}"
        )
        for _ in range(INNER):
            i = torch.randint(len(tr_x), (BATCH,))
            w = w - STEP * (gradient(w, tr_x[i], tr_y[i]) - gradient(snapshot, tr_x[i], tr_y[i]) + full)
    accuracy = ((te_x @ w).argmax(1) == te_y).float().mean().item()
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
