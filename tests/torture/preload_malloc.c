/* preload_malloc.c: malloc of a whole process, preloaded: counts from 0 the calls that come after the program's start,
 * fails call TORTURE_FAIL_AT (and with TORTURE_ONWARDS all later ones), and at the end says on standard error
 *     calls N left L
 * L being the blocks that libtextclf.so took by itself and did not give back. For glibc, whose own functions lie below.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *pointer, size_t size);
extern void __libc_free(void *pointer);

#define SLOTS (1u << 16)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool counting;
static long calls, fail_at = -1, left;
static bool onwards;
static uintptr_t library_begin, library_end;
static void *blocks[SLOTS];

static int find_library(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    (void)context;
    if (!strstr(info->dlpi_name, "libtextclf"))
        return 0;
    library_begin = (uintptr_t)info->dlpi_addr;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t end = library_begin + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
        library_end = end > library_end ? end : library_end;
    }
    return 1;
}

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("TORTURE_FAIL_AT");
    onwards = getenv("TORTURE_ONWARDS") != NULL;
    fail_at = at ? atol(at) : -1;
    (void)dl_iterate_phdr(find_library, NULL);
    counting = true;
}

__attribute__((destructor)) static void end(void)
{
    char line[64];
    counting = false;
    int length = snprintf(line, sizeof line, "calls %ld left %ld\n", calls, left);
    if (write(STDERR_FILENO, line, (size_t)length) != length)
        _exit(9);
}

static bool fails(void)
{
    if (!counting)
        return false;
    pthread_mutex_lock(&lock);
    long call = calls++;
    pthread_mutex_unlock(&lock);
    bool now = fail_at >= 0 && (call == fail_at || (onwards && call > fail_at));
    if (now)
        errno = ENOMEM;
    return now;
}

/* The slot of a block, or the empty one where it would stand (linear probing; a freed block leaves a mark). */
static size_t slot_of(const void *pointer)
{
    size_t slot = ((uintptr_t)pointer >> 4) * 2654435761u % SLOTS;
    while (blocks[slot] && blocks[slot] != pointer)
        slot = (slot + 1) % SLOTS;
    return slot;
}

static void note(void *pointer, const void *caller)
{
    uintptr_t address = (uintptr_t)caller;
    if (!pointer || address < library_begin || address >= library_end)
        return;
    pthread_mutex_lock(&lock);
    blocks[slot_of(pointer)] = pointer;
    left++;
    pthread_mutex_unlock(&lock);
}

static void forget(const void *pointer)
{
    static char gone;
    if (!pointer || library_end == 0)
        return;
    pthread_mutex_lock(&lock);
    size_t slot = slot_of(pointer);
    if (blocks[slot]) {
        blocks[slot] = &gone;
        left--;
    }
    pthread_mutex_unlock(&lock);
}

void *malloc(size_t size)
{
    void *pointer = fails() ? NULL : __libc_malloc(size);
    note(pointer, __builtin_return_address(0));
    return pointer;
}

void *calloc(size_t count, size_t size)
{
    void *pointer = fails() ? NULL : __libc_calloc(count, size);
    note(pointer, __builtin_return_address(0));
    return pointer;
}

void *realloc(void *old, size_t size)
{
    if (fails())
        return NULL;
    forget(old);
    void *pointer = __libc_realloc(old, size);
    note(pointer ? pointer : old, __builtin_return_address(0));
    return pointer;
}

void free(void *pointer)
{
    forget(pointer);
    __libc_free(pointer);
}
