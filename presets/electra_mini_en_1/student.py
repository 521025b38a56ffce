"""The model that is trained: ELECTRA, mean pooling, a Dense module; and how its layers start.

With no layers it is the static table: embeddings through their LayerNorm, mean,
Dense.  Layers are put on top of a trained table so that they change nothing at
first: a LayerNorm of what is normalized already, and 0 from both halves of the
layer.  So the encoder starts where the table ended.
"""
import math

import torch
import transformers

from train_vocabulary import POSITIONS, SIZE, SPECIAL

INNER_STD = 0.03


def config(layers, width):
    return transformers.ElectraConfig(
        vocab_size=SIZE, embedding_size=width, hidden_size=width, num_hidden_layers=layers,
        num_attention_heads=width // 64, intermediate_size=4 * width, max_position_embeddings=POSITIONS,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, pad_token_id=SPECIAL.index("[PAD]"))


class Student(torch.nn.Module):
    def __init__(self, layers, width, dimensions):
        super().__init__()
        self.shape = {"layers": layers, "width": width, "dimensions": dimensions}
        self.electra = transformers.ElectraModel(config(layers, width))
        self.dense = torch.nn.Linear(width, dimensions)

    def forward(self, ids, mask):
        """(B, T) numbers, (B, T) 1 where there is a token -> (B, dimensions), not normalized"""
        hidden = self.electra(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask[:, :, None].to(hidden.dtype)
        return self.dense((hidden * weight).sum(1) / weight.sum(1))

    @torch.no_grad()
    def start_table(self, rows, axes, mean):
        """Rows from the teacher's view of each token, (SIZE, width - 2); the Dense module turns them back.

        The last two dimensions hold +c and -c: beside them the rest of a row is
        small, so that LayerNorm scales all rows nearly alike and a row can stay
        short, as a frequent word's should.

        axes: (dimensions, width - 2), mean: (dimensions,); row @ axes.T + mean
        is what the teacher makes of the token.
        """
        embeddings = self.electra.embeddings
        length = rows.norm(dim=1).quantile(0.75)
        c = 1.5 * length / math.sqrt(2)
        edge = torch.tensor([c, -c]).expand(len(rows), 2)
        embeddings.word_embeddings.weight.copy_(torch.cat([rows, edge], dim=1))
        embeddings.position_embeddings.weight.zero_()
        embeddings.token_type_embeddings.weight.zero_()
        self.dense.weight.zero_()
        self.dense.weight[:, :-2] = axes
        # As LayerNorm scales a row of that length.
        self.dense.bias.copy_(mean * math.sqrt(self.shape["width"]) / (length * math.sqrt(1 + 1.5 ** 2)))

    @torch.no_grad()
    def start_layers(self, table):
        """Everything of a trained table, and layers that change nothing yet."""
        self.electra.embeddings.load_state_dict(table.electra.embeddings.state_dict())
        self.dense.load_state_dict(table.dense.state_dict())
        for layer in self.electra.encoder.layer:
            attention = layer.attention.self
            for inner in (attention.query, attention.key, attention.value, layer.intermediate.dense):
                torch.nn.init.normal_(inner.weight, std=INNER_STD)
                inner.bias.zero_()
            for outer in (layer.attention.output, layer.output):
                outer.dense.weight.zero_()
                outer.dense.bias.zero_()


def load_student(path):
    saved = torch.load(path, weights_only=True, map_location="cpu")
    student = Student(**saved["shape"])
    student.load_state_dict(saved["state"])
    return student
