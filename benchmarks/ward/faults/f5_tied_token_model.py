"""Next-token model over a small vocabulary: embedding, one causal GRU with a skip, output layer tied to the embedding.

Fault: the embedding keeps its default N(0, 1) weights although they are also the output layer's, so the
first logits are huge.
"""
# cause: bad-initialization
# kind: dynamic

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F


class TokenModel(nn.Module):
    def __init__(self, vocab, dim):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim)
        # TWIN: nn.init.normal_(self.embed.weight, std=0.05)
        self.gru = nn.GRU(dim, dim, batch_first=True)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, vocab, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens):
        e = self.embed(tokens)
        h, _ = self.gru(e)
        return self.head(self.norm(h + e))


def make_corpus(length, vocab, gen):
    # a second-order source: what may follow depends on the last two tokens
    shift = torch.randint(vocab, (vocab,), generator=gen)
    tokens = torch.randint(vocab, (length,), generator=gen)
    keep = torch.rand(length, generator=gen) < 0.75
    for t in range(2, length):
        if keep[t]:
            tokens[t] = (shift[tokens[t - 1]] + tokens[t - 2] % 3) % vocab
    return tokens


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--lr", type=float, default=2e-3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    gen = torch.Generator().manual_seed(args.seed)

    vocab, block = 64, 16
    corpus = make_corpus(24000, vocab, gen)
    train, valid = corpus[:20000], corpus[20000:]
    valid_blocks = valid[: len(valid) // (block + 1) * (block + 1)].view(-1, block + 1)

    model = TokenModel(vocab, 128)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
    for step in range(1, args.steps + 1):
        start = torch.randint(len(train) - block - 1, (32,))
        batch = torch.stack([train[s : s + block + 1] for s in start])
        logits = model(batch[:, :-1])
        loss = F.cross_entropy(logits.reshape(-1, vocab), batch[:, 1:].reshape(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0:
            model.eval()
            with torch.no_grad():
                logits = model(valid_blocks[:, :-1])
                val_loss = F.cross_entropy(logits.reshape(-1, vocab), valid_blocks[:, 1:].reshape(-1)).item()
            model.train()
            print(f"step {step}: train loss {loss.item():.3f}, val loss {val_loss:.3f}")
    print(f"score: {-val_loss:.4f}")


if __name__ == "__main__":
    main()
