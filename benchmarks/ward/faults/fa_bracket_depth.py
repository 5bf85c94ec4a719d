"""Tell the nesting depth at every place of a bracket string: a small transformer encoder, one label per token.

The rate is the one that served the linear baseline well.
"""
# cause: learning-rate-too-high
# kind: dynamic

import sys

import torch
import torch.nn as nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

LENGTH, DEPTH = 14, 5
settings = {
    "dim": 32,
    "heads": 4,
    "layers": 2,
    "batch": 64,
    "steps": 700,
    "lr": 5e-2,  # FAULT
    # TWIN: "lr": 2e-3,
}


def strings(n):
    """Random walks kept between 0 and DEPTH - 1; token 1 opens, token 0 closes, token 2 is a letter."""
    depth = torch.zeros(n, dtype=torch.long)
    tokens, depths = [], []
    for _ in range(LENGTH):
        move = torch.randint(0, 3, (n,))
        move = torch.where((move == 0) & (depth == 0), 1, move)
        move = torch.where((move == 1) & (depth == DEPTH - 1), 0, move)
        depth = depth + (move == 1).long() - (move == 0).long()
        tokens.append(move)
        depths.append(depth)
    return torch.stack(tokens, 1), torch.stack(depths, 1)


class DepthTagger(nn.Module):
    def __init__(self, dim, heads, layers):
        super().__init__()
        self.token = nn.Embedding(3, dim)
        self.place = nn.Embedding(LENGTH, dim)
        block = nn.TransformerEncoderLayer(dim, heads, 2 * dim, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(block, layers, norm=nn.LayerNorm(dim), enable_nested_tensor=False)
        self.head = nn.Linear(dim, DEPTH)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(LENGTH))

    def forward(self, tokens):
        h = self.token(tokens) + self.place(torch.arange(LENGTH))
        return self.head(self.encoder(h, mask=self.mask))


net = DepthTagger(settings["dim"], settings["heads"], settings["layers"])
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=settings["lr"])
held_tokens, held_depths = strings(500)


def accuracy():
    net.eval()
    with torch.no_grad():
        return (net(held_tokens).argmax(2) == held_depths).float().mean().item()


for step in range(1, settings["steps"] + 1):
    net.train()
    tokens, depths = strings(settings["batch"])
    loss = criterion(net(tokens).reshape(-1, DEPTH), depths.reshape(-1))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(f"step {step} loss {loss.item():.4f} held-out accuracy {accuracy():.3f}")
print(f"score: {accuracy():.4f}")
