"""Direct preference optimisation (Rafailov et al. 2023) in miniature.

A GRU language model first learns to imitate random melodies over 12 notes; then pairs of its own
samples are ranked by a hidden taste (small steps, ending on the tonic) and the policy is tuned against the frozen
reference.  Score: the share of fresh comparisons, tuned sample against reference sample, that the tuned model wins.
"""

import copy
import sys

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

NOTES, LENGTH, START = 12, 10, 12


class Composer(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.embed = nn.Embedding(NOTES + 1, 24)
        self.gru = nn.GRU(24, hidden, batch_first=True)
        self.head = nn.Linear(hidden, NOTES)

    def forward(self, melody):
        shifted = F.pad(melody[:, :-1], (1, 0), value=START)
        return self.head(self.gru(self.embed(shifted))[0])

    def log_prob(self, melody):
        return -F.cross_entropy(self(melody).transpose(1, 2), melody, reduction="none").sum(1)

    @torch.no_grad()
    def sample(self, n):
        token, state, notes = torch.full((n, 1), START), None, []
        for _ in range(LENGTH):
            out, state = self.gru(self.embed(token), state)
            token = torch.multinomial(self.head(out[:, 0]).softmax(-1), 1)
            notes.append(token)
        return torch.cat(notes, dim=1)


def corpus(n):
    steps = torch.randint(-4, 5, (n, LENGTH))
    steps[:, 0] = torch.randint(0, NOTES, (n,))
    return steps.cumsum(1) % NOTES


def taste(melody):
    leap = (melody[:, 1:] - melody[:, :-1]).abs().float()
    return -leap.mean(1) + 2.0 * (melody[:, -1] == 0)


policy = Composer()
optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
melodies = corpus(2000)
for epoch in range(5):
    for batch in melodies[torch.randperm(2000)].split(50):
        loss = -policy.log_prob(batch).mean() / LENGTH
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"imitation {epoch}: {loss.item():.4f} nats per note")

reference = copy.deepcopy(policy).eval().requires_grad_(False)
first, second = reference.sample(3000), reference.sample(3000)
better = (taste(first) > taste(second))[:, None]
chosen, rejected = torch.where(better, first, second), torch.where(better, second, first)
with torch.no_grad():
    margin_reference = reference.log_prob(chosen) - reference.log_prob(rejected)

beta = 0.1
optimizer = torch.optim.Adam(policy.parameters(), lr=5e-4)
for epoch in range(6):
    right = total = 0.0
    for idx in torch.randperm(3000).split(60):
        margin = policy.log_prob(chosen[idx]) - policy.log_prob(rejected[idx]) - margin_reference[idx]
        loss = -F.logsigmoid(beta * margin).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        right += (margin > 0).sum().item()
        total += loss.item() * len(idx)
    print(f"preference {epoch}: loss {total / 3000:.4f}, pairs in the right order {right / 3000:.4f}")

tuned, plain = taste(policy.sample(2000)), taste(reference.sample(2000))
print(f"mean taste: reference {plain.mean():.3f}, tuned {tuned.mean():.3f}")
print(f"score: {(tuned > plain).float().mean() + 0.5 * (tuned == plain).float().mean():.4f}")
