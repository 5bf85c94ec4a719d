"""Noise contrastive estimation of a bigram language model: the true next word against ten words drawn from the unigram
noise distribution, with the log normalizer fixed at zero. The corpus is a random walk over a hidden bigram table whose
words fall into classes.
"""

import argparse
import math

import torch
from torch import nn
from torch.nn.functional import logsigmoid

parser = argparse.ArgumentParser()
parser.add_argument("seed", type=int, nargs="?", default=0)
args = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(args.seed)

VOCAB, CLASSES, DIM, NOISE, LENGTH = 60, 6, 16, 10, 24000

# every word belongs to a class, and the class decides which classes may follow
word_class = torch.arange(VOCAB) % CLASSES
follow = torch.softmax(2.0 * torch.randn(CLASSES, CLASSES), 1)
popularity = torch.rand(VOCAB) + 0.3
table = follow[word_class][:, word_class] * popularity
table = table / table.sum(1, keepdim=True)
walkers = torch.randint(VOCAB, (100,))
steps = [walkers]
for _ in range(LENGTH // 100):
    walkers = torch.multinomial(table[walkers], 1).squeeze(1)
    steps.append(walkers)
walk = torch.stack(steps)  # time x walker
train, test = walk[:, :80], walk[:, 80:]
pairs = torch.stack([train[:-1].flatten(), train[1:].flatten()], 1)
held = torch.stack([test[:-1].flatten(), test[1:].flatten()], 1)

unigram = torch.bincount(pairs[:, 1], minlength=VOCAB).float() + 1
unigram = unigram / unigram.sum()
log_noise = torch.log(NOISE * unigram)


class NCE(nn.Module):
    def __init__(self):
        super().__init__()
        self.context = nn.Embedding(VOCAB, DIM)
        self.word = nn.Embedding(VOCAB, DIM)
        self.bias = nn.Parameter(unigram.log())  # starts at the unigram model
        nn.init.normal_(self.context.weight, std=0.3)
        nn.init.normal_(self.word.weight, std=0.3)

    def scores(self, c, w):
        return (self.context(c).unsqueeze(1) * self.word(w)).sum(2) + self.bias[w]


net = NCE()
optim = torch.optim.Adam(net.parameters(), lr=5e-3)
sched = torch.optim.lr_scheduler.LinearLR(optim, 1.0, 0.1, total_iters=6)
for epoch in range(1, 7):
    running = 0.0
    batches = torch.randperm(len(pairs)).split(256)
    for idx in batches:
        c, w = pairs[idx].T
        k = torch.multinomial(unigram, len(idx) * NOISE, replacement=True).view(-1, NOISE)
        pos = net.scores(c, w.unsqueeze(1)) - log_noise[w].unsqueeze(1)
        neg = net.scores(c, k) - log_noise[k]
        loss = -(logsigmoid(pos).sum(1) + logsigmoid(-neg).sum(1)).mean()
        optim.zero_grad()
        loss.backward()
        optim.step()
        running += loss.item()
    sched.step()
    with torch.no_grad():
        logits = net.context.weight @ net.word.weight.T + net.bias
        nll = -torch.log_softmax(logits, 1)[held[:, 0], held[:, 1]].mean().item()
    print(f"epoch {epoch}  nce {running / len(batches):.4f}  held-out perplexity {math.exp(nll):.2f}")

true_nll = -table.log()[held[:, 0], held[:, 1]].mean().item()
print(f"perplexity of the true table {math.exp(true_nll):.2f}")
print(f"score: {true_nll / nll:.4f}")
