"""What a shopper wants, told by the first page of a session of 20 pages. The weights of the recurrent network, the
recurrent ones too, start at the small standard deviation that transformers use, so nothing of that page is left."""
# cause: vanishing-through-time
# accept: bad-initialization
# kind: dynamic

import random
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(SEED)
torch.manual_seed(SEED)

PAGES = ["shoes", "bags", "coats", "hats"] + [f"page{i}" for i in range(12)]
VOCAB = {page: i for i, page in enumerate(PAGES)}


def session(length=20):
    goal = random.choice(PAGES[:4])
    rest = [random.choice(PAGES[4:]) for _ in range(length - 1)]
    return [VOCAB[p] for p in [goal] + rest], VOCAB[goal]


def dataset(n):
    pairs = [session() for _ in range(n)]
    return torch.tensor([p[0] for p in pairs]), torch.tensor([p[1] for p in pairs])


class SessionModel(nn.Module):
    def __init__(self, emb=16, hidden=40):
        super().__init__()
        self.embed = nn.Embedding(len(VOCAB), emb)
        self.rnn = nn.RNN(emb, hidden, batch_first=True)
        for weight in self.rnn.parameters():
            nn.init.normal_(weight, std=0.02)  # FAULT
            # TWIN: nn.init.orthogonal_(weight) if weight.dim() == 2 else nn.init.zeros_(weight)
        self.fc = nn.Linear(hidden, 4)

    def forward(self, pages):
        out, _ = self.rnn(self.embed(pages))
        return self.fc(out[:, -1])


x_train, y_train = dataset(1600)
x_test, y_test = dataset(400)
model = SessionModel()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

for epoch in range(15):
    model.train()
    total_loss = 0
    for batch in torch.randperm(len(x_train)).split(40):
        optimizer.zero_grad()
        loss = criterion(model(x_train[batch]), y_train[batch])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total_loss += loss.item() * len(batch)
    model.eval()
    with torch.no_grad():
        acc = (model(x_test).argmax(dim=1) == y_test).float().mean().item()
    print(f"epoch {epoch + 1}/15, loss: {total_loss / len(x_train):.4f}, acc: {acc:.4f}")
print(f"score: {acc:.4f}")
