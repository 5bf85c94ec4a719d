"""A small causal transformer is pretrained on toy messages, then fine-tuned as a spam classifier: last block, norm and new head only, last real token.

After chapters 5 and 6 of "Build a Large Language Model (From Scratch)", https://github.com/rasbt/LLMs-from-scratch
"""

import random
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

SUBJECTS, FRIENDS = ["i", "we", "they", "mum", "dad"], ["you", "him", "her", "anna", "tom"]
VERBS, WHEN = ["call", "meet", "see", "text", "visit"], ["today", "tomorrow", "later", "tonight", "soon"]
PRIZES, URGES = ["cash", "phone", "holiday", "voucher"], ["now", "today", "tonight", "soon"]
WORDS = (
    SUBJECTS + FRIENDS + VERBS + WHEN + PRIZES + ["now", "claim", "win", "a", "your", "free", "will", "bought", "got"]
)
VOCAB = ["<pad>", "<eos>"] + list(dict.fromkeys(WORDS))
STOI = {w: i for i, w in enumerate(VOCAB)}
CONTEXT = 12


def message(rnd, spam):
    """Both kinds share most words, so single words decide little."""
    p, f, s, v = rnd.choice(PRIZES), rnd.choice(FRIENDS), rnd.choice(SUBJECTS), rnd.choice(VERBS)
    if spam:
        words = rnd.choice(
            [
                f"you win a free {p} {v} {rnd.choice(URGES)}",
                f"claim your {p} {v} {rnd.choice(URGES)}",
                f"{v} {rnd.choice(URGES)} win a {p} {rnd.choice(URGES)}",
            ]
        )
    else:
        words = rnd.choice(
            [
                f"{s} got a free {p} {rnd.choice(WHEN)}",
                f"{s} will {v} {f} {rnd.choice(WHEN)}",
                f"{s} will win a {p} {rnd.choice(WHEN)}",
                f"{s} bought your {p} will {v} {rnd.choice(WHEN)}",
            ]
        )
    return [STOI[w] for w in words.split()] + [STOI["<eos>"]]


def pad(rows):
    return torch.tensor([r + [0] * (CONTEXT - len(r)) for r in rows])


class Block(nn.Module):
    def __init__(self, d, heads, drop):
        super().__init__()
        self.norm1, self.norm2, self.drop = nn.LayerNorm(d), nn.LayerNorm(d), nn.Dropout(drop)
        self.att = nn.MultiheadAttention(d, heads, dropout=drop, batch_first=True)
        self.ff = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

    def forward(self, x, mask):
        h = self.norm1(x)
        x = x + self.drop(self.att(h, h, h, attn_mask=mask, need_weights=False)[0])
        return x + self.drop(self.ff(self.norm2(x)))


class GPTModel(nn.Module):
    def __init__(self, vocab, d=48, heads=4, layers=2, drop=0.1):
        super().__init__()
        self.tok_emb, self.pos_emb, self.drop = nn.Embedding(vocab, d), nn.Embedding(CONTEXT, d), nn.Dropout(drop)
        self.blocks = nn.ModuleList(Block(d, heads, drop) for _ in range(layers))
        self.final_norm, self.out_head = nn.LayerNorm(d), nn.Linear(d, vocab, bias=False)

    def forward(self, idx):
        T = idx.size(1)
        mask = torch.triu(torch.ones(T, T, dtype=torch.bool), diagonal=1)
        x = self.drop(self.tok_emb(idx) + self.pos_emb(torch.arange(T)))
        for block in self.blocks:
            x = block(x, mask)
        return self.out_head(self.final_norm(x))


def pretrain(model, ids, steps):
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.1)
    model.train()
    for step in range(steps):
        batch = ids[torch.randint(len(ids), (32,))]
        logits = model(batch[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten(), ignore_index=0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % 50 == 0:
            print(f"pretrain step {step + 1}: loss {loss.item():.3f}")


def class_logits(model, ids):
    last = (ids != 0).sum(1) - 1
    return model(ids)[torch.arange(len(ids)), last]


@torch.no_grad()
def accuracy(model, ids, labels):
    model.eval()
    return (class_logits(model, ids).argmax(1) == labels).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rnd = random.Random(seed)
    corpus = pad([message(rnd, rnd.random() < 0.5) for _ in range(3000)])
    # distinct messages for the classifier, so that none is in two splits
    pool = list({tuple(message(rnd, spam)): spam for spam in [True, False] * 700}.items())
    spam, ham = [m for m in pool if m[1]], [m for m in pool if not m[1]]
    n = min(len(spam), len(ham), 300)  # balanced classes
    rows = rnd.sample(spam, n) + rnd.sample(ham, n)
    rnd.shuffle(rows)
    ids, labels = pad([list(r) for r, _ in rows]), torch.tensor([int(s) for _, s in rows])
    cut = int(0.7 * len(rows))
    known = {tuple(r) for r in ids[cut:].tolist()}
    corpus = torch.stack([c for c in corpus if tuple(c.tolist()) not in known])  # test messages stay unseen

    model = GPTModel(len(VOCAB))
    pretrain(model, corpus, 250)
    for param in model.parameters():
        param.requires_grad = False
    model.out_head = nn.Linear(48, 2)
    for module in (model.blocks[-1], model.final_norm):
        for param in module.parameters():
            param.requires_grad = True
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3, weight_decay=0.1)
    for epoch in range(6):
        model.train()
        for idx in torch.randperm(cut).split(16):
            loss = F.cross_entropy(class_logits(model, ids[idx]), labels[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(
            f"Ep {epoch + 1}: train acc {accuracy(model, ids[:cut], labels[:cut]):.3f}, "
            f"test acc {accuracy(model, ids[cut:], labels[cut:]):.3f}"
        )
    print(f"score: {accuracy(model, ids[cut:], labels[cut:]):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
