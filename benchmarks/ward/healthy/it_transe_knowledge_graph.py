"""Knowledge-graph embeddings with TransE: margin ranking against corrupted heads or tails, entity vectors kept on the unit
sphere, filtered hits at 10 for held-out triples.

After Bordes et al., "Translating Embeddings for Modeling Multi-relational Data", and https://torchkge.readthedocs.io
"""

import sys

import numpy as np
import torch
import torch.nn as nn

N_ENT, N_REL, DIM = 300, 8, 24


def make_graph(rng):
    """Entities are places of a hidden space; a relation leads from an entity to the places nearest to a shifted point."""
    place = rng.normal(size=(N_ENT, 4))
    triples = []
    for r in range(N_REL):
        shift = rng.normal(size=4)
        for h in range(N_ENT):
            distance = np.linalg.norm(place[h] + shift - place, axis=1)
            distance[h] = np.inf
            triples += [(h, r, t) for t in np.argsort(distance)[:4] if rng.random() < 0.9]
    return rng.permutation(np.array(triples))


class TransE(nn.Module):
    def __init__(self):
        super().__init__()
        self.ent, self.rel = nn.Embedding(N_ENT, DIM), nn.Embedding(N_REL, DIM)
        bound = 6 / DIM**0.5
        nn.init.uniform_(self.ent.weight, -bound, bound)
        nn.init.uniform_(self.rel.weight, -bound, bound)
        with torch.no_grad():
            self.rel.weight.div_(self.rel.weight.norm(dim=1, keepdim=True))
        self.normalize_parameters()

    @torch.no_grad()
    def normalize_parameters(self):
        self.ent.weight.div_(self.ent.weight.norm(dim=1, keepdim=True))

    def distance(self, h, r, t):
        return (self.ent(h) + self.rel(r) - self.ent(t)).norm(dim=-1)


def corrupt(h, t, generator):
    """Replaces the head or the tail of every triple by a random entity."""
    random_entity = torch.randint(N_ENT, h.shape, generator=generator)
    head = torch.rand(h.shape, generator=generator) < 0.5
    return torch.where(head, random_entity, h), torch.where(head, t, random_entity)


@torch.no_grad()
def filtered_hits(model, triples, known, k=10):
    h, r, t = triples.T
    d = torch.cdist(model.ent(h) + model.rel(r), model.ent.weight)
    own = d.gather(1, t.unsqueeze(1))
    rank = ((d < own) & ~known[h, r]).sum(1) + 1  # other true tails do not count against the triple
    return (rank <= k).float().mean().item(), (1 / rank).mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    triples = torch.from_numpy(make_graph(np.random.default_rng(seed)))
    n = len(triples)
    train, valid, test = triples.split([n - 1200, 400, 800])
    known = torch.zeros(N_ENT, N_REL, N_ENT, dtype=torch.bool)
    known[triples[:, 0], triples[:, 1], triples[:, 2]] = True
    print(f"{n} triples, {len(train)} for training")

    model = TransE()
    criterion = nn.MarginRankingLoss(margin=0.5)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    hits, mrr = filtered_hits(model, valid, known)
    print(f"before training: hits@10 {hits:.3f}, mrr {mrr:.3f}")
    for epoch in range(1, 41):
        running, batches = 0.0, train[torch.randperm(len(train))].split(512)
        for batch in batches:
            h, r, t = batch.T
            nh, nt = corrupt(h, t, generator)
            positive, negative = model.distance(h, r, t), model.distance(nh, r, nt)
            loss = criterion(negative, positive, torch.ones_like(positive))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            model.normalize_parameters()
            running += loss.item()
        if epoch % 5 == 0:
            hits, mrr = filtered_hits(model, valid, known)
            print(f"Epoch {epoch} | mean loss {running / len(batches):.4f} | valid hits@10 {hits:.3f}, mrr {mrr:.3f}")
    hits, mrr = filtered_hits(model, test, known)
    print(f"test mrr {mrr:.3f}, chance for hits@10 about {10 / N_ENT:.3f}")
    print(f"score: {hits:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
