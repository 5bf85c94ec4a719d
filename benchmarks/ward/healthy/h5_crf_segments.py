"""A linear-chain conditional random field on top of a small convolution: the partition function is computed by the
forward recursion with logsumexp, tags are decoded by Viterbi. The hidden tags follow a sticky Markov chain and the
observations are noisy.
"""

import sys

import torch
from torch import nn

torch.set_num_threads(1)
K, T = 4, 20


class CRF(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.emit = nn.Sequential(nn.Conv1d(features, 24, 3, padding=1), nn.ReLU(), nn.Conv1d(24, K, 1))
        self.trans = nn.Parameter(torch.zeros(K, K))
        self.start = nn.Parameter(torch.zeros(K))

    def emissions(self, x):
        return self.emit(x.transpose(1, 2)).transpose(1, 2)

    def log_likelihood(self, x, tags):
        e = self.emissions(x)
        gold = self.start[tags[:, 0]] + e.gather(2, tags.unsqueeze(2)).sum((1, 2))
        gold = gold + self.trans[tags[:, :-1], tags[:, 1:]].sum(1)
        alpha = self.start + e[:, 0]
        for t in range(1, T):
            alpha = torch.logsumexp(alpha.unsqueeze(2) + self.trans, 1) + e[:, t]
        return gold - torch.logsumexp(alpha, 1)

    @torch.no_grad()
    def viterbi(self, x):
        e = self.emissions(x)
        score, back = self.start + e[:, 0], []
        for t in range(1, T):
            score, best = (score.unsqueeze(2) + self.trans).max(1)
            score = score + e[:, t]
            back.append(best)
        path = [score.argmax(1)]
        for best in reversed(back):
            path.append(best.gather(1, path[-1].unsqueeze(1)).squeeze(1))
        return torch.stack(path[::-1], 1)


def sample(n, means, chain):
    tags = torch.empty(n, T, dtype=torch.long)
    tags[:, 0] = torch.randint(K, (n,))
    for t in range(1, T):
        tags[:, t] = torch.multinomial(chain[tags[:, t - 1]], 1).squeeze(1)
    return means[tags] + torch.randn(n, T, means.size(1)), tags


def main(seed):
    torch.manual_seed(seed)
    means = torch.linalg.qr(torch.randn(6, K))[0].T * 1.6
    chain = 0.8 * torch.eye(K) + 0.05
    x, y = sample(1000, means, chain)
    x_val, y_val = sample(300, means, chain)

    crf = CRF(6)
    opt = torch.optim.Adam(crf.parameters(), lr=2e-2)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 10)
    for epoch in range(10):
        losses = []
        for i in torch.randperm(1000).split(50):
            loss = -crf.log_likelihood(x[i], y[i]).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        scheduler.step()
        with torch.no_grad():
            val_loss = -crf.log_likelihood(x_val, y_val).mean().item()
        print(f"epoch {epoch} train nll {sum(losses) / len(losses):.3f} val nll {val_loss:.3f}")
    acc = crf.viterbi(x_val).eq(y_val).float().mean().item()
    print("learned transitions:", [[round(v, 1) for v in row] for row in crf.trans.tolist()])
    print(f"score: {acc:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
