/** The task type data.import: files into tables. */
@NullMarked
package dev.batchyard.tasks.data;

import org.jspecify.annotations.NullMarked;
