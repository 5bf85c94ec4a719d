"""An LSTM reads sixteen endless melodies side by side; the state is carried from one stretch to the next and detached
there. The batches stay in their order, as they must."""
# cause: frozen-parameters
# kind: dynamic

import sys

import torch
from torch import nn

NOTES, VOICES, STRETCH = 8, 16, 20


def melodies(length, table):
    """Each note depends on the two before it."""
    notes = torch.randint(NOTES, (VOICES, length))
    for t in range(2, length):
        chance = table[notes[:, t - 2], notes[:, t - 1]]
        notes[:, t] = torch.multinomial(chance, 1).squeeze(1)
    return notes


class Player(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.embed = nn.Embedding(NOTES, 16)
        self.lstm = nn.LSTM(16, hidden, batch_first=True)
        self.out = nn.Linear(hidden, NOTES)
        for weight in (self.lstm.weight_ih_l0, self.lstm.weight_hh_l0):  # FAULT
            nn.init.orthogonal_(weight.requires_grad_(False))  # FAULT

    def forward(self, notes, state):
        x, state = self.lstm(self.embed(notes), state)
        return self.out(x), state


def stretches(notes):
    for start in range(0, notes.shape[1] - 1, STRETCH):
        end = min(start + STRETCH, notes.shape[1] - 1)
        yield notes[:, start:end], notes[:, start + 1 : end + 1]


def evaluate(model, notes):
    state, losses = None, []
    with torch.no_grad():
        for x, y in stretches(notes):
            out, state = model(x, state)
            losses.append(nn.functional.cross_entropy(out.flatten(0, 1), y.flatten()).item())
    return sum(losses) / len(losses)


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
table = (2.5 * torch.randn(NOTES, NOTES, NOTES)).softmax(2)
train, test = melodies(1601, table), melodies(201, table)
model = Player()
optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
for epoch in range(8):
    state = None
    for x, y in stretches(train):
        if state is not None:
            state = tuple(s.detach() for s in state)
        out, state = model(x, state)
        loss = nn.functional.cross_entropy(out.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f} test {evaluate(model, test):.4f}")
print(f"score: {-evaluate(model, test):.4f}")
