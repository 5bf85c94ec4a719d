"""Learns to align the nodes of two correlated random graphs with a siamese graph network (quadratic assignment).

After https://github.com/mlelarge/graph_neural_net/pull/37
"""
# cause: softmax-twice
# kind: structural

import sys

import torch
import torch.nn as nn

N_VERTICES = 16
EDGE_DENSITY = 0.5
NOISE = 0.005


def generate(n_pairs, gen):
    """Erdos-Renyi graphs and copies of them with a few edges flipped; node i of one is node i of the other."""
    n = N_VERTICES
    up = torch.triu(torch.ones(n, n), diagonal=1)
    a = (torch.rand(n_pairs, n, n, generator=gen) < EDGE_DENSITY).float() * up
    flip = (torch.rand(n_pairs, n, n, generator=gen) < NOISE).float() * up
    b = (a - flip).abs()
    return a + a.transpose(1, 2), b + b.transpose(1, 2)


def as_tensor(adj):
    """(bs, 2, n, n): the adjacency matrix, and the degrees on the diagonal."""
    deg = torch.diag_embed(adj.sum(-1)) / (N_VERTICES * EDGE_DENSITY)
    return torch.stack((adj, deg), dim=1)


class Block(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.mlp1 = nn.Sequential(nn.Conv2d(in_features, out_features, 1), nn.ReLU())
        self.mlp2 = nn.Sequential(nn.Conv2d(in_features, out_features, 1), nn.ReLU())
        self.skip = nn.Conv2d(in_features + out_features, out_features, 1)
        self.norm = nn.InstanceNorm2d(out_features, affine=True)

    def forward(self, x):
        mult = torch.matmul(self.mlp1(x), self.mlp2(x)) / N_VERTICES
        return self.norm(self.skip(torch.cat((x, mult), dim=1)))


class SiameseNet(nn.Module):
    def __init__(self, features=12, blocks=2):
        super().__init__()
        sizes = [2] + [features] * blocks
        self.blocks = nn.Sequential(*[Block(i, o) for i, o in zip(sizes, sizes[1:])])
        self.last = nn.Linear(features, features)

    def embed(self, x):
        out = self.blocks(x).max(dim=3).values
        return self.last(out.transpose(1, 2))

    def forward(self, x1, x2):
        scores = self.embed(x1) @ self.embed(x2).transpose(1, 2)
        return scores.softmax(dim=-1)  # FAULT
        # TWIN: return scores


class TripletLoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.loss = nn.CrossEntropyLoss()

    def forward(self, outputs):
        bs, n, _ = outputs.shape
        target = torch.arange(n).repeat(bs)
        return self.loss(outputs.reshape(bs * n, n), target)


def accuracy(outputs):
    """Share of the nodes that are matched with their own copy."""
    target = torch.arange(outputs.shape[1])
    return (outputs.argmax(-1) == target).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    gen = torch.Generator().manual_seed(seed)
    train = [as_tensor(g) for g in generate(400, gen)]
    val = [as_tensor(g) for g in generate(100, gen)]

    model = SiameseNet()
    criterion = TripletLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    batch_size = 16

    for epoch in range(9):
        model.train()
        order = torch.randperm(400, generator=gen)
        running = 0.0
        for i in range(0, 400, batch_size):
            idx = order[i : i + batch_size]
            optimizer.zero_grad()
            output = model(train[0][idx], train[1][idx])
            loss = criterion(output)
            loss.backward()
            optimizer.step()
            running += loss.item()
        model.eval()
        with torch.no_grad():
            output = model(*val)
            val_loss, val_acc = criterion(output).item(), accuracy(output)
        print(
            f"epoch {epoch + 1}: train loss {running / (400 // batch_size):.4f}  "
            f"val loss {val_loss:.4f}  val accuracy {val_acc:.3f}"
        )

    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
