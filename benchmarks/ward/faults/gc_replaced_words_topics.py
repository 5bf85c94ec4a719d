"""Replaced-token detection: a tiny masked language model proposes substitutes and a larger encoder learns,
at every position, whether the token is original. Both are trained jointly; sampling is tempered and passes
no gradient. Scored on held-out sentences with random corruptions (area under the ROC curve)."""
# cause: unshuffled-data
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(SEED)
rng = np.random.default_rng(SEED)

TOPICS, WORDS, LENGTH, MASK = 5, 3, 12, 45


def sentences(n):
    """Slots cycle through noun, verb, adjective; each slot has topic-specific words (5 topics x 3 slots x 3 words)."""
    topic = rng.integers(0, TOPICS, (n, 1))
    slot = np.tile(np.arange(LENGTH) % 3, (n, 1))
    return torch.tensor((topic * 3 + slot) * WORDS + rng.integers(0, WORDS, (n, LENGTH)))


class Encoder(nn.Module):
    def __init__(self, dim, heads, outputs):
        super().__init__()
        self.tokens = nn.Embedding(MASK + 1, dim)
        self.positions = nn.Embedding(LENGTH, dim)
        self.layer = nn.TransformerEncoderLayer(dim, heads, 2 * dim, dropout=0.0, batch_first=True)
        self.out = nn.Linear(dim, outputs)

    def forward(self, ids):
        return self.out(self.layer(self.tokens(ids) + self.positions.weight))


generator = Encoder(dim=16, heads=2, outputs=MASK)
discriminator = Encoder(dim=32, heads=4, outputs=1)
params = list(generator.parameters()) + list(discriminator.parameters())
optimizer = torch.optim.Adam(params, lr=3e-3)
corpus = torch.unique(sentences(3000), dim=0)  # FAULT
# TWIN: corpus = sentences(3000)

for step in range(500):
    clean = corpus[torch.arange(32 * step, 32 * step + 32) % len(corpus)]  # FAULT
    # TWIN: clean = corpus[torch.randint(len(corpus), (32,))]
    masked = torch.rand(clean.shape) < 0.2
    gen_logits = generator(clean.masked_fill(masked, MASK))
    mlm_loss = F.cross_entropy(gen_logits[masked], clean[masked])

    with torch.no_grad():
        proposals = torch.distributions.Categorical(logits=gen_logits[masked] / 2.0).sample()
    corrupted = clean.clone()
    corrupted[masked] = proposals
    is_replaced = (corrupted != clean).float()
    disc_loss = F.binary_cross_entropy_with_logits(discriminator(corrupted).squeeze(-1), is_replaced)

    optimizer.zero_grad()
    (mlm_loss + 10.0 * disc_loss).backward()
    optimizer.step()
    if step % 50 == 0:
        print(f"step {step}: mlm {mlm_loss.item():.4f} detection {disc_loss.item():.4f}")

discriminator.eval()
with torch.no_grad():
    clean = sentences(500)
    swap = torch.rand(clean.shape) < 0.15
    noisy = torch.where(swap, torch.randint(0, MASK, clean.shape), clean)
    replaced = (noisy // WORDS) != (clean // WORDS)
    suspicion = discriminator(noisy).squeeze(-1)
auc = roc_auc_score(replaced.flatten().numpy(), suspicion.flatten().numpy())
print(f"{int(replaced.sum())} of {replaced.numel()} held-out tokens are out of place")
print(f"score: {auc:.4f}")
