"""Question classification (person / place / time / number / reason) from short tokenised questions of varying length:
padded batches from a collate function, packed sequences, a bidirectional LSTM."""
# cause: frozen-parameters
# kind: dynamic

import argparse
import random

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader

TEMPLATES = {
    "person": ["who {v} the {n}", "what is the name of the man who {v} the {n}", "tell me which person {v} it", "who"],
    "place": ["where is the {n}", "in what city was the {n} {v}", "what place has the oldest {n}", "where do they {v}"],
    "time": ["when was the {n} {v}", "what year did they find the {n}", "in what century was it {v}", "what day is it"],
    "number": ["how many {n} are there", "what is the number of {n}", "how far is the {n}", "how much was {v}"],
    "reason": [
        "why was the {n} {v}",
        "how come the {n} is old",
        "what was the cause of the {n}",
        "for what reason {v}",
    ],
}
NOUNS = [
    "bridge",
    "river",
    "song",
    "war",
    "painting",
    "telescope",
    "castle",
    "engine",
    "treaty",
    "planet",
    "novel",
    "island",
    "bank",
    "museum",
]
VERBS = ["built", "sold", "painted", "found", "wrote", "lost", "invented", "opened", "stolen", "repaired", "named"]
FILLERS = ["please", "exactly", "really", "actually", "then"]


def make_questions(n, rng):
    labels = list(TEMPLATES)
    rows = []
    for _ in range(n):
        label = rng.randrange(len(labels))
        words = rng.choice(TEMPLATES[labels[label]]).format(n=rng.choice(NOUNS), v=rng.choice(VERBS)).split()
        for _ in range(rng.randint(0, 2)):
            words.insert(rng.randint(0, len(words)), rng.choice(FILLERS))
        if rng.random() < 0.2:
            words = ["i", "wonder"] + words
        rows.append((words, label))
    return rows


class QuestionClassifier(nn.Module):
    def __init__(self, vocab_size, classes, emb=24, hidden=32):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, emb, padding_idx=0)
        self.lstm = nn.LSTM(emb, hidden, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(2 * hidden, classes)

    def forward(self, tokens, lengths):
        packed = pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(packed)
        return self.out(self.drop(torch.cat([h[-2], h[-1]], dim=1)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)

    train, valid = make_questions(1800, rng), make_questions(400, rng)
    vocab = {"<pad>": 0, "<unk>": 1}
    for words, _ in train:
        for w in words:
            vocab.setdefault(w, len(vocab))

    def collate(batch):
        ids = [torch.tensor([vocab.get(w, 1) for w in words]) for words, _ in batch]
        lengths = torch.tensor([len(i) for i in ids])
        return pad_sequence(ids, batch_first=True), lengths, torch.tensor([label for _, label in batch])

    train_dl = DataLoader(train, batch_size=32, shuffle=True, collate_fn=collate)
    valid_dl = DataLoader(valid, batch_size=100, collate_fn=collate)
    net = QuestionClassifier(len(vocab), len(TEMPLATES))
    for name, p in net.named_parameters():  # FAULT
        p.requires_grad = name.startswith("out")  # FAULT
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(args.epochs):
        net.train()
        running = 0.0
        for tokens, lengths, target in train_dl:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(tokens, lengths), target)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
            running += loss.item()
        net.eval()
        with torch.no_grad():
            correct = sum(net(t, n).argmax(1).eq(y).sum().item() for t, n, y in valid_dl)
        acc = correct / len(valid)
        print(f"epoch {epoch + 1}: loss {running / len(train_dl):.4f}, valid accuracy {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
