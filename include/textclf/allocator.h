/**
 * @file allocator.h
 * @brief The host's own memory functions, for hosts that cap or count memory.
 */
#ifndef TEXTCLF_ALLOCATOR_H
#define TEXTCLF_ALLOCATOR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Memory functions of the host. Given to tc_config_create_with() and inherited by everything made from that config;
 * the struct is copied, what `ctx` points to must outlive the last object.
 *
 * Thread rule: the functions are called from every thread that uses an object, and from the library's own worker
 * threads; they must be thread-safe.
 */
typedef struct tc_allocator {
    /** `size` bytes (never 0) aligned for any type, or NULL. */
    void *(*alloc)(void *ctx, size_t size);
    /** Grows or shrinks a block of `old_size` bytes; NULL leaves the old block as it is. */
    void *(*realloc)(void *ctx, void *pointer, size_t old_size, size_t new_size);
    /** Takes back what alloc or realloc gave; never NULL. */
    void (*free)(void *ctx, void *pointer);
    /** Handed to each function as it is. */
    void *ctx;
} tc_allocator;

#ifdef __cplusplus
}
#endif

#endif
