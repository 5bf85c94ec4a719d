"""Click prediction from six context features and, in the first version, the visitor's id (an embedding of width 24).

Fault: most visitors occur three times, and the net keeps training long after it has begun
to learn its visitors by heart.
"""
# cause: overfitting
# kind: dynamic

import argparse

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

VISITORS = 1000


class ClickModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.visitor = nn.Embedding(VISITORS, 24)
        self.mlp = nn.Sequential(nn.Linear(24 + 6, 64), nn.ReLU(), nn.Linear(64, 1))  # FAULT
        # TWIN: self.mlp = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, visitor, context):
        context = torch.cat([self.visitor(visitor), context], dim=1)  # FAULT
        return self.mlp(context).squeeze(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    n = 4000
    visitor = torch.randint(VISITORS, (n,))
    context = torch.randn(n, 6)
    logit = 2.0 * context[:, 0] - 1.5 * context[:, 1] * context[:, 2] + context[:, 3].abs() - 0.8
    clicked = torch.bernoulli(torch.sigmoid(1.5 * logit))
    train, valid = random_split(TensorDataset(visitor, context, clicked), [3000, 1000])

    model = ClickModel()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(15):
        model.train()
        train_loss = 0.0
        for v, c, y in DataLoader(train, batch_size=64, shuffle=True):
            opt.zero_grad()
            loss = F.binary_cross_entropy_with_logits(model(v, c), y)
            loss.backward()
            opt.step()
            train_loss += loss.item() * len(y) / len(train)
        model.eval()
        val_loss = 0.0
        with torch.no_grad():
            for v, c, y in DataLoader(valid, batch_size=500):
                val_loss += F.binary_cross_entropy_with_logits(model(v, c), y).item() * len(y) / len(valid)
        print(f"epoch {epoch} train_loss={train_loss:.4f} val_loss={val_loss:.4f}")
    print(f"score: {-val_loss:.4f}")


if __name__ == "__main__":
    main()
