/* SPDX-License-Identifier: Apache-2.0
 *
 * A PostgreSQL server of the test's own: its files, socket and user are the test's, and it listens on no address. It refuses to run as
 * root, so it then is nobody's, as workers are.
 */
#ifndef SYSTEM_DATABASE_H
#define SYSTEM_DATABASE_H

#include "server.h"

/* Makes a database in the server's folder, and starts it. False: PostgreSQL is not there. */
bool database_make(const struct server *server);

/* host=... user=... dbname=... of it. */
const char *database_conninfo(void);

void database_launch(void);
void database_stop(void);

/* One statement or more, by psql. */
struct run database_sql(const char *statement);

/* Are so many others connected? */
bool database_has_connections(int count);

/* Waits until they are. */
void database_expect_connections(int count);

/* Ends those there are, once; and until there is none left. */
void database_cut_connections(void);
void database_end_connections(void);

#endif
