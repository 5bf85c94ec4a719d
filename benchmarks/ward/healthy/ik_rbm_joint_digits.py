"""A restricted Boltzmann machine over black-and-white digits joined with their labels, by persistent contrastive
divergence: hand-written gradients, no loss at all, Gibbs chains kept between steps. Labels are read off free energies.
"""

import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.set_num_threads(1)
COPIES = 3


class RBM:
    def __init__(self, visible, hidden, gen):
        self.gen = gen
        self.w = 0.05 * torch.randn(visible, hidden, generator=gen)
        self.a, self.b = torch.zeros(visible), torch.zeros(hidden)

    def hidden(self, v):
        return torch.sigmoid(v @ self.w + self.b)

    def visible(self, h):
        return torch.sigmoid(h @ self.w.T + self.a)

    def flip(self, p):
        return torch.bernoulli(p, generator=self.gen)

    def free_energy(self, v):
        return -(v @ self.a) - torch.nn.functional.softplus(v @ self.w + self.b).sum(1)

    def step(self, data, chains, rate, decay=2e-4):
        up = self.hidden(data)
        for _ in range(2):
            chains = self.flip(self.visible(self.flip(self.hidden(chains))))
        down = self.hidden(chains)
        self.w += rate * (data.T @ up / len(data) - chains.T @ down / len(chains) - decay * self.w)
        self.a += rate * (data.mean(0) - chains.mean(0))
        self.b += rate * (up.mean(0) - down.mean(0))
        return chains


def join(images, labels):
    return torch.cat([images, torch.eye(10)[labels].repeat(1, COPIES)], 1)


def classify(rbm, images):
    energies = [rbm.free_energy(join(images, torch.full((len(images),), k))) for k in range(10)]
    return torch.stack(energies, 1).argmin(1)


def main(seed):
    gen = torch.Generator().manual_seed(seed)
    pixels, labels = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(pixels, labels, test_size=0.3, stratify=labels, random_state=seed)
    x, x_test = (torch.tensor(a > 7).float() for a in (x, x_test))
    y, y_test = torch.tensor(y), torch.tensor(y_test)
    data = join(x, y)
    rbm = RBM(data.shape[1], 128, gen)
    p = data.mean(0).clamp(0.02, 0.98)
    rbm.a = torch.log(p / (1 - p))
    chains = data[torch.randperm(len(data), generator=gen)[:100]].clone()
    for epoch in range(100):
        rate = 0.05 * (1 - epoch / 100)
        for idx in torch.randperm(len(data), generator=gen).split(25):
            chains = rbm.step(data[idx], chains, rate)
        if epoch % 10 == 9:
            again = rbm.visible(rbm.hidden(data))
            acc = (classify(rbm, x_test) == y_test).float().mean().item()
            gap = (rbm.free_energy(join(x_test, y_test)).mean() - rbm.free_energy(data).mean()).item()
            print(f"epoch {epoch + 1} reconstruction {(again - data).pow(2).mean():.4f} gap {gap:.2f} acc {acc:.4f}")
    print(f"score: {(classify(rbm, x_test) == y_test).float().mean().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
