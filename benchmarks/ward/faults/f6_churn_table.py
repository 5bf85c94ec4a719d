"""Will the subscriber leave? A two-layer network with one output on a synthetic table of subscribers.

The model has a single output unit but the loss is nn.CrossEntropyLoss with float targets of shape (N, 1).
"""
# cause: loss-output-mismatch
# accept: softmax-single-unit
# kind: dynamic

import sys

import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset


class Churn(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.fc1 = nn.Linear(n_features, 64)
        self.fc2 = nn.Linear(64, 32)
        self.fc3 = nn.Linear(32, 1)
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(self.drop(x)))
        return self.fc3(x)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    X, y = make_classification(3000, 14, n_informative=8, n_redundant=2, class_sep=1.3, flip_y=0.02, random_state=seed)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=seed)
    scaler = StandardScaler().fit(X_train)
    X_train = torch.tensor(scaler.transform(X_train), dtype=torch.float32)
    X_test = torch.tensor(scaler.transform(X_test), dtype=torch.float32)
    y_train = torch.tensor(y_train, dtype=torch.float32).unsqueeze(1)
    y_test = torch.tensor(y_test, dtype=torch.float32).unsqueeze(1)

    model = Churn(X.shape[1])
    criterion = nn.CrossEntropyLoss()  # FAULT
    # TWIN: criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    train_loader = DataLoader(TensorDataset(X_train, y_train), batch_size=32, shuffle=True)

    for epoch in range(15):
        model.train()
        total = 0.0
        for inputs, labels in train_loader:
            optimizer.zero_grad()
            outputs = model(inputs)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(inputs)
        model.eval()
        with torch.no_grad():
            out = model(X_test)
            test_loss = criterion(out, y_test).item()
            acc = ((out > 0).float() == y_test).float().mean().item()
        print(f"Epoch {epoch + 1}/15 - loss: {total / len(X_train):.4f} - test: {test_loss:.4f} - accuracy: {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
