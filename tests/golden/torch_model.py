"""The library's LSTM classifier as a PyTorch module: Embedding -> LSTM -> pooling over the real tokens -> Linear.

Parameter names are those of a model file: embedding.weight, lstm.weight_ih_l0, ..., fc.weight, fc.bias.
pooling last = h_n of the last layer (forward state at the last token beside backward state at the first);
mean and max run over the last layer's outputs; a text of no tokens has a pooled vector of zeros.
Two ways through the LSTM that compute the same: packed sequences (any model) and plain padding (one direction only,
two to three times faster on a CPU). Knows nothing of files other than which tensor names belong to the module.
"""
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

POOLINGS = ("last", "mean", "max")


class TextClassifier(nn.Module):
    def __init__(self, vocab_size, embedding_dim, hidden_dim, label_count, num_layers=1, bidirectional=False,
                 pooling="last", packed=True, sparse_embedding=False):
        super().__init__()
        if pooling not in POOLINGS or (bidirectional and not packed):
            raise ValueError(f"pooling is one of {POOLINGS}; two directions need packed sequences")
        self.pooling, self.packed = pooling, packed
        self.embedding = nn.Embedding(vocab_size, embedding_dim, sparse=sparse_embedding)
        self.lstm = nn.LSTM(embedding_dim, hidden_dim, num_layers, bidirectional=bidirectional, batch_first=True)
        self.fc = nn.Linear(hidden_dim * (2 if bidirectional else 1), label_count)

    def forward(self, ids, lengths):
        """ids (rows, longest) padded with anything, lengths (rows) -> logits (rows, label_count)"""
        filled = torch.nonzero(lengths > 0).squeeze(1)
        pooled = self.fc.weight.new_zeros(len(lengths), self.fc.in_features)
        if len(filled) == len(lengths):
            pooled = self._pool(ids, lengths)
        elif len(filled):
            pooled = pooled.index_copy(0, filled, self._pool(ids[filled], lengths[filled]))
        return self.fc(pooled)

    def _pool(self, ids, lengths):
        """rows of at least one token -> (rows, fc.in_features)"""
        embedded = self.embedding(ids)
        if self.packed:
            sequence = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
            packed_outputs, (last_hidden, _) = self.lstm(sequence)
            directions = 2 if self.lstm.bidirectional else 1
            if self.pooling == "last":
                return torch.cat(tuple(last_hidden[-directions:]), dim=1)
            outputs, _ = pad_packed_sequence(packed_outputs, batch_first=True)
        else:
            outputs, _ = self.lstm(embedded)
            if self.pooling == "last":
                return outputs[torch.arange(len(lengths)), lengths - 1]
        padding = (torch.arange(outputs.shape[1]) >= lengths[:, None])[:, :, None]
        if self.pooling == "mean":
            return outputs.masked_fill(padding, 0).sum(dim=1) / lengths[:, None].to(outputs.dtype)
        return outputs.masked_fill(padding, float("-inf")).max(dim=1).values


def pad_rows(rows):
    """list of 1-d id tensors -> ids (rows, longest), lengths (rows)

    A row is padded with its own last id: an id that is not in the batch must not come in through the padding, where
    SparseAdam would take it for a row with a gradient of zero and move it."""
    lengths = [len(row) for row in rows]
    padded = [torch.cat([row, row[-1:].expand(max(lengths) - len(row))]) if len(row) else row.new_zeros(max(lengths))
              for row in rows]
    return torch.stack(padded), torch.tensor(lengths)


def module_tensors(tensors):
    """Drops what a model file or a checkpoint holds beside the module's own tensors."""
    return {name: array for name, array in tensors.items() if not name.startswith(("textclf.", "optim.", "best."))}


def sizes_of(tensors):
    """The sizes of a model as TextClassifier's keywords, read from its tensors' names and shapes."""
    vocab_size, embedding_dim = tensors["embedding.weight"].shape
    num_layers = 0
    while f"lstm.weight_hh_l{num_layers}" in tensors:
        num_layers += 1
    return {"vocab_size": vocab_size, "embedding_dim": embedding_dim,
            "hidden_dim": tensors["lstm.weight_hh_l0"].shape[1], "label_count": tensors["fc.weight"].shape[0],
            "num_layers": num_layers, "bidirectional": "lstm.weight_hh_l0_reverse" in tensors}


def load_tensors(model, tensors):
    """Fills the module from {name: array}; a name that is missing or too many, or a wrong shape, is an error."""
    model.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in tensors.items()}, strict=True)
