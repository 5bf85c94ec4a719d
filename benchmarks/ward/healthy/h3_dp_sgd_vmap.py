"""Differentially private style SGD: per-sample gradients with torch.func (vmap of grad), each clipped to norm 1,
summed, a little Gaussian noise added, and put into .grad for an ordinary optimizer. Six Gaussian blobs.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_blobs
from torch.func import functional_call, grad, vmap

torch.set_num_threads(1)
CLIP, SIGMA, BATCH = 1.0, 0.5, 64


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    x, y = make_blobs(1800, n_features=8, centers=6, cluster_std=2.5, random_state=seed + 3)
    x = torch.tensor((x - x[:1300].mean(0)) / x[:1300].std(0), dtype=torch.float32)
    y = torch.tensor(y)
    train_x, train_y, test_x, test_y = x[:1300], y[:1300], x[1300:], y[1300:]
    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 6))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.5)

    def sample_loss(params, sample, target):
        output = functional_call(model, params, (sample.unsqueeze(0),))
        return F.cross_entropy(output, target.unsqueeze(0))

    per_sample_grad = vmap(grad(sample_loss), in_dims=(None, 0, 0))
    for epoch in range(15):
        clipped = 0
        for idx in torch.randperm(len(train_x)).split(BATCH):
            params = {name: p.detach() for name, p in model.named_parameters()}
            grads = per_sample_grad(params, train_x[idx], train_y[idx])
            norms = torch.stack([g.flatten(1).norm(dim=1) for g in grads.values()]).norm(dim=0)
            factors = (CLIP / (norms + 1e-6)).clamp(max=1.0)
            clipped += (factors < 1).sum().item()
            for name, p in model.named_parameters():
                total = torch.einsum("n,n...->...", factors, grads[name])
                p.grad = (total + SIGMA * CLIP * torch.randn_like(p)) / BATCH
            optimizer.step()
        with torch.no_grad():
            loss = F.cross_entropy(model(train_x), train_y).item()
        if epoch % 3 == 2:
            print(f"epoch {epoch + 1}: train loss {loss:.4f}, clipped {clipped / len(train_x):.2f} of the samples")
    with torch.no_grad():
        print(f"score: {(model(test_x).argmax(1) == test_y).float().mean().item():.4f}")


main()
