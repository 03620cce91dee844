/* workspace.c: growing working memory, and laying arrays out in it with checked sizes. */
#include "model/network.h"

tc_status tci_workspace_reserve(tci_workspace *workspace, size_t bytes, const char *what)
{
    if (bytes <= workspace->size)
        return TC_OK;
    tci_workspace_free(workspace); /* first, so that old and new are never held together */
    TCI_RETURN_IF(tci_alloc(workspace->memory, bytes, 1, what, &workspace->block));
    tci_ask_for_large_pages(workspace->memory, workspace->block, bytes);
    workspace->size = bytes;
    return TC_OK;
}

void tci_workspace_free(tci_workspace *workspace)
{
    if (workspace->memory)
        tci_free(workspace->memory, workspace->block);
    workspace->block = NULL;
    workspace->size = 0;
}

void *tci_carve(tci_layout *layout, size_t rows, size_t columns, size_t bytes)
{
    size_t elements = 0, size = 0, end = 0;
    if (!tci_multiply(rows, columns, &elements) || !tci_multiply(elements, bytes, &size) ||
        !tci_add(size, TCI_ALIGNMENT - 1, &size) ||
        !tci_add(layout->size, size / TCI_ALIGNMENT * TCI_ALIGNMENT, &end)) {
        layout->size = SIZE_MAX;
        return NULL;
    }
    void *place = layout->base ? layout->base + layout->size : NULL;
    layout->size = end;
    return place;
}
