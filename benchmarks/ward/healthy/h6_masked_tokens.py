"""Masked-token pretext task (BERT style: 15 % of the places, 80/10/10 rule) on sequences made by a noisy counting
grammar; input and output embeddings are tied. Score: accuracy on masked places of held-out sequences.
"""

import argparse

import torch
from torch import nn

torch.set_num_threads(1)
N_TOKENS, MASK, LENGTH = 10, 10, 16


def corpus(n, gen):
    """Each sequence counts upwards modulo 10 by its own stride of 1 or 2; one token in fifty is random."""
    start = torch.randint(0, N_TOKENS, (n, 1), generator=gen)
    stride = torch.randint(1, 3, (n, 1), generator=gen)
    seq = (start + stride * torch.arange(LENGTH)) % N_TOKENS
    noise = torch.rand(n, LENGTH, generator=gen) < 0.02
    return torch.where(noise, torch.randint(0, N_TOKENS, (n, LENGTH), generator=gen), seq)


def mask_tokens(seq):
    chosen = torch.rand(seq.shape) < 0.15
    labels = seq.masked_fill(~chosen, -100)
    dice = torch.rand(seq.shape)
    masked = torch.where(chosen & (dice < 0.8), torch.full_like(seq, MASK), seq)
    masked = torch.where(chosen & (dice > 0.9), torch.randint_like(seq, 0, N_TOKENS), masked)
    return masked, labels


class TinyBert(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.tok = nn.Embedding(N_TOKENS + 1, dim)
        self.pos = nn.Embedding(LENGTH, dim)
        nn.init.normal_(self.tok.weight, std=0.1)
        nn.init.normal_(self.pos.weight, std=0.1)
        layer = nn.TransformerEncoderLayer(dim, 4, 64, dropout=0.0, activation="gelu", batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.out = nn.Linear(dim, N_TOKENS + 1)
        self.out.weight = self.tok.weight

    def forward(self, seq):
        return self.out(self.encoder(self.tok(seq) + self.pos.weight))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("seed", nargs="?", type=int, default=0)
    seed = ap.parse_args().seed
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    train, held_out = corpus(3000, gen), corpus(400, gen)
    held_masked, held_labels = mask_tokens(held_out)
    model = TinyBert()
    ce = nn.CrossEntropyLoss(ignore_index=-100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, betas=(0.9, 0.98), weight_decay=0.01)
    total_steps = 400
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min((s + 1) / 40, (total_steps - s) / 360))
    for step in range(1, total_steps + 1):
        masked, labels = mask_tokens(train[torch.randint(0, len(train), (48,))])
        loss = ce(model(masked).flatten(0, 1), labels.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            model.eval()
            with torch.no_grad():
                out = model(held_masked)
            place = held_labels != -100
            acc = (out.argmax(-1)[place] == held_labels[place]).float().mean().item()
            val = ce(out.flatten(0, 1), held_labels.flatten()).item()
            print(f"step {step}: train {loss.item():.4f} held-out {val:.4f} accuracy {acc:.4f}")
            model.train()
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
