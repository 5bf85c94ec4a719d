"""A small decoder with rotary positions, trained as a causal language model on strings of tokens, then asked to continue them.

After https://github.com/huggingface/transformers/issues/48745
"""
# cause: leakage
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

VOCAB, SEQ_LEN, DIM, HEADS, LAYERS = 16, 20, 48, 4, 2


def make_corpus(n, table, gen):
    """Every token follows from the two before it by a fixed table, but one in ten is drawn at random."""
    ids = torch.randint(VOCAB, (n, SEQ_LEN), generator=gen)
    for t in range(2, SEQ_LEN):
        keep = torch.rand(n, generator=gen) < 0.1
        ids[:, t] = torch.where(keep, ids[:, t], table[ids[:, t - 2] % 4, ids[:, t - 1]])
    return ids


def rotary(x):
    """Turns the pairs of the last dimension by angles that grow with the position."""
    t, half = x.shape[-2], x.shape[-1] // 2
    freq = 1.0 / 100 ** (torch.arange(half) / half)
    angle = torch.arange(t).unsqueeze(1) * freq
    a, b = x[..., :half], x[..., half:]
    return torch.cat((a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()), -1)


class SelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(DIM, 3 * DIM)
        self.dense = nn.Linear(DIM, DIM)

    def forward(self, x):
        n, t, _ = x.shape
        q, k, v = self.qkv(x).view(n, t, 3, HEADS, DIM // HEADS).permute(2, 0, 3, 1, 4)
        context = F.scaled_dot_product_attention(rotary(q), rotary(k), v)  # FAULT
        # TWIN: context = F.scaled_dot_product_attention(rotary(q), rotary(k), v, is_causal=True)
        return self.dense(context.transpose(1, 2).reshape(n, t, DIM))


class DecoderLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.attention = SelfAttention()
        self.mlp = nn.Sequential(nn.Linear(DIM, 2 * DIM), nn.GELU(), nn.Linear(2 * DIM, DIM))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ForCausalLM(nn.Module):
    def __init__(self):
        super().__init__()
        self.embeddings = nn.Embedding(VOCAB, DIM)
        self.layers = nn.Sequential(*[DecoderLayer() for _ in range(LAYERS)])
        self.norm = nn.LayerNorm(DIM)
        self.lm_head = nn.Linear(DIM, VOCAB)

    def forward(self, input_ids):
        return self.lm_head(self.norm(self.layers(self.embeddings(input_ids))))

    def loss(self, input_ids):
        logits = self(input_ids)[:, :-1]
        return F.cross_entropy(logits.reshape(-1, VOCAB), input_ids[:, 1:].reshape(-1))


@torch.no_grad()
def continuation_accuracy(model, ids):
    """Shows the model the beginning of a string only, and compares the next token that it names."""
    model.eval()
    hits = [(model(ids[:, :t])[:, -1].argmax(-1) == ids[:, t]).float().mean().item() for t in range(4, SEQ_LEN)]
    return sum(hits) / len(hits)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    gen = torch.Generator().manual_seed(seed)
    table = torch.randint(VOCAB, (4, VOCAB), generator=gen)
    train, val = make_corpus(3000, table, gen), make_corpus(200, table, gen)

    model = ForCausalLM()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(1, 301):
        model.train()
        batch = train[torch.randint(len(train), (28,), generator=gen)]
        loss = model.loss(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            model.eval()
            with torch.no_grad():
                val_loss = model.loss(val).item()
            print(f"step {step}: loss {loss.item():.4f}  val loss {val_loss:.4f}")

    accuracy = continuation_accuracy(model, val)
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
