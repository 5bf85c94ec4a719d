"""Over-complete sparse autoencoder of the digits: 64 pixels, 128 ReLU codes with an L1 penalty. The decoder's columns
are rescaled to unit norm after every step so that the penalty cannot be dodged. Score: test variance explained.
"""

import sys

import torch
from sklearn.datasets import load_digits

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X = torch.tensor(load_digits().data, dtype=torch.float32) / 16
X = X[torch.randperm(len(X))]
X = X - X[:1400].mean(0)
train, test = X[:1400], X[1400:]


class SparseAE(torch.nn.Module):
    def __init__(self, n_in=64, n_codes=128):
        super().__init__()
        self.encoder = torch.nn.Linear(n_in, n_codes)
        self.decoder = torch.nn.Linear(n_codes, n_in)
        with torch.no_grad():
            self.decoder.weight.div_(self.decoder.weight.norm(dim=0, keepdim=True))
            self.encoder.weight.copy_(self.decoder.weight.T)

    def forward(self, x):
        codes = torch.relu(self.encoder(x))
        return self.decoder(codes), codes


sae = SparseAE()
opt = torch.optim.Adam(sae.parameters(), lr=2e-3)
l1 = 0.02
for epoch in range(60):
    for batch in torch.randperm(len(train)).split(70):
        x = train[batch]
        reconstruction, codes = sae(x)
        error = (reconstruction - x).pow(2).sum(1).mean()
        loss = error + l1 * codes.abs().sum(1).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        with torch.no_grad():
            sae.decoder.weight.div_(sae.decoder.weight.norm(dim=0, keepdim=True))
    if epoch % 10 == 9:
        active = (codes > 0).float().sum(1).mean().item()
        print(f"epoch {epoch + 1}: error {error.item():.4f}, active codes per image {active:.1f}")

with torch.no_grad():
    reconstruction, _ = sae(test)
    explained = 1 - (reconstruction - test).pow(2).sum() / (test - test.mean(0)).pow(2).sum()
print(f"score: {explained.item():.4f}")
