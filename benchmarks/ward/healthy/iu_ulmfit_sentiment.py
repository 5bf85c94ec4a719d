"""Transfer for text: an LSTM language model on unlabelled reviews, then a classifier on a few hundred labels, unfrozen step by step.

After ULMFiT (Howard & Ruder 2018) and the NLP chapter of the fast.ai book, https://github.com/fastai/fastbook (10_nlp)
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

PAD, LENGTH = 0, 14
POS, NEG, NEUTRAL = np.arange(1, 16), np.arange(16, 31), np.arange(31, 61)
VOCAB = 61


def make_reviews(n, grammar, rng):
    """Neutral words follow a grammar of bigrams; among them words of praise and of blame, mostly of the review's side."""
    x, y = np.zeros((n, LENGTH), dtype=np.int64), rng.integers(0, 2, size=n)
    for i in range(n):
        neutral = rng.integers(len(NEUTRAL))
        for t in range(rng.integers(9, LENGTH + 1)):
            if rng.random() < 0.4:
                own = rng.random() < 0.82
                x[i, t] = rng.choice(POS if own == y[i] else NEG)
            else:
                x[i, t] = NEUTRAL[neutral]
                neutral = grammar[neutral, rng.choice(3, p=[0.7, 0.2, 0.1])]
    return torch.tensor(x), torch.tensor(y)


class Encoder(nn.Module):
    def __init__(self, dim=40, hidden=48):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim, padding_idx=PAD)
        self.drop = nn.Dropout(0.2)
        self.lstm = nn.LSTM(dim, hidden, batch_first=True)

    def forward(self, x):
        return self.lstm(self.drop(self.embed(x)))[0]


class Classifier(nn.Module):
    """Concat pooling: last state, mean and max over the real words."""

    def __init__(self, encoder, hidden=48):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Sequential(
            nn.BatchNorm1d(3 * hidden), nn.Dropout(0.3), nn.Linear(3 * hidden, 32), nn.ReLU(), nn.Linear(32, 2)
        )

    def forward(self, x):
        h, mask = self.encoder(x), (x != PAD).unsqueeze(2)
        n = mask.sum(1)
        last = h[torch.arange(len(x)), n.squeeze(1) - 1]
        mean = (h * mask).sum(1) / n
        peak = h.masked_fill(~mask, -1e4).amax(1)
        return self.head(torch.cat([last, mean, peak], dim=1))


def lm_loss(encoder, decoder, seq):
    logits = decoder(encoder(seq[:, :-1]))
    return F.cross_entropy(logits.reshape(-1, VOCAB), seq[:, 1:].reshape(-1), ignore_index=PAD)


def pretrain(encoder, x, x_valid, epochs):
    decoder = nn.Linear(48, VOCAB)
    params = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.AdamW(params, lr=1e-3, weight_decay=0.01)
    batch = 64
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.5e-2, total_steps=epochs * (len(x) // batch))
    for epoch in range(epochs):
        encoder.train()
        total = 0.0
        for idx in torch.randperm(len(x))[: len(x) // batch * batch].view(-1, batch):
            loss = lm_loss(encoder, decoder, x[idx])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(params, 1.0)
            optimizer.step()
            scheduler.step()
            total += loss.item()
        encoder.eval()
        with torch.no_grad():
            valid = lm_loss(encoder, decoder, x_valid).exp().item()
        print(f"lm epoch {epoch}: perplexity {np.exp(total / (len(x) // batch)):.1f}, valid {valid:.1f}")


def fit_one_cycle(model, x, y, epochs, lrs, batch=32):
    """lrs: learning rates of head, LSTM, embedding; None leaves a group frozen."""
    groups = [model.head, model.encoder.lstm, model.encoder.embed]
    for module, lr in zip(groups, lrs):
        module.requires_grad_(lr is not None)
    params = [{"params": g.parameters(), "lr": lr} for g, lr in zip(groups, lrs) if lr]
    optimizer = torch.optim.AdamW(params, weight_decay=0.01)
    steps = epochs * (len(x) // batch)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=[lr for lr in lrs if lr], total_steps=steps)
    for _ in range(epochs):
        model.train()
        for idx in torch.randperm(len(x))[: len(x) // batch * batch].view(-1, batch):
            loss = F.cross_entropy(model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
    print(f"classifier, {len(params)} group(s) trained: last loss {loss.item():.4f}")


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    grammar = np.array([rng.choice(len(NEUTRAL), 3, replace=False) for _ in NEUTRAL])
    unlabelled, _ = make_reviews(4000, grammar, rng)
    (x, y), (x_test, y_test) = make_reviews(800, grammar, rng), make_reviews(1000, grammar, rng)
    encoder = Encoder()
    pretrain(encoder, unlabelled[:3600], unlabelled[3600:], 5)
    model = Classifier(encoder)
    fit_one_cycle(model, x, y, 4, (1e-2, None, None))
    fit_one_cycle(model, x, y, 4, (5e-3, 2.5e-3, None))
    fit_one_cycle(model, x, y, 5, (4e-3, 2e-3, 1e-3))
    model.eval()
    with torch.no_grad():
        print(f"score: {(model(x_test).argmax(1) == y_test).float().mean().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
