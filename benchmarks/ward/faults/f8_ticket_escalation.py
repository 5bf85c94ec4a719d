"""Will a support ticket be escalated? Words of the ticket through an embedding and a bidirectional GRU. The head was
taken from the classifier of departments, where it had eleven outputs."""
# cause: softmax-single-unit
# kind: structural

import random
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

CALM = "please thanks question invoice colour copy kindly wonder later manual".split()
ANGRY = "again still unacceptable lawyer refund broken third waiting manager never".split()
PLAIN = [f"w{i}" for i in range(40)]
VOCABULARY = {word: i for i, word in enumerate(CALM + ANGRY + PLAIN)}


class Tickets(Dataset):
    def __init__(self, n, rnd, length=14):
        self.items = []
        for _ in range(n):
            angry = rnd.random() < 0.5
            words = [
                rnd.choice(PLAIN)
                if rnd.random() < 0.65
                else rnd.choice(ANGRY if (rnd.random() < 0.75) == angry else CALM)
                for _ in range(length)
            ]
            self.items.append((torch.tensor([VOCABULARY[w] for w in words]), float(angry)))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class Escalation(nn.Module):
    def __init__(self, words, dim=24, hidden=24):
        super().__init__()
        self.embedding = nn.Embedding(words, dim)
        self.gru = nn.GRU(dim, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden, 1)

    def forward(self, words):
        states, _ = self.gru(self.embedding(words))
        score = self.head(states.mean(dim=1))
        return torch.softmax(score, dim=1).squeeze(1)  # FAULT
        # TWIN: return torch.sigmoid(score).squeeze(1)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rnd = random.Random(seed)
    train = DataLoader(Tickets(2000, rnd), batch_size=40, shuffle=True)
    test = DataLoader(Tickets(500, rnd), batch_size=100)
    model = Escalation(len(VOCABULARY))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.BCELoss()
    for epoch in range(4):
        model.train()
        for words, label in train:
            loss = criterion(model(words), label.float())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = sum(((model(words) > 0.5) == (label > 0.5)).sum().item() for words, label in test)
        print(f"epoch {epoch} loss {loss.item():.4f} right {right / len(test.dataset):.4f}")
    print(f"score: {right / len(test.dataset):.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
