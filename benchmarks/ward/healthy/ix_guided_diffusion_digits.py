"""A class-conditional diffusion model of 8x8 digits with classifier-free guidance. The samples are judged by a classifier
that was fitted to real digits: how many of them look like the digit that was asked for?

After https://github.com/TeaPearce/Conditional_Diffusion_MNIST and Ho & Salimans (2022).
"""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.svm import SVC
from torch import nn


class ResidualMLP(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.condition = nn.Linear(dim, 2 * dim)
        self.net = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x, emb):
        scale, shift = self.condition(emb).chunk(2, -1)
        return x + self.net(self.norm(x) * (1 + scale) + shift)


class ContextNet(nn.Module):
    def __init__(self, dim=96, classes=10, depth=2):
        super().__init__()
        self.inp = nn.Linear(64, dim)
        self.context = nn.Embedding(classes + 1, dim)  # the last row: no context
        self.time = nn.Sequential(nn.Linear(33, dim), nn.GELU(), nn.Linear(dim, dim))
        self.blocks = nn.ModuleList(ResidualMLP(dim) for _ in range(depth))
        self.out = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 64))
        self.register_buffer("freqs", torch.exp(torch.linspace(0, 6, 16)))

    def forward(self, x, c, t):
        t = t[:, None]
        features = torch.cat([t, (t * self.freqs).sin(), (t * self.freqs).cos()], 1)
        emb = F.gelu(self.context(c) + self.time(features))
        x = self.inp(x)
        for block in self.blocks:
            x = block(x, emb)
        return self.out(x)


class DDPM(nn.Module):
    def __init__(self, net, betas=(1e-3, 0.12), n_t=60, drop_prob=0.1, classes=10):
        super().__init__()
        self.net, self.n_t, self.drop_prob, self.classes = net, n_t, drop_prob, classes
        beta = torch.linspace(*betas, n_t)
        self.register_buffer("beta", beta)
        self.register_buffer("alpha_bar", torch.cumprod(1 - beta, 0))

    def forward(self, x, c):
        t = torch.randint(0, self.n_t, (len(x),))
        noise = torch.randn_like(x)
        ab = self.alpha_bar[t, None]
        c = torch.where(torch.rand(len(c)) < self.drop_prob, self.classes, c)
        return F.mse_loss(self.net(ab.sqrt() * x + (1 - ab).sqrt() * noise, c, t / self.n_t), noise)

    @torch.no_grad()
    def sample(self, c, guide_w):
        x = torch.randn(len(c), 64)
        none = torch.full_like(c, self.classes)
        for i in reversed(range(self.n_t)):
            t = torch.full((len(c),), i / self.n_t)
            eps_c, eps_0 = self.net(x, c, t), self.net(x, none, t)
            eps = (1 + guide_w) * eps_c - guide_w * eps_0
            beta, ab = self.beta[i], self.alpha_bar[i]
            x = (x - beta / (1 - ab).sqrt() * eps) / (1 - beta).sqrt()
            if i > 0:
                x = x + beta.sqrt() * torch.randn_like(x)
        return x.clamp(-1, 1)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    images, labels = load_digits(return_X_y=True)
    x = torch.tensor(images / 8 - 1, dtype=torch.float32)
    y = torch.tensor(labels)
    judge = SVC(gamma="scale").fit(x.numpy(), labels)
    ddpm = DDPM(ContextNet())
    n_epoch, batch_size, lrate = 32, 128, 2e-3
    optim = torch.optim.Adam(ddpm.parameters(), lr=lrate)
    loss_ema = None
    for ep in range(n_epoch):
        ddpm.train()
        optim.param_groups[0]["lr"] = lrate * (1 - ep / n_epoch)  # linear decay
        for idx in torch.randperm(len(x)).split(batch_size):
            loss = ddpm(x[idx], y[idx])
            optim.zero_grad()
            loss.backward()
            optim.step()
            loss_ema = loss.item() if loss_ema is None else 0.95 * loss_ema + 0.05 * loss.item()
        if ep % 4 == 3:
            print(f"epoch {ep + 1}: loss {loss_ema:.4f}")
    ddpm.eval()
    wanted = torch.arange(10).repeat(20)
    for w in (0.0, 0.5):
        samples = ddpm.sample(wanted, w)
        agreement = (judge.predict(samples.numpy()) == wanted.numpy()).mean()
        spread = torch.stack([samples[wanted == k].std(0).mean() for k in range(10)]).mean()
        print(f"guidance {w}: judged as asked {agreement:.4f}, within-class std {spread:.3f}")
        if w == 0.5:
            score = agreement
    real_spread = torch.stack([x[y == k].std(0).mean() for k in range(10)]).mean()
    print(f"within-class std of real digits {real_spread:.3f}")
    print(f"score: {score:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
