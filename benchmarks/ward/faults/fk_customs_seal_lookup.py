"""A seal and ten crates: which crate does it belong to, and what is in that crate? Attention by cosine similarity.

The attention is written out by hand, and its weights are kept in half precision to save memory.
"""
# cause: overflow
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
CRATES, MARKS, GOODS, DIM = 10, 12, 6, 32
TEMPERATURE = 0.07
turn = torch.linalg.qr(torch.randn(MARKS, MARKS))[0]


def customs(n):
    marks = torch.randn(n, CRATES, MARKS)
    goods = torch.randint(0, GOODS, (n, CRATES))
    which = torch.randint(0, CRATES, (n,))
    every = torch.arange(n)
    seal = marks[every, which] @ turn + 0.2 * torch.randn(n, MARKS)
    return seal, marks, goods, goods[every, which]


class Lookup(nn.Module):
    def __init__(self):
        super().__init__()
        self.ask = nn.Linear(MARKS, DIM)
        self.offer = nn.Linear(MARKS, DIM)
        self.goods = nn.Embedding(GOODS, DIM)
        self.answer = nn.Sequential(nn.LayerNorm(DIM), nn.Linear(DIM, 32), nn.GELU(), nn.Linear(32, GOODS))

    def forward(self, seal, marks, goods):
        asked = F.normalize(self.ask(seal), dim=-1)
        offered = F.normalize(self.offer(marks), dim=-1)
        closeness = torch.einsum("nd,ncd->nc", asked, offered) / TEMPERATURE
        weight = torch.exp(closeness.half())  # FAULT
        weight = (weight / weight.sum(dim=1, keepdim=True)).float()  # FAULT
        # TWIN: weight = torch.softmax(closeness, dim=1)
        return self.answer(torch.einsum("nc,ncd->nd", weight, self.goods(goods)))


train, val = customs(4000), customs(600)
net = Lookup()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.3)
for epoch in range(7):
    net.train()
    losses = []
    for rows in torch.randperm(len(train[0])).split(50):
        seal, marks, goods, wanted = (part[rows] for part in train)
        loss = F.cross_entropy(net(seal, marks, goods), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
    net.eval()
    with torch.no_grad():
        logits = net(*val[:3])
    right = (logits.argmax(1) == val[3]).float().mean().item()
    print(
        f"epoch {epoch}: train {sum(losses) / len(losses):.4f}, "
        f"val {F.cross_entropy(logits, val[3]).item():.4f}, right {right:.4f}"
    )
print(f"score: {right:.4f}")
