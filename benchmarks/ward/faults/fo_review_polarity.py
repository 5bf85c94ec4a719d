"""Film review polarity with my own step-by-step LSTM over word embeddings.

After https://github.com/allenai/allennlp/issues/2530
"""
# cause: detached-graph
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

VOCAB, LENGTH = 120, 16
GOOD, BAD = range(0, 10), range(10, 20)


def make_reviews(n, rng):
    """The opinion is in the first sentence; the rest tells the story."""
    labels = rng.integers(0, 2, n)
    words = rng.integers(20, VOCAB, (n, LENGTH))
    for i, label in enumerate(labels):
        places = rng.choice(8, 2, replace=False)
        words[i, places] = rng.choice(GOOD if label else BAD, 2)
    return torch.as_tensor(words), torch.as_tensor(labels)


class AugmentedLstm(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.input_linearity = nn.Linear(input_size, 4 * hidden_size, bias=False)
        self.state_linearity = nn.Linear(hidden_size, 4 * hidden_size)
        for linear in (self.input_linearity, self.state_linearity):
            nn.init.orthogonal_(linear.weight)
        nn.init.zeros_(self.state_linearity.bias)
        self.state_linearity.bias.data[hidden_size : 2 * hidden_size].fill_(1.0)

    def forward(self, sequence):
        batch_size, timesteps, _ = sequence.shape
        memory = sequence.new_zeros(batch_size, self.hidden_size)
        state = sequence.new_zeros(batch_size, self.hidden_size)
        projected = self.input_linearity(sequence)
        for t in range(timesteps):
            previous_memory = memory.data.clone()  # FAULT
            previous_state = state.data.clone()  # FAULT
            # TWIN: previous_memory = memory.clone()
            # TWIN: previous_state = state.clone()
            gates = projected[:, t] + self.state_linearity(previous_state)
            i, f, g, o = gates.chunk(4, dim=1)
            memory = torch.sigmoid(i) * torch.tanh(g) + torch.sigmoid(f) * previous_memory
            state = torch.sigmoid(o) * torch.tanh(memory)
        return state


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, 24)
        self.encoder = AugmentedLstm(24, 32)
        self.output = nn.Linear(32, 2)

    def forward(self, words):
        return self.output(self.encoder(self.embedding(words)))


def main(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    torch.set_num_threads(1)

    train_x, train_y = make_reviews(1500, rng)
    valid_x, valid_y = make_reviews(500, rng)

    model = Classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

    for epoch in range(7):
        model.train()
        losses = []
        for idx in torch.randperm(len(train_x)).split(50):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(train_x[idx]), train_y[idx])
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            accuracy = (model(valid_x).argmax(1) == valid_y).float().mean().item()
        print(f"epoch {epoch}: training loss {np.mean(losses):.4f}, validation accuracy {accuracy:.4f}")

    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
