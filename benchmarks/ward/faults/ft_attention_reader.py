"""A key-value reader: dot attention over a sequence of memory items picks the one that a query asks for, then names its value.

After https://github.com/PetrochukM/PyTorch-NLP/issues/2
"""
# cause: softmax-wrong-axis
# kind: dynamic

import sys

import torch
import torch.nn as nn

N_KEYS = 16
N_VALUES = 8
N_ITEMS = 6


class Attention(nn.Module):
    """Attend over a context [batch, query_len, dim] with a query [batch, output_len, dim]."""

    def __init__(self, dimensions):
        super().__init__()
        self.linear_in = nn.Linear(dimensions, dimensions, bias=False)
        self.linear_out = nn.Linear(dimensions * 2, dimensions, bias=False)
        self.softmax = nn.Softmax(dim=0)  # FAULT
        # TWIN: self.softmax = nn.Softmax(dim=-1)
        self.tanh = nn.Tanh()

    def forward(self, query, context):
        batch_size, output_len, dimensions = query.size()
        query_len = context.size(1)
        query = self.linear_in(query)
        attention_scores = torch.bmm(query, context.transpose(1, 2).contiguous())
        attention_scores = attention_scores.view(batch_size * output_len, query_len)
        attention_weights = self.softmax(attention_scores)
        attention_weights = attention_weights.view(batch_size, output_len, query_len)
        mix = torch.bmm(attention_weights, context)
        combined = torch.cat((mix, query), dim=2)
        output = self.tanh(self.linear_out(combined))
        return output, attention_weights


class Reader(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.key_embedding = nn.Embedding(N_KEYS, dim)
        self.value_embedding = nn.Embedding(N_VALUES, dim)
        self.attention = Attention(dim)
        self.decoder = nn.Linear(dim, N_VALUES)

    def forward(self, keys, values, question):
        context = self.key_embedding(keys) + self.value_embedding(values)
        query = self.key_embedding(question).unsqueeze(1)
        output, weights = self.attention(query, context)
        return self.decoder(output.squeeze(1)), weights


def make_stories(n, generator):
    keys = torch.stack([torch.randperm(N_KEYS, generator=generator)[:N_ITEMS] for _ in range(n)])
    values = torch.randint(0, N_VALUES, (n, N_ITEMS), generator=generator)
    asked = torch.randint(0, N_ITEMS, (n,), generator=generator)
    rows = torch.arange(n)
    return keys, values, keys[rows, asked], values[rows, asked]


def evaluate(model, data, batch_size=64):
    model.eval()
    hits = 0
    with torch.no_grad():
        for start in range(0, len(data[0]), batch_size):
            keys, values, question, answer = (d[start : start + batch_size] for d in data)
            logits, _ = model(keys, values, question)
            hits += (logits.argmax(1) == answer).sum().item()
    model.train()
    return hits / len(data[0])


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(seed)
    train_data = make_stories(4000, generator)
    test_data = make_stories(1024, generator)

    model = Reader()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    batch_size = 64
    for epoch in range(12):
        order = torch.randperm(len(train_data[0]))
        total = 0.0
        for start in range(0, len(order), batch_size):
            keys, values, question, answer = (d[order[start : start + batch_size]] for d in train_data)
            logits, _ = model(keys, values, question)
            loss = criterion(logits, answer)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(answer)
        accuracy = evaluate(model, test_data)
        if epoch % 2 == 1:
            print(f"epoch {epoch + 1:2d} | train loss {total / len(order):.4f} | test accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
