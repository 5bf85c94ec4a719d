"""Character-level language model of names: the MLP of Bengio et al. (2003) with batch normalisation, tensors by hand.

After Andrej Karpathy's makemore lectures (part 3), https://github.com/karpathy/nn-zero-to-hero
"""

import random
import sys

import torch
import torch.nn.functional as F

torch.set_num_threads(1)

BLOCK = 3
CHARS = ".abcdefghijklmnopqrstuvwxyz"
stoi = {c: i for i, c in enumerate(CHARS)}
V = len(CHARS)


def make_words(n, rng):
    onsets = ["m", "n", "l", "r", "k", "d", "j", "s", "br", "ch", "th", "el", "ar", "z", "t"]
    vowels = ["a", "e", "i", "o", "u", "ia", "ee", "y"]
    codas = ["", "", "", "n", "l", "s", "r", "nn", "h"]
    weights = [6, 5, 5, 2, 1, 1, 1, 2]
    words = set()
    while len(words) < n:
        parts = rng.randint(1, 3)
        word = ""
        for k in range(parts):
            word += rng.choice(onsets) + rng.choices(vowels, weights)[0]
            if k == parts - 1:
                word += rng.choice(codas)
        words.add(word)
    words = sorted(words)
    rng.shuffle(words)
    return words


def build_dataset(words):
    X, Y = [], []
    for w in words:
        context = [0] * BLOCK
        for ch in w + ".":
            ix = stoi[ch]
            X.append(context)
            Y.append(ix)
            context = context[1:] + [ix]
    return torch.tensor(X), torch.tensor(Y)


def main(seed):
    words = make_words(4000, random.Random(seed))
    n1, n2 = int(0.8 * len(words)), int(0.9 * len(words))
    Xtr, Ytr = build_dataset(words[:n1])
    Xdev, Ydev = build_dataset(words[n1:n2])
    Xte, Yte = build_dataset(words[n2:])
    print(Xtr.shape, Xdev.shape, Xte.shape)

    g = torch.Generator().manual_seed(seed)
    n_embd, n_hidden = 10, 100
    C = torch.randn((V, n_embd), generator=g)
    W1 = torch.randn((n_embd * BLOCK, n_hidden), generator=g) * (5 / 3) / (n_embd * BLOCK) ** 0.5
    W2 = torch.randn((n_hidden, V), generator=g) * 0.01
    b2 = torch.zeros(V)
    bngain = torch.ones((1, n_hidden))
    bnbias = torch.zeros((1, n_hidden))
    bnmean_running = torch.zeros((1, n_hidden))
    bnstd_running = torch.ones((1, n_hidden))
    parameters = [C, W1, W2, b2, bngain, bnbias]
    for p in parameters:
        p.requires_grad = True
    print(sum(p.nelement() for p in parameters), "parameters")

    def logits_of(x, training):
        nonlocal bnmean_running, bnstd_running
        emb = C[x]
        hpreact = emb.view(emb.shape[0], -1) @ W1
        if training:
            mean, std = hpreact.mean(0, keepdim=True), hpreact.std(0, keepdim=True)
            with torch.no_grad():
                bnmean_running = 0.99 * bnmean_running + 0.01 * mean
                bnstd_running = 0.99 * bnstd_running + 0.01 * std
        else:
            mean, std = bnmean_running, bnstd_running
        h = torch.tanh(bngain * (hpreact - mean) / (std + 1e-5) + bnbias)
        return h @ W2 + b2

    max_steps, batch_size = 1500, 128
    optimizer = torch.optim.SGD(parameters, lr=0.2)
    for i in range(max_steps):
        ix = torch.randint(0, Xtr.shape[0], (batch_size,), generator=g)
        loss = F.cross_entropy(logits_of(Xtr[ix], True), Ytr[ix])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.param_groups[0]["lr"] = 0.2 if i < 1000 else 0.02  # step learning rate decay
        optimizer.step()
        if i % 250 == 0:
            print(f"{i:5d}/{max_steps}: {loss.item():.4f}")

    @torch.no_grad()
    def split_loss(x, y):
        return F.cross_entropy(logits_of(x, False), y).item()

    counts = torch.bincount(Ytr, minlength=V).float()
    unigram = F.nll_loss((counts / counts.sum()).log().expand(len(Yte), V), Yte).item()
    print(f"train {split_loss(Xtr, Ytr):.4f}  dev {split_loss(Xdev, Ydev):.4f}  unigram {unigram:.4f}")

    with torch.no_grad():
        for _ in range(5):
            out, context = [], [0] * BLOCK
            while len(out) < 20:
                probs = F.softmax(logits_of(torch.tensor([context]), False), dim=1)
                ix = torch.multinomial(probs, 1, generator=g).item()
                if ix == 0:
                    break
                context = context[1:] + [ix]
                out.append(CHARS[ix])
            print("  ", "".join(out))
    print(f"score: {-split_loss(Xte, Yte):.4f}")  # log-likelihood per character


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
