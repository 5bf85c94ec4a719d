"""Two agents invent a language: a speaker sees a target object and sends three symbols, a listener sees the
message and five candidates and must pick the target. The discrete channel uses straight-through Gumbel-softmax
with a decaying temperature. Accuracy is measured with greedy messages on attribute combinations never trained on."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

ATTRIBUTES, VALUES, SYMBOLS, LENGTH, CANDIDATES = 3, 5, 10, 3, 5
grid = torch.cartesian_prod(*[torch.arange(VALUES)] * ATTRIBUTES)
objects = F.one_hot(grid, VALUES).float().flatten(1)
order = torch.randperm(len(objects))
seen, unseen = objects[order[:100]], objects[order[100:]]


class Speaker(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(ATTRIBUTES * VALUES, 64), nn.ReLU(), nn.Linear(64, LENGTH * SYMBOLS))

    def forward(self, target, tau=None):
        logits = self.net(target).view(-1, LENGTH, SYMBOLS)
        if tau is None:
            return F.one_hot(logits.argmax(-1), SYMBOLS).float()
        return F.gumbel_softmax(logits, tau=tau, hard=True)


class Listener(nn.Module):
    def __init__(self):
        super().__init__()
        self.read = nn.Sequential(nn.Linear(LENGTH * SYMBOLS, 64), nn.ReLU(), nn.Linear(64, 32))
        self.look = nn.Linear(ATTRIBUTES * VALUES, 32)

    def forward(self, message, candidates):
        return torch.einsum("bd,bcd->bc", self.read(message.flatten(1)), self.look(candidates))


def deal(pool, games):
    """Different objects in each game; the target sits at a random place."""
    chosen = torch.rand(games, len(pool)).topk(CANDIDATES, dim=1).indices
    place = torch.randint(0, CANDIDATES, (games,))
    candidates = pool[chosen]
    return candidates[torch.arange(games), place], candidates, place


speaker, listener = Speaker(), Listener()
optimizer = torch.optim.Adam([{"params": speaker.parameters()}, {"params": listener.parameters()}], lr=3e-3)
won = 0.0
for game in range(1, 1001):
    tau = max(0.6, 1.5 * 0.999**game)
    target, candidates, place = deal(seen, 64)
    scores = listener(speaker(target, tau), candidates)
    loss = F.cross_entropy(scores, place)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    won += (scores.argmax(1) == place).float().mean().item()
    if game % 200 == 0:
        print(f"round {game}: loss {loss.item():.4f}  games won {won / 200:.3f}  tau {tau:.2f}")
        won = 0.0

with torch.no_grad():
    target, candidates, place = deal(unseen, 2000)
    accuracy = (listener(speaker(target), candidates).argmax(1) == place).float().mean().item()
    spoken = {tuple(m) for m in speaker(objects).argmax(-1).tolist()}
print(f"{len(spoken)} different messages for {len(objects)} objects")
print(f"score: {accuracy:.4f}")
