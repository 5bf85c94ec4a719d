"""Small networks, written as programs write them."""

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 8)
        self.fc2 = nn.Linear(8, 2)
        self.act = nn.Sigmoid()

    def forward(self, x):
        {forward}
"""


def net(*forward: str) -> str:
    return NET.format(forward="\n        ".join(forward))


def deep(*made: str) -> str:
    return f"""
class Net(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.layers = nn.ModuleList({made[0]})

    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return x
"""


BLOCKS = """
class Block(nn.Module):
    def __init__(self, w, v=None):
        super().__init__()
        self.fc = nn.Linear(w, v or w)

    def forward(self, x):
        {forward}

class Net(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.blocks = {blocks}
        self.out = nn.Linear(w, 1)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.out(x)
"""
REPEATED = "nn.Sequential(*[Block(w) for _ in range(9)])"
