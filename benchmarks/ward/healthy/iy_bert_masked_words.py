"""Masked language modelling with a small BERT encoder: 80/10/10 masking, warm-up and linear decay, decay-free groups.

After https://github.com/codertimo/BERT-pytorch, on sentences from a made-up language with topics and fixed collocations.
"""

import math
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

PAD, MASK, CLS, SPECIAL = 0, 1, 2, 3
N_PAIRS, LENGTH = 24, 12


def sentences(n, rng):
    """Each sentence has a topic of six word pairs; the partner of every word comes right after it."""
    out = np.zeros((n, LENGTH + 1), dtype=np.int64)
    out[:, 0] = CLS
    for row in out:
        topic = rng.integers(0, 4)
        length = 2 * rng.integers(4, LENGTH // 2 + 1)
        firsts = topic * 6 + rng.integers(0, 6, size=length // 2)
        row[1 : 1 + length : 2] = SPECIAL + firsts
        row[2 : 2 + length : 2] = SPECIAL + N_PAIRS + firsts
    return torch.from_numpy(out)


def mask_tokens(tokens, vocab_size, generator, prob=0.15):
    labels = tokens.clone()
    chosen = (torch.rand(tokens.shape, generator=generator) < prob) & (tokens >= SPECIAL)
    labels[~chosen] = -100
    dice = torch.rand(tokens.shape, generator=generator)
    inputs = torch.where(chosen & (dice < 0.8), torch.full_like(tokens, MASK), tokens)
    random_words = torch.randint(SPECIAL, vocab_size, tokens.shape, generator=generator)
    return torch.where(chosen & (dice >= 0.9), random_words, inputs), labels


class BERT(nn.Module):
    def __init__(self, vocab_size, dim=32, heads=2, layers=2, max_len=LENGTH + 1, dropout=0.0):
        super().__init__()
        self.tokens = nn.Embedding(vocab_size, dim, padding_idx=PAD)
        self.positions = nn.Embedding(max_len, dim)
        self.norm, self.dropout = nn.LayerNorm(dim), nn.Dropout(dropout)
        layer = nn.TransformerEncoderLayer(
            dim, heads, 4 * dim, dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(dim), enable_nested_tensor=False)
        self.transform = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.LayerNorm(dim))
        self.bias = nn.Parameter(torch.zeros(vocab_size))
        nn.init.normal_(self.tokens.weight, std=0.1)
        nn.init.normal_(self.positions.weight, std=0.1)
        with torch.no_grad():
            self.tokens.weight[PAD].zero_()

    def forward(self, x):
        h = self.tokens(x) + self.positions(torch.arange(x.shape[1]))
        h = self.encoder(self.dropout(self.norm(h)), src_key_padding_mask=(x == PAD))
        return F.linear(self.transform(h), self.tokens.weight, self.bias)  # tied to the input embedding


def parameter_groups(model, weight_decay):
    decay = [p for p in model.parameters() if p.ndim >= 2]
    no_decay = [p for p in model.parameters() if p.ndim < 2]
    return [{"params": decay, "weight_decay": weight_decay}, {"params": no_decay, "weight_decay": 0.0}]


@torch.no_grad()
def evaluate(model, inputs, labels):
    model.eval()
    logits = model(inputs)
    known = labels != -100
    loss = F.cross_entropy(logits[known], labels[known]).item()
    return loss, (logits[known].argmax(-1) == labels[known]).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    vocab_size = SPECIAL + 2 * N_PAIRS
    train, valid = sentences(4000, rng), sentences(500, rng)
    valid_inputs, valid_labels = mask_tokens(valid, vocab_size, generator)  # one fixed masking for evaluation

    model = BERT(vocab_size)
    epochs, batch_size = 5, 64
    total_steps = epochs * math.ceil(len(train) / batch_size)
    warmup = total_steps // 10
    optimizer = torch.optim.AdamW(parameter_groups(model, 0.01), lr=4e-3, betas=(0.9, 0.98))
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: (s + 1) / warmup if s < warmup else max(0.02, (total_steps - s) / (total_steps - warmup))
    )

    for epoch in range(1, epochs + 1):
        model.train()
        losses = []
        for idx in torch.randperm(len(train), generator=generator).split(batch_size):
            inputs, labels = mask_tokens(train[idx], vocab_size, generator)
            logits = model(inputs)
            loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
        val_loss, val_acc = evaluate(model, valid_inputs, valid_labels)
        print(f"EP{epoch} train loss {np.mean(losses):.4f}  valid loss {val_loss:.4f}  masked accuracy {val_acc:.4f}")

    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
