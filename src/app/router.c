/* SPDX-License-Identifier: Apache-2.0
 *
 * See router.h.
 */
#include "app/router.h"

#include "base/memory.h"
#include "http/fields.h"

#include <stdlib.h>

/* A node that a literal segment leads to; none: a free slot. */
struct child {
    uint32_t hash;
    struct router_node *node;
};

struct router_node {
    struct slice literal;   /* the segment that leads here; of param nodes empty */
    struct child *children; /* a hash table of slot_count slots, a power of two; none as long as there is no child */
    uint32_t child_count, slot_count;
    struct router_node *integer, *segment; /* {name:int}, {name} */
    struct route *tails;                   /* {name:path} from here on */
    struct route *routes;                  /* patterns that end here */
};

void router_init(struct router *router)
{
    *router = (struct router){.root = memory_new(sizeof *router->root)};
}

static void free_routes(struct route *route)
{
    while (route != NULL) {
        struct route *next = route->next;
        free(route);
        route = next;
    }
}

static void free_node(struct router_node *node)
{
    if (node == NULL)
        return;
    for (uint32_t i = 0; i < node->slot_count; i++)
        free_node(node->children[i].node);
    free_node(node->integer);
    free_node(node->segment);
    free_routes(node->tails);
    free_routes(node->routes);
    free(node->children);
    free(node);
}

void router_release(struct router *router)
{
    free_node(router->root);
    *router = (struct router){.root = NULL};
}

/* FNV-1a. What clients send is only looked up: they cannot make a table slow. */
static uint32_t hash_of(struct slice literal)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < literal.length; i++)
        hash = (hash ^ (unsigned char)literal.data[i]) * 16777619u;
    return hash;
}

/* Where the literal is, or the free slot in which it would be. At least half of the slots are free. */
static struct child *child_slot(const struct router_node *node, struct slice literal)
{
    uint32_t hash = hash_of(literal), mask = node->slot_count - 1, at = hash & mask;
    while (node->children[at].node != NULL &&
           (node->children[at].hash != hash || !slice_equals(node->children[at].node->literal, literal)))
        at = (at + 1) & mask;
    return &node->children[at];
}

static struct router_node *find_literal(const struct router_node *node, struct slice literal)
{
    return node->slot_count > 0 ? child_slot(node, literal)->node : NULL;
}

static void grow(struct router_node *node)
{
    struct child *old = node->children;
    uint32_t count = node->slot_count;
    node->slot_count = count > 0 ? 2 * count : 2;
    node->children = memory_new(node->slot_count * sizeof *node->children);
    for (uint32_t i = 0; i < count; i++)
        if (old[i].node != NULL)
            *child_slot(node, old[i].node->literal) = old[i];
    free(old);
}

static struct router_node *add_literal(struct router_node *node, struct slice literal)
{
    struct router_node *child = find_literal(node, literal);
    if (child != NULL)
        return child;
    if (2 * (node->child_count + 1) > node->slot_count)
        grow(node);
    child = memory_new(sizeof *child);
    child->literal = literal;
    *child_slot(node, literal) = (struct child){hash_of(literal), child};
    node->child_count++;
    return child;
}

/* Cuts the next segment off a path that begins with '/'. */
static struct slice take_segment(struct slice *path)
{
    const char *start = path->data + 1, *end = path->data + path->length;
    const char *slash = memchr(start, '/', (size_t)(end - start));
    struct slice segment = {start, (size_t)((slash != NULL ? slash : end) - start)};
    *path = (struct slice){start + segment.length, (size_t)(end - start) - segment.length};
    return segment;
}

enum param_kind { PARAM_NONE, PARAM_SEGMENT, PARAM_INTEGER, PARAM_PATH, PARAM_BAD };

static enum param_kind parse_param(struct slice segment, struct slice *name)
{
    if (segment.length == 0 || segment.data[0] != '{')
        return memchr(segment.data, '{', segment.length) || memchr(segment.data, '}', segment.length) ? PARAM_BAD
                                                                                                      : PARAM_NONE;
    if (segment.data[segment.length - 1] != '}')
        return PARAM_BAD;
    *name = (struct slice){segment.data + 1, segment.length - 2};
    const char *colon = memchr(name->data, ':', name->length);
    struct slice type = {NULL, 0};
    if (colon != NULL) {
        type = (struct slice){colon + 1, (size_t)(name->data + name->length - colon - 1)};
        name->length = (size_t)(colon - name->data);
    }
    if (!field_is_token(*name))
        return PARAM_BAD;
    return colon == NULL                        ? PARAM_SEGMENT
           : slice_equals(type, SLICE("int"))  ? PARAM_INTEGER
           : slice_equals(type, SLICE("path")) ? PARAM_PATH
                                               : PARAM_BAD;
}

static struct router_node *param_node(struct router_node **node)
{
    if (*node == NULL)
        *node = memory_new(sizeof **node);
    return *node;
}

/* Walks and builds the tree along the pattern; finds the list that the route belongs to. */
static const char *find_list(struct router_node *node, struct route *route, struct route ***list)
{
    struct slice rest = slice_from(route->pattern);
    *list = &node->routes;
    while (rest.length > 0) {
        struct slice segment = take_segment(&rest), name = {NULL, 0};
        enum param_kind kind = parse_param(segment, &name);
        if (kind == PARAM_BAD)
            return "a parameter is not {name}, {name:int} or {name:path}";
        if (kind != PARAM_NONE && route->param_count == ROUTER_PARAMS_MAX)
            return "there are more than 16 parameters";
        if (kind != PARAM_NONE)
            route->params[route->param_count++] = name;
        if (kind == PARAM_PATH && rest.length > 0)
            return "{name:path} is not the last segment";
        if (kind == PARAM_PATH) {
            route->has_tail = true;
            *list = &node->tails;
        } else {
            node = kind == PARAM_NONE      ? add_literal(node, segment)
                   : kind == PARAM_INTEGER ? param_node(&node->integer)
                                           : param_node(&node->segment);
            *list = &node->routes;
        }
    }
    return NULL;
}

static const char *link_route(struct route **list, struct route *route)
{
    for (; *list != NULL; list = &(*list)->next)
        if (slice_equals((*list)->method, route->method))
            return "the same method and pattern are there already";
    *list = route;
    return NULL;
}

const char *router_add(struct router *router, const char *method, const char *pattern, tine_handler *handler,
                       const char *name, uint32_t number)
{
    if (method == NULL || !field_is_token(slice_from(method)))
        return "the method is not a token";
    if (pattern == NULL || pattern[0] != '/')
        return "the pattern does not begin with '/'";
    if (handler == NULL)
        return "there is no handler";
    struct route *route = memory_new(sizeof *route), **list;
    *route = (struct route){.method = slice_from(method), .pattern = pattern, .handler = handler,
                            .name = name != NULL ? name : "?", .number = number, .recent_us = -1};
    const char *wrong = find_list(router->root, route, &list);
    if (wrong == NULL)
        wrong = link_route(list, route);
    if (wrong != NULL) {
        free(route);
        return wrong;
    }
    *(router->first == NULL ? &router->first : &router->added->following) = route;
    router->added = route;
    return NULL;
}

/* One walk through the tree. */
struct walk {
    struct slice method;
    struct router_match *match;
    unsigned captured;
    struct route *other[16]; /* routes that fit but for the method */
    unsigned other_count;
};

static bool method_fits(const struct route *route, struct slice method)
{
    /* TRACE sends back what it was sent, cookies and all: no route that takes whatever comes has that in mind (RFC 9110, 9.3.8). */
    return slice_equals(route->method, method) || (slice_equals(route->method, SLICE("*")) && !slice_equals(method, SLICE("TRACE"))) ||
           (slice_equals(method, SLICE("HEAD")) && slice_equals(route->method, SLICE("GET")));
}

/* A route for the very method wins over one that serves it on the side (GET for HEAD, "*" for all). */
static bool choose(struct walk *walk, struct route *routes)
{
    struct route *chosen = NULL;
    for (struct route *route = routes; route != NULL; route = route->next) {
        bool exact = slice_equals(route->method, walk->method);
        if (exact || (chosen == NULL && method_fits(route, walk->method)))
            chosen = route;
        if (exact)
            break;
        if (walk->other_count < sizeof walk->other / sizeof walk->other[0])
            walk->other[walk->other_count++] = route;
    }
    walk->match->route = chosen;
    return chosen != NULL;
}

static bool is_integer(struct slice text)
{
    size_t i = text.length > 0 && text.data[0] == '-' ? 1 : 0;
    if (i == text.length)
        return false;
    while (i < text.length && text.data[i] >= '0' && text.data[i] <= '9')
        i++;
    return i == text.length;
}

static bool search(const struct router_node *node, struct slice rest, struct walk *walk);

static bool search_param(const struct router_node *node, struct slice value, struct slice rest, struct walk *walk)
{
    walk->match->values[walk->captured++] = value;
    if (search(node, rest, walk))
        return true;
    walk->captured--;
    return false;
}

/* Depth is bounded by the longest pattern, not by the path. */
static bool search(const struct router_node *node, struct slice rest, struct walk *walk)
{
    if (rest.length == 0)
        return choose(walk, node->routes);
    struct slice whole = rest, segment = take_segment(&rest);
    const struct router_node *child = find_literal(node, segment);
    if (child != NULL && search(child, rest, walk))
        return true;
    if (node->integer != NULL && is_integer(segment) && search_param(node->integer, segment, rest, walk))
        return true;
    if (node->segment != NULL && segment.length > 0 && search_param(node->segment, segment, rest, walk))
        return true;
    if (node->tails == NULL || !choose(walk, node->tails))
        return false;
    walk->match->values[walk->captured] = (struct slice){whole.data + 1, whole.length - 1};
    return true;
}

static void allow_add(struct buffer *allow, struct slice method)
{
    struct slice list = {buffer_length(allow) > 0 ? buffer_bytes(allow) : "", buffer_length(allow)};
    if (field_list_has(list, method))
        return;
    if (list.length > 0)
        buffer_append_text(allow, ", ");
    buffer_append(allow, method.data, method.length);
}

/* What is named of any method, in Allow. */
static const struct slice usual[] = {{"GET", 3}, {"HEAD", 4}, {"POST", 4}, {"PUT", 3}, {"DELETE", 6}, {"PATCH", 5}};

int router_match(const struct router *router, struct slice method, struct slice path, struct router_match *match,
                 struct buffer *allow)
{
    struct walk walk;
    walk.method = method;
    walk.match = match;
    walk.captured = walk.other_count = 0; /* what is not counted need not be cleared */
    match->route = NULL;
    if (search(router->root, path, &walk))
        return 0;
    for (unsigned i = 0; i < walk.other_count; i++) {
        struct slice allowed = walk.other[i]->method;
        bool any = slice_equals(allowed, SLICE("*"));
        for (size_t k = 0; any && k < sizeof usual / sizeof usual[0]; k++)
            allow_add(allow, usual[k]);
        if (!any)
            allow_add(allow, allowed);
        if (slice_equals(allowed, SLICE("GET")))
            allow_add(allow, SLICE("HEAD"));
    }
    if (walk.other_count == 0)
        return 404;
    match->other = walk.other[0];
    return 405;
}
