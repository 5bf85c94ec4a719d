"""Digits with a ReLU multilayer perceptron whose weights are drawn from N(0, 1) (Stack Overflow 48385830, DeepFD 1)."""
# cause: bad-initialization
# accept: exploding-gradient
# kind: dynamic

import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

data = load_digits()
x_train, x_test, t_train, t_test = train_test_split(data.data / 16, data.target, test_size=0.3, random_state=seed)
x_train = torch.tensor(x_train, dtype=torch.float32)
x_test = torch.tensor(x_test, dtype=torch.float32)
t_train = torch.tensor(t_train)
t_test = torch.tensor(t_test)

model = torch.nn.Sequential(
    torch.nn.Linear(64, 128),
    torch.nn.ReLU(),
    torch.nn.Linear(128, 128),
    torch.nn.ReLU(),
    torch.nn.Linear(128, 128),
    torch.nn.ReLU(),
    torch.nn.Linear(128, 10),
)


def init_weights(m):
    if type(m) is torch.nn.Linear:
        torch.nn.init.normal_(m.weight, 0.0, 1.0)  # FAULT
        # TWIN: torch.nn.init.kaiming_normal_(m.weight)
        torch.nn.init.zeros_(m.bias)


model.apply(init_weights)
loss_fn = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.03)

batch_size = 50
for epoch in range(20):
    permutation = torch.randperm(x_train.size(0))
    for i in range(0, x_train.size(0), batch_size):
        indices = permutation[i : i + batch_size]
        batch_x, batch_y = x_train[indices], t_train[indices]
        optimizer.zero_grad()
        outputs = model(batch_x)
        loss = loss_fn(outputs, batch_y)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        test_out = model(x_test)
        test_loss = loss_fn(test_out, t_test).item()
        test_acc = (test_out.argmax(1) == t_test).float().mean().item()
    print("epoch", epoch, "loss", round(loss.item(), 4), "test loss", round(test_loss, 4), "acc", round(test_acc, 4))

print("score:", round(test_acc, 4))
