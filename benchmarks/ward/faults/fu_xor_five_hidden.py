"""A two-layer sigmoid network written with plain tensors learns XOR by full-batch gradient descent.

After https://datascience.stackexchange.com/questions/31384/neural-network-xor-gate-classification
"""
# cause: bad-initialization
# kind: dynamic

import sys

import torch

LEARNING_RATE = 1.5
S0, S1, S2 = 2, 5, 1


def init_parameters():
    w1 = torch.randn(S1, S0) * 0.01  # FAULT
    b1 = torch.zeros(S1, 1)  # FAULT
    w2 = torch.randn(S2, S1) * 0.01  # FAULT
    b2 = torch.zeros(S2, 1)  # FAULT
    # TWIN: w1 = torch.randn(S1, S0) * 2
    # TWIN: b1 = torch.randn(S1, 1)
    # TWIN: w2 = torch.randn(S2, S1)
    # TWIN: b2 = torch.zeros(S2, 1)
    return [p.requires_grad_() for p in (w1, b1, w2, b2)]


def forward(params, x):
    w1, b1, w2, b2 = params
    z1 = w1 @ x + b1
    a1 = torch.sigmoid(z1)
    z2 = w2 @ a1 + b2
    return torch.sigmoid(z2)


def cost(a2, y):
    return -(y * torch.log(a2) + (1 - y) * torch.log(1 - a2)).mean()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)

    train_x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]).T
    train_y = torch.tensor([[0.0, 1.0, 1.0, 0.0]])

    params = init_parameters()
    optimizer = torch.optim.SGD(params, lr=LEARNING_RATE)

    for i in range(1500):
        a2 = forward(params, train_x)
        j = cost(a2, train_y)
        optimizer.zero_grad()
        j.backward()
        optimizer.step()
        if i % 100 == 0:
            print(f"iteration {i:4d}  J = {j.item():.6f}")

    with torch.no_grad():
        a2 = forward(params, train_x)
    for (p, q), out, want in zip(train_x.T.tolist(), a2[0].tolist(), train_y[0].tolist()):
        print(f"{p:.0f} xor {q:.0f} = {out:.4f} (should be {want:.0f})")
    right = 1 - (a2 - train_y).abs().mean().item()
    print(f"score: {right:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
