"""Character LSTM with truncated backpropagation through time; the hidden state is carried over and detached."""

import math
import random
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
torch.manual_seed(seed)


def counting_text(n):
    """Lines such as '3 apples + 4 apples = 7 apples' one after the other."""
    lines = []
    for _ in range(n):
        a, b, word = random.randint(0, 4), random.randint(0, 5), random.choice(["apples", "pears", "nuts"])
        lines.append(f"{a} {word} + {b} {word} = {a + b} {word}")
    return "\n".join(lines) + "\n"


corpus = counting_text(900)
vocab = sorted(set(corpus))
index = {ch: i for i, ch in enumerate(vocab)}
ids = torch.tensor([index[ch] for ch in corpus])

batch_size, seq_len = 16, 35
n_val = len(ids) // 10
train_ids, val_ids = ids[:-n_val], ids[-n_val:]


def batchify(x, rows):
    n = len(x) // rows
    return x[: n * rows].view(rows, n)


class CharLSTM(nn.Module):
    def __init__(self, n_chars, hidden_size=64):
        super().__init__()
        self.emb = nn.Embedding(n_chars, 16)
        self.lstm = nn.LSTM(16, hidden_size, batch_first=True)
        self.fc = nn.Linear(hidden_size, n_chars)

    def forward(self, x, state):
        out, state = self.lstm(self.emb(x), state)
        return self.fc(out), state


train, val = batchify(train_ids, batch_size), batchify(val_ids, 4)
model = CharLSTM(len(vocab))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()


def validate():
    model.eval()
    with torch.no_grad():
        logits, _ = model(val[:, :-1], None)
        loss = criterion(logits.reshape(-1, len(vocab)), val[:, 1:].reshape(-1)).item()
    model.train()
    return loss


for epoch in range(7):
    state, losses = None, []
    for start in range(0, train.size(1) - 1, seq_len):
        stop = min(start + seq_len, train.size(1) - 1)
        x, y = train[:, start:stop], train[:, start + 1 : stop + 1]
        if state is not None:
            state = tuple(s.detach() for s in state)
        logits, state = model(x, state)
        loss = criterion(logits.reshape(-1, len(vocab)), y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    val_loss = validate()
    print(f"epoch {epoch + 1} train {sum(losses) / len(losses):.3f} val {val_loss:.3f} ppl {math.exp(val_loss):.3f}")

print(f"score: {-val_loss:.4f}")
