/** The checkpoint of a task whose sink lives in our own database. */
@NullMarked
package dev.batchyard.tasks.pipeline.jdbc;

import org.jspecify.annotations.NullMarked;
