"""Linear regression with hand-made weights and bias tensors: out = x.mm(weights) + bias, fitted with Adam.

After https://huggingface.co/datasets/nvidia/Nemotron-CC-Math-v1 (a copy of "Simple Linear Regression in PyTorch")
"""
# cause: broadcast-loss
# kind: dynamic

import sys

import torch

N_POINTS = 80
N_HELD_OUT = 40
STEPS = 1200


def make_points(n, generator):
    """Rows (1, x) and their values, on the line y = x with a little noise."""
    position = 10.0 * torch.rand(n, generator=generator)
    x = torch.stack([torch.ones(n), position], dim=1)
    y = position + 0.3 * torch.randn(n, generator=generator)
    return x, y


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(seed)

    x, y = make_points(N_POINTS, generator)
    x_new, y_new = make_points(N_HELD_OUT, generator)

    weights = torch.randn(2, 1, requires_grad=True)
    bias = torch.randn(1, requires_grad=True)
    optimizer = torch.optim.Adam([weights, bias], lr=0.01)

    # Actual training
    loss_history = []
    for i in range(STEPS):
        out = x.mm(weights) + bias  # FAULT
        # TWIN: out = (x.mm(weights) + bias).view(-1)
        loss = torch.mean((out - y) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_history.append(loss.item())
        if i % 150 == 0:
            print(f"{i:5d}  loss {loss.item():.5f}")

    print("final loss:", loss_history[-1])
    print("weights:", weights.detach().view(-1).tolist())
    print("bias:", bias.item())

    with torch.no_grad():
        guess = (x_new.mm(weights) + bias).view(-1)
        residual = ((y_new - guess) ** 2).sum()
        spread = ((y_new - y_new.mean()) ** 2).sum()
        r2 = 1.0 - (residual / spread).item()
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
