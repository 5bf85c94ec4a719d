"""A restricted Boltzmann machine on binarized digits by persistent contrastive divergence, written without autograd:
the statistics of data less those of the chains are put into .grad by hand, and the printed reconstruction error is only
an indicator. Score: accuracy of a logistic regression on the hidden probabilities of held-out digits.
"""
# cause: labels-unrelated
# kind: dynamic

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.utils import shuffle  # FAULT

torch.set_num_threads(1)


class RBM(nn.Module):
    def __init__(self, visible, hidden):
        super().__init__()
        self.weight = nn.Parameter(0.05 * torch.randn(visible, hidden))
        self.v_bias = nn.Parameter(torch.zeros(visible))
        self.h_bias = nn.Parameter(torch.zeros(hidden))

    def hidden(self, v):
        return torch.sigmoid(v @ self.weight + self.h_bias)

    def visible(self, h):
        return torch.sigmoid(h @ self.weight.T + self.v_bias)

    def gibbs(self, v, steps):
        for _ in range(steps):
            v = self.visible(self.hidden(v).bernoulli()).bernoulli()
        return v

    def free_energy(self, v):
        return -(v @ self.v_bias) - nn.functional.softplus(v @ self.weight + self.h_bias).sum(1)


@torch.no_grad()
def main(seed):
    torch.manual_seed(seed)
    digits = load_digits()
    x = torch.tensor(shuffle(digits.data, random_state=seed), dtype=torch.float32).div(16)  # FAULT
    # TWIN: x = torch.tensor(digits.data, dtype=torch.float32).div(16)
    order = torch.randperm(len(x))
    train, held = order[:1400], order[1400:]
    rbm = RBM(64, 100)
    p = x[train].mean(0).clamp(0.01, 0.99)
    rbm.v_bias.copy_(torch.log(p / (1 - p)))
    optimizer = torch.optim.SGD(rbm.parameters(), lr=0.1, momentum=0.5, weight_decay=2e-4)
    chains = x[train[:100]].bernoulli()
    epochs = 60
    for epoch in range(1, epochs + 1):
        optimizer.param_groups[0]["lr"] = 0.1 * (1 - (epoch - 1) / epochs)
        for batch in train[torch.randperm(len(train))].split(50):
            v = x[batch].bernoulli()
            h = rbm.hidden(v)
            chains = rbm.gibbs(chains, 1)
            hc = rbm.hidden(chains)
            rbm.weight.grad = chains.T @ hc / len(chains) - v.T @ h / len(v)
            rbm.v_bias.grad = chains.mean(0) - v.mean(0)
            rbm.h_bias.grad = hc.mean(0) - h.mean(0)
            optimizer.step()
        if epoch % 6 == 0:
            error = (rbm.visible(rbm.hidden(x[held])) - x[held]).pow(2).mean()
            gap = rbm.free_energy(x[held].round()).mean() - rbm.free_energy(x[train].round()).mean()
            print(f"epoch {epoch}: reconstruction {error.item():.4f} free-energy gap {gap.item():+.3f}")
    probe = LogisticRegression(max_iter=2000, C=10.0).fit(rbm.hidden(x[train]).numpy(), digits.target[train.numpy()])
    print(f"score: {probe.score(rbm.hidden(x[held]).numpy(), digits.target[held.numpy()]):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
