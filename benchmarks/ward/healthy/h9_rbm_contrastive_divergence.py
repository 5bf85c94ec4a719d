"""Restricted Boltzmann machine on binarised digits. The positive and negative phase statistics of persistent
contrastive divergence are written into .grad by hand (there is no loss to differentiate); afterwards each held-out
picture has one pixel row hidden and filled in by Gibbs sampling."""

import sys

import torch
from sklearn.datasets import load_digits

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class RBM(torch.nn.Module):
    def __init__(self, n_visible, n_hidden, pixel_mean):
        super().__init__()
        self.W = torch.nn.Parameter(0.01 * torch.randn(n_visible, n_hidden))
        self.b = torch.nn.Parameter(torch.logit(pixel_mean.clamp(0.02, 0.98)))
        self.c = torch.nn.Parameter(torch.zeros(n_hidden))

    def hidden(self, v):
        return torch.sigmoid(v @ self.W + self.c)

    def visible(self, h):
        return torch.sigmoid(h @ self.W.t() + self.b)


v_all = (torch.tensor(load_digits().data, dtype=torch.float32) > 7).float()
order = torch.randperm(len(v_all))
v_train, v_test = v_all[order[:1500]], v_all[order[1500:]]

rbm = RBM(64, 96, v_train.mean(0))
optimizer = torch.optim.SGD(rbm.parameters(), lr=0.1, weight_decay=1e-4)
chains = torch.bernoulli(v_train.mean(0).expand(50, -1))
epochs = 60


@torch.no_grad()
def set_gradients(batch, chains):
    h_data = rbm.hidden(batch)
    v = chains
    for _ in range(2):
        h = torch.bernoulli(rbm.hidden(v))
        v = torch.bernoulli(rbm.visible(h))
    h_model = rbm.hidden(v)
    rbm.W.grad = v.t() @ h_model / len(v) - batch.t() @ h_data / len(batch)
    rbm.b.grad = v.mean(0) - batch.mean(0)
    rbm.c.grad = h_model.mean(0) - h_data.mean(0)
    return v


@torch.no_grad()
def fill_in(pictures, rows, sweeps=40, burn_in=10):
    mask = torch.zeros(len(pictures), 8, 8)
    mask[torch.arange(len(pictures)), rows] = 1
    mask = mask.view(-1, 64)
    v, mean = torch.where(mask.bool(), torch.full_like(pictures, 0.5).bernoulli(), pictures), 0.0
    for sweep in range(sweeps):
        p = rbm.visible(torch.bernoulli(rbm.hidden(v)))
        v = torch.where(mask.bool(), torch.bernoulli(p), pictures)
        if sweep >= burn_in:
            mean = mean + p / (sweeps - burn_in)
    return mean, mask


for epoch in range(epochs):
    for group in optimizer.param_groups:
        group["lr"] = 0.1 * (1 - epoch / epochs)
    for idx in torch.randperm(len(v_train)).split(50):
        chains = set_gradients(v_train[idx], chains)
        optimizer.step()
    if epoch % 10 == 9:
        reconstruction = rbm.visible(rbm.hidden(v_train)).detach()
        print(f"epoch {epoch + 1}: reconstruction error {(v_train - reconstruction).abs().mean():.4f}")

guess, mask = fill_in(v_test, torch.randint(1, 7, (len(v_test),)))
hits = ((guess > 0.5).float() == v_test).float()
base = ((v_train.mean(0) > 0.5).float() == v_test).float()
print(
    f"hidden pixels right: {(hits * mask).sum() / mask.sum():.4f}; mean picture: {(base * mask).sum() / mask.sum():.4f}"
)
print(f"score: {((hits * mask).sum() / mask.sum()).item():.4f}")
