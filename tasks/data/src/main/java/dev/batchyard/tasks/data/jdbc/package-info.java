/** Tables of a PostgreSQL database as targets: what they look like, and COPY into them. */
@NullMarked
package dev.batchyard.tasks.data.jdbc;

import org.jspecify.annotations.NullMarked;
