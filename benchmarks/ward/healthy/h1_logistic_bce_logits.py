"""Logistic regression on the breast cancer table: one linear layer that gives a raw logit, BCEWithLogitsLoss, sigmoid
only to report probabilities. SGD with small L2.
"""

import sys

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


class LogisticRegression(torch.nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.linear = torch.nn.Linear(n_features, 1)

    def forward(self, x):
        return self.linear(x).squeeze(-1)


torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

bc = load_breast_cancer()
X_train, X_test, y_train, y_test = train_test_split(
    bc.data, bc.target, test_size=0.3, random_state=seed, stratify=bc.target
)
sc = StandardScaler()
X_train = torch.from_numpy(sc.fit_transform(X_train)).float()
X_test = torch.from_numpy(sc.transform(X_test)).float()
y_train, y_test = torch.from_numpy(y_train).float(), torch.from_numpy(y_test).float()

model = LogisticRegression(X_train.shape[1])
criterion = torch.nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=1e-3)

batch_size = 16
for epoch in range(40):
    shuffled = torch.randperm(X_train.shape[0])
    epoch_loss = 0.0
    for start in range(0, len(shuffled), batch_size):
        rows = shuffled[start : start + batch_size]
        logits = model(X_train[rows])
        loss = criterion(logits, y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(rows)
    if (epoch + 1) % 5 == 0:
        print(f"epoch: {epoch + 1}, loss = {epoch_loss / len(shuffled):.4f}")

with torch.no_grad():
    probs = torch.sigmoid(model(X_test))
    acc = probs.round().eq(y_test).sum() / float(y_test.shape[0])
    print(f"AUC: {roc_auc_score(y_test.numpy(), probs.numpy()):.4f}")
print(f"score: {acc.item():.4f}")
