"""Multi-label classification with BCEWithLogitsLoss and a positive weight per label; micro F1 on held-out rows."""

import sys

import torch
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class TableDataset(Dataset):
    def __init__(self, features, labels):
        self.features = torch.as_tensor(features, dtype=torch.float32)
        self.labels = torch.as_tensor(labels, dtype=torch.float32)

    def __len__(self):
        return len(self.features)

    def __getitem__(self, index):
        return self.features[index], self.labels[index]


class MultiLabelNet(nn.Module):
    def __init__(self, n_features, n_labels):
        super().__init__()
        self.fc1 = nn.Linear(n_features, 64)
        self.bn1 = nn.BatchNorm1d(64)
        self.fc2 = nn.Linear(64, n_labels)

    def forward(self, x):
        return self.fc2(torch.relu(self.bn1(self.fc1(x))))


X, Y = make_multilabel_classification(
    n_samples=2000, n_features=20, n_classes=6, n_labels=2, length=80, random_state=seed
)
X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=0.2, random_state=seed)
scaler = StandardScaler().fit(X_train)
train_loader = DataLoader(TableDataset(scaler.transform(X_train), Y_train), batch_size=50, shuffle=True)
test_loader = DataLoader(TableDataset(scaler.transform(X_test), Y_test), batch_size=100)

positive = torch.tensor(Y_train.mean(0), dtype=torch.float32)
pos_weight = ((1 - positive) / positive).clamp(max=5.0)
model = MultiLabelNet(20, 6)
criterion = nn.BCEWithLogitsLoss(pos_weight=pos_weight)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)

for epoch in range(15):
    model.train()
    running_loss = 0.0
    for features, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(features), labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()

    model.eval()
    with torch.no_grad():
        predicted = torch.cat([torch.sigmoid(model(features)) > 0.5 for features, _ in test_loader])
    f1 = f1_score(Y_test, predicted.numpy(), average="micro")
    print(f"epoch {epoch + 1:02d} loss {running_loss / len(train_loader):.4f} micro-F1 {f1:.4f}")

print(f"score: {f1:.4f}")
