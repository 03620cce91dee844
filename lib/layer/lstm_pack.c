/* lstm_pack.c: PyTorch's weight layout to and from the grouped panels of lstm.h.
 *
 * PyTorch's row gate·hidden_dim + unit is grouped column 64·(unit / 16) + 16·gate + unit % 16. */
#include "layer/lstm_internal.h"

#include <string.h>

/* Floats of packed weights for all gates. They are whole cache lines in every type: 64 columns at least. */
static size_t matrix_floats(const tci_lstm_shape *shape, size_t depth)
{
    size_t panels = TCI_LSTM_GATES * TCI_PADDED(shape->hidden_dim) / TCI_PANEL;
    return tci_packed_bytes(shape->element, depth, panels) / sizeof(float);
}

/* Vectors as wide as the gates: the bias, and the scales of the two weights. */
static size_t gate_vectors(const tci_lstm_shape *shape)
{
    return shape->element == TCI_ELEMENT_INT8 ? 3 : 1;
}

size_t tci_lstm_packed_floats(const tci_lstm_shape *shape)
{
    return gate_vectors(shape) * TCI_LSTM_GATES * TCI_PADDED(shape->hidden_dim) +
           matrix_floats(shape, shape->hidden_dim) + shape->inputs * matrix_floats(shape, shape->input_dim);
}

void tci_lstm_place(tci_lstm *lstm, const tci_lstm_shape *shape, float *block)
{
    size_t hidden_width = TCI_PADDED(shape->hidden_dim), gate_width = TCI_LSTM_GATES * hidden_width;
    float *scales = shape->element == TCI_ELEMENT_INT8 ? block + gate_width : NULL;
    *lstm = (tci_lstm){.shape = *shape, .hidden_width = hidden_width, .gate_width = gate_width};
    lstm->groups = hidden_width / TCI_PANEL;
    lstm->bias = block;
    block += gate_vectors(shape) * gate_width;
    lstm->hh = (tci_packed){shape->element, shape->hidden_dim, block, scales};
    block += matrix_floats(shape, shape->hidden_dim);
    for (size_t i = 0; i < shape->inputs; i++, block += matrix_floats(shape, shape->input_dim))
        lstm->ih[i] = (tci_packed){shape->element, shape->input_dim, block, scales ? scales + gate_width : NULL};
}

size_t tci_lstm_back_floats(const tci_lstm_shape *shape)
{
    size_t hidden_width = TCI_PADDED(shape->hidden_dim);
    return TCI_LSTM_GATES * hidden_width * (shape->inputs * TCI_PADDED(shape->input_dim) + hidden_width);
}

void tci_lstm_place_back(tci_lstm *lstm, float *block)
{
    lstm->hh_back = block;
    block += lstm->gate_width * lstm->hidden_width;
    for (size_t i = 0; i < lstm->shape.inputs; i++, block += lstm->gate_width * TCI_PADDED(lstm->shape.input_dim))
        lstm->ih_back[i] = block;
}

/* Units of a group that are really there. */
static size_t group_units(const tci_lstm *lstm, size_t group)
{
    size_t left = lstm->shape.hidden_dim - group * TCI_PANEL;
    return left < TCI_PANEL ? left : TCI_PANEL;
}

/* The grouped panels [4·begin, 4·end) from weight (4·hidden_dim, stride), whose columns begin at number `column`. */
static void pack_forward(const tci_lstm *lstm, const tci_kernels *kernels, size_t begin, size_t end,
                         const tci_packed *packed, const void *weight, size_t stride, size_t column,
                         const float *scales)
{
    for (size_t group = begin; group < end; group++) {
        for (size_t gate = 0; gate < TCI_LSTM_GATES; gate++) {
            size_t row = gate * lstm->shape.hidden_dim + group * TCI_PANEL;
            const char *rows = (const char *)weight + (row * stride + column) * tci_element_bytes(packed->element);
            tci_packed_fill(packed, kernels, group * TCI_LSTM_GATES + gate, group_units(lstm, group), rows, stride,
                            scales ? scales + row : NULL);
        }
    }
}

/* Panels [begin, end), each 16 columns of weight, for products with the grouped pre-activation gradients: depth
 * gate_width. A row goes to all of them at once: for each alone a line of every page would be read. */
static void pack_backward(const tci_lstm *lstm, const tci_kernels *kernels, size_t begin, size_t end,
                          const float *weight, size_t stride, size_t columns, float *packed)
{
    static const uint32_t in_order[TCI_PANEL] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    size_t panel_floats = lstm->gate_width * TCI_PANEL, whole = columns / TCI_PANEL < end ? columns / TCI_PANEL : end;
    bool zeros = lstm->hidden_width != lstm->shape.hidden_dim; /* lines of units that are not there */
    if (begin == end)
        return;
    if (zeros || whole < end)
        memset(packed + (zeros ? begin : whole) * panel_floats, 0,
               (end - (zeros ? begin : whole)) * panel_floats * sizeof *packed);
    for (size_t panel = 0; panel < lstm->groups * TCI_LSTM_GATES; panel++) {
        size_t group = panel / TCI_LSTM_GATES, gate = panel % TCI_LSTM_GATES, units = group_units(lstm, group);
        const float *rows = weight + (gate * lstm->shape.hidden_dim + group * TCI_PANEL) * stride;
        float *to = packed + panel * TCI_PANEL * TCI_PANEL;
        if (begin < whole)
            kernels->gather_panels(units, whole - begin, in_order, rows + begin * TCI_PANEL, stride,
                                   to + begin * panel_floats, TCI_PANEL, panel_floats);
        for (size_t unit = 0; whole < end && unit < units; unit++)
            memcpy(to + whole * panel_floats + unit * TCI_PANEL, rows + unit * stride + whole * TCI_PANEL,
                   (columns - whole * TCI_PANEL) * sizeof *to);
    }
}

static void pack_bias(const tci_lstm *lstm, size_t begin, size_t end, const tci_lstm_weights *parameters)
{
    for (size_t group = begin; group < end; group++) {
        for (size_t column = 0; column < TCI_LSTM_GROUP; column++) {
            size_t gate = column / TCI_PANEL, unit = column % TCI_PANEL;
            size_t row = gate * lstm->shape.hidden_dim + group * TCI_PANEL + unit;
            lstm->bias[group * TCI_LSTM_GROUP + column] =
                unit < group_units(lstm, group) ? parameters->bias_ih[row] + parameters->bias_hh[row] : 0.0f;
        }
    }
}

void tci_lstm_pack(const tci_lstm *lstm, const tci_kernels *kernels, const tci_lstm_weights *parameters,
                   const tci_team *team)
{
    const tci_lstm_shape *shape = &lstm->shape;
    size_t input_width = shape->inputs * shape->input_dim, begin = 0, end = 0;
    tci_team_share(team, lstm->groups, 1, &begin, &end);
    pack_bias(lstm, begin, end, parameters);
    pack_forward(lstm, kernels, begin, end, &lstm->hh, parameters->weight_hh, shape->hidden_dim, 0,
                 parameters->scale_hh);
    for (size_t i = 0; i < shape->inputs; i++)
        pack_forward(lstm, kernels, begin, end, &lstm->ih[i], parameters->weight_ih, input_width, i * shape->input_dim,
                     parameters->scale_ih);
    if (!lstm->hh_back)
        return;
    const float *weight_ih = parameters->weight_ih, *weight_hh = parameters->weight_hh;
    pack_backward(lstm, kernels, begin, end, weight_hh, shape->hidden_dim, shape->hidden_dim, lstm->hh_back);
    tci_team_share(team, TCI_PADDED(shape->input_dim) / TCI_PANEL, 1, &begin, &end);
    for (size_t i = 0; i < shape->inputs; i++)
        pack_backward(lstm, kernels, begin, end, weight_ih + i * shape->input_dim, input_width, shape->input_dim,
                      lstm->ih_back[i]);
}

void tci_lstm_ungroup(const tci_lstm *lstm, const tci_kernels *kernels, size_t begin, size_t end, const float *panels,
                      size_t columns, float *gradient, size_t gradient_stride, bool add)
{
    for (size_t group = begin; group < end; group++) {
        for (size_t gate = 0; gate < TCI_LSTM_GATES; gate++) {
            size_t row = gate * lstm->shape.hidden_dim + group * TCI_PANEL;
            kernels->transpose(columns, group_units(lstm, group),
                               panels + (group * TCI_LSTM_GATES + gate) * columns * TCI_PANEL, TCI_PANEL,
                               gradient + row * gradient_stride, gradient_stride, add);
        }
    }
}
