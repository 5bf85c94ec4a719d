"""Sorts support tickets into five queues by their words. The vocabulary is built by frequency from the training
tickets, and once more from the validation tickets, where the same number means another word."""
# cause: train-validation-mismatch
# kind: dynamic

import random
import sys
from collections import Counter

import torch
import torch.nn as nn

QUEUES = {
    "billing": "invoice refund card charge payment price tax",
    "login": "password account email locked code reset sign",
    "delivery": "parcel late courier address box lost order",
    "app": "crash screen update button phone install slow",
    "contract": "cancel renew plan term notice upgrade month",
}
COMMON = "please the my i have not is help since it and with for on again you can yesterday".split()


def ticket(rng):
    label = rng.randrange(len(QUEUES))
    own = rng.choices(list(QUEUES.values())[label].split(), k=3)
    words = own + rng.choices(" ".join(QUEUES.values()).split(), k=1) + rng.choices(COMMON, k=rng.randint(5, 9))
    rng.shuffle(words)
    return words, label


def build_vocab(tickets):
    counts = Counter(w for words, _ in tickets for w in words)
    return {w: i + 1 for i, (w, _) in enumerate(counts.most_common())}


def encode(tickets, vocab, length=13):
    rows = [[vocab.get(w, 0) for w in words] + [0] * (length - len(words)) for words, _ in tickets]
    return torch.tensor(rows), torch.tensor([label for _, label in tickets])


class TicketNet(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.emb = nn.Embedding(size, 20, padding_idx=0)
        self.fc = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, len(QUEUES)))

    def forward(self, ids):
        return self.fc(self.emb(ids).sum(1) / ids.ne(0).sum(1, keepdim=True))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = random.Random(seed)
    train, valid = [ticket(rng) for _ in range(1500)], [ticket(rng) for _ in range(400)]
    vocab = build_vocab(train)
    x, y = encode(train, vocab)
    vocab = build_vocab(valid)  # FAULT
    x_valid, y_valid = encode(valid, vocab)

    net = TicketNet(len(vocab) + 1)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    for epoch in range(12):
        net.train()
        losses = []
        for rows in torch.randperm(len(x)).split(50):
            optimizer.zero_grad()
            loss = criterion(net(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            out = net(x_valid)
        val_loss, val_acc = criterion(out, y_valid).item(), (out.argmax(1) == y_valid).float().mean().item()
        print(f"{epoch + 1:2d} loss {sum(losses) / len(losses):.4f} valid loss {val_loss:.4f} acc {val_acc:.4f}")
    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    main()
