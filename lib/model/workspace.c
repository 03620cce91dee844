/* workspace.c: growing working memory. */
#include "model/network.h"

tc_status tci_workspace_reserve(tci_workspace *workspace, size_t bytes, const char *what)
{
    if (bytes <= workspace->size)
        return TC_OK;
    float *block = NULL;
    TCI_RETURN_IF(tci_alloc(workspace->memory, bytes, 1, what, &block));
    tci_free(workspace->memory, workspace->block);
    workspace->block = block;
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
