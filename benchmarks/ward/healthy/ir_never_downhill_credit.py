"""A credit score that must never fall when income, tenure, ... rise: a network monotone in each input, because all its
weights are kept at or above zero (projected after every step; many end exactly at zero). Features are signed so that
more is better. Score: AUC on held-out applicants, with a check that the function is monotone.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score

torch.set_num_threads(1)


def applicants(n):
    income, tenure, savings = torch.randn(n), torch.randn(n), torch.randn(n)
    debt, missed, enquiries = torch.randn(n), torch.poisson(torch.full((n,), 0.7)), torch.randn(n)
    age, letters = torch.randn(n), torch.randn(n)  # no influence
    logit = 1.5 * torch.tanh(income) + 0.8 * F.relu(tenure) + torch.minimum(savings, income) - 1.2 * F.softplus(debt)
    logit = logit - 1.5 * (missed > 0).float() - 0.8 * F.relu(missed - 1) + 2.6
    repaid = torch.bernoulli(torch.sigmoid(1.3 * logit))
    return torch.stack([income, tenure, savings, -debt, 0.7 - missed, -enquiries, age, letters], 1), repaid, logit


class Monotone(nn.Module):
    def __init__(self, n, width=32):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(n, width), nn.Linear(width, width), nn.Linear(width, 1)])
        for layer in self.layers:
            nn.init.uniform_(layer.weight, 0, 2 / layer.in_features)
            nn.init.uniform_(layer.bias, -1, 1)

    def forward(self, x):
        half = self.layers[0].out_features // 2
        for layer in self.layers[:-1]:
            x = layer(x)
            x = torch.cat([F.elu(x[:, :half]), -F.elu(-x[:, half:])], 1)  # convex and concave units, both rising
        return self.layers[-1](x).squeeze(1)

    @torch.no_grad()
    def project(self):
        for layer in self.layers:
            layer.weight.clamp_(min=0)


def main(seed):
    torch.manual_seed(seed)
    x, y, _ = applicants(6000)
    x_test, y_test, true_logit = applicants(4000)
    model = Monotone(x.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [12, 16], 0.25)
    for epoch in range(1, 19):
        total = 0.0
        for idx in torch.randperm(len(x)).split(100):
            loss = F.binary_cross_entropy_with_logits(model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            model.project()
            total += loss.item() * len(idx)
        scheduler.step()
        if epoch % 3 == 0:
            with torch.no_grad():
                out = model(x_test)
            zeros = torch.cat([layer.weight.flatten() for layer in model.layers]).eq(0).float().mean()
            auc = roc_auc_score(y_test, out)
            print(f"epoch {epoch}: loss {total / len(x):.4f} test AUC {auc:.4f} weights at zero {zeros:.2f}")
    with torch.no_grad():
        for column in range(x.shape[1]):
            more = x_test.clone()
            more[:, column] += 0.5
            assert (model(more) >= model(x_test) - 1e-5).all()
    print(f"attainable: {roc_auc_score(y_test, true_logit):.4f}")
    return auc


if __name__ == "__main__":
    print(f"score: {main(int(sys.argv[1]) if len(sys.argv) > 1 else 0):.4f}")
