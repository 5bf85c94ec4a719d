"""Which of thirty weaves is it? A small transformer reads the ten rows of a draft, eight threads each."""
# cause: softmax-twice
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
WEAVES, ROWS, THREADS, DIM = 30, 10, 8, 32


class DraftEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(THREADS, DIM)
        self.place = nn.Parameter(0.1 * torch.randn(1, ROWS, DIM))
        layer = nn.TransformerEncoderLayer(DIM, 4, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(DIM)
        self.classify = nn.Linear(DIM, WEAVES)

    def forward(self, draft):
        h = self.encoder(self.embed(draft) + self.place)
        logits = self.classify(self.norm(h.mean(dim=1)))
        return logits.softmax(dim=-1)  # FAULT
        # TWIN: return logits


class Trainer:
    """The shop's trainer: wants class scores from the model, and uses cross entropy on them."""

    def __init__(self, model, lr, epochs):
        self.model = model
        self.epochs = epochs
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)

    def fit(self, loader, held_out):
        for epoch in range(self.epochs):
            self.model.train()
            total = 0.0
            for draft, weave in loader:
                self.optimizer.zero_grad()
                loss = self.criterion(self.model(draft), weave)
                loss.backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), 2.0)
                self.optimizer.step()
                total += loss.item()
            accuracy = self.test(*held_out)
            print(f"epoch {epoch}: train loss {total / len(loader):.4f}, held-out accuracy {accuracy:.4f}")
        return accuracy

    @torch.no_grad()
    def test(self, drafts, weaves):
        self.model.eval()
        return (self.model(drafts).argmax(-1) == weaves).float().mean().item()


def drafts(n, patterns):
    weave = torch.randint(0, WEAVES, (n,))
    over = patterns[weave]
    roll = torch.randint(0, 3, (n,))
    over = torch.stack([o.roll(int(r), dims=0) for o, r in zip(over, roll, strict=True)])
    slips = torch.rand(n, ROWS, THREADS) < 0.08
    return torch.where(slips, -over, over), weave


torch.set_num_threads(1)
torch.manual_seed(SEED)
patterns = torch.randn(WEAVES, ROWS, THREADS).sign()
loader = DataLoader(TensorDataset(*drafts(2400, patterns)), batch_size=40, shuffle=True)
trainer = Trainer(DraftEncoder(), lr=0.03, epochs=7)
print(f"score: {trainer.fit(loader, drafts(500, patterns)):.4f}")
