"""A restricted Boltzmann machine of a spin chain's snapshots by persistent contrastive divergence: gradients written by
hand into .grad, no loss and no backward. Score: correlation of the pair correlations of its samples and of fresh ones.
"""

import sys

import torch

torch.set_num_threads(1)
N, HIDDEN = 24, 48


def chain(n, coupling, sweeps=60):
    s = 2 * torch.randint(0, 2, (n, N)).float() - 1
    for _ in range(sweeps):
        for parity in (0, 1):
            field = coupling * s.roll(-1, 1) + coupling.roll(1) * s.roll(1, 1)
            fresh = 2 * torch.bernoulli(torch.sigmoid(2 * field)) - 1
            s[:, parity::2] = fresh[:, parity::2]
    return (s + 1) / 2


class RBM(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(0.05 * torch.randn(N, HIDDEN))
        self.b = torch.nn.Parameter(torch.zeros(N))
        self.c = torch.nn.Parameter(torch.zeros(HIDDEN))

    def hidden(self, v):
        return torch.sigmoid(v @ self.w + self.c)

    def gibbs(self, v, k):
        for _ in range(k):
            v = torch.bernoulli(torch.sigmoid(torch.bernoulli(self.hidden(v)) @ self.w.T + self.b))
        return v


def pairs(v):
    return torch.cov(v.T)[torch.triu_indices(N, N, 1).unbind()]


@torch.no_grad()
def main(seed):
    torch.manual_seed(seed)
    coupling = 0.4 + 0.6 * torch.rand(N)
    coupling *= torch.where(torch.rand(N) < 0.3, -1.0, 1.0)
    data, fresh = chain(5000, coupling), chain(3000, coupling)
    rbm = RBM()
    opt = torch.optim.SGD(rbm.parameters(), lr=0.1, momentum=0.5)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 40, eta_min=0.005)
    particles = torch.bernoulli(torch.full((200, N), 0.5))
    for epoch in range(1, 41):
        for idx in torch.randperm(len(data)).split(100):
            v = data[idx]
            particles = rbm.gibbs(particles, 2)
            hv, hp = rbm.hidden(v), rbm.hidden(particles)
            rbm.w.grad = particles.T @ hp / len(particles) - v.T @ hv / len(v) + 2e-4 * rbm.w
            rbm.b.grad = particles.mean(0) - v.mean(0)
            rbm.c.grad = hp.mean(0) - hv.mean(0)
            opt.step()
        sched.step()
        if epoch % 5 == 0:
            dream = rbm.gibbs(particles.repeat(15, 1), 40)
            score = torch.corrcoef(torch.stack([pairs(dream), pairs(fresh)]))[0, 1].item()
            error = (torch.sigmoid(rbm.hidden(fresh) @ rbm.w.T + rbm.b) - fresh).pow(2).mean().item()
            print(f"epoch {epoch}: reconstruction {error:.4f} pair correlation {score:.4f}")
    print(f"score: {score:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
