"""Multi-task learning with a multi-gate mixture of experts: income (binary) and hours (regression) from the same table,
losses balanced by learned homoscedastic uncertainties.

After Ma et al., "Modeling Task Relationships in Multi-task Learning with MMoE", in the style of the layers of
https://github.com/shenweichen/DeepCTR-Torch, and the weighting of Kendall et al., https://arxiv.org/abs/1705.07115
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.metrics import r2_score, roc_auc_score
from torch.utils.data import DataLoader, TensorDataset, random_split


def make_table(seed, n=4000, d=16):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    u = rng.normal(size=(3, d)) / np.sqrt(d)
    shared = np.tanh(2 * x @ u[0])
    logit = 2.5 * shared + 1.5 * (x @ u[1])
    income = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(np.float32)
    hours = 40 + 6 * shared + 5 * np.maximum(x @ u[2], 0) + 2 * rng.normal(size=n)
    return torch.from_numpy(x).float(), torch.from_numpy(income), torch.from_numpy(hours).float()


class MMoE(nn.Module):
    def __init__(self, d_in, n_experts=4, d_expert=32, n_tasks=2):
        super().__init__()
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(d_in, 64), nn.ReLU(), nn.Linear(64, d_expert), nn.ReLU()) for _ in range(n_experts)
        )
        self.gates = nn.ModuleList(nn.Linear(d_in, n_experts, bias=False) for _ in range(n_tasks))
        self.towers = nn.ModuleList(
            nn.Sequential(nn.Linear(d_expert, 16), nn.ReLU(), nn.Linear(16, 1)) for _ in range(n_tasks)
        )

    def forward(self, x):
        expert_out = torch.stack([e(x) for e in self.experts], dim=1)
        outs = []
        for gate, tower in zip(self.gates, self.towers):
            w = gate(x).softmax(dim=1).unsqueeze(-1)
            outs.append(tower((w * expert_out).sum(dim=1)).squeeze(-1))
        return outs


@torch.no_grad()
def evaluate(model, loader, mu, sd):
    model.eval()
    rows = [(*model(x), a, b) for x, a, b in loader]
    logit, hours, income, hours_true = [torch.cat(c).numpy() for c in zip(*rows)]
    return roc_auc_score(income, logit), r2_score(hours_true, hours * sd + mu)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    dataset = TensorDataset(*make_table(seed))
    train, test = random_split(dataset, [3200, 800], generator=torch.Generator().manual_seed(seed))
    hours = dataset.tensors[2][train.indices]
    mu, sd = hours.mean().item(), hours.std().item()
    train_loader = DataLoader(train, batch_size=128, shuffle=True)
    test_loader = DataLoader(test, batch_size=400)

    model = MMoE(16)
    log_var = nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.AdamW(
        [{"params": model.parameters(), "weight_decay": 5e-2}, {"params": [log_var], "weight_decay": 0.0}], lr=2e-3
    )
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=12)
    for epoch in range(12):
        model.train()
        sums = torch.zeros(2)
        for x, income, h in train_loader:
            logit, pred = model(x)
            losses = torch.stack(
                [F.binary_cross_entropy_with_logits(logit, income), 0.5 * F.mse_loss(pred, (h - mu) / sd)]
            )
            loss = (torch.exp(-log_var) * losses + 0.5 * log_var).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            sums += losses.detach()
        scheduler.step()
        bce, mse = (sums / len(train_loader)).tolist()
        print(
            f"epoch {epoch + 1:2d}: income bce {bce:.4f}, hours mse/2 {mse:.4f}, "
            f"weights {[round(v, 2) for v in torch.exp(-log_var).tolist()]}"
        )

    auc, r2 = evaluate(model, test_loader, mu, sd)
    print(f"test: income AUC {auc:.4f}, hours R2 {r2:.4f}")
    print(f"score: {(auc + r2) / 2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
