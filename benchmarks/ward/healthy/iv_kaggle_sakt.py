"""Knowledge tracing with SAKT: will a student answer the next exercise rightly, given earlier answers? Simulated students, AUC on new ones.

After SAKT notebooks of Kaggle's "Riiid Answer Correctness Prediction" and https://github.com/arshadshk/SAKT-pytorch
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import roc_auc_score
from torch.utils.data import DataLoader, Dataset

N_SKILL, MAX_SEQ = 40, 30


def simulate(n, rng, difficulty, topic):
    """Abilities per topic, growing with practice; sequences of different lengths."""
    students = []
    for _ in range(n):
        ability = rng.normal(0, 1.5, topic.max() + 1) + rng.normal(0, 0.8)
        exercises = rng.integers(0, N_SKILL, rng.integers(10, MAX_SEQ + 2))
        answers = []
        for e in exercises:
            p = 1 / (1 + np.exp(-(ability[topic[e]] - difficulty[e])))
            answers.append(int(rng.random() < p))
            ability[topic[e]] += 0.05
        students.append((exercises, np.array(answers)))
    return students


class SAKTDataset(Dataset):
    def __init__(self, students):
        self.students = students

    def __len__(self):
        return len(self.students)

    def __getitem__(self, i):
        q, a = self.students[i]
        n = len(q) - 1
        x, target_id, label = (np.zeros(MAX_SEQ, dtype=np.int64) for _ in range(3))
        x[:n] = q[:-1] + 1 + N_SKILL * a[:-1]  # interaction: exercise and its answer, zero is padding
        target_id[:n] = q[1:] + 1
        label[:n] = a[1:]
        return x, target_id, label


class SAKTModel(nn.Module):
    def __init__(self, embed_dim=48, heads=4, dropout=0.2):
        super().__init__()
        self.embedding = nn.Embedding(2 * N_SKILL + 1, embed_dim, padding_idx=0)
        self.pos_embedding = nn.Embedding(MAX_SEQ, embed_dim)
        self.e_embedding = nn.Embedding(N_SKILL + 1, embed_dim, padding_idx=0)
        self.multi_att = nn.MultiheadAttention(embed_dim, heads, dropout=dropout, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.norm1, self.norm2 = nn.LayerNorm(embed_dim), nn.LayerNorm(embed_dim)
        self.ffn = nn.Sequential(
            nn.Linear(embed_dim, embed_dim), nn.ReLU(), nn.Dropout(dropout), nn.Linear(embed_dim, embed_dim)
        )
        self.pred = nn.Linear(embed_dim, 1)

    def forward(self, x, question_ids):
        x = self.embedding(x) + self.pos_embedding(torch.arange(x.size(1)))
        e = self.e_embedding(question_ids)
        future = torch.triu(torch.ones(x.size(1), x.size(1), dtype=torch.bool), diagonal=1)
        att, _ = self.multi_att(e, x, x, attn_mask=future, need_weights=False)
        h = self.norm1(att + e)
        return self.pred(self.norm2(h + self.dropout(self.ffn(h)))).squeeze(-1)


def train_epoch(model, loader, optimizer, criterion):
    model.train()
    losses = []
    for x, target_id, label in loader:
        mask = target_id != 0
        optimizer.zero_grad()
        loss = criterion(model(x, target_id)[mask], label[mask].float())
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.mean(losses)


@torch.no_grad()
def valid_auc(model, loader):
    model.eval()
    outs, labels = [], []
    for x, target_id, label in loader:
        mask = target_id != 0
        outs.append(model(x, target_id)[mask])
        labels.append(label[mask])
    return roc_auc_score(torch.cat(labels).numpy(), torch.cat(outs).numpy())


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    difficulty, topic = rng.normal(0, 1.2, N_SKILL), rng.integers(0, 4, N_SKILL)
    train, valid = simulate(2000, rng, difficulty, topic), simulate(500, rng, difficulty, topic)
    train_loader = DataLoader(SAKTDataset(train), batch_size=64, shuffle=True)
    valid_loader = DataLoader(SAKTDataset(valid), batch_size=250)
    model = SAKTModel()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(6):
        loss = train_epoch(model, train_loader, optimizer, criterion)
        print(f"epoch - {epoch + 1} train_loss - {loss:.4f} valid_auc - {valid_auc(model, valid_loader):.4f}")

    hits, seen = np.zeros(N_SKILL), np.zeros(N_SKILL)  # share of right answers for each exercise as the baseline
    for q, a in train:
        np.add.at(hits, q, a)
        np.add.at(seen, q, 1)
    pred = np.concatenate([(hits / seen)[q[1:]] for q, _ in valid])
    print(f"exercise means: auc {roc_auc_score(np.concatenate([a[1:] for _, a in valid]), pred):.4f}")
    print(f"score: {valid_auc(model, valid_loader):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
