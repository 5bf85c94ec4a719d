"""make_circles with a tiny full-batch network, the way a first PyTorch notebook does it (and its accuracy_fn)."""

import sys

import torch
from sklearn.datasets import make_circles
from sklearn.model_selection import train_test_split
from torch import nn

torch.set_num_threads(1)
RANDOM_SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0


def accuracy_fn(y_true, y_pred):
    correct = torch.eq(y_true, y_pred).sum().item()
    return correct / len(y_pred) * 100


# 1. Data
X, y = make_circles(1000, noise=0.06, factor=0.6, random_state=RANDOM_SEED)
X = torch.from_numpy(X).type(torch.float)
y = torch.from_numpy(y).type(torch.float)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=RANDOM_SEED)


# 2. Model
class CircleModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer_1 = nn.Linear(in_features=2, out_features=16)
        self.layer_2 = nn.Linear(in_features=16, out_features=16)
        self.layer_3 = nn.Linear(in_features=16, out_features=1)
        self.act = nn.LeakyReLU()

    def forward(self, x):
        return self.layer_3(self.act(self.layer_2(self.act(self.layer_1(x)))))


torch.manual_seed(RANDOM_SEED)
model_0 = CircleModel()
loss_fn = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model_0.parameters(), lr=0.01)

# 3. Loop
epochs = 180
for epoch in range(epochs):
    model_0.train()
    y_logits = model_0(X_train).squeeze()
    y_pred = torch.round(torch.sigmoid(y_logits))
    loss = loss_fn(y_logits, y_train)
    acc = accuracy_fn(y_true=y_train, y_pred=y_pred)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

    model_0.eval()
    with torch.inference_mode():
        test_logits = model_0(X_test).squeeze()
        test_pred = torch.round(torch.sigmoid(test_logits))
        test_loss = loss_fn(test_logits, y_test)
        test_acc = accuracy_fn(y_true=y_test, y_pred=test_pred)
    if epoch % 30 == 0 or epoch == epochs - 1:
        print(
            f"Epoch: {epoch} | Loss: {loss:.5f}, Accuracy: {acc:.2f}% | "
            f"Test Loss: {test_loss:.5f}, Test Accuracy: {test_acc:.2f}%"
        )

print(f"score: {test_acc / 100:.4f}")
