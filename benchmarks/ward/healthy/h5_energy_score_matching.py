"""Denoising score matching with a scalar energy: the score is minus the gradient of the energy by its input, obtained
with autograd.grad and create_graph, so the loss contains a gradient and is differentiated once more. Data: a mixture
of three Gaussians whose true smoothed score is known.
"""

import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

SIGMA = 0.4
centres = torch.tensor([[1.5, 0.0], [-0.75, 1.3], [-0.75, -1.3]])
spread = 0.45


def draw(n):
    return centres[torch.randint(3, (n,))] + spread * torch.randn(n, 2)


def true_score(x):
    var = spread**2 + SIGMA**2
    diff = centres - x.unsqueeze(1)
    w = torch.softmax(-diff.pow(2).sum(2) / (2 * var), 1)
    return (w.unsqueeze(2) * diff).sum(1) / var


class Energy(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Softplus())
        self.out = nn.Linear(hidden, 1, bias=False)

    def forward(self, x):
        return self.out(self.layers(x)).squeeze(1) + 0.5 * x.pow(2).sum(1)

    def score(self, x):
        x = x.detach().requires_grad_(True)
        (grad,) = torch.autograd.grad(self(x).sum(), x, create_graph=self.training)
        return -grad


energy = Energy()
opt = torch.optim.Adam(energy.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=900, eta_min=1e-4)
probe = draw(2000) + SIGMA * torch.randn(2000, 2)
target = true_score(probe)
history = []
for it in range(1, 901):
    energy.train()
    noise = torch.randn(128, 2)
    noisy = draw(128) + SIGMA * noise
    loss = ((SIGMA * energy.score(noisy) + noise) ** 2).sum(1).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    scheduler.step()
    history.append(loss.item())
    if it % 150 == 0:
        energy.eval()
        err = (energy.score(probe) - target).pow(2).sum(1).mean() / target.pow(2).sum(1).mean()
        print(f"iteration {it}  dsm loss {sum(history[-150:]) / 150:.4f}  relative error of the score {err:.4f}")
print(f"score: {1 - err.item():.4f}")
