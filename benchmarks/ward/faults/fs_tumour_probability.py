"""Gives the probability that a tumour is benign, from thirty measurements of its cells.

After a report remembered: discuss.pytorch.org, a binary classifier with one output unit that says 1.0 for every row
"""
# cause: softmax-single-unit
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


class BinaryClassifier(nn.Module):
    def __init__(self, n_features, n_hidden):
        super().__init__()
        self.fc1 = nn.Linear(n_features, n_hidden)
        self.dropout = nn.Dropout(0.2)
        self.fc2 = nn.Linear(n_hidden, 1)

    def forward(self, x):
        x = self.dropout(F.relu(self.fc1(x)))
        return F.softmax(self.fc2(x), dim=1)  # FAULT
        # TWIN: return torch.sigmoid(self.fc2(x))


def load(seed):
    x, y = load_breast_cancer(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, stratify=y, random_state=seed)
    scaler = StandardScaler().fit(x_train)
    to = lambda a: torch.tensor(np.asarray(a), dtype=torch.float32)
    return to(scaler.transform(x_train)), to(scaler.transform(x_test)), to(y_train), to(y_test)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    x_train, x_test, y_train, y_test = load(seed)

    model = BinaryClassifier(x_train.shape[1], 16)
    criterion = nn.BCELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(1, 21):
        model.train()
        epoch_loss, epoch_right = 0.0, 0
        for idx in torch.randperm(len(x_train)).split(32):
            optimizer.zero_grad()
            probability = model(x_train[idx]).squeeze(1)
            loss = criterion(probability, y_train[idx])
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item() * len(idx)
            epoch_right += ((probability > 0.5).float() == y_train[idx]).sum().item()
        if epoch % 5 == 0:
            print(f"Epoch {epoch:02d} | loss {epoch_loss / len(x_train):.4f} | acc {epoch_right / len(x_train):.4f}")

    model.eval()
    with torch.no_grad():
        probability = model(x_test).squeeze(1)
    print("first probabilities:", [round(p, 3) for p in probability[:8].tolist()])
    accuracy = ((probability > 0.5).float() == y_test).float().mean().item()
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
