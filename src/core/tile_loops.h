/*
 * How the loops of a tile are written: unrolled, so that its accumulators are
 * registers, and asking for the weights that come next.
 */
#ifndef ELECTRA_TILE_LOOPS_H
#define ELECTRA_TILE_LOOPS_H

/* Instrumented, the unrolled tiles would take a sanitizer's build many minutes. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1	/* as gcc says it */
#endif
#endif

#if defined(__SANITIZE_ADDRESS__)
#define TILE_UNROLL
#elif defined(__clang__)
#define TILE_UNROLL _Pragma("unroll")
#else
#define TILE_UNROLL _Pragma("GCC unroll 16")
#endif

/* Into the second-level cache: the first is full of what is in use. */
#if defined(__GNUC__)
#define TILE_PREFETCH(address) __builtin_prefetch(address, 0, 2)
#else
#define TILE_PREFETCH(address) ((void) (address))
#endif

/* Keeps the compiler from making pointers out of each other, one for each offset: more than there are registers. */
#if defined(__GNUC__)
#define TILE_KEEP(pointer) __asm__("" : "+r" (pointer))
#else
#define TILE_KEEP(pointer) ((void) (pointer))
#endif

#endif							/* ELECTRA_TILE_LOOPS_H */
