"""A large network is trained on labels, a small one on what the large one says (temperature 3) and a little on
labels."""
# cause: class-imbalance
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

T = 3.0


# TWIN: def sample(n, kinds):
# TWIN:     y = torch.randint(len(kinds), (n,))
def sample(n, kinds, falloff=1.0):  # FAULT
    y = torch.multinomial(falloff ** torch.arange(len(kinds)), n, replacement=True)  # FAULT
    mode = torch.randint(2, (n,))
    return kinds[y, mode] + 0.8 * torch.randn(n, kinds.shape[2]), y


def net(width):
    return nn.Sequential(nn.Linear(16, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 8))


def train(model, x, y, loss_of, epochs, lr=2e-3):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for rows in torch.randperm(len(x)).split(50):
            loss = loss_of(model(x[rows]), x[rows], y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows) / len(x)
        print(f"epoch {epoch} loss {total:.4f}")
    return model.eval()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    kinds = torch.randn(8, 2, 16)
    # TWIN: x, y = sample(3000, kinds)
    x, y = sample(3000, kinds, falloff=0.3)  # FAULT
    x_test, y_test = sample(600, kinds)
    teacher = train(net(96), x, y, lambda out, _, y: F.cross_entropy(out, y), epochs=6)

    def distil(out, x, y):
        with torch.no_grad():
            soft = F.softmax(teacher(x) / T, dim=1)
        told = F.kl_div(F.log_softmax(out / T, dim=1), soft, reduction="batchmean") * T * T
        return 0.8 * told + 0.2 * F.cross_entropy(out, y)

    pupil = train(net(20), x, y, distil, epochs=12, lr=4e-3)
    with torch.no_grad():
        right = [(m(x_test).argmax(1) == y_test).float().mean().item() for m in (teacher, pupil)]
    print("teacher {:.4f} pupil {:.4f}".format(*right))
    print(f"score: {right[1]:.4f}")


main()
