"""Named entities in BIO tags with a bidirectional LSTM and a conditional random field, batched.

After "Advanced: Making Dynamic Decisions and the Bi-LSTM CRF" of pytorch.org and the pytorch-crf package.
"""

import random
import sys

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence

TAGS = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG"]
FILL, NAMES = [f"f{i}" for i in range(80)], [f"n{i}" for i in range(60)]  # people and firms share names
PER_CUES, ORG_CUES = ["mr", "mrs", "dr", "says"], ["inc", "ltd", "bank", "group"]


def make_sentence(rng):
    words, tags = [], []
    for _ in range(rng.randint(1, 3)):
        k = rng.randint(1, 5)
        words += rng.choices(FILL, k=k)
        tags += ["O"] * k
        k = rng.randint(1, 3)
        if rng.random() < 0.5:
            words += [rng.choice(PER_CUES)] + rng.choices(NAMES, k=k)
            tags += ["O", "B-PER"] + ["I-PER"] * (k - 1)
        else:
            words += rng.choices(NAMES, k=k) + [rng.choice(ORG_CUES)]
            tags += ["B-ORG"] + ["I-ORG"] * k
    return words, tags


class CRF(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.start, self.end = nn.Parameter(0.1 * torch.randn(n)), nn.Parameter(0.1 * torch.randn(n))
        self.trans = nn.Parameter(0.1 * torch.randn(n, n))

    def nll(self, emit, tags, mask):
        """emit: B, T, n; mask: B, T, the first column all true."""
        ar, last = torch.arange(len(tags)), mask.sum(1) - 1
        gold = self.start[tags[:, 0]] + emit[ar, 0, tags[:, 0]]
        alpha = self.start + emit[:, 0]
        for t in range(1, emit.size(1)):
            m = mask[:, t]
            gold = gold + m * (self.trans[tags[:, t - 1], tags[:, t]] + emit[ar, t, tags[:, t]])
            new = torch.logsumexp(alpha.unsqueeze(2) + self.trans, dim=1) + emit[:, t]
            alpha = torch.where(m.unsqueeze(1), new, alpha)
        gold = gold + self.end[tags[ar, last]]
        return (torch.logsumexp(alpha + self.end, dim=1) - gold).mean()

    @torch.no_grad()
    def viterbi(self, emit, length):
        """One sentence, T, n."""
        score, back = self.start + emit[0], []
        for t in range(1, length):
            best, arg = (score.unsqueeze(1) + self.trans).max(dim=0)
            score = best + emit[t]
            back.append(arg)
        path = [(score + self.end).argmax().item()]
        for arg in reversed(back):
            path.append(arg[path[-1]].item())
        return path[::-1]


class BiLSTM_CRF(nn.Module):
    def __init__(self, vocab, emb=32, hidden=32):
        super().__init__()
        self.embed = nn.Embedding(vocab, emb, padding_idx=0)
        self.drop = nn.Dropout(0.2)
        self.lstm = nn.LSTM(emb, hidden, batch_first=True, bidirectional=True)
        self.hidden2tag = nn.Linear(2 * hidden, len(TAGS))
        self.crf = CRF(len(TAGS))

    def emissions(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(
            self.drop(self.embed(x)), lengths, batch_first=True, enforce_sorted=False
        )
        out, _ = nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.hidden2tag(self.drop(out))


def spans(tags):
    ends = [i for i in range(1, len(tags) + 1) if i == len(tags) or not tags[i].startswith("I-")]
    return {(i, min(e for e in ends if e > i), t[2:]) for i, t in enumerate(tags) if t.startswith("B-")}


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = random.Random(seed)
    data = [make_sentence(rng) for _ in range(1000)]
    train, test = data[:800], data[800:]
    word_to_ix = {w: i for i, w in enumerate(["<pad>", "<unk>"] + sorted({w for words, _ in train for w in words}))}

    def tensors(batch):
        x = [torch.tensor([word_to_ix.get(w, 1) for w in ws]) for ws, _ in batch]
        y = [torch.tensor([TAGS.index(t) for t in ts]) for _, ts in batch]
        return pad_sequence(x, batch_first=True), pad_sequence(y, batch_first=True), torch.tensor([len(i) for i in x])

    model = BiLSTM_CRF(len(word_to_ix))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=1e-5)
    for epoch in range(5):
        model.train()
        rng.shuffle(train)
        total = 0.0
        for i in range(0, len(train), 32):
            x, y, lengths = tensors(train[i : i + 32])
            loss = model.crf.nll(model.emissions(x, lengths), y, x != 0)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            total += loss.item() * len(x)
        print(f"epoch {epoch}: nll per sentence {total / len(train):.3f}")

    model.eval()
    hit = n_pred = n_gold = 0
    with torch.no_grad():
        x, _, lengths = tensors(test)
        emit = model.emissions(x, lengths)
    for e, n, (_, gold) in zip(emit, lengths.tolist(), test):
        p, g = spans([TAGS[i] for i in model.crf.viterbi(e, n)]), spans(gold)
        hit, n_pred, n_gold = hit + len(p & g), n_pred + len(p), n_gold + len(g)
    print(f"precision {hit / max(n_pred, 1):.4f} recall {hit / n_gold:.4f}")
    print(f"score: {2 * hit / (n_pred + n_gold):.4f}")  # entity F1


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
