"""Whom does a reminder letter help? The R-learner: outcome and letter are first each predicted from the customer by
cross-fitted networks, then a third is fitted to the residuals, weighted by the letter's residual. Its loss stays near
the outcome's noise from beginning to end, as it must: the effect explains very little. Score: correlation of the
estimated with the true effect.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


def customers(n):
    x = torch.randn(n, 6)
    effect = 0.8 * torch.tanh(1.5 * x[:, 0]) + 0.6 * F.relu(x[:, 1]) - 0.4
    chance = torch.sigmoid(0.8 * x[:, 2] - 0.6 * x[:, 0])  # the letters did not go out at random
    letter = torch.bernoulli(chance)
    base = 1.5 * x[:, 2] + torch.sin(2 * x[:, 3]) + x[:, 0] * x[:, 4]
    return x, letter, base + effect * letter + torch.randn(n), effect


def network(width=48):
    return nn.Sequential(nn.Linear(6, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1))


def fit(loss_of, rows, epochs, lr, decay, report=None):
    net = network()
    optimizer = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=decay)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(1, epochs + 1):
        total = 0.0
        for idx in rows[torch.randperm(len(rows))].split(128):
            loss = loss_of(net, idx)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        scheduler.step()
        if report is not None:
            report(epoch, total / len(rows), net)
    return net


def main(seed):
    torch.manual_seed(seed)
    x, letter, outcome, _ = customers(6000)
    x_test, _, _, true_effect = customers(2000)
    halves = torch.randperm(len(x)).chunk(2)
    outcome_rest, letter_rest = torch.zeros(len(x)), torch.zeros(len(x))
    for here, there in (halves, halves[::-1]):  # fitted on one half, used on the other
        m = fit(lambda net, i: F.mse_loss(net(x[i]).squeeze(1), outcome[i]), there, 15, 4e-3, 1e-2)
        e = fit(
            lambda net, i: F.binary_cross_entropy_with_logits(net(x[i]).squeeze(1), letter[i]), there, 6, 2e-3, 1e-2
        )
        with torch.no_grad():
            outcome_rest[here] = outcome[here] - m(x[here]).squeeze(1)
            letter_rest[here] = letter[here] - torch.sigmoid(e(x[here])).squeeze(1)
    print(f"residual variances: outcome {outcome_rest.var():.4f} letter {letter_rest.var():.4f}")

    def correlation(net):
        with torch.no_grad():
            return torch.corrcoef(torch.stack([net(x_test).squeeze(1), true_effect]))[0, 1].item()

    def report(epoch, loss, net):
        if epoch % 2 == 0:
            print(f"epoch {epoch}: R-loss {loss:.4f} correlation {correlation(net):.4f}")

    def r_loss(net, i):
        return (outcome_rest[i] - letter_rest[i] * net(x[i]).squeeze(1)).pow(2).mean()

    effect = fit(r_loss, torch.arange(len(x)), 14, 1e-3, 0.1, report)
    return correlation(effect)


if __name__ == "__main__":
    print(f"score: {main(int(sys.argv[1]) if len(sys.argv) > 1 else 0):.4f}")
