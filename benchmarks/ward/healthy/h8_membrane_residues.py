"""Mark the membrane-spanning residues of protein chains: amino-acid embedding, convolutions, a logit per residue."""

import random
import sys

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)

AMINO = "ACDEFGHIKLMNPQRSTVWY"
GREASY, POLAR = "AILVFWM", "DEKRNQSTHPGYC"
LENGTH = 80


def chain(rng):
    """Alternate loops (mostly polar) with helices (mostly greasy) of about 15 residues."""
    letters, inside = [], []
    helix = rng.random() < 0.5
    while len(letters) < LENGTH:
        for _ in range(rng.randint(12, 18) if helix else rng.randint(8, 25)):
            greasy = rng.random() < (0.78 if helix else 0.30)
            letters.append(AMINO.index(rng.choice(GREASY if greasy else POLAR)))
            inside.append(float(helix))
        helix = not helix
    return letters[:LENGTH], inside[:LENGTH]


def build(rng, n):
    chains = [chain(rng) for _ in range(n)]
    return torch.tensor([c[0] for c in chains]), torch.tensor([c[1] for c in chains])


class SpanTagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(AMINO), 8)
        self.wide = nn.Conv1d(8, 24, 11, padding=5)
        self.norm = nn.GroupNorm(4, 24)
        self.refine = nn.Conv1d(24, 16, 7, padding=3)
        self.out = nn.Conv1d(16, 1, 1)

    def forward(self, tokens):
        h = self.embed(tokens).transpose(1, 2)
        h = F.gelu(self.norm(self.wide(h)))
        h = F.gelu(self.refine(h))
        return self.out(h).squeeze(1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    rng = random.Random(seed)
    train_x, train_y = build(rng, 500)
    test_x, test_y = build(rng, 150)

    tagger = SpanTagger()
    optim = torch.optim.AdamW(tagger.parameters(), lr=2e-3)
    for epoch in range(15):
        tagger.train()
        shuffled = torch.randperm(len(train_x))
        losses = []
        for picks in shuffled.chunk(20):
            loss = F.binary_cross_entropy_with_logits(tagger(train_x[picks]), train_y[picks])
            optim.zero_grad()
            loss.backward()
            optim.step()
            losses.append(loss.item())
        if epoch % 3 == 2:
            print(f"epoch {epoch + 1}: mean loss {sum(losses) / len(losses):.4f}")

    tagger.eval()
    with torch.no_grad():
        calls = (tagger(test_x) > 0).float()
    majority = max(test_y.mean().item(), 1 - test_y.mean().item())
    print(f"majority guess would be right for {majority:.3f} of the residues")
    print(f"score: {calls.eq(test_y).float().mean().item():.4f}")


main()
