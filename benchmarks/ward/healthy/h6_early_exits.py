"""A network with three exits trained together (weighted sum of the three losses) on synthetic spectra; at test time a
sample leaves at the first exit that is sure enough.
"""

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


def spectra(n, peaks, noise):
    """Each substance has three peaks; samples differ in peak heights, in a small shift and in the noise."""
    y = torch.randint(0, len(peaks), (n,))
    grid = torch.linspace(0, 1, 60)
    where = peaks[y] + 0.008 * torch.randn(n, 1)
    height = 0.6 + 0.8 * torch.rand(n, 3)
    x = (height.unsqueeze(2) * torch.exp(-(((grid - where.unsqueeze(2)) / 0.03) ** 2))).sum(1)
    return (x + noise * torch.randn(n, 60) - 0.15) / 0.4, y


class ExitNet(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        sizes = [60, 24, 48, 48]
        self.stages = nn.ModuleList(
            nn.Sequential(nn.Linear(a, b), nn.LayerNorm(b), nn.SiLU()) for a, b in zip(sizes, sizes[1:], strict=False)
        )
        self.exits = nn.ModuleList(nn.Linear(b, n_classes) for b in sizes[1:])

    def forward(self, x):
        outs = []
        for stage, leave in zip(self.stages, self.exits, strict=True):
            x = stage(x)
            outs.append(leave(x))
        return outs


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--sure", type=float, default=0.9)
    opt = parser.parse_args()
    torch.manual_seed(opt.seed)
    peaks = torch.rand(8, 3)
    x_train, y_train = spectra(4000, peaks, 0.5)
    x_test, y_test = spectra(800, peaks, 0.5)
    net = ExitNet(8)
    optimizer = torch.optim.NAdam(net.parameters(), lr=1e-3, weight_decay=1e-3)
    for epoch in range(5):
        net.train()
        sums = torch.zeros(3)
        for idx in torch.randperm(len(x_train)).split(50):
            losses = torch.stack([F.cross_entropy(out, y_train[idx]) for out in net(x_train[idx])])
            optimizer.zero_grad()
            (losses * torch.tensor([0.3, 0.3, 1.0])).sum().backward()
            optimizer.step()
            sums += losses.detach() / 80
        net.eval()
        with torch.no_grad():
            accs = [(out.argmax(1) == y_test).float().mean().item() for out in net(x_test)]
        print(f"epoch {epoch + 1} losses", [f"{v:.3f}" for v in sums.tolist()], "acc", [f"{a:.3f}" for a in accs])

    with torch.no_grad():
        probs = torch.stack([out.softmax(1) for out in net(x_test)])
    sure = probs.amax(2) > opt.sure
    sure[-1] = True
    first = sure.float().argmax(0)
    answer = probs.argmax(2).gather(0, first.unsqueeze(0)).squeeze(0)
    print("left at exits 1-3:", torch.bincount(first, minlength=3).tolist())
    print(f"score: {(answer == y_test).float().mean().item():.4f}")
