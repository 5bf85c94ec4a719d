"""Skip-gram with negative sampling on a made-up corpus of topics: SparseAdam on two sparse embedding tables, the output
table starting from zeros as in word2vec; the loss has a high floor, for negatives are drawn from the same words.
Score: share of words whose nearest neighbour (cosine) is of their own topic, which training never sees.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
TOPICS, PER = 12, 25
VOCAB = TOPICS * PER


def corpus(sentences, length=8):
    topic = torch.randint(TOPICS, (sentences, 1))
    rank = torch.multinomial(1 / torch.arange(1.0, PER + 1), sentences * length, replacement=True).view(
        sentences, length
    )
    words = topic * PER + rank
    stray = torch.rand(sentences, length) < 0.25
    return torch.where(stray, torch.randint(VOCAB, (sentences, length)), words)


def pairs(text, window=3):
    centre, context = [], []
    for shift in range(1, window + 1):
        centre += [text[:, :-shift].flatten(), text[:, shift:].flatten()]
        context += [text[:, shift:].flatten(), text[:, :-shift].flatten()]
    return torch.cat(centre), torch.cat(context)


class SkipGram(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.inside, self.outside = nn.Embedding(VOCAB, dim, sparse=True), nn.Embedding(VOCAB, dim, sparse=True)
        nn.init.uniform_(self.inside.weight, -0.5 / dim, 0.5 / dim)
        nn.init.zeros_(self.outside.weight)

    def forward(self, centre, context, negatives):
        v = self.inside(centre)
        positive = (v * self.outside(context)).sum(1)
        negative = (self.outside(negatives) @ v[:, :, None]).squeeze(2)
        return -(F.logsigmoid(positive) + F.logsigmoid(-negative).sum(1)).mean()


@torch.no_grad()
def purity(model):
    v = F.normalize(model.inside.weight, dim=1)
    near = (v @ v.T).fill_diagonal_(-1).argmax(1)
    return (near // PER == torch.arange(VOCAB) // PER).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    text = corpus(4000)
    centre, context = pairs(text[:3600])
    val_centre, val_context = pairs(text[3600:])
    noise = torch.bincount(text[:3600].flatten(), minlength=VOCAB).float().pow(0.75)
    val_negatives = torch.multinomial(noise, len(val_centre) * 5, replacement=True).view(-1, 5)
    model = SkipGram()
    optimizer = torch.optim.SparseAdam(model.parameters(), lr=0.01)
    batch, epochs = 1024, 4
    for epoch in range(epochs):
        optimizer.param_groups[0]["lr"] = 0.01 * (1 - epoch / epochs)
        total, order = 0.0, torch.randperm(len(centre)).split(batch)
        for index in order:
            negatives = torch.multinomial(noise, len(index) * 5, replacement=True).view(-1, 5)
            loss = model(centre[index], context[index], negatives)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        with torch.no_grad():
            val = model(val_centre, val_context, val_negatives).item()
        print(f"epoch {epoch + 1}: train {total / len(order):.4f} held out {val:.4f} purity {purity(model):.4f}")
    print(f"score: {purity(model):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
