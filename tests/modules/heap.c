/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into tine it counts what is asked of the heap; as a module, in the same process, it tells.
 */
#include <tine.h>

#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
unsigned long heap_calls(void);

static _Atomic unsigned long calls;

/* The module binds to that of the library that is preloaded, as everybody does to its malloc(). */
unsigned long heap_calls(void)
{
    return calls;
}

void *malloc(size_t size)
{
    calls++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    calls++;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    calls++;
    return __libc_realloc(memory, size);
}

static int tell(tine_request *r)
{
    return tine_text(r, 200, "%lu", heap_calls());
}

static int json(tine_request *r)
{
    return tine_json_pack(r, 200, "{s:s, s:i}", "name", tine_param(r, "name"), "year", 1815);
}

static int body(tine_request *r)
{
    size_t length;
    tine_body(r, &length);
    return tine_text(r, 200, "%zu", length);
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/calls", tell), TINE_GET("/json/{name}", json), TINE_POST("/body", body), {0}})
