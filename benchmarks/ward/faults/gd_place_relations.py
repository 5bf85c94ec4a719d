"""Knowledge-graph embedding (TransE) of places on a 10x10 map: head + relation should land on tail. Margin ranking
against corrupted triples; entity vectors are put back on or inside the unit ball after every step. Score: hits@3
on held-out triples.
"""
# cause: optimizer-epsilon-too-large
# kind: dynamic

import random
import sys

import torch

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
torch.manual_seed(seed)

SIDE, DIM, MARGIN = 10, 4, 0.5
MOVES = {
    "east": (1, 0),
    "west": (-1, 0),
    "north": (0, 1),
    "south": (0, -1),
    "far_east": (3, 0),
    "ne": (1, 1),
    "sse": (1, -2),
}
triples = []
for r, (dx, dy) in enumerate(MOVES.values()):
    for cx in range(SIDE):
        for cy in range(SIDE):
            if 0 <= cx + dx < SIDE and 0 <= cy + dy < SIDE:
                triples.append((cx * SIDE + cy, r, (cx + dx) * SIDE + cy + dy))
random.shuffle(triples)
triples = torch.tensor(triples)
n_test = len(triples) // 6
test, train = triples[:n_test], triples[n_test:]
print(f"{SIDE * SIDE} entities, {len(MOVES)} relations, {len(train)} training triples, {n_test} test triples")

entity = torch.empty(SIDE * SIDE, DIM).uniform_(-0.4, 0.4).requires_grad_()
relation = torch.empty(len(MOVES), DIM).uniform_(-0.4, 0.4).requires_grad_()
optimizer = torch.optim.Adam([entity, relation], lr=0.02, eps=0.1)  # FAULT
# TWIN: optimizer = torch.optim.Adam([entity, relation], lr=0.02)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=200)


def distance(h, r, t):
    return (entity[h] + relation[r] - entity[t]).norm(dim=-1)


def corrupt(h, t):
    """Replace the head or the tail, never both."""
    swap_head = torch.rand(len(h)) < 0.5
    random_entity = torch.randint(0, len(entity), h.shape)
    return torch.where(swap_head, random_entity, h), torch.where(swap_head, t, random_entity)


for epoch in range(200):
    violations, total = 0, 0.0
    for batch in train[torch.randperm(len(train))].split(64):
        h, r, t = batch.unbind(1)
        h_bad, t_bad = corrupt(h, t)
        hinge = (MARGIN + distance(h, r, t) - distance(h_bad, r, t_bad)).clamp_min(0)
        loss = hinge.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            entity.div_(entity.norm(dim=1, keepdim=True).clamp_min(1.0))
        total += hinge.sum().item()
        violations += (hinge > 0).sum().item()
    scheduler.step()
    if epoch % 20 == 19:
        print(f"epoch {epoch + 1} mean hinge {total / len(train):.4f} violations {violations / len(train):.3f}")

with torch.no_grad():
    h, r, t = test.unbind(1)
    everything = (entity[h] + relation[r]).unsqueeze(1) - entity.unsqueeze(0)
    ranked = everything.norm(dim=-1)
    ranked[torch.arange(n_test), h] = float("inf")  # no place is its own neighbour
    hits = (ranked.topk(3, largest=False).indices == t[:, None]).any(1).float().mean().item()
print(f"score: {hits:.4f}")
