"""Three-class table classified by an MLP in a hand-written loop (after Stack Overflow 60335387).

Fault: the gradients are never zeroed between the steps.
"""
# cause: missing-zero-grad
# kind: dynamic

import sys

import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, y = make_classification(
    n_samples=1500, n_features=14, n_informative=8, n_classes=3, class_sep=1.5, random_state=seed
)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=seed)
scaler = StandardScaler()
X_train = torch.FloatTensor(scaler.fit_transform(X_train))
X_test = torch.FloatTensor(scaler.transform(X_test))
y_train, y_test = torch.LongTensor(y_train), torch.LongTensor(y_test)


class MLP(nn.Module):
    def __init__(self, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.fc1 = nn.Linear(input_dim, hidden_dim)
        self.fc2 = nn.Linear(hidden_dim, hidden_dim)
        self.fc3 = nn.Linear(hidden_dim, output_dim)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.fc3(x)


model = MLP(14, 50, 3)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
epochs, batch_size = 25, 50
for epoch in range(epochs):
    permutation = torch.randperm(X_train.size(0))
    sum_loss = 0.0
    for i in range(0, X_train.size(0), batch_size):
        indices = permutation[i : i + batch_size]
        # TWIN: optimizer.zero_grad()
        y_hat = model(X_train[indices])
        loss = criterion(y_hat, y_train[indices])
        loss.backward()
        optimizer.step()
        sum_loss += loss.item()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: loss {sum_loss * batch_size / len(X_train):.4f}")

with torch.no_grad():
    test_out = model(X_test)
    print("test loss", round(criterion(test_out, y_test).item(), 4))
    accuracy = (test_out.argmax(dim=1) == y_test).float().mean().item()
print(f"score: {accuracy:.4f}")
