"""Sequential recommendation with a small SASRec: causal self-attention over the item history, binary loss on the next item
and one sampled negative, leave-last-out evaluation against all items.

After https://github.com/pmixer/SASRec.pytorch (Kang and McAuley, "Self-Attentive Sequential Recommendation")
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

N_USERS, N_ITEMS, MAXLEN = 700, 80, 20  # items are 1..N_ITEMS, 0 pads on the left


def make_sequences(rng):
    """A Markov chain over items: a few likely successors for each item, some jumps at random."""
    successors = np.stack([rng.choice(N_ITEMS, 4, replace=False) for _ in range(N_ITEMS)]) + 1
    sequences = []
    for _ in range(N_USERS):
        item, seq = int(rng.integers(1, N_ITEMS + 1)), []
        for _ in range(int(rng.integers(10, MAXLEN + 3))):
            seq.append(item)
            item = (
                int(rng.choice(successors[item - 1], p=[0.5, 0.25, 0.15, 0.1]))
                if rng.random() < 0.85
                else int(rng.integers(1, N_ITEMS + 1))
            )
        sequences.append(seq)
    return sequences


def pad(seq):
    seq = seq[-MAXLEN:]
    return [0] * (MAXLEN - len(seq)) + seq


class SASRec(nn.Module):
    def __init__(self, hidden=48, blocks=2, heads=2, dropout=0.2):
        super().__init__()
        self.item_emb = nn.Embedding(N_ITEMS + 1, hidden, padding_idx=0)
        self.pos_emb = nn.Embedding(MAXLEN, hidden)
        nn.init.normal_(self.pos_emb.weight, std=0.05)
        nn.init.normal_(self.item_emb.weight, std=0.1)
        with torch.no_grad():
            self.item_emb.weight[0].zero_()
        self.drop = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(hidden, heads, 2 * hidden, dropout, batch_first=True, norm_first=True)
            for _ in range(blocks)
        )
        self.norm = nn.LayerNorm(hidden)
        self.register_buffer("causal", torch.triu(torch.full((MAXLEN, MAXLEN), float("-inf")), diagonal=1))

    def log2feats(self, seq):
        x = self.drop(self.item_emb(seq) + self.pos_emb.weight)
        # padded positions come first and are never targets; they may see one another, real items must not see them
        hide = (seq == 0).unsqueeze(1) & (seq != 0).unsqueeze(2)
        mask = self.causal + torch.zeros(hide.shape).masked_fill(hide, float("-inf"))
        mask = mask.repeat_interleave(self.blocks[0].self_attn.num_heads, dim=0)
        for block in self.blocks:
            x = block(x, src_mask=mask)
        return self.norm(x)

    def forward(self, seq, pos, neg):
        feats = self.log2feats(seq)
        return (feats * self.item_emb(pos)).sum(-1), (feats * self.item_emb(neg)).sum(-1)

    def predict(self, seq):
        return self.log2feats(seq)[:, -1] @ self.item_emb.weight[1:].T


def evaluate(model, seq, target, k=10):
    model.eval()
    with torch.no_grad():
        top = model.predict(seq).topk(k, dim=1).indices + 1
    return (top == target.unsqueeze(1)).any(1).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    sequences = make_sequences(np.random.default_rng(seed))
    train_in = torch.tensor([pad(s[:-3]) for s in sequences])
    train_out = torch.tensor([pad(s[1:-2]) for s in sequences])
    valid_in, valid_out = torch.tensor([pad(s[:-2]) for s in sequences]), torch.tensor([s[-2] for s in sequences])
    test_in, test_out = torch.tensor([pad(s[:-1]) for s in sequences]), torch.tensor([s[-1] for s in sequences])

    model = SASRec()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, betas=(0.9, 0.98))
    print(f"HR@10 before training: {evaluate(model, valid_in, valid_out):.4f} (chance {10 / N_ITEMS:.3f})")
    for epoch in range(1, 18):
        model.train()
        losses = []
        for idx in torch.randperm(N_USERS).split(100):
            seq, pos = train_in[idx], train_out[idx]
            neg = torch.randint(1, N_ITEMS, pos.shape)
            neg = neg + (neg >= pos).long()  # any item but the positive one
            pos_logits, neg_logits = model(seq, pos, neg)
            real = pos != 0
            loss = F.binary_cross_entropy_with_logits(
                pos_logits[real], torch.ones(real.sum())
            ) + F.binary_cross_entropy_with_logits(neg_logits[real], torch.zeros(real.sum()))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if epoch % 4 == 0:
            print(f"epoch:{epoch}, loss {np.mean(losses):.4f}, valid HR@10: {evaluate(model, valid_in, valid_out):.4f}")
    print(f"score: {evaluate(model, test_in, test_out):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
