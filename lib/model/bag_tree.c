/* bag_tree.c: the tree over labels of hierarchical softmax, Huffman's (1952) in the order that fastText builds it: the
 * two least counts are joined first, of equal ones a node before a leaf, a later leaf before an earlier one. */
#include <string.h>

#include "base/sort.h"
#include "model/bag_network.h"

static int compare_counts(const void *context, uint32_t a, uint32_t b)
{
    const uint64_t *counts = context;
    return counts[a] > counts[b] ? -1 : counts[a] < counts[b];
}

void tci_bag_build_tree(size_t labels, const void *counts, uint64_t *sums, tci_bag_node *tree)
{
    size_t leaf = labels, node = labels; /* leaves below `leaf` and inner nodes from `node` on are free */
    uint32_t *order = (uint32_t *)(sums + 2 * labels);
    memcpy(sums, counts, labels * sizeof *sums);
    for (size_t i = 0; i < labels; i++)
        order[i] = (uint32_t)i;
    tci_sort(order, order + labels, labels, compare_counts, sums);
    for (size_t i = labels; i + 1 < 2 * labels; i++) {
        uint32_t least[2];
        for (size_t k = 0; k < 2; k++) {
            bool is_leaf = leaf > 0 && (node == i || sums[order[leaf - 1]] < sums[node]);
            least[k] = is_leaf ? order[--leaf] : (uint32_t)node++;
        }
        tree[i - labels] = (tci_bag_node){least[0], least[1]};
        uint64_t left = sums[least[0]], right = sums[least[1]];
        sums[i] = left > UINT64_MAX - right ? UINT64_MAX : left + right;
    }
}
