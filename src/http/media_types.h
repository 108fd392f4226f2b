/* SPDX-License-Identifier: Apache-2.0
 *
 * The media type of a file, told by the last extension of its name. Pure.
 */
#ifndef HTTP_MEDIA_TYPES_H
#define HTTP_MEDIA_TYPES_H

/* A value for Content-Type, with charset where the type has one: "text/css; charset=utf-8". The case of
 * the extension is ignored; a name without a known one is "application/octet-stream". Never NULL. */
const char *media_type_of(const char *path);

#endif
