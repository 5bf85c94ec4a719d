"""Neural trigram language model (two previous words are embedded, concatenated, tanh layer, softmax) on sentences of
a small grammar. The score is minus the perplexity on unseen sentences; a uniform guess would have 31.
"""
# cause: exploding-gradient
# accept: learning-rate-too-high
# kind: dynamic

import math
import random
import sys

import torch
from torch import nn

torch.set_num_threads(1)
DETERMINERS = ["the", "a", "every", "this"]
NOUNS = ["cat", "dog", "bird", "child", "farmer", "teacher", "horse", "fox"]
VERBS = ["sees", "likes", "chases", "hears", "paints", "follows"]
ADJECTIVES = ["old", "small", "red", "happy", "quiet"]
ADVERBS = ["today", "slowly", "again", "outside"]
VOCAB = ["<s>", "</s>", "and", "while", *DETERMINERS, *NOUNS, *VERBS, *ADJECTIVES, *ADVERBS]
INDEX = {word: i for i, word in enumerate(VOCAB)}


def noun_phrase(rng):
    adjective = [rng.choice(ADJECTIVES)] if rng.random() < 0.4 else []
    return [rng.choice(DETERMINERS), *adjective, rng.choice(NOUNS)]


def sentence(rng):
    words = [*noun_phrase(rng), rng.choice(VERBS), *noun_phrase(rng)]
    if rng.random() < 0.5:
        words.append(rng.choice(ADVERBS))
    if rng.random() < 0.2:
        words += [rng.choice(["and", "while"]), *sentence(rng)]
    return words


def trigrams(sentences):
    context, target = [], []
    for words in sentences:
        ids = [0, 0] + [INDEX[w] for w in words] + [1]
        for i in range(2, len(ids)):
            context.append(ids[i - 2 : i])
            target.append(ids[i])
    return torch.tensor(context), torch.tensor(target)


class TrigramModel(nn.Module):
    def __init__(self, vocab, dim=16, hidden=48):
        super().__init__()
        self.emb = nn.Embedding(vocab, dim)
        self.hidden = nn.Linear(2 * dim, hidden)
        self.blocks = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(12))  # FAULT
        self.out = nn.Linear(hidden, vocab)

    def forward(self, context):
        h = torch.tanh(self.hidden(self.emb(context).flatten(1)))  # FAULT
        for block in self.blocks:  # FAULT
            h = h + torch.relu(block(h))  # FAULT
        return self.out(h)  # FAULT
        # TWIN: return self.out(torch.tanh(self.hidden(self.emb(context).flatten(1))))


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rng = random.Random(seed)
torch.manual_seed(seed)
contexts, targets = trigrams([sentence(rng) for _ in range(1500)])
test_contexts, test_targets = trigrams([sentence(rng) for _ in range(300)])
model = TrigramModel(len(VOCAB))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
for epoch in range(5):
    total = 0.0
    for idx in torch.randperm(len(targets)).split(128):
        loss = criterion(model(contexts[idx]), targets[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    print(f"epoch {epoch + 1}: train perplexity {math.exp(total / len(targets)):.3f}")
    optimizer.param_groups[0]["lr"] /= 2
with torch.no_grad():
    perplexity = criterion(model(test_contexts), test_targets).exp().item()
print(f"score: {-perplexity:.4f}")
