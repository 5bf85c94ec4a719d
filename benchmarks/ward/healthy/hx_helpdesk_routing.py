"""Route help-desk tickets to billing, network, hardware or accounts. Word ids, padded batches, masked mean of
embeddings and a two-layer classifier. Sentences are generated from small phrase tables with typos as <unk>."""

import random
import sys
from collections import Counter

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rnd = random.Random(seed)
torch.manual_seed(seed)

TOPICS = {
    "billing": "invoice charge refund payment card price twice month receipt statement overdue".split(),
    "network": "wifi vpn slow disconnects router signal ping cable office timeout remote".split(),
    "hardware": "laptop screen keyboard battery broken fan printer dock noise cracked charger".split(),
    "accounts": "password login locked reset username access permission email expired token role".split(),
}
FILLER = "the my is please help with again since today and not working a on for can you it was to i".split()
NAMES = list(TOPICS)


def ticket():
    team = rnd.randrange(4)
    words = []
    for _ in range(rnd.randint(6, 18)):
        u = rnd.random()
        if u < 0.6:
            words.append(rnd.choice(FILLER))
        elif u < 0.88:
            words.append(rnd.choice(TOPICS[NAMES[team]]))
        else:
            words.append(rnd.choice(TOPICS[rnd.choice(NAMES)]))
    words = [w[:-1] + "x" if rnd.random() < 0.05 else w for w in words]
    return words, team


train_set, test_set = [ticket() for _ in range(1800)], [ticket() for _ in range(600)]

counts = Counter(w for words, _ in train_set for w in words)
vocab = {"<pad>": 0, "<unk>": 1}
vocab.update({word: i for i, word in enumerate(sorted(w for w in counts if counts[w] >= 5), start=2)})


def collate(examples):
    longest = max(len(words) for words, _ in examples)
    ids = torch.zeros(len(examples), longest, dtype=torch.long)
    for row, (words, _) in enumerate(examples):
        ids[row, : len(words)] = torch.tensor([vocab.get(w, 1) for w in words])
    return ids, torch.tensor([team for _, team in examples])


class Router(torch.nn.Module):
    def __init__(self, vocab_size, dim=24):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocab_size, dim, padding_idx=0)
        self.hidden = torch.nn.Linear(dim, 32)
        self.output = torch.nn.Linear(32, 4)

    def forward(self, ids):
        mask = (ids != 0).unsqueeze(-1).float()
        mean = (self.embedding(ids) * mask).sum(1) / mask.sum(1)
        return self.output(F.relu(self.hidden(mean)))


router = Router(len(vocab))
optimizer = torch.optim.SGD(router.parameters(), lr=0.5)
for epoch in range(1, 16):
    rnd.shuffle(train_set)
    router.train()
    summed = 0.0
    for start in range(0, len(train_set), 30):
        ids, teams = collate(train_set[start : start + 30])
        loss = F.cross_entropy(router(ids), teams)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        summed += loss.item() * len(teams)
    if epoch % 3 == 0:
        print(f"epoch {epoch}: mean loss {summed / len(train_set):.4f}")

router.eval()
with torch.no_grad():
    ids, teams = collate(test_set)
    correct = (router(ids).argmax(1) == teams).float()
print("per team:", {n: round(correct[teams == k].mean().item(), 3) for k, n in enumerate(NAMES)})
print(f"score: {correct.mean().item():.4f}")
