"""Unshuffle digits cut into four row strips: the network scores strip-to-place assignments, Sinkhorn iterations turn
them into a doubly stochastic matrix, and the loss is the reconstruction error of the softly reassembled picture."""

import sys

import torch
from scipy.optimize import linear_sum_assignment
from sklearn.datasets import load_digits
from torch import nn

STRIPS = 4


def sinkhorn(log_alpha, iterations=12):
    for _ in range(iterations):
        log_alpha = log_alpha - log_alpha.logsumexp(-1, keepdim=True)
        log_alpha = log_alpha - log_alpha.logsumexp(-2, keepdim=True)
    return log_alpha.exp()


class JigsawNet(nn.Module):
    def __init__(self, pixels, width=64):
        super().__init__()
        self.strip = nn.Sequential(nn.Linear(pixels, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.score = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, STRIPS))

    def forward(self, strips):
        h = self.strip(strips)
        others = h.sum(1, keepdim=True) - h
        return self.score(torch.cat([h, others / (STRIPS - 1)], dim=-1))  # batch, strip, place


def shuffle_strips(strips):
    order = torch.rand(strips.shape[:2]).argsort(1)
    return strips.gather(1, order[:, :, None].expand_as(strips)), order


def main(seed):
    torch.manual_seed(seed)
    pictures = torch.tensor(load_digits().images, dtype=torch.float32) / 8 - 1
    strips = pictures.reshape(-1, STRIPS, 64 // STRIPS)[torch.randperm(len(pictures))]
    train, test = strips[:1400], strips[1400:]
    model = JigsawNet(64 // STRIPS)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(25):
        tau = max(1.0 * 0.93**epoch, 0.3)
        total, batches = 0.0, 0
        for batch in train[torch.randperm(len(train))].split(70):
            mixed, _ = shuffle_strips(batch)
            assignment = sinkhorn(model(mixed) / tau)
            rebuilt = assignment.transpose(1, 2) @ mixed
            loss = (rebuilt - batch).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total, batches = total + loss.item(), batches + 1
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}: temperature {tau:.2f}, reconstruction {total / batches:.4f}")
    model.eval()
    mixed, order = shuffle_strips(test)
    with torch.no_grad():
        scores = model(mixed).numpy()
    places = [torch.tensor(linear_sum_assignment(-s)[1]) for s in scores]
    return (torch.stack(places) == order).float().mean().item()


if __name__ == "__main__":
    torch.set_num_threads(1)
    score = main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    print(f"score: {score:.4f}")
