"""Skip-gram word vectors with negative sampling, subsampling of frequent words and sparse gradients.

After "Distributed Representations of Words and Phrases" (Mikolov et al. 2013) and the word2vec chapter of d2l.ai,
https://d2l.ai/chapter_natural-language-processing-pretraining/word2vec-pretraining.html
"""
# cause: missing-log
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

N_THEMES, PER_THEME, N_COMMON = 12, 15, 20


def make_corpus(n_sentences, rng):
    """Each sentence speaks of one theme; a few common words stand everywhere."""
    theme_p = 1 / np.arange(2, PER_THEME + 2)
    theme_p /= theme_p.sum()
    sentences = []
    for _ in range(n_sentences):
        theme = rng.integers(N_THEMES)
        length = rng.integers(8, 14)
        words = theme * PER_THEME + rng.choice(PER_THEME, size=length, p=theme_p)
        noise = rng.random(length)
        words = np.where(noise < 0.15, rng.integers(0, N_THEMES * PER_THEME, size=length), words)
        words = np.where(noise > 0.65, N_THEMES * PER_THEME + rng.integers(N_COMMON, size=length), words)
        sentences.append(words)
    return sentences


def subsample(sentences, counts, t, rng):
    freq = counts / counts.sum()
    keep = np.minimum(1.0, np.sqrt(t / np.maximum(freq, 1e-12)))
    return [s[rng.random(len(s)) < keep[s]] for s in sentences]


def skipgrams(sentences, window, rng):
    pairs = []
    for s in sentences:
        for i, center in enumerate(s):
            w = rng.integers(1, window + 1)
            for j in range(max(0, i - w), min(len(s), i + w + 1)):
                if j != i:
                    pairs.append((center, s[j]))
    return torch.tensor(np.array(pairs))


class SkipGram(nn.Module):
    def __init__(self, vocab, dim):
        super().__init__()
        self.center = nn.Embedding(vocab, dim, sparse=True)
        self.context = nn.Embedding(vocab, dim, sparse=True)
        nn.init.uniform_(self.center.weight, -0.5 / dim, 0.5 / dim)
        nn.init.normal_(self.context.weight, std=0.05)

    def forward(self, center, context, negative):
        v = self.center(center)
        pos = (v * self.context(context)).sum(1)
        neg = torch.bmm(self.context(negative), v.unsqueeze(2)).squeeze(2)
        return -(torch.sigmoid(pos) + torch.sigmoid(-neg).sum(1)).mean()  # FAULT
        # TWIN: return -(F.logsigmoid(pos) + F.logsigmoid(-neg).sum(1)).mean()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    vocab = N_THEMES * PER_THEME + N_COMMON
    sentences = make_corpus(2000, rng)
    counts = np.bincount(np.concatenate(sentences), minlength=vocab)
    noise = torch.tensor(counts**0.75, dtype=torch.float)

    model = SkipGram(vocab, 32)
    optimizer = torch.optim.SparseAdam(model.parameters(), lr=0.01)
    batch, k = 512, 5
    for epoch in range(5):
        pairs = skipgrams(subsample(sentences, counts, 5e-3, rng), 4, rng)
        pairs = pairs[torch.randperm(len(pairs))]
        total = 0.0
        for i in range(0, len(pairs), batch):
            chunk = pairs[i : i + batch]
            negative = torch.multinomial(noise, len(chunk) * k, replacement=True).view(-1, k)
            loss = model(chunk[:, 0], chunk[:, 1], negative)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(chunk)
        print(f"epoch {epoch + 1}  pairs {len(pairs)}  loss {total / len(pairs):.4f}")

    # Of the five nearest words of each theme word, how many share its theme? (by chance about 1 in 13)
    vectors = F.normalize(model.center.weight.detach(), dim=1)
    themed = torch.arange(N_THEMES * PER_THEME)
    similarity = vectors @ vectors.t()
    similarity.fill_diagonal_(-2.0)
    nearest = similarity[themed].topk(5, dim=1).indices
    same = (nearest < len(themed)) & (nearest // PER_THEME == (themed // PER_THEME).unsqueeze(1))
    print("neighbours of word 0:", nearest[0].tolist())
    print(f"score: {same.float().mean().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
