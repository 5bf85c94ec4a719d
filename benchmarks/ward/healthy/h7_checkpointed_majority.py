"""Which of eight symbols occurs most often in a string of 20? Attention blocks whose activations are recomputed in the
backward pass (torch.utils.checkpoint), on strings drawn anew at every step.
"""

import sys

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
SYMBOLS, LENGTH, DIM = 8, 20, 32


def draw(batch):
    winner = torch.randint(SYMBOLS, (batch,))
    tokens = torch.randint(SYMBOLS, (batch, LENGTH))
    tokens = torch.where(torch.rand(batch, LENGTH) < 0.25, winner[:, None], tokens)
    counts = F.one_hot(tokens, SYMBOLS).sum(1)
    top2 = counts.topk(2).values
    clear = top2[:, 0] > top2[:, 1]
    return tokens[clear], counts.argmax(1)[clear]


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.qkv = nn.Linear(DIM, 3 * DIM)
        self.proj = nn.Linear(DIM, DIM)
        self.mlp = nn.Sequential(nn.Linear(DIM, 2 * DIM), nn.GELU(), nn.Linear(2 * DIM, DIM))

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, 4, d // 4).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, t, d)
        x = x + self.proj(a)
        return x + self.mlp(self.norm2(x))


class Majority(nn.Module):
    def __init__(self, depth=2):
        super().__init__()
        self.embed = nn.Embedding(SYMBOLS, DIM)
        self.blocks = nn.ModuleList(Block() for _ in range(depth))
        self.norm = nn.LayerNorm(DIM)
        self.head = nn.Linear(DIM, SYMBOLS)

    def forward(self, tokens):
        x = self.embed(tokens)
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False) if self.training else block(x)
        return self.head(self.norm(x.mean(1)))


model = Majority()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
running = None
for step in range(1, 281):
    tokens, target = draw(64)
    loss = F.cross_entropy(model(tokens), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    running = loss.item() if running is None else 0.95 * running + 0.05 * loss.item()
    if step % 40 == 0:
        print(f"step {step}: smoothed loss {running:.4f}")

model.eval()
with torch.no_grad():
    tokens, target = draw(3000)
    accuracy = (model(tokens).argmax(-1) == target).float().mean()
print(f"score: {accuracy:.4f}")
