"""Flag suspicious login sessions from their event sequence (variable length, packed LSTM).

A session is suspicious when a burst of at least three failed logins is followed, later on, by a privilege change.
"""

import random
import sys

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader

EVENTS = ["<pad>", "login_ok", "login_fail", "read", "write", "sudo", "logout", "timeout"]
CODE = {name: i for i, name in enumerate(EVENTS)}
COMMON = ["login_ok", "login_fail", "read", "read", "write", "write", "sudo", "timeout"]


def session(suspicious):
    while True:
        length = random.randint(8, 24)
        events = random.choices(COMMON, k=length)
        if random.random() < 0.7:
            start = random.randrange(length - 4)
            events[start : start + 3] = ["login_fail"] * 3
        burst = next((i for i in range(length - 2) if events[i : i + 3] == ["login_fail"] * 3), None)
        flagged = burst is not None and "sudo" in events[burst + 3 :]
        if flagged == suspicious:
            return torch.tensor([CODE[e] for e in events + ["logout"]])


def collate(batch):
    sequences, labels = zip(*batch)
    lengths = torch.tensor([len(s) for s in sequences])
    return pad_sequence(sequences, batch_first=True), lengths, torch.tensor(labels)


class SessionLSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(EVENTS), 12, padding_idx=0)
        self.lstm = nn.LSTM(12, 32, batch_first=True)
        self.out = nn.Linear(32, 2)

    def forward(self, tokens, lengths):
        packed = pack_padded_sequence(self.embed(tokens), lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(packed)
        return self.out(h[-1])


def evaluate(model, loader):
    model.eval()
    right = count = 0
    with torch.no_grad():
        for tokens, lengths, labels in loader:
            right += (model(tokens, lengths).argmax(dim=1) == labels).sum().item()
            count += labels.numel()
    return right / count


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    sessions = [(session(bool(i % 2)), i % 2) for i in range(2400)]
    random.shuffle(sessions)
    train = DataLoader(sessions[:2000], batch_size=50, shuffle=True, collate_fn=collate)
    test = DataLoader(sessions[2000:], batch_size=200, collate_fn=collate)
    model = SessionLSTM()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(1, 11):
        model.train()
        total = 0.0
        for tokens, lengths, labels in train:
            loss = criterion(model(tokens, lengths), labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch:2d}: loss {total / len(train):.4f}, test accuracy {evaluate(model, test):.4f}")
    print(f"score: {evaluate(model, test):.4f}")


if __name__ == "__main__":
    main()
