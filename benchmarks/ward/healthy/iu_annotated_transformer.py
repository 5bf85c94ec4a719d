"""An encoder-decoder Transformer learns to reverse strings; label smoothing, Noam schedule, greedy decoding.

After The Annotated Transformer, https://nlp.seas.harvard.edu/annotated-transformer/
"""

import math
import sys

import torch
import torch.nn as nn
from torch.optim.lr_scheduler import LambdaLR

PAD, BOS, EOS, V = 0, 1, 2, 16
MIN_LEN, MAX_LEN = 5, 7


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout, max_len=64):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        position = torch.arange(max_len).unsqueeze(1)
        div = torch.exp(torch.arange(0, d_model, 2) * -(math.log(10000.0) / d_model))
        pe = torch.zeros(max_len, d_model)
        pe[:, 0::2] = torch.sin(position * div)
        pe[:, 1::2] = torch.cos(position * div)
        self.register_buffer("pe", pe)

    def forward(self, x):
        return self.dropout(x + self.pe[: x.size(1)])


class Seq2SeqTransformer(nn.Module):
    def __init__(self, d_model=48, heads=4, layers=1, d_ff=96, dropout=0.0):
        super().__init__()
        self.d_model = d_model
        self.src_embed = nn.Embedding(V, d_model, padding_idx=PAD)
        self.tgt_embed = nn.Embedding(V, d_model, padding_idx=PAD)
        self.pos = PositionalEncoding(d_model, dropout)
        self.transformer = nn.Transformer(d_model, heads, layers, layers, d_ff, dropout, batch_first=True)
        self.generator = nn.Linear(d_model, V)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.xavier_uniform_(p)

    def forward(self, src, tgt):
        causal = torch.triu(torch.ones(tgt.size(1), tgt.size(1), dtype=torch.bool), diagonal=1)
        out = self.transformer(
            self.pos(self.src_embed(src) * math.sqrt(self.d_model)),
            self.pos(self.tgt_embed(tgt) * math.sqrt(self.d_model)),
            tgt_mask=causal,
            src_key_padding_mask=src == PAD,
            tgt_key_padding_mask=tgt == PAD,
            memory_key_padding_mask=src == PAD,
        )
        return self.generator(out)


def data_gen(batch, gen):
    """Random strings; the target is the string backwards."""
    lengths = torch.randint(MIN_LEN, MAX_LEN + 1, (batch, 1), generator=gen)
    where = torch.arange(MAX_LEN).expand(batch, MAX_LEN)
    src = torch.randint(3, V, (batch, MAX_LEN), generator=gen).masked_fill(where >= lengths, PAD)
    mirrored = src.gather(1, (lengths - 1 - where).clamp(min=0)).masked_fill(where >= lengths, PAD)
    tgt = torch.cat([torch.full((batch, 1), BOS), mirrored, torch.full((batch, 1), PAD)], dim=1)
    tgt.scatter_(1, lengths + 1, EOS)
    return src, tgt


def rate(step, model_size, factor, warmup):
    step = max(step, 1)
    return factor * (model_size**-0.5 * min(step**-0.5, step * warmup**-1.5))


@torch.no_grad()
def greedy_decode(model, src, max_len):
    ys = torch.full((src.size(0), 1), BOS)
    done = torch.zeros(src.size(0), dtype=torch.bool)
    for _ in range(max_len - 1):
        nxt = model(src, ys)[:, -1].argmax(-1)
        nxt = torch.where(done, torch.tensor(PAD), nxt)
        ys = torch.cat([ys, nxt.unsqueeze(1)], dim=1)
        done |= nxt == EOS
    return ys


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train_gen = torch.Generator().manual_seed(seed)
    test_src, test_tgt = data_gen(300, torch.Generator().manual_seed(seed + 10_000))
    model = Seq2SeqTransformer()
    criterion = nn.CrossEntropyLoss(ignore_index=PAD, label_smoothing=0.1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1.0, betas=(0.9, 0.98), eps=1e-9)
    scheduler = LambdaLR(optimizer, lambda step: rate(step, model.d_model, 0.4, 120))

    model.train()
    tokens, total = 0, 0.0
    for step in range(1, 301):
        src, tgt = data_gen(48, train_gen)
        logits = model(src, tgt[:, :-1])
        gold = tgt[:, 1:]
        loss = criterion(logits.reshape(-1, V), gold.reshape(-1))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        scheduler.step()
        n = (gold != PAD).sum().item()
        tokens, total = tokens + n, total + loss.item() * n
        if step % 50 == 0:
            print(f"step {step:4d} | loss/token {total / tokens:.3f} | lr {scheduler.get_last_lr()[0]:.2e}")
            tokens, total = 0, 0.0

    model.eval()
    out = greedy_decode(model, test_src, MAX_LEN + 2)
    exact = (out == test_tgt).all(dim=1).float().mean().item()
    print("source:", test_src[0].tolist(), " output:", out[0].tolist())
    print(f"score: {exact:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
