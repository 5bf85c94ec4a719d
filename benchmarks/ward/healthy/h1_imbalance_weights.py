"""Class imbalance 90:10 handled with inverse-frequency class weights in the cross-entropy; judged by balanced
accuracy, on a stratified hold-out.
"""

import sys

import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.metrics import balanced_accuracy_score, confusion_matrix
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, y = make_classification(
    n_samples=4000,
    n_features=16,
    n_informative=8,
    weights=[0.9, 0.1],
    flip_y=0.0,
    class_sep=1.2,
    random_state=seed,
)
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.25, stratify=y, random_state=seed)
scaler = StandardScaler().fit(X_train)
X_train = torch.tensor(scaler.transform(X_train), dtype=torch.float32)
X_val = torch.tensor(scaler.transform(X_val), dtype=torch.float32)
weights = compute_class_weight("balanced", classes=np.array([0, 1]), y=y_train)
print("class counts", np.bincount(y_train), "weights", weights.round(3))

train_loader = DataLoader(TensorDataset(X_train, torch.tensor(y_train)), batch_size=64, shuffle=True)
criterion = nn.CrossEntropyLoss(weight=torch.tensor(weights, dtype=torch.float32))
model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(12):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        logits = model(X_val)
        val_loss = criterion(logits, torch.tensor(y_val)).item()
    balanced = balanced_accuracy_score(y_val, logits.argmax(1).numpy())
    print(f"epoch {epoch + 1}: weighted val loss {val_loss:.4f}, balanced accuracy {balanced:.4f}")

print(confusion_matrix(y_val, logits.argmax(1).numpy()))
print(f"score: {balanced:.4f}")
